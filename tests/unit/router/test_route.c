/* The consistency table of floors, and what binds a session before it. */
#include "router/route.h"

#include "router/classify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct route routed(const char *sql, const struct session_view *session,
                           const struct policy *policy)
{
    struct lexer_mode mode = lexer_mode_default(SQL_FLAVOR_MYSQL);
    struct statement statement;

    classify(bytes_of_text(sql), false, &mode, &statement);
    return route(&statement, session, policy, 10000);
}

static void test_floors(void **state)
{
    static const struct {
        enum consistency consistency;
        enum target target;
        uint64_t floor;
    } rows[] = {
        {CONSISTENCY_EVENTUAL, TARGET_REPLICA, 0},  {CONSISTENCY_BOUNDED, TARGET_REPLICA, 9600},
        {CONSISTENCY_SESSION, TARGET_REPLICA, 500}, {CONSISTENCY_MONOTONIC, TARGET_REPLICA, 700},
        {CONSISTENCY_STRONG, TARGET_PRIMARY, 0},
    };
    struct session_view session = {.autocommit = true, .last_write = 500, .last_read = 700};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy policy = {.consistency = rows[i].consistency, .max_staleness_ns = 400};
        struct route result = routed("SELECT a FROM t", &session, &policy);

        assert_int_equal(result.target, rows[i].target);
        assert_int_equal(result.floor, rows[i].floor);
        assert_non_null(result.why);
    }
    session.last_read = 100;
    assert_int_equal(
        routed("SELECT 1", &session, &(struct policy){.consistency = CONSISTENCY_MONOTONIC}).floor,
        500);
    assert_int_equal(
        routed("SELECT 1", &session,
               &(struct policy){.consistency = CONSISTENCY_BOUNDED, .max_staleness_ns = 99999})
            .floor,
        0);
}

/* Letters: what the session is in. */
static struct session_view session_of(const char *letters)
{
    struct session_view session = {.autocommit = true};

    for (; *letters; letters++) {
        switch (*letters) {
        case 'a': /* autocommit off */
            session.autocommit = false;
            break;
        case 'T': /* in a transaction on the primary */
            session.transaction = SESSION_TRANSACTION_READ_WRITE;
            session.pins |= PIN_TRANSACTION;
            session.pinned_to = PINNED_TO_PRIMARY;
            break;
        case 'R': /* in a read-only transaction on a replica */
            session.transaction = SESSION_TRANSACTION_READ_ONLY;
            session.pins |= PIN_TRANSACTION;
            session.pinned_to = PINNED_TO_REPLICA;
            break;
        case 'u': /* a user variable on the primary */
            session.pins |= PIN_USER_VARIABLE;
            session.pinned_to = PINNED_TO_PRIMARY;
            break;
        case 'f': /* found rows on a replica */
            session.pins |= PIN_FOUND_ROWS;
            session.pinned_to = PINNED_TO_REPLICA;
            break;
        case 'l':
            session.log_off = true;
            break;
        case '?':
            session.write_outcome_unknown = true;
            break;
        case 's':
            session.system_schema = true;
            break;
        case 'x':
            session.tables_unsafe = true;
            break;
        case 'v':
            session.tables_program = true;
            break;
        default:
            break;
        }
    }
    return session;
}

