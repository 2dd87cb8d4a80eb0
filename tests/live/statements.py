"""Random sequences of statements over everything that makes up a session's state.

A grammar: `<name>` stands for one of the alternatives of that name, chosen at random. Each sequence
takes a few topics, so that statements that have to do with each other meet often. A step is SQL, or
a command of the protocol:

    /reset   /change_user U   /init_db S   /ping   /option N   /prepare P SQL   /execute P [VALUES]
    /cursor P [VALUES]   /fetch P N   /long P I DATA   /stmt_reset P   /close P   /bulk P [VALUES]

`{d}` is the schema a run has for itself, `{d}_o` another one with little in it. In the first are the tables `a` and `b`, the programs and views
of `SCHEMA`; the first steps fill the tables, so that a sequence's beginning is always the same.
"""

import random
import re

SCHEMA = [
    "CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, n INT, s VARCHAR(40))",
    "CREATE TABLE b (id INT PRIMARY KEY, n INT NOT NULL, t VARCHAR(10), UNIQUE (n))",
    "CREATE VIEW v AS SELECT id, n FROM a",
    "CREATE FUNCTION f_var(x INT) RETURNS INT DETERMINISTIC BEGIN SET @f = x; RETURN x + 1; END",
    "CREATE FUNCTION f_write(x INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN"
    " INSERT INTO a (n) VALUES (x); RETURN LAST_INSERT_ID(); END",
    "CREATE VIEW vf AS SELECT id, f_var(n) FROM a",
    "CREATE PROCEDURE p_rows() BEGIN SELECT id, n FROM a ORDER BY id LIMIT 2;"
    " SELECT COUNT(*) FROM b; END",
    "CREATE PROCEDURE p_state() BEGIN SET SESSION group_concat_max_len = 77; SET @p = 'p';"
    " CREATE TEMPORARY TABLE IF NOT EXISTS tp (x INT); INSERT INTO tp VALUES (1); END",
    "CREATE PROCEDURE p_mode() SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+04:00'",
    "CREATE PROCEDURE p_begin() BEGIN START TRANSACTION; INSERT INTO a (n) VALUES (5); END",
    "CREATE PROCEDURE p_lock() DO GET_LOCK(CONCAT(DATABASE(), 'p'), 0)",
    "CREATE PROCEDURE p_error() BEGIN SET @e = 1; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no';"
    " END",
    "CREATE PROCEDURE p_warn() SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = 'hm', MYSQL_ERRNO = 1000",
    "CREATE PROCEDURE p_out(IN i INT, OUT o INT) SET o = i * 2",
    "CREATE PROCEDURE p_prepare() BEGIN SET @q = 'SELECT 5'; PREPARE s1 FROM @q; EXECUTE s1; END",
    "CREATE TRIGGER a_in BEFORE UPDATE ON a FOR EACH ROW SET @t = NEW.n",
]

SETUP = [
    "DROP TABLE IF EXISTS c, {d}_o.c",  # its answer is not compared: the sequence before may have left it
    "TRUNCATE a", "TRUNCATE b", "INSERT INTO a (n, s) VALUES (10, 'x'), (20, 'yy'), (30, NULL)",
    "INSERT INTO b VALUES (1, 1, 'a'), (2, 2, 'b')",
]

