/*
 * TLS as a layer: a stream over a fake carrier, and at the other end OpenSSL by itself, in the role
 * of a client or of a server. Bytes go between them in pieces of every size.
 */
#include "proxy/stream_tls.h"

#include "proxy/memory.h"
#include "proxy/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { LARGE = 3 << 20 };

struct pair {
    struct stream stream; /* first */
    struct tls *tls;
    struct tls_room *room;
    uint8_t *buffer; /* owner: headroom and read buffer */
    SSL *peer;
    SSL_CTX *peer_context;
    BIO *to_peer, *to_stream;
    size_t window;      /* bytes that the socket takes before it refuses */
    uint8_t *later[64]; /* owner */
    size_t later_size[64];
    unsigned later_count;
    bool closed;

    uint8_t *seen; /* owner: what the stream's owner got */
    size_t seen_size;
    unsigned secured, drained, ended, gone;
    int end_status;
};

/* ---- the carrier ---- */

static long write_some(struct stream *stream, const struct bytes *parts, size_t count)
{
    struct pair *pair = (struct pair *)stream;
    size_t taken = 0;

    for (size_t i = 0; i < count; i++) {
        size_t size = parts[i].size < pair->window ? parts[i].size : pair->window;

        assert_int_equal(BIO_write(pair->to_peer, parts[i].data, (int)size), size);
        pair->window -= size;
        taken += size;
    }
    return taken == 0 ? UV_EAGAIN : (long)taken;
}

static int write_later(struct stream *stream, uint8_t *data, size_t size)
{
    struct pair *pair = (struct pair *)stream;

    assert_true(pair->later_count < 64);
    pair->later[pair->later_count] = data;
    pair->later_size[pair->later_count++] = size;
    return 0;
}

static void set_reading(struct stream *stream)
{
    (void)stream;
}

static void close_stream(struct stream *stream)
{
    ((struct pair *)stream)->closed = true;
}

static const struct stream_operations operations = {
    .write_some = write_some,
    .write_later = write_later,
    .read_start = set_reading,
    .read_stop = set_reading,
    .close = close_stream,
};

/* ---- the owner ---- */

static void on_bytes(void *owner)
{
    struct pair *pair = owner;
    struct bytes in = stream_peek(&pair->stream);

    assert_true(pair->seen_size + in.size <= LARGE);
    memcpy(pair->seen + pair->seen_size, in.data, in.size);
    pair->seen_size += in.size;
    stream_consume(&pair->stream, in.size);
}

static void on_drained(void *owner)
{
    ((struct pair *)owner)->drained++;
}

static void on_end(void *owner, int status)
{
    struct pair *pair = owner;

    pair->ended++;
    pair->end_status = status;
}

static void on_closed(void *owner)
{
    ((struct pair *)owner)->gone++;
}

static void on_secured(void *owner)
{
    ((struct pair *)owner)->secured++;
}

static const struct stream_events events = {
    .on_bytes = on_bytes,
    .on_drained = on_drained,
    .on_end = on_end,
    .on_closed = on_closed,
    .on_secured = on_secured,
};

/* ---- both ends ---- */

static struct config_tls plain_config(void)
{
    static char none[] = "";

    return (struct config_tls){.ca = none,
                               .cert = none,
                               .client = CONFIG_TLS_CLIENT_PREFERRED,
                               .client_ca = none,
                               .key = none,
                               .keylog_file = none,
                               .server = CONFIG_TLS_SERVER_PREFERRED};
}

static struct tls *tls_of(const struct config_tls *config)
{
    char *error;
    struct tls *tls = tls_new(config, NULL, &error);

    if (tls == NULL) {
        fail_msg("%s", error);
    }
    return tls;
}

/* The peer of a client's stream is a client, that of a server's a server with the pair of `tls`. */
static struct pair *pair_new(struct tls *tls, bool peer_is_client, int version)
{
    struct pair *pair = mem_calloc(1, sizeof *pair);

