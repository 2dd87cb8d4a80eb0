"""Dumps taken through the proxy are those taken directly, byte for byte; and what is restored
through it is what was dumped."""

import contextlib
import subprocess

import pytest

from programs import address_words, program

SCHEMA = "dump_me"
EVERY_BYTE = bytes(range(256))

TABLES = [
    "CREATE TABLE bytes (id INT PRIMARY KEY, b BLOB, v VARBINARY(300), bits BIT(40), l LONGBLOB)",
    "CREATE TABLE texts (id INT PRIMARY KEY, t TEXT, v VARCHAR(50) NOT NULL DEFAULT 'it''s \\\\ \"x\"')"
    " CHARACTER SET utf8mb4 COMMENT 'with ''quotes'' and \\\\'",
    "CREATE TABLE texts_gbk (id INT PRIMARY KEY, t VARCHAR(50)) CHARACTER SET gbk",
    "CREATE TABLE texts_sjis (id INT PRIMARY KEY, t VARCHAR(50)) CHARACTER SET sjis",
    "CREATE TABLE texts_big5 (id INT PRIMARY KEY, t VARCHAR(50)) CHARACTER SET big5",
    "CREATE TABLE texts_latin1 (id INT PRIMARY KEY, t VARCHAR(50)) CHARACTER SET latin1",
    "CREATE TABLE times (id INT PRIMARY KEY, d DATE, dt DATETIME(6), ts TIMESTAMP NULL, "
    "y YEAR, t TIME(3))",
    "CREATE TABLE numbers (id INT PRIMARY KEY, f FLOAT, d DOUBLE, n DECIMAL(40,20), "
    "u BIGINT UNSIGNED)",
    "CREATE TABLE made (a INT PRIMARY KEY, b INT GENERATED ALWAYS AS (a * 2) STORED, "
    "c VARCHAR(20) GENERATED ALWAYS AS (CONCAT('<', a, '>')) VIRTUAL, j JSON)",
    "CREATE TABLE parent (id INT PRIMARY KEY AUTO_INCREMENT)",
    "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id))",
    "CREATE TABLE `we``ird \"name\"` (`a ``b` INT PRIMARY KEY, `c;--` INT)",
    "CREATE TABLE log (what TEXT, INDEX (what(10)))",
    "CREATE TABLE nothing (a INT)",
    "CREATE TABLE parted (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3",
    "CREATE VIEW first_view AS SELECT a, b, c FROM made WHERE c <> 'it''s \\\\'",
    "CREATE VIEW a_view_of_it AS SELECT COUNT(*) AS n, dump_me.twice(MAX(a)) AS m FROM first_view",
    "CREATE TRIGGER noted BEFORE INSERT ON numbers FOR EACH ROW BEGIN "
    "INSERT INTO log VALUES ('numbers;'); SET NEW.f = NEW.f + 1; END",
    "CREATE PROCEDURE fill(IN n INT) BEGIN DECLARE i INT DEFAULT 0; "
    "WHILE i < n DO INSERT INTO nothing VALUES (i); SET i = i + 1; END WHILE; END",
    "CREATE EVENT rarely ON SCHEDULE EVERY 10 YEAR DISABLE DO INSERT INTO log VALUES ('event')",
]


