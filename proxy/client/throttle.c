/*
 * See throttle.h. The lock is taken only once somebody has failed: until then a glance at a counter
 * is all that a login costs.
 */
#include "proxy/client/throttle.h"

#include "proxy/memory.h"

#include <arpa/inet.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    SETS = 512,
    WAYS = 4,
};

struct entry {
    uint64_t key;      /* of an address, or of an account at an address; 0: free */
    uint64_t last_ns;  /* when it failed, or got in, last */
    uint64_t next_ns;  /* the next attempt is not looked at before */
    unsigned failures; /* since it got in last */
    unsigned misuses;
    bool is_good; /* an account's: it has got in */
};

struct throttle {
    pthread_mutex_t lock;
    atomic_bool is_used;
    uint64_t seed;
    struct entry entries[SETS][WAYS]; /* guarded by the lock */
};

struct throttle *throttle_new(void)
{
    struct throttle *throttle = mem_calloc(1, sizeof *throttle);

    pthread_mutex_init(&throttle->lock, NULL);
    if (RAND_bytes((unsigned char *)&throttle->seed, sizeof throttle->seed) != 1) {
        throttle->seed = (uintptr_t)throttle; /* the keys are then a little easier to guess */
    }
    return throttle;
}

void throttle_free(struct throttle *throttle)
{
    if (throttle != NULL) {
        pthread_mutex_destroy(&throttle->lock);
        mem_free(throttle);
    }
}

static uint64_t mix(uint64_t hash, struct bytes b)
{
    for (size_t i = 0; i < b.size; i++) {
        hash = (hash ^ b.data[i]) * UINT64_C(0x100000001b3);
    }
    return hash ^ hash >> 29;
}

static uint64_t address_key(const struct throttle *throttle, struct bytes host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (bytes_to_text(host, text, sizeof text) && inet_pton(AF_INET6, text, &address) == 1) {
        host = bytes_of(address.s6_addr, 8);
    }
    return mix(throttle->seed, host) | 1;
}

/* The entry, or NULL. What was long ago is none. */
static struct entry *find(struct throttle *throttle, uint64_t key, uint64_t now_ns)
{
    struct entry *set = throttle->entries[(key >> 8) % SETS];

    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            if (now_ns < set[i].last_ns + THROTTLE_FORGET_NS) {
                return &set[i];
            }
            set[i] = (struct entry){0};
        }
    }
    return NULL;
}

static struct entry *find_or_add(struct throttle *throttle, uint64_t key, uint64_t now_ns)
{
    struct entry *set = throttle->entries[(key >> 8) % SETS];
    struct entry *entry = find(throttle, key, now_ns);

    if (entry != NULL) {
        return entry;
    }
    entry = set;
    for (unsigned i = 1; i < WAYS; i++) {
        if (set[i].last_ns < entry->last_ns) {
            entry = &set[i]; /* a free one has 0 */
        }
    }
    *entry = (struct entry){.key = key, .last_ns = now_ns};
    return entry;
}

static uint64_t delay_after(unsigned failures)
{
    uint64_t delay = THROTTLE_SHORTEST_NS;

    if (failures < THROTTLE_FREE) {
        return 0;
    }
    for (unsigned i = THROTTLE_FREE; i < failures && delay < THROTTLE_LONGEST_NS; i++) {
        delay *= 2;
    }
    return delay < THROTTLE_LONGEST_NS ? delay : THROTTLE_LONGEST_NS;
}

uint64_t throttle_when(struct throttle *throttle, struct bytes host, const char *name,
                       uint64_t now_ns)
{
    uint64_t key = address_key(throttle, host);
    uint64_t when = now_ns;
    struct entry *account;
    struct entry *entry;

    if (!atomic_load_explicit(&throttle->is_used, memory_order_relaxed)) {
        return now_ns;
    }
    pthread_mutex_lock(&throttle->lock);
    entry = find(throttle, key, now_ns);
    account = find(throttle, mix(key, bytes_of_text(name)), now_ns);
    if (account != NULL && account->is_good) {
        entry = account;
    }
    if (entry != NULL) {
        when = entry->next_ns > now_ns ? entry->next_ns : now_ns;
        entry->next_ns = when + delay_after(entry->failures + entry->misuses);
    }
    pthread_mutex_unlock(&throttle->lock);
    return when;
}

/* After its count was raised. */
static void note_failure(struct entry *entry, uint64_t now_ns)
{
    uint64_t next = now_ns + delay_after(entry->failures + entry->misuses);

    entry->last_ns = now_ns;
    if (next > entry->next_ns) {
        entry->next_ns = next;
    }
}

void throttle_failed(struct throttle *throttle, struct bytes host, const char *name,
                     uint64_t now_ns)
{
    uint64_t key = address_key(throttle, host);
    struct entry *entry;

    atomic_store_explicit(&throttle->is_used, true, memory_order_relaxed);
    pthread_mutex_lock(&throttle->lock);
    entry = find_or_add(throttle, key, now_ns);
    entry->failures++;
    note_failure(entry, now_ns);
    entry = find(throttle, mix(key, bytes_of_text(name)), now_ns);
    if (entry != NULL) {
        entry->failures++;
        note_failure(entry, now_ns);
    }
    pthread_mutex_unlock(&throttle->lock);
}

void throttle_misused(struct throttle *throttle, struct bytes host, const char *name,
                      uint64_t now_ns)
{
    uint64_t key = address_key(throttle, host);
    struct entry *account;

    pthread_mutex_lock(&throttle->lock);
    account = find_or_add(throttle, mix(key, bytes_of_text(name)), now_ns);
    account->is_good = true;
    account->misuses++;
    note_failure(account, now_ns);
    pthread_mutex_unlock(&throttle->lock);
}

void throttle_succeeded(struct throttle *throttle, struct bytes host, const char *name,
                        uint64_t now_ns)
{
    uint64_t key = address_key(throttle, host);

    if (!atomic_load_explicit(&throttle->is_used, memory_order_relaxed)) {
        return;
    }
    pthread_mutex_lock(&throttle->lock);
    if (find(throttle, key, now_ns) != NULL) {
        struct entry *account = find_or_add(throttle, mix(key, bytes_of_text(name)), now_ns);

        account->is_good = true;
        account->failures = 0;
        account->last_ns = now_ns;
        if (account->misuses == 0) {
            account->next_ns = 0;
        }
    }
    pthread_mutex_unlock(&throttle->lock);
}
