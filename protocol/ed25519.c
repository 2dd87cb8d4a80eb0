/*
 * See ed25519.h. What follows from the password is wiped.
 */
#include "protocol/ed25519.h"

#include <sodium.h>

enum { HALF = 32 };

/* The scalar, clamped as RFC 8032 has it and reduced, and the prefix behind it. */
static void expand(struct bytes password, uint8_t expanded[crypto_hash_sha512_BYTES])
{
    uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = {0};

    crypto_hash_sha512(expanded, password.data, password.size);
    expanded[0] &= 0xf8;
    expanded[HALF - 1] = (uint8_t)((expanded[HALF - 1] & 0x3f) | 0x40);
    memcpy(wide, expanded, HALF);
    crypto_core_ed25519_scalar_reduce(expanded, wide);
    sodium_memzero(wide, sizeof wide);
}

/* SHA512 of up to three parts, as a scalar. */
static void scalar_of(uint8_t scalar[HALF], struct bytes a, struct bytes b, struct bytes c)
{
    uint8_t digest[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_state state;

    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, a.data, a.size);
    crypto_hash_sha512_update(&state, b.data, b.size);
    crypto_hash_sha512_update(&state, c.data, c.size);
    crypto_hash_sha512_final(&state, digest);
    crypto_core_ed25519_scalar_reduce(scalar, digest);
    sodium_memzero(digest, sizeof digest);
    sodium_memzero(&state, sizeof state);
}

/* It fails for the scalar 0 only, which no hash is known to give; the point is not proved then. */
static void times_base(uint8_t point[HALF], const uint8_t scalar[HALF])
{
    (void)!crypto_scalarmult_ed25519_base_noclamp(point, scalar);
}

void ed25519_key_of(struct bytes password, uint8_t key[ED25519_KEY_SIZE])
{
    uint8_t expanded[crypto_hash_sha512_BYTES];

    expand(password, expanded);
    times_base(key, expanded);
    sodium_memzero(expanded, sizeof expanded);
}

void ed25519_sign(struct bytes password, const uint8_t nonce[AUTH_NONCE_SIZE],
                  uint8_t signature[ED25519_SIGNATURE_SIZE])
{
    uint8_t expanded[crypto_hash_sha512_BYTES], key[ED25519_KEY_SIZE], r[HALF], k[HALF];
    const struct bytes message = bytes_of(nonce, AUTH_NONCE_SIZE);

    expand(password, expanded);
    times_base(key, expanded);
    scalar_of(r, bytes_of(expanded + HALF, HALF), message, bytes_of("", 0));
    times_base(signature, r);
    scalar_of(k, bytes_of(signature, HALF), bytes_of(key, sizeof key), message);
    crypto_core_ed25519_scalar_mul(k, k, expanded);
    crypto_core_ed25519_scalar_add(signature + HALF, k, r);
    sodium_memzero(expanded, sizeof expanded);
    sodium_memzero(r, sizeof r);
    sodium_memzero(k, sizeof k);
}

bool ed25519_check(struct bytes signature, const uint8_t key[ED25519_KEY_SIZE],
                   const uint8_t nonce[AUTH_NONCE_SIZE])
{
    return signature.size == ED25519_SIGNATURE_SIZE &&
           crypto_sign_verify_detached(signature.data, nonce, AUTH_NONCE_SIZE, key) == 0;
}
