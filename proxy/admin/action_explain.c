/*
 * EXPLAIN ROUTE: asks a worker, which uses what the data path uses (proxy/client/explain_route.h).
 */
#include "proxy/admin/actions.h"
#include "proxy/admin/look.h"

#include "health/topology.h"
#include "proxy/client/environment.h"
#include "proxy/client/explain_route.h"
#include "proxy/client/session.h"
#include "proxy/memory.h"
#include "proxy/session_walk.h"
#include "proxy/worker.h"
#include "router/classify.h"
#include "router/digest.h"

#include <stdio.h>
#include <string.h>

enum { PINS_BYTES = 512 };

const struct admin_column action_explain_columns[] = {
    {"server", ADMIN_TEXT, "", false},
    {"role", ADMIN_TEXT, "as seen: primary, replica, unknown", false},
    {"chosen", ADMIN_INTEGER, "1: it would get the statement", false},
    {"reason", ADMIN_TEXT, "why it is chosen, or not", false},
    {"class", ADMIN_TEXT, "what the statement is: read, write, session, transaction, admin", false},
    {"digest", ADMIN_TEXT, "as in statements", false},
    {"pins", ADMIN_TEXT, "what would hold the session to its connection afterwards", false},
    {"target", ADMIN_TEXT, "primary, replica, session: wherever that is", false},
    {"floor_age_ms", ADMIN_REAL,
     "it has to see everything up to so many milliseconds ago; NULL: no such floor", false},
    {"why", ADMIN_TEXT, "what decided the target", false},
    {"consistency", ADMIN_TEXT, "how fresh the session's reads have to be", false},
    {"schema", ADMIN_TEXT, "in which the statement was read; NULL: in none", false},
};

const size_t action_explain_column_count =
    sizeof action_explain_columns / sizeof action_explain_columns[0];

/* ---- the schema that was meant ---- */

static bool has_all_tables(const struct catalog *catalog, const char *schema,
                           const struct statement *statement)
{
    char name[ENVIRONMENT_MAX_SCHEMA + 1];
    bool any = false;

    for (unsigned i = 0; i < statement->table_count; i++) {
        const struct table_name *table = &statement->tables[i];
        size_t size = name_unquote(table->name, name, sizeof name);

        if (table->schema.size > 0) {
            continue;
        }
        any = true;
        if (size >= sizeof name || catalog_find(catalog, bytes_of_text(schema),
                                                bytes_of(name, size)) == RELATION_UNKNOWN) {
            return false;
        }
    }
    return any;
}

/* The first schema that has all tables named without one; NULL: there is none. Its text lives as
 * long as the catalog. */
static const char *find_schema(const struct topology *topology, struct bytes sql)
{
    const struct catalog *catalog = topology != NULL ? topology->catalog : NULL;
    const struct server_facts *facts = topology != NULL && topology->primary >= 0
                                           ? topology->servers[topology->primary].facts
                                           : NULL;
    struct lexer_mode mode = lexer_mode_default(
        facts != NULL && facts->flavor == FLAVOR_MYSQL ? SQL_FLAVOR_MYSQL : SQL_FLAVOR_MARIADB);
    struct statement statement;
    const char *last = "";

    if (catalog == NULL) {
        return NULL;
    }
    classify(sql, false, &mode, &statement);
    for (size_t i = 0; i < catalog->count; i++) {
        const char *schema = catalog->entries[i].schema;

        if (strcmp(schema, last) != 0 && has_all_tables(catalog, schema, &statement)) {
            return schema;
        }
        last = schema;
    }
    return NULL;
}

/* ---- the worker's part ---- */

struct question {
    const struct explain_request *request;
    struct bytes schema;
    unsigned user;
    bool has_begun;
    bool is_answered;
    char schema_text[ENVIRONMENT_MAX_SCHEMA + 1];
    struct route_explanation answer;
};

static bool explain_for_user(struct worker *worker, void *state)
{
    struct question *question = state;

    if (roster_user(worker->roster, question->user) != NULL) {
        explain_route_for(worker, question->user, question->schema, question->request->sql,
                          &question->answer);
        question->is_answered = true;
    }
    return true;
}

static bool explain_if_meant(struct session *session, void *context)
{
    struct question *question = context;
    struct bytes schema;

    if (!session_walk_is(session, question->request->session) || !session->counted) {
        return false;
    }
    schema = environment_schema(session->environment);
    snprintf(question->schema_text, sizeof question->schema_text, "%.*s", (int)schema.size,
             (const char *)schema.data);
    explain_route(session, question->request->sql, &question->answer);
    question->is_answered = true;
    return true;
}

