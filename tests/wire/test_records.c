/*
 * The record of each command: that there is exactly one, and that it says what happened. Seen
 * through a trace of the session, the counters and the digest table.
 */
#include "client.h"
#include "server.h"
#include "world.h"

#include "protocol/command.h"
#include "proxy/client/recording.h"
#include "proxy/client/session.h"
#include "proxy/statistics/trace.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define MS UINT64_C(1000000)

/* A client whose session is traced. */
static struct client *traced_client(struct world *world, const char *schema)
{
    struct client *client = client_log_in(world, schema);

    assert_true(recording_trace(world->workers[0].sessions, true));
    return client;
}

static const struct counters *counters_of(const struct world *world)
{
    return &world->workers[0].statistics.counters;
}

/* The record of the command that was the nth to end, which is the last one. */
static const struct statement_record *last_record(struct world *world, unsigned number)
{
    const struct trace *trace = world->workers[0].sessions->trace;

    assert_int_equal(trace_count(trace), number);
    assert_int_equal(counters_of(world)->commands, number);
    return &trace_at(trace, number - 1)->record;
}

static const char *last_text(struct world *world)
{
    const struct trace *trace = world->workers[0].sessions->trace;

    return trace_at(trace, trace_count(trace) - 1)->text;
}

static const struct digest_entry *entry_of(struct world *world, uint64_t digest)
{
    return digests_find(world->workers[0].statistics.digests, digest);
}

static uint64_t statements_of(const struct world *world)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        sum += counters_of(world)->statements[i];
    }
    return sum;
}

static void read_on_a_replica(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = traced_client(world, NULL);
    const struct statement_record *record;
    struct connection *connection;

    (void)state;
    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    world->now += 3 * MS;
    answer_rows(connection, "a,b", "1,2;3,4;5,6", "");
    client_expect(client, "rows 1,2;3,4;5,6");
    record = last_record(world, 1);
    assert_true(record->is_statement);
    assert_int_equal(record->command, COMMAND_QUERY);
    assert_int_equal(record->class, STATEMENT_READ);
    assert_int_equal(record->placement, PLACED_REPLICA);
    assert_int_equal(record->target, TARGET_REPLICA);
    assert_true(record->on_replica);
    assert_int_equal(record->server, connection->server->number);
    assert_int_equal(record->session, client->id);
    assert_int_equal(record_took_ns(record), 3 * MS);
    assert_int_equal(record->rows, 3);
    assert_true(record->bytes > 50);
    assert_int_equal(record->bytes_in, 4 + 1 + strlen("SELECT 1"));
    assert_int_equal(record->error, 0);
    assert_int_equal(record->pins, 0);
    assert_int_equal(record->retries, 0);
    assert_false(record->is_prepared);
    assert_false(record->is_aborted);
    assert_string_equal(last_text(world), "SELECT ?");
    assert_true(strlen(record->why) > 0);
    assert_int_equal(entry_of(world, record->digest)->on_replica, 1);
    assert_int_equal(entry_of(world, record->digest)->rows, 3);
    assert_int_equal(counters_of(world)->bytes_out, record->bytes);
    world_end(world);
}

