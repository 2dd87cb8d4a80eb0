/*
 * See accounts.h. A table of chunks, so that an account never moves: the count is published after
 * what it counts.
 */
#include "proxy/accounts.h"

#include "proxy/memory.h"

#include <pthread.h>
#include <string.h>

enum { CHUNK = 256, CHUNKS = 1024 };

struct accounts {
    pthread_mutex_t adding;
    atomic_uint count;
    struct account *chunks[CHUNKS]; /* owner: CHUNK of them each, as they are needed */
};

struct accounts *accounts_new(void)
{
    struct accounts *accounts = mem_calloc(1, sizeof *accounts);

    pthread_mutex_init(&accounts->adding, NULL);
    return accounts;
}

void accounts_free(struct accounts *accounts)
{
    if (accounts == NULL) {
        return;
    }
    for (unsigned i = 0; i < accounts_count(accounts); i++) {
        struct account *account = accounts_at(accounts, i);

        keeping_dispose(&account->keeping);
        mem_free(account->name);
    }
    for (unsigned i = 0; i < CHUNKS; i++) {
        mem_free(accounts->chunks[i]);
    }
    pthread_mutex_destroy(&accounts->adding);
    mem_free(accounts);
}

unsigned accounts_count(const struct accounts *accounts)
{
    return atomic_load_explicit(&accounts->count, memory_order_acquire);
}

struct account *accounts_at(const struct accounts *accounts, unsigned number)
{
    return number < accounts_count(accounts) ? &accounts->chunks[number / CHUNK][number % CHUNK]
                                             : NULL;
}

struct account *accounts_find(const struct accounts *accounts, const char *name)
{
    unsigned count = accounts_count(accounts);

    for (unsigned i = 0; i < count; i++) {
        struct account *account = &accounts->chunks[i / CHUNK][i % CHUNK];

        if (strcmp(account->name, name) == 0) {
            return account;
        }
    }
    return NULL;
}

struct account *accounts_admit(struct accounts *accounts, const char *name)
{
    struct account *account;
    unsigned count;

    pthread_mutex_lock(&accounts->adding);
    account = accounts_find(accounts, name);
    count = accounts_count(accounts);
    if (account == NULL && count < CHUNK * CHUNKS) {
        if (accounts->chunks[count / CHUNK] == NULL) {
            accounts->chunks[count / CHUNK] = mem_calloc(CHUNK, sizeof *account);
        }
        account = &accounts->chunks[count / CHUNK][count % CHUNK];
        account->name = mem_text(name);
        account->number = count;
        keeping_init(&account->keeping);
        atomic_store_explicit(&accounts->count, count + 1, memory_order_release);
    }
    pthread_mutex_unlock(&accounts->adding);
    return account;
}
