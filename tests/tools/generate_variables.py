#!/usr/bin/python3
"""Writes proxy/client/variable_table.inc from a running MySQL and a running MariaDB.

    generate_variables.py MYSQL_PORT MARIADB_PORT [USER [PASSWORD]] > proxy/client/variable_table.inc

Names and kinds are the servers' own. What a change of a variable means for a shared connection no
server can tell; that judgement is the tables below. Variables not named in them are replayed.
"""
import sys

import pymysql

# Consumed by, or aimed at, the next statement or transaction: replaying it would act twice.
ONE_SHOT = """
    gtid_next gtid_seq_no wsrep_gtid_seq_no insert_id timestamp rand_seed1 rand_seed2
    pseudo_thread_id original_commit_timestamp original_server_version immediate_server_version
""".split()

# Known to the session by other means, and replayed only for a statement that refers to it.
INSERT_ID = "identity last_insert_id".split()

# What is written from now on may never reach a replica, or be passed over by it.
LOG_OFF = """
    sql_log_bin pseudo_slave_mode pseudo_replica_mode skip_replication server_id wsrep_on
""".split()

# Cannot be undone or brought to another connection.
PIN = """
    character_set_database collation_database
    default_master_connection max_relay_log_size sql_slave_skip_counter
    old optimizer_trace profiling require_row_format resultset_metadata sql_auto_is_null
""".split()
# character_set_database, collation_database: USE sets them too, so their order with it counts.
# default_master_connection and the two after it: the state of a replication channel, not a value.
# old: switches bits of old_mode on, and not off again.
# optimizer_trace, profiling: what they collect can be read on this connection only.
# require_row_format: cannot be switched off. resultset_metadata: changes what packets look like.
# sql_auto_is_null: makes plain comparisons with NULL refer to the last insert id.

# Counters, read-only values, and what can only be set globally: not state of a session.
NOISE = """
    error_count warning_count statement_id last_gtid gtid_owned in_transaction external_user
    proxy_user max_allowed_packet net_buffer_length max_user_connections
""".split()

# A tracked empty value is NULL.
OR_NULL = """
    character_set_results default_tmp_storage_engine enforce_storage_engine
    innodb_ft_user_stopword_table innodb_tmpdir
    external_table_storage_engine external_table_secondary_storage_engine
""".split()

# Names of the same state: whichever was set last holds. The first of a pair of character set and
# collation sets the second to a default, the second determines the first.
GROUPS = """
    character_set_connection,collation_connection
    character_set_server,collation_server
    alter_algorithm,old_alter_table
    default_storage_engine,storage_engine
    log_slow_min_examined_row_limit,min_examined_row_limit
    log_slow_query,slow_query_log
    log_slow_query_time,long_query_time
    max_delayed_threads,max_insert_delayed_threads
    tmp_memory_table_size,tmp_table_size
    transaction_isolation,tx_isolation
    transaction_read_only,tx_read_only
""".split()

# Setting the right one also sets the left one.
RESET_BY = dict(pair.split("<") for pair in """
    sql_big_selects<max_join_size
    log_queries_not_using_indexes<log_slow_filter
    log_slow_admin_statements<log_slow_disabled_statements
    log_slow_slave_statements<log_slow_disabled_statements
    wsrep_causal_reads<wsrep_sync_wait
""".split())

# In not every server that the table is generated from, but in their relatives.
ALSO = {"transaction_isolation": "TEXT", "transaction_read_only": "BOOLEAN",
        "tx_isolation": "TEXT", "tx_read_only": "BOOLEAN"}

RANK = {"character_set_server": "FIRST", "character_set_client": "CHARSET",
        "character_set_results": "CHARSET", "character_set_connection": "CONNECTION",
        "collation_connection": "CONNECTION"}


def kind_of(name, server_type):
    if name in OR_NULL:
        return "TEXT_OR_NULL"
    if server_type == "BOOLEAN":
        return "BOOLEAN"
    if "INT" in server_type or server_type in ("NUMERIC", "DOUBLE"):
        return "NUMBER"
    return "TEXT"


def flag_of(name):
    if name.startswith("session_track_") and name != "session_track_gtids":
        return "VARIABLE_TRACKING"
    for flag, names in (("VARIABLE_ONE_SHOT", ONE_SHOT), ("VARIABLE_INSERT_ID", INSERT_ID),
                        ("VARIABLE_LOG_OFF", LOG_OFF), ("VARIABLE_PIN", PIN),
                        ("VARIABLE_NOISE", NOISE)):
        if name in names:
            return flag
    return "0"


def group_of(name):
    for number, group in enumerate(GROUPS, 1):
        if name in group.split(","):
            return number
    return 0


def rank_of(name):
    if name in RESET_BY.values():
        return "FIRST"
    return RANK.get(name, "ORDINARY")


def ask(port, user, password, query):
    connection = pymysql.connect(host="127.0.0.1", port=port, user=user, password=password)
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows = cursor.fetchall()
        cursor.execute("SELECT VERSION()")
        return dict(rows), cursor.fetchone()[0]


def main():
    mysql_port, mariadb_port = int(sys.argv[1]), int(sys.argv[2])
    user = sys.argv[3] if len(sys.argv) > 3 else "root"
    password = sys.argv[4] if len(sys.argv) > 4 else ""
    mysql, mysql_version = ask(
        mysql_port, user, password,
        "SELECT LOWER(VARIABLE_NAME), UPPER(DATA_TYPE) FROM performance_schema.variables_metadata"
        " WHERE VARIABLE_SCOPE LIKE 'SESSION%'")
    mariadb, mariadb_version = ask(
        mariadb_port, user, password,
        "SELECT LOWER(VARIABLE_NAME), UPPER(VARIABLE_TYPE) FROM information_schema.system_variables"
        " WHERE VARIABLE_SCOPE LIKE 'SESSION%'")
    kinds = dict(ALSO)
    for server in (mysql, mariadb):
        for name, server_type in server.items():
            kind = kind_of(name, server_type)
            if name in kinds and kinds[name] != kind:
                kind = "NUMBER" if "NUMBER" in (kind, kinds[name]) else "TEXT"
            kinds[name] = kind

    print("/* Written by tests/tools/generate_variables.py from MySQL %s and MariaDB %s."
          % (mysql_version.split("-")[0], mariadb_version.split("-")[0]))
    print("   VARIABLE(name, kind, flags, rank, group, reset by) */")
    for name in sorted(kinds):
        print("VARIABLE(%s, %s, %s, %s, %d, %s)"
              % (name, kinds[name], flag_of(name), rank_of(name), group_of(name),
                 RESET_BY.get(name, "none")))


main()
