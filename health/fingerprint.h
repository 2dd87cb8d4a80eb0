/*
 * A number that stands for a row of texts (FNV-1a, 64 bits): enough to notice that what was read
 * again is what was known already.
 */
#ifndef HEALTH_FINGERPRINT_H
#define HEALTH_FINGERPRINT_H

#include <stdint.h>

#define FINGERPRINT_START UINT64_C(0xcbf29ce484222325)

/* `so_far` continued by one text, its end included; NULL counts as "". */
static inline uint64_t fingerprint_of(uint64_t so_far, const char *text)
{
    const uint64_t prime = UINT64_C(0x100000001b3);

    for (const char *c = text ? text : ""; *c; c++)
        so_far = (so_far ^ (unsigned char)*c) * prime;
    return so_far * prime;
}

#endif
