"""Session variables: what the server reports, replayed by our rules, gives the same session.

No proxy here: a small program (tests/tools/replay_tool.c) holds the code that learns and plans; the
tests carry packets between it and real servers. Connection `client` is set by SQL; connection
`server` is brought to the same state by what the program says; SHOW SESSION VARIABLES must then
agree on both.
"""

import contextlib
import os
import random
import subprocess

import pymysql
import pytest

from world import TOP, query

SESSION_TRACK = 1 << 23
STATE_CHANGED = 1 << 14

# Different on any two connections, or changing by themselves.
PASSING = {
    "timestamp", "rand_seed1", "rand_seed2", "pseudo_thread_id", "statement_id", "warning_count",
    "error_count", "last_gtid", "gtid_owned", "in_transaction", "proxy_user", "external_user",
    "insert_id", "last_insert_id", "identity", "hostname",
}

# Values where neither the type nor the server's list of values tells a good one.
VALUES = {
    "binlog_format": ["'STATEMENT'", "'ROW'"],
    "binlog_row_image": ["'MINIMAL'", "'FULL'"],
    "binlog_row_value_options": ["'PARTIAL_JSON'", "''"],
    "block_encryption_mode": ["'aes-256-cbc'"],
    "character_set_client": ["'latin1'", "'utf8mb4'"],
    "character_set_connection": ["'koi8r'", "'utf8mb4'", "'ucs2'", "'latin1'"],
    "character_set_filesystem": ["'latin1'"],
    "character_set_results": ["NULL", "'latin1'"],
    "character_set_server": ["'koi8r'", "'latin1'"],
    "collation_connection": ["'latin1_bin'", "'utf8mb4_bin'", "'utf16_bin'"],
    "collation_server": ["'latin1_bin'"],
    "completion_type": ["'CHAIN'"],
    "connection_memory_limit": ["100000000"],
    "default_collation_for_utf8mb4": ["'utf8mb4_general_ci'"],
    "default_storage_engine": ["'MyISAM'"],
    "default_tmp_storage_engine": ["'MyISAM'"],
    "enforce_storage_engine": ["'InnoDB'"],
    "explain_format": ["'JSON'", "'TRADITIONAL'"],
    "group_replication_consistency": ["'EVENTUAL'"],
    "innodb_ft_user_stopword_table": ["'test/stopwords'"],
    "innodb_tmpdir": ["'/tmp'", "NULL"],
    "internal_tmp_mem_storage_engine": ["'MEMORY'"],
    "lc_messages": ["'de_DE'"],
    "lc_time_names": ["'de_DE'"],
    "max_join_size": ["100000", "18446744073709551615"],
    "max_session_mem_used": ["100000000"],
    "max_statement_time": ["25.5"],
    "myisam_stats_method": ["'nulls_equal'"],
    "optimizer_switch": ["'mrr=on'", "'mrr=off'"],
    "optimizer_trace_features": ["'greedy_search=off'"],
    "parser_max_mem_size": ["20000000"],
    "rbr_exec_mode": ["'IDEMPOTENT'"],
    "sql_mode": ["'ANSI'", "'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'", "''", "'TRADITIONAL'"],
    "sql_select_limit": ["100000"],
    "storage_engine": ["'MyISAM'"],
    "system_versioning_asof": ["'2020-01-01 00:00:00'", "'ALL'"],
    "terminology_use_previous": ["'BEFORE_8_0_26'"],
    "time_zone": ["'+02:00'", "'-11:30'"],
    "transaction_isolation": ["'SERIALIZABLE'", "'READ-COMMITTED'"],
    "updatable_views_with_limit": ["'NO'"],
    "use_secondary_engine": ["'OFF'"],
}

# Replayed in principle, but not to be had on a test server with default settings, or refused.
UNSETTABLE = {
    "external_table_storage_engine", "external_table_secondary_storage_engine", "query_cache_type",
    "wsrep_trx_fragment_size", "wsrep_trx_fragment_unit",
}


# --- the program -----------------------------------------------------------------------------


