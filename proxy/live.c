/*
 * The configuration while the program runs. See live.h.
 */
#include "proxy/live.h"

#include "proxy/live_state.h"
#include "proxy/memory.h"

#include <string.h>
#include <time.h>

/* ---- edits ---- */

struct live_edit *live_edit_new(void)
{
    return mem_calloc(1, sizeof(struct live_edit));
}

void live_edit_free(struct live_edit *edit)
{
    if (edit != NULL) {
        config_edits_dispose(&edit->edits);
        mem_free(edit);
    }
}

bool live_edit_is_empty(const struct live_edit *edit)
{
    return edit->edits.count == 0;
}

void live_edit_add(struct live_edit *edit, const char *section, const char *name)
{
    config_edits_append(&edit->edits, EDIT_ADD, section, name, NULL, NULL);
}

void live_edit_remove(struct live_edit *edit, const char *section, const char *name)
{
    config_edits_append(&edit->edits, EDIT_REMOVE, section, name, NULL, NULL);
}

void live_edit_set(struct live_edit *edit, const char *section, const char *name, const char *key,
                   const char *value)
{
    /* Within a transaction a value may change several times: the last one is meant. */
    config_edits_forget_value(&edit->edits, section, name, key);
    config_edits_append(&edit->edits, value != NULL ? EDIT_SET : EDIT_UNSET, section, name, key,
                        value);
}

char *live_report_text(const struct config_report *report)
{
    char *text = mem_text("");

    for (size_t i = 0; i < report->count; i++) {
        if (report->messages[i].is_error) {
            char *longer =
                mem_printf("%s%s%s", text, text[0] != '\0' ? "\n" : "", report->messages[i].text);

            mem_free(text);
            text = longer;
        }
    }
    return text;
}

/* ---- applying ---- */

/* A list with all edits there are, and these. */
static struct config_edits merged(const struct live *live, const struct live_edit *edit)
{
    struct config_edits all = {.items = NULL};

    config_edits_merge(&all, &live->edits);
    config_edits_merge(&all, &edit->edits);
    return all;
}

/* What is wrong with the edits by themselves, in the order in which they were made: merging them
 * with earlier ones would hide, say, a server that is added twice. */
static bool check_steps(const struct live *live, const struct live_edit *edit, char **error)
{
    struct config_report report = {.messages = NULL};
    struct draft draft;

    draft_copy(&draft, &live->sources->full, &report);
    config_edits_apply(&live->kept, &draft, live->auto_path);
    config_edits_apply(&live->edits, &draft, live->auto_path);
    report.error_count = 0;
    draft_forget_layer(&draft, LAYER_LIVE); /* what is set now may have been set before */
    config_edits_apply(&edit->edits, &draft, live->auto_path);
    *error = report.error_count != 0 ? live_report_text(&report) : NULL;
    draft_dispose(&draft);
    config_report_dispose(&report);
    return *error == NULL;
}

bool live_apply(struct live *live, const struct live_edit *edit, const char *who, char **error)
{
    struct config_report report = {.messages = NULL};
    struct config_edits all;
    struct config *config = NULL;
    bool good;

    *error = NULL;
    pthread_mutex_lock(&live->changing);
    good = check_steps(live, edit, error);
    all = merged(live, edit);
    if (good) {
        config = config_sources_build(live->sources, &all, &live->kept, &report);
        *error = config == NULL ? live_report_text(&report) : NULL;
        good = config != NULL && live_publish(live, config, false, who, error);
    }
    if (good) {
        config_edits_dispose(&live->edits);
        live->edits = all;
    } else {
        config_edits_dispose(&all);
    }
    pthread_mutex_unlock(&live->changing);
    config_unref(config);
    config_report_dispose(&report);
    return good;
}

/* ---- reading ---- */

struct config *live_config(struct live *live)
{
    struct config *config;

    pthread_mutex_lock(&live->reading);
    config = config_ref(live->config);
    pthread_mutex_unlock(&live->reading);
    return config;
}

struct roster *live_roster(struct live *live)
{
    struct roster *roster;

    pthread_mutex_lock(&live->reading);
    roster = roster_ref(live->roster);
    pthread_mutex_unlock(&live->reading);
    return roster;
}

struct live_reloads live_reloads(struct live *live)
{
    struct live_reloads reloads;

    pthread_mutex_lock(&live->reading);
    reloads = live->reloads;
    pthread_mutex_unlock(&live->reading);
    return reloads;
}

const char *live_auto_file(const struct live *live)
{
    return live->auto_path;
}

/* ---- life ---- */

static bool every_number_is_free(void *context, unsigned number)
{
    (void)context;
    (void)number;
    return true;
}

struct live *live_new(struct program *program, struct config_sources *sources,
                      struct config *config, struct tls *tls)
{
    struct live *live = mem_calloc(1, sizeof *live);

    pthread_mutex_init(&live->changing, NULL);
    pthread_mutex_init(&live->reading, NULL);
    live->reloads = (struct live_reloads){.was_good = true, .good_unix = (int64_t)time(NULL)};
    live->program = program;
    live->sources = sources;
    live->auto_path = mem_text(sources->auto_path);
    live->registry = registry_new();
    live->config = config_ref(config);
    live->roster = registry_enrol(live->registry, config, tls, every_number_is_free, NULL);
    return live;
}

void live_free(struct live *live)
{
    if (live == NULL) {
        return;
    }
    config_edits_dispose(&live->edits);
    config_edits_dispose(&live->kept);
    roster_unref(live->roster);
    config_unref(live->config);
    registry_free(live->registry);
    config_sources_dispose(live->sources);
    mem_free(live->sources);
    mem_free(live->auto_path);
    pthread_mutex_destroy(&live->changing);
    pthread_mutex_destroy(&live->reading);
    mem_free(live);
}
