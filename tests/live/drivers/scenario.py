"""The scenario for Python's two drivers, which share an interface. Called by pymysql_driver.py and
mysqlclient_driver.py with what differs between them."""

import datetime
import decimal
import hashlib
import os
import sys
import time

COLUMNS = """id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT UNIQUE, s VARCHAR(200) CHARACTER SET
    utf8mb4, d DECIMAL(20,6), f DOUBLE, day DATE, at DATETIME(6), b LONGBLOB"""


def say(label, value):
    print(f"{label}: {value}", flush=True)


def shown(value):
    if isinstance(value, bytes) and len(value) > 100:
        return f"{len(value)} bytes {hashlib.md5(value).hexdigest()}"
    return repr(value)


def row_text(row):
    return " | ".join(shown(value) for value in row)


def run(driver, connect, **special):
    """`connect(**options)` opens a connection; special: multi= options that allow several statements
    in one, warnings= how to read the number of warnings of a cursor."""
    conn = connect(db="test")
    conn.autocommit(True)
    cursor = conn.cursor()

    def ask(label, text, args=None):
        cursor.execute(text, args)
        for row in cursor.fetchall():
            say(label, row_text(row))

    def fails(label, text, args=None):
        try:
            cursor.execute(text, args)
            say(label, "no error")
        except driver.MySQLError as error:
            say(label, f"{type(error).__name__} {error.args}")

    def write(label, text, args=None):
        cursor.execute(text, args)
        say(label, f"affected {cursor.rowcount} id {cursor.lastrowid}")

    say("server", conn.get_server_info())
    ask("schema", "SELECT DATABASE()")
    cursor.execute("DROP TABLE IF EXISTS items, numbers")
    cursor.execute(f"CREATE TABLE items ({COLUMNS})")

    write("insert", "INSERT INTO items (n, s) VALUES (%s, %s)", (1, "first"))
    write("rows", "INSERT INTO items (n, s) VALUES (2, 'two'), (3, 'three'), (4, 'four')")
    cursor.executemany("INSERT INTO items (n, s) VALUES (%s, %s)", [(5, "five"), (6, "six")])
    say("many", f"affected {cursor.rowcount} id {cursor.lastrowid}")
    for i in range(10):
        cursor.execute("INSERT INTO items (n, s) VALUES (%s, 'own')", (100 + i,))
        ask("own write", "SELECT MAX(n), COUNT(*) FROM items")
    for _ in range(int(os.environ.get("WHO_TRIES", "1"))):
        time.sleep(0.025)
        cursor.execute("SELECT id FROM whoami")
        answered = cursor.fetchone()[0]
        if answered != 0:
            break
    say("who", answered)

    blob = bytes(range(256)) * 400
    values = (2**62, "Grüße 🐬 'quoted' \\ %", decimal.Decimal("-12345.678901"), 1.5,
              datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 23, 59, 58, 123456), blob)
    write("types", "INSERT INTO items (n, s, d, f, day, at, b) VALUES (%s,%s,%s,%s,%s,%s,%s)", values)
    write("nulls", "INSERT INTO items (s) VALUES (NULL)")
    ask("text", "SELECT * FROM items WHERE id >= %s ORDER BY id", (16,))

    write("update", "UPDATE items SET s = 'changed' WHERE n IN (1, 2)")
    write("update again", "UPDATE items SET s = 'changed' WHERE n IN (1, 2, 3)")

    conn.begin()
    write("in transaction", "INSERT INTO items (n, s) VALUES (200, 'kept')")
    ask("in transaction", "SELECT s FROM items WHERE n = 200")
    conn.commit()
    conn.begin()
    write("in transaction", "INSERT INTO items (n, s) VALUES (201, 'gone')")
    ask("in transaction", "SELECT COUNT(*) FROM items WHERE n > 199 AND n < 300")
    conn.rollback()
    ask("after both", "SELECT n FROM items WHERE n > 199 AND n < 300")
    conn.autocommit(False)
    write("autocommit off", "DELETE FROM items WHERE n = 200")
    conn.rollback()
    conn.autocommit(True)
    ask("after rollback", "SELECT n FROM items WHERE n > 199 AND n < 300")

    fails("duplicate", "INSERT INTO items (n) VALUES (1)")
    fails("syntax", "SELEKT 1")
    fails("syntax in a read", "SELECT FROM WHERE")
    fails("unknown table", "SELECT * FROM nowhere")
    fails("unknown column", "SELECT nothing FROM items")
    ask("lives on", "SELECT 'still here'")

    write("warned write", "INSERT IGNORE INTO items (n) VALUES (1)")
    say("warnings", special["warnings"](conn, cursor))
    ask("warned write", "SHOW WARNINGS")
    ask("warned read", "SELECT CAST('12abc' AS SIGNED)")
    say("warnings", special["warnings"](conn, cursor))
    ask("warned read", "SHOW WARNINGS")

    cursor.execute("DROP PROCEDURE IF EXISTS two_results")
    cursor.execute("CREATE PROCEDURE two_results(IN a INT) BEGIN "
                   "SELECT a, 'zwei' AS b; SELECT n FROM items WHERE n <= a; END")
    with_results(connect, special["multi"], cursor)

    ask("variable", "SELECT @@session.sort_buffer_size = 300032")
    cursor.execute("SET SESSION sort_buffer_size = 300032")
    ask("variable", "SELECT @@session.sort_buffer_size = 300032")
    cursor.execute("SET SESSION time_zone = '+05:00', group_concat_max_len = 10")
    ask("replayed", "SELECT FROM_UNIXTIME(86400), GROUP_CONCAT(n ORDER BY n) FROM items")
    cursor.execute("SET @mine = 'meins'")
    ask("user variable", "SELECT @mine, @other")
    cursor.execute("SET @mine = NULL")
    elsewhere(conn, cursor, ask, fails)

    conn.ping()
    again = connect(db="test")
    other = again.cursor()
    other.execute("DELETE FROM items WHERE n = 0")
    other.execute("SELECT COUNT(*) FROM items")
    say("reconnected", other.fetchone())
    again.close()

    conn.select_db("test")
    cursor.execute("CREATE TABLE numbers (i INT PRIMARY KEY, t VARCHAR(60))")
    cursor.execute("INSERT INTO numbers VALUES (0, ''), (1, ''), (2, ''), (3, ''), (4, '')")
    size = 5
    while size < 20000:
        write("doubled", "INSERT INTO numbers SELECT i + %s, REPEAT('x', i %% 40) FROM numbers",
              (size,))
        size *= 2
    large(conn, special)
    conn.close()

    for label, options in (("wrong password", {"db": "test", "password": "wrong"}),
                           ("unknown user", {"db": "test", "user": "nobody"}),
                           ("unknown schema", {"db": "nosuchschema"})):
        try:
            connect(**options)
            say(label, "no error")
        except driver.MySQLError as error:
            say(label, f"{type(error).__name__} {error.args}")


