/*
 * TLS as a layer. See stream_tls.h.
 *
 * OpenSSL's own memory BIOs would keep a growing buffer in every connection and copy once more; the
 * BIO here is a view of the bytes that were just delivered, and a writer into the shared buffer.
 */
#include "proxy/stream_tls.h"

#include "proxy/memory.h"
#include "proxy/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum {
    RECORD_BYTES = SSL3_RT_MAX_PLAIN_LENGTH,
    PLAIN_BYTES = STREAM_READ_BYTES + 2 * RECORD_BYTES, /* a delivery, and a record begun before */
    SEALED_BYTES = 64 << 10,
    TROUBLE_BYTES = 160,
};

struct tls_room {
    uint8_t plain[STREAM_HEADROOM_BYTES + PLAIN_BYTES];
    uint8_t sealed[SEALED_BYTES];
    size_t sealed_size;
    uint8_t joined[RECORD_BYTES]; /* short parts, to become one record */
};

struct tls_layer {
    struct stream_layer layer; /* first */
    struct stream *stream;     /* borrower: whose layer it is */
    struct tls *tls;           /* shared reference */
    struct tls_room *room;     /* borrower: the loop's */
    SSL *ssl;                  /* owner */
    struct bytes in;           /* delivered and not read by OpenSSL yet */
    bool is_secured;           /* the handshake is over */
    char *trouble;             /* owner: why it failed; NULL: it did not */
};

static struct tls_layer *layer_of(const struct stream *stream)
{
    return (struct tls_layer *)stream->lowest;
}

struct tls_room *tls_room_new(void)
{
    struct tls_room *room = mem_alloc(sizeof *room);

    room->sealed_size = 0;
    return room;
}

void tls_room_free(struct tls_room *room)
{
    mem_free(room);
}

/* ---- OpenSSL's view of the carrier ---- */

static void send_sealed(struct tls_layer *layer)
{
    struct bytes sealed = {layer->room->sealed, layer->room->sealed_size};

    layer->room->sealed_size = 0;
    if (sealed.size > 0) {
        stream_sink(layer->stream, &layer->layer, &sealed, 1);
    }
}

static int bio_write(BIO *bio, const char *data, int size)
{
    struct tls_layer *layer = BIO_get_data(bio);
    struct tls_room *room = layer->room;

    assert(size >= 0 && size <= SEALED_BYTES);
    if (room->sealed_size + (size_t)size > SEALED_BYTES) {
        send_sealed(layer);
    }
    memcpy(room->sealed + room->sealed_size, data, (size_t)size);
    room->sealed_size += (size_t)size;
    return size;
}

static int bio_read(BIO *bio, char *data, int size)
{
    struct tls_layer *layer = BIO_get_data(bio);
    size_t part = layer->in.size < (size_t)size ? layer->in.size : (size_t)size;

    BIO_clear_retry_flags(bio);
    if (part == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(data, layer->in.data, part);
    layer->in = bytes_after(layer->in, part);
    return (int)part;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

/* Made once for the process, and never freed: OpenSSL has no constant kind. */
static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "tidemark stream");
    if (bio_method != NULL) {
        BIO_meth_set_write(bio_method, bio_write);
        BIO_meth_set_read(bio_method, bio_read);
        BIO_meth_set_ctrl(bio_method, bio_control);
    }
}

/* ---- failures ---- */

static void remember_trouble(struct tls_layer *layer)
{
    long verdict = SSL_get_verify_result(layer->ssl);

    if (layer->trouble != NULL) {
        return;
    }
    if (verdict != X509_V_OK && SSL_get_verify_mode(layer->ssl) != SSL_VERIFY_NONE) {
        layer->trouble = mem_printf("TLS: the certificate is not accepted: %s",
                                    X509_verify_cert_error_string(verdict));
        ERR_clear_error();
    } else {
        layer->trouble = mem_printf("TLS: %s", tls_complaint());
    }
}

/* OpenSSL gave no bytes. Answers whether the stream can go on; if not, `*status` says how it ends.
 */
