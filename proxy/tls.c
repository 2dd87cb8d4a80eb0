/*
 * Building TLS contexts. See tls.h. Files are read once, whole: what is compared is what is used.
 */
#include "proxy/tls.h"

#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/tls_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_BYTES_MAX = 4 << 20, /* a bundle of all authorities there are has some 200 KiB */
    KEYLOG_LINE_MAX = 512,
};

/* The files of a configuration, as they were read. */
struct contents {
    struct text {
        const char *key;  /* of the setting, for messages */
        const char *path; /* "": there is none */
        uint8_t *data;    /* owner, secret */
        size_t size;
    } ca, cert, client_ca, key;
};

const char *tls_complaint(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return text != NULL ? text : "OpenSSL gives no reason";
}

/* ---- files ---- */

static bool read_file(struct text *file, char **error)
{
    int fd;
    ssize_t got = 1;

    if (file->path[0] == 0) {
        return true;
    }
    fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        *error = mem_printf("[tls] %s: cannot read %s: %s", file->key, file->path, strerror(errno));
        return false;
    }
    file->data = mem_alloc(FILE_BYTES_MAX);
    while (got > 0 && file->size < FILE_BYTES_MAX) {
        got = read(fd, file->data + file->size, FILE_BYTES_MAX - file->size);
        file->size += got > 0 ? (size_t)got : 0;
    }
    if (got != 0) {
        *error = mem_printf("[tls] %s: cannot read %s: %s", file->key, file->path,
                            got < 0 ? strerror(errno) : "it is too long");
    }
    close(fd);
    return got == 0;
}

static bool read_contents(struct contents *contents, const struct config_tls *config, char **error)
{
    contents->ca = (struct text){.key = "ca", .path = config->ca};
    contents->cert = (struct text){.key = "cert", .path = config->cert};
    contents->client_ca = (struct text){.key = "client_ca", .path = config->client_ca};
    contents->key = (struct text){.key = "key", .path = config->key};
    return read_file(&contents->ca, error) && read_file(&contents->cert, error) &&
           read_file(&contents->client_ca, error) && read_file(&contents->key, error);
}

static void forget_file(struct text *file)
{
    if (file->data != NULL) {
        OPENSSL_cleanse(file->data, file->size);
        mem_free(file->data);
    }
}

static void forget_contents(struct contents *contents)
{
    forget_file(&contents->ca);
    forget_file(&contents->cert);
    forget_file(&contents->client_ca);
    forget_file(&contents->key);
}

static void digest_file(EVP_MD_CTX *digest, const struct text *file)
{
    EVP_DigestUpdate(digest, file->path, strlen(file->path) + 1);
    EVP_DigestUpdate(digest, &file->size, sizeof file->size);
    EVP_DigestUpdate(digest, file->data, file->size);
}

static bool take_fingerprint(struct tls *tls, const struct config_tls *config,
                             const struct contents *contents)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    int choices[] = {config->client, config->server, config->verify_client};
    bool is_done = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;

    if (is_done) {
        EVP_DigestUpdate(digest, choices, sizeof choices);
        EVP_DigestUpdate(digest, config->keylog_file, strlen(config->keylog_file) + 1);
        digest_file(digest, &contents->ca);
        digest_file(digest, &contents->cert);
        digest_file(digest, &contents->client_ca);
        digest_file(digest, &contents->key);
        is_done = EVP_DigestFinal_ex(digest, tls->fingerprint, NULL) == 1;
    }
    EVP_MD_CTX_free(digest);
    return is_done;
}

/* ---- what is in them ---- */

static bool complain(const struct text *file, char **error)
{
    *error = mem_printf("[tls] %s: %s: %s", file->key, file->path, tls_complaint());
    return false;
}

static BIO *over(const struct text *file)
{
    return BIO_new_mem_buf(file->data, (int)file->size);
}

/* An encrypted key must not make OpenSSL ask on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

/* Reading certificates has come to the end of the file, and not upon rubbish. */
static bool is_at_end(void)
{
    bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

    if (is_end) {
        ERR_clear_error();
    }
    return is_end;
}

