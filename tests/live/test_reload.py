"""The configuration while the proxy runs: changed on the admin port, saved, drifting, reloaded."""

import json
import re
import signal
import subprocess

import pymysql
import pytest

from world import free_ports, ini_text, overlay, query, served_by, until


def ask(proxy, text):
    """Rows of a statement on the admin port."""
    port = int(proxy.settings["proxy"]["admin"].rsplit(":", 1)[1])
    conn = proxy.connect(port=port, user="admin", password="admin", database=None)
    try:
        return list(query(conn, text))
    finally:
        conn.close()


def refused(proxy, text):
    with pytest.raises(pymysql.err.MySQLError) as error:
        ask(proxy, text)
    return error.value.args[1]


def setting(proxy, name):
    """Value and source."""
    [row] = ask(proxy, f"SELECT value, source FROM settings WHERE name = '{name}'")
    return row


def reload(proxy, how=""):
    """What RELOAD says: setting -> (was, is, note)."""
    return {row[0]: (row[1], row[2], row[4]) for row in ask(proxy, f"RELOAD {how}")}


def rewrite(proxy, changes):
    """The operator edits the main file."""
    proxy.settings = overlay(proxy.settings, changes)
    proxy.config.write_text(ini_text(proxy.settings))


def auto_file(proxy):
    return proxy.folder / "tidemark.auto.ini"


@pytest.fixture
def start(cluster, tidemark):
    def begin(settings=None, **options):
        admin = {"proxy": {"admin": f"127.0.0.1:{free_ports()}"}}
        return tidemark(cluster, overlay(admin, settings or {}), split=True, **options)
    return begin


@pytest.fixture
def start_one(mariadb_cluster, tidemark):
    """For what has nothing to do with the kind of server."""
    def begin(settings=None, **options):
        admin = {"proxy": {"admin": f"127.0.0.1:{free_ports()}"}}
        return tidemark(mariadb_cluster, overlay(admin, settings or {}), split=True, **options)
    return begin


def restart(proxy):
    proxy.stop()
    proxy.log.unlink()
    proxy.start()
    proxy.wait_split()


# --- changes ---------------------------------------------------------------------------------


def test_setting_takes_effect_on_a_session_that_is_there(start):
    proxy = start()
    conn = proxy.connect()
    assert served_by(conn) != 0
    ask(proxy, "UPDATE settings SET value = 'strong' WHERE name = 'consistency.default'")
    assert served_by(conn) == 0
    assert setting(proxy, "consistency.default") == ("strong", "admin port")
    ask(proxy, "UPDATE settings SET value = 'session' WHERE name = 'consistency.default'")
    assert served_by(conn) != 0


def test_change_is_checked_like_the_file_and_all_or_nothing(start_one):
    proxy = start_one()
    before = ask(proxy, "SELECT name, value, source FROM settings ORDER BY name")
    assert "min_idle: \"many\" is not a whole number, allowed: 0 to 10000" in refused(
        proxy, "UPDATE settings SET value = 'many' WHERE name = 'pool.min_idle'")
    # Three values in one statement, one of them wrong: none changes.
    assert "is not a whole number" in refused(
        proxy, "UPDATE settings SET value = CASE name WHEN 'pool.wait_timeout_ms' THEN 'soon' "
               "ELSE '5' END WHERE name LIKE 'pool.%ms' OR name = 'pool.min_idle'")
    # A rule between settings.
    assert "is more than max_connections of [server db0]" in refused(
        proxy, "UPDATE settings SET value = '5000' WHERE name = 'pool.min_idle'")
    assert "cannot be changed while the program runs" in refused(
        proxy, "UPDATE settings SET value = '3' WHERE name = 'proxy.workers'")
    assert ask(proxy, "SELECT name, value, source FROM settings ORDER BY name") == before


