/*
 * Runs the response machine over scripted answers and tells what it did as text, for tests of a row
 * each.
 *
 * A script is packets in hexadecimal, separated by '|'. Heads are added; sequence ids run from 1. A
 * packet may begin with "+n", which moves the sequence id on by n (the client sent n packets, or it
 * is a fault), or with "*n" and a byte, which stands for n of that byte.
 *
 * A trace is the steps in order, neighbouring passes as one: "pass:12 eof:9 ok:11 rows=1 sets=1
 * status=2".
 */
#ifndef TESTS_UNIT_PROTOCOL_TRACE_H
#define TESTS_UNIT_PROTOCOL_TRACE_H

#include "protocol/response.h"

#define TRACE_SIZE 512

/* The packets of a script; free the data. */
struct bytes script_packets(const char *script);

/*
 * The trace when the bytes come in two parts, cut at `cut`, or one by one when `cut` is SIZE_MAX.
 * `cut` of 0 is all at once.
 */
void trace_response(enum command command, uint64_t capabilities, struct bytes packets, size_t cut,
                    char trace[TRACE_SIZE]);

#endif
