/*
 * RSA for the full caching_sha2_password exchange. The padding is OAEP with SHA1, as servers and
 * drivers have it; the password is xored with the scramble first.
 */
#include "protocol/rsa_key.h"
#include "protocol/auth.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <limits.h>

#define KEY_BITS_MAX 4096
#define SECRET_MAX (KEY_BITS_MAX / 8)

EVP_PKEY *rsa_key_generate(unsigned bits)
{
    EVP_PKEY *key = bits <= KEY_BITS_MAX ? EVP_RSA_gen(bits) : NULL;

    ERR_clear_error();
    return key;
}

/* Without this, an encrypted key would make OpenSSL ask on the terminal. */
static int no_passphrase(char *text, int size, int writing, void *context)
{
    (void)text, (void)size, (void)writing, (void)context;
    return -1;
}

static EVP_PKEY *key_from_pem(struct bytes pem, bool is_private)
{
    BIO *bio = pem.size <= INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
    EVP_PKEY *key = NULL;

    if (bio && is_private)
        key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    else if (bio)
        key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (key && (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) > KEY_BITS_MAX)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    ERR_clear_error();
    return key;
}

EVP_PKEY *rsa_key_from_private_pem(struct bytes pem)
{
    return key_from_pem(pem, true);
}

EVP_PKEY *rsa_key_from_public_pem(struct bytes pem)
{
    return key_from_pem(pem, false);
}

static void key_write_pem(EVP_PKEY *key, bool is_private, struct writer *w)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long size = 0;
    bool written = false;

    if (bio && is_private)
        written = PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    else if (bio)
        written = PEM_write_bio_PUBKEY(bio, key) == 1;
    if (written)
        size = BIO_get_mem_data(bio, &text);
    if (size > 0)
        write_bytes(w, bytes_of(text, (size_t)size));
    else
        w->failed = true;
    BIO_free(bio);
    ERR_clear_error();
}

void rsa_key_write_public_pem(EVP_PKEY *key, struct writer *w)
{
    key_write_pem(key, false, w);
}

void rsa_key_write_private_pem(EVP_PKEY *key, struct writer *w)
{
    key_write_pem(key, true, w);
}

static void xor_with_scramble(uint8_t *data, size_t size, const uint8_t scramble[SCRAMBLE_SIZE])
{
    for (size_t i = 0; i < size; i++)
        data[i] ^= scramble[i % SCRAMBLE_SIZE];
}

/* A context ready to encrypt or decrypt; null when OpenSSL refuses. */
static EVP_PKEY_CTX *oaep_context(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);

    if (context && init(context) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1)
        return context;
    EVP_PKEY_CTX_free(context);
    return NULL;
}

void rsa_key_encrypt_password(EVP_PKEY *key, struct bytes password,
                              const uint8_t scramble[SCRAMBLE_SIZE], struct writer *w)
{
    uint8_t plain[PASSWORD_MAX + 1] = {0}, secret[SECRET_MAX];
    size_t size = sizeof secret;
    EVP_PKEY_CTX *context = NULL;

    if (password.size <= PASSWORD_MAX)
        context = oaep_context(key, EVP_PKEY_encrypt_init);
    if (context && password.size)
        memcpy(plain, password.data, password.size);
    xor_with_scramble(plain, password.size + 1 <= sizeof plain ? password.size + 1 : 0, scramble);
    if (context && EVP_PKEY_encrypt(context, secret, &size, plain, password.size + 1) == 1)
        write_bytes(w, bytes_of(secret, size));
    else
        w->failed = true;
    OPENSSL_cleanse(plain, sizeof plain);
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
}

bool rsa_key_decrypt_password(EVP_PKEY *key, struct bytes secret,
                              const uint8_t scramble[SCRAMBLE_SIZE], uint8_t *password,
                              size_t capacity, size_t *size)
{
    uint8_t plain[SECRET_MAX];
    size_t plain_size = sizeof plain;
    EVP_PKEY_CTX *context = oaep_context(key, EVP_PKEY_decrypt_init);
    bool done = context && secret.size <= SECRET_MAX &&
                EVP_PKEY_decrypt(context, plain, &plain_size, secret.data, secret.size) == 1 &&
                plain_size > 0;

    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    if (done) {
        xor_with_scramble(plain, plain_size, scramble);
        done = plain[plain_size - 1] == 0 && plain_size - 1 <= capacity;
    }
    if (done) {
        memcpy(password, plain, plain_size - 1);
        *size = plain_size - 1;
    }
    OPENSSL_cleanse(plain, sizeof plain);
    return done;
}
