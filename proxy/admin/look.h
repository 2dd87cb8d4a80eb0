/*
 * What the tables over the live program have in common: names for numbers, and ages in
 * milliseconds.
 */
#ifndef TIDEMARK_PROXY_ADMIN_LOOK_H
#define TIDEMARK_PROXY_ADMIN_LOOK_H

#include "proxy/admin/rows.h"
#include "proxy/program.h"
#include "proxy/roster.h"

#include <time.h>

/* A table being filled. */
struct look_context {
    struct program *program;
    struct admin_rows *rows;
    struct roster *roster; /* shared reference */
    uint64_t now;          /* CLOCK_MONOTONIC, ns */
};

static inline uint64_t look_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline struct look_context look_begin(struct program *program, struct admin_rows *rows)
{
    return (struct look_context){.program = program,
                                 .rows = rows,
                                 .roster = program->process->roster(program->process),
                                 .now = look_now()};
}

static inline void look_end(struct look_context *look)
{
    roster_unref(look->roster);
}

/* NULL for one that is configured no more. */
static inline const char *look_server_name(const struct look_context *look, unsigned number)
{
    const struct config_server *server = roster_server(look->roster, number);

    return server != NULL ? server->name : NULL;
}

/* Also of one that is configured no more. */
static inline const char *look_user_name(const struct look_context *look, unsigned number)
{
    return number < roster_account_count(look->roster) ? roster_account(look->roster, number)->name
                                                       : NULL;
}

/* How long ago the moment was, in milliseconds; 0: SQL NULL. */
static inline void look_age(struct look_context *look, uint64_t moment)
{
    uint64_t age = look->now > moment ? look->now - moment : 0;

    admin_rows_known(look->rows, moment != 0, age / 1000000);
}

#endif
