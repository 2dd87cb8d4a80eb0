"""A small client that speaks the protocol packet by packet.

Drivers hide what these tests are about: which capabilities were agreed, what an OK packet carried,
when parameter types are sent, what a broken packet is answered with. Every step here can be taken
alone; the names are those of the protocol's manual pages.
"""

import hashlib
import socket
import struct
import time

# Capabilities.
LONG_PASSWORD = 1
FOUND_ROWS = 2
LONG_FLAG = 4
CONNECT_WITH_DB = 8
COMPRESS = 32
LOCAL_FILES = 128
PROTOCOL_41 = 512
SSL = 2048
TRANSACTIONS = 8192
SECURE_CONNECTION = 1 << 15
MULTI_STATEMENTS = 1 << 16
MULTI_RESULTS = 1 << 17
PS_MULTI_RESULTS = 1 << 18
PLUGIN_AUTH = 1 << 19
CONNECT_ATTRS = 1 << 20
LENENC_AUTH = 1 << 21
SESSION_TRACK = 1 << 23
DEPRECATE_EOF = 1 << 24
QUERY_ATTRIBUTES = 1 << 27

# MariaDB's, which are announced where LONG_PASSWORD (its CLIENT_MYSQL) is not.
MARIADB_PROGRESS = 1 << 32
MARIADB_BULK = 1 << 34
MARIADB_EXTENDED_METADATA = 1 << 35
MARIADB_CACHE_METADATA = 1 << 36
MARIADB_BULK_RESULTS = 1 << 37

BASE = (LONG_PASSWORD | LONG_FLAG | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION
        | MULTI_RESULTS | PS_MULTI_RESULTS | PLUGIN_AUTH | LENENC_AUTH)
MODERN = BASE | DEPRECATE_EOF | SESSION_TRACK
MARIADB = (MODERN & ~LONG_PASSWORD | MARIADB_PROGRESS | MARIADB_BULK | MARIADB_EXTENDED_METADATA)

# Status bits.
IN_TRANSACTION = 1
AUTOCOMMIT = 2
MORE_RESULTS = 8
SESSION_STATE_CHANGED = 1 << 14

# Commands.
QUIT, INIT_DB, QUERY, FIELD_LIST = 1, 2, 3, 4
STATISTICS, PING, CHANGE_USER = 9, 14, 17
STMT_PREPARE, STMT_EXECUTE, STMT_SEND_LONG_DATA, STMT_CLOSE, STMT_RESET = 22, 23, 24, 25, 26
SET_OPTION, STMT_FETCH, RESET_CONNECTION = 27, 28, 31
STMT_BULK_EXECUTE = 250

# Column types that a binary row keeps in a fixed size, as struct formats.
_FIXED = {1: "<b", 2: "<h", 3: "<i", 4: "<f", 5: "<d", 8: "<q", 9: "<i", 13: "<H"}
_DATES = {7, 10, 11, 12}
TYPE_DOUBLE, TYPE_NULL, TYPE_LONGLONG, TYPE_BLOB, TYPE_VAR_STRING = 5, 6, 8, 252, 253

FULL_PACKET = 0xFFFFFF


class ServerError(Exception):
    """An ERR packet."""

    def __init__(self, payload):
        self.code = struct.unpack_from("<H", payload, 1)[0]
        self.sqlstate = ""
        text = payload[3:]
        if text[:1] == b"#":
            self.sqlstate = text[1:6].decode()
            text = text[6:]
        self.text = text.decode(errors="replace")
        super().__init__(f"{self.code} ({self.sqlstate}): {self.text}")


class Closed(Exception):
    """The other side closed the connection."""


def lenenc(number):
    if number < 251:
        return bytes([number])
    if number < 1 << 16:
        return b"\xfc" + struct.pack("<H", number)
    if number < 1 << 24:
        return b"\xfd" + struct.pack("<I", number)[:3]
    return b"\xfe" + struct.pack("<Q", number)