/* The certificate, and those that lead from it to an authority. */
static bool use_certificates(SSL_CTX *context, const struct text *file)
{
    BIO *in = over(file);
    X509 *each = PEM_read_bio_X509_AUX(in, NULL, no_passphrase, NULL);
    bool is_good = each != NULL && SSL_CTX_use_certificate(context, each) == 1;

    X509_free(each);
    while (is_good && (each = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)) != NULL) {
        is_good = SSL_CTX_add0_chain_cert(context, each) == 1;
        if (!is_good) {
            X509_free(each);
        }
    }
    BIO_free(in);
    return is_good && is_at_end();
}

static bool use_key(SSL_CTX *context, const struct text *file)
{
    BIO *in = over(file);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
    bool is_good = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;

    EVP_PKEY_free(key);
    BIO_free(in);
    return is_good;
}

/* Certificates of authorities; with `names` clients are told whose certificates are welcome. */
static bool trust(SSL_CTX *context, const struct text *file, bool names, char **error)
{
    BIO *in = over(file);
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    X509 *each;
    size_t count = 0;
    bool is_good = true;

    while (is_good && (each = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)) != NULL) {
        is_good = X509_STORE_add_cert(store, each) == 1 &&
                  (!names || SSL_CTX_add_client_CA(context, each) == 1);
        count += is_good;
        X509_free(each);
    }
    BIO_free(in);
    return (is_good && count > 0 && is_at_end()) || complain(file, error);
}

/* ---- contexts ---- */

/* One line, one write: also with several processes on one file no line is torn. */
static void on_secret(const SSL *ssl, const char *line)
{
    const struct tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    char text[KEYLOG_LINE_MAX];
    int size = snprintf(text, sizeof text, "%s\n", line);

    if (size > 0 && (size_t)size < sizeof text && write(tls->keylog, text, (size_t)size) < 0) {
        log_debug(log_name("tls", NULL), "cannot write to the key log: %s", strerror(errno));
    }
    OPENSSL_cleanse(text, sizeof text);
}

static SSL_CTX *new_context(struct tls *tls, const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);

    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    /* Tickets are all there is: a cache here would keep what only the peer needs to keep. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_app_data(context, tls);
    if (tls->keylog >= 0) {
        SSL_CTX_set_keylog_callback(context, on_secret);
    }
    return context;
}

static bool own_pair(struct tls *tls, struct tls *before, char **error)
{
    if (before != NULL && before->made_key != NULL) {
        tls->made_key = before->made_key;
        tls->made_certificate = before->made_certificate;
        EVP_PKEY_up_ref(tls->made_key);
        X509_up_ref(tls->made_certificate);
    } else if (!tls_pair_make(&tls->made_key, &tls->made_certificate)) {
        *error = mem_printf("[tls] client: cannot make a certificate: %s", tls_complaint());
        return false;
    }
    if (SSL_CTX_use_certificate(tls->clients, tls->made_certificate) != 1 ||
        SSL_CTX_use_PrivateKey(tls->clients, tls->made_key) != 1) {
        *error = mem_printf("[tls] client: cannot use the certificate made: %s", tls_complaint());
        return false;
    }
    return true;
}

static bool configured_pair(struct tls *tls, const struct contents *contents, char **error)
{
    if (!use_certificates(tls->clients, &contents->cert)) {
        return complain(&contents->cert, error);
    }
    if (!use_key(tls->clients, &contents->key) || SSL_CTX_check_private_key(tls->clients) != 1) {
        return complain(&contents->key, error);
    }
    return true;
}

static bool set_up_clients(struct tls *tls, const struct config_tls *config, struct tls *before,
                           const struct contents *contents, char **error)
{
    static const int how[] = {
        [CONFIG_VERIFY_CLIENT_OFF] = SSL_VERIFY_NONE,
        [CONFIG_VERIFY_CLIENT_OPTIONAL] = SSL_VERIFY_PEER,
        [CONFIG_VERIFY_CLIENT_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };

    if (config->client == CONFIG_TLS_CLIENT_DISABLED) {
        return true;
    }
    tls->clients = new_context(tls, TLS_server_method());
    if (tls->clients == NULL || SSL_CTX_set_session_id_context(tls->clients, tls->fingerprint,
                                                               sizeof tls->fingerprint) != 1) {
        *error = mem_printf("[tls] client: %s", tls_complaint());
        return false;
    }
    /* What clients sent, their passwords for instance, does not stay in OpenSSL's buffers. */
    SSL_CTX_set_options(tls->clients, SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_verify(tls->clients, how[config->verify_client], NULL);
    return (config->cert[0] == 0 ? own_pair(tls, before, error)
                                 : configured_pair(tls, contents, error)) &&
           (config->client_ca[0] == 0 || trust(tls->clients, &contents->client_ca, true, error));
}

