/*
 * The clocks, read fresh.
 */
#ifndef TIDEMARK_PROXY_CLOCK_H
#define TIDEMARK_PROXY_CLOCK_H

#include <stdint.h>
#include <time.h>

/* A moment: CLOCK_MONOTONIC, ns. */
static inline uint64_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Microseconds since 1970. */
static inline int64_t clock_unix_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#endif
