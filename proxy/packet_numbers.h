/*
 * The numbers of compressed packets. They begin at 0 with every command and go on through its
 * answer, whatever the ordinary packets inside are numbered; so whoever sends has to know where
 * commands begin.
 *
 * Towards a client it is what the client does: a packet numbered 0 begins a command, and the answer
 * goes on from the command's last one. Of several commands sent at once the one counts that has
 * been taken last.
 *
 * Towards a server it is seen in the ordinary packets: number 0 begins a command (not where it
 * follows 255 in the midst of an upload), and a number that does not follow the one before it means
 * that the server has said something in between.
 */
#ifndef TIDEMARK_PROXY_PACKET_NUMBERS_H
#define TIDEMARK_PROXY_PACKET_NUMBERS_H

#include "protocol/bytes.h"
#include "protocol/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_NUMBERS_COMMANDS = 4 };

/* Towards a client. Zero-initialized: nothing came yet. */
struct answer_numbers {
    struct {
        uint64_t begins;                 /* at this byte of all that the client sent, expanded */
        uint8_t next;                    /* number of the next packet, from either side */
    } commands[ANSWER_NUMBERS_COMMANDS]; /* in order; those beyond count as part of the last */
    unsigned count;
};

/* A packet with this number came, and begins at byte `at`. False: it is out of order. */
bool answer_numbers_came(struct answer_numbers *numbers, uint8_t sequence, uint64_t at);

/* The number of the next packet to the client, of whose bytes `taken` have been used. */
uint8_t answer_numbers_next(struct answer_numbers *numbers, uint64_t taken);

/* Towards a server. */
struct command_numbers {
    uint32_t left;    /* bytes of an ordinary packet that have not been sent yet */
    uint8_t previous; /* number of that packet */
    bool was_empty;   /* it is empty, so it ended an upload */
    uint8_t next;     /* of the next compressed packet */
    uint8_t answered; /* what would follow the last one that came */
};

void command_numbers_init(struct command_numbers *numbers);
void command_numbers_came(struct command_numbers *numbers, uint8_t sequence);

/* How many bytes at the front of `in`, which go on where the last call ended, are to go into one
 * packet, numbered `*sequence`. 0: there is only a part of a packet's head. */
size_t command_numbers_take(struct command_numbers *numbers, struct bytes in, uint8_t *sequence);

#endif