static void write_and_what_it_pins(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = traced_client(world, NULL);
    const struct statement_record *record;
    struct connection *connection;

    (void)state;
    client_query(client, "DELETE FROM shop.t WHERE a = 'x'");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t WHERE a = 'x'");
    answer_ok(connection, "affected=1 warnings=2");
    client_expect(client, "ok affected=1 warnings=2");
    record = last_record(world, 1);
    assert_int_equal(record->class, STATEMENT_WRITE);
    assert_int_equal(record->placement, PLACED_PRIMARY_WRITE);
    assert_int_equal(record->server, PRIMARY);
    assert_false(record->on_replica);
    assert_int_equal(record->warnings, 2);
    assert_int_equal(record->pins, PIN_WARNINGS);
    assert_string_equal(last_text(world), "DELETE FROM shop.t WHERE a = ?");

    client_query(client, "BEGIN");
    connection = server_expect(world, PRIMARY, "QUERY BEGIN");
    answer_ok(connection, "trans");
    client_expect(client, "ok trans");
    record = last_record(world, 2);
    assert_int_equal(record->placement, PLACED_PINNED); /* warnings outlive a BEGIN */
    assert_int_equal(record->pins, PIN_TRANSACTION);

    client_query(client, "SELECT 1");
    connection_expect(connection, "QUERY SELECT 1");
    answer_rows(connection, "1", "1", "trans");
    client_expect(client, "rows 1 (trans)");
    record = last_record(world, 3);
    assert_int_equal(record->placement, PLACED_PINNED);
    assert_int_equal(record->pins, 0); /* it was pinned before */
    assert_int_equal(record->server, PRIMARY);

    client_query(client, "COMMIT");
    connection_expect(connection, "QUERY COMMIT");
    answer_ok(connection, "");
    client_expect(client, "ok");
    record = last_record(world, 4);
    assert_int_equal(record->placement, PLACED_PINNED);
    assert_int_equal(counters_of(world)->pins[0], 1);
    assert_int_equal(counters_of(world)->placements[PLACED_PINNED], 3);
    assert_int_equal(statements_of(world), 4);
    world_end(world);
}

static void errors_of_server_and_proxy(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = traced_client(world, NULL);
    const struct statement_record *record;

    (void)state;
    client_query(client, "SELECT a FROM shop.nosuch");
    answer_error(world_expect(world, "QUERY SELECT a FROM shop.nosuch"), 1146, "no such table");
    client_expect_error(client, 1146, "no such");
    record = last_record(world, 1);
    assert_int_equal(record->error, 1146);
    assert_int_equal(record->pins, PIN_WARNINGS);
    assert_int_equal(entry_of(world, record->digest)->errors, 1);
    assert_string_equal(entry_of(world, record->digest)->text, "SELECT a FROM shop.nosuch");

    client_query(client, "SET PASSWORD = hunter2");
    answer_error(server_expect(world, PRIMARY, "QUERY SET PASSWORD = hunter2"), 1064, "syntax");
    client_expect_error(client, 1064, "syntax");
    record = last_record(world, 2);
    assert_string_equal(last_text(world), "");
    assert_string_equal(entry_of(world, record->digest)->text, "");

    client_query(client, "KILL USER app"); /* refused by the proxy */
    client_expect_error(client, 1235, "KILL USER");
    record = last_record(world, 3);
    assert_int_equal(record->error, 1235);
    assert_int_equal(record->server, -1);
    assert_int_equal(record->placement, PLACED_NOWHERE);
    assert_int_equal(counters_of(world)->errors[ERROR_CLASS_MISSING], 1);
    assert_int_equal(counters_of(world)->errors[ERROR_CLASS_SYNTAX], 2);
    world_end(world);
}

static void what_is_no_statement(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = traced_client(world, "shop"); /* trying the schema is no command */
    const struct statement_record *record;

    (void)state;
    assert_int_equal(counters_of(world)->commands, 0);
    client_send(client, COMMAND_PING, NULL, 0);
    client_expect(client, "ok");
    record = last_record(world, 1);
    assert_false(record->is_statement);
    assert_int_equal(record->command, COMMAND_PING);
    client_query(client, "SELECT CONNECTION_ID()"); /* the proxy's own answer */
    assert_non_null(client_read(client));
    record = last_record(world, 2);
    assert_true(record->is_statement);
    assert_int_equal(record->placement, PLACED_NOWHERE);
    assert_int_equal(statements_of(world), 1);
    assert_int_equal(digests_count(world->workers[0].statistics.digests), 1);
    client_quit(client);
    world_run(world);
    assert_int_equal(counters_of(world)->commands, 3);
    for (unsigned i = 0; i < ERROR_CLASS_COUNT; i++) {
        assert_int_equal(counters_of(world)->errors[i], 0);
    }
    world_end(world);
}

