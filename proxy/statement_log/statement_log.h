/*
 * The statement log: which statements are written, and how they get there.
 *
 *     record of a statement ─▶ line_reasons ─▶ line_write ─▶ the worker's ring ─▶ file
 */
#ifndef TIDEMARK_PROXY_STATEMENT_LOG_STATEMENT_LOG_H
#define TIDEMARK_PROXY_STATEMENT_LOG_STATEMENT_LOG_H

struct session;
struct statement_record;

/* The session's statement has ended. Costs one look at a flag when there is no log. */
void statement_log_take(const struct session *session, const struct statement_record *record);

#endif
