/*
 * Stands in for proxy/live.h until it is built: everything is refused. Weak, so that the real
 * functions take their place.
 */
#include "proxy/live.h"
#include "proxy/memory.h"

#define WEAK __attribute__((weak))

static const char refusal[] = "this build cannot change its configuration while it runs";

WEAK struct live_edit *live_edit_new(void)
{
    return mem_alloc(1);
}

WEAK void live_edit_free(struct live_edit *edit)
{
    mem_free(edit);
}

WEAK bool live_edit_is_empty(const struct live_edit *edit)
{
    (void)edit;
    return false;
}

WEAK void live_edit_set(struct live_edit *edit, const char *section, const char *name,
                        const char *key, const char *value)
{
    (void)edit;
    (void)section;
    (void)name;
    (void)key;
    (void)value;
}

WEAK bool live_apply(struct live *live, const struct live_edit *edit, const char *who, char **error)
{
    (void)live;
    (void)edit;
    (void)who;
    *error = mem_text(refusal);
    return false;
}

WEAK bool live_reload(struct live *live, bool is_dry, const char *who, live_line *line,
                      void *context, char **error)
{
    (void)live;
    (void)is_dry;
    (void)who;
    (void)line;
    (void)context;
    *error = mem_text(refusal);
    return false;
}

WEAK bool live_save(struct live *live, const char *who, live_line *line, void *context,
                    char **error)
{
    (void)live;
    (void)who;
    (void)line;
    (void)context;
    *error = mem_text(refusal);
    return false;
}

WEAK void live_drift(struct live *live, live_line *line, void *context)
{
    (void)live;
    (void)line;
    (void)context;
}

WEAK void live_edit_add(struct live_edit *edit, const char *section, const char *name)
{
    live_edit_set(edit, section, name, NULL, NULL);
}

WEAK void live_edit_remove(struct live_edit *edit, const char *section, const char *name)
{
    live_edit_set(edit, section, name, NULL, NULL);
}
