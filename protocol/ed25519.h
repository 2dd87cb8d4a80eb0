/*
 * The signature that proves a password to MariaDB's plugin ed25519 (client_ed25519). It is Ed25519
 * (RFC 8032, section 5.1) with one difference: where RFC 8032 takes a private key of 32 bytes the
 * password is taken as it is, of any length:
 *
 *     SHA512(password) = scalar (32, clamped) | prefix (32)        public key = scalar * B
 *     r = SHA512(prefix | nonce)      R = r * B
 *     k = SHA512(R | public key | nonce)      signature = R | r + k * scalar
 *
 * So whoever verifies needs nothing special, and whoever signs needs the arithmetic: libsodium's.
 */
#ifndef PROTOCOL_ED25519_H
#define PROTOCOL_ED25519_H

#include "protocol/auth.h"

#define ED25519_SIGNATURE_SIZE 64
#define ED25519_KEY_SIZE 32

void ed25519_key_of(struct bytes password, uint8_t key[ED25519_KEY_SIZE]);

void ed25519_sign(struct bytes password, const uint8_t nonce[AUTH_NONCE_SIZE],
                  uint8_t signature[ED25519_SIGNATURE_SIZE]);

/* Does it prove the password whose public key that is? */
MUST_USE bool ed25519_check(struct bytes signature, const uint8_t key[ED25519_KEY_SIZE],
                            const uint8_t nonce[AUTH_NONCE_SIZE]);

#endif
