/*
 * Sets of MySQL GTIDs as sorted, merged arrays of intervals. The text (MySQL manual, "GTID Format
 * and Storage"; tags since 8.3):
 *
 *      uuid:interval[:interval]...[:tag:interval[:interval]...]...  [, ...]
 *
 * A tag holds for the intervals after it, up to the next tag or comma.
 */
#ifndef HEALTH_GTID_SET_H
#define HEALTH_GTID_SET_H

#include "health/position.h"
#include "health/scan.h"

/* Reads one set up to the end of `s`. *out (owner: the caller, also after a failure) is sorted and
 * merged. False when malformed or beyond POSITION_ENTRIES_MAX. */
bool gtid_set_scan(struct scan *s, struct gtid_interval **out, size_t *count);

/* Inclusion of one sorted, merged array in another; one walk over both. */
bool gtid_set_contains(const struct gtid_interval *set, size_t count,
                       const struct gtid_interval *wanted, size_t wanted_count);

void gtid_set_write(struct sink *sink, const struct gtid_interval *set, size_t count);

#endif
