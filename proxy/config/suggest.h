/*
 * "Did you mean ...?": the nearest known word to a mistyped one.
 */
#ifndef TIDEMARK_PROXY_CONFIG_SUGGEST_H
#define TIDEMARK_PROXY_CONFIG_SUGGEST_H

#include <stddef.h>

/* Offer words one after the other; best is the nearest one that is near enough to be meant, or
 * NULL. Borrows every word that is offered. */
struct suggestion {
    const char *typed;
    const char *best;
    size_t distance;
};

struct suggestion suggestion_for(const char *typed);
void suggestion_offer(struct suggestion *suggestion, const char *word);

#endif