def with_results(connect, options, cursor):
    conn = connect(db="test", **options)
    conn.autocommit(True)
    several = conn.cursor()
    several.execute("SELECT 1; INSERT INTO items (n) VALUES (300), (301); "
                    "SELECT n FROM items WHERE n >= 300 AND n < 400")
    while True:
        say("several", f"affected {several.rowcount} id {several.lastrowid} "
                       f"rows {several.fetchall() if several.description else None}")
        if not several.nextset():
            break
    several.close()
    several = conn.cursor()
    several.callproc("two_results", (3,))
    while True:
        say("procedure", several.fetchall() if several.description else several.rowcount)
        if not several.nextset():
            break
    several.close()
    conn.close()
    cursor.execute("DELETE FROM items WHERE n >= 300 AND n < 400")
    say("deleted", cursor.rowcount)


def elsewhere(conn, cursor, ask, fails):
    cursor.execute("DROP DATABASE IF EXISTS elsewhere")
    cursor.execute("CREATE DATABASE elsewhere")
    conn.select_db("elsewhere")
    ask("schema", "SELECT DATABASE()")
    fails("not here", "SELECT * FROM items")
    cursor.execute("CREATE TABLE items (word VARCHAR(20))")
    cursor.execute("INSERT INTO items VALUES ('anders')")
    ask("here", "SELECT * FROM items")
    cursor.execute("USE test")
    ask("schema", "SELECT DATABASE(), COUNT(*) FROM items")
    fails("unknown schema", "USE nosuchschema")
    ask("schema", "SELECT DATABASE()")
    cursor.execute("DROP DATABASE elsewhere")


def large(conn, special):
    for kind in (None, special["streaming"]):
        cursor = conn.cursor(kind) if kind else conn.cursor()
        cursor.execute("SELECT i, t FROM numbers ORDER BY i")
        digest, count = hashlib.md5(), 0
        for row in cursor:
            digest.update(f"{row[0]} {row[1]}\n".encode())
            count += 1
        say("large", f"{count} rows {digest.hexdigest()}")
        cursor.close()


def address():
    return {"host": sys.argv[1], "port": int(sys.argv[2])}, sys.argv[3], sys.argv[4]
