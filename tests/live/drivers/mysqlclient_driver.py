"""mysqlclient (MySQLdb). See README.md."""

import os

import MySQLdb
import MySQLdb.cursors
from MySQLdb.constants import CLIENT

import scenario

WHERE, USER, PASSWORD = scenario.address()


def connect(**options):
    options = {"user": USER, "password": PASSWORD, "charset": "utf8mb4",
               "compress": bool(os.environ.get("DRIVER_COMPRESS")), **options}
    return MySQLdb.connect(**WHERE, **options)


def warnings(conn, cursor):
    return conn.show_warnings(), conn.warning_count(), conn.info()


scenario.run(MySQLdb, connect, multi={"client_flag": CLIENT.MULTI_STATEMENTS},
             streaming=MySQLdb.cursors.SSCursor, warnings=warnings)