    stream_init(&pair->stream, &operations, &events, pair);
    pair->tls = tls_ref(tls);
    pair->room = tls_room_new();
    pair->buffer = mem_alloc(STREAM_HEADROOM_BYTES + STREAM_READ_BYTES);
    pair->seen = mem_alloc(LARGE);
    pair->window = SIZE_MAX;
    pair->to_peer = BIO_new(BIO_s_mem());
    pair->to_stream = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(pair->to_peer, -1);
    pair->peer_context = SSL_CTX_new(peer_is_client ? TLS_client_method() : TLS_server_method());
    if (!peer_is_client) {
        SSL_CTX_use_certificate(pair->peer_context, tls->made_certificate);
        SSL_CTX_use_PrivateKey(pair->peer_context, tls->made_key);
    }
    if (version != 0) {
        SSL_CTX_set_min_proto_version(pair->peer_context, version);
        SSL_CTX_set_max_proto_version(pair->peer_context, version);
    }
    pair->peer = SSL_new(pair->peer_context);
    SSL_set_bio(pair->peer, pair->to_peer, pair->to_stream);
    if (peer_is_client) {
        SSL_set_connect_state(pair->peer);
    } else {
        SSL_set_accept_state(pair->peer);
    }
    stream_open(&pair->stream);
    return pair;
}

static void pair_free(struct pair *pair)
{
    while (pair->later_count > 0) {
        mem_free(pair->later[--pair->later_count]);
    }
    if (!pair->closed) {
        stream_close(&pair->stream);
    }
    stream_closed(&pair->stream);
    assert_int_equal(pair->gone, 1);
    SSL_free(pair->peer);
    SSL_CTX_free(pair->peer_context);
    tls_room_free(pair->room);
    tls_unref(pair->tls);
    mem_free(pair->buffer);
    mem_free(pair->seen);
    mem_free(pair);
}

/* Bytes come; the read buffer is used again afterwards, as a loop does. */
static void deliver(struct pair *pair, const void *data, size_t size)
{
    uint8_t *chunk = pair->buffer + STREAM_HEADROOM_BYTES;

    memcpy(chunk, data, size);
    stream_deliver(&pair->stream, bytes_of(chunk, size));
    memset(pair->buffer, 0xdd, STREAM_HEADROOM_BYTES + STREAM_READ_BYTES);
}

/* What the peer has sent reaches the stream in pieces of this size; true: there was any. */
static bool carry(struct pair *pair, size_t piece)
{
    uint8_t data[STREAM_READ_BYTES];
    bool any = false;
    int size;

    while ((size = BIO_read(pair->to_stream, data, (int)piece)) > 0) {
        deliver(pair, data, (size_t)size);
        any = true;
    }
    return any;
}

/* What was queued leaves. */
static void send_queue(struct pair *pair)
{
    while (pair->later_count > 0) {
        uint8_t *data = pair->later[0];
        size_t size = pair->later_size[0];

        assert_int_equal(BIO_write(pair->to_peer, data, (int)size), size);
        mem_free(data);
        pair->later_count--;
        memmove(pair->later, pair->later + 1, pair->later_count * sizeof pair->later[0]);
        memmove(pair->later_size, pair->later_size + 1,
                pair->later_count * sizeof pair->later_size[0]);
        stream_sent(&pair->stream, size, 0);
    }
}

static void shake_hands(struct pair *pair, size_t piece)
{
    for (int i = 0; i < 10; i++) {
        (void)SSL_do_handshake(pair->peer);
        if (!carry(pair, piece) && SSL_is_init_finished(pair->peer)) {
            return;
        }
    }
}

static struct pair *accepted(struct tls *tls, int version, size_t piece)
{
    struct pair *pair = pair_new(tls, true, version);

    assert_true(stream_tls_accept(&pair->stream, tls, pair->room));
    shake_hands(pair, piece);
    assert_true(SSL_is_init_finished(pair->peer));
    assert_int_equal(pair->ended, 0);
    return pair;
}

static void peer_says(struct pair *pair, const char *text, size_t piece)
{
    assert_int_equal(SSL_write(pair->peer, text, (int)strlen(text)), strlen(text));
    carry(pair, piece);
}

static void peer_hears(struct pair *pair, const char *text)
{
    char heard[200] = "";

    assert_int_equal(SSL_read(pair->peer, heard, sizeof heard - 1), strlen(text));
    assert_string_equal(heard, text);
}

/* ---- tests ---- */

