/*
 * The configuration while the program runs: the one truth, how it came about, and the only way to
 * change it.
 *
 *   files, environment, flags (as last read)  +  changes made on the admin port  =  in force
 *
 * A change is a list of edits that takes effect as a whole or not at all: the edits are laid over
 * the sources, everything is checked as at start, and only when nothing is wrong the new
 * configuration replaces the old one, workers, monitors and limits included. When a call that
 * changed something returns, every worker has adopted it.
 *
 * All functions may be called by any thread but a worker's; they are carried out one at a time.
 */
#ifndef TIDEMARK_PROXY_LIVE_H
#define TIDEMARK_PROXY_LIVE_H

#include "proxy/config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live;
struct live_edit;

struct config_sources;
struct program;
struct roster;
struct tls;

/* ---- life ---- */

/* Takes the sources (config/sources.h, heap memory) over and references of the configuration that
 * was built from them and of `tls`. The program's other parts need not be
 * there before the first change. */
struct live *live_new(struct program *program, struct config_sources *sources,
                      struct config *config, struct tls *tls);

/* After all who might ask are gone. */
void live_free(struct live *live);

/* ---- changes ---- */

/* Edits, collected until they are applied. `section` is "server", "user", "pool", ...; `name` is
 * that of the server or user, NULL for sections that exist once. */
struct live_edit *live_edit_new(void);
void live_edit_free(struct live_edit *edit);
bool live_edit_is_empty(const struct live_edit *edit);
void live_edit_add(struct live_edit *edit, const char *section, const char *name);
void live_edit_remove(struct live_edit *edit, const char *section, const char *name);
/* `value` NULL: back to what the sources say. */
void live_edit_set(struct live_edit *edit, const char *section, const char *name, const char *key,
                   const char *value);

/* Applies all edits or none. False: *error (owner: the caller, mem_free) says why, one mistake per
 * line. `who` is for the log and the events: "admin from 127.0.0.1:4711". */
bool live_apply(struct live *live, const struct live_edit *edit, const char *who, char **error);

/* ---- files ---- */

/* A line of what a reload or a save does: name "server db1.weight", what "1 -> 2",
 * where "tidemark.ini:12", note "" or e.g. "takes effect at the next start". */
typedef void live_line(void *context, const char *name, const char *was, const char *is,
                       const char *where, const char *note);

/* Reads the files again; changes that were not saved are gone. `is_dry`: only says what would
 * change. False: a file is wrong, nothing was changed, *error says why with file and line. */
bool live_reload(struct live *live, bool is_dry, const char *who, live_line *line, void *context,
                 char **error);

/* Makes the changes durable in the auto file: each line is a value that was written. False: nothing
 * was written, the old file is as it was. */
bool live_save(struct live *live, const char *who, live_line *line, void *context, char **error);

/* Every value that differs from what the main file (or, where it is silent, the default) says:
 * `was` is the main file's, `is` the one in force, `where` its source. */
void live_drift(struct live *live, live_line *line, void *context);

/* ---- reading ---- */

/* The configuration in force, with a reference for the caller. */
struct config *live_config(struct live *live);

/* The same with its numbers, for workers. */
struct roster *live_roster(struct live *live);

/* What became of reading the files again. The start counts as the first good time. */
struct live_reloads {
    uint64_t good, failed; /* so far, the start left out */
    bool was_good;         /* the last one */
    int64_t good_unix;     /* when the last good one was, seconds since 1970 */
};
struct live_reloads live_reloads(struct live *live);

/* Path of the auto file; "" when there is none. Good for the program's life. */
const char *live_auto_file(const struct live *live);

#endif
