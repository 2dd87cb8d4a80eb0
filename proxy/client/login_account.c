/*
 * Who wants to come in: what is configured for the user, what its connection must be, and what a
 * failure means. Where no user is configured guest.c knows.
 */
#include "proxy/client/login_state.h"

#include "health/topology.h"
#include "proxy/client/throttle.h"
#include "proxy/client/user_secret.h"
#include "proxy/stream_tls.h"
#include "proxy/worker.h"

#include <openssl/rand.h>

void login_deny(struct session *session)
{
    const struct session_login *login = session->login;
    struct sql_error error = login_exchange_refusal(&login->exchange, session->peer);
    struct throttle *throttle = session->worker->process->throttle;
    struct bytes host = peer_host(session->peer);
    uint64_t now = worker_now(session->worker);

    if (!login->is_spared) {
        throttle_failed(throttle, host, login->exchange.name, now);
        if (login->change_user) {
            /* Who got in as one must not try out the passwords of others without delay. */
            throttle_misused(throttle, host, session->account->name, now);
        }
    }
    session_fail(session, &error);
}

bool login_is_private(const struct session *session)
{
    return session->is_unix || stream_is_tls(session->client);
}

bool login_is_as_required(const struct session *session, const struct config_user *user)
{
    switch ((enum config_require)user->require) {
    case CONFIG_REQUIRE_NONE:
        break;
    case CONFIG_REQUIRE_SSL:
        return stream_is_tls(session->client);
    case CONFIG_REQUIRE_X509:
        return stream_tls_peer_is_certified(session->client);
    }
    return true;
}

struct auth_account login_account(void *context, const char *name)
{
    struct session *session = context;
    struct session_login *login = session->login;
    const struct server_facts *facts = session_facts(session);
    struct auth_account account = {.secure = login_is_private(session),
                                   .rsa_key = session->worker->process->rsa_key,
                                   .may_be_clear = stream_is_tls(session->client)};

    login->roster = roster_ref(session->worker->roster);
    account.plugin = facts != NULL && auth_plugin_of(bytes_of_text(facts->default_plugin)) ==
                                          AUTH_PLUGIN_CACHING_SHA2
                         ? AUTH_PLUGIN_CACHING_SHA2
                         : AUTH_PLUGIN_NATIVE;
    if (RAND_bytes(login->nonce, sizeof login->nonce) == 1) {
        nonce_from_random(login->nonce);
        account.nonce = login->nonce;
    }
    if (login->roster->is_open) {
        guest_describe(session, name, &account);
        return account;
    }
    login->account = accounts_find(login->roster->accounts, name);
    login->user =
        login->account != NULL ? roster_user(login->roster, login->account->number) : NULL;
    if (login->user != NULL) {
        const struct config_user *user = login->user;

        if (user->password != NULL) {
            account.credential =
                (struct credential){CREDENTIAL_PASSWORD, bytes_of_text(user->password)};
        } else if (user_hash(user, login->hash)) {
            account.credential = (struct credential){CREDENTIAL_NATIVE_HASH,
                                                     bytes_of(login->hash, sizeof login->hash)};
            account.plugin = AUTH_PLUGIN_NATIVE;
        }
    }
    return account;
}
