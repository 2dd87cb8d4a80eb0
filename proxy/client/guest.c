/*
 * Logging in where no user is configured: the primary knows who may come in. See checks.h for how
 * it is asked, credentials.h for what is kept.
 *
 *   login packet ──▶ is the account's secret kept, and was it looked up lately?
 *                      │ no: look it up in mysql.user
 *                      ▼
 *                    the exchange, to prove what is kept, else
 *                      │   the hashes of mysql_native_password, which reveal SHA1(password); else
 *                      │   the password itself, by the full exchange of caching_sha2
 *                      ▼
 *                    logs in to the primary with that, unless it is kept and was right lately
 *
 * An account that does not exist goes the same way as one that does, and ends in the same error.
 */
#include "health/topology.h"
#include "protocol/digest.h"
#include "proxy/client/login.h"
#include "proxy/client/login_state.h"
#include "proxy/client/user_secret.h"
#include "proxy/log.h"
#include "proxy/memory.h"
#include "proxy/stream_tls.h"
#include "proxy/worker.h"

#include <openssl/crypto.h>
#include <string.h>

static bool is_recent(const struct session *session, uint64_t moment)
{
    uint64_t ttl = (uint64_t)worker_config(session->worker)->proxy.credential_ttl_ms * 1000000;

    return moment != 0 && worker_now(session->worker) < moment + ttl;
}

static bool primary_prefers_sha2(const struct session *session)
{
    const struct server_facts *facts = session_facts(session);

    return facts != NULL &&
           auth_plugin_of(bytes_of_text(facts->default_plugin)) == AUTH_PLUGIN_CACHING_SHA2;
}

/* Does this first packet prove what is kept, without asking anything of the client? */
static bool proves_kept(struct session *session, const struct login *packet)
{
    struct session_login *login = session->login;
    struct auth_account account = {.credential = secret_credential(login->kept.secret),
                                   .plugin = AUTH_PLUGIN_NATIVE,
                                   .secure = true};
    uint8_t space[AUTH_PAYLOAD_MAX];
    struct writer out = writer_over(space, sizeof space);
    struct auth_server trial;
    bool proves = auth_server_begin(&trial, &account, login->exchange.scramble, packet->plugin,
                                    packet->response, &out) == AUTH_OK;

    OPENSSL_cleanse(&trial, sizeof trial);
    return proves;
}

/* What is kept serves the exchange: always with caching_sha2, because that can go on to ask for
 * the password; with native only if it is what the client has. */
static bool kept_serves(struct session *session, const struct login *packet)
{
    const struct kept *kept = &session->login->kept;

    if (kept->secret == NULL || !is_recent(session, kept->rules.looked_ns)) {
        return false;
    }
    return (primary_prefers_sha2(session) && kept->secret->kind == CREDENTIAL_PASSWORD) ||
           proves_kept(session, packet);
}

/* ---- before the exchange ---- */

static void on_looked_up(struct check_waiter *waiter, const struct check_outcome *outcome)
{
    struct guest *guest = (struct guest *)((char *)waiter - offsetof(struct guest, waiter));
    struct session *session = guest->session;
    struct login packet;

    if (session->state == SESSION_CLOSING) {
        return;
    }
    if (outcome->verdict != CHECK_GOOD) {
        session_fail(session, &outcome->error);
        return;
    }
    guest->facts = *outcome->facts;
    guest->rules = (struct account_rules){.looked_ns = worker_now(session->worker),
                                          .wants_tls = guest->facts.wants_tls};
    if (guest->held == NULL) {
        /* Others that waited for the same may have failed by now: the throttle is asked again. */
        session->login->may_begin = false;
        session->login->held_until_ns = 0;
        session_read(session);
    } else if (change_user_decode(bytes_of(guest->held, guest->held_size), session->capabilities,
                                  &packet) == PARSE_OK) {
        login_begin_change(session, &packet);
    }
}

bool guest_waits(const struct session *session)
{
    return session->login != NULL && session->login->guest.waiter.check != NULL;
}

bool guest_may_begin(struct session *session, const struct login *packet)
{
    struct session_login *login = session->login;
    struct guest *guest = &login->guest;
    char name[LOGIN_NAME_BYTES];
    struct account *account;

    if (!session->worker->roster->is_open || guest->is_asked ||
        !bytes_to_text(packet->user, name, sizeof name)) {
        return true;
    }
    guest->is_asked = true;
    guest->session = session;
    account = accounts_find(session->worker->roster->accounts, name);
    if (account != NULL) {
        login->kept = keeping_get(&account->keeping, "");
        if (kept_serves(session, packet)) {
            guest->uses_kept = true;
            guest->rules = login->kept.rules;
            return true;
        }
    }
    guest->waiter.on_done = on_looked_up;
    checks_look_up(session->worker->checks, name, &guest->waiter);
    return false;
}

