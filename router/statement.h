/*
 * Statement: everything the proxy needs to know about one SQL text, as a value. The classifier
 * fills it; route() and the session read it. Slices point into the classified text and live as
 * long as that does.
 *
 * The rule behind all fields: what is not known for certain is said in the way that costs speed and
 * not truth. A class of STATEMENT_READ is a promise; every other class is only a description.
 */
#ifndef TIDEMARK_ROUTER_STATEMENT_H
#define TIDEMARK_ROUTER_STATEMENT_H

#include "protocol/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum statement_class {
    STATEMENT_READ,        /* a plain read: any server with the data may answer it */
    STATEMENT_ADMIN,       /* about the server itself: its state, variables, threads; KILL, FLUSH */
    STATEMENT_SESSION,     /* changes or uses only this session: SET, USE, PREPARE, LOCK TABLES */
    STATEMENT_TRANSACTION, /* BEGIN, COMMIT, SAVEPOINT, SET TRANSACTION, XA, ... */
    STATEMENT_WRITE        /* everything else, the unknown included */
};

/* "read", "write", "session", "transaction", "admin". */
const char *statement_class_name(enum statement_class class);

/* Why a session must keep the server connection it has. The first group is set by the classifier,
 * the second by the proxy from what it sees on the wire; they share one set of bits, so that a
 * session has one word of reasons. */
enum pin {
    PIN_TRANSACTION = 1u << 0,     /* "transaction" */
    PIN_TEMPORARY_TABLE = 1u << 1, /* "temporary-table" */
    PIN_USER_VARIABLE = 1u << 2,   /* "user-variable" */
    PIN_LOCK_TABLES = 1u << 3,     /* "lock-tables": also FLUSH TABLES WITH READ LOCK */
    PIN_GET_LOCK = 1u << 4,        /* "get-lock" */
    PIN_PREPARE = 1u << 5,         /* "prepare": SQL PREPARE */
    PIN_FOUND_ROWS = 1u << 6,      /* "found-rows": SQL_CALC_FOUND_ROWS; ends with the next read */
    PIN_PROGRAM = 1u << 7,         /* "program": CALL, stored or loadable function, compound */
    PIN_HANDLER = 1u << 8,         /* "handler": HANDLER ... OPEN */
    PIN_XA = 1u << 9,              /* "xa" */
    PIN_ROLE = 1u << 10,           /* "role": SET ROLE */
    PIN_ONE_SHOT = 1u << 11,       /* "one-shot": SET TRANSACTION, insert_id, timestamp, ... */
    PIN_LOG_OFF = 1u << 12,        /* "log-off": sql_log_bin and relatives */
    PIN_INSTANCE_LOCK = 1u << 13,  /* "instance-lock": LOCK INSTANCE, BACKUP STAGE/LOCK */
    PIN_INSERT_ID = 1u << 14,      /* "insert-id": LAST_INSERT_ID(expr) outside an INSERT/UPDATE */
    PIN_TRACKER = 1u << 15,        /* "tracker": touches session_track_* in a way that cannot be
                                    * followed; close afterwards */
    PIN_UNKNOWN = 1u << 16,        /* "unknown" */

    PIN_CURSOR = 1u << 17,    /* "cursor" */
    PIN_LONG_DATA = 1u << 18, /* "long-data" */
    PIN_WARNINGS = 1u << 19,  /* "warnings" */

    PIN_SEQUENCE = 1u << 20, /* "sequence": NEXTVAL, which LASTVAL on the same connection recalls */

    PIN_ROW_COUNT = 1u << 21, /* "row-count": the session has asked for ROW_COUNT() before */
    PIN_TRACKING = 1u << 22,  /* "tracking": what it set session_track_* to was not read yet */

    /* "replication": registered as a replica, or reads the binary log */
    PIN_REPLICATION = 1u << 23,
};

enum {
    PIN_COUNT = 24,
    /* What the next statement ends, unless it asks about the one before it. */
    PINS_UNTIL_NEXT = PIN_WARNINGS | PIN_ROW_COUNT,
};

/* The name of one pin, as shown to users; "" for anything but exactly one bit. */
const char *pin_name(unsigned pin);

/* Writes "a,b" (the names of all bits in pins, lowest first) and a NUL to text, cut at size.
 * Answers the length it would have without the cut. */
size_t pins_print(unsigned pins, char *text, size_t size);