static bool goes_on(struct tls_layer *layer, int result, int *status)
{
    switch (SSL_get_error(layer->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return true;
    case SSL_ERROR_ZERO_RETURN:
        *status = UV_EOF;
        return false;
    default:
        remember_trouble(layer);
        *status = UV_EPROTO;
        return false;
    }
}

/* ---- bytes come ---- */

/* True: the handshake is over, or waits for the peer. */
static bool shake_hands(struct tls_layer *layer, int *status)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(layer->ssl);
    if (result == 1) {
        layer->is_secured = true;
        return true;
    }
    return goes_on(layer, result, status);
}

/* Fills the shared buffer. Answers how much there is; `*status` is not 0 where nothing follows. */
static size_t unseal(struct tls_layer *layer, int *status)
{
    uint8_t *plain = layer->room->plain + STREAM_HEADROOM_BYTES;
    size_t size = 0;

    ERR_clear_error();
    while (size < PLAIN_BYTES) {
        int part = SSL_read(layer->ssl, plain + size, (int)(PLAIN_BYTES - size));

        if (part <= 0) {
            (void)goes_on(layer, part, status);
            break;
        }
        size += (size_t)part;
    }
    return size;
}

static void deliver(struct stream *stream, struct bytes chunk)
{
    struct tls_layer *layer = layer_of(stream);
    bool was_secured = layer->is_secured;
    size_t size = PLAIN_BYTES;
    int status = 0;

    if (stream->ended) {
        return;
    }
    layer->in = chunk;
    if (!was_secured) {
        (void)shake_hands(layer, &status);
        send_sealed(layer);
        if (layer->is_secured && stream->events->on_secured != NULL) {
            stream->events->on_secured(stream->owner);
        }
    }
    while (status == 0 && layer->is_secured && size == PLAIN_BYTES && !stream->ended) {
        size = unseal(layer, &status);
        send_sealed(layer);
        stream_rise(stream, &layer->layer,
                    (struct bytes){layer->room->plain + STREAM_HEADROOM_BYTES, size});
    }
    layer->in = (struct bytes){NULL, 0};
    if (status != 0) {
        stream_fail(stream, status);
    }
}

/* ---- bytes go ---- */

static void seal(struct tls_layer *layer, struct bytes plain)
{
    while (plain.size > 0) {
        int part = plain.size < RECORD_BYTES ? (int)plain.size : RECORD_BYTES;

        if (SSL_write(layer->ssl, plain.data, part) != part) {
            /* The peer has said that it reads no more, or failed: reading tells. */
            ERR_clear_error();
            return;
        }
        plain = bytes_after(plain, (size_t)part);
    }
}

static size_t size_of(const struct bytes *parts, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        size += parts[i].size;
    }
    return size;
}

static void write_parts(struct stream *stream, const struct bytes *parts, size_t count)
{
    struct tls_layer *layer = layer_of(stream);
    uint8_t *joined = layer->room->joined;
    size_t size = 0;

    if (stream->ended || !layer->is_secured) {
        return;
    }
    ERR_clear_error();
    if (count > 1 && size_of(parts, count) <= RECORD_BYTES) {
        for (size_t i = 0; i < count; i++) {
            memcpy(joined + size, parts[i].data, parts[i].size);
            size += parts[i].size;
        }
        seal(layer, (struct bytes){joined, size});
    } else {
        for (size_t i = 0; i < count; i++) {
            seal(layer, parts[i]);
        }
    }
    send_sealed(layer);
}

/* ---- end ---- */

/* A socket that does not take the last record at once goes without. Nothing is said to servers:
 * bytes that one has not read keep it from seeing, while it runs a statement, that its client is
 * gone. */
static void closing(struct stream *stream)
{
    struct tls_layer *layer = layer_of(stream);
    struct bytes sealed;

    if (!SSL_is_server(layer->ssl) || !layer->is_secured || layer->trouble != NULL) {
        return;
    }
    ERR_clear_error();
    (void)SSL_shutdown(layer->ssl);
    ERR_clear_error();
    sealed = (struct bytes){layer->room->sealed, layer->room->sealed_size};
    layer->room->sealed_size = 0;
    if (sealed.size > 0) {
        (void)stream->operations->write_some(stream, &sealed, 1);
    }
}

