/*
 * How a command gets its connection: routed, given a server and a connection to it, or made to wait
 * for one; and again, where the first try came to nothing. See command.h.
 */
#include "proxy/client/command.h"

#include "protocol/command.h"
#include "proxy/client/choose.h"
#include "proxy/client/kill_command.h"
#include "proxy/client/leave.h"
#include "proxy/client/recording.h"
#include "proxy/client/session.h"
#include "proxy/log.h"
#include "proxy/worker.h"

/* No server may serve it now: wait for one, for as long as the configuration says. */
static void wait_for_server(struct session *session)
{
    struct command_in_hand *command = session->command;

    if (!command->serverless) {
        command->serverless = true;
        command->serverless_ns = worker_now(session->worker);
        session->worker->serverless++;
    }
    if (session->state != SESSION_LEASING) {
        session_enter(session, SESSION_LEASING);
    }
}

static void stop_waiting(struct session *session)
{
    struct command_in_hand *command = session->command;

    if (command->serverless) {
        command->serverless = false;
        recording_found_server(session);
        session->worker->serverless--;
    }
}

/* A read whose replicas are all behind may wait for one before it takes the primary. */
static bool may_wait_for_replica(const struct session *session)
{
    const struct config *config = worker_config(session->worker);
    uint64_t limit = (uint64_t)config->consistency.wait_ms * 1000000;

    return limit != 0 && worker_now(session->worker) - session->command->since_ns < limit;
}

bool command_is_on_replica(const struct session *session)
{
    return session->lease.state == LEASE_HELD &&
           worker_server_role(session->worker, session->lease.server) == ROLE_REPLICA;
}

bool command_begins_after_read_only(const struct session *session)
{
    const struct statement *statement = &session->command->statement;

    return command_is_on_replica(session) &&
           session->transaction == SESSION_TRANSACTION_READ_ONLY &&
           (session->pins & ~(unsigned)(PIN_TRANSACTION | PINS_UNTIL_NEXT)) == 0 &&
           (statement->transaction == TRANSACTION_BEGIN ||
            statement->transaction == TRANSACTION_BEGIN_READ_WRITE);
}

/* Gives the held connection up with all that pins the session to it. */
static void leave_connection(struct session *session)
{
    session_release(session, false);
    session->pins = 0;
    session->pinned_ns = 0;
    session->transaction = SESSION_TRANSACTION_NONE;
}

/* What others may wait for, or what is half done: such sessions go on while statements are paused,
 * to the end of it. */
static const unsigned pins_that_go_on = PIN_TRANSACTION | PIN_XA | PIN_LOCK_TABLES | PIN_GET_LOCK |
                                        PIN_INSTANCE_LOCK | PIN_CURSOR | PIN_LONG_DATA;

static bool has_to_wait_for_resume(const struct session *session)
{
    return atomic_load_explicit(&session->worker->process->is_paused, memory_order_relaxed) &&
           (session->pins & pins_that_go_on) == 0;
}

/* Whether warnings, or counts, of before are over. On MariaDB statements that use no table leave
 * the warnings as they are, SET and COMMIT among them. */
static unsigned pins_ended_by(const struct statement *statement)
{
    unsigned over = PIN_ROW_COUNT;

    if (statement->uses & (USE_WARNINGS | USE_FOUND_ROWS | USE_ROW_COUNT)) {
        return 0;
    }
    if (statement->class == STATEMENT_READ) {
        over |= PIN_FOUND_ROWS; /* this one's rows are counted now */
    }
    if (statement->class == STATEMENT_WRITE || statement->table_count > 0 || statement->is_multi) {
        over |= PIN_WARNINGS;
    }
    return over;
}

unsigned command_pins_that_stay(const struct session *session)
{
    return session->pins & ~pins_ended_by(&session->command->statement);
}

/* To leave the connection takes a question first (leave.h): not worth it where the command would
 * come back to the same server, unless somebody waits for the connection. */
static bool is_worth_keeping(struct session *session)
{
    unsigned server = session->lease.server;
    unsigned pins = session->pins;
    bool behind;

    if (!leave_has_questions(session) || has_to_wait_for_resume(session) ||
        session->lease.backend->discard ||
        permits_are_awaited(session->worker->process->permits, server)) {
        return false;
    }
    session->pins = 0; /* where would it go? */
    choose_route(session);
    session->pins = pins;
    if (session->command->route.target == TARGET_REPLICA) {
        return choose_server(session, &behind) == (int)server;
    }
    return worker_server_role(session->worker, server) == ROLE_PRIMARY;
}

