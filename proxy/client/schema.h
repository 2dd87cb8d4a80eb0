/*
 * How old a connection's schema may be. Entering a schema is more than taking over its name: the
 * server looks whether it exists, what the user may do there, and which character set it has
 * (@@character_set_database, which LOAD DATA goes by), and keeps what it found until the connection
 * enters a schema again. A client that connects directly finds all of that as it is at that moment;
 * so the connections that serve a session must have entered the schema no earlier than the session
 * did, or be known to have found the same.
 *
 * Known is what went through this process: the moment after the last statement that may have
 * changed a schema. What others did on the servers is found a second later at the latest, so that
 * clients which connect often do not make each connection enter its schema each time.
 */
#ifndef TIDEMARK_PROXY_CLIENT_SCHEMA_H
#define TIDEMARK_PROXY_CLIENT_SCHEMA_H

#include <stdbool.h>

struct session;

/* Entering the schema that a connection is in already does not look again on MariaDB (measured), so
 * it goes by way of this one, which every server has. */
#define SCHEMA_TO_LEAVE_TO "information_schema"

/* The session enters its schema now: login, USE. */
void schema_chosen(struct session *session);

/* The statement in hand is over and may have changed a schema. */
void schema_changed(struct session *session);

/* The held connection has to enter its schema (again) before it serves the session. */
bool schema_is_stale(const struct session *session);

#endif