def test_transaction_of_changes(start_one):
    proxy = start_one()
    port = int(proxy.settings["proxy"]["admin"].rsplit(":", 1)[1])
    conn = proxy.connect(port=port, user="admin", password="admin", database=None)
    query(conn, "BEGIN")
    query(conn, "UPDATE servers SET weight = 7 WHERE name = 'db1'")
    query(conn, "UPDATE settings SET value = '2' WHERE name = 'pool.min_idle'")
    assert setting(proxy, "pool.min_idle")[0] == "1"
    query(conn, "ROLLBACK")
    assert setting(proxy, "pool.min_idle")[0] == "1"
    query(conn, "BEGIN")
    query(conn, "UPDATE servers SET weight = 7 WHERE name = 'db1'")
    query(conn, "UPDATE settings SET value = '2' WHERE name = 'pool.min_idle'")
    query(conn, "COMMIT")
    assert setting(proxy, "pool.min_idle")[0] == "2"
    assert ask(proxy, "SELECT weight FROM servers WHERE name = 'db1'") == [(7,)]


def test_monitor_credentials_change(start):
    proxy = start()
    conn = proxy.connect()
    ask(proxy, "UPDATE settings SET value = 'wrong' WHERE name = 'monitor.password'")
    until(lambda: ask(proxy, "SELECT MAX(usable) FROM servers") == [(0,)], 10, 0.1,
          "no server usable")
    assert "denied" in ask(proxy, "SELECT why_not FROM servers LIMIT 1")[0][0].lower()
    ask(proxy, "UPDATE settings SET value = 'mon' WHERE name = 'monitor.password'")
    until(lambda: ask(proxy, "SELECT MIN(usable) FROM servers") == [(1,)], 10, 0.1,
          "all servers usable")
    until(lambda: served_by(conn) != 0, 10, 0.1, "a read on a replica")


# --- SAVE and DRIFT --------------------------------------------------------------------------


def test_saved_changes_survive_a_restart_and_others_do_not(start):
    proxy = start()
    ask(proxy, "UPDATE settings SET value = '3' WHERE name = 'pool.min_idle'")
    ask(proxy, "UPDATE servers SET weight = 9 WHERE name = 'db1'")
    ask(proxy, "DELETE FROM servers WHERE name = 'db2'")
    ask(proxy, "INSERT INTO users (name, password) VALUES ('root', '')")
    drift = {row[0]: row[1:] for row in ask(proxy, "SHOW DRIFT")}
    assert drift["pool.min_idle"][:3] == ("1", "3", "admin port")
    assert drift["server db1.weight"][:2] == ("1", "9")
    assert drift["server db2.address"][1] is None
    saved = {row[0]: row[1:] for row in ask(proxy, "SAVE")}
    assert saved["pool.min_idle"][:2] == ("1", "3")
    assert saved["server db2"][1] == "removed"
    assert auto_file(proxy).stat().st_mode & 0o777 == 0o600
    assert setting(proxy, "pool.min_idle")[1].startswith(str(auto_file(proxy)))
    ask(proxy, "UPDATE settings SET value = '4' WHERE name = 'pool.min_idle'")
    restart(proxy)
    assert setting(proxy, "pool.min_idle")[0] == "3"
    assert [row[0] for row in ask(proxy, "SELECT name FROM servers ORDER BY name")] == ["db0", "db1"]
    assert ask(proxy, "SELECT weight FROM servers WHERE name = 'db1'") == [(9,)]
    assert ("root",) in ask(proxy, "SELECT name FROM users")
    # Back to the main file alone.
    ask(proxy, "UPDATE settings SET value = '1' WHERE name = 'pool.min_idle'")
    ask(proxy, "SAVE")
    assert "min_idle" not in auto_file(proxy).read_text()


