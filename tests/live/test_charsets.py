"""Texts in which bytes of a character look like a backslash or a quote, under all character sets and
the sql_modes that change how a text is cut: the server is asked what it ran of them, and the
classifier must have known it."""

import contextlib
import os
import random
import re
import subprocess

import pytest

from rawclient import BASE, CHANGE_USER, MODERN, MORE_RESULTS, MULTI_STATEMENTS, QUERY, RawClient, ServerError
from world import query, served_by, tidemark_program, until

# Beginnings and ends of characters, of some character set or of none.
FIRST = [0x80, 0x81, 0x85, 0x8F, 0xA0, 0xA1, 0xBF, 0xE0, 0xF9, 0xFC, 0xFE, 0xFF]
SECOND = [b"\\", b"`", b"'", b'"', b"\\'", b"A", b"\x30\x81\x30", b"\xa1", b"\x30\\", b"\xa1\\", b""]
MODES = ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"]
MULTI_BYTE = ["gbk", "sjis", "big5", "cp932", "gb18030"]

# %P is the character, %A what must not run unnoticed.
TEXTS = [
    "SELECT '%P'; %A; -- '", "SELECT '%P', '; %A; -- '", "SELECT '%P'''; %A; -- '",
    "SELECT '%P%P'; %A; -- '", "SELECT '\\%P'; %A; -- '", "SELECT '%P\\'; %A; -- '",
    "SELECT '%P\\\\'; %A; -- '", 'SELECT "%P"; %A; -- "', 'SELECT "%P", "; %A; -- "',
    'SELECT "\\%P"; %A; -- "', "SELECT 1 AS `%P`; %A; -- `", "SELECT 1 AS `%P`, '`; %A; -- '",
    "SELECT 1 AS `a%P``b`; %A; -- `", 'SELECT 1 AS "%P"; %A; -- "', "SELECT 1 AS '%P'; %A; -- '",
    "SELECT 1 /* %P */; %A", "SELECT /*%P*/ 1; %A; -- */", "SELECT 1 /* ' */, '%P'; %A; -- '",
    "SELECT 1 -- %P '\r; %A", "SELECT 1 --%P; %A", "SELECT 1 #%P; %A", "SELECT N'%P'; %A; -- '",
    "SELECT _binary'%P'; %A; -- '", "SELECT _utf8mb4'%P'; %A; -- '",
    "SELECT /*!40000 '%P', */ 1; %A; -- '", "SELECT 1 AS a%P; %A", "SELECT '%P' /*; %A; -- '*/",
    "SELECT @`%P`; %A; -- `", "SELECT @'%P'; %A; -- '", "SELECT x'41%P'; %A; -- '",
    "SELECT 'a' '%P'; %A; -- '", "SELECT 1%P; %A", "SELECT%P1; %A", "SELECT 1;%P%A",
    "SELECT '%P' '\\'; %A; -- '",
]
HIDDEN = b"SELECT @hidden := 4711"


def text_of(form, first, second):
    character = bytes([first]) + second
    return form.encode().replace(b"%A", HIDDEN).replace(b"%P", character)


def parser_charsets(cluster):
    """Those that a client may speak: name, and the id of a collation for the login. (In swe7 even
    brackets are letters; `explain` does not know it, and a session in it has no reads.)"""
    rows = cluster.sql(0, "SELECT character_set_name, MIN(id) FROM information_schema.collations "
                          "WHERE id < 256 AND character_set_name IS NOT NULL GROUP BY 1 ORDER BY 1")
    return {name: number for name, number in rows
            if name not in ("ucs2", "utf16", "utf16le", "utf32", "swe7")}


def ran_it(client, text):
    """Whether the server ran what is hidden in the text."""
    client.command(QUERY, text)
    found = False
    try:
        while True:
            result = client.read_result()
            found |= result.rows == [(b"4711",)]
            if not result.status & MORE_RESULTS:
                return found
    except ServerError:
        return found


