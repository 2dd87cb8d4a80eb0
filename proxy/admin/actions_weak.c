/*
 * Stands in for what of actions.h is not built yet. Weak, so that the real functions take their
 * place.
 */
#include "proxy/admin/actions.h"
#include "proxy/memory.h"

#define WEAK __attribute__((weak))

WEAK const struct admin_column action_explain_columns[] = {{"server", ADMIN_TEXT, "", false}};
WEAK const size_t action_explain_column_count = 1;
WEAK const struct admin_column action_trace_columns[] = {{"number", ADMIN_INTEGER, "", false}};
WEAK const size_t action_trace_column_count = 1;

static bool refuse(char **message)
{
    *message = mem_text("this build cannot do that");
    return false;
}

WEAK bool action_reset_statements(struct program *program, const char *who, char **message)
{
    (void)program;
    (void)who;
    return refuse(message);
}

WEAK bool action_explain_route(struct program *program, const struct explain_request *request,
                               struct admin_rows *rows, char **message)
{
    (void)program;
    (void)request;
    (void)rows;
    return refuse(message);
}

WEAK bool action_trace_session(struct program *program, uint64_t session, bool is_off,
                               const char *who, struct admin_rows *rows, char **message)
{
    (void)program;
    (void)session;
    (void)is_off;
    (void)who;
    (void)rows;
    return refuse(message);
}
