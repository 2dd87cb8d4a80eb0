/*
 * The table of settings: one line per key, alphabetical within its section. It is the only place
 * that knows a key's name, type, range, default and help; the readers, the checks, --help-config
 * and the admin port's `settings` all walk it.
 */
#ifndef TIDEMARK_PROXY_CONFIG_SETTING_H
#define TIDEMARK_PROXY_CONFIG_SETTING_H

#include <stdbool.h>
#include <stddef.h>

enum setting_section {
    SECTION_PROXY,
    SECTION_SERVER, /* one per server: [server NAME] */
    SECTION_USER,   /* one per user: [user NAME] */
    SECTION_MONITOR,
    SECTION_CONSISTENCY,
    SECTION_POOL,
    SECTION_ADMIN,
    SECTION_TLS,
    SECTION_COMPRESSION,
    SECTION_COUNT,
};

enum setting_type {
    SETTING_ADDRESS,         /* struct config_address: HOST:PORT or unix:PATH */
    SETTING_ADDRESSES,       /* struct config_addresses: several, separated by commas */
    SETTING_BOOL,            /* bool: on | off */
    SETTING_CHOICE,          /* int: index into choices */
    SETTING_CORES,           /* unsigned: a number, or "auto" for the cores that may be used */
    SETTING_NETWORKS,        /* struct config_networks: CIDR and "unix", separated by commas */
    SETTING_NUMBER,          /* unsigned, min to max */
    SETTING_OPTIONAL_CHOICE, /* as SETTING_CHOICE; empty is the index after the last choice */
    SETTING_PASSWORD_HASH,   /* char *: "*" and 40 hexadecimal digits, or NULL */
    SETTING_PATH,            /* char *: relative paths start at the folder of the file */
    SETTING_RATIO,           /* double, 0 to 1 */
    SETTING_SECRET,          /* char *: also as KEY_file and KEY_env; never shown */
    SETTING_TEXT,            /* char * */
};

struct setting {
    enum setting_section section;
    const char *key;
    enum setting_type type;
    const char *default_text;   /* what the file would have to say; NULL: must be set */
    unsigned min, max;          /* SETTING_NUMBER, SETTING_CORES */
    const char *const *choices; /* SETTING_CHOICE: NULL-terminated */
    bool reloadable;
    unsigned refused; /* SETTING_CHOICE: bits of the choices that are an error: not built yet, and
                       * to ignore them would be less safe than what the user asked for */
    size_t offset;    /* in the section's struct in config.h */
    const char *help;
};

extern const struct setting settings[];
extern const size_t setting_count;

/* "proxy", "server", ... */
const char *setting_section_name(enum setting_section section);

/* Is there one such section for each server or user? */
bool setting_section_is_named(enum setting_section section);

/* Why a server or user cannot have that name (fixed text), or NULL when it can. */
const char *setting_name_complaint(enum setting_section section, const char *name);

/* The section of a word such as "proxy", or SECTION_COUNT. */
enum setting_section setting_section_of(const char *name);

/* NULL when unknown. */
const struct setting *setting_find(enum setting_section section, const char *key);

/* "1 to 1024", "on | off": what a value of this setting may be. Owner: the caller (mem_free). */
char *setting_allowed(const struct setting *setting);

/* The index of a choice's word, or -1. */
int setting_choice_index(const struct setting *setting, const char *word);

#endif
