/*
 * The table `users`: who may log in, and what each has now. Passwords can be set and never read.
 */
#include "proxy/admin/edit.h"
#include "proxy/admin/look.h"
#include "proxy/admin/tables.h"

#include "proxy/memory.h"
#include "proxy/survey.h"

enum {
    NAME,
    CONSISTENCY,
    MAX_CONNECTIONS,
    PASSWORD,
    PASSWORD_HASH,
    CLIENTS,
    IDLE,
    LEASED,
    OPENING,
    WAITING,
    COLUMNS
};

static const struct admin_column columns[COLUMNS] = {
    [NAME] = {"name", ADMIN_TEXT, "as in [user NAME]", false},
    [CONSISTENCY] = {"consistency", ADMIN_TEXT, "of its own; NULL: what [consistency] default says",
                     true},
    [MAX_CONNECTIONS] = {"max_connections", ADMIN_INTEGER,
                         "clients that may be logged in at once; 0: no limit of its own", true},
    [PASSWORD] = {"password", ADMIN_TEXT, "******** when there is one; can be set, not read", true},
    [PASSWORD_HASH] = {"password_hash", ADMIN_TEXT,
                       "******** when there is one; can be set, not read", true},
    [CLIENTS] = {"clients", ADMIN_INTEGER, "logged in now", false},
    [IDLE] = {"idle", ADMIN_INTEGER, "its server connections that nobody uses now", false},
    [LEASED] = {"leased", ADMIN_INTEGER, "its server connections that sessions hold", false},
    [OPENING] = {"opening", ADMIN_INTEGER, "its server connections being opened", false},
    [WAITING] = {"waiting", ADMIN_INTEGER, "its sessions that wait for a connection", false},
};

static const char MASK[] = "********";

struct counts {
    unsigned idle, leased, opening, waiting;
};

struct users {
    struct counts *counts; /* owner: per number */
    unsigned count;
};

static void count_pool(void *context, const struct pool_sight *sight)
{
    struct users *users = context;

    if (sight->user < users->count) {
        users->counts[sight->user].idle += sight->idle;
        users->counts[sight->user].leased += sight->leased;
        users->counts[sight->user].opening += sight->opening;
        users->counts[sight->user].waiting += sight->waiting;
    }
}

static void add_user(struct admin_rows *rows, const struct config_user *config,
                     const struct account *account, const struct counts *counts)
{
    admin_rows_text(rows, account->name);
    admin_rows_text(rows,
                    config->consistency != CONFIG_CONSISTENCY_UNSET
                        ? config_consistency_name((enum config_consistency)config->consistency)
                        : NULL);
    admin_rows_integer(rows, config->max_connections);
    admin_rows_text(rows, config->password != NULL ? MASK : NULL);
    admin_rows_text(rows, config->password_hash != NULL ? MASK : NULL);
    admin_rows_integer(rows, atomic_load(&account->clients));
    admin_rows_integer(rows, counts->idle);
    admin_rows_integer(rows, counts->leased);
    admin_rows_integer(rows, counts->opening);
    admin_rows_integer(rows, counts->waiting);
}

static void fill(struct program *program, struct admin_rows *rows)
{
    struct look_context look = look_begin(program, rows);
    struct users users = {.count = roster_account_count(look.roster)};

    users.counts = mem_calloc(users.count, sizeof *users.counts);

    survey_pools(program, count_pool, &users);
    for (unsigned number = 0; number < users.count; number++) {
        const struct config_user *user = roster_user(look.roster, number);

        if (user != NULL) {
            add_user(rows, user, roster_account(look.roster, number), &users.counts[number]);
        }
    }
    mem_free(users.counts);
    look_end(&look);
}

static const struct edit_column edits[] = {
    {CONSISTENCY, "consistency"},
    {MAX_CONNECTIONS, "max_connections"},
    {PASSWORD, "password"},
    {PASSWORD_HASH, "password_hash"},
};

static bool change(struct program *program, struct live_edit *edit,
                   const struct admin_change *change, char **error)
{
    (void)program;
    return edit_row(edit, "user", change, edits, sizeof edits / sizeof edits[0], error);
}

const struct admin_table admin_table_users = {
    .name = "users",
    .help = "who may log in, with which limits; add, remove and change them here",
    .columns = columns,
    .column_count = COLUMNS,
    .fill = fill,
    .change = change,
};
