/*
 * What an operator's client may send as text: it is cut into statements, each is read as a short
 * command and rewritten for SQLite. Slices must stay inside the text, and texts end.
 */
#include "proxy/admin/command.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static void check(bool fact)
{
    if (!fact)
        abort();
}

static bool is_inside(struct bytes part, struct bytes whole)
{
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    struct bytes rest = text;
    struct bytes statement;

    while (command_cut(&rest, &statement)) {
        char meant[COMMAND_MEANT_BYTES];
        struct order order = order_read(statement);
        char *rewritten = command_rewrite(statement);

        check(is_inside(statement, text) && is_inside(rest, text));
        check(is_inside(order.rest, statement));
        check(memchr(order.name, 0, sizeof order.name) != NULL);
        check(order.sql == NULL || order.kind == ORDER_SQL);
        if (command_meant(statement, meant))
            check(memchr(meant, 0, sizeof meant) != NULL && meant[0] != 0);
        sqlite3_free(rewritten);
        order_dispose(&order);
    }
    return 0;
}
