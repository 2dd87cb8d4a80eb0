"""The command line: --check, --help, --version and explain, with their output and exit statuses.

No server is needed for any of these.
"""

import os
import re
import socket
import subprocess
import threading

import pytest

from world import TOP, tidemark_program

MINIMAL = """\
[server db1]
address = 127.0.0.1:3306
[user app]
password = hunter2
[monitor]
password = hunter3
"""


def tidemark(*words, env=None, text=None, cwd=None):
    """Runs the program to its end; the environment has no settings but those given."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIDEMARK_")}
    return subprocess.run(
        [tidemark_program(), *map(str, words)], input=text, cwd=cwd, env={**clean, **(env or {})},
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True, text=True, timeout=30,
    )


@pytest.fixture
def ini(tmp_path):
    """Writes a configuration and answers its path."""
    def write(text, name="t.ini"):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


# --- usage -----------------------------------------------------------------------------------


def test_help():
    done = tidemark("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("--config", "--check", "explain", "--sql-mode", "TIDEMARK_"):
        assert word in done.stdout


def test_version():
    done = tidemark("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"tidemark \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize("words", [
    [], ["--check"], ["--config"], ["--confg", "x"], ["tidemark.ini"], ["-c", "x", "--workers", "0"],
    ["explain"], ["explain", "--flavor", "oracle", "SELECT 1"], ["explain", "--charset", "klingon",
                                                                   "SELECT 1"],
    ["explain", "SELECT", "1"],
], ids=" ".join)
def test_wrong_usage_exits_with_2(words):
    done = tidemark(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("tidemark: ")


# --- the configuration -----------------------------------------------------------------------


def test_a_good_file_is_checked_in_silence(ini):
    done = tidemark("--check", "--config", ini(MINIMAL))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_check_opens_no_port(ini):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = tidemark("--check", "--config", ini(MINIMAL), "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 0, done.stderr


def test_every_mistake_is_printed_at_once(ini):
    path = ini(MINIMAL + """\