/* What of the session's past the statement refers to. */
enum use {
    USE_LAST_INSERT_ID = 1u << 0, /* LAST_INSERT_ID(), @@last_insert_id, @@identity */
    USE_FOUND_ROWS = 1u << 1,     /* FOUND_ROWS(): must run where the statement before ran */
    USE_ROW_COUNT = 1u << 2,      /* ROW_COUNT(): likewise */
    USE_WARNINGS = 1u << 3,       /* SHOW WARNINGS, GET DIAGNOSTICS, @@warning_count: likewise */
    USE_USER_VARIABLE = 1u << 4,  /* reads @x */
    USE_CONNECTION_ID = 1u << 5,  /* CONNECTION_ID(), @@pseudo_thread_id */
    USE_PREPARED = 1u << 6,       /* EXECUTE of an SQL PREPARE */
    USE_SERVER_STATE = 1u << 7,   /* @@x, information_schema, SHOW STATUS: ask the primary */
    USE_TRACKER_NAME = 1u << 8,   /* may read session_track_* (not _gtids), which servers have other
                                   * values for than the client; SET_TRACKER is for setting them */
};

/* What the statement does to transactions; of several statements in one text, the last. */
enum transaction_step {
    TRANSACTION_NONE,
    TRANSACTION_BEGIN,           /* BEGIN, START TRANSACTION without an access mode */
    TRANSACTION_BEGIN_READ_ONLY, /* START TRANSACTION READ ONLY */
    TRANSACTION_BEGIN_READ_WRITE,
    TRANSACTION_COMMIT,
    TRANSACTION_ROLLBACK,
    TRANSACTION_SAVEPOINT,
    TRANSACTION_ROLLBACK_TO,
    TRANSACTION_RELEASE_SAVEPOINT,
    TRANSACTION_SET_NEXT, /* SET TRANSACTION ..., SET @@transaction_isolation: the next one only */
    TRANSACTION_XA        /* any XA statement */
};

/* What kinds of assignment a SET statement makes. */
enum set_kind {
    SET_SYSTEM = 1u << 0,        /* session system variables that trackers report */
    SET_AUTOCOMMIT = 1u << 1,    /* ... autocommit among them (SET_SYSTEM is set too) */
    SET_NAMES = 1u << 2,         /* statement.set.charset, .collation */
    SET_CHARACTER_SET = 1u << 3, /* statement.set.charset */
    SET_USER_VARIABLE = 1u << 4,
    SET_GLOBAL = 1u << 5, /* GLOBAL, PERSIST, PERSIST_ONLY */
    SET_ROLE = 1u << 6,
    SET_PASSWORD = 1u << 7, /* also SET DEFAULT ROLE: writes the account tables */
    SET_TRANSACTION_NEXT = 1u << 8,
    SET_TRANSACTION_SESSION = 1u << 9,
    SET_ONE_SHOT = 1u << 10,   /* insert_id, timestamp, rand_seed1, gtid_next, ... */
    SET_TRACKER = 1u << 11,    /* session_track_*, but session_track_gtids */
    SET_LOG_OFF = 1u << 12,    /* sql_log_bin and relatives */
    SET_EXPRESSION = 1u << 13, /* some value is not a literal, a name or a list of names */
    SET_STATEMENT = 1u << 14,  /* MariaDB's SET STATEMENT ... FOR ...: the assignments last for one
                                * statement, the class is that statement's */
    SET_OTHER = 1u << 15       /* anything else: resource groups, unknown forms */
};

/* One assignment to a session system variable. */
struct set_assignment {
    struct bytes name;  /* without @@, session., quotes */
    struct bytes value; /* the text after = , blanks and comments trimmed; quotes kept */
};

enum {
    SET_ASSIGNMENTS = 8,
    STATEMENT_TABLES = 16,
    STATEMENT_USER_VARIABLES = 16,
    STATEMENT_OBJECTS = 8
};

struct set_info {
    unsigned kinds;         /* enum set_kind; 0: the text holds no SET */
    struct bytes charset;   /* SET NAMES x: x without quotes; empty for DEFAULT or unknown */
    struct bytes collation; /* ... COLLATE y; empty when absent. No tracker reports it */
    unsigned count;         /* assignments to session variables; those above 8 are not listed */
    struct set_assignment assignments[SET_ASSIGNMENTS];
};

