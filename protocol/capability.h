/*
 * What client and server agree on at login, and the status flags that servers send with answers.
 *
 * Capabilities are one 64-bit number everywhere in the program: the low half are the 32 bits both
 * servers know, the high half MariaDB's extended ones. MariaDB announces those where it leaves
 * CAPABILITY_MYSQL (bit 0, once LONG_PASSWORD) unset; handshake.h does that in both directions.
 *
 * Manual pages: group__group__cs__capabilities__flags, SERVER_STATUS_flags_enum (MySQL),
 * "Connecting" (MariaDB).
 */
#ifndef PROTOCOL_CAPABILITY_H
#define PROTOCOL_CAPABILITY_H

#include <stdint.h>

#define CAPABILITY(bit) (UINT64_C(1) << (bit))

#define CAPABILITY_MYSQL CAPABILITY(0) /* unset by MariaDB's own servers and clients */
#define CAPABILITY_FOUND_ROWS CAPABILITY(1)
#define CAPABILITY_LONG_FLAG CAPABILITY(2)
#define CAPABILITY_CONNECT_WITH_DB CAPABILITY(3)
#define CAPABILITY_NO_SCHEMA CAPABILITY(4)
#define CAPABILITY_COMPRESS CAPABILITY(5)
#define CAPABILITY_ODBC CAPABILITY(6)
#define CAPABILITY_LOCAL_FILES CAPABILITY(7)
#define CAPABILITY_IGNORE_SPACE CAPABILITY(8)
#define CAPABILITY_PROTOCOL_41 CAPABILITY(9)
#define CAPABILITY_INTERACTIVE CAPABILITY(10)
#define CAPABILITY_SSL CAPABILITY(11)
#define CAPABILITY_IGNORE_SIGPIPE CAPABILITY(12)
#define CAPABILITY_TRANSACTIONS CAPABILITY(13)
#define CAPABILITY_SECURE_CONNECTION CAPABILITY(15)
#define CAPABILITY_MULTI_STATEMENTS CAPABILITY(16)
#define CAPABILITY_MULTI_RESULTS CAPABILITY(17)
#define CAPABILITY_PS_MULTI_RESULTS CAPABILITY(18)
#define CAPABILITY_PLUGIN_AUTH CAPABILITY(19)
#define CAPABILITY_CONNECT_ATTRS CAPABILITY(20)
#define CAPABILITY_PLUGIN_AUTH_LENENC CAPABILITY(21)
#define CAPABILITY_EXPIRED_PASSWORDS CAPABILITY(22)
#define CAPABILITY_SESSION_TRACK CAPABILITY(23)
#define CAPABILITY_DEPRECATE_EOF CAPABILITY(24)
#define CAPABILITY_OPTIONAL_METADATA CAPABILITY(25)
#define CAPABILITY_ZSTD CAPABILITY(26)
#define CAPABILITY_QUERY_ATTRIBUTES CAPABILITY(27)
#define CAPABILITY_MULTI_FACTOR CAPABILITY(28)

#define CAPABILITY_MARIADB_PROGRESS CAPABILITY(32)
#define CAPABILITY_MARIADB_COM_MULTI CAPABILITY(33)
#define CAPABILITY_MARIADB_BULK CAPABILITY(34)
#define CAPABILITY_MARIADB_EXTENDED_METADATA CAPABILITY(35)
#define CAPABILITY_MARIADB_CACHE_METADATA CAPABILITY(36)
#define CAPABILITY_MARIADB_BULK_RESULTS CAPABILITY(37)

#define CAPABILITIES_MARIADB (UINT64_C(0xffffffff) << 32)

/*
 * What the proxy may offer a client, as far as the server behind it has it too. Left out, and why:
 * COMPRESS and ZSTD and SSL belong to the two connections themselves and are added by whoever does
 * them; OPTIONAL_METADATA and MARIADB_CACHE_METADATA let a server leave out column definitions that
 * a statement prepared elsewhere would need; PROGRESS puts reports between packets; BULK is a
 * command the proxy does not have; EXPIRED_PASSWORDS and MULTI_FACTOR need exchanges the proxy does
 * not make.
 */
#define CAPABILITIES_OFFERED                                                                       \
    (CAPABILITY_MYSQL | CAPABILITY_FOUND_ROWS | CAPABILITY_LONG_FLAG |                             \
     CAPABILITY_CONNECT_WITH_DB | CAPABILITY_NO_SCHEMA | CAPABILITY_ODBC |                         \
     CAPABILITY_LOCAL_FILES | CAPABILITY_IGNORE_SPACE | CAPABILITY_PROTOCOL_41 |                   \
     CAPABILITY_INTERACTIVE | CAPABILITY_IGNORE_SIGPIPE | CAPABILITY_TRANSACTIONS |                \
     CAPABILITY_SECURE_CONNECTION | CAPABILITY_MULTI_STATEMENTS | CAPABILITY_MULTI_RESULTS |       \
     CAPABILITY_PS_MULTI_RESULTS | CAPABILITY_PLUGIN_AUTH | CAPABILITY_CONNECT_ATTRS |             \
     CAPABILITY_PLUGIN_AUTH_LENENC | CAPABILITY_SESSION_TRACK | CAPABILITY_DEPRECATE_EOF |         \
     CAPABILITY_QUERY_ATTRIBUTES | CAPABILITY_MARIADB_EXTENDED_METADATA)

/*
 * Those that change what an answer looks like or what a command means: two clients may share a
 * server connection only if they agree on all of these. SESSION_TRACK is not among them: the proxy
 * always asks for trackers and strips them. CONNECT_WITH_DB, PLUGIN_AUTH and CONNECT_ATTRS end with
 * the login.
 */
#define CAPABILITIES_SHAPING                                                                       \
    (CAPABILITY_FOUND_ROWS | CAPABILITY_LONG_FLAG | CAPABILITY_NO_SCHEMA | CAPABILITY_ODBC |       \
     CAPABILITY_LOCAL_FILES | CAPABILITY_IGNORE_SPACE | CAPABILITY_INTERACTIVE |                   \
     CAPABILITY_MULTI_STATEMENTS | CAPABILITY_MULTI_RESULTS | CAPABILITY_PS_MULTI_RESULTS |        \
     CAPABILITY_DEPRECATE_EOF | CAPABILITY_OPTIONAL_METADATA | CAPABILITY_QUERY_ATTRIBUTES |       \
     CAPABILITIES_MARIADB)

/* A client must have these: nothing older than the 4.1 protocol is spoken. */
#define CAPABILITIES_REQUIRED (CAPABILITY_PROTOCOL_41 | CAPABILITY_SECURE_CONNECTION)

#define STATUS_IN_TRANSACTION 0x0001u
#define STATUS_AUTOCOMMIT 0x0002u
#define STATUS_MORE_RESULTS 0x0008u
#define STATUS_NO_GOOD_INDEX 0x0010u
#define STATUS_NO_INDEX 0x0020u
#define STATUS_CURSOR_EXISTS 0x0040u
#define STATUS_LAST_ROW_SENT 0x0080u
#define STATUS_DB_DROPPED 0x0100u
#define STATUS_NO_BACKSLASH_ESCAPES 0x0200u
#define STATUS_METADATA_CHANGED 0x0400u
#define STATUS_QUERY_WAS_SLOW 0x0800u
#define STATUS_PS_OUT_PARAMETERS 0x1000u
#define STATUS_IN_READ_ONLY_TRANSACTION 0x2000u
#define STATUS_SESSION_STATE_CHANGED 0x4000u
#define STATUS_ANSI_QUOTES 0x8000u /* MariaDB only */

#endif
