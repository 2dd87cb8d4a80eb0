/*
 * The RSA key pair with which a client hides its password where there is no TLS
 * (caching_sha2_password, full exchange). Keys are OpenSSL's; the caller frees them with
 * EVP_PKEY_free.
 */
#ifndef PROTOCOL_RSA_KEY_H
#define PROTOCOL_RSA_KEY_H

#include "protocol/handshake.h"

#include <openssl/types.h>

/* A new pair of so many bits (2048 is what servers make); null when OpenSSL cannot. */
MUST_USE EVP_PKEY *rsa_key_generate(unsigned bits);

/* A private key in PEM, unencrypted; null when it is none or not RSA, or beyond 4096 bits. */
MUST_USE EVP_PKEY *rsa_key_from_private_pem(struct bytes pem);

/* A public key in PEM, as a server sends it; same limits. */
MUST_USE EVP_PKEY *rsa_key_from_public_pem(struct bytes pem);

/* Writes the key in PEM. */
void rsa_key_write_public_pem(EVP_PKEY *key, struct writer *w);
void rsa_key_write_private_pem(EVP_PKEY *key, struct writer *w);

/* Hides password and zero with scramble and key, and writes the result; fails the writer. */
void rsa_key_encrypt_password(EVP_PKEY *key, struct bytes password,
                              const uint8_t scramble[SCRAMBLE_SIZE], struct writer *w);

/*
 * The reverse. `password` has room for `capacity` bytes; its size without the zero is returned in
 * `size`. False when it does not decrypt, is not terminated, or does not fit.
 */
MUST_USE bool rsa_key_decrypt_password(EVP_PKEY *key, struct bytes secret,
                                       const uint8_t scramble[SCRAMBLE_SIZE], uint8_t *password,
                                       size_t capacity, size_t *size);

#endif
