/*
 * The formulas of auth.h, on OpenSSL's EVP digests. Intermediate hashes are as good as the password
 * for whoever finds them, so they are wiped.
 */
#include "protocol/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>

/* The digest of two parts after each other. A failure can only be out of memory: it dies. */
static void digest_of(const EVP_MD *kind, struct bytes a, struct bytes b, uint8_t *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (!context || !EVP_DigestInit_ex(context, kind, NULL) ||
        !EVP_DigestUpdate(context, a.data, a.size) || !EVP_DigestUpdate(context, b.data, b.size) ||
        !EVP_DigestFinal_ex(context, out, NULL)) {
        fputs("OpenSSL refuses a digest\n", stderr);
        abort();
    }
    EVP_MD_CTX_free(context);
}

static void exclusive_or(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = a[i] ^ b[i];
}

void native_sha1_of(struct bytes password, uint8_t sha1[NATIVE_HASH_SIZE])
{
    digest_of(EVP_sha1(), password, bytes_of(NULL, 0), sha1);
}

void native_hash_of_sha1(const uint8_t sha1[NATIVE_HASH_SIZE], uint8_t hash[NATIVE_HASH_SIZE])
{
    digest_of(EVP_sha1(), bytes_of(sha1, NATIVE_HASH_SIZE), bytes_of(NULL, 0), hash);
}

void sha2_hash_of(struct bytes password, uint8_t hash[SHA2_HASH_SIZE])
{
    uint8_t once[SHA2_HASH_SIZE];

    digest_of(EVP_sha256(), password, bytes_of(NULL, 0), once);
    digest_of(EVP_sha256(), bytes_of(once, sizeof once), bytes_of(NULL, 0), hash);
    OPENSSL_cleanse(once, sizeof once);
}

void native_response(const uint8_t sha1[NATIVE_HASH_SIZE], const uint8_t scramble[SCRAMBLE_SIZE],
                     uint8_t response[NATIVE_HASH_SIZE])
{
    uint8_t hash[NATIVE_HASH_SIZE], mask[NATIVE_HASH_SIZE];

    native_hash_of_sha1(sha1, hash);
    digest_of(EVP_sha1(), bytes_of(scramble, SCRAMBLE_SIZE), bytes_of(hash, sizeof hash), mask);
    exclusive_or(response, sha1, mask, NATIVE_HASH_SIZE);
}

void sha2_response(struct bytes password, const uint8_t scramble[SCRAMBLE_SIZE],
                   uint8_t response[SHA2_HASH_SIZE])
{
    uint8_t once[SHA2_HASH_SIZE], hash[SHA2_HASH_SIZE], mask[SHA2_HASH_SIZE];

    digest_of(EVP_sha256(), password, bytes_of(NULL, 0), once);
    digest_of(EVP_sha256(), bytes_of(once, sizeof once), bytes_of(NULL, 0), hash);
    digest_of(EVP_sha256(), bytes_of(hash, sizeof hash), bytes_of(scramble, SCRAMBLE_SIZE), mask);
    exclusive_or(response, once, mask, SHA2_HASH_SIZE);
    OPENSSL_cleanse(once, sizeof once);
    OPENSSL_cleanse(hash, sizeof hash);
}

bool native_check(struct bytes response, const uint8_t hash[NATIVE_HASH_SIZE],
                  const uint8_t scramble[SCRAMBLE_SIZE], uint8_t sha1[NATIVE_HASH_SIZE])
{
    uint8_t mask[NATIVE_HASH_SIZE], again[NATIVE_HASH_SIZE];

    if (response.size != NATIVE_HASH_SIZE)
        return false;
    digest_of(EVP_sha1(), bytes_of(scramble, SCRAMBLE_SIZE), bytes_of(hash, NATIVE_HASH_SIZE),
              mask);
    exclusive_or(sha1, response.data, mask, NATIVE_HASH_SIZE);
    native_hash_of_sha1(sha1, again);

    bool proved = CRYPTO_memcmp(again, hash, NATIVE_HASH_SIZE) == 0;
    if (!proved)
        OPENSSL_cleanse(sha1, NATIVE_HASH_SIZE);
    return proved;
}

bool sha2_check(struct bytes response, const uint8_t hash[SHA2_HASH_SIZE],
                const uint8_t scramble[SCRAMBLE_SIZE])
{
    uint8_t mask[SHA2_HASH_SIZE], once[SHA2_HASH_SIZE], again[SHA2_HASH_SIZE];

    if (response.size != SHA2_HASH_SIZE)
        return false;
    digest_of(EVP_sha256(), bytes_of(hash, SHA2_HASH_SIZE), bytes_of(scramble, SCRAMBLE_SIZE),
              mask);
    exclusive_or(once, response.data, mask, SHA2_HASH_SIZE);
    digest_of(EVP_sha256(), bytes_of(once, sizeof once), bytes_of(NULL, 0), again);
    OPENSSL_cleanse(once, sizeof once);
    return CRYPTO_memcmp(again, hash, SHA2_HASH_SIZE) == 0;
}

static int hex_digit(uint8_t letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    letter |= 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool native_hash_from_text(struct bytes text, uint8_t hash[NATIVE_HASH_SIZE])
{
    if (text.size != 1 + 2 * NATIVE_HASH_SIZE || text.data[0] != '*')
        return false;
    for (size_t i = 0; i < NATIVE_HASH_SIZE; i++) {
        int high = hex_digit(text.data[1 + 2 * i]), low = hex_digit(text.data[2 + 2 * i]);

        if (high < 0 || low < 0)
            return false;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
