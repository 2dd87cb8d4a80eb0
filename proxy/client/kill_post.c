/*
 * See kill_post.h.
 */
#include "proxy/client/kill_post.h"

#include "proxy/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <utlist.h>

struct box {
    atomic_bool has_mail;
    struct kill_order *orders; /* owner; guarded by the lock; oldest first */
    bool is_closed;            /* guarded by the lock */
};

struct kill_post {
    pthread_mutex_t lock;
    size_t count;
    void (*wake)(void *context, unsigned worker);
    void *context;
    struct box boxes[];
};

struct kill_post *kill_post_new(size_t workers, void (*wake)(void *context, unsigned worker),
                                void *context)
{
    struct kill_post *post = mem_calloc(1, sizeof *post + workers * sizeof post->boxes[0]);

    pthread_mutex_init(&post->lock, NULL);
    post->count = workers;
    post->wake = wake;
    post->context = context;
    return post;
}

void kill_post_free(struct kill_post *post)
{
    if (post == NULL) {
        return;
    }
    for (size_t i = 0; i < post->count; i++) {
        struct kill_order *order;
        struct kill_order *next;

        LL_FOREACH_SAFE(post->boxes[i].orders, order, next)
        {
            mem_free(order);
        }
    }
    pthread_mutex_destroy(&post->lock);
    mem_free(post);
}

size_t kill_post_workers(const struct kill_post *post)
{
    return post->count;
}

bool kill_post_send(struct kill_post *post, unsigned worker, struct kill_order *order)
{
    struct box *box = &post->boxes[worker];
    bool is_open;

    order->next = NULL;
    pthread_mutex_lock(&post->lock);
    is_open = !box->is_closed;
    if (is_open) {
        LL_APPEND(box->orders, order);
        atomic_store(&box->has_mail, true);
    }
    pthread_mutex_unlock(&post->lock);
    if (is_open) {
        post->wake(post->context, worker);
    }
    return is_open;
}

struct kill_order *kill_post_take(struct kill_post *post, unsigned worker)
{
    struct box *box = &post->boxes[worker];
    struct kill_order *orders;

    if (!atomic_load_explicit(&box->has_mail, memory_order_relaxed)) {
        return NULL; /* the wake-up that follows each letter is behind the store */
    }
    pthread_mutex_lock(&post->lock);
    orders = box->orders;
    box->orders = NULL;
    atomic_store(&box->has_mail, false);
    pthread_mutex_unlock(&post->lock);
    return orders;
}

void kill_post_close(struct kill_post *post, unsigned worker)
{
    pthread_mutex_lock(&post->lock);
    post->boxes[worker].is_closed = true;
    pthread_mutex_unlock(&post->lock);
}
