/*
 * What an account may do with SQLite: the authorizer, asked while a statement is prepared.
 */
#ifndef TIDEMARK_PROXY_ADMIN_ACCESS_H
#define TIDEMARK_PROXY_ADMIN_ACCESS_H

/* For sqlite3_set_authorizer; `context` is the struct engine. */
int access_check(void *context, int action, const char *first, const char *second,
                 const char *schema, const char *inner);

#endif
