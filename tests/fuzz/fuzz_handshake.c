/*
 * Login packets. The first byte chooses which; what decodes is encoded and must decode to the same
 * again.
 */
#include "protocol/auth.h"
#include "protocol/capability.h"
#include "protocol/handshake.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t buffer[1 << 21];

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void try_greeting(struct bytes payload)
{
    struct writer w = writer_over(buffer, sizeof buffer);
    struct greeting greeting, again;

    if (greeting_decode(payload, &greeting) != PARSE_OK)
        return;
    require(greeting_version(&greeting).size <= greeting.version.size);
    greeting_encode(&w, &greeting);
    require(!w.failed && greeting_decode(writer_bytes(&w), &again) == PARSE_OK);
    require(bytes_equal(greeting.version, again.version));
    require(bytes_equal(greeting.plugin, again.plugin));
    require(greeting.capabilities == again.capabilities);
    require(memcmp(greeting.scramble, again.scramble, SCRAMBLE_SIZE) == 0);
    require(greeting_is_mariadb(&greeting) == greeting_is_mariadb(&again));
}

static void compare_logins(const struct login *a, const struct login *b)
{
    require(a->capabilities == b->capabilities && a->collation == b->collation);
    require(bytes_equal(a->user, b->user) && bytes_equal(a->response, b->response));
    require(bytes_equal(a->schema, b->schema) && bytes_equal(a->plugin, b->plugin));
    require(bytes_equal(a->attributes, b->attributes));
}

static void walk_attributes(struct bytes attributes)
{
    struct bytes name, value;
    size_t left = attributes.size;

    while (attribute_next(&attributes, &name, &value)) {
        require(attributes.size < left);
        left = attributes.size;
    }
}

static void try_login(struct bytes payload)
{
    struct writer w = writer_over(buffer, sizeof buffer);
    struct login login, again;

    (void)login_is_tls_request(payload);
    if (login_decode(payload, &login) != PARSE_OK)
        return;
    walk_attributes(login.attributes);
    login_encode(&w, &login);
    require(!w.failed && login_decode(writer_bytes(&w), &again) == PARSE_OK);
    compare_logins(&login, &again);
}

static void try_change_user(struct bytes payload)
{
    struct writer w = writer_over(buffer, sizeof buffer);
    struct login login, again;

    if (change_user_decode(payload, CAPABILITIES_OFFERED, &login) != PARSE_OK)
        return;
    walk_attributes(login.attributes);
    change_user_encode(&w, &login);
    require(!w.failed &&
            change_user_decode(writer_bytes(&w), CAPABILITIES_OFFERED, &again) == PARSE_OK);
    compare_logins(&login, &again);
}

static const uint8_t scramble[SCRAMBLE_SIZE] = "abcdefghijklmnopqrs";
static const uint8_t nonce[AUTH_NONCE_SIZE] = "abcdefghijklmnopqrstuvwxyzABCDE";

/* Both roles of authentication, fed with the payload in halves. */
static void try_exchange(struct bytes payload, bool secure)
{
    static uint8_t room[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(room, sizeof room);
    struct bytes half = bytes_first(payload, payload.size / 2);
    struct bytes rest = bytes_after(payload, payload.size / 2);
    struct credential known = {CREDENTIAL_PASSWORD, bytes_of_text("pw")};
    struct auth_account account = {.credential = known,
                                   .plugin = AUTH_PLUGIN_CACHING_SHA2,
                                   .secure = secure,
                                   .ask_password = secure,
                                   .nonce = nonce};
    struct auth_client c;
    struct auth_server s;

    if (auth_client_begin(&c, &known, secure, bytes_of_text("caching_sha2_password"), scramble,
                          &out) == AUTH_SEND &&
        auth_client_next(&c, half, &out) == AUTH_SEND)
        (void)!auth_client_next(&c, rest, &out);
    if (auth_server_begin(&s, &account, scramble, bytes_of_text("caching_sha2_password"), half,
                          &out) == AUTH_SEND)
        (void)!auth_server_next(&s, rest, &out);
    if (auth_server_begin(&s, &account, scramble, half, rest, &out) == AUTH_SEND)
        (void)!auth_server_next(&s, rest, &out);
    account.elsewhere = account.may_be_clear = true;
    account.credential.kind = CREDENTIAL_NONE;
    if (auth_server_begin(&s, &account, scramble, bytes_of_text("mysql_clear_password"), payload,
                          &out) == AUTH_CLAIMED)
        require(s.password_size <= PASSWORD_MAX);
    if (auth_server_begin(&s, &account, scramble, bytes_of_text("caching_sha2_password"), half,
                          &out) == AUTH_SEND &&
        auth_server_next(&s, rest, &out) == AUTH_CLAIMED)
        require(s.password_size <= PASSWORD_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    struct bytes payload = bytes_after(bytes_of(data, size), 1);
    switch (data[0] % 4) {
    case 0:
        try_greeting(payload);
        break;
    case 1:
        try_login(payload);
        break;
    case 2:
        try_change_user(payload);
        break;
    default:
        try_exchange(payload, size % 2);
        break;
    }
    return 0;
}