class Tool:
    """The program of tests/tools/replay_tool.c, one question and answer at a time."""

    def __init__(self, program, flavor):
        self.process = subprocess.Popen([str(program), flavor], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the program ended at {words[0]}"
        return answer.rstrip("\n")

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0


def _hex(data):
    return data.hex() or "-"


def _text(word):
    return "" if word == "-" else bytes.fromhex(word).decode()


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Built here, so that the tests need nothing but the sources and a compiler."""
    out = tmp_path_factory.mktemp("tool") / "replay_tool"
    sources = [TOP / "tests/tools/replay_tool.c", TOP / "proxy/memory.c", TOP / "proxy/locked.c"]
    sources += [TOP / f"proxy/client/{name}.c"
                for name in ("environment", "replay", "tracking", "user_variables", "variables")]
    sources += sorted((TOP / "protocol").glob("*.c")) + sorted((TOP / "router").glob("*.c"))
    command = [*os.environ.get("CC", "cc").split(), "-std=c17", "-D_GNU_SOURCE", "-O1", "-g",
               "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", str(TOP),
               "-o", str(out), *map(str, sources), "-lcrypto", "-lsodium", "-lz", "-lzstd"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return out


@pytest.fixture
def tool(cluster, program):
    with contextlib.closing(Tool(program, cluster.flavor)) as running:
        yield running


# --- connections -----------------------------------------------------------------------------


def _lenenc(data, at):
    first = data[at]
    if first < 251:
        return first, at + 1
    size = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(data[at + 1:at + 1 + size], "little"), at + 1 + size


class Link:
    """A connection with trackers on; `number` is its session in the program."""

    def __init__(self, cluster, tool, number):
        self.tool, self.number = tool, number
        self.conn = pymysql.connect(unix_socket=cluster.socket_path(0), user="root", password="",
                                    database="test", charset="utf8mb4", autocommit=None,
                                    client_flag=SESSION_TRACK)
        self.pins = 0
        names = ",".join(_names(cluster, self.conn))
        self.conn.query(_text(tool.ask("setup", names)))
        self.forget()

    def forget(self):
        """The state of a connection after a reset, as far as the program knows it."""
        self.tool.ask("session", self.number)
        self.tool.ask("reset")
        self.run("USE test")
        self.run("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci")

    def block(self):
        """The tracker block of the last OK packet."""
        rest, result = self.conn._result.message or b"", self.conn._result
        if not rest or not result.server_status & STATE_CHANGED:
            return b""
        size, at = _lenenc(rest, 0)
        size, at = _lenenc(rest, at + size)
        return rest[at:at + size]

    def run(self, sql):
        """Runs a statement and lets the program learn from the answer."""
        self.conn.query(sql)
        self.tool.ask("session", self.number)
        self.pins = int(self.tool.ask("learn", self.conn._result.server_status,
                                      _hex(self.block()), _hex(sql.encode())))

    def become(self, other, baseline=None):
        """Brings this connection to the state of another one; returns the kind of plan."""
        self.tool.ask("session", other.number)
        source = self.number if baseline is None else baseline
        kind, schema, sql = self.tool.ask("plan", source).split(" ")
        assert kind != "impossible"
        if kind == "reset":
            self.reset()
        if schema != "-":
            self.conn.select_db(bytes.fromhex(schema).decode())
        if sql != "-":
            self.conn.query(_text(sql))
        return kind, _text(sql)

    def reset(self):
        self.conn._execute_command(0x1F, b"")
        self.conn._read_ok_packet()

    def variables(self):
        rows = query(self.conn, "SHOW SESSION VARIABLES")
        self.conn.query("ROLLBACK")
        return {k: v for k, v in ((_str(k).lower(), _str(v)) for k, v in rows)
                if k not in PASSING and not k.startswith("session_track_")}


def _str(value):
    return value.decode("latin1") if isinstance(value, bytes) else value


def _metadata(cluster, conn):
    """name, scope, type, value now, lowest, highest, list of values."""
    if cluster.flavor == "mariadb":
        return query(conn, "SELECT LOWER(variable_name), variable_scope, variable_type, "
                     "session_value, numeric_min_value, numeric_max_value, enum_value_list "
                     "FROM information_schema.system_variables "
                     "WHERE variable_scope LIKE '%SESSION%' AND read_only = 'NO' ORDER BY 1")
    return query(conn, "SELECT LOWER(m.VARIABLE_NAME), m.VARIABLE_SCOPE, m.DATA_TYPE, "
                 "v.VARIABLE_VALUE, m.MIN_VALUE, m.MAX_VALUE, NULL "
                 "FROM performance_schema.variables_metadata m "
                 "LEFT JOIN performance_schema.session_variables v USING (VARIABLE_NAME) "
                 "WHERE m.VARIABLE_SCOPE LIKE 'SESSION%' ORDER BY 1")


def _names(cluster, conn):
    if cluster.flavor == "mariadb":
        rows = query(conn, "SELECT LOWER(variable_name) FROM information_schema.system_variables "
                     "WHERE variable_scope LIKE '%SESSION%'")
    else:
        rows = query(conn, "SELECT VARIABLE_NAME FROM performance_schema.variables_metadata "
                     "WHERE VARIABLE_SCOPE LIKE 'SESSION%'")
    return [row[0] for row in rows]


def _number_choices(now, lowest, highest):
    now, lowest, highest = (int(x or 0) for x in (now, lowest, highest))
    wanted = (now * 2 if now > 0 else 1, now // 2, now + 1, now - 1, lowest, lowest + 1)
    return [str(n) for n in wanted if lowest <= n <= highest and n != now and n < 1 << 40]


def _choices(name, kind, now, lowest, highest, listed):
    """Values worth trying, as SQL."""
    kind = kind.upper()
    if name in VALUES:
        return VALUES[name]
    if kind == "BOOLEAN":
        return ["OFF" if now in ("ON", "1", "YES") else "ON"]
    if kind == "FLAGSET":
        return [f"'{listed.split(',')[0]}={state}'" for state in ("on", "off")]
    if listed:
        return [f"'{v}'" for v in listed.split(",") if v.upper() != (now or "").upper()]
    if kind in ("NUMERIC", "DOUBLE"):
        return ["1.5", "3.25"]
    if "INT" in kind:
        return _number_choices(now, lowest, highest)
    return ["'x'"]


# What the generated table pins or ignores; the unit tests look at those.
def _flagged():
    text = (TOP / "proxy/client/variable_table.inc").read_text()
    rows = [line[len("VARIABLE("):-1].split(", ") for line in text.splitlines()
            if line.startswith("VARIABLE(") and line.endswith(")")]
    return {row[0]: row[2] for row in rows if len(row) == 6}


def replayed(cluster, conn):
    """name -> values to try, of every variable that we would replay."""
    flags = _flagged()
    return {row[0]: _choices(row[0], *row[2:]) for row in _metadata(cluster, conn)
            if flags.get(row[0]) == "0" and row[0] not in UNSETTABLE}


def assert_same(client, server, what):
    wanted, got = client.variables(), server.variables()
    different = {k: (wanted[k], got.get(k)) for k in wanted if got.get(k) != wanted[k]}
    assert not different, f"after {what}: (client, server) = {different}"


# --- tests -----------------------------------------------------------------------------------


def test_every_variable(cluster, tool):
    """Set to another value on one connection, replayed on another: nothing differs anywhere."""
    server = Link(cluster, tool, 0)
    choices = replayed(cluster, server.conn)
    assert len(choices) > 100
    without_value = []
    for name, values in choices.items():
        client = Link(cluster, tool, 1)
        for value in values:
            before = client.variables()
            try:
                client.run(f"SET SESSION {name} = {value}")
            except pymysql.err.MySQLError:
                continue
            assert client.pins == 0, f"{name} = {value} pins {client.pins}"
            if client.variables() != before:
                break
        else:
            without_value.append(name)
        server.reset()
        server.forget()
        server.conn.query(_text(tool.ask("setup", ",".join(_names(cluster, server.conn)))))
        server.become(client)
        assert_same(client, server, f"SET {name}")
        client.conn.close()
    assert len(without_value) < 8, f"no other value could be set: {without_value}"
    print(f"{len(choices)} variables, without another value: {without_value}")


SEQUENCES = [
    ["SET NAMES latin1"],
    ["SET NAMES utf8mb4"],
    ["SET NAMES utf8mb4 COLLATE utf8mb4_bin"],
    ["SET NAMES utf8 COLLATE utf8_bin"],
    ["SET NAMES binary"],
    ["SET NAMES gbk", "SET time_zone = '+02:00'"],
    ["SET NAMES utf8mb4 COLLATE utf8mb4_bin", "SET NAMES utf8mb4"],
    ["SET NAMES utf8mb4", "SET character_set_results = NULL"],
    ["SET NAMES latin1", "SET character_set_client = utf8mb4"],
    ["SET NAMES latin1", "SET collation_connection = utf8mb4_bin"],
    ["SET NAMES DEFAULT"],
    ["SET collation_connection = latin1_bin", "SET character_set_connection = latin1"],
    ["SET character_set_connection = utf8mb4, collation_connection = utf8mb4_bin"],
    ["SET collation_connection = utf8mb4_bin, character_set_connection = utf8mb4"],
    ["SET lc_time_names = 'de_DE'", "SET character_set_connection = ucs2"],
    ["SET character_set_connection = utf16", "SET wait_timeout = 77"],
    ["SET character_set_server = latin1, collation_server = latin1_bin"],
    ["SET collation_server = latin1_bin", "SET character_set_server = latin1"],
    ["SET max_join_size = 100000"],
    ["SET sql_big_selects = 0", "SET max_join_size = 18446744073709551615"],
    ["SET max_join_size = 100000, sql_big_selects = 1"],
    ["SET max_join_size = 100000", "SET sql_big_selects = 1"],
    ["SET sql_mode = 'NO_BACKSLASH_ESCAPES'", "SET time_zone = '+02:00'"],
    ["SET sql_mode = 'ANSI'", "SET sql_mode = ''"],
    ["SET autocommit = 0"],
    ["SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
    ["SET SESSION TRANSACTION READ ONLY"],
]
MARIADB_SEQUENCES = [
    ["SET log_slow_filter = 'admin'", "SET log_queries_not_using_indexes = ON"],
    ["SET log_queries_not_using_indexes = ON", "SET log_slow_filter = 'admin'"],
    ["SET log_slow_admin_statements = OFF", "SET log_slow_disabled_statements = 'sp'"],
    ["SET log_slow_disabled_statements = 'sp'", "SET log_slow_admin_statements = OFF"],
    ["SET wsrep_sync_wait = 3", "SET wsrep_causal_reads = OFF"],
    ["SET wsrep_causal_reads = ON", "SET wsrep_sync_wait = 2"],
    ["SET alter_algorithm = 'COPY'", "SET old_alter_table = 'INPLACE'"],
    ["SET storage_engine = MyISAM", "SET default_storage_engine = InnoDB"],
    ["SET time_zone = '+02:00'", "SET sql_mode = 'ORACLE'"],
    ["SET STATEMENT sort_buffer_size = 300000 FOR SELECT 1", "SET time_zone = '+02:00'"],
]
MYSQL_SEQUENCES = [
    ["SET default_collation_for_utf8mb4 = utf8mb4_general_ci", "SET NAMES utf8mb4"],
    ["SET default_collation_for_utf8mb4 = utf8mb4_general_ci",
     "SET character_set_connection = utf8mb4"],
]


def test_sequences(cluster, tool):
    """Assignments that set other variables along, in the orders that matter."""
    mine = MARIADB_SEQUENCES if cluster.flavor == "mariadb" else MYSQL_SEQUENCES
    for statements in SEQUENCES + mine:
        client, server = Link(cluster, tool, 1), Link(cluster, tool, 2)
        for sql in statements:
            client.run(sql)
        assert client.pins == 0, f"{statements} pins {client.pins}"
        server.become(client)
        assert_same(client, server, statements)
        client.conn.close()
        server.conn.close()


@pytest.mark.parametrize("name", ["plain", "it's", "back\\slash", "h\u00f6he"])
def test_quoting(cluster, tool, tmp_path, name):
    """Values that need care, on connections in which quotes and backslashes mean other things."""
    if cluster.flavor == "mysql" and "\\" in name:
        pytest.skip("MySQL refuses such a folder")
    folder = tmp_path / name
    folder.mkdir()
    for start in ("DO 1", "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", "SET NAMES gbk",
                  "SET NAMES latin1", "SET character_set_connection = ucs2"):
        client, server = Link(cluster, tool, 1), Link(cluster, tool, 2)
        value = str(folder).encode().hex()
        client.run(f"SET innodb_tmpdir = _utf8mb4 X'{value}', sql_mode = 'ANSI_QUOTES'")
        server.run(start)
        server.become(client)
        assert_same(client, server, start)
        shown = query(server.conn, "SELECT HEX(CONVERT(@@innodb_tmpdir USING utf8mb4))")
        assert shown[0][0].lower() == value
        client.conn.close()
        server.conn.close()


def test_global_default_collation(own_cluster, program):
    """SET NAMES utf8mb4 chooses the server's default collation also where that was changed."""
    cluster = own_cluster("mysql", replicas=0)
    cluster.sql(0, "SET GLOBAL default_collation_for_utf8mb4 = utf8mb4_general_ci")
    with contextlib.closing(Tool(program, "mysql")) as tool:
        for sql in ("SET NAMES utf8mb4", "SET character_set_connection = utf8mb4"):
            client, server = Link(cluster, tool, 1), Link(cluster, tool, 2)
            server.run("SET NAMES latin1")
            client.run(sql)
            if sql.startswith("SET character"):
                client.run("SET character_set_client = latin1, character_set_results = latin1")
            server.become(client)
            assert_same(client, server, sql)


def test_pins(cluster, tool):
    """What cannot be replayed pins, by what the real server sends."""
    pinning = [
        "SET timestamp = 1000000000", "SET insert_id = 5", "SET rand_seed1 = 5",
        "SET sql_log_bin = 0", "SET profiling = 1", "SET sql_auto_is_null = 1",
        "SET pseudo_slave_mode = 1", "SET TRANSACTION READ ONLY", "SET CHARACTER SET utf8mb4",
        "SET character_set_connection = DEFAULT", "SET character_set_database = latin1",
        "SET @x = 1", "CREATE TEMPORARY TABLE test.pinned (a INT)",
        "PREPARE p FROM 'SELECT 1'", "LOCK TABLES mysql.plugin READ",
    ]
    for sql in pinning:
        client = Link(cluster, tool, 1)
        client.run(sql)
        assert client.pins != 0, sql
        client.conn.close()


def test_walks(cluster, tool):
    """Many sessions take turns on one connection: each finds exactly its own state."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    server = Link(cluster, tool, 0)
    setup = _text(tool.ask("setup", ",".join(_names(cluster, server.conn))))
    choices = replayed(cluster, server.conn)
    # A table that does not exist, and limits that would stop SHOW itself.
    for name in ("innodb_ft_user_stopword_table", "max_session_mem_used"):
        choices.pop(name, None)
    names = sorted(choices)
    often = [n for n in ("sql_mode", "character_set_results", "collation_connection", "time_zone",
                         "autocommit", "max_join_size", "sql_big_selects") if n in choices]
    clients = [Link(cluster, tool, number) for number in range(1, 7)]
    holder, kinds = None, {"none": 0, "state": 0, "reset": 0}
    for turn in range(60):
        client = dice.choice(clients)
        for _ in range(dice.randrange(3)):
            name = dice.choice(dice.choice([names, often]))
            sql = f"SET {name} = {dice.choice(choices[name])}" if choices[name] else "DO 1"
            if dice.random() < 0.2:
                sql = dice.choice(["SET NAMES latin1", "SET NAMES utf8mb4",
                                   "SET NAMES utf8mb4 COLLATE utf8mb4_bin"])
            with contextlib.suppress(pymysql.err.MySQLError):
                client.run(sql)
        if client.pins:
            client.conn.close()
            clients[clients.index(client)] = Link(cluster, tool, client.number)
            continue
        # Holding what the last session left: its state, remembered under a number of its own.
        tool.ask("session", client.number)
        kind, schema, sql = tool.ask("plan", holder if holder is not None else "?").split(" ")
        assert kind != "impossible"
        kinds[kind] += 1
        if kind == "reset":
            server.reset()
            server.conn.query(setup)
        if schema != "-":
            server.conn.select_db(bytes.fromhex(schema).decode())
        if sql != "-":
            server.conn.query(_text(sql))
        assert_same(client, server, f"turn {turn} of seed {seed}, {kind}: {_text(sql)}")
        holder = 40
        tool.ask("copy", holder)
    print(kinds)
    assert kinds["state"] and kinds["reset"]
