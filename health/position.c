/*
 * Positions of all kinds behind one set of functions; the arithmetic of MySQL's GTID sets is in
 * health/gtid_set.c. Each kind is a case in a few switches without `default`, so a new kind is
 * asked for by the compiler everywhere it matters.
 */
#include "health/position.h"

#include "health/arena.h"
#include "health/gtid_set.h"
#include "health/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- MariaDB: domain-server-sequence,... ------------------------------------------------------ */

static int domain_order(const void *a, const void *b)
{
    const struct gtid_domain *x = a;
    const struct gtid_domain *y = b;

    return x->domain < y->domain ? -1 : x->domain > y->domain;
}

static bool scan_domain(struct scan *s, struct gtid_domain *out)
{
    uint64_t domain;
    uint64_t server;

    scan_spaces(s);
    if (!scan_number(s, UINT32_MAX, &domain) || !scan_char(s, '-') ||
        !scan_number(s, UINT32_MAX, &server) || !scan_char(s, '-') ||
        !scan_number(s, UINT64_MAX, &out->sequence))
        return false;
    scan_spaces(s);
    out->domain = (uint32_t)domain;
    out->server_id = (uint32_t)server;
    return true;
}

static bool parse_domains(struct scan *s, struct position *out)
{
    size_t room = 0;

    do {
        if (out->count == POSITION_ENTRIES_MAX)
            return false;
        if (out->count == room) {
            room = room ? 2 * room : 4;
            out->domains = health_realloc(out->domains, room, sizeof(*out->domains));
        }
        if (!scan_domain(s, &out->domains[out->count]))
            return false;
        out->count++;
    } while (scan_char(s, ','));
    if (!scan_is_done(s))
        return false;
    qsort(out->domains, out->count, sizeof(*out->domains), domain_order);
    for (size_t i = 1; i < out->count; i++) {
        if (out->domains[i].domain == out->domains[i - 1].domain)
            return false; /* the servers refuse that too */
    }
    return true;
}

/* The entry of this domain from index *from on, moving *from along; NULL: not there. */
static const struct gtid_domain *domain_in(const struct position *p, uint32_t domain, size_t *from)
{
    while (*from < p->count && p->domains[*from].domain < domain)
        ++*from;
    return *from < p->count && p->domains[*from].domain == domain ? &p->domains[*from] : NULL;
}

static bool same_or_later(const struct gtid_domain *applied, const struct gtid_domain *wanted)
{
    /* One sequence number by two servers is two transactions. */
    return applied->sequence > wanted->sequence ||
           (applied->sequence == wanted->sequence && applied->server_id == wanted->server_id);
}

static bool domains_contain(const struct position *applied, const struct position *wanted)
{
    size_t from = 0;

    for (size_t i = 0; i < wanted->count; i++) {
        const struct gtid_domain *mine = domain_in(applied, wanted->domains[i].domain, &from);
        if (!mine || !same_or_later(mine, &wanted->domains[i]))
            return false;
    }
    return true;
}

static bool domains_diverged(const struct position *applied, const struct position *primary)
{
    size_t from = 0;

    for (size_t i = 0; i < applied->count; i++) {
        const struct gtid_domain *its = domain_in(primary, applied->domains[i].domain, &from);
        if (its && !same_or_later(its, &applied->domains[i]))
            return true;
    }
    return false;
}

struct position position_higher(const struct position *a, const struct position *b)
{
    struct position out = {.kind = POSITION_MARIADB_GTID};
    size_t i = 0;
    size_t j = 0;

    if (a->count + b->count == 0)
        return out;
    out.domains = health_alloc(a->count + b->count, sizeof(*out.domains));
    while (i < a->count && j < b->count) {
        const struct gtid_domain *x = &a->domains[i];
        const struct gtid_domain *y = &b->domains[j];
        int order = domain_order(x, y);
        bool second = order > 0 || (order == 0 && y->sequence > x->sequence);

        out.domains[out.count++] = second ? *y : *x;
        i += order <= 0;
        j += order >= 0;
    }
    while (i < a->count)
        out.domains[out.count++] = a->domains[i++];
    while (j < b->count)
        out.domains[out.count++] = b->domains[j++];
    return out;
}

/* --- log file and offset ---------------------------------------------------------------------- */

