#include "router/classify.h"

#include "router/judge.h"

#include <stddef.h>
#include <string.h>

/* Everything to zero except the long arrays, whose counts say how much of them holds. */
static void clear(struct statement *out)
{
    memset(out, 0, offsetof(struct statement, set));
    out->set.kinds = 0;
    out->set.charset = out->set.collation = bytes_of(NULL, 0);
    out->set.count = 0;
    out->kill = (struct kill_info){0};
    out->use_schema = bytes_of(NULL, 0);
    out->connection_id_calls = 0;
    out->connection_id_offset = out->connection_id_size = 0;
    out->table_count = 0;
    out->table_overflow = false;
    out->object_count = 0;
    out->user_variable_count = 0;
    out->why = "plain read";
}

static void merge(struct statement *out, struct judgement next)
{
    if (next.class > out->class || out->class == STATEMENT_READ) {
        out->class = next.class;
        out->why = next.why;
    }
    out->may_change |= next.may_change;
}

/* Whether it is known which variables it sets, so that they can be read afterwards. */
static bool can_be_followed(const struct statement *out)
{
    const unsigned unseen = PIN_PROGRAM | PIN_PREPARE | PIN_UNKNOWN;

    return !out->is_multi && !out->is_truncated && !out->is_uncertain && !(out->pins & unseen) &&
           !(out->set.kinds & SET_STATEMENT) && out->use_schema.size == 0 &&
           out->set.count <= SET_ASSIGNMENTS;
}

/* What is true of the whole text, whatever its statements are. */
static void conclude(struct scan *scan, struct statement *out, unsigned statements, bool truncated)
{
    out->is_multi = statements > 1;
    out->is_truncated = truncated;
    out->is_uncertain = scan->lexer.odd;
    if (statements == 0) {
        out->is_empty = true;
        out->class = STATEMENT_SESSION;
        out->why = "no statement";
    }
    if (out->is_multi) {
        /* An earlier statement may pin what a later one ends, and the other way round. */
        out->ends_pins = 0;
        out->lessens = 0;
    }
    if (statement_touches_tracking(out) && !can_be_followed(out))
        out->pins |= PIN_TRACKER;
    if (!truncated && !out->is_uncertain)
        return;
    out->class = STATEMENT_WRITE;
    out->may_change = true;
    out->pins |= PIN_UNKNOWN;
    out->why = truncated ? "longer than what was looked at"
                         : "a text that servers may read in different ways";
}

void classify(struct bytes sql, bool truncated, const struct lexer_mode *mode,
              struct statement *out)
{
    struct scan scan;
    unsigned statements = 0;

    clear(out);
    scan_start(&scan, sql, mode, out);
    for (;;) {
        do {
            scan.quiet = true;
            scan_next(&scan);
        } while (scan.now.symbol == ';');
        if (scan.now.kind == TOKEN_END)
            break;
        statements++;
        scan.lexer.odd |= scan.reads_anew;
        scan_begin_statement(&scan);
        merge(out, judge_statement(&scan));
        if (scan.now.kind == TOKEN_END)
            break;
    }
    out->digest = digest_end(&scan.digest);
    conclude(&scan, out, statements, truncated);
}
