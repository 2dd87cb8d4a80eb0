/*
 * The inside of proxy/live.h, shared by the files live*.c and by nobody else.
 *
 *   live.c          the state, edits, reading
 *   live_files.c    RELOAD, SAVE, DRIFT
 *   live_publish.c  how a new configuration reaches workers, monitors and limits
 */
#ifndef TIDEMARK_PROXY_LIVE_STATE_H
#define TIDEMARK_PROXY_LIVE_STATE_H

#include "proxy/config/edits.h"
#include "proxy/config/sources.h"
#include "proxy/live.h"
#include "proxy/roster.h"

#include <pthread.h>

struct live {
    struct program *program; /* borrower */
    char *auto_path;         /* owner; "" when there is none */

    pthread_mutex_t changing; /* held during a whole change, the waiting for workers included */
    struct config_sources *sources; /* owner; guarded by `changing`, as all below */
    struct config_edits edits;      /* made on the admin port and not saved */
    struct config_edits kept;       /* what the files say otherwise by now, but cannot change */
    struct registry *registry;      /* owner */

    pthread_mutex_t reading; /* guards what is below; held for moments only */
    struct config *config;   /* shared reference */
    struct roster *roster;   /* shared reference */
    struct live_reloads reloads;
};

struct live_edit {
    struct config_edits edits;
};

/* All errors of the report, one per line. Owner: the caller (mem_free). */
char *live_report_text(const struct config_report *report);

/* Puts the configuration in force; when it returns every worker has adopted it. `changing` is held.
 * `rereads`: certificates are read again also where their paths are the same. False with *error: it
 * cannot be, and nothing has changed. */
bool live_publish(struct live *live, struct config *config, bool rereads, const char *who,
                  char **error);

#endif