static void pieces_of_every_size(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    static const size_t sizes[] = {1, 2, 5, 6, 100, 517, STREAM_READ_BYTES};
    struct bytes parts[3] = {bytes_of_text("and "), bytes_of_text(""), bytes_of_text("back")};
    struct config_tls config = plain_config();
    struct tls *tls = tls_of(&config);

    (void)state;
    for (size_t v = 0; v < 2; v++) {
        for (size_t s = 0; s < 7; s++) {
            struct pair *pair = accepted(tls, versions[v], sizes[s]);

            assert_string_equal(stream_tls_version(&pair->stream), SSL_get_version(pair->peer));
            peer_says(pair, "there", sizes[s]);
            assert_memory_equal(pair->seen, "there", 5);
            stream_write(&pair->stream, parts, 3);
            peer_hears(pair, "and back");
            assert_null(pair->stream.kept);
            assert_false(stream_tls_peer_is_certified(&pair->stream));
            pair_free(pair);
        }
    }
    tls_unref(tls);
}

/* A client does not wait after its request: some of its first bytes are pending, the rest comes. */
static void hello_behind_the_request(void **state)
{
    struct config_tls config = plain_config();
    struct tls *tls = tls_of(&config);
    size_t total = 1;

    (void)state;
    for (size_t cut = 0; cut <= total; cut++) {
        struct pair *pair = pair_new(tls, true, 0);
        uint8_t hello[4096];

        SSL_do_handshake(pair->peer);
        total = (size_t)BIO_read(pair->to_stream, hello, sizeof hello);
        /* Nobody has taken it yet: it is kept, as behind a request. */
        if (cut > 0) {
            pair->stream.kept = mem_copy(hello, cut);
            pair->stream.view = pair->stream.kept;
            pair->stream.view_size = cut;
        }
        assert_true(stream_tls_accept(&pair->stream, tls, pair->room));
        assert_int_equal(stream_peek(&pair->stream).size, 0);
        if (cut < total) {
            deliver(pair, hello + cut, total - cut);
        }
        shake_hands(pair, STREAM_READ_BYTES);
        peer_says(pair, "in", 1);
        assert_memory_equal(pair->seen, "in", 2);
        pair_free(pair);
    }
    assert_true(total > 100);
    tls_unref(tls);
}

/* What was sent in clear text behind the request is never taken for what was sent encrypted. */
static void clear_text_behind_the_request(void **state)
{
    static const uint8_t login[] = {0x20, 0, 0, 2, 0x85, 0xa6, 0xff, 0x01, 0, 0, 0, 1};
    struct config_tls config = plain_config();
    struct tls *tls = tls_of(&config);
    struct pair *pair = pair_new(tls, true, 0);

    (void)state;
    pair->stream.kept = mem_copy(login, sizeof login);
    pair->stream.view = pair->stream.kept;
    pair->stream.view_size = sizeof login;
    assert_false(stream_tls_accept(&pair->stream, tls, pair->room));
    assert_memory_equal(stream_reason(&pair->stream, UV_EPROTO), "TLS: ", 5);
    pair_free(pair);
    tls_unref(tls);
}

