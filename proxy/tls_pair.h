/*
 * The key pair that clients are shown where none is configured: made at start, signed by itself, as
 * servers do. It keeps listeners out; who the proxy is it does not prove.
 */
#ifndef TIDEMARK_PROXY_TLS_PAIR_H
#define TIDEMARK_PROXY_TLS_PAIR_H

#include <openssl/types.h>
#include <stdbool.h>

/* Both are the caller's to free. False: OpenSSL cannot, and its error queue says why. */
bool tls_pair_make(EVP_PKEY **key, X509 **certificate);

#endif
