/*
 * What both scripted peers need: taking packets off a wire, and the contents of OK packets written
 * and read as text:
 *
 *     affected=1 id=7 warnings=2 trans read-only no-autocommit more cursor last-row
 *     schema=shop set:time_zone=UTC change state=T_______ next=text info=text
 *
 * A word each, separated by blanks, in this order when it is read; `next` and `info` take all that
 * is left.
 */
#ifndef TIDEMARK_TESTS_WIRE_PACKETS_H
#define TIDEMARK_TESTS_WIRE_PACKETS_H

#include "protocol/bytes.h"
#include "protocol/ok.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes the packet at the front of *in, if it is whole: its payload and sequence id. */
bool packet_next(struct bytes *in, struct bytes *payload, uint8_t *sequence);

/* Fills in an OK from words; the tracker block is put into `trackers`. `ok` refers to both. */
void ok_from_words(struct ok_packet *ok, struct writer *trackers, const char *words);

/* The words of an OK, each with a blank before it, appended to `text`. */
void ok_to_words(const struct ok_packet *ok, char *text, size_t size);

/* Appends; what does not fit fails the test. */
void text_append(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
