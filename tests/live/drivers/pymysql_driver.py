"""PyMySQL. See README.md."""

import os

import pymysql
from pymysql.constants import CLIENT

import scenario

WHERE, USER, PASSWORD = scenario.address()


def connect(**options):
    options = {"user": USER, "password": PASSWORD, "charset": "utf8mb4", **options}
    if os.environ.get("DRIVER_TLS"):
        options["ssl"] = {"check_hostname": False}
    return pymysql.connect(**WHERE, **options)


def warnings(conn, cursor):
    return [(kind.__name__ if isinstance(kind, type) else kind, *rest)
            for kind, *rest in conn.show_warnings()]


scenario.run(pymysql, connect, multi={"client_flag": CLIENT.MULTI_STATEMENTS},
             streaming=pymysql.cursors.SSCursor, warnings=warnings)