static bool set_up_servers(struct tls *tls, const struct config_tls *config,
                           const struct contents *contents, char **error)
{
    bool verifies = config->server >= CONFIG_TLS_SERVER_VERIFY_CA;

    if (config->server == CONFIG_TLS_SERVER_DISABLED) {
        return true;
    }
    tls->servers = new_context(tls, TLS_client_method());
    if (tls->servers == NULL) {
        *error = mem_printf("[tls] server: %s", tls_complaint());
        return false;
    }
    SSL_CTX_set_verify(tls->servers, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (config->ca[0] != 0) {
        return trust(tls->servers, &contents->ca, false, error);
    }
    if (verifies && SSL_CTX_set_default_verify_paths(tls->servers) != 1) {
        *error = mem_printf("[tls] ca: the system's authorities: %s", tls_complaint());
        return false;
    }
    return true;
}

static bool open_keylog(struct tls *tls, const char *path, char **error)
{
    if (path[0] == 0) {
        return true;
    }
    tls->keylog = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (tls->keylog < 0) {
        *error = mem_printf("[tls] keylog_file: cannot open %s: %s", path, strerror(errno));
        return false;
    }
    log_warn(log_name("tls", NULL),
             "keylog_file is set: whoever can read %s can read every connection", path);
    return true;
}

/* ---- life ---- */

struct tls *tls_new(const struct config_tls *config, struct tls *before, char **error)
{
    struct contents contents = {.ca = {.data = NULL}};
    struct tls *tls = mem_calloc(1, sizeof *tls);
    bool is_good;

    *error = NULL;
    atomic_init(&tls->references, 1);
    tls->keylog = -1;
    ERR_clear_error();
    is_good = read_contents(&contents, config, error);
    if (is_good && !take_fingerprint(tls, config, &contents)) {
        *error = mem_printf("[tls] %s", tls_complaint());
        is_good = false;
    }
    if (is_good && before != NULL &&
        memcmp(tls->fingerprint, before->fingerprint, sizeof tls->fingerprint) == 0) {
        tls_unref(tls);
        tls = tls_ref(before);
    } else if (is_good) {
        is_good = open_keylog(tls, config->keylog_file, error) &&
                  set_up_clients(tls, config, before, &contents, error) &&
                  set_up_servers(tls, config, &contents, error);
    }
    forget_contents(&contents);
    if (!is_good) {
        tls_unref(tls);
        return NULL;
    }
    return tls;
}

struct tls *tls_ref(struct tls *tls)
{
    atomic_fetch_add_explicit(&tls->references, 1, memory_order_relaxed);
    return tls;
}

void tls_unref(struct tls *tls)
{
    if (tls == NULL || atomic_fetch_sub_explicit(&tls->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    SSL_CTX_free(tls->clients);
    SSL_CTX_free(tls->servers);
    EVP_PKEY_free(tls->made_key);
    X509_free(tls->made_certificate);
    if (tls->keylog >= 0) {
        close(tls->keylog);
    }
    mem_free(tls);
}