static void rubbish_ends_it(void **state)
{
    struct config_tls config = plain_config();
    struct tls *tls = tls_of(&config);
    struct pair *pair = pair_new(tls, true, 0);

    (void)state;
    assert_true(stream_tls_accept(&pair->stream, tls, pair->room));
    deliver(pair, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_int_equal(pair->ended, 1);
    assert_int_equal(pair->end_status, UV_EPROTO);
    pair_free(pair);

    pair = accepted(tls, TLS1_3_VERSION, 100);
    deliver(pair, "\x17\x03\x03\x00\x20 0123456789abcdef0123456789abcdef", 38);
    assert_int_equal(pair->ended, 1);
    assert_int_equal(pair->end_status, UV_EPROTO);
    assert_int_equal(pair->seen_size, 0);
    pair_free(pair);
    tls_unref(tls);
}

static void old_versions_are_refused(void **state)
{
    struct config_tls config = plain_config();
    struct tls *tls = tls_of(&config);
    struct pair *pair = pair_new(tls, true, TLS1_1_VERSION);

    (void)state;
    SSL_set_security_level(pair->peer, 0);
    SSL_set_cipher_list(pair->peer, "ALL:@SECLEVEL=0");
    assert_true(stream_tls_accept(&pair->stream, tls, pair->room));
    shake_hands(pair, STREAM_READ_BYTES);
    assert_int_equal(pair->ended, 1);
    assert_non_null(strstr(stream_reason(&pair->stream, UV_EPROTO), "unsupported protocol"));
    pair_free(pair);
    tls_unref(tls);
}

static void renegotiation_is_off(void **state)
{
    struct config_tls config = plain_config();
    struct tls *tls = tls_of(&config);
    struct pair *pair = accepted(tls, TLS1_2_VERSION, STREAM_READ_BYTES);
    char byte;

    (void)state;
    assert_int_equal(SSL_renegotiate(pair->peer), 1);
    (void)SSL_do_handshake(pair->peer);
    carry(pair, STREAM_READ_BYTES);
    assert_int_equal(SSL_read(pair->peer, &byte, 1), -1);
    assert_int_equal(SSL_get_error(pair->peer, -1), SSL_ERROR_SSL);
    assert_int_equal(pair->seen_size, 0);
    pair_free(pair);
    tls_unref(tls);
}

static uint8_t pattern(size_t place)
{
    return (uint8_t)(place * 31 + place / 257);
}

/* More than the socket takes: it is queued, feeders are told, and nothing is lost. */
static void much_with_backpressure(void **state)
{
    struct config_tls config = plain_config();
    struct tls *tls = tls_of(&config);
    struct pair *pair = accepted(tls, TLS1_3_VERSION, STREAM_READ_BYTES);
    uint8_t *data = mem_alloc(LARGE), *heard = mem_alloc(LARGE);
    size_t at = 0, size = 0;
    int part;

    (void)state;
    for (size_t i = 0; i < LARGE; i++) {
        data[i] = pattern(i);
    }
    for (size_t bite = 1; at < LARGE; bite = bite * 3 % 60000 + 1) {
        struct bytes parts[2];

        pair->window = bite * 2 / 3;
        bite = bite < LARGE - at ? bite : LARGE - at;
        parts[0] = bytes_of(data + at, bite / 2);
        parts[1] = bytes_of(data + at + bite / 2, bite - bite / 2);
        stream_write(&pair->stream, parts, 2);
        at += bite;
        if (stream_is_congested(&pair->stream) || pair->later_count > 30 || at == LARGE) {
            bool was_congested = stream_is_congested(&pair->stream);
            unsigned before = pair->drained;

            send_queue(pair);
            assert_int_equal(pair->drained, before + was_congested);
        }
        while ((part = SSL_read(pair->peer, heard + size, (int)(LARGE - size))) > 0) {
            size += (size_t)part;
        }
    }
    assert_true(pair->drained > 0);
    assert_int_equal(size, LARGE);
    assert_memory_equal(heard, data, LARGE);

    /* And the other way, in pieces that cut records anywhere. */
    for (at = 0; at < LARGE;) {
        size_t bite = LARGE - at < 50000 ? LARGE - at : 50000;

        assert_int_equal(SSL_write(pair->peer, data + at, (int)bite), bite);
        at += bite;
        carry(pair, at / 50000 % 3 == 0 ? STREAM_READ_BYTES : at % 7000 + 1);
    }
    assert_int_equal(pair->seen_size, LARGE);
    assert_memory_equal(pair->seen, data, LARGE);
    mem_free(data);
    mem_free(heard);
    pair_free(pair);
    tls_unref(tls);
}

static void ends_say_goodbye(void **state)
{
    struct config_tls config = plain_config();
    struct tls *tls = tls_of(&config);
    struct pair *pair = accepted(tls, TLS1_3_VERSION, STREAM_READ_BYTES);
    char byte;

    (void)state;
    /* What is queued leaves first. */
    pair->window = 3;
    stream_write_one(&pair->stream, bytes_of_text("last words"));
    stream_finish(&pair->stream);
    assert_false(pair->closed);
    pair->window = SIZE_MAX;
    send_queue(pair);
    assert_true(pair->closed);
    peer_hears(pair, "last words");
    assert_int_equal(SSL_read(pair->peer, &byte, 1), 0);
    assert_int_equal(SSL_get_error(pair->peer, 0), SSL_ERROR_ZERO_RETURN);
    pair_free(pair);

    /* The peer's goodbye comes after its bytes, in the same piece. */
    pair = accepted(tls, TLS1_3_VERSION, STREAM_READ_BYTES);
    assert_int_equal(SSL_write(pair->peer, "bye", 3), 3);
    SSL_shutdown(pair->peer);
    carry(pair, STREAM_READ_BYTES);
    assert_memory_equal(pair->seen, "bye", 3);
    assert_int_equal(pair->ended, 1);
    assert_int_equal(pair->end_status, UV_EOF);
    pair_free(pair);
    tls_unref(tls);
}

/* ---- towards a server ---- */

/* The made certificate as a file of authorities. */
static void write_authority(const struct tls *tls, char *path)
{
    FILE *file;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_int_equal(PEM_write_X509(file, tls->made_certificate), 1);
    fclose(file);
}

/* Connects to a server with the pair of `shown`; "" or the reason of the failure. */
static const char *connected(struct tls *shown, int mode, char *ca, const char *host)
{
    static char reason[300];
    struct config_tls config = plain_config();
    struct tls *tls;
    struct pair *pair;

    config.server = mode;
    config.ca = ca;
    tls = tls_of(&config);
    pair = pair_new(shown, false, 0);
    reason[0] = 0;
    assert_true(stream_tls_connect(&pair->stream, tls, pair->room, host,
                                   mode == CONFIG_TLS_SERVER_VERIFY_IDENTITY));
    assert_int_equal(pair->secured, 0);
    shake_hands(pair, 50);
    if (pair->ended > 0) {
        assert_int_equal(pair->secured, 0);
        snprintf(reason, sizeof reason, "%s", stream_reason(&pair->stream, pair->end_status));
    } else {
        assert_int_equal(pair->secured, 1);
        stream_write_one(&pair->stream, bytes_of_text("hello"));
        peer_hears(pair, "hello");
        if (!strchr(host, '.')) {
            assert_string_equal(SSL_get_servername(pair->peer, TLSEXT_NAMETYPE_host_name), host);
        }
    }
    pair_free(pair);
    tls_unref(tls);
    return reason;
}

static void servers_are_checked(void **state)
{
    char none[] = "", right[] = "/tmp/tidemark-ca-XXXXXX", wrong[] = "/tmp/tidemark-ca-XXXXXX";
    struct config_tls config = plain_config();
    struct tls *shown = tls_of(&config), *other = tls_of(&config);
    const char *name = "Tidemark_generated_certificate";

    (void)state;
    write_authority(shown, right);
    write_authority(other, wrong);
    assert_string_equal(connected(shown, CONFIG_TLS_SERVER_REQUIRED, none, "db"), "");
    assert_string_equal(connected(shown, CONFIG_TLS_SERVER_REQUIRED, wrong, "db"), "");
    assert_string_equal(connected(shown, CONFIG_TLS_SERVER_VERIFY_CA, right, "db"), "");
    assert_string_equal(connected(shown, CONFIG_TLS_SERVER_VERIFY_CA, right, "10.0.0.1"), "");
    assert_string_equal(connected(shown, CONFIG_TLS_SERVER_VERIFY_CA, none, "db"),
                        "TLS: the certificate is not accepted: self-signed certificate");
    assert_string_equal(connected(shown, CONFIG_TLS_SERVER_VERIFY_CA, wrong, "db"),
                        "TLS: the certificate is not accepted: self-signed certificate");
    assert_string_equal(connected(shown, CONFIG_TLS_SERVER_VERIFY_IDENTITY, right, name), "");
    assert_string_equal(connected(shown, CONFIG_TLS_SERVER_VERIFY_IDENTITY, right, "db"),
                        "TLS: the certificate is not accepted: hostname mismatch");
    assert_string_equal(connected(shown, CONFIG_TLS_SERVER_VERIFY_IDENTITY, right, "10.0.0.1"),
                        "TLS: the certificate is not accepted: IP address mismatch");
    unlink(right);
    unlink(wrong);
    tls_unref(shown);
    tls_unref(other);
}

/* A server that finds bytes to read takes its client for alive, and goes on with what it runs. */
static void servers_hear_nothing_at_the_end(void **state)
{
    struct config_tls config = plain_config();
    struct tls *tls = tls_of(&config);
    struct pair *pair = pair_new(tls, false, 0);

    (void)state;
    assert_true(stream_tls_connect(&pair->stream, tls, pair->room, "db", false));
    shake_hands(pair, STREAM_READ_BYTES);
    stream_write_one(&pair->stream, bytes_of_text("hello"));
    peer_hears(pair, "hello");
    stream_close(&pair->stream);
    assert_int_equal(BIO_pending(pair->to_peer), 0);
    pair_free(pair);
    tls_unref(tls);
}

static void nothing_may_be_pending_from_a_server(void **state)
{
    struct config_tls config = plain_config();
    struct tls *tls = tls_of(&config);
    struct pair *pair = pair_new(tls, false, 0);

    (void)state;
    pair->stream.kept = mem_copy("x", 1);
    pair->stream.view = pair->stream.kept;
    pair->stream.view_size = 1;
    assert_false(stream_tls_connect(&pair->stream, tls, pair->room, "db", false));
    assert_false(stream_is_tls(&pair->stream));
    pair_free(pair);
    tls_unref(tls);
}

/* ---- resumption, snapshots ---- */

static bool resumes(struct tls *tls, SSL_SESSION **session, int version)
{
    struct pair *pair = pair_new(tls, true, version);
    bool is_reused;

    if (*session != NULL) {
        SSL_set_session(pair->peer, *session);
        SSL_SESSION_free(*session);
    }
    assert_true(stream_tls_accept(&pair->stream, tls, pair->room));
    shake_hands(pair, STREAM_READ_BYTES);
    stream_write_one(&pair->stream, bytes_of_text("tickets come before this"));
    peer_hears(pair, "tickets come before this");
    is_reused = SSL_session_reused(pair->peer);
    *session = SSL_get1_session(pair->peer);
    stream_close(&pair->stream);
    SSL_shutdown(pair->peer);
    pair_free(pair);
    return is_reused;
}

static void sessions_are_resumed(void **state)
{
    struct config_tls config = plain_config();
    char *error;

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct tls *tls = tls_of(&config), *same, *changed;
        SSL_SESSION *session = NULL;

        assert_false(resumes(tls, &session, version));
        assert_true(resumes(tls, &session, version));
        /* Reading the same again changes nothing; another setting is another snapshot, with the
         * pair that was made at start. */
        same = tls_new(&config, tls, &error);
        assert_ptr_equal(same, tls);
        config.server = CONFIG_TLS_SERVER_REQUIRED;
        changed = tls_new(&config, tls, &error);
        config.server = CONFIG_TLS_SERVER_PREFERRED;
        assert_ptr_not_equal(changed, tls);
        assert_ptr_equal(changed->made_key, tls->made_key);
        assert_false(resumes(changed, &session, version));
        SSL_SESSION_free(session);
        tls_unref(same);
        tls_unref(changed);
        tls_unref(tls);
    }
}