bool position_parse_file(const char *file, size_t size, uint64_t offset, struct position *out)
{
    struct log_place place = {.offset = offset};
    size_t digits = 0;

    *out = (struct position){.kind = POSITION_FILE};
    if (size == 0)
        return true;
    if (size > POSITION_FILE_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        /* It goes into a quoted SQL text later: nothing that would need an escape there. */
        unsigned char c = (unsigned char)file[i];
        if (c < 0x20 || c == 0x7f || c == '\'' || c == '"' || c == '\\' || c == '`')
            return false;
        place.file[i] = file[i];
    }
    while (digits < size && file[size - 1 - digits] >= '0' && file[size - 1 - digits] <= '9')
        digits++;
    if (digits == 0 || digits > 18 || digits + 1 >= size || file[size - 1 - digits] != '.')
        return false;
    place.base_size = size - digits - 1;
    place.number = strtoull(place.file + size - digits, NULL, 10);
    out->place = health_alloc(1, sizeof(*out->place));
    *out->place = place;
    return true;
}

static bool parse_place(const char *text, size_t size, struct position *out)
{
    const char *colon = memrchr(text, ':', size);
    uint64_t offset;

    if (!colon)
        return false;
    struct scan s = scan_over(colon + 1, (size_t)(text + size - colon - 1));
    return scan_number(&s, UINT64_MAX, &offset) && scan_is_done(&s) && colon != text &&
           position_parse_file(text, (size_t)(colon - text), offset, out);
}

static bool place_contains(const struct log_place *applied, const struct log_place *wanted)
{
    if (applied->base_size != wanted->base_size ||
        memcmp(applied->file, wanted->file, wanted->base_size) != 0)
        return false;
    return applied->number > wanted->number ||
           (applied->number == wanted->number && applied->offset >= wanted->offset);
}

/* --- Galera ----------------------------------------------------------------------------------- */

static bool parse_galera(struct scan *s, struct position *out)
{
    uint64_t number;

    out->galera.seqno = -1;
    if (!scan_uuid(s, out->galera.uuid) || !scan_char(s, ':'))
        return false;
    if (scan_char(s, '-')) /* -1: undefined */
        return scan_number(s, 1, &number) && number == 1 && scan_is_done(s);
    if (!scan_number(s, INT64_MAX, &number) || !scan_is_done(s))
        return false;
    out->galera.seqno = (int64_t)number;
    return true;
}

/* --- all kinds -------------------------------------------------------------------------------- */

static struct position empty_of(enum position_kind kind)
{
    struct position p = {.kind = kind};

    if (kind == POSITION_GALERA)
        p.galera.seqno = -1;
    return p;
}

static bool parse_whole(enum position_kind kind, struct scan *s, struct position *out)
{
    switch (kind) {
    case POSITION_NONE:
        return false;
    case POSITION_MYSQL_GTID:
        return gtid_set_scan(s, &out->intervals, &out->count);
    case POSITION_MARIADB_GTID:
        return parse_domains(s, out);
    case POSITION_FILE:
        return parse_place(s->at, (size_t)(s->end - s->at), out);
    case POSITION_GALERA:
        return parse_galera(s, out);
    }
    return false;
}

bool position_parse(enum position_kind kind, const char *text, size_t size, struct position *out)
{
    *out = empty_of(kind);
    if (size > POSITION_TEXT_MAX)
        return false;
    struct scan s = scan_over(text, size);
    scan_spaces(&s);
    while (s.end > s.at && scan_is_space(s.end[-1]))
        s.end--;
    if (scan_is_done(&s))
        return kind != POSITION_NONE;
    if (parse_whole(kind, &s, out))
        return true;
    position_dispose(out);
    *out = empty_of(kind);
    return false;
}

struct position position_copy(const struct position *of)
{
    struct position copy = *of;

    switch (of->kind) {
    case POSITION_NONE:
    case POSITION_GALERA:
        break;
    case POSITION_MYSQL_GTID:
        if (of->count) {
            copy.intervals = health_alloc(of->count, sizeof(*of->intervals));
            memcpy(copy.intervals, of->intervals, of->count * sizeof(*of->intervals));
        }
        break;
    case POSITION_MARIADB_GTID:
        if (of->count) {
            copy.domains = health_alloc(of->count, sizeof(*of->domains));
            memcpy(copy.domains, of->domains, of->count * sizeof(*of->domains));
        }
        break;
    case POSITION_FILE:
        if (of->place) {
            copy.place = health_alloc(1, sizeof(*of->place));
            *copy.place = *of->place;
        }
        break;
    }
    return copy;
}

