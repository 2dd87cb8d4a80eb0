/*
 * Makes and frees what all workers share. See process.h.
 */
#include "proxy/process.h"

#include "health/health.h"
#include "protocol/rsa_key.h"
#include "proxy/client/kill_post.h"
#include "proxy/client/throttle.h"
#include "proxy/config/config.h"
#include "proxy/log.h"
#include "proxy/statement_log/spool.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum {
    RSA_BITS = 2048, /* as servers make theirs */
    RSA_FILE_BYTES = 16 << 10,
};

/* ---- what workers ask of the health part ---- */

static struct topology *topology_of(struct process *process)
{
    return health_topology(process->health);
}

static void want(struct process *process, uint64_t floor_ns)
{
    health_want(process->health, floor_ns);
}

static void suspect(struct process *process, unsigned server)
{
    health_suspect(process->health, server);
}

static struct thread_watch *watch(struct process *process, unsigned server,
                                  const struct thread_watch *wanted)
{
    return health_watch_thread(process->health, server, wanted);
}

static void relist(struct process *process)
{
    health_relist(process->health);
}

/* ---- start and end ---- */

static EVP_PKEY *load_rsa_key(const char *path)
{
    uint8_t pem[RSA_FILE_BYTES];
    FILE *file;
    size_t size;
    EVP_PKEY *key;

    if (path[0] == 0) {
        return rsa_key_generate(RSA_BITS);
    }
    file = fopen(path, "re");
    if (file == NULL) {
        log_error(log_name("proxy", NULL), "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    size = fread(pem, 1, sizeof pem, file);
    fclose(file);
    key = rsa_key_from_private_pem(bytes_of(pem, size));
    OPENSSL_cleanse(pem, sizeof pem);
    return key;
}

static bool start_statement_log(struct process *process, const struct config_proxy *config)
{
    int status;

    process->statement_log = spool_new(config->workers);
    status = process->statement_log != NULL
                 ? spool_open(process->statement_log, config->statement_log)
                 : -EAGAIN;
    if (status < 0) {
        log_error(log_name("proxy", NULL), "cannot open the statement log %s: %s",
                  config->statement_log, strerror(-status));
    }
    return status == 0;
}

bool process_start(struct process *process, const struct config *config,
                   void (*wake)(void *context, unsigned worker), void *context)
{
    unsigned limits[ROSTER_SERVERS] = {0};

    for (size_t i = 0; i < config->server_count; i++) {
        limits[i] = config->servers[i].max_connections;
    }
    process->topology = topology_of;
    process->want = want;
    process->suspect = suspect;
    process->watch = watch;
    process->relist = relist;
    process->throttle = throttle_new();
    process->permits = permits_new(config->proxy.workers, ROSTER_SERVERS, limits, wake, context);
    process->kill_post = kill_post_new(config->proxy.workers, wake, context);
    if (!start_statement_log(process, &config->proxy)) {
        return false;
    }
    process->rsa_key = load_rsa_key(config->proxy.rsa_private_key);
    if (process->rsa_key == NULL) {
        log_error(
            log_name("proxy", NULL),
            "no RSA key pair for caching_sha2_password: [proxy] rsa_private_key must be a PEM "
            "file with an unencrypted RSA key");
        return false;
    }
    return true;
}

void process_end(struct process *process)
{
    permits_free(process->permits);
    throttle_free(process->throttle);
    kill_post_free(process->kill_post);
    spool_free(process->statement_log);
    EVP_PKEY_free(process->rsa_key);
}