@pytest.fixture(scope="module")
def schema(cluster):
    with contextlib.closing(cluster.root(0)) as conn, conn.cursor() as cursor:
        cursor.execute("SET GLOBAL log_bin_trust_function_creators = 1")
        cursor.execute(f"DROP DATABASE IF EXISTS {SCHEMA}")
        cursor.execute(f"CREATE DATABASE {SCHEMA} CHARACTER SET utf8mb4")
    with contextlib.closing(cluster.connect(0, database=SCHEMA, charset="utf8mb4",
                                            autocommit=False)) as conn:
        with conn.cursor() as cursor:
            cursor.execute("SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
            cursor.execute("CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2")
            for text in TABLES:
                cursor.execute(text)
            for number in range(256):
                value = bytes([number]) * 3 + EVERY_BYTE[number:] + EVERY_BYTE[:number]
                cursor.execute("INSERT INTO bytes VALUES (%s, _binary %s, _binary %s, %s, NULL)",
                               (number, value, value[:number], number << 30))
            cursor.execute("INSERT INTO bytes VALUES (256, NULL, '', NULL, REPEAT(0xFF00, 1 << 16))")
            cursor.execute("INSERT INTO texts VALUES (1, %s, '\U0001f40b'), (2, NULL, '')",
                           ("a\0b\tc\nd\re\x1af'g\"h\\i`j%k_l é ß 漢字 \U0001f40b" * 20,))
            # Second bytes that are a backslash, a backquote, a quote's neighbours.
            for table, codec, characters in (
                    ("gbk", "gbk", "誠縗漢運 '\\\""), ("sjis", "shift_jis", "表ソ能 '"),
                    ("big5", "big5", "功許蓋 '\\\""), ("latin1", "latin-1", "é'\\\"ß")):
                cursor.execute(
                    f"INSERT INTO texts_{table} VALUES "
                    f"(1, CONVERT(_{table} 0x{characters.encode(codec).hex()} USING {table}))")
            cursor.execute("INSERT INTO times VALUES (1, '0000-00-00', '0000-00-00', NULL, 0, "
                           "'-838:59:59'), (2, '2024-02-30' + INTERVAL 0 DAY, "
                           "'9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', 2155, NULL), "
                           "(3, '2001-00-00', '1000-01-01', '1970-01-01 00:00:01', 1901, 0)")
            cursor.execute("INSERT INTO numbers VALUES (1, 1e-38, 1.7976931348623157e308, "
                           "12345678901234567890.12345678901234567890, 18446744073709551615), "
                           "(2, 0.1, -0.0, -0.00000000000000000001, 0), (3, NULL, 1/3, 1/3, NULL)")
            cursor.execute("INSERT INTO made (a, j) VALUES (1, '{\"a\": [1, \"\\\\u00e9\", null]}'), "
                           "(2, NULL)")
            cursor.execute("INSERT INTO parent VALUES (0), (7), (9)")
            cursor.execute("INSERT INTO child VALUES (1, 7), (2, NULL)")
            cursor.execute("INSERT INTO `we``ird \"name\"` VALUES (1, 2)")
            cursor.execute("INSERT INTO parted VALUES (1), (2), (3), (4)")
        conn.commit()
    yield SCHEMA
    cluster.sql(0, f"DROP DATABASE {SCHEMA}")
    cluster.sql(0, "SET GLOBAL log_bin_trust_function_creators = 0")


def dump(cluster, port, *options):
    words = program(cluster.flavor, "dump")
    if words is None:
        pytest.skip("the tool cannot be had")
    own = ["--set-gtid-purged=OFF"] if cluster.flavor == "mysql" else []
    done = subprocess.run(
        [*words, *address_words(port), *own, "--skip-dump-date", *options, "--databases", SCHEMA],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def restore(cluster, port, text):
    done = subprocess.run([*program(cluster.flavor, "client"), *address_words(port)], input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 0, done.stderr


EVERYTHING = ["--routines", "--triggers", "--events"]
POSITION = {"mariadb": "--master-data=2", "mysql": "--source-data=2"}


@pytest.mark.parametrize("is_restored, options", [
    (True, ["--single-transaction", "--hex-blob"]),
    (True, ["--single-transaction", "--no-tablespaces", "--skip-tz-utc"]),
    (False, ["--single-transaction", "POSITION", "--default-character-set=gbk", "--hex-blob"]),
    (False, ["--lock-all-tables", "--skip-opt", "--quote-names", "--complete-insert", "--compact"]),
], ids=["hex", "bytes", "position", "locks"])
def test_a_dump_and_its_restore(cluster, proxy, schema, options, is_restored):
    options = [POSITION[cluster.flavor] if word == "POSITION" else word
               for word in [*EVERYTHING, *options]]
    direct = dump(cluster, cluster.port(0), *options)
    assert b"INSERT INTO" in direct and len(direct) > 200000
    assert dump(cluster, proxy.port, *options) == direct
    if is_restored:
        cluster.sql(0, f"DROP DATABASE {schema}")
        restore(cluster, proxy.port, direct)
        assert dump(cluster, cluster.port(0), *options) == direct