static const char *trouble(const struct stream *stream)
{
    return layer_of(stream)->trouble;
}

static void dispose(struct stream *stream)
{
    struct tls_layer *layer = layer_of(stream);

    SSL_free(layer->ssl);
    tls_unref(layer->tls);
    mem_free(layer->trouble);
    mem_free(layer);
}

const struct stream_layer_operations stream_tls_operations = {
    .deliver = deliver,
    .write = write_parts,
    .closing = closing,
    .trouble = trouble,
    .dispose = dispose,
};

/* ---- beginnings ---- */

static struct tls_layer *put_on(struct stream *stream, struct tls *tls, SSL_CTX *context,
                                struct tls_room *room)
{
    static uv_once_t once = UV_ONCE_INIT;
    struct tls_layer *layer;
    BIO *bio = NULL;

    assert(stream->lowest == NULL);
    uv_once(&once, make_bio_method);
    layer = mem_calloc(1, sizeof *layer);
    layer->layer.operations = &stream_tls_operations;
    layer->stream = stream;
    layer->tls = tls_ref(tls);
    layer->room = room;
    stream_add_layer(stream, &layer->layer);
    layer->ssl = SSL_new(context);
    if (bio_method != NULL) {
        bio = BIO_new(bio_method);
    }
    if (layer->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        layer->trouble = mem_printf("TLS: %s", tls_complaint());
        return NULL;
    }
    BIO_set_data(bio, layer);
    BIO_set_init(bio, 1);
    SSL_set_bio(layer->ssl, bio, bio);
    return layer;
}

bool stream_tls_accept(struct stream *stream, struct tls *tls, struct tls_room *room)
{
    struct tls_layer *layer = put_on(stream, tls, tls->clients, room);
    int status = 0;

    if (layer == NULL) {
        return false;
    }
    SSL_set_accept_state(layer->ssl);
    layer->in = stream_peek(stream);
    if (layer->in.size == 0) {
        return true;
    }
    /* No client can be through with its first bytes: it has to answer ours. */
    if (!shake_hands(layer, &status)) {
        send_sealed(layer);
        return false;
    }
    send_sealed(layer);
    layer->in = (struct bytes){NULL, 0};
    stream_consume(stream, stream_peek(stream).size);
    return !layer->is_secured;
}

static bool name_server(SSL *ssl, const char *host, bool checks_host)
{
    struct in6_addr address;
    bool is_address =
        inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;

    if (is_address) {
        return !checks_host || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, host) == 1 &&
           (!checks_host || SSL_set1_host(ssl, host) == 1);
}

bool stream_tls_connect(struct stream *stream, struct tls *tls, struct tls_room *room,
                        const char *host, bool checks_host)
{
    struct tls_layer *layer;
    int status = 0;
    bool is_begun;

    if (stream_peek(stream).size > 0) {
        return false;
    }
    layer = put_on(stream, tls, tls->servers, room);
    if (layer == NULL || !name_server(layer->ssl, host, checks_host)) {
        return false;
    }
    SSL_set_connect_state(layer->ssl);
    is_begun = shake_hands(layer, &status);
    send_sealed(layer);
    return is_begun;
}

/* ---- what others ask ---- */

bool stream_tls_peer_is_certified(const struct stream *stream)
{
    return stream_is_tls(stream) && SSL_get0_peer_certificate(layer_of(stream)->ssl) != NULL &&
           SSL_get_verify_result(layer_of(stream)->ssl) == X509_V_OK;
}

const char *stream_tls_version(const struct stream *stream)
{
    return stream_is_tls(stream) ? SSL_get_version(layer_of(stream)->ssl) : "";
}

const char *stream_tls_cipher(const struct stream *stream)
{
    const char *name = stream_is_tls(stream) ? SSL_get_cipher_name(layer_of(stream)->ssl) : "";

    return name != NULL ? name : "";
}