WORDS = {
    "int": ["0", "1", "2", "3", "5", "7", "100"],
    "id": ["1", "2", "3", "4"],
    "literal": ["NULL", "0", "1", "-7", "18446744073709551615", "9223372036854775807", "1.50",
                "-0.0", "2e3", "'x'", "'Ünï'", "''", "0x41", "x'4142'", "TRUE", "_latin1'ab'",
                "DATE'2020-01-02'", "b'101'", "_binary'a'", "'a' COLLATE utf8mb4_bin",
                "'it''s'", "'a\\\\b'", "12345678901234567890.5", "<expression>", "N'n'",
                "TIME'10:11:12.5'", "TIMESTAMP'2020-01-02 03:04:05.123'"],
    "expression": ["1 + 1", "CONCAT('a', 'b')", "(SELECT MAX(n) FROM a)", "@x", "@y", "@@sql_mode",
                   "@x + 1", "CAST(5 AS UNSIGNED)", "CAST('7' AS DECIMAL(10,3))", "UPPER('x')",
                   "LAST_INSERT_ID()", "f_var(2)"],
    "uv": ["@x", "@y", "@z", "@`x y`", "@X"],
    "scope": ["", "", "SESSION ", "LOCAL ", "@@", "@@session.", "@@local."],
    "mode": ["''", "'ANSI_QUOTES'", "'ANSI'", "'NO_BACKSLASH_ESCAPES'", "'STRICT_ALL_TABLES'",
             "'PIPES_AS_CONCAT,NO_ZERO_DATE'", "'NO_AUTO_VALUE_ON_ZERO'", "'TRADITIONAL'",
             "DEFAULT", "CONCAT(@@sql_mode, ',ANSI_QUOTES')", "'NOSUCH'", "'NO_UNSIGNED_SUBTRACTION'"],
    "variable": [
        "sql_mode = <mode>", "sql_mode = <mode>", "time_zone = <zone>",
        "group_concat_max_len = <length>", "sql_select_limit = <limit>",
        "lc_time_names = '<locale>'", "div_precision_increment = <int>", "max_error_count = <count>",
        "sql_safe_updates = <bool>", "foreign_key_checks = <bool>", "unique_checks = <bool>",
        "auto_increment_increment = <id>", "auto_increment_offset = <id>", "sql_notes = <bool>",
        "sql_warnings = <bool>", "innodb_lock_wait_timeout = 7",
        "default_week_format = <id>", "sort_buffer_size = 300000", "sort_buffer_size = DEFAULT",
        "sql_big_selects = <bool>", "max_join_size = 1000", "max_join_size = DEFAULT",
        "transaction_isolation = '<isolation>'", "tx_isolation = '<isolation>'",
        "transaction_read_only = <bool>", "character_set_results = <charset>",
        "collation_connection = <collation>", "character_set_client = <charset>",
        "character_set_connection = <charset>", "net_write_timeout = 61", "nosuch_variable = 1",
        "max_sort_length = 64", "tmp_table_size = 1048576", "optimizer_switch = 'mrr=on'",
        "timestamp = 1000000000.5", "timestamp = DEFAULT", "insert_id = 50",
        "last_insert_id = <int>", "identity = <int>", "sql_select_limit = DEFAULT",
        "completion_type = <completion>", "old_mode = ''", "updatable_views_with_limit = 0",
        "default_storage_engine = MyISAM", "default_storage_engine = DEFAULT", "rand_seed1 = 5",
        "group_concat_max_len = @x", "time_zone = NULL", "character_set_results = NULL",
        "collation_database = utf8mb4_bin", "character_set_database = latin1",
    ],
    "completion": ["NO_CHAIN", "CHAIN", "0"],
    "zone": ["'+05:00'", "'-03:30'", "SYSTEM", "DEFAULT", "'nosuch'", "'+00:00'"],
    "length": ["5", "1000", "DEFAULT", "4 * 4", "'x'"],
    "limit": ["1", "2", "DEFAULT", "18446744073709551615"],
    "locale": ["de_DE", "en_US", "ja_JP", "xx"],
    "count": ["0", "1", "64", "DEFAULT"],
    "bool": ["0", "1", "ON", "OFF", "DEFAULT"],
    "isolation": ["READ-COMMITTED", "SERIALIZABLE", "REPEATABLE-READ", "READ-UNCOMMITTED"],
    "level": ["READ COMMITTED", "SERIALIZABLE", "REPEATABLE READ", "READ UNCOMMITTED"],
    "charset": ["latin1", "utf8mb4", "utf8mb3", "binary", "gbk", "cp1251", "ucs2", "sjis", "ascii"],
    "collation": ["latin1_bin", "utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci",
                  "latin1_german1_ci", "nosuch"],
    "select": [
        "SELECT id, n, s FROM a ORDER BY id", "SELECT n FROM a WHERE id = <id>",
        "SELECT COUNT(*), SUM(n) FROM a", "SELECT id FROM a ORDER BY id LIMIT <int>",
        "SELECT a.id, b.t FROM a JOIN b USING (id) ORDER BY 1", "SELECT * FROM b ORDER BY id",
        "SELECT GROUP_CONCAT(n ORDER BY id) FROM a", "SELECT <literal>", "SELECT <literal>, <literal>",
        "SELECT COUNT(*) FROM v", "SELECT id FROM a UNION SELECT id FROM b ORDER BY 1 LIMIT 3",
        "TABLE b ORDER BY id", "SELECT nosuch FROM a", "SELECT 1 FROM nosuch", "SELECT FROM",
        "SELECT id FROM a WHERE id IS NULL", "SELECT \"a\" FROM a LIMIT 1", "SELECT 'x' || 'y'",
        "SELECT id INTO @x FROM a WHERE id = 2", "SELECT id FROM a WHERE n = <int> FOR UPDATE",
        "SELECT CAST('<int>x' AS SIGNED)", "SELECT 1/0", "SELECT CAST('Ü' AS CHAR), HEX('Ü')",
        "SELECT id FROM a WHERE s = 'x' OR n > 10 ORDER BY id DESC", "SELECT DATABASE()",
        "SELECT COLLATION('a'), CHARSET('a'), COERCIBILITY('a')", "DO 1", "DO <literal>",
        "DESCRIBE a", "SHOW TABLES", "SHOW CREATE TABLE b", "SHOW COLUMNS FROM b",
        "SELECT * FROM a WHERE id = '<int>z' ORDER BY id", "EXPLAIN SELECT id FROM a WHERE id = 1",
        "VALUES ROW(1, 'a'), ROW(2, 'b')", "WITH c AS (SELECT id FROM a) SELECT COUNT(*) FROM c",
    ],
    "write": [
        "INSERT INTO a (n) VALUES (<int>)", "INSERT INTO a (n, s) VALUES (<int>, 'q'), (<int>, NULL)",
        "INSERT INTO a (n) VALUES (<literal>)", "INSERT INTO a (s) VALUES (<literal>)",
        "UPDATE a SET n = n + 1 WHERE id <= <id>", "UPDATE a SET n = <int>", "DELETE FROM a WHERE id = <id>",
        "INSERT INTO b VALUES (<int>, <int>, 'ccc')", "INSERT IGNORE INTO b VALUES (<id>, <int>, 'd')",
        "REPLACE INTO b VALUES (<id>, <int>, 'e')", "INSERT INTO b (id, n) SELECT id + 10, n FROM a",
        "INSERT INTO b VALUES (<id>, 9, 'f') ON DUPLICATE KEY UPDATE n = n + 10",
        "INSERT INTO a (n) SELECT n FROM b ORDER BY id", "INSERT INTO a VALUES (<int>, 1, 'g')",
        "INSERT INTO b VALUES (<int>, NULL, 'longer than ten characters')",
        "UPDATE b SET t = 'longer than ten characters' WHERE id = 1", "DELETE FROM b WHERE id > 2",
        "INSERT INTO a (n) VALUES (LAST_INSERT_ID()), (LAST_INSERT_ID() + 1)",
        "UPDATE a SET n = LAST_INSERT_ID(n + 5) WHERE id = <id>", "INSERT INTO nosuch VALUES (1)",
        "INSERT INTO a (n) VALUES (@x)", "INSERT INTO a (n) VALUES (3) RETURNING id",
        "UPDATE a, b SET a.n = b.n WHERE a.id = b.id", "TRUNCATE b",
        "CREATE TABLE IF NOT EXISTS c (id INT)", "DROP TABLE IF EXISTS c", "INSERT INTO c VALUES (1)",
        "ALTER TABLE b COMMENT 'x'", "CREATE TABLE c AS SELECT id FROM a", "ANALYZE TABLE b",
    ],
    "probe": [
        "SELECT @x, @y, @z", "SELECT COLLATION(@x), COERCIBILITY(@x), COLLATION(@y)",
        "SELECT @@sql_mode, @@time_zone, @@group_concat_max_len, @@sql_select_limit",
        "SELECT @@autocommit, @@lc_time_names, @@div_precision_increment",
        "SELECT @@character_set_client, @@character_set_connection, @@character_set_results,"
        " @@collation_connection", "SELECT DATABASE(), @@collation_database",
        "SELECT FROM_UNIXTIME(0), @@timestamp < 1500000000", "SELECT DATE_FORMAT('2026-05-01', '%W')",
        "SELECT LAST_INSERT_ID()", "SELECT @@last_insert_id, @@identity", "SHOW WARNINGS", "SELECT @@warning_count, @@error_count",
        "SELECT @@foreign_key_checks, @@unique_checks, @@sql_safe_updates, @@sql_notes",
        "SELECT CURRENT_USER()", "SELECT @@max_error_count, @@auto_increment_increment",
        "SELECT @@tx_isolation", "SELECT @@transaction_isolation, @@transaction_read_only",
        "SELECT @p, @f, @e, @t", "SELECT COUNT(*) FROM t1", "SELECT COUNT(*) FROM tp",
        "SELECT IS_FREE_LOCK('{d}1'), IS_USED_LOCK('{d}2') IS NULL", "SELECT @@sql_auto_is_null",
        "SHOW VARIABLES LIKE 'sql_mode'", "SELECT 1/3", "SELECT @@in_transaction",
    ],
    "values": ["", "1", "2", "1 x", "NULL", "3 NULL", "2.5", "Ünï 7"],
    "prepared": [
        "SELECT n FROM a WHERE id = ?", "SELECT ?, ?", "SELECT id, s FROM a ORDER BY id",
        "INSERT INTO a (n) VALUES (?)", "UPDATE a SET n = ? WHERE id = ?", "SELECT \"x\", ?",
        "SELECT COUNT(*) FROM t1 WHERE x > ?", "CALL p_rows()", "SELECT LAST_INSERT_ID()",
        "SHOW WARNINGS", "SELECT @x", "SET @x = ?",
        "SELECT CAST(? AS SIGNED)", "SELECT DATABASE(), COLLATION('a'), @@sql_mode", "SET sql_mode = ?",
        "BEGIN", "COMMIT", "SELECT nosuch", "CALL p_out(?, @o)", "SELECT s FROM a WHERE s = ? OR n = ?",
        "CREATE TEMPORARY TABLE t1 (x INT)", "DELETE FROM b WHERE id = ?", "SELECT 'a' || ?",
        "SET time_zone = '+01:00'", "SELECT f_var(?)", "DO 1", "SELECT SQL_CALC_FOUND_ROWS id FROM a LIMIT 1",
    ],
    "p": ["1", "2", "3"],
    "tracked": ["''", "'sql_mode,time_zone'", "'*'", "'nosuch'", "DEFAULT", "'time_zone'", "NULL",
                "'session_track_schema,SQL_MODE,session_track_system_variables'", "'last_gtid'",
                "'session_track_gtids,autocommit'", "CONCAT(@@session_track_system_variables, ',sql_mode')",
                "'autocommit, ,time_zone,'", "'group_concat_max_len,nosuch'"],
    "tracking": ["session_track_system_variables = <tracked>", "session_track_schema = <bool>",
                 "session_track_state_change = <bool>", "session_track_state_change = ON",
                 "session_track_transaction_info = <info>", "session_track_gtids = <gtids>",
                 "session_track_schema = 'x'", "session_track_transaction_info = 7"],
    "info": ["OFF", "STATE", "'CHARACTERISTICS'", "DEFAULT"],
    "gtids": ["OFF", "OWN_GTID", "'ALL_GTIDS'", "DEFAULT"],
}

