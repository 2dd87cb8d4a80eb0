/*
 * The table of session variables and the questions it answers. The generated list is expanded
 * twice: into index names, so that one row can point at another, and into the rows themselves.
 */
#include "proxy/client/variables.h"

#include <string.h>

/* NOLINTBEGIN(bugprone-macro-parentheses): the arguments are pasted into names */
enum {
    index_none = -1,
#define VARIABLE(name, kind, flags, rank, group, reset_by) index_##name,
#include "proxy/client/variable_table.inc"
#undef VARIABLE
    index_names, /* behind the real ones, so that no server can report it */
    index_user_variables,
};

static const struct variable table[] = {
#define VARIABLE(name, kind, flags, rank, group, reset_by)                                         \
    {#name, VARIABLE_##kind, flags, VARIABLE_RANK_##rank, group, index_##reset_by},
#include "proxy/client/variable_table.inc"
#undef VARIABLE
    {"names", VARIABLE_NAMES, 0, VARIABLE_RANK_NAMES, 1, index_none},
    {"user_variables", VARIABLE_USER, 0, VARIABLE_RANK_ORDINARY, 0, index_none},
};
/* NOLINTEND(bugprone-macro-parentheses) */

_Static_assert(sizeof table / sizeof table[0] <= VARIABLE_MAX, "environments count with this");

size_t variable_count(void)
{
    return sizeof table / sizeof table[0];
}

const struct variable *variable_at(int variable)
{
    return &table[variable];
}

static int compare_name(struct bytes name, const char *with)
{
    size_t size = strlen(with);
    int order = strncasecmp((const char *)name.data, with, name.size < size ? name.size : size);

    if (order != 0)
        return order;
    return name.size < size ? -1 : name.size > size;
}

int variable_find(struct bytes name)
{
    int low = 0, high = index_names - 1;

    if (name.size == 0)
        return -1;
    while (low <= high) {
        int middle = low + (high - low) / 2;
        int order = compare_name(name, table[middle].name);

        if (order == 0)
            return middle;
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return -1;
}

int variable_autocommit(void)
{
    return index_autocommit;
}

int variable_sql_mode(void)
{
    return index_sql_mode;
}

int variable_character_set_client(void)
{
    return index_character_set_client;
}

int variable_character_set_connection(void)
{
    return index_character_set_connection;
}

int variable_character_set_results(void)
{
    return index_character_set_results;
}

int variable_collation_connection(void)
{
    return index_collation_connection;
}

int variable_default_collation_for_utf8mb4(void)
{
    return index_default_collation_for_utf8mb4;
}

int variable_session_track_system_variables(void)
{
    return index_session_track_system_variables;
}

int variable_names(void)
{
    return index_names;
}

int variable_user_variables(void)
{
    return index_user_variables;
}

/* Letters, digits and underscores: what can stand in the list without quotes. */
static bool is_plain_name(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];

        if (!(c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
              (c >= 'A' && c <= 'Z')))
            return false;
    }
    return name.size > 0;
}

static bool is_tracked(struct bytes name)
{
    int variable = variable_find(name);

    if (!is_plain_name(name))
        return false;
    return variable < 0 || !(table[variable].flags & (VARIABLE_NOISE | VARIABLE_TRACKING));
}

struct bytes variables_next_name(struct bytes *list)
{
    struct bytes name = {NULL, 0};

    while (list->size > 0 && name.size == 0) {
        const uint8_t *comma = memchr(list->data, ',', list->size);
        size_t size = comma ? (size_t)(comma - list->data) : list->size;

        name = bytes_first(*list, size);
        *list = bytes_after(*list, size + 1);
        while (name.size > 0 && name.data[0] == ' ')
            name = bytes_after(name, 1);
        while (name.size > 0 && name.data[name.size - 1] == ' ')
            name.size--;
    }
    return name;
}

size_t variables_tracked(struct bytes server_names, char *out, size_t capacity)
{
    size_t size = 0;
    struct bytes name;

    while (name = variables_next_name(&server_names), name.size > 0) {
        if (!is_tracked(name))
            continue;
        if (name.size + 2 > capacity - size)
            return 0;
        if (size > 0)
            out[size++] = ',';
        memcpy(out + size, name.data, name.size);
        size += name.size;
        out[size] = 0;
    }
    return size;
}