static void files_that_are_wrong_are_named(void **state)
{
    char rubbish[] = "/tmp/tidemark-rubbish-XXXXXX", none[] = "/tmp/no such file";
    struct config_tls config = plain_config();
    char *error;
    int fd = mkstemp(rubbish);

    (void)state;
    assert_int_equal(write(fd, "rubbish\n", 8), 8);
    close(fd);
    config.cert = config.key = none;
    assert_null(tls_new(&config, NULL, &error));
    assert_string_equal(error,
                        "[tls] cert: cannot read /tmp/no such file: No such file or directory");
    mem_free(error);
    config.cert = config.key = rubbish;
    assert_null(tls_new(&config, NULL, &error));
    assert_memory_equal(error, "[tls] cert: /tmp/tidemark-rubbish-", 34);
    assert_non_null(strstr(error, ": no start line"));
    mem_free(error);
    unlink(rubbish);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_every_size),
        cmocka_unit_test(hello_behind_the_request),
        cmocka_unit_test(clear_text_behind_the_request),
        cmocka_unit_test(rubbish_ends_it),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(renegotiation_is_off),
        cmocka_unit_test(much_with_backpressure),
        cmocka_unit_test(ends_say_goodbye),
        cmocka_unit_test(servers_are_checked),
        cmocka_unit_test(servers_hear_nothing_at_the_end),
        cmocka_unit_test(nothing_may_be_pending_from_a_server),
        cmocka_unit_test(sessions_are_resumed),
        cmocka_unit_test(files_that_are_wrong_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