enum kill_kind {
    KILL_NONE,
    KILL_CONNECTION,
    KILL_QUERY,
    KILL_QUERY_ID, /* MariaDB: KILL QUERY ID n */
    KILL_USER      /* MariaDB: KILL ... USER name */
};

struct kill_info {
    enum kill_kind kind;
    bool literal; /* id was a plain number; otherwise it is an expression, and id is 0 */
    bool hard;    /* MariaDB: KILL HARD, which is the default */
    bool soft;    /* MariaDB: KILL SOFT */
    uint64_t id;
};

/* A table (or view) that the statement names; quotes as in the text. */
struct table_name {
    struct bytes schema; /* empty: the session's current schema */
    struct bytes name;
};

/* A user variable that the statement names. */
struct user_variable {
    struct bytes name;  /* behind the @, with its quotes; in the case it is written in */
    struct bytes value; /* SET @x = value, where that is one literal or NULL; else empty */
};

struct statement {
    enum statement_class class;
    const char *why; /* static text: what decided the class */
    uint64_t digest; /* see router/digest.h */

    unsigned pins;        /* enum pin: what this statement, when it succeeds, pins */
    unsigned ends_pins;   /* pins that are over when it succeeds; apply before pins */
    unsigned lessens;     /* pins of which it ends `objects` (DROP TEMPORARY TABLE a, b) */
    unsigned object_kind; /* the pin that `objects` are about, made or ended; 0: none is named */
    bool renames;         /* it may give a temporary table another name */
    unsigned uses;        /* enum use */

    bool is_multi;        /* more than one statement in the text */
    bool is_truncated;    /* classified from the first part of a longer text */
    bool is_empty;        /* blanks and comments only: the server answers error 1065 */
    bool is_locking;      /* a read that locks: FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE */
    bool is_uncertain;    /* the server may cut this text differently (see lexer.odd) */
    bool may_change;      /* false only when it is known to change no data: its end raises no floor.
                           * BEGIN and SET do not count the implicit commit of what was open before:
                           * who is in a read-write transaction adds that */
    bool renews_logins;   /* changes global variables or accounts: what later logins take along */
    bool changes_schemas; /* CREATE, ALTER or DROP DATABASE */
    bool is_local_infile; /* LOAD DATA LOCAL: the server will ask the client for a file */

    enum transaction_step transaction;
    bool chains;              /* COMMIT/ROLLBACK AND CHAIN */
    bool releases;            /* COMMIT/ROLLBACK RELEASE: the server closes the connection */
    bool consistent_snapshot; /* START TRANSACTION WITH CONSISTENT SNAPSHOT */

    struct set_info set;
    struct kill_info kill;
    struct bytes use_schema; /* USE db: db without quotes; also for multi (the last one) */

    /* CONNECTION_ID() calls: the first one's place in the text, name to closing parenthesis. */
    unsigned connection_id_calls;
    size_t connection_id_offset, connection_id_size;

    /* Tables and views named in FROM, JOIN, INTO, UPDATE, TABLE, DESCRIBE, SHOW ... FROM. In a READ
     * the list is complete unless table_overflow; names that an outermost WITH defines are not in
     * it. */
    unsigned table_count;
    bool table_overflow;
    struct table_name tables[STATEMENT_TABLES];

    /* What it makes, or ends, of object_kind; names as in the text, of locks with their quotes.
     * Those above 8 are not listed. */
    unsigned object_count;
    struct table_name objects[STATEMENT_OBJECTS];

    /* User variables named anywhere in the text, each once for each way of writing it; those above
     * 16 are not listed. Where PIN_USER_VARIABLE is set, it may have given any of them a value, and
     * to no others. */
    unsigned user_variable_count;
    struct user_variable user_variables[STATEMENT_USER_VARIABLES];
};

/* Whether it reads or sets what the client wants to be told of session tracking. */
static inline bool statement_touches_tracking(const struct statement *statement)
{
    return (statement->uses & USE_TRACKER_NAME) || (statement->set.kinds & SET_TRACKER);
}

/* Copies a name as it stands in the text, with its `quotes` or "quotes" (doubled ones inside made
 * single), or bare, into text, NUL-terminated. Answers its length, or size when it does not fit. */
size_t name_unquote(struct bytes name, char *text, size_t size);

/* Is there nothing in this part of a text but blanks and semicolons? */
bool statement_is_blank(struct bytes part);

#endif
