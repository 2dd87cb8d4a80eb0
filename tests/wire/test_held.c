/*
 * What is held by name ends its pin when the last of its kind is gone.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "proxy/client/session.h"

#include <stdio.h>

struct round {
    const char *sql;
    unsigned pins; /* after it */
};

/* Each on the primary, and answered with an OK. */
static void go_through(const struct round *rounds, size_t count)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, "shop");

    world->scripts[PRIMARY].by_itself |= BY_ITSELF_SET;
    for (size_t i = 0; i < count; i++) {
        char expected[256];
        struct connection *connection;

        snprintf(expected, sizeof expected, "QUERY %s", rounds[i].sql);
        client_query(client, rounds[i].sql);
        connection = server_expect(world, PRIMARY, expected);
        answer_ok(connection, "");
        client_expect(client, "ok");
        if (world->workers[0].sessions->pins != rounds[i].pins) {
            print_error("after %s\n", rounds[i].sql);
        }
        assert_int_equal(world->workers[0].sessions->pins, rounds[i].pins);
    }
    world_end(world);
}

#define GO_THROUGH(rounds) go_through(rounds, sizeof(rounds) / sizeof((rounds)[0]))

static void temporary_tables(void **state)
{
    const unsigned pin = PIN_TEMPORARY_TABLE;
    const struct round rounds[] = {
        {"CREATE TEMPORARY TABLE a (x INT)", pin},
        {"CREATE TEMPORARY TABLE IF NOT EXISTS shop.`a` (x INT)", pin},
        {"CREATE TEMPORARY TABLE b (x INT)", pin},
        {"DROP TABLE c", pin},
        {"DROP TEMPORARY TABLE store.a, IF", pin},
        {"DROP TABLE b, a", 0},
        {"CREATE TEMPORARY TABLE a (x INT)", pin},
        {"ALTER TABLE a RENAME b", pin}, /* which one goes by a now? */
        {"DROP TABLE a", pin},
    };

    (void)state;
    GO_THROUGH(rounds);
}

static void locks(void **state)
{
    const unsigned pin = PIN_GET_LOCK;
    const struct round rounds[] = {
        {"DO GET_LOCK('a', 1)", pin},      {"DO GET_LOCK('a', 1)", pin},
        {"DO RELEASE_LOCK('b')", pin},     {"DO RELEASE_LOCK('a')", pin},
        {"DO RELEASE_LOCK('a')", 0},       {"DO GET_LOCK(CONCAT('a'), 1)", pin},
        {"DO GET_LOCK('a', 1)", pin},      {"DO RELEASE_LOCK('a')", pin},
        {"SELECT RELEASE_ALL_LOCKS()", 0},
    };

    (void)state;
    GO_THROUGH(rounds);
}

static void others(void **state)
{
    const struct round rounds[] = {
        {"PREPARE s FROM 'SELECT 1'", PIN_PREPARE},
        {"PREPARE t FROM @x", PIN_PREPARE},
        {"DEALLOCATE PREPARE S", PIN_PREPARE},
        {"DROP PREPARE t", 0},
        {"HANDLER t OPEN", PIN_HANDLER},
        {"HANDLER t OPEN h", PIN_HANDLER},
        {"HANDLER h READ FIRST", PIN_HANDLER},
        {"HANDLER t CLOSE", PIN_HANDLER},
        {"HANDLER h CLOSE", 0},
        {"DO 1; PREPARE s FROM 'SELECT 1'", PIN_PREPARE},
        {"DEALLOCATE PREPARE s", PIN_PREPARE}, /* nobody knows what else there is */
    };

    (void)state;
    GO_THROUGH(rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temporary_tables),
        cmocka_unit_test(locks),
        cmocka_unit_test(others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