TOPICS = {
    "reads and writes": ["<select>", "<write>", "<select>", "<write>", "<probe>"],
    "variables": ["SET <scope><variable>", "SET <variable>", "SET <variable>, <variable>",
                  "SET SESSION <variable>", "<probe>", "<select>", "<write>",
                  "SET @x = @@sql_mode, sql_mode = <mode>", "SET STATEMENT max_error_count = 3 FOR SELECT 1",
                  "SELECT /*+ SET_VAR(sql_mode = 'ANSI') */ @@sql_mode"],
    "names": ["SET NAMES <charset>", "SET NAMES <charset> COLLATE <collation>", "SET NAMES DEFAULT",
              "SET CHARACTER SET <charset>", "SET <scope>character_set_results = <charset>",
              "SET collation_connection = <collation>", "SELECT 'Ünï', HEX('Ünï'), COLLATION('x')",
              "INSERT INTO a (s) VALUES ('Ünï')", "<probe>", "<select>", "SELECT s FROM a WHERE s = 'Ünï'",
              "SET NAMES utf8mb4", "SET character_set_connection = DEFAULT"],
    "user variables": ["SET <uv> = <literal>", "SET <uv> := <literal>, <uv> = <literal>",
                       "SELECT <uv> := <literal>", "SELECT n INTO <uv> FROM a WHERE id = <id>",
                       "SELECT <uv>", "SELECT <uv>, <uv>", "SELECT COLLATION(<uv>), COERCIBILITY(<uv>)",
                       "SELECT <uv> = 'X', <uv> + 1, HEX(<uv>)", "CREATE TABLE c AS SELECT <uv> AS x",
                       "SHOW CREATE TABLE c", "DROP TABLE IF EXISTS c", "<select>", "<write>",
                       "SELECT @x := COALESCE(@x, 0) + 1 FROM a ORDER BY id", "SET <uv> = NULL"],
    "temporary tables": ["CREATE TEMPORARY TABLE t1 (x INT)", "CREATE TEMPORARY TABLE IF NOT EXISTS t1 (x INT)",
                         "CREATE TEMPORARY TABLE t2 SELECT id FROM a", "INSERT INTO t1 VALUES (<int>), (<int>)",
                         "SELECT x FROM t1 ORDER BY x", "DROP TEMPORARY TABLE t1", "DROP TEMPORARY TABLE IF EXISTS t1, t2",
                         "DROP TABLE t2", "CREATE TEMPORARY TABLE b (x INT)", "DROP TEMPORARY TABLE b",
                         "ALTER TABLE t1 ADD y INT", "TRUNCATE t1", "SELECT COUNT(*) FROM t2", "<select>",
                         "ALTER TABLE t1 RENAME t2", "<write>", "DROP TABLE IF EXISTS t1"],
    "locks": ["LOCK TABLES a WRITE", "LOCK TABLES a READ, b WRITE", "UNLOCK TABLES", "SELECT GET_LOCK('{d}1', 0)",
              "SELECT GET_LOCK('{d}2', 0)", "SELECT RELEASE_LOCK('{d}1')", "DO RELEASE_LOCK('{d}2')",
              "SELECT RELEASE_ALL_LOCKS()", "<probe>", "<select>", "<write>", "BEGIN", "COMMIT",
              "SELECT IS_USED_LOCK('{d}1') IS NULL"],
    "handlers": ["HANDLER a OPEN", "HANDLER a OPEN AS h", "HANDLER h READ FIRST", "HANDLER a READ `PRIMARY` NEXT",
                 "HANDLER h READ NEXT", "HANDLER h CLOSE", "HANDLER a CLOSE", "<select>", "<write>"],
    "transactions": ["BEGIN", "START TRANSACTION", "START TRANSACTION READ ONLY", "START TRANSACTION READ WRITE",
                     "START TRANSACTION WITH CONSISTENT SNAPSHOT", "COMMIT", "ROLLBACK", "COMMIT AND CHAIN",
                     "ROLLBACK AND CHAIN", "SAVEPOINT s<id>", "ROLLBACK TO s<id>", "RELEASE SAVEPOINT s<id>",
                     "<write>", "<select>", "<write>", "<select>", "<probe>", "BEGIN NOT ATOMIC SELECT 1; END"],
    "next transaction": ["SET TRANSACTION READ ONLY", "SET TRANSACTION ISOLATION LEVEL <level>",
                         "SET SESSION TRANSACTION ISOLATION LEVEL <level>", "SET SESSION TRANSACTION READ ONLY",
                         "SET SESSION TRANSACTION READ WRITE", "SET @@transaction_isolation = '<isolation>'",
                         "SET @@transaction_read_only = 1", "SET TRANSACTION READ WRITE, ISOLATION LEVEL <level>",
                         "BEGIN", "COMMIT", "<write>", "<select>", "<probe>"],
    "autocommit": ["SET autocommit = 0", "SET autocommit = 1", "SET @@session.autocommit = OFF", "SET autocommit = DEFAULT",
                   "COMMIT", "ROLLBACK", "<write>", "<select>", "<probe>", "SET autocommit = 0, sql_mode = <mode>"],
    "xa": ["XA START '{d}x'", "XA END '{d}x'", "XA PREPARE '{d}x'", "XA COMMIT '{d}x'", "XA ROLLBACK '{d}x'",
           "XA COMMIT '{d}x' ONE PHASE", "<write>", "<select>"],
    "prepare in SQL": ["PREPARE s1 FROM 'SELECT n FROM a WHERE id = ?'", "PREPARE s2 FROM 'INSERT INTO a (n) VALUES (?)'",
                       "PREPARE s1 FROM 'SELECT nosuch'", "PREPARE s1 FROM @x", "EXECUTE s1", "EXECUTE s1 USING @x",
                       "EXECUTE s2 USING @y", "DEALLOCATE PREPARE s1", "DROP PREPARE s2", "SET @x = <int>", "SET @y = <int>",
                       "EXECUTE IMMEDIATE 'SELECT 7'", "<select>", "SET @x = 'SELECT 4'"],
    "prepared": ["/prepare <p> <prepared>", "/prepare <p> <prepared>", "/execute <p> <values>", "/execute <p> <values>",
                 "/execute <p> <values>", "/close <p>", "/stmt_reset <p>", "/cursor <p> <values>", "/fetch <p> <int>",
                 "/long <p> 0 abc", "<probe>", "SET <variable>", "<write>", "USE {d}", "USE {d}_o"],
    "schemas": ["USE {d}", "USE {d}_o", "USE information_schema", "USE nosuch", "/init_db {d}", "/init_db {d}_o", "/init_db nosuch",
                "SELECT DATABASE()", "SELECT COUNT(*) FROM a", "SELECT COUNT(*) FROM {d}.a", "<select>", "USE `{d}`",
                "INSERT INTO {d}.a (n) VALUES (1)", "SELECT COUNT(*) > 0 FROM information_schema.tables"],
    "diagnostics": ["SHOW WARNINGS", "SHOW ERRORS", "SHOW COUNT(*) WARNINGS", "SHOW COUNT(*) ERRORS", "SHOW WARNINGS LIMIT 1",
                    "SELECT @@warning_count", "SELECT @@error_count, @@warning_count", "GET DIAGNOSTICS @x = NUMBER",
                    "GET DIAGNOSTICS CONDITION 1 @x = MESSAGE_TEXT, @y = RETURNED_SQLSTATE", "SELECT CAST('1x' AS SIGNED), CAST('2x' AS SIGNED)",
                    "DROP TABLE IF EXISTS nosuch", "SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = 'w'", "SIGNAL SQLSTATE '45000'",
                    "<select>", "<write>", "SELECT nosuch", "SET max_error_count = <count>",
                    "RESIGNAL", "CREATE TABLE IF NOT EXISTS a (x INT)", "/ping"],
    "counts": ["SELECT ROW_COUNT()", "SELECT FOUND_ROWS()", "SELECT FOUND_ROWS(), ROW_COUNT()",
               "SELECT SQL_CALC_FOUND_ROWS id FROM a ORDER BY id LIMIT 1", "<write>", "<select>", "<write>", "<select>",
               "SET @x = ROW_COUNT()", "SET @y = FOUND_ROWS()", "SELECT @x, @y", "INSERT INTO a (n) VALUES (ROW_COUNT())",
               "INSERT INTO a (n) VALUES (FOUND_ROWS())", "/ping", "SET sql_select_limit = <limit>", "DO ROW_COUNT()",
               "SHOW TABLES", "CALL p_rows()"],
    "insert ids": ["SELECT LAST_INSERT_ID()", "INSERT INTO a (n) VALUES (<int>)", "INSERT INTO a (n) VALUES (1), (2)",
                   "INSERT INTO a VALUES (<int>00, 1, 'x')", "SELECT LAST_INSERT_ID(<int>)", "SET last_insert_id = <int>",
                   "UPDATE a SET n = LAST_INSERT_ID(<int>) WHERE id = 1", "SET insert_id = 60", "SELECT @@identity",
                   "INSERT IGNORE INTO a VALUES (1, 1, 'x')", "INSERT INTO a VALUES (1, 1, 'x') ON DUPLICATE KEY UPDATE n = 3",
                   "SELECT id FROM a WHERE id = LAST_INSERT_ID()", "<write>", "SELECT f_write(<int>)", "/ping",
                   "SELECT id FROM a WHERE id IS NULL"],
    "several": ["<select>; <select>", "<write>; <probe>", "SET <variable>; <probe>", "USE {d}_o; USE {d}; <select>",
                "BEGIN; <write>; COMMIT", "BEGIN; <write>", "<write>; SELECT nosuch; <write>", "SET @x = <literal>; SELECT @x",
                "<probe>", "<select>;", "CALL p_rows(); <select>", "ROLLBACK", "/option 1", "/option 0",
                "INSERT INTO a (n) VALUES (1); SELECT LAST_INSERT_ID()", "CREATE TEMPORARY TABLE t1 (x INT); SELECT * FROM t1"],
    "programs": ["CALL p_rows()", "CALL p_state()", "CALL p_mode()", "CALL p_begin()", "CALL p_lock()", "CALL p_error()", "CALL p_warn()",
                 "CALL p_out(<int>, @o)", "SELECT @o", "CALL p_prepare()", "EXECUTE s1", "SELECT f_var(<int>)", "SELECT f_write(<int>)",
                 "SELECT * FROM vf ORDER BY id", "SELECT @p, @f, @e, @t, @q", "SELECT x FROM tp", "<probe>", "COMMIT", "<write>", "<select>"],
    # The first is what MariaDB's Connector/J begins with, the second what a router does.
    "tracking": ["set autocommit=1, session_track_schema=1, sql_mode = concat(@@sql_mode,',STRICT_TRANS_TABLES')",
                 "SET @@SESSION.session_track_schema = 'ON', @@SESSION.session_track_system_variables = '*',"
                 " @@SESSION.session_track_transaction_info = 'CHARACTERISTICS', @@SESSION.session_track_state_change = 'ON'",
                 "SET <scope><tracking>", "SET SESSION <tracking>", "SET <tracking>", "SET <tracking>, <tracking>",
                 "SET <tracking>, <variable>", "SET NAMES <charset>, <tracking>", "SET <variable>", "SET <variable>",
                 "SET @x = @@session_track_schema, @y = @@session_track_transaction_info",
                 "SET session_track_schema = @x", "SET session_track_state_change = NOT @@session_track_state_change",
                 "SHOW VARIABLES LIKE 'session_track%'", "SHOW SESSION VARIABLES LIKE 'session\\\\_track%'",
                 "SELECT @@session_track_system_variables, @@session_track_schema",
                 "SELECT @@session_track_state_change, @@session_track_transaction_info", "SELECT @@session_track_gtids",
                 "SHOW WARNINGS", "USE {d}_o", "USE {d}", "SET @z = 1", "<select>", "<write>", "BEGIN", "COMMIT", "ROLLBACK",
                 "SET TRANSACTION READ ONLY", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "/reset",
                 "/prepare 1 SELECT @@session_track_schema, @@session_track_state_change", "/execute 1",
                 "/prepare 2 SET session_track_schema = ?", "/execute 2 1", "CREATE TEMPORARY TABLE t1 (x INT)",
                 "SET NAMES <charset>", "SET autocommit = <bool>", "CALL p_mode()"],
    "begin again": ["/reset", "/change_user app2", "/change_user app", "/ping", "<probe>", "<select>", "<write>", "SET <variable>",
                    "SET @x = <literal>", "BEGIN", "CREATE TEMPORARY TABLE t1 (x INT)", "SET NAMES <charset>", "/prepare 1 <prepared>",
                    "/execute 1 <values>", "USE {d}", "SELECT GET_LOCK('{d}1', 0)"],
}