static bool explain_for_session(struct worker *worker, void *state)
{
    struct question *question = state;

    return session_walk(worker, &question->has_begun, WALK_SEARCHED, explain_if_meant, question);
}

/* ---- rows ---- */

static void add_rows(struct look_context *look, const struct question *question)
{
    const struct route_explanation *answer = &question->answer;
    char digest[DIGEST_HEX];
    char pins[PINS_BYTES];

    digest_print(answer->digest, digest);
    (void)pins_print(answer->pins, pins, sizeof pins);
    for (unsigned i = 0; i < answer->count; i++) {
        const struct explained_server *server = &answer->servers[i];

        if (!server->is_listed) {
            continue;
        }
        admin_rows_text(look->rows, look_server_name(look, i));
        admin_rows_text(look->rows, server_role_name(server->role));
        admin_rows_integer(look->rows, server->is_chosen);
        admin_rows_text(look->rows, server->reason);
        admin_rows_text(look->rows, statement_class_name(answer->class));
        admin_rows_text(look->rows, digest);
        admin_rows_text(look->rows, pins);
        admin_rows_text(look->rows, target_name(answer->target));
        if (answer->floor_ns != 0 && answer->floor_ns <= answer->now) {
            admin_rows_real(look->rows, (double)(answer->now - answer->floor_ns) / 1e6);
        } else {
            admin_rows_null(look->rows);
        }
        admin_rows_text(look->rows, answer->why);
        admin_rows_text(look->rows, consistency_name(answer->consistency));
        admin_rows_text(look->rows,
                        question->schema_text[0] != '\0' ? question->schema_text : NULL);
    }
}

/* ---- the command ---- */

/* The user's number; -1 with *message: there is no such user. */
static int find_user(const struct roster *roster, const char *name, char **message)
{
    for (unsigned i = 0; i < roster_account_count(roster); i++) {
        if (roster_user(roster, i) != NULL &&
            (name == NULL || strcmp(roster_account(roster, i)->name, name) == 0)) {
            return (int)i;
        }
    }
    *message = name != NULL ? mem_printf("there is no user \"%s\"", name)
                            : mem_text("no users are configured, and none has logged in yet");
    return -1;
}

static bool ask_for_session(struct look_context *look, const struct explain_request *request,
                            char **message)
{
    struct program *program = look->program;
    struct question *questions = mem_calloc(program->worker_count, sizeof *questions);
    bool is_answered = false;

    for (size_t i = 0; i < program->worker_count; i++) {
        questions[i].request = request;
    }
    inquiry_run(program->workers, program->worker_count, explain_for_session, questions,
                sizeof *questions);
    for (size_t i = 0; i < program->worker_count && !is_answered; i++) {
        if (questions[i].is_answered) {
            is_answered = true;
            add_rows(look, &questions[i]);
        }
    }
    mem_free(questions);
    *message = is_answered
                   ? mem_text("")
                   : mem_printf("there is no session %llu", (unsigned long long)request->session);
    return is_answered;
}

static bool ask_for_user(struct look_context *look, const struct explain_request *request,
                         char **message)
{
    struct process *process = look->program->process;
    int user = find_user(look->roster, request->user, message);
    struct question *question;
    struct topology *topology;
    const char *schema = request->schema;
    bool is_answered;

    if (user < 0) {
        return false;
    }
    question = mem_calloc(1, sizeof *question);
    topology = process->topology(process);
    if (schema == NULL) {
        schema = find_schema(topology, request->sql);
        if (schema == NULL) {
            process->relist(process); /* it may be new: the next one who asks will know */
        }
    }
    snprintf(question->schema_text, sizeof question->schema_text, "%s",
             schema != NULL ? schema : "");
    question->request = request;
    question->schema = bytes_of_text(question->schema_text);
    question->user = (unsigned)user;
    inquiry_run(look->program->workers, 1, explain_for_user, question, sizeof *question);
    is_answered = question->is_answered;
    if (is_answered) {
        add_rows(look, question);
    }
    *message = mem_text(is_answered ? "" : "the program is ending");
    topology_unref(topology);
    mem_free(question);
    return is_answered;
}

bool action_explain_route(struct program *program, const struct explain_request *request,
                          struct admin_rows *rows, char **message)
{
    struct look_context look = look_begin(program, rows);
    bool is_answered = request->session != 0 ? ask_for_session(&look, request, message)
                                             : ask_for_user(&look, request, message);

    look_end(&look);
    return is_answered;
}