class Reader:
    """Takes values off a payload."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if self.left() < count:
            raise ValueError(f"packet too short: {self.data[:60]!r}")
        part = self.data[self.at:self.at + count]
        self.at += count
        return part

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def lenenc(self):
        first = self.number(1)
        if first < 251:
            return first
        if first == 251:
            return None
        return self.number({252: 2, 253: 3, 254: 8}[first])

    def text(self):
        size = self.lenenc()
        return None if size is None else self.take(size)

    def to_nul(self):
        end = self.data.index(b"\0", self.at)
        part = self.take(end - self.at)
        self.at += 1
        return part

    def rest(self):
        return self.take(self.left())


class Greeting:
    def __init__(self, payload):
        r = Reader(payload)
        self.protocol = r.number(1)
        self.version = r.to_nul().decode()
        self.connection_id = r.number(4)
        scramble = r.take(8)
        r.take(1)
        self.capabilities = r.number(2)
        self.charset = r.number(1)
        self.status = r.number(2)
        self.capabilities |= r.number(2) << 16
        size = r.number(1)
        r.take(6)
        mariadb = r.number(4)
        if not self.capabilities & LONG_PASSWORD:
            self.capabilities |= mariadb << 32
        scramble += r.take(max(13, size - 8))
        self.scramble = scramble[:20]
        self.plugin = r.to_nul().decode() if r.left() else ""


class Result:
    """One answer: an OK packet's values, or columns and rows and how they ended."""

    def __init__(self):
        self.affected = self.insert_id = self.status = self.warnings = 0
        self.info = b""
        self.trackers = []  # (type, payload)
        self.columns = None  # [(name, type, flags)] of a result set
        self.rows = None

    def read_ok(self, payload, capabilities):
        r = Reader(payload)
        r.take(1)
        self.affected = r.lenenc()
        self.insert_id = r.lenenc()
        self.status = r.number(2)
        self.warnings = r.number(2)
        if not capabilities & SESSION_TRACK:
            self.info = r.rest()
        elif r.left():
            self.info = r.text()
            if self.status & SESSION_STATE_CHANGED and r.left():
                block = Reader(r.text())
                while block.left():
                    kind = block.number(1)
                    self.trackers.append((kind, block.text()))
        assert r.left() == 0, f"{r.left()} bytes too many in {payload!r}"
        return self


class Prepared:
    def __init__(self, payload):
        r = Reader(payload)
        r.take(1)
        self.id = r.number(4)
        self.column_count = r.number(2)
        self.param_count = r.number(2)
        r.take(1)
        self.warnings = r.number(2)
        self.columns = []


def native_answer(password, scramble):
    if not password:
        return b""
    one = hashlib.sha1(password).digest()
    two = hashlib.sha1(scramble + hashlib.sha1(one).digest()).digest()
    return bytes(a ^ b for a, b in zip(one, two))


def sha2_answer(password, scramble):
    if not password:
        return b""
    one = hashlib.sha256(password).digest()
    two = hashlib.sha256(hashlib.sha256(one).digest() + scramble).digest()
    return bytes(a ^ b for a, b in zip(one, two))


def encrypt_password(password, scramble, pem):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding

    plain = password + b"\0"
    mixed = bytes(c ^ scramble[i % len(scramble)] for i, c in enumerate(plain))
    key = serialization.load_pem_public_key(pem)
    return key.encrypt(mixed, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))