static void prepared_counts_at_execute_under_its_text(void **state)
{
    static const char sql[] = "SELECT a FROM shop.t WHERE a = ?";
    struct world *world = world_new(1, NULL);
    struct client *client = traced_client(world, NULL);
    const struct statement_record *record;
    struct connection *connection;
    uint64_t digest;

    (void)state;
    client_query(client, "SELECT a FROM shop.t WHERE a = 'x'");
    answer_row(world_expect(world, "QUERY SELECT a FROM shop.t WHERE a = 'x'"), "x");
    client_expect(client, "rows x");
    digest = last_record(world, 1)->digest;
    client_send(client, COMMAND_STMT_PREPARE, sql, strlen(sql));
    answer_prepared(world_expect(world, "PREPARE SELECT a FROM shop.t WHERE a = ?"), 1, 1);
    client_expect(client, "prepared 1 parameters=1 columns=1");
    assert_false(last_record(world, 2)->is_statement);
    client_execute(client, 1, "x", true);
    connection = world_expect(world, "EXECUTE 1 00010000000001fd000178");
    answer_row(connection, "x");
    client_expect(client, "rows x");
    record = last_record(world, 3);
    assert_true(record->is_statement);
    assert_true(record->is_prepared);
    assert_int_equal(record->digest, digest);
    assert_string_equal(last_text(world), "SELECT a FROM shop.t WHERE a = ?");
    assert_int_equal(entry_of(world, digest)->count, 2);
    assert_int_equal(entry_of(world, digest)->prepared, 1);
    /* One that does not exist is no statement. */
    client_execute(client, 9, "x", true);
    client_expect_error(client, 1243, "");
    assert_false(last_record(world, 4)->is_statement);
    assert_int_equal(last_record(world, 4)->error, 1243);
    world_end(world);
}

/* A SET of the client's; those that bring a connection in step are answered by themselves. */
static void set_mode(struct world *world, struct client *client, const char *sql, const char *words)
{
    char expected[100];

    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->scripts[i].by_itself &= ~(unsigned)BY_ITSELF_SET;
    }
    snprintf(expected, sizeof expected, "QUERY %s", sql);
    client_query(client, sql);
    answer_ok(world_expect(world, expected), words);
    assert_non_null(client_read(client));
    for (unsigned i = 0; i < WORLD_SERVERS; i++) {
        world->scripts[i].by_itself |= BY_ITSELF_SET;
    }
}

/* The text of one that is executed is read as it was when it was prepared. */
static void prepared_under_another_mode(void **state)
{
    static const char sql[] = "SELECT \"a\" FROM shop.t WHERE a = ?";
    struct world *world = world_new(1, NULL);
    struct client *client = traced_client(world, NULL);

    (void)state;
    set_mode(world, client, "SET sql_mode = 'ANSI_QUOTES'", "set:sql_mode=ANSI_QUOTES change");
    client_send(client, COMMAND_STMT_PREPARE, sql, strlen(sql));
    answer_prepared(world_expect(world, "PREPARE SELECT \"a\" FROM shop.t WHERE a = ?"), 1, 1);
    client_expect(client, "prepared 1 parameters=1 columns=1");
    set_mode(world, client, "SET sql_mode = ''", "set:sql_mode= change");
    client_query(client, "SELECT 2"); /* read in the new mode */
    answer_row(world_expect(world, "QUERY SELECT 2"), "2");
    client_expect(client, "rows 2");
    client_execute(client, 1, "x", true);
    answer_row(world_expect(world, "EXECUTE 1 00010000000001fd000178"), "x");
    client_expect(client, "rows x");
    assert_string_equal(last_text(world), "SELECT \"a\" FROM shop.t WHERE a = ?");
    world_end(world);
}

static void several_statements_in_one(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = traced_client(world, NULL);
    const struct statement_record *record;
    struct connection *connection;

    (void)state;
    client_query(client, "SELECT 1; SELECT 2");
    connection = world_expect(world, "QUERY SELECT 1; SELECT 2");
    answer_rows(connection, "a", "1", "more");
    answer_rows(connection, "a", "2;3", "");
    client_expect(client, "rows 1 (more) + rows 2;3");
    record = last_record(world, 1);
    assert_true(record->is_multi);
    assert_int_equal(record->rows, 3);
    assert_string_equal(last_text(world), "SELECT ?; SELECT ?");
    assert_int_equal(statements_of(world), 1);
    world_end(world);
}

