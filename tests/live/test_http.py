"""The HTTP port: what it shows, to whom, in front of real servers; and Prometheus itself reads it."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from world import TOP, free_ports, ini_text, query, tidemark_program, until

RULES = TOP / "examples" / "prometheus" / "tidemark.rules.yml"


# --- asking ----------------------------------------------------------------------------------


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def connection_to(address):
    if address.startswith("unix:"):
        return UnixConnection(address.removeprefix("unix:"))
    host, port = address.rsplit(":", 1)
    return http.client.HTTPConnection(host, int(port), timeout=30)


def ask(proxy, path, method="GET", headers=None, body=None):
    """Status, headers and text of one request on a connection of its own."""
    with contextlib.closing(connection_to(proxy.settings["proxy"]["http"])) as conn:
        conn.request(method, path, body=body, headers=headers or {})
        answer = conn.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()


def status(proxy, path):
    return ask(proxy, path)[0]


SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')


def figures(proxy):
    """{(name, frozenset of (label, value)): number} of /metrics."""
    code, _, text = ask(proxy, "/metrics")
    assert code == 200
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            key = name, frozenset(LABEL.findall(labels or ""))
            assert key not in found, line
            found[key] = float(value)
    return found


def figure(proxy, name, **labels):
    """One figure's value, or None."""
    return figures(proxy).get((name, frozenset(labels.items())))


@pytest.fixture
def serving(tidemark):
    """A factory of proxies with an HTTP port."""
    def start(cluster, settings=None, address=None, **options):
        merged = {k: dict(v) for k, v in (settings or {}).items()}
        merged.setdefault("proxy", {})["http"] = address or f"127.0.0.1:{free_ports()}"
        return tidemark(cluster, merged, **options)

    return start


# --- the pages -------------------------------------------------------------------------------


def test_pages(cluster, serving):
    proxy = serving(cluster, split=True)
    assert ask(proxy, "/livez")[::2] == (200, "alive\n")
    until(lambda: ask(proxy, "/readyz")[2].count(", usable") == 3, what="three usable servers")
    code, headers, text = ask(proxy, "/readyz")
    assert code == 200
    assert headers["Cache-Control"] == "no-store"
    assert text.splitlines() == ["ready: the primary is db0", "db0: primary, up, usable",
                                 "db1: replica, up, usable", "db2: replica, up, usable"]
    code, headers, text = ask(proxy, "/metrics?x=1")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "\ntidemark_ready 1\n" in text and "# EOF" not in text
    code, headers, text = ask(proxy, "/metrics",
                              headers={"Accept": "application/openmetrics-text"})
    assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("\n# EOF\n")


def test_what_is_not_served(cluster, serving):
    proxy = serving(cluster)
    for path in ("/", "/metric", "/livez/x", "/%00", "/../etc/passwd"):
        code, _, text = ask(proxy, path)
        assert code == 404 and "/metrics" in text and "/readyz" in text and "/livez" in text
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
        code, headers, text = ask(proxy, "/livez", method)
        assert code == 405 and headers["Allow"] == "GET, HEAD" and "/livez" in text
    code, headers, text = ask(proxy, "/livez", "HEAD")
    assert (code, headers["Content-Length"], text) == (200, "6", "")
    for headers in ({"Content-Length": "3"}, {"Transfer-Encoding": "chunked"}):
        body = b"abc" if "Content-Length" in headers else b"3\r\nabc\r\n0\r\n\r\n"
        assert ask(proxy, "/livez", "GET", headers, body)[0] == 413
    assert ask(proxy, "/livez", "POST", body=b"x" * 100000)[0] == 405


def test_a_connection_is_kept(cluster, serving):
    proxy = serving(cluster)
    with contextlib.closing(connection_to(proxy.settings["proxy"]["http"])) as conn:
        for _ in range(3):
            conn.request("GET", "/metrics")
            assert conn.getresponse().read()
            first = conn.sock.getsockname()
            conn.request("GET", "/livez")
            assert conn.getresponse().read() == b"alive\n"
            assert conn.sock.getsockname() == first


def test_unix_socket(mariadb_cluster, serving, tmp_path):
    path = tmp_path / "h.sock"
    proxy = serving(mariadb_cluster, address=f"unix:{path}")
    assert status(proxy, "/livez") == 200
    proxy.stop()
    assert not path.exists()


