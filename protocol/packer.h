/*
 * Makes compressed packets. One packer serves all connections of a thread, whatever algorithm and
 * level each has: nothing of a packet outlives it, and the memory of the libraries is used again.
 */
#ifndef PROTOCOL_PACKER_H
#define PROTOCOL_PACKER_H

#include "protocol/compressed.h"

/* Bytes that one packet takes at most: what comes in one read of a socket, and more than that
 * compresses hardly better. */
enum { PACKER_BYTES = 128 << 10 };

struct packer;

/* Allocates when it is first used. Never NULL. */
struct packer *packer_new(void);
void packer_free(struct packer *packer);

/* `plain`, at most PACKER_BYTES, as one whole packet; good until the next call. Not compressed
 * where that would not make it shorter. `level`: of the algorithm's. */
struct bytes packer_pack(struct packer *packer, enum compression compression, unsigned level,
                         struct bytes plain, uint8_t sequence);

#endif