def verdicts(flavor, charset, mode, texts):
    """(class, pins) of each, from the program itself."""
    done = subprocess.run(
        [tidemark_program(), "explain", "--flavor", flavor, "--charset", charset, "--sql-mode", mode,
         "-"], input=b"\n".join(texts) + b"\n", capture_output=True, timeout=60, check=True)
    found = re.findall(rb"^class: (\w+)$.*?^pins: ?(.*?)$", done.stdout, re.MULTILINE | re.DOTALL)
    assert len(found) == len(texts)
    return [(a.decode(), b.decode()) for a, b in found]


def test_what_the_server_runs_was_seen(cluster):
    """A sample of all combinations, the same each time; CHARSET_CASES and CHARSET_SEED for others."""
    seed = os.environ.get("CHARSET_SEED", "4711")
    rng = random.Random(seed)
    charsets = parser_charsets(cluster)
    groups = [(name, mode, 20) for name in MULTI_BYTE if name in charsets for mode in MODES]
    groups += [(name, rng.choice(MODES), 8) for name in charsets if name not in MULTI_BYTE]
    each = max(1, int(os.environ.get("CHARSET_CASES", "2500"))
               // sum(weight for _, _, weight in groups))
    hidden, reads, wrong = 0, 0, []
    for charset, mode, weight in groups:
        texts = [text_of(rng.choice(TEXTS), rng.choice(FIRST), rng.choice(SECOND))
                 for _ in range(weight * each)]
        with RawClient(cluster.port(0), capabilities=MODERN | MULTI_STATEMENTS) as client:
            client.query(f"SET NAMES {charset}")
            client.query(f"SET sql_mode = '{mode}'")
            ran = [ran_it(client, text) for text in texts]
        for text, was_run, (kind, pins) in zip(
                texts, ran, verdicts(cluster.flavor, charset, mode, texts)):
            hidden += was_run
            reads += kind == "read"
            if was_run and (kind == "read" or not {"user-variable", "unknown"} & set(pins.split(","))):
                wrong.append((charset, mode, text, kind, pins))
    print(f"seed {seed}: {hidden} ran, {reads} were reads")
    assert wrong == []
    assert hidden > 300 and reads > 100


# --- through the proxy -----------------------------------------------------------------------

# How a session comes to its character set; {} is its name.
WAYS = {
    "login": lambda client, name, number: None,
    "names": lambda client, name, number: client.query(f"SET NAMES {name}"),
    "collate": lambda client, name, number: client.query(f"SET NAMES {name} COLLATE {name}_bin"),
    "variable": lambda client, name, number: client.query(f"SET character_set_client = {name}"),
    "set": lambda client, name, number: client.query(f"SET CHARACTER SET {name}"),
    "text": lambda client, name, number: client.results(f"SET NAMES {name}; DO 1"),
    "prepared": lambda client, name, number: client.execute(client.prepare(f"SET NAMES {name}")),
}


def change_user(client, number):
    """COM_CHANGE_USER to another character set; the connection's own password again."""
    plugin, scramble = client.greeting.plugin, client.greeting.scramble
    answer = client.answer(plugin, scramble)
    client.command(CHANGE_USER, client.user + b"\0" + bytes([len(answer)]) + answer + b"test\0" +
                   number.to_bytes(2, "little") + plugin.encode() + b"\0")
    client.finish_login(plugin, scramble)


WAYS["change user"] = lambda client, name, number: change_user(client, number)


@pytest.fixture(scope="module")
def lenient(cluster, tmp_path_factory):
    """A proxy that reads on replicas however far behind they are."""
    from conftest import _factory

    with contextlib.ExitStack() as stack:
        start = _factory(tmp_path_factory.mktemp("charsets"), stack)
        yield start(cluster, {"consistency": {"max_lag_ms": 0}}, split=True)


@pytest.fixture
def stopped(cluster):
    """From now on no replica gets anything new."""
    for server in cluster.replicas:
        cluster.stop_replication(server)


def reads_on_a_replica(client):
    return client.query("SELECT id FROM whoami") != [("0",)]


@pytest.fixture(scope="module")
def hits(cluster):
    return cluster.create_table("id INT")


@pytest.mark.parametrize("way", list(WAYS))
def test_a_hidden_write_is_one_of_the_session(cluster, lenient, hits, stopped, way):
    """A session that reads on a replica then has not noticed its own write."""
    charsets = parser_charsets(cluster)
    cases = [(name, mode, capabilities)
             for name in MULTI_BYTE if name in charsets
             for mode, capabilities in zip(MODES, (BASE, MODERN, BASE, MODERN))]
    number = cluster.scalar(0, f"SELECT COUNT(*) FROM test.{hits}")
    for name, mode, capabilities in cases:
        first = b"\xbf" if name not in ("sjis", "cp932") else b"\x81"
        # Read as utf8mb4, or with the other meaning of a backslash, these would be one string.
        hidden = b"INSERT INTO " + hits.encode() + b" VALUES (1)"
        text = b"SELECT '" + first + b"\\'; " + hidden + b"; -- '"
        if "NO_BACKSLASH" in mode:
            text = b"SELECT '" + first + b"\\', '\\'; " + hidden + b"; -- '"
        with RawClient(lenient.port, capabilities=capabilities | MULTI_STATEMENTS,
                       charset=charsets[name] if way == "login" else 45) as client:
            until(lambda: reads_on_a_replica(client), what="a read on a replica")
            WAYS[way](client, name, charsets[name])
            if mode:
                client.query(f"SET SESSION sql_mode = '{mode}'")
            assert client.query("SELECT @@character_set_client") == [(name,)]
            client.results(text)
            number += 1
            assert client.query(f"SELECT COUNT(*) FROM {hits}") == [(str(number),)], (name, mode)


def test_a_mode_that_changes_within_the_text(cluster, lenient, hits, stopped):
    """What follows is cut as the server cuts it then."""
    number = cluster.scalar(0, f"SELECT COUNT(*) FROM test.{hits}")
    for text in (b"SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT '\\'; %A; -- '",
                 b"SET NAMES gbk; SELECT '\xbf\\'; %A; -- '",
                 b"SET @@session.character_set_client = sjis; SELECT '\x81\\'; %A; -- '"):
        with RawClient(lenient.port, capabilities=MODERN | MULTI_STATEMENTS) as client:
            until(lambda: reads_on_a_replica(client), what="a read on a replica")
            client.results(text.replace(b"%A", f"INSERT INTO {hits} VALUES (1)".encode()))
            number += 1
            assert client.query(f"SELECT COUNT(*) FROM {hits}") == [(str(number),)], text


def test_every_collation_at_login(cluster, proxy):
    """Also those in which no client can speak."""
    rows = cluster.sql(0, "SELECT MIN(id) FROM information_schema.collations WHERE id < 256 "
                          "GROUP BY character_set_name ORDER BY 1")
    ask = ("SELECT @@character_set_client, @@character_set_connection, @@character_set_results, "
           "@@collation_connection")
    for (number,) in rows:
        if number is None:
            continue
        seen = []
        for port in (cluster.port(0), proxy.port):
            with contextlib.ExitStack() as stack:
                try:
                    client = stack.enter_context(RawClient(port, charset=number))
                    seen.append(client.query(ask))
                except ServerError as error:
                    seen.append((error.code, error.sqlstate))
        assert seen[1] == seen[0], number


def test_a_character_set_that_is_not_understood(cluster, proxy):
    with contextlib.closing(proxy.connect()) as conn:
        until(lambda: served_by(conn) != 0, what="a read on a replica")
        query(conn, "SET NAMES swe7")
        assert [served_by(conn) for _ in range(5)] == [0] * 5