void position_dispose(struct position *position)
{
    switch (position->kind) {
    case POSITION_NONE:
    case POSITION_GALERA:
        break;
    case POSITION_MYSQL_GTID:
        free(position->intervals);
        break;
    case POSITION_MARIADB_GTID:
        free(position->domains);
        break;
    case POSITION_FILE:
        free(position->place);
        break;
    }
    *position = (struct position){0};
}

bool position_is_empty(const struct position *position)
{
    switch (position->kind) {
    case POSITION_NONE:
        return true;
    case POSITION_MYSQL_GTID:
    case POSITION_MARIADB_GTID:
        return position->count == 0;
    case POSITION_FILE:
        return position->place == NULL;
    case POSITION_GALERA:
        return position->galera.seqno < 0;
    }
    return true;
}

bool position_contains(const struct position *applied, const struct position *wanted)
{
    if (applied->kind != wanted->kind || applied->kind == POSITION_NONE)
        return false;
    if (position_is_empty(wanted))
        return true;
    if (position_is_empty(applied))
        return false;
    switch (applied->kind) {
    case POSITION_NONE:
        return false;
    case POSITION_MYSQL_GTID:
        return gtid_set_contains(applied->intervals, applied->count, wanted->intervals,
                                 wanted->count);
    case POSITION_MARIADB_GTID:
        return domains_contain(applied, wanted);
    case POSITION_FILE:
        return place_contains(applied->place, wanted->place);
    case POSITION_GALERA:
        return memcmp(applied->galera.uuid, wanted->galera.uuid, POSITION_UUID_SIZE) == 0 &&
               applied->galera.seqno >= wanted->galera.seqno;
    }
    return false;
}

bool position_equal(const struct position *a, const struct position *b)
{
    if (a->kind == POSITION_NONE || b->kind == POSITION_NONE)
        return a->kind == b->kind;
    return position_contains(a, b) && position_contains(b, a);
}

bool position_has_diverged(const struct position *applied, const struct position *primary,
                           const char *primary_uuid)
{
    uint8_t uuid[POSITION_UUID_SIZE];

    if (applied->kind != primary->kind || position_is_empty(applied) || position_is_empty(primary))
        return false;
    if (applied->kind == POSITION_MARIADB_GTID)
        return domains_diverged(applied, primary);
    if (applied->kind != POSITION_MYSQL_GTID || !primary_uuid)
        return false;
    struct scan s = scan_over(primary_uuid, strlen(primary_uuid));
    if (!scan_uuid(&s, uuid))
        return false;
    for (size_t i = 0; i < applied->count; i++) {
        const struct gtid_interval *own = &applied->intervals[i];
        if (memcmp(own->uuid, uuid, sizeof(uuid)) == 0 &&
            !gtid_set_contains(primary->intervals, primary->count, own, 1))
            return true;
    }
    return false;
}

static void write_domains(struct sink *out, const struct position *p)
{
    for (size_t i = 0; i < p->count; i++)
        sink_format(out, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64, i ? "," : "", p->domains[i].domain,
                    p->domains[i].server_id, p->domains[i].sequence);
}

size_t position_text(const struct position *position, char *out, size_t size)
{
    struct sink sink = sink_into(out, size);

    if (position_is_empty(position))
        return 0;
    switch (position->kind) {
    case POSITION_NONE:
        break;
    case POSITION_MYSQL_GTID:
        gtid_set_write(&sink, position->intervals, position->count);
        break;
    case POSITION_MARIADB_GTID:
        write_domains(&sink, position);
        break;
    case POSITION_FILE:
        sink_format(&sink, "%s:%" PRIu64, position->place->file, position->place->offset);
        break;
    case POSITION_GALERA:
        sink_uuid(&sink, position->galera.uuid);
        sink_format(&sink, ":%" PRId64, position->galera.seqno);
        break;
    }
    return sink.length;
}

char *position_text_new(const struct position *position)
{
    size_t length = position_text(position, NULL, 0);
    char *text = health_alloc(length + 1, 1);

    position_text(position, text, length + 1);
    return text;
}