static void test_targets(void **state)
{
    static const struct {
        const char *session, *sql, *target;
    } rows[] = {
        {"", "SELECT a FROM t", "replica"},
        {"", "INSERT INTO t VALUES (1)", "primary"},
        {"", "SELECT * FROM t FOR UPDATE", "primary"},
        {"", "SHOW STATUS", "primary"},
        {"", "SHOW TABLES", "replica"},
        {"", "SELECT @@version", "primary"},
        {"", "SET NAMES utf8mb4", "session"},
        {"", "USE d", "session"},
        {"", "SHOW WARNINGS", "session"},
        {"", "SELECT FOUND_ROWS()", "session"},
        {"", "SELECT LAST_INSERT_ID()", "replica"},
        {"", "SELECT @x", "replica"},
        {"", "BEGIN", "primary"},
        {"", "START TRANSACTION READ ONLY", "replica"},
        {"", "START TRANSACTION READ ONLY; SELECT 1", "primary"},
        {"", "COMMIT", "primary"},
        {"", "SET TRANSACTION READ ONLY", "primary"},
        {"", "KILL 5", "primary"},
        {"a", "SELECT a FROM t", "primary"},
        {"a", "SET NAMES utf8mb4", "session"},
        {"T", "SELECT a FROM t", "session"},
        {"T", "INSERT INTO t VALUES (1)", "session"},
        {"T", "COMMIT", "session"},
        {"R", "SELECT a FROM t", "session"},
        {"R", "INSERT INTO t VALUES (1)", "session"},
        {"R", "SHOW STATUS", "session"},
        {"u", "SELECT a FROM t", "session"},
        {"u", "INSERT INTO t VALUES (1)", "session"},
        {"f", "SELECT FOUND_ROWS()", "session"},
        {"f", "SELECT a FROM t", "session"},
        {"f", "INSERT INTO t VALUES (1)", "primary"},
        {"f", "SET @x = 1", "primary"},
        {"f", "SET NAMES utf8mb4", "session"},
        {"l", "SELECT a FROM t", "primary"},
        {"l", "START TRANSACTION READ ONLY", "primary"},
        {"?", "SELECT a FROM t", "primary"},
        {"?", "START TRANSACTION READ ONLY", "primary"},
        {"s", "SELECT a FROM t", "primary"},
        {"x", "SELECT a FROM t", "primary"},
        {"v", "SELECT a FROM t", "primary"},
    };
    const struct policy policy = {.consistency = CONSISTENCY_SESSION};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct session_view session = session_of(rows[i].session);
        struct route result = routed(rows[i].sql, &session, &policy);

        if (strcmp(target_name(result.target), rows[i].target) != 0)
            print_error("[%s] %s\n", rows[i].session, rows[i].sql);
        assert_string_equal(target_name(result.target), rows[i].target);
    }
}

static void test_programs(void **state)
{
    struct session_view session = session_of("");
    struct policy policy = {.consistency = CONSISTENCY_SESSION};

    (void)state;
    assert_int_equal(routed("CALL p()", &session, &policy).pins, PIN_PROGRAM);
    assert_int_equal(routed("SELECT a FROM t", &session, &policy).pins, 0);
    session.tables_program = true;
    assert_int_equal(routed("SELECT a FROM v", &session, &policy).pins, PIN_PROGRAM);
    assert_int_equal(routed("INSERT INTO v VALUES (1)", &session, &policy).pins, PIN_PROGRAM);
    policy.trust_programs = true;
    assert_int_equal(routed("CALL p()", &session, &policy).pins, 0);
    assert_int_equal(routed("CALL p()", &session, &policy).target, TARGET_PRIMARY);
    assert_int_equal(routed("SELECT a FROM v", &session, &policy).target, TARGET_PRIMARY);
}

static void test_names(void **state)
{
    char text[64];

    (void)state;
    assert_string_equal(consistency_name(CONSISTENCY_MONOTONIC), "monotonic");
    assert_string_equal(pin_name(PIN_LOG_OFF), "log-off");
    assert_string_equal(pin_name(PIN_SEQUENCE), "sequence");
    assert_string_equal(pin_name(3), "");
    assert_int_equal(pins_print(PIN_TRANSACTION | PIN_XA, text, sizeof text), 14);
    assert_string_equal(text, "transaction,xa");
    assert_int_equal(pins_print(PIN_TRANSACTION | PIN_XA, text, 5), 14);
    assert_string_equal(text, "tran");
    assert_int_equal(pins_print(0, text, sizeof text), 0);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floors),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