void guest_describe(struct session *session, const char *name, struct auth_account *account)
{
    struct session_login *login = session->login;
    const struct guest *guest = &login->guest;
    const struct account_facts *facts = &guest->facts;
    bool is_native = !primary_prefers_sha2(session) && !facts->is_unknown && !facts->has_other;

    login->user = &login->roster->guest;
    login->account = accounts_find(login->roster->accounts, name);
    account->nonce = NULL; /* to sign says nothing that would open a connection */
    account->elsewhere = true;
    if (guest->uses_kept) {
        account->credential = secret_credential(login->kept.secret);
        return;
    }
    if (is_native && facts->hash_count > 0 && !facts->has_empty) {
        account->plugin = AUTH_PLUGIN_NATIVE;
        account->credential = (struct credential){
            CREDENTIAL_NATIVE_HASH,
            bytes_of(facts->hashes, (size_t)facts->hash_count * NATIVE_HASH_SIZE)};
        account->elsewhere = false;
    } else if (is_native && facts->has_empty && facts->hash_count == 0) {
        account->plugin = AUTH_PLUGIN_NATIVE;
        account->credential = (struct credential){CREDENTIAL_PASSWORD, bytes_of_text("")};
        account->elsewhere = false;
    } else if (is_native && !facts->exists) {
        account->plugin = AUTH_PLUGIN_NATIVE;
        account->elsewhere = false;
    } else {
        account->plugin = AUTH_PLUGIN_CACHING_SHA2;
        /* The account has another plugin here, but the password may well be the kept one. */
        if (login->kept.secret != NULL && login->kept.secret->kind == CREDENTIAL_PASSWORD) {
            login->guest.uses_kept = true;
            account->credential = secret_credential(login->kept.secret);
        }
    }
}

/* ---- after it ---- */

static void on_checked(struct check_waiter *waiter, const struct check_outcome *outcome)
{
    struct guest *guest = (struct guest *)((char *)waiter - offsetof(struct guest, waiter));
    struct session *session = guest->session;
    struct session_login *login = session->login;

    if (session->state == SESSION_CLOSING) {
        return;
    }
    switch (outcome->verdict) {
    case CHECK_GOOD:
        login->account = accounts_find(login->roster->accounts, login->exchange.name);
        login_proved(session);
        session_read(session);
        break;
    case CHECK_REFUSED:
        if (outcome->error.code == ERROR_ACCESS_DENIED ||
            outcome->error.code == ERROR_ACCESS_DENIED_NO_PASSWORD) {
            login_deny(session);
        } else {
            session_fail(session, &outcome->error);
        }
        break;
    case CHECK_FAILED:
        session_fail(session, &outcome->error);
        break;
    }
}

/* Whether the account's REQUIRE SSL is met. The server could not see that: it sees the proxy. */
static bool is_safe_enough(const struct session *session)
{
    return !session->login->guest.rules.wants_tls || stream_is_tls(session->client);
}

static void check(struct session *session)
{
    struct session_login *login = session->login;
    struct guest *guest = &login->guest;

    if (!is_safe_enough(session)) {
        login_deny(session);
        return;
    }
    guest->waiter.on_done = on_checked;
    checks_log_in(session->worker->checks, login->exchange.name, guest->secret, guest->rules,
                  &guest->waiter);
}

void guest_proved(struct session *session)
{
    struct session_login *login = session->login;
    const struct auth_server *auth = &login->exchange.auth;
    struct guest *guest = &login->guest;

    if (guest->uses_kept && login->account != NULL && is_recent(session, login->kept.checked_ns) &&
        !atomic_load(&login->account->keeping.is_doubted) && is_safe_enough(session)) {
        keeping_rules(&login->account->keeping, guest->rules);
        login_proved(session);
        return;
    }
    if (guest->uses_kept) {
        guest->secret = secret_ref(login->kept.secret);
    } else if (auth->has_native_sha1) {
        guest->secret = secret_new(CREDENTIAL_NATIVE_SHA1,
                                   bytes_of(auth->native_sha1, sizeof auth->native_sha1));
    } else {
        guest->secret = secret_new(CREDENTIAL_PASSWORD, bytes_of_text("")); /* it has none */
    }
    check(session);
}

void guest_claimed(struct session *session)
{
    struct session_login *login = session->login;
    struct auth_server *auth = &login->exchange.auth;

    login->guest.secret =
        secret_new(CREDENTIAL_PASSWORD, bytes_of(auth->password, auth->password_size));
    OPENSSL_cleanse(auth->password, sizeof auth->password);
    check(session);
}

void guest_dispose(struct guest *guest)
{
    checks_cancel(&guest->waiter);
    secret_unref(guest->secret);
    if (guest->held != NULL) {
        OPENSSL_cleanse(guest->held, guest->held_size);
        mem_free(guest->held);
    }
}