# Only MariaDB has this: it joins a sequence's other topics where a test asks for it.
IN_BULK = {
    "in bulk": ["/prepare <p> <prepared>", "/prepare <p> INSERT INTO a (n, s) VALUES (?, ?)",
                "/prepare <p> INSERT INTO a (id, n) VALUES (?, ?) ON DUPLICATE KEY UPDATE n = n + 1",
                "/prepare <p> INSERT INTO b (id, n) VALUES (?, ?)", "/prepare <p> UPDATE a SET n = ? WHERE id = ?",
                "/prepare <p> INSERT INTO a (n) VALUES (?) RETURNING id, n", "/prepare <p> DELETE FROM b WHERE id = ?",
                "/bulk <p> <values>", "/bulk <p> <values>", "/bulk <p> <values>", "/bulk <p> <values>",
                "/execute <p> <values>", "/close <p>", "<probe>", "SELECT LAST_INSERT_ID()", "BEGIN", "COMMIT", "ROLLBACK"],
}


def expand(rng, text):
    while "<" in text:
        expanded = re.sub(r"<([a-z]+)>", lambda m: rng.choice(WORDS[m.group(1)]), text)
        if expanded == text:
            break
        text = expanded
    return text.replace("\\\\", "\\")


def sequence(seed, number, avoid=(), also=None):
    """The steps of one sequence, and a name that says which. The topics in `also` are always among
    its own."""
    rng = random.Random(f"{seed}/{number}")
    topics = rng.sample(sorted(set(TOPICS) - set(avoid)), rng.randint(1, 4))
    grammar = {**TOPICS, **(also or {})}
    topics += also or []
    steps = list(SETUP)
    for _ in range(rng.randint(10, 40)):
        topic = rng.choice(topics)
        kind = rng.random()
        if kind < 0.1:
            steps.append(expand(rng, "<probe>"))
        elif kind < 0.15:
            steps.append(expand(rng, "<select>"))
        else:
            steps.append(expand(rng, rng.choice(grammar[topic])))
    if any(re.search("ROW_COUNT|FOUND_ROWS", step) for step in steps):
        steps.insert(0, "DO ROW_COUNT(), FOUND_ROWS()")
    return steps, f"{seed}/{number} ({', '.join(topics)})"
