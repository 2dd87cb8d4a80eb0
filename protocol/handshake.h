/*
 * The packets of a login, both ways. One struct per packet, decoded into slices of the payload and
 * encoded as payload (put write_packet_begin/end around it).
 *
 *     server: greeting                 (or ERR, when it does not want this client at all)
 *     client: TLS request, then TLS    (optional)
 *     client: login                    user, first authentication response, schema, attributes
 *     server: auth switch | more data  any number, each answered by the client: see auth.h
 *     server: OK | ERR
 *
 * COM_CHANGE_USER is a login in the middle of a session and uses the same struct.
 *
 * Manual pages: page_protocol_connection_phase_packets, page_protocol_com_change_user.
 */
#ifndef PROTOCOL_HANDSHAKE_H
#define PROTOCOL_HANDSHAKE_H

#include "protocol/reader.h"
#include "protocol/writer.h"

#define SCRAMBLE_SIZE 20

struct greeting {
    struct bytes version; /* as sent; MariaDB up to 10.x puts "5.5.5-" before its own */
    uint32_t thread_id;
    uint8_t scramble[SCRAMBLE_SIZE];
    uint64_t capabilities; /* high half: MariaDB's, when CAPABILITY_MYSQL is unset */
    uint8_t collation;     /* the low byte of the server's default collation id */
    uint16_t status;
    struct bytes plugin; /* empty without CAPABILITY_PLUGIN_AUTH */
};

/* A whole greeting of protocol version 10; anything else, an ERR too, is PARSE_BAD. */
MUST_USE enum parse greeting_decode(struct bytes payload, struct greeting *greeting);
void greeting_encode(struct writer *w, const struct greeting *greeting);

/* The version without MariaDB's prefix. */
struct bytes greeting_version(const struct greeting *greeting);

/* MariaDB by its version text ("MariaDB" in it, or the prefix). */
bool greeting_is_mariadb(const struct greeting *greeting);

struct login {
    uint64_t capabilities;
    uint32_t max_packet; /* what the client says it accepts; not in COM_CHANGE_USER */
    uint16_t collation;  /* one byte in a login, two in COM_CHANGE_USER; 0: not sent */
    struct bytes user;
    struct bytes response;   /* to the greeting's scramble, for `plugin` */
    struct bytes schema;     /* empty: none */
    struct bytes plugin;     /* empty: not sent, which means mysql_native_password */
    struct bytes attributes; /* connect attributes, for attribute_next() */
    uint8_t zstd_level;      /* 0: not sent */
};

/* The client asks for TLS: a login cut off after its 32 fixed bytes, with CAPABILITY_SSL. */
bool login_is_tls_request(struct bytes payload);

/* The capabilities alone, of a TLS request as well as of a login. */
MUST_USE enum parse login_capabilities(struct bytes payload, uint64_t *capabilities);

/*
 * Decodes a whole login. Plugin, attributes and compression level may be missing at the end even
 * where the capabilities announce them: servers accept that, and some drivers rely on it.
 */
MUST_USE enum parse login_decode(struct bytes payload, struct login *login);

/* Writes only what login->capabilities announce; fails the writer where that cannot be. */
void login_encode(struct writer *w, const struct login *login);
void tls_request_encode(struct writer *w, uint64_t capabilities, uint32_t max_packet,
                        uint8_t collation);

/*
 * A whole COM_CHANGE_USER payload with the command byte. The capabilities are those of the
 * connection; they are also put into the struct.
 */
MUST_USE enum parse change_user_decode(struct bytes payload, uint64_t capabilities,
                                       struct login *login);
void change_user_encode(struct writer *w, const struct login *login);

/* Takes the next attribute off the front of `attributes`; false at the end or when malformed. */
MUST_USE bool attribute_next(struct bytes *attributes, struct bytes *name, struct bytes *value);

/* 0xfe: go on with another plugin and this scramble (or whatever data that plugin wants). */
struct auth_switch {
    struct bytes plugin;
    struct bytes data; /* a scramble without its terminating zero */
};

MUST_USE enum parse auth_switch_decode(struct bytes payload, struct auth_switch *request);
void auth_switch_encode(struct writer *w, const struct auth_switch *request);

/* 0x01: a message of the plugin's own. */
MUST_USE enum parse auth_more_decode(struct bytes payload, struct bytes *data);
void auth_more_encode(struct writer *w, struct bytes data);

#endif
