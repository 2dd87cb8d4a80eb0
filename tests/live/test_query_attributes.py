"""Query attributes of MySQL's protocol: parameters that go along with a statement.

The component `query_attributes` has a function that tells them. MariaDB has neither.
"""

import struct

import pytest

import rawclient
from rawclient import QUERY, STMT_EXECUTE, RawClient, ServerError, lenenc

CAPABILITIES = rawclient.MODERN | rawclient.QUERY_ATTRIBUTES
STRING = b"\xfe\x00"
COUNT_SENT = 8
ASK = "SELECT mysql_query_attribute_string('n'), mysql_query_attribute_string('m')"


def parameters(values, attributes, types=True):
    """Null bitmap, types with names, values."""
    named = [(b"", v) for v in values] + list(attributes)
    if not named:
        return b""
    out = bytes((len(named) + 7) // 8) + bytes([types])
    if types:
        out += b"".join(STRING + lenenc(len(name)) + name for name, _ in named)
    return out + b"".join(lenenc(len(value)) + value for _, value in named)


class Client(RawClient):
    def __init__(self, port, capabilities=CAPABILITIES):
        super().__init__(port, capabilities=capabilities)

    def ask(self, sql, *attributes):
        self.command(QUERY, lenenc(len(attributes)) + b"\1" + parameters((), attributes) + sql.encode())
        return [r.rows if r.rows is not None else r.affected for r in self.read_results()]

    def run(self, prepared, values=(), attributes=(), types=True):
        self.command(STMT_EXECUTE, struct.pack("<IBI", prepared.id, COUNT_SENT, 1)
                     + lenenc(len(values) + len(attributes)) + parameters(values, attributes, types))
        return self.read_results(binary=True)[0].rows


@pytest.fixture
def server(mysql_cluster):
    mysql_cluster.sql(0, "INSTALL COMPONENT 'file://component_query_attributes'")
    yield mysql_cluster
    mysql_cluster.sql(0, "UNINSTALL COMPONENT 'file://component_query_attributes'")


def test_attributes_reach_the_server(server, tidemark):
    """Also of statements executed again, on a connection that has to be prepared for them."""
    # The function is a component's: it would pin.
    proxy = tidemark(server, {"pool": {"trust_programs": "on"},
                              **{f"server db{i}": {"max_connections": 1} for i in server.servers}})
    for port in (server.port(0), proxy.port):
        with Client(port) as client, Client(port) as other:
            assert client.capabilities & rawclient.QUERY_ATTRIBUTES
            assert client.ask(ASK, (b"n", b"one"), (b"m", b"two")) == [[(b"one", b"two")]]
            assert client.ask(ASK) == [[(None, None)]]
            assert client.ask("SET time_zone = '+03:00', sql_mode = ''") == [0]
            assert other.ask("SELECT @@time_zone") == [[(b"SYSTEM",)]]
            assert client.ask("SELECT @@time_zone", (b"n", b"x")) == [[(b"+03:00",)]]
            asks = client.prepare("SELECT ?, mysql_query_attribute_string('n')")
            assert client.run(asks, [b"a"], [(b"n", b"one")]) == [(b"a", b"one")]
            other.ask("SET time_zone = '+04:00'")
            assert client.run(asks, [b"b"], types=False) == [(b"b", None)]
            assert client.run(asks, [b"c"], [(b"m", b"no"), (b"n", b"two")]) == [(b"c", b"two")]
            with pytest.raises(ServerError, match="1835"):
                client.run(asks, [b"d"], [(b"n", b"three")], types=False)
            assert client.run(asks, [b"e"]) == [(b"e", None)]


def test_others_are_not_offered_them(mariadb_cluster, tidemark):
    proxy = tidemark(mariadb_cluster)
    with RawClient(proxy.port, capabilities=CAPABILITIES) as client:
        assert not client.capabilities & rawclient.QUERY_ATTRIBUTES
        assert client.query("SELECT 1") == [("1",)]


def test_malformed_attributes(mysql_cluster, tidemark):
    """Every length is checked; the text is found behind them, or the packet is refused."""
    proxy = tidemark(mysql_cluster)
    for body in (b"", b"\0", b"\0\2SELECT 1", b"\1\1", b"\1\1\0\1\xfe\0\xffx", b"\xff\1",
                 b"\2\1\0\1" + STRING + b"\1a" + STRING + b"\1b" + b"\1x\xfe\xff\xff\xff\xff\xff\xff\xff\xff"):
        with RawClient(proxy.port, capabilities=CAPABILITIES) as client:
            client.command(QUERY, body)
            with pytest.raises((ServerError, rawclient.Closed)):
                client.read_results()
    with Client(proxy.port) as client:
        assert client.ask("SELECT 1") == [[(b"1",)]]