def test_says_who_can_read_it(mariadb_cluster, serving):
    proxy = serving(mariadb_cluster, address=f"0.0.0.0:{free_ports()}")
    assert status(proxy, "/livez") == 200
    assert "whoever can reach it may read" in proxy.log_text()
    local = serving(mariadb_cluster)
    assert "whoever can reach it" not in local.log_text()


def test_an_address_that_is_taken(mariadb_cluster, serving, tmp_path):
    proxy = serving(mariadb_cluster)
    config = tmp_path / "second.ini"
    settings = {**proxy.settings, "proxy": {**proxy.settings["proxy"],
                                            "listen": f"127.0.0.1:{free_ports()}"}}
    config.write_text(ini_text(settings))
    done = subprocess.run([tidemark_program(), "--config", config], capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 1
    assert f"http: cannot serve on {proxy.settings['proxy']['http']}: Address already in use" \
        in done.stderr


# --- readiness -------------------------------------------------------------------------------


def not_ready(proxy, text):
    code, _, said = ask(proxy, "/readyz")
    return code == 503 and text in said


def test_readiness_follows_the_servers(cluster, serving):
    """Through a real outage: of the primary, then of all, and back."""
    writes = serving(cluster, split=True)
    reads = serving(cluster, {"proxy": {"ready": "reads"}}, split=True)
    for proxy in (writes, reads):
        until(lambda: ask(proxy, "/readyz")[2].count(", usable") == 3,  # noqa: B023
              what="three usable servers")
        assert status(proxy, "/readyz") == 200

    cluster.stop(0)
    until(lambda: not_ready(writes, "not usable"), what="503 without a primary")
    said = ask(writes, "/readyz")[2].splitlines()
    assert said[0].startswith("not ready: ")
    assert re.match(r"db0: \w+, down, not usable: \S", said[1]), said
    assert figure(writes, "tidemark_ready") == 0
    assert figure(writes, "tidemark_server_up", server="db0") == 0
    assert figure(writes, "tidemark_server_state", server="db0", state="down") == 1
    assert figure(writes, "tidemark_server_monitor_errors_total", server="db0") > 0
    assert figure(reads, "tidemark_server_usable", server="db1") == 1
    code, _, text = ask(reads, "/readyz")
    assert code == 200 and text.startswith("ready: no primary, but reads are served: db"), text

    cluster.stop(1)
    cluster.stop(2)
    until(lambda: not_ready(reads, "db2: "), what="503 without any server")
    assert status(reads, "/livez") == 200

    cluster.up()
    until(lambda: status(writes, "/readyz") == 200, 30, what="the primary's return")
    until(lambda: figure(writes, "tidemark_server_usable", server="db2") == 1, 30, what="a replica")
    until(lambda: status(reads, "/readyz") == 200, what="ready again")


def test_a_primary_that_stands_still(cluster, serving):
    proxy = serving(cluster, split=True)
    cluster.freeze(0)
    until(lambda: status(proxy, "/readyz") == 503, 20, what="503")
    assert status(proxy, "/livez") == 200
    cluster.thaw(0)
    until(lambda: status(proxy, "/readyz") == 200, 20, what="200")


def test_not_ready_until_the_very_end(cluster, serving):
    """While it drains nobody is sent here any more, but it lives; the port is the last to go."""
    proxy = serving(cluster, {"proxy": {"drain_timeout_ms": 30000}}, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    busy = proxy.connect()
    query(busy, "BEGIN")
    query(busy, f"INSERT INTO {table} VALUES (1)")
    proxy.send_signal(signal.SIGTERM)
    until(lambda: not_ready(proxy, "not ready: ending"), what="503")
    assert status(proxy, "/livez") == 200
    assert figure(proxy, "tidemark_draining") == 1
    assert figure(proxy, "tidemark_sessions_pinned_by", reason="transaction") == 1
    query(busy, "COMMIT")
    answers = set()
    with contextlib.suppress(OSError, http.client.HTTPException):
        while proxy.process.poll() is None:
            answers.add(status(proxy, "/readyz"))
    assert proxy.process.wait(10) == 0
    assert answers <= {503}


# --- figures ---------------------------------------------------------------------------------


def test_figures_of_sessions_and_pools(cluster, serving):
    proxy = serving(cluster, {"server db0": {"max_connections": 1},
                              "user app2": {"max_connections": 7}}, split=True)
    before = figures(proxy)
    idle = proxy.connect(user="app2", password="app2")
    waiter = proxy.connect()
    pinned = proxy.connect()
    query(pinned, "BEGIN")
    query(pinned, "SELECT 1")
    thread = threading.Thread(target=query, args=(waiter, "SELECT GET_LOCK('x', 0)"))
    thread.start()
    until(lambda: figure(proxy, "tidemark_server_waiting", server="db0") == 1, what="a waiter")
    time.sleep(0.3)

    now = figures(proxy)

    def value(name, **labels):
        return now[name, frozenset(labels.items())]

    assert value("tidemark_clients") == 3
    assert value("tidemark_user_clients", user="app") == 2
    assert value("tidemark_user_clients", user="app2") == 1
    assert value("tidemark_user_clients_limit", user="app2") == 7
    assert ("tidemark_user_clients_limit", frozenset({("user", "app")})) not in now
    assert value("tidemark_sessions", state="idle") == 2
    assert value("tidemark_sessions", state="waiting") == 1
    assert value("tidemark_sessions_pinned") == 1
    assert value("tidemark_sessions_pinned_by", reason="transaction") == 1
    assert value("tidemark_sessions_pinned_by", reason="get-lock") == 0
    assert value("tidemark_server_connections", server="db0", state="leased") == 1
    assert value("tidemark_server_connections_used", server="db0") == 1
    assert value("tidemark_server_connections_limit", server="db0") == 1
    assert value("tidemark_pool_connections", server="db0", user="app", state="leased") == 1
    assert value("tidemark_pool_waiting", server="db0", user="app") == 1
    assert 0.2 < value("tidemark_pool_longest_wait_seconds", server="db0", user="app") < 30
    assert sum(v for (name, _), v in now.items() if name == "tidemark_worker_clients") == 3
    assert value("tidemark_worker_answers", worker="1") == 1
    assert value("tidemark_server_role", server="db0", role="primary") == 1
    assert value("tidemark_server_role", server="db1", role="replica") == 1
    assert value("tidemark_server_monitor_queries_total", server="db1") > \
        before["tidemark_server_monitor_queries_total", frozenset({("server", "db1")})]
    query(pinned, "COMMIT")
    until(lambda: figure(proxy, "tidemark_sessions", state="waiting") == 0, what="the waiter")
    thread.join()
    assert figure(proxy, "tidemark_sessions_pinned_by", reason="get-lock") == 1
    idle.close()
    until(lambda: figure(proxy, "tidemark_user_clients", user="app2") == 0, what="its end")


def test_figures_of_statements(cluster, serving):
    """What clients did is counted where it belongs."""
    proxy = serving(cluster, {"proxy": {"workers": 2}}, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    conn, other = proxy.connect(), proxy.connect(user="app2", password="app2")
    until(lambda: query(conn, "SELECT id FROM test.whoami")[0][0] != 0, what="a replica")
    before = figures(proxy)

    query(conn, f"INSERT INTO {table} VALUES (1), (2)")
    middle = figures(proxy)
    for _ in range(10):
        assert query(other, "SELECT id, REPEAT('x', 2000) FROM test.whoami")[0][0] != 0
    with pytest.raises(Exception, match="doesn't exist"):
        query(conn, "SELECT * FROM no_such_table")
    with pytest.raises(Exception, match="syntax"):
        query(conn, "SELEKT 1")
    query(conn, "BEGIN")
    query(conn, "COMMIT")
    after = figures(proxy)

    def grew(name, since=middle, **labels):
        key = name, frozenset(labels.items())
        return after[key] - since.get(key, 0)

    assert grew("tidemark_statements_total", **{"class": "read"}) == 11
    assert grew("tidemark_statements_total", **{"class": "transaction"}) == 2
    assert grew("tidemark_statements_total", before, **{"class": "write"}) == 2  # one is SELEKT
    assert grew("tidemark_statements_placed_total", placement="replica") == 10
    assert grew("tidemark_rows_total") == 10
    assert 20000 < grew("tidemark_sent_bytes_total") < 30000
    assert 200 < grew("tidemark_received_bytes_total") < 2000
    assert grew("tidemark_command_errors_total", kind="missing") == 1
    assert grew("tidemark_command_errors_total", kind="syntax") == 1
    assert grew("tidemark_pins_total", reason="transaction") == 1
    assert grew("tidemark_commands_total") >= 14
    assert after["tidemark_sessions_opened_total", frozenset()] >= 2
    assert after["tidemark_digests_limit", frozenset()] == 10000
    assert after["tidemark_digests", frozenset()] >= 5

    # Histograms: counts are cumulative, the last one has all, and they add up to the statements.
    buckets = {}
    for (name, labels), value in after.items():
        if name == "tidemark_statement_duration_seconds_bucket":
            rest = {key: text for key, text in labels if key != "le"}
            assert rest["user"] in ("app", "app2") and rest["server"] in ("db0", "db1", "db2")
            le = float(dict(labels)["le"])
            buckets.setdefault(frozenset(rest.items()), []).append((le, value))
    assert buckets
    for labels, counts in buckets.items():
        counts.sort()
        assert counts[-1][0] == float("inf")
        assert [n for _, n in counts] == sorted(n for _, n in counts)
        assert counts[-1][1] == after["tidemark_statement_duration_seconds_count", labels]
        assert 0 < after["tidemark_statement_duration_seconds_sum", labels] < 60
    reads = sum(after["tidemark_statement_duration_seconds_count", labels] for labels in buckets
                if ("class", "read") in labels)
    assert reads == after["tidemark_statements_total", frozenset({("class", "read")})]
    assert promtool(proxy) == ""


def test_failed_logins_are_counted(mariadb_cluster, serving):
    proxy = serving(mariadb_cluster, split=True)
    before = figure(proxy, "tidemark_logins_failed_total")
    for _ in range(3):
        with pytest.raises(Exception, match="Access denied"):
            proxy.connect(password="wrong")
    assert figure(proxy, "tidemark_logins_failed_total") == before + 3


def test_figures_of_the_process(cluster, serving):
    proxy = serving(cluster)
    now = figures(proxy)
    resident = now["process_resident_memory_bytes", frozenset()]
    assert resident == pytest.approx(proxy.resident_kib() * 1024, rel=0.2)
    assert now["process_cpu_seconds_total", frozenset()] <= proxy.cpu_seconds() + 0.1
    assert abs(now["process_open_fds", frozenset()] - proxy.descriptors()) <= 2
    assert abs(now["process_start_time_seconds", frozenset()] - time.time()) < 60
    version = subprocess.run([tidemark_program(), "--version"], capture_output=True, text=True,
                             check=True).stdout.split()[1]
    assert now["tidemark_build_info", frozenset({("version", version)})] == 1


def test_reloads_are_counted(mariadb_cluster, serving):
    proxy = serving(mariadb_cluster)
    assert figure(proxy, "tidemark_config_last_reload_successful") == 1
    first = figure(proxy, "tidemark_config_last_reload_success_timestamp_seconds")
    assert abs(first - time.time()) < 60
    good = proxy.config.read_text()
    proxy.config.write_text(good + "\n[pool]\nbalance = by_mood\n")
    proxy.send_signal(signal.SIGHUP)
    until(lambda: figure(proxy, "tidemark_config_reloads_total", result="failed") == 1)
    assert figure(proxy, "tidemark_config_last_reload_successful") == 0
    assert figure(proxy, "tidemark_config_last_reload_success_timestamp_seconds") == first
    time.sleep(1)
    proxy.config.write_text(good.replace("[server db1]", "[server db1]\nweight = 7"))
    proxy.send_signal(signal.SIGHUP)
    until(lambda: figure(proxy, "tidemark_config_reloads_total", result="good") == 1)
    assert figure(proxy, "tidemark_config_last_reload_successful") == 1
    assert figure(proxy, "tidemark_config_last_reload_success_timestamp_seconds") > first
    assert figure(proxy, "tidemark_server_weight", server="db1") == 7


def test_servers_come_and_go(mariadb_cluster, serving):
    """A server that is removed takes its series along."""
    proxy = serving(mariadb_cluster, split=True)
    good = proxy.config.read_text()
    before, after = good.split("[server db2]")
    proxy.config.write_text(before)
    proxy.send_signal(signal.SIGHUP)
    until(lambda: "db2" not in ask(proxy, "/metrics")[2], what="no db2")
    assert "db2" not in ask(proxy, "/readyz")[2]
    assert promtool(proxy) == ""
    proxy.config.write_text(good)
    proxy.send_signal(signal.SIGHUP)
    until(lambda: figure(proxy, "tidemark_server_usable", server="db2") == 1, what="db2")


def test_lag_is_in_seconds(cluster, serving):
    proxy = serving(cluster, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    cluster.stop_replication(2)
    cluster.sql(0, f"INSERT INTO test.{table} VALUES (1)")
    until(lambda: (figure(proxy, "tidemark_server_lag_seconds", server="db2") or 0) > 1,
          what="lag")
    assert figure(proxy, "tidemark_server_lag_seconds", server="db2") < 15
    assert figure(proxy, "tidemark_server_lag_seconds", server="db1") < 1
    assert figure(proxy, "tidemark_server_lag_seconds", server="db0") is None


def test_names_with_odd_bytes(mariadb_cluster, serving):
    """A user's name is the user's; it must not break the format."""
    proxy = serving(mariadb_cluster, {'user a"b\\c': {"password": "x"}})
    assert figure(proxy, "tidemark_user_clients", user='a\\"b\\\\c') == 0
    assert promtool(proxy) == ""


# --- Prometheus ------------------------------------------------------------------------------


def promtool(proxy):
    done = subprocess.run(["promtool", "check", "metrics"], input=ask(proxy, "/metrics")[2],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_promtool_finds_nothing(cluster, serving):
    proxy = serving(cluster, split=True)
    assert promtool(proxy) == ""
    cluster.stop(1)
    query(proxy.connect(), "BEGIN")
    until(lambda: figure(proxy, "tidemark_server_up", server="db1") == 0, what="the outage")
    assert promtool(proxy) == ""


@pytest.fixture
def prometheus(tmp_path):
    """A factory: Prometheus on loopback with the example's rules; answers a function that asks it."""
    with contextlib.ExitStack() as stack:
        def start(target):
            port = free_ports()
            (tmp_path / "p.yml").write_text(json.dumps({
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(RULES)],
                "scrape_configs": [{"job_name": "tidemark",
                                    "static_configs": [{"targets": [target]}]}],
            }))
            log = stack.enter_context(open(tmp_path / "p.log", "wb"))
            process = subprocess.Popen(
                ["prometheus", f"--config.file={tmp_path}/p.yml",
                 f"--storage.tsdb.path={tmp_path}/tsdb", f"--web.listen-address=127.0.0.1:{port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)

            def get(path, **arguments):
                try:
                    with contextlib.closing(
                            http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as conn:
                        conn.request("GET", path + "?" + urllib.parse.urlencode(arguments))
                        return json.loads(conn.getresponse().read())["data"]
                except (OSError, ValueError):
                    assert process.poll() is None, (tmp_path / "p.log").read_text()
                    return None

            return get

        yield start


def test_prometheus_scrapes(cluster, serving, prometheus):
    proxy = serving(cluster, split=True)
    get = prometheus(proxy.settings["proxy"]["http"])

    def values(expression):
        """{server or '': value} of an instant query."""
        data = get("/api/v1/query", query=expression) or {"result": []}
        return {row["metric"].get("server", ""): float(row["value"][1]) for row in data["result"]}

    until(lambda: values('up{job="tidemark"}') == {"": 1}, 30, 0.2, "a scrape")
    until(lambda: values("tidemark_server_up") == {"db0": 1, "db1": 1, "db2": 1}, 30, 0.2, "servers")
    assert values('tidemark_server_role{role="primary"}') == {"db0": 1, "db1": 0, "db2": 0}
    assert values("tidemark_build_info") == {"": 1}
    until(lambda: values("rate(tidemark_server_monitor_queries_total[10s]) > 0").keys()
          == {"db0", "db1", "db2"}, 30, 0.2, "rates")
    conn = proxy.connect()
    for _ in range(20):
        query(conn, "SELECT id FROM test.whoami")
    slow = ("histogram_quantile(0.99, sum by (le, server) "
            "(tidemark_statement_duration_seconds_bucket{class='read'}))")
    until(lambda: any(0 < value < 10 for value in values(slow).values()), 30, 0.2, "latencies")
    # What it understood of the types and units, and that it dropped nothing.
    meta = get("/api/v1/metadata", metric="tidemark_server_lag_seconds")
    assert meta["tidemark_server_lag_seconds"][0]["type"] == "gauge"
    until(lambda: values("scrape_samples_scraped") == {"": float(len(figures(proxy)))}, 30, 0.2,
          "all samples")
    target = get("/api/v1/targets")["activeTargets"][0]
    assert (target["health"], target["lastError"]) == ("up", "")

    rules = get("/api/v1/rules")["groups"][0]["rules"]
    assert len(rules) > 5
    until(lambda: {r["health"] for r in get("/api/v1/rules")["groups"][0]["rules"]} == {"ok"},
          30, 0.2, "the rules")
    cluster.stop(1)
    until(lambda: values('ALERTS{alertname="TidemarkServerUnusable"}') == {"db1": 1}, 30, 0.2,
          "the alert")
    assert values('ALERTS{alertname="TidemarkNoPrimary"}') == {}


def test_example_rules():
    folder = RULES.parent
    for words in (["check", "config", folder / "prometheus.yml"],
                  ["check", "rules", RULES],
                  ["test", "rules", folder / "tidemark.rules.test.yml"]):
        done = subprocess.run(["promtool", *map(str, words)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        assert done.returncode == 0, done.stdout


def test_rules_know_their_figures(mariadb_cluster, serving):
    """Every figure that an alert names exists: a misspelt one would just never fire."""
    known = {name for name, _ in figures(serving(mariadb_cluster, split=True))} | {"up"}
    for expression in re.findall(r"expr: (.*)", RULES.read_text()):
        named = set(re.findall(r"\btidemark_\w+", expression))
        assert named <= known, expression


# --- bad clients -----------------------------------------------------------------------------

GARBAGE = [
    b"\x00" * 1000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x5a" * 200,  # a TLS greeting
    b"GET\r\n\r\n",
    b"GET /livez HTTP/9.9\r\n\r\n",
    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
    b"GET /livez HTTP/1.1\r\n" + b"X: y\r\n" * 20000,
    b"GET /livez HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST /metrics HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 1000,
    b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 200,
    b"\r\n" * 5000,
    bytes(range(256)) * 40,
]


def test_garbage(cluster, serving):
    proxy = serving(cluster, {"pool": {"min_idle": 0}}, split=True)
    host, port = proxy.settings["proxy"]["http"].split(":")
    descriptors = proxy.steady_descriptors()
    for text in GARBAGE:
        with contextlib.suppress(OSError), \
                contextlib.closing(socket.create_connection((host, int(port)), 10)) as sock:
            sock.settimeout(0.3)
            sock.sendall(text)
            sock.recv(100)
        assert status(proxy, "/livez") == 200
    until(lambda: proxy.descriptors() <= descriptors + 1, 20, what="closed connections")


def test_slow_clients_do_not_hold_the_port(cluster, serving):
    """More clients than there are places, silent ones and ones that send a byte now and then: each
    loses its place in time, and queries never notice."""
    proxy = serving(cluster, split=True)
    conn = proxy.connect()
    host, port = proxy.settings["proxy"]["http"].split(":")
    request = iter(b"GET /livez HTTP/1.1\r\nX-Slow: " + b"y" * 1000)
    with contextlib.ExitStack() as stack:
        slow = []
        for _ in range(300):
            sock = stack.enter_context(contextlib.closing(socket.create_connection(
                (host, int(port)), 10)))
            sock.setblocking(False)
            slow.append(sock)
        stop = threading.Event()

        def trickle():
            while not stop.wait(0.5):
                byte = bytes([next(request)])
                for sock in slow[::2]:
                    with contextlib.suppress(OSError):
                        sock.send(byte)

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            start = time.monotonic()
            until(lambda: responds(proxy), 60, what="an answer among slow clients")
            took = time.monotonic() - start
            assert query(conn, "SELECT 1") == ((1,),)
            assert proxy.descriptors() < 400
        finally:
            stop.set()
            thread.join()
    assert took < 45, took
    until(lambda: proxy.descriptors() < 100, 30, what="closed connections")


def responds(proxy):
    with contextlib.suppress(OSError, http.client.HTTPException):
        return status(proxy, "/livez") == 200
    return False


def test_many_scrapers_at_once(cluster, serving):
    proxy = serving(cluster, split=True)
    until(lambda: status(proxy, "/readyz") == 200, what="a primary")
    wrong = []

    def scrape():
        try:
            for _ in range(10):
                assert figure(proxy, "tidemark_ready") == 1
                assert status(proxy, "/livez") == 200
        except Exception as error:  # noqa: BLE001
            wrong.append(error)

    threads = [threading.Thread(target=scrape) for _ in range(20)]
    for thread in threads:
        thread.start()
    conn = proxy.connect()
    while any(thread.is_alive() for thread in threads):
        assert query(conn, "SELECT 1") == ((1,),)
    assert not wrong, wrong


def test_nothing_is_left_behind(mariadb_cluster, serving):
    """Scrapes cost no memory and no descriptor that stays."""
    proxy = serving(mariadb_cluster, {"pool": {"min_idle": 0}}, split=True)
    for _ in range(50):
        figures(proxy)
    descriptors, threads = proxy.steady_descriptors(), proxy.threads()
    for _ in range(200):
        figures(proxy)
        status(proxy, "/livez")
    until(lambda: proxy.descriptors() <= descriptors, what="closed connections")
    assert proxy.threads() == threads
    assert os.path.exists(f"/proc/{proxy.pid}")