[proxy]
listen = 127.0.0.1
workers = none
wrokers = 2
[pool]
balance = fortune
[consistency]
scope = proxy
[server db2]
[surprise]
""")
    for words in (["--check"], []):
        done = tidemark(*words, "--config", path)
        assert done.returncode == 1
        assert done.stdout == ""
        places = [line.split(": ")[0:2] for line in done.stderr.splitlines()]
        assert places == [[f"{path}:{line}", key] for line, key in [
            (8, "listen"), (9, "workers"), (10, "wrokers"), (12, "balance"), (14, "scope"),
            (15, "address"), (16, "section"),
        ]]
        assert '"none" is not a whole number, allowed: auto | 1 to 1024' in done.stderr


def test_a_file_that_is_not_there(tmp_path):
    done = tidemark("--check", "--config", tmp_path / "none.ini")
    assert done.returncode == 1
    assert "No such file" in done.stderr


def test_secrets_are_never_printed(ini):
    path = ini(MINIMAL.replace("hunter2", '"hunter2"') + "[user hunter4\npassword hunter5\n"
               "[user b]\npassword = hunter6\npassword = hunter7\npasswort = hunter8\n")
    done = tidemark("--check", "--config", path, env={"TIDEMARK_MONITOR_PASSWORT": "hunter9"})
    assert done.returncode == 1
    assert "hunter" not in done.stderr + done.stdout


def test_not_built_yet_is_refused(ini):
    done = tidemark("--check", "--config", ini(MINIMAL + "[consistency]\nscope = user\n"))
    assert done.returncode == 1
    assert "cannot be ignored safely" in done.stderr


def test_certificates_are_checked(ini, tmp_path):
    done = tidemark("--check", "--config", ini(MINIMAL + "[tls]\ncert = no.pem\nkey = no.pem\n"))
    assert done.returncode == 1
    assert "[tls] cert: cannot read " in done.stderr and "No such file" in done.stderr
    bad = tmp_path / "bad.pem"
    bad.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    done = tidemark("--check", "--config", ini(MINIMAL + f"[tls]\nca = {bad}\n"))
    assert done.returncode == 1
    assert f"[tls] ca: {bad}: " in done.stderr


def test_precedence(ini):
    """A mistake in a layer shows that the layer is read; a good value in a later one is used."""
    path = ini(MINIMAL)
    assert tidemark("--check", "--config", path,
                    env={"TIDEMARK_SERVER_DB1_WEIGHT": "heavy"}).returncode == 1
    ini("[pool]\nmin_idle = 101\n", name="tidemark.auto.ini")
    done = tidemark("--check", "--config", path)
    assert done.returncode == 1
    assert "tidemark.auto.ini:2: min_idle: " in done.stderr
    assert tidemark("--check", "--config", path,
                    env={"TIDEMARK_POOL_MIN_IDLE": "3"}).returncode == 0


def test_names_that_clash_in_the_environment(ini):
    done = tidemark("--check", "--config", ini(
        MINIMAL + "[server db-2]\naddress = a\n[server db_2]\naddress = b\n"))
    assert done.returncode == 1
    assert "TIDEMARK_SERVER_DB_2_" in done.stderr


def test_the_environment_alone(tmp_path):
    done = tidemark("--check", cwd=tmp_path, env={
        "TIDEMARK_SERVER_DB1_ADDRESS": "127.0.0.1", "TIDEMARK_USER_APP_PASSWORD": "x",
        "TIDEMARK_MONITOR_PASSWORD": "y",
    })
    assert (done.returncode, done.stderr) == (0, "")


def settings_of_the_program():
    """(section, key) -> default, from --help-config."""
    done = tidemark("--help-config")
    assert (done.returncode, done.stderr) == (0, "")
    section, settings = None, {}
    for line in done.stdout.splitlines():
        if match := re.fullmatch(r"\[(.*)\]", line):
            section = match[1]
        elif match := re.fullmatch(r"(?:; )?(\w+) = ?(.*)", line):
            settings[section, match[1]] = match[2]
    return settings


def test_the_manual_page_has_every_setting_and_default():
    section, key, page = None, None, {}
    for line in (TOP / "docs" / "tidemark.1").read_text().splitlines():
        if match := re.fullmatch(r"\.SS \[(.*)\]", line):
            section, key = match[1], None
        elif line.startswith(".SH"):
            section = None
        elif section and (match := re.fullmatch(r"\.B (\w+)( \\fR\*)?", line)):
            key = match[1]
            page[section, key] = ""
        elif section and key and not line.startswith("."):
            page[section, key] += re.sub(r"\\f[BIR]", "", line) + " "
    settings = settings_of_the_program()
    assert page.keys() == settings.keys()
    for name, default in settings.items():
        if default:
            assert re.search(rf"Default: {re.escape(default)}[.,;]", page[name]), name


# --- explain ---------------------------------------------------------------------------------

EXPLANATION = re.compile(
    r"class: (?P<class_>read|write|session|transaction|admin)\n"
    r"digest: \S+\n"
    r"pins:(?: (?P<pins>[a-z_,-]*))?\n"
    r"target: (?P<target>replica|primary|session)\n"
    r"why: .+\n\n")


def explain(*words, text=None):
    done = tidemark("explain", *words, text=text)
    assert (done.returncode, done.stderr) == (0, "")
    matches = list(EXPLANATION.finditer(done.stdout))
    assert "".join(m[0] for m in matches) == done.stdout
    return [(m["class_"], m["target"]) for m in matches]


def test_explain_one():
    assert explain("SELECT id FROM t") == [("read", "replica")]
    assert explain("INSERT INTO t VALUES (1)") == [("write", "primary")]
    assert explain("--", "-- nothing but a comment\nDELETE FROM t") == [("write", "primary")]


def test_explain_from_stdin():
    text = "SELECT id FROM t\n\nUPDATE t SET a = 1\r\nSELECT id FROM t FOR UPDATE"
    assert [target for _, target in explain("-", text=text)] == ["replica", "primary", "primary"]
    assert explain("-", text="") == []


def test_explain_reads_as_the_session_would():
    quoted = 'SELECT "a\\" FROM t WHERE b = " FOR UPDATE"'
    assert explain(quoted)[0][1] == "primary"
    assert explain("--sql-mode", "NO_BACKSLASH_ESCAPES", quoted) == [("read", "replica")]
    hidden = "SELECT 1 /*M! FOR UPDATE */"
    assert explain("--flavor", "mariadb", hidden)[0][1] == "primary"


def test_explain_answers_line_by_line():
    """A program on the other end of the pipe gets each answer before it sends the next line."""
    process = subprocess.Popen([tidemark_program(), "explain", "-"], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    watchdog = threading.Timer(20, process.kill)
    watchdog.start()
    try:
        for _ in range(3):
            process.stdin.write("SELECT id FROM t\n")
            process.stdin.flush()
            lines = [process.stdout.readline() for _ in range(6)]
            assert lines[0] == "class: read\n" and lines[5] == "\n"
    finally:
        process.stdin.close()
        assert process.wait(10) == 0
        process.stdout.close()
        watchdog.cancel()