def test_environment_has_the_last_word_at_the_next_start_and_save_says_so(start_one):
    proxy = start_one(env={"TIDEMARK_POOL_MIN_IDLE": "2"})
    assert setting(proxy, "pool.min_idle") == ("2", "environment TIDEMARK_POOL_MIN_IDLE")
    ask(proxy, "UPDATE settings SET value = '4' WHERE name = 'pool.min_idle'")
    assert setting(proxy, "pool.min_idle")[0] == "4"
    [row] = [row for row in ask(proxy, "SAVE") if row[0] == "pool.min_idle"]
    assert "overridden by environment TIDEMARK_POOL_MIN_IDLE at the next start" in row
    assert setting(proxy, "pool.min_idle")[0] == "4"
    restart(proxy)
    assert setting(proxy, "pool.min_idle")[0] == "2"


def test_save_on_a_full_disk_loses_nothing(start_one):
    proxy = start_one()
    ask(proxy, "UPDATE settings SET value = '2' WHERE name = 'pool.min_idle'")
    ask(proxy, "SAVE")
    saved = auto_file(proxy).read_text()
    ask(proxy, "UPDATE settings SET value = '3' WHERE name = 'pool.min_idle'")
    # As on a full disk: no file may grow beyond ten bytes.
    subprocess.run(["prlimit", f"--pid={proxy.pid}", "--fsize=10:"], check=True)
    assert "cannot write" in refused(proxy, "SAVE")
    assert auto_file(proxy).read_text() == saved
    assert sorted(path.name for path in proxy.folder.glob("*.auto*")) == ["tidemark.auto.ini"]
    assert setting(proxy, "pool.min_idle") == ("3", "admin port")
    subprocess.run(["prlimit", f"--pid={proxy.pid}", "--fsize=unlimited:"], check=True)
    ask(proxy, "SAVE")
    assert "min_idle = 3" in auto_file(proxy).read_text()


