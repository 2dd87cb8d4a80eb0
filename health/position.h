/*
 * A position says how far a server has come in the primary's history. There are four kinds, and
 * everything above this file asks one question only: does what this server has applied contain
 * what the primary had written? No clocks, no counting of seconds.
 *
 *   kind                 text                                    contains
 *   POSITION_MYSQL_GTID  uuid:1-5:7,uuid:tag:1-3,...             set inclusion
 *   POSITION_MARIADB_GTID domain-server-sequence,...             per domain, the sequence reached
 *   POSITION_FILE        binlog.000003:1234                      the number of the file, then
 * offset POSITION_GALERA      uuid:seqno                              same uuid, seqno reached
 *
 * Positions of different kinds contain nothing of each other. An empty position is contained in
 * everything, so nobody may take one as a sample (see health/horizon.h).
 */
#ifndef HEALTH_POSITION_H
#define HEALTH_POSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum position_kind {
    POSITION_NONE,
    POSITION_MYSQL_GTID,
    POSITION_MARIADB_GTID,
    POSITION_FILE,
    POSITION_GALERA,
};

enum {
    POSITION_UUID_SIZE = 16,
    POSITION_TAG_MAX = 32,          /* MySQL manual, "GTID Format and Storage": tags */
    POSITION_FILE_MAX = 255,        /* bytes of a log file's name */
    POSITION_ENTRIES_MAX = 1 << 16, /* intervals or domains; more is refused */
    POSITION_TEXT_MAX = 4 << 20,    /* bytes of text accepted by position_parse() */
};

/* One run of transactions, both ends included, of one origin: server UUID and tag ("" for none). */
struct gtid_interval {
    uint8_t uuid[POSITION_UUID_SIZE];
    char tag[POSITION_TAG_MAX + 1];
    uint64_t first;
    uint64_t last;
};

/* The last transaction of one MariaDB replication domain. */
struct gtid_domain {
    uint32_t domain;
    uint32_t server_id;
    uint64_t sequence;
};

/* Place in one server's binary log. "binlog.000003" is base "binlog" (base_size 6), number 3. */
struct log_place {
    char file[POSITION_FILE_MAX + 1];
    size_t base_size;
    uint64_t number;
    uint64_t offset;
};

/*
 * A value: copy it with position_copy() or move it by assignment, dispose of it once. All zero is
 * the empty position of no kind. Intervals are sorted by (uuid, tag, first) and merged, domains by
 * domain, so that equal sets are equal arrays.
 */
struct position {
    enum position_kind kind;
    size_t count; /* of intervals or domains */
    union {
        struct gtid_interval *intervals; /* owner */
        struct gtid_domain *domains;     /* owner */
        struct log_place *place;         /* owner; NULL when empty */
        struct {
            uint8_t uuid[POSITION_UUID_SIZE];
            int64_t seqno; /* below 0: undefined, thus empty */
        } galera;
    };
};

/*
 * Reads a position of the given kind from a server's text, which need not end in NUL and is taken
 * as hostile. Empty text (also white space only) gives the empty position of that kind. Returns
 * false, leaving *out empty, when the text is malformed, too long or has too many entries.
 */
bool position_parse(enum position_kind kind, const char *text, size_t size, struct position *out);

/* The same for a log file and offset, which servers report in two columns. */
bool position_parse_file(const char *file, size_t size, uint64_t offset, struct position *out);

struct position position_copy(const struct position *of);
void position_dispose(struct position *position);

/* True when nothing at all is in it: no transaction, no file, undefined seqno, or no kind. */
bool position_is_empty(const struct position *position);

/* True when a server that has applied `applied` has applied all of `wanted`. */
bool position_contains(const struct position *applied, const struct position *wanted);

bool position_equal(const struct position *a, const struct position *b);

/*
 * The primary's position on MariaDB: per domain the higher of two (its own writes are in one, what
 * it once received in the other). Both must be POSITION_MARIADB_GTID.
 */
struct position position_higher(const struct position *a, const struct position *b);

/*
 * True when `applied` has transactions that the primary, asked *later*, does not know: the replica
 * has left the primary's history. MariaDB: a sequence beyond the primary's in a domain both know,
 * or the same sequence by another server. MySQL: transactions under the primary's own UUID
 * (primary_uuid, text; NULL: none known); a replica's own extra transactions do not harm there,
 * because sets are compared exactly.
 */
bool position_has_diverged(const struct position *applied, const struct position *primary,
                           const char *primary_uuid);

/*
 * Writes the text form as in the table above, with a NUL, into `out`; never more than `size` bytes.
 * Returns the length the whole text has (as snprintf does). MySQL's and MariaDB's texts are what
 * their wait functions take; the characters are digits, letters and "_-:," so they need no quoting.
 */
size_t position_text(const struct position *position, char *out, size_t size);

/* The same into new memory (owner: the caller). */
char *position_text_new(const struct position *position);

#endif
