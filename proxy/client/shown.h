/*
 * What a client is shown of the trackers in OK packets: its own session_track_* variables.
 *
 * Server connections have other values of them than clients: the proxy's, so that it learns of
 * every change. A client is shown what its own values would have it told. session_track_gtids is
 * not among them: it is replayed like other variables, and its trackers pass as they are.
 *
 * What servers tell by which value was measured on MySQL 9.7 and MariaDB 10.11. The one surprise:
 * with session_track_transaction_info = OFF MySQL still tells where an explicit transaction (BEGIN,
 * XA START) begins and ends, and nothing of what happens in between.
 */
#ifndef TIDEMARK_PROXY_CLIENT_SHOWN_H
#define TIDEMARK_PROXY_CLIENT_SHOWN_H

#include "protocol/ok.h"
#include "protocol/writer.h"

#include <stdbool.h>

struct replay;
struct server_facts;

enum { SHOWN_LIST_MAX = 8 << 10 }; /* a longer list of variables is not kept: see following.h */

enum shown_transactions { SHOWN_NO_TRANSACTIONS, SHOWN_STATE, SHOWN_CHARACTERISTICS };

struct shown {
    struct bytes list; /* session_track_system_variables */
    bool is_null;      /* ... is NULL, which only MySQL takes */
    bool schema;
    bool state_change;
    enum shown_transactions transactions; /* session_track_transaction_info */
};

/* A server's global values, which hold for who has set nothing; those that servers come with where
 * `facts`, which may be NULL, does not know them. The list is the facts' own. */
struct shown shown_by_default(const struct server_facts *facts);

/* The values that the answer to shown_question() says; the list is a slice of `rows`, which holds
 * all packets of the answer but EOF and OK. False: malformed, or the list is too long to be kept.
 */
MUST_USE bool shown_read(struct bytes rows, struct shown *shown);
const char *shown_question(void);

/* A copy with a list of its own, to be given back with mem_free. */
struct shown *shown_copy(const struct shown *shown);

/* Adds assignments of these values to the plan's SET, or begins it, for a connection that has the
 * proxy's. False: no room. */
bool shown_assign(const struct shown *shown, struct replay *plan);

/* Whether the list names what the proxy has no use for, so that the server has to track all there
 * is for it. */
bool shown_needs_all(const struct shown *shown);

/* What the client was told last of explicit transactions. */
enum told {
    TOLD_NOTHING,
    TOLD_BEGIN,    /* "T_______", and not yet its end */
    TOLD_SNAPSHOT, /* "T_R_____": WITH CONSISTENT SNAPSHOT */
};

/* What an OK belongs to. */
struct shown_for {
    bool is_mysql;
    bool begins;   /* the statement begins a transaction, also if there is one already */
    bool snapshot; /* ... WITH CONSISTENT SNAPSHOT */
};

/* Writes those trackers of an OK that the client is shown; *told becomes what it knows then.
 * MySQL's word for the end of a transaction is added where the server's own was lost. */
void shown_filter(const struct shown *shown, const struct shown_for *of, enum told *told,
                  const struct ok_packet *ok, struct writer *out);

/* Whether a tracker, of another type than the state of a transaction, is shown. */
bool shown_is_shown(const struct shown *shown, const struct tracker *tracker);

/* The same for a connection that follows, where only one thing is different from a direct one: the
 * characteristics of a transaction, which a server does not note before it is asked to tell them.
 */
void shown_filter_following(const struct shown *shown, const struct ok_packet *ok,
                            struct writer *out);

#endif
