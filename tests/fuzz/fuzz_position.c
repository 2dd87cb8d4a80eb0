/*
 * A position's text as a server may send it: the first byte chooses the kind, the rest is cut at a
 * byte 0x01 into two texts. What is accepted must read back from its own text as the same, and the
 * answers to "contains" must agree with each other.
 */
#include "health/position.h"
#include "health/view_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void reads_back(const struct position *p)
{
    char *text = position_text_new(p);
    struct position again;

    must(position_parse(p->kind, text, strlen(text), &again));
    must(position_equal(p, &again));
    position_dispose(&again);
    free(text);
}

static void compare(const struct position *a, const struct position *b)
{
    bool a_has_b = position_contains(a, b);
    bool b_has_a = position_contains(b, a);

    must((a_has_b && b_has_a) == position_equal(a, b));
    if (a->kind == POSITION_MARIADB_GTID && b->kind == a->kind) {
        struct position both = position_higher(a, b);
        must(both.count <= a->count + b->count);
        position_dispose(&both);
    }
    position_has_diverged(a, b, "3e11fa47-71ca-11e1-9e33-c80aa9429562");
}

static void read_view(const char *text, size_t size)
{
    static const char *const names[] = {"sleep", NULL};
    struct bytes schema;
    struct bytes name;
    size_t at = 0;
    size_t before = 0;

    view_text_calls_stored(bytes_of(text, size));
    view_text_calls_any(bytes_of(text, size), names);
    while (view_text_next_pair(bytes_of(text, size), &at, &schema, &name)) {
        must(at > before && at <= size);
        before = at;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum position_kind kinds[] = {POSITION_MYSQL_GTID, POSITION_MARIADB_GTID,
                                               POSITION_FILE, POSITION_GALERA};
    struct position a;
    struct position b;

    if (size == 0)
        return 0;
    enum position_kind kind = kinds[data[0] % 4];
    const char *text = (const char *)data + 1;
    const char *bar = memchr(text, 1, size - 1);
    size_t first = bar ? (size_t)(bar - text) : size - 1;
    size_t second = bar ? size - 2 - first : 0;

    if (position_parse(kind, text, first, &a))
        reads_back(&a);
    else
        must(position_is_empty(&a));
    position_parse(kind, bar ? bar + 1 : text, second, &b);
    compare(&a, &b);
    position_dispose(&a);
    position_dispose(&b);
    read_view(text, size - 1);
    return 0;
}