void command_place(struct session *session)
{
    struct command_in_hand *command = session->command;
    struct pool *pool = session->worker->pool;
    bool behind;
    int server;

    if (kill_ends_command(session)) {
        return;
    }
    session->pins = command_pins_that_stay(session);
    if (leave_is_possible(session)) {
        if (session->lease.state == LEASE_HELD && !is_worth_keeping(session)) {
            command->route = (struct route){0};
            if (leave_ask(session)) {
                session_enter(session, SESSION_SYNCING);
                return;
            }
            if (session->pins == 0) {
                session_release(session, true);
            }
        }
        if (session->pins == 0) {
            session->pinned_ns = 0;
        }
    }
    if (session->lease.state == LEASE_HELD && session->lease.backend->kills_under_way > 0) {
        if (session->state != SESSION_LEASING) {
            session_enter(session, SESSION_LEASING);
        }
        return; /* exchange_kills_over goes on */
    }
    if (has_to_wait_for_resume(session)) {
        command->is_held_back = true;
        wait_for_server(session);
        return;
    }
    if (command->is_held_back) {
        command->is_held_back = false;
        command->resumed_ns = worker_now(session->worker);
    }
    if (command_begins_after_read_only(session)) {
        leave_connection(session);
    }
    choose_route(session);
    if (session->lease.state == LEASE_HELD && command->route.target == TARGET_PRIMARY &&
        command_is_on_replica(session)) {
        leave_connection(session); /* what pins it there is light, says the route */
        choose_route(session);
    }
    if (session->lease.state == LEASE_HELD) {
        stop_waiting(session);
        command_send(session);
        return;
    }
    server = choose_server(session, &behind);
    if (server < 0 && command->was_lost) {
        struct sql_error error =
            error_make(ERROR_SERVER_LOST,
                       "lost the connection to server %s during the query, and no other "
                       "replica may serve it now",
                       worker_server_name(session->worker, (unsigned)command->avoid - 1));

        session_refuse(session, &error);
        return;
    }
    if (!worker_knows_user(session->worker, session)) {
        /* The worker's next tick ends the session. No server would take it: its password is gone.
         */
        struct sql_error error =
            error_make(ERROR_ACCESS_DENIED, "Access denied: user '%s' %s", session->account->name,
                       session->worker->roster->is_open
                           ? "is not let in by the primary any more, with this password"
                           : "was removed from the proxy");

        session_refuse(session, &error);
        return;
    }
    if (server < 0 || (behind && may_wait_for_replica(session))) {
        wait_for_server(session);
        return;
    }
    stop_waiting(session);
    session->lease.last_session = command->statement.uses & (USE_LAST_INSERT_ID | USE_FOUND_ROWS |
                                                             USE_ROW_COUNT | USE_WARNINGS)
                                      ? session->id
                                      : 0;
    session->lease.role = (int)worker_server_role(session->worker, (unsigned)server);
    if (session->state != SESSION_LEASING) {
        session_enter(session, SESSION_LEASING);
    }
    if (pool_lease(pool, &session->lease, session->group, (unsigned)server, session->environment)) {
        backend_lend(session->lease.backend, session);
        command_send(session);
    }
}

bool command_try_elsewhere(struct session *session, int server)
{
    struct command_in_hand *command = session->command;
    bool behind;

    if (command == NULL || command->retried || command->forwarded || session->pins != 0 ||
        (command->sent && command->is_partial) || command->is_login || !command->has_statement ||
        command->statement.class != STATEMENT_READ || command->statement.is_multi) {
        return false;
    }
    command->retried = true;
    command->avoid = server + 1;
    command->was_lost = command->sent;
    command->sent = false;
    choose_route(session);
    if (command->route.target != TARGET_REPLICA || choose_server(session, &behind) < 0) {
        return false;
    }
    log_debug(log_number("session", session->id), "read retried avoid=%s",
              worker_server_name(session->worker, (unsigned)server));
    command->retries++;
    command_place(session);
    return true;
}

static bool may_wait_for_server(const struct session *session, uint64_t now)
{
    const struct command_in_hand *command = session->command;
    uint64_t since = command->resumed_ns != 0 ? command->resumed_ns : command->since_ns;

    if (command->is_held_back) {
        return now < command->since_ns + COMMAND_PAUSE_MS * UINT64_C(1000000);
    }
    return now < since + (uint64_t)worker_config(session->worker)->proxy.failover_wait_ms * 1000000;
}

bool command_wait_for_server(struct session *session, const struct sql_error *error)
{
    if (error->code != ERROR_SERVER_LOST || session->command->sent ||
        !may_wait_for_server(session, worker_now(session->worker))) {
        return false;
    }
    session->command->retry_ns = worker_now(session->worker) + WORKER_TICK_MS * UINT64_C(1000000);
    wait_for_server(session);
    return true;
}

void command_retry_serverless(struct session *session, uint64_t now)
{
    const struct config *config = worker_config(session->worker);
    struct command_in_hand *command = session->command;
    char why[400];
    struct sql_error error;

    if (session->state != SESSION_LEASING || command == NULL || !command->serverless ||
        now < command->retry_ns) {
        return;
    }
    command_place(session);
    if (session->command != command || !command->serverless || may_wait_for_server(session, now)) {
        return;
    }
    if (command->is_held_back) {
        error =
            error_make(ERROR_UNKNOWN, "statements are paused, and nobody has resumed them for %u s",
                       (unsigned)COMMAND_PAUSE_MS / 1000);
    } else {
        choose_explain_none(session, why, sizeof why);
        error = error_make(ERROR_UNKNOWN, "%s (waited %u ms, [proxy] failover_wait_ms)", why,
                           config->proxy.failover_wait_ms);
    }
    session_refuse(session, &error);
}

void command_recall(struct session *session, int server)
{
    if (session->state == SESSION_LEASING &&
        (session->lease.state == LEASE_QUEUED || session->lease.state == LEASE_EXPECTING) &&
        (server < 0 || session->lease.server == (unsigned)server)) {
        recording_waited(session);
        pool_cancel(session->worker->pool, &session->lease);
        command_place(session);
    }
}
