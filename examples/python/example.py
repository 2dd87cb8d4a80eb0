"""Writes a row through Tidemark, reads it back, and says which kind of server answered."""

import os
import time

import pymysql


def who(cursor):
    cursor.execute("SELECT id FROM whoami")
    number = cursor.fetchone()[0]
    return "primary" if number == 0 else f"replica {number}"


connection = pymysql.connect(
    host=os.environ.get("TIDEMARK_HOST", "127.0.0.1"),
    port=int(os.environ.get("TIDEMARK_PORT", "6033")),
    user=os.environ.get("DB_USER", "app"),
    password=os.environ.get("DB_PASSWORD", "app"),
    database=os.environ.get("DB_NAME", "test"),
    autocommit=True,  # otherwise all is one transaction, and reads stay on the primary
)
with connection, connection.cursor() as cursor:
    cursor.execute(
        "CREATE TABLE IF NOT EXISTS greetings (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(80))"
    )
    cursor.execute("INSERT INTO greetings (text) VALUES (%s)", ("hello from Python",))
    row = cursor.lastrowid
    cursor.execute("SELECT text FROM greetings WHERE id = %s", (row,))
    print(f'wrote row {row}, read back "{cursor.fetchone()[0]}"')
    answered = who(cursor)
    print(f"right after the write: {answered}")
    patience = time.monotonic() + 5
    while answered == "primary" and time.monotonic() < patience:
        time.sleep(0.02)
        answered = who(cursor)
    print(f"a moment later: {answered}")
