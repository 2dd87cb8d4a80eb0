/*
 * The TLS side of the configuration: certificates, authorities and rules as OpenSSL wants them, for
 * both sides of the proxy. Immutable and shared by reference; a roster has one, so that a reload
 * replaces it together with everything else, and connections made before live on with theirs.
 *
 *   clients ──▶ [ clients: our certificate, perhaps their authorities ]
 *               [ servers: their authorities                          ] ──▶ servers
 *
 * Sessions are resumed by tickets whose keys belong to the snapshot: all workers share them, and a
 * reload that changes something ends them, because what a client once proved may be asked anew.
 */
#ifndef TIDEMARK_PROXY_TLS_H
#define TIDEMARK_PROXY_TLS_H

#include "proxy/config/config.h"

#include <openssl/types.h>
#include <stdatomic.h>
#include <stdint.h>

struct tls {
    atomic_uint references;
    SSL_CTX *clients;        /* owner; NULL: TLS is not offered to clients */
    SSL_CTX *servers;        /* owner; NULL: it is not asked of servers */
    EVP_PKEY *made_key;      /* owner: of the pair made at start; NULL: files are configured */
    X509 *made_certificate;  /* owner */
    int keylog;              /* descriptor that session secrets are written to; -1: none */
    uint8_t fingerprint[32]; /* of the settings and of what is in their files */
};

/* Reads the files and answers a snapshot with one reference; that is `before` (may be NULL) where
 * nothing has changed. A pair that was made at start is taken over from there. NULL: *error (owner:
 * the caller, mem_free) says what is wrong with which file. */
struct tls *tls_new(const struct config_tls *config, struct tls *before, char **error);

struct tls *tls_ref(struct tls *tls);
/* NULL is fine. */
void tls_unref(struct tls *tls);

/* What OpenSSL has last complained of in this thread, as fixed text; forgets it. */
const char *tls_complaint(void);

#endif
