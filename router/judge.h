/*
 * Judges: one function per kind of statement, chosen by its first word. A judge reads the statement
 * to its end through the scan, sets what it understands in scan->out, and answers the class.
 *
 * They begin with scan->now at the first token, not yet noted, and end at the semicolon or the end.
 */
#ifndef TIDEMARK_ROUTER_JUDGE_H
#define TIDEMARK_ROUTER_JUDGE_H

#include "router/scan.h"

struct judgement {
    enum statement_class class;
    bool may_change;
    const char *why;
};

/* judge.c: the choice, and the statements around data. */
struct judgement judge_statement(struct scan *scan);
struct judgement judge_query(struct scan *scan);

/* judge_session.c: what only a session has. */
struct judgement judge_prepare(struct scan *scan);
struct judgement judge_deallocate(struct scan *scan);
struct judgement judge_dropped_prepare(struct scan *scan);
struct judgement judge_execute(struct scan *scan);
struct judgement judge_handler(struct scan *scan);
struct judgement judge_lock(struct scan *scan);
struct judgement judge_unlock(struct scan *scan);
struct judgement judge_use(struct scan *scan);
struct judgement judge_get(struct scan *scan);
struct judgement judge_signal(struct scan *scan);

/* judge_transaction.c */
struct judgement judge_begin(struct scan *scan);
struct judgement judge_start(struct scan *scan);
struct judgement judge_commit(struct scan *scan);
struct judgement judge_rollback(struct scan *scan);
struct judgement judge_savepoint(struct scan *scan);
struct judgement judge_release(struct scan *scan);
struct judgement judge_xa(struct scan *scan);

/* judge_set.c */
struct judgement judge_set(struct scan *scan);

/* judge_show.c: SHOW, DESCRIBE, EXPLAIN, ANALYZE. */
struct judgement judge_show(struct scan *scan);
struct judgement judge_explain(struct scan *scan);
struct judgement judge_analyze(struct scan *scan);

/* judge_definition.c: DDL, programs, and the server's administration. */
struct judgement judge_create(struct scan *scan);
struct judgement judge_drop(struct scan *scan);
struct judgement judge_definition(struct scan *scan);
struct judgement judge_program(struct scan *scan);
struct judgement judge_administration(struct scan *scan);
struct judgement judge_flush(struct scan *scan);
struct judgement judge_backup(struct scan *scan);
struct judgement judge_kill(struct scan *scan);

/* The judgement of an expression or query by what was noted in it; sets its pins. */
struct judgement judge_events(struct scan *scan);

/* Reads the statement to its end without noting anything, from now on. */
void judge_skip(struct scan *scan);

#endif