class RawClient:
    """A connection. With login=False only the socket is open; step() through the login yourself."""

    def __init__(self, port, user="app", password="app", database="test", capabilities=MODERN,
                 login=True, charset=45, timeout=60):
        self.user = user.encode()
        self.password = password.encode()
        self.database = database.encode() if database else None
        self.wanted = capabilities | (CONNECT_WITH_DB if database else 0)
        self.charset = charset
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.sequence = 0
        self.greeting = None
        self.capabilities = 0
        if login:
            try:
                self.login()
            except Exception:
                self.sock.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    # packets

    def _fill(self, count):
        while len(self.buffer) < count:
            got = self.sock.recv(1 << 18)
            if not got:
                raise Closed("the connection was closed")
            self.buffer += got

    def read_frame(self):
        self._fill(4)
        size = int.from_bytes(self.buffer[:3], "little")
        sequence = self.buffer[3]
        self._fill(4 + size)
        payload = bytes(self.buffer[4:4 + size])
        del self.buffer[:4 + size]
        return sequence, payload

    def read_packet(self):
        """The next payload, joined if it came in several frames; checks the sequence. MariaDB's
        reports of progress are left out."""
        parts = []
        while True:
            sequence, part = self.read_frame()
            assert sequence == self.sequence, f"sequence {sequence}, not {self.sequence}"
            self.sequence = (sequence + 1) & 255
            if part[:3] == b"\xff\xff\xff" and self.capabilities & MARIADB_PROGRESS:
                continue
            parts.append(part)
            if len(part) < FULL_PACKET:
                return b"".join(parts) if len(parts) > 1 else part

    def frames_of(self, payload):
        """The frames of one payload, beginning at the present sequence number."""
        frames = []
        for at in range(0, len(payload) + 1, FULL_PACKET):
            part = payload[at:at + FULL_PACKET]
            frames.append(struct.pack("<I", len(part))[:3] + bytes([self.sequence]) + part)
            self.sequence = (self.sequence + 1) & 255
        return b"".join(frames)

    def send(self, payload):
        self.sock.sendall(self.frames_of(payload))

    def send_raw(self, data):
        self.sock.sendall(data)

    # login

    def read_greeting(self):
        payload = self.read_packet()
        if payload[:1] == b"\xff":
            raise ServerError(payload)
        self.greeting = Greeting(payload)
        self.capabilities = self.wanted & self.greeting.capabilities
        return self.greeting

    def response(self, plugin=None):
        """The handshake response's payload."""
        plugin = plugin or self.greeting.plugin
        answer = self.answer(plugin, self.greeting.scramble)
        mariadb = 0 if self.capabilities & LONG_PASSWORD else self.capabilities >> 32
        out = struct.pack("<IIB19xI", self.capabilities & 0xFFFFFFFF, 1 << 24, self.charset, mariadb)
        out += self.user + b"\0"
        out += lenenc(len(answer)) + answer
        if self.capabilities & CONNECT_WITH_DB:
            out += self.database + b"\0"
        if self.capabilities & PLUGIN_AUTH:
            out += plugin.encode() + b"\0"
        return out

    def answer(self, plugin, scramble):
        if plugin == "mysql_native_password":
            return native_answer(self.password, scramble)
        if plugin == "caching_sha2_password":
            return sha2_answer(self.password, scramble)
        return b""

    def login(self, plugin=None):
        self.read_greeting()
        plugin = plugin or self.greeting.plugin
        self.send(self.response(plugin))
        return self.finish_login(plugin, self.greeting.scramble)

    def finish_login(self, plugin, scramble):
        """Reads until OK; answers switches and the caching_sha2_password exchange."""
        while True:
            payload = self.read_packet()
            first = payload[0]
            if first == 0xFF:
                raise ServerError(payload)
            if first == 0:
                return Result().read_ok(payload, self.capabilities)
            if first == 0xFE:
                name, _, rest = payload[1:].partition(b"\0")
                plugin, scramble = name.decode(), rest[:20]
                self.send(self.answer(plugin, scramble))
            elif payload == b"\x01\x04":
                self.send(b"\x02")
                pem = self.read_packet()
                assert pem[0] == 1, pem
                self.send(encrypt_password(self.password, scramble, pem[1:]))
            else:
                assert payload == b"\x01\x03", payload

    # commands

    def command(self, code, body=b""):
        """Sends one command; its answer is read by one of the read_… functions."""
        self.sequence = 0
        self.send(bytes([code]) + body)

    def read_ok(self):
        payload = self.read_packet()
        if payload[0] == 0xFF:
            raise ServerError(payload)
        if payload[0] == 0xFE and len(payload) == 5:
            result = Result()
            result.warnings, result.status = struct.unpack_from("<HH", payload, 1)
            return result
        assert payload[0] in (0, 0xFE), payload
        return Result().read_ok(payload, self.capabilities)

    def ok(self, code, body=b""):
        self.command(code, body)
        return self.read_ok()

    def _is_end(self, payload):
        if payload[0] != 0xFE:
            return False
        if self.capabilities & DEPRECATE_EOF:
            return len(payload) < FULL_PACKET
        return len(payload) < 9

    def _read_end(self, result, payload):
        if self.capabilities & DEPRECATE_EOF:
            return result.read_ok(payload, self.capabilities)
        result.warnings, result.status = struct.unpack_from("<HH", payload, 1)
        assert len(payload) == 5, payload
        return result

    def read_columns(self, count):
        columns = []
        for _ in range(count):
            r = Reader(self.read_packet())
            for _ in range(4):
                r.text()
            name = r.text()
            r.text()
            if self.capabilities & MARIADB_EXTENDED_METADATA:
                r.text()
            r.lenenc()
            r.number(2)
            length = r.number(4)
            kind = r.number(1)
            columns.append((name.decode(errors="replace"), kind, r.number(2), length))
        return columns

    def read_eof(self):
        payload = self.read_packet()
        assert payload[0] == 0xFE and len(payload) == 5, payload

    def read_result(self, binary=False, keep_rows=True):
        """One answer of QUERY or EXECUTE."""
        payload = self.read_packet()
        if payload[0] == 0xFF:
            raise ServerError(payload)
        result = Result()
        if payload[0] == 0:
            return result.read_ok(payload, self.capabilities)
        result.columns = self.read_columns(Reader(payload).lenenc())
        if not self.capabilities & DEPRECATE_EOF:
            self.read_eof()
        result.rows = []
        while True:
            payload = self.read_packet()
            if payload[0] == 0xFF:
                raise ServerError(payload)
            if self._is_end(payload):
                return self._read_end(result, payload)
            if keep_rows:
                result.rows.append(self._row(payload, result.columns, binary))

    def _row(self, payload, columns, binary):
        r = Reader(payload)
        if not binary:
            return tuple(r.text() for _ in columns)
        r.take(1)
        nulls = r.take((len(columns) + 9) // 8)
        row = []
        for i, (_, kind, flags, _) in enumerate(columns):
            if nulls[(i + 2) // 8] >> ((i + 2) % 8) & 1:
                row.append(None)
            elif kind in _FIXED:
                form = _FIXED[kind].upper() if flags & 32 and kind != 5 else _FIXED[kind]
                row.append(struct.unpack(form, r.take(struct.calcsize(form)))[0])
            elif kind in _DATES:
                row.append(r.take(r.number(1)))
            else:
                row.append(r.text())
        assert r.left() == 0, "bytes left in a binary row"
        return tuple(row)

    def read_results(self, binary=False):
        results = [self.read_result(binary)]
        while results[-1].status & MORE_RESULTS:
            results.append(self.read_result(binary))
        return results

    def results(self, sql):
        """All answers of a text query."""
        self.command(QUERY, sql if isinstance(sql, bytes) else sql.encode())
        return self.read_results()

    def query(self, sql):
        """The first answer's rows, or its Result if it has none; values as text."""
        result = self.results(sql)[0]
        if result.rows is None:
            return result
        return [tuple(None if v is None else v.decode(errors="replace") for v in row)
                for row in result.rows]

    # prepared statements

    def prepare(self, sql):
        self.command(STMT_PREPARE, sql.encode())
        payload = self.read_packet()
        if payload[0] == 0xFF:
            raise ServerError(payload)
        prepared = Prepared(payload)
        for count in (prepared.param_count, prepared.column_count):
            if count:
                columns = self.read_columns(count)
                if not self.capabilities & DEPRECATE_EOF:
                    self.read_eof()
        if prepared.column_count:
            prepared.columns = columns
        return prepared

    @staticmethod
    def execute_body(prepared_id, params=(), types=True, long_data=(), flags=0):
        """EXECUTE's payload. types=False leaves the parameters' types out; parameters whose index
        is in long_data were sent before."""
        out = struct.pack("<IBI", prepared_id, flags, 1)
        if not params:
            return out
        nulls = bytearray((len(params) + 7) // 8)
        kinds, values = b"", b""
        for i, value in enumerate(params):
            if value is None:
                nulls[i // 8] |= 1 << (i % 8)
                kinds += bytes([TYPE_NULL, 0])
            elif i in long_data:
                kinds += bytes([TYPE_BLOB, 0])
            elif isinstance(value, int):
                kinds += bytes([TYPE_LONGLONG, 0])
                values += struct.pack("<q", value)
            elif isinstance(value, float):
                kinds += bytes([TYPE_DOUBLE, 0])
                values += struct.pack("<d", value)
            else:
                data = value.encode() if isinstance(value, str) else value
                kinds += bytes([TYPE_VAR_STRING if isinstance(value, str) else TYPE_BLOB, 0])
                values += lenenc(len(data)) + data
        return out + bytes(nulls) + bytes([types]) + (kinds if types else b"") + values

    def execute(self, prepared, params=(), **options):
        """Rows of the first answer, or its Result."""
        number = prepared if isinstance(prepared, int) else prepared.id
        self.command(STMT_EXECUTE, self.execute_body(number, params, **options))
        result = self.read_results(binary=True)[0]
        return result if result.rows is None else result.rows

    def send_long_data(self, prepared, index, data):
        self.command(STMT_SEND_LONG_DATA, struct.pack("<IH", prepared.id, index) + data)

    def close_statement(self, prepared):
        self.command(STMT_CLOSE, struct.pack("<I", prepared.id))

    def reset_statement(self, prepared):
        return self.ok(STMT_RESET, struct.pack("<I", prepared.id))

    def change_user(self, user, password, database=None, charset=45):
        # The scramble of the first greeting is still good: the server's, or sent anew by a switch.
        self.user, self.password = user.encode(), password.encode()
        answer = self.answer(self.greeting.plugin, self.greeting.scramble)
        body = self.user + b"\0" + bytes([len(answer)]) + answer
        body += (database or "").encode() + b"\0" + struct.pack("<H", charset)
        body += self.greeting.plugin.encode() + b"\0"
        self.command(CHANGE_USER, body)
        return self.finish_login(self.greeting.plugin, self.greeting.scramble)

    # what went wrong

    def until_closed(self, timeout=10):
        """Reads until the other side closes; returns the errors it sent before."""
        errors = []
        deadline = time.monotonic() + timeout
        self.sock.settimeout(timeout)
        while time.monotonic() < deadline:
            try:
                _, payload = self.read_frame()
            except (Closed, ConnectionError):
                return errors
            if payload[:1] == b"\xff" and len(payload) > 3:
                errors.append(ServerError(payload))
        raise AssertionError("the connection was not closed")