static void retried_on_another_replica(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = traced_client(world, NULL);
    const struct statement_record *record;
    struct connection *connection;

    (void)state;
    client_query(client, "SELECT 1");
    connection_lose(world_expect(world, "QUERY SELECT 1"));
    connection = world_expect(world, "QUERY SELECT 1");
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    record = last_record(world, 1);
    assert_int_equal(record->retries, 1);
    assert_int_equal(record->server, connection->server->number);
    assert_int_equal(record->placement, PLACED_REPLICA);
    assert_int_equal(record->error, 0);
    /* Lost twice: the one record is that of an error. */
    client_query(client, "SELECT 2");
    connection_lose(world_expect(world, "QUERY SELECT 2"));
    connection_lose(world_expect(world, "QUERY SELECT 2"));
    client_expect_error(client, 2013, "lost the connection");
    record = last_record(world, 2);
    assert_int_equal(record->error, 2013);
    assert_int_equal(record->retries, 1);
    assert_int_equal(counters_of(world)->retries, 2);
    world_end(world);
}

static void refused_by_a_replica(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = traced_client(world, NULL);
    const struct statement_record *record;
    struct connection *connection;

    (void)state;
    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    answer_error(connection, 1290, "running with the --read-only option");
    answer_row(server_expect(world, PRIMARY, "QUERY SELECT 1"), "1");
    client_expect(client, "rows 1");
    record = last_record(world, 1);
    assert_int_equal(record->placement, PLACED_PRIMARY_REPEATED);
    assert_int_equal(record->retries, 1);
    assert_int_equal(record->error, 0);
    assert_int_equal(record->rows, 1);
    world_end(world);
}

static void no_replica_is_fresh_enough(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = traced_client(world, NULL);
    const struct statement_record *record;

    (void)state;
    world_replicas_stop(world);
    world_advance_ms(world, 1000);
    client_query(client, "DELETE FROM shop.t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(client, "ok");
    client_query(client, "SELECT 1");
    answer_row(server_expect(world, PRIMARY, "QUERY SELECT 1"), "1");
    client_expect(client, "rows 1");
    record = last_record(world, 2);
    assert_int_equal(record->placement, PLACED_PRIMARY_BEHIND);
    assert_int_equal(record->target, TARGET_REPLICA);
    assert_true(record->floor_ns > 0);
    world_end(world);
}

static void waiting_for_a_server(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_PROXY_FAILOVER_WAIT_MS=5000", NULL);
    struct client *client = traced_client(world, NULL);
    const struct statement_record *record;
    struct connection *connection;

    (void)state;
    world->primary = -1;
    world->servers[PRIMARY].role = ROLE_UNKNOWN;
    world->servers[PRIMARY].usable = false;
    world_publish(world);
    world_run(world);
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 1000);
    world->primary = PRIMARY;
    world->servers[PRIMARY].role = ROLE_PRIMARY;
    world->servers[PRIMARY].usable = true;
    world_publish(world);
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t");
    world->now += 2 * MS;
    answer_ok(connection, "");
    client_expect(client, "ok");
    record = last_record(world, 1);
    assert_int_equal(record->wait_ns, 1000 * MS);
    assert_int_equal(record->leased_ns - record->began_ns, 1000 * MS);
    assert_int_equal(record_took_ns(record), 1002 * MS);
    assert_int_equal(counters_of(world)->waits, 1);

    /* An ordinary one does not wait, and says so. */
    client_query(client, "DELETE FROM shop.t");
    connection_expect(connection, "QUERY DELETE FROM shop.t");
    answer_ok(connection, "");
    client_expect(client, "ok");
    record = last_record(world, 2);
    assert_int_equal(record->wait_ns, 0);
    assert_int_equal(record->leased_ns, 0);

    /* One that waits in vain has waited too. */
    world->primary = -1;
    world->servers[PRIMARY].role = ROLE_UNKNOWN;
    world->servers[PRIMARY].usable = false;
    world_publish(world);
    world_run(world);
    client_query(client, "DELETE FROM shop.t");
    world_advance_ms(world, 6000);
    client_expect_error(client, 1105, "no usable primary");
    record = last_record(world, 3);
    assert_int_equal(record->error, 1105);
    assert_true(record->wait_ns >= 5000 * MS);
    assert_int_equal(record->server, -1);
    world_end(world);
}

