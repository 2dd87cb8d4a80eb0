/*
 * Where does the answer to a command end? This machine looks at the head and first byte of each
 * packet from the server and says how far the bytes at hand may go to the client verbatim, decoding
 * nothing but the few packets that carry news: OK, EOF, ERR, prepare response, LOCAL INFILE
 * request. Rows and definitions are passed through piecewise, so a row of a gigabyte needs no more
 * memory than a small one.
 *
 *     response_begin(&r, &request);
 *     for (;;) {
 *         step = response_next(&r, in);          in: what the server sent and was not consumed yet
 *         MORE: read until in.size >= step.need
 *         else: forward or look at the first step.size bytes of in, drop them; stop after step.last
 *     }
 *
 *                  +---------------------------------------------------+ more results
 *                  v                                                   |
 *     FIRST --count--> COLUMNS --> COLUMNS_EOF --> ROWS --> OK/EOF ----+--> DONE
 *       | OK, ERR, text -----------------------------------------------^
 *       | LOCAL INFILE --> TURN --> FIRST            (the client sends its file; then OK or ERR)
 *       | prepare response --> PARAMETERS --> COLUMNS (each closed by EOF, unless DEPRECATE_EOF)
 * --> DONE
 *     EVENTS --> EOF or ERR --> DONE             (of the binary log; there may never be an end)
 *
 * Manual pages: page_protocol_com_query_response, page_protocol_com_stmt_prepare,
 * page_protocol_com_stmt_execute_response, page_protocol_command_phase_sp,
 * page_protocol_replication_binlog_event ("Binlog Network stream").
 */
#ifndef PROTOCOL_RESPONSE_H
#define PROTOCOL_RESPONSE_H

#include "protocol/command.h"
#include "protocol/ok.h"

/* A packet that must be whole (OK, ERR, ...) may have this much payload; a longer one is BAD. */
#define RESPONSE_WHOLE_MAX (1u << 20)

struct response_request {
    enum command command;
    uint64_t capabilities; /* of this server connection */
    uint8_t
        sequence; /* of the answer's first packet: 1, or more after a command of several packets */
};

enum response_what {
    RESPONSE_MORE,         /* nothing consumed; `need` bytes are needed from the start of `in` */
    RESPONSE_PASS,         /* `size` bytes to be forwarded: whole packets and parts of one */
    RESPONSE_OK,           /* a whole OK, also the one that ends rows under DEPRECATE_EOF */
    RESPONSE_EOF,          /* a whole EOF */
    RESPONSE_ERROR,        /* a whole ERR; always the last. See below */
    RESPONSE_PREPARED,     /* a whole prepare response: see prepared.h */
    RESPONSE_LOCAL_INFILE, /* a whole request for the file named payload; then response_turn() */
    RESPONSE_AUTH,         /* a whole authentication packet (CHANGE_USER); then response_turn() */
    RESPONSE_BAD           /* the server broke the protocol as `problem` says; nothing consumed */
};

/*
 * An ERR that the server sent unasked (time-out, shutdown), found where an answer was to begin, may
 * have a sequence id other than the one expected; step.sequence has it.
 */

struct response_step {
    enum response_what what;
    bool last;            /* the answer ends with this step */
    uint8_t sequence;     /* of a whole packet */
    size_t size;          /* bytes of `in` consumed, heads included */
    size_t need;          /* with RESPONSE_MORE */
    struct bytes payload; /* of a whole packet, inside `in` */
    const char *problem;  /* with RESPONSE_BAD: a fixed text */
};

/* Read what is public after any step; the rest belongs to response.c. */
struct response {
    /* public */
    uint64_t rows;        /* in all result sets so far */
    uint64_t bytes;       /* consumed so far, heads included */
    uint32_t result_sets; /* begun so far */
    uint16_t status;      /* flags of the last OK or EOF */
    uint16_t warnings;    /* of the last OK or EOF */
    uint16_t columns;     /* of the current result set */
    bool done;
    bool events_marked; /* a dump's events have flags for a semi-synchronous replica */

    /* private */
    uint8_t state;
    uint8_t sequence;           /* expected next */
    bool bare;                  /* a prepare response whose definitions are left out */
    bool continued;             /* the next packet continues the payload before it */
    bool events_began;          /* the first event of a dump was seen */
    bool event_asks;            /* the one being passed asks for an acknowledgement */
    uint32_t left;              /* payload bytes still to come of a packet being passed */
    uint32_t definitions;       /* still to come in this state */
    uint32_t definitions_after; /* columns to come after parameters of a prepare response */
    uint64_t capabilities;
    enum command command;
    enum answer answer;
};

/*
 * Readies the machine for the answer to one command. For a command without an answer `done` is set
 * at once; one whose stream is not spoken here (ANSWER_ENDLESS) must not come here.
 */
void response_begin(struct response *r, const struct response_request *request);

/* The next step over the bytes at hand. Must not be called once `done` is set. */
MUST_USE struct response_step response_next(struct response *r, struct bytes in);

/*
 * After RESPONSE_LOCAL_INFILE or RESPONSE_AUTH: the client has sent its packets, the last of them
 * with this sequence id; the server's next one must follow it.
 */
void response_turn(struct response *r, uint8_t client_sequence);

/*
 * Whether all that was passed so far are whole payloads, so that a packet of one's own could
 * follow; `sequence` is then what its sequence id would have to be.
 */
MUST_USE bool response_is_between(const struct response *r, uint8_t *sequence);

/*
 * For bytes that came compressed, whose packets have numbers of no meaning (compressed.h): gives
 * those at hand the numbers that response_next expects. To be called before it, with all that was
 * not consumed; what turns out to belong to a later answer is numbered again then.
 */
void response_number(const struct response *r, uint8_t *in, size_t size);

#endif