def test_broken_auto_file_is_left_out_and_not_overwritten(start_one):
    proxy = start_one()
    ask(proxy, "UPDATE settings SET value = '2' WHERE name = 'pool.min_idle'")
    ask(proxy, "SAVE")
    broken = auto_file(proxy).read_text() + "min_idle = 5\n"
    auto_file(proxy).write_text(broken)
    restart(proxy)
    assert setting(proxy, "pool.min_idle") == ("1", "default")
    line = broken.count("\n")
    assert f"{auto_file(proxy)}:{line}: min_idle: " in proxy.log_text()
    assert "the main file alone is used" in proxy.log_text()
    assert "is broken and was left out" in refused(proxy, "SAVE")
    assert auto_file(proxy).read_text() == broken
    assert f":{line}: min_idle: " in refused(proxy, "RELOAD")
    auto_file(proxy).unlink()
    ask(proxy, "RELOAD")
    ask(proxy, "SAVE")
    check = subprocess.run([proxy.program, "--check", "--config", proxy.config],
                           capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stderr


# --- RELOAD ----------------------------------------------------------------------------------


def test_reload_and_its_dry_run(start):
    proxy = start()
    conn = proxy.connect()
    assert served_by(conn) != 0
    ask(proxy, "UPDATE settings SET value = '5' WHERE name = 'pool.min_idle'")  # not saved
    rewrite(proxy, {"consistency": {"default": "strong"}, "server db2": None,
                    "proxy": {"workers": 3}})
    dry = reload(proxy, "DRY RUN")
    assert dry["consistency.default"] == ("session", "strong", "")
    assert dry["server db2.address"][1] is None
    assert dry["pool.min_idle"][:2] == ("5", "1")
    assert dry["proxy.workers"] == ("2", "3", "takes effect at the next start")
    assert served_by(conn) != 0, "a dry run changed something"
    assert setting(proxy, "pool.min_idle")[0] == "5"
    assert reload(proxy) == dry
    assert served_by(conn) == 0
    assert setting(proxy, "pool.min_idle")[0] == "1"
    assert setting(proxy, "proxy.workers")[0] == "2"
    assert len(ask(proxy, "SELECT name FROM servers")) == 2
    # Once said is not said again for ever, but the drift shows it.
    assert "proxy.workers" in {row[0] for row in ask(proxy, "SHOW DRIFT")}


def test_bad_file_changes_nothing_and_says_where(start_one):
    proxy = start_one()
    good = proxy.config.read_text()
    proxy.config.write_text(good + "[pool]\nmin_idle = 7\nbalance = best\n")
    line = good.count("\n") + 3
    assert f"tidemark.ini:{line}: balance: \"best\" is not a known word" in refused(proxy, "RELOAD")
    assert f":{line}: balance: " in refused(proxy, "RELOAD DRY RUN")
    assert setting(proxy, "pool.min_idle")[0] == "1"
    proxy.send_signal(signal.SIGHUP)
    until(lambda: re.search(r"error config: not reloaded, nothing was changed: .*:\d+: balance: ",
                            proxy.log_text()), what="the log's word of the bad file")
    proxy.config.write_text(good + "[pool]\nmin_idle = 7\n")
    proxy.send_signal(signal.SIGHUP)
    until(lambda: setting(proxy, "pool.min_idle")[0] == "7", what="the reload")


# --- the statement log -----------------------------------------------------------------------


def statements(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_statement_log(start):
    proxy = start()
    path = proxy.folder / "statements.log"
    conn = proxy.connect()
    query(conn, "SELECT 'before'")
    ask(proxy, f"UPDATE settings SET value = '{path}' WHERE name = 'proxy.statement_log'")
    ask(proxy, "UPDATE settings SET value = '200' WHERE name = 'proxy.slow_ms'")
    query(conn, "SELECT 'quick'")
    query(conn, "SELECT SLEEP(0.3), 'hush'")
    with pytest.raises(pymysql.err.MySQLError):
        query(conn, "SELECT nosuch FROM whoami WHERE id = 'hush'")
    query(conn, "BEGIN")
    query(conn, "COMMIT")
    until(lambda: len(statements(path)) >= 3, what="lines")
    slow, failed, pinned = statements(path)[:3]
    assert slow["reasons"][0] == "slow" and slow["took_us"] >= 300000
    assert slow["text"] == "SELECT SLEEP(?), ?" and slow["server"] == "db0"
    assert slow["user"] == "app" and slow["rows"] == 1 and slow["session"] == conn.thread_id()
    assert failed["reasons"] == ["failed"] and failed["error"] == 1054 and failed["why"]
    assert pinned["reasons"] == ["pinned"] and pinned["pins"] == ["transaction"]
    assert "hush" not in path.read_text()

    # All of them, as they came; never a password.
    ask(proxy, "UPDATE settings SET value = '1' WHERE name = 'proxy.sample_rate'")
    ask(proxy, "UPDATE settings SET value = 'on' WHERE name = 'proxy.statement_log_literals'")
    query(conn, "SELECT 'aloud', id FROM whoami")
    with pytest.raises(pymysql.err.MySQLError):
        query(conn, "CREATE USER app IDENTIFIED BY 'hush'")
    until(lambda: "1396" in path.read_text() or "1227" in path.read_text(), what="the refusal")
    [aloud] = [line for line in statements(path) if "aloud" in line.get("sql", "")]
    assert aloud["reasons"] == ["sampled"] and aloud["target"] == "replica"
    assert "hush" not in path.read_text()

    # The file is moved away, as logrotate does it.
    moved = path.with_suffix(".1")
    path.rename(moved)
    proxy.send_signal(signal.SIGUSR1)
    until(path.exists, what="the new file")
    query(conn, "SELECT 'new file'")
    until(lambda: "new file" in path.read_text(), what="a line in the new file")
    assert "new file" not in moved.read_text()

    assert "cannot open /nowhere/at/all" in refused(
        proxy, "UPDATE settings SET value = '/nowhere/at/all' WHERE name = 'proxy.statement_log'")
    assert setting(proxy, "proxy.statement_log")[0] == str(path)
    query(conn, "SELECT 'still logged'")
    until(lambda: "still logged" in path.read_text(), what="a line")
    ask(proxy, "UPDATE settings SET value = '' WHERE name = 'proxy.statement_log'")
    size = path.stat().st_size
    query(conn, "SELECT 'off'")
    assert path.stat().st_size == size