static void waiting_for_a_connection(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_SERVER_DB1_MAX_CONNECTIONS=1", NULL);
    struct client *first = client_log_in(world, NULL);
    struct client *second = traced_client(world, NULL);
    struct connection *connection;
    const struct statement_record *record;

    (void)state;
    client_query(first, "DELETE FROM shop.a");
    connection = server_expect(world, PRIMARY, "QUERY DELETE FROM shop.a");
    client_query(second, "DELETE FROM shop.b");
    world_advance_ms(world, 700);
    answer_ok(connection, "");
    client_expect(first, "ok");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.b"), "");
    client_expect(second, "ok");
    record = &trace_at(world->workers[0].sessions->trace, 0)->record;
    assert_int_equal(record->session, second->id);
    assert_int_equal(record->wait_ns, 700 * MS);
    assert_int_equal(counters_of(world)->wait_ns, 700 * MS);
    world_end(world);
}

static void lost_in_the_middle_of_an_answer(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;

    (void)state;
    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    answer_columns(connection, "a,b");
    connection_lose(connection);
    world_run(world);
    assert_int_equal(counters_of(world)->commands, 1);
    assert_int_equal(counters_of(world)->errors[ERROR_CLASS_CONNECTION], 1);
    assert_true(counters_of(world)->bytes_out > 0);
    world_end(world);
}

static void the_client_leaves_in_the_middle(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;
    const struct digests *digests = world->workers[0].statistics.digests;

    (void)state;
    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    answer_columns(connection, "a,b");
    world_run(world);
    client_leave(client);
    world_run(world);
    assert_int_equal(counters_of(world)->commands, 1);
    assert_int_equal(counters_of(world)->errors[ERROR_CLASS_ABORTED], 1);
    assert_true(counters_of(world)->bytes_out > 0);
    assert_int_equal(digests_count(digests), 1);
    world_end(world);
}

static void logins_are_counted(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct client_login wrong = {.password = "wrong"};
    struct client *other = client_connect(world, 0);

    (void)state;
    assert_string_equal(client_begin_login(other, &wrong), "");
    assert_non_null(strstr(client_end_login(other), "error 1045"));
    assert_int_equal(counters_of(world)->sessions_opened, 2);
    assert_int_equal(counters_of(world)->logins_failed, 1);
    client_quit(client);
    world_run(world);
    assert_int_equal(counters_of(world)->sessions_closed, 2);
    world_end(world);
}

static void digests_can_be_off(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_POOL_DIGESTS=0", NULL);
    struct client *client = client_log_in(world, NULL);

    (void)state;
    client_query(client, "SELECT 1");
    answer_row(world_expect(world, "QUERY SELECT 1"), "1");
    client_expect(client, "rows 1");
    assert_int_equal(digests_count(world->workers[0].statistics.digests), 0);
    assert_int_equal(statements_of(world), 1);
    world_end(world);
}

#define HEAD                                                                                       \
    "[proxy]\nauto_file =\nlisten = 127.0.0.1:47000\n[monitor]\npassword = m\n"                    \
    "[user app]\npassword = secret\n[server db1]\naddress = 127.0.0.1:47001\n"
#define DB2 "[server db2]\naddress = 127.0.0.1:47002\n"
#define DB3 "[server db3]\naddress = 127.0.0.1:47003\n"

static void digests_change_while_it_runs(void **state)
{
    struct world *world = world_new(1, "TIDEMARK_POOL_DIGESTS=10", NULL);
    struct client *client = client_log_in(world, NULL);
    const struct statistics *statistics = &world->workers[0].statistics;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        static const char *const sql[] = {"SELECT a", "SELECT b", "SELECT c", "SELECT d",
                                          "SELECT a"};
        char expected[40];

        snprintf(expected, sizeof expected, "QUERY %s", sql[i]);
        client_query(client, sql[i]);
        answer_row(world_expect(world, expected), "1");
        client_expect(client, "rows 1");
    }
    assert_int_equal(digests_count(statistics->digests), 4);
    world_reconfigure(world, HEAD DB2 DB3 "[pool]\nmin_idle = 0\ndigests = 2\n");
    assert_int_equal(digests_count(statistics->digests), 2);
    assert_int_equal(digests_evicted(statistics->digests), 2);
    world_end(world);
}

static void note_server(void *context, const struct latency_series *series)
{
    unsigned *servers = context;

    *servers |= 1u << series->server;
}

/* What a server took says nothing of another one that has its number later. */
static void latencies_belong_to_a_server_not_to_its_number(void **state)
{
    struct world *world = world_new(1, NULL);
    struct client *client = client_log_in(world, NULL);
    struct connection *connection;
    unsigned before = 0, removed = 0, after = 0;
    unsigned gone;

    (void)state;
    client_query(client, "DELETE FROM shop.t");
    answer_ok(server_expect(world, PRIMARY, "QUERY DELETE FROM shop.t"), "");
    client_expect(client, "ok");
    client_query(client, "SELECT 1");
    connection = world_expect(world, "QUERY SELECT 1");
    gone = connection->server->number;
    answer_row(connection, "1");
    client_expect(client, "rows 1");
    latency_visit(world->workers[0].statistics.latency, note_server, &before);
    assert_int_equal(before, 1u << PRIMARY | 1u << gone);
    world_reconfigure(world, gone == REPLICA_1 ? HEAD DB3 "[pool]\nmin_idle = 0\n"
                                               : HEAD DB2 "[pool]\nmin_idle = 0\n");
    latency_visit(world->workers[0].statistics.latency, note_server, &removed);
    assert_int_equal(removed, before);
    world_reconfigure(world, HEAD DB2 DB3 "[pool]\nmin_idle = 0\n");
    latency_visit(world->workers[0].statistics.latency, note_server, &after);
    assert_int_equal(after, 1u << PRIMARY);
    world_end(world);
}

/* Each costs memory, and there may be many thousand sessions. */
static void only_so_many_are_traced(void **state)
{
    struct world *world = world_new(1, NULL);
    atomic_uint *traces = &world->process.traces;
    struct client *client = client_log_in(world, NULL);
    struct session *session = world->workers[0].sessions;

    (void)state;
    atomic_store(traces, RECORDING_TRACES);
    assert_false(recording_trace(session, true));
    assert_null(session->trace);
    atomic_store(traces, RECORDING_TRACES - 1);
    assert_true(recording_trace(session, true));
    assert_true(recording_trace(session, true));
    assert_int_equal(atomic_load(traces), RECORDING_TRACES);
    assert_true(recording_trace(session, false));
    assert_true(recording_trace(session, true));
    client_leave(client);
    world_advance_ms(world, 200);
    assert_int_equal(atomic_load(traces), RECORDING_TRACES - 1);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_on_a_replica),
        cmocka_unit_test(write_and_what_it_pins),
        cmocka_unit_test(errors_of_server_and_proxy),
        cmocka_unit_test(what_is_no_statement),
        cmocka_unit_test(prepared_counts_at_execute_under_its_text),
        cmocka_unit_test(prepared_under_another_mode),
        cmocka_unit_test(several_statements_in_one),
        cmocka_unit_test(retried_on_another_replica),
        cmocka_unit_test(refused_by_a_replica),
        cmocka_unit_test(no_replica_is_fresh_enough),
        cmocka_unit_test(waiting_for_a_server),
        cmocka_unit_test(waiting_for_a_connection),
        cmocka_unit_test(lost_in_the_middle_of_an_answer),
        cmocka_unit_test(the_client_leaves_in_the_middle),
        cmocka_unit_test(logins_are_counted),
        cmocka_unit_test(digests_can_be_off),
        cmocka_unit_test(digests_change_while_it_runs),
        cmocka_unit_test(latencies_belong_to_a_server_not_to_its_number),
        cmocka_unit_test(only_so_many_are_traced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
