/*
 * Numbers of compressed packets, as text: what came and what went.
 */
#include "proxy/packet_numbers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

/* ---- towards a client ---- */

static void answers_follow_their_command(void **state)
{
    struct answer_numbers n = {0};

    (void)state;
    assert_true(answer_numbers_came(&n, 0, 0));
    assert_int_equal(answer_numbers_next(&n, 10), 1);
    assert_int_equal(answer_numbers_next(&n, 10), 2);
    assert_true(answer_numbers_came(&n, 3, 10)); /* a file that was asked for */
    assert_true(answer_numbers_came(&n, 4, 20));
    assert_int_equal(answer_numbers_next(&n, 30), 5);
    assert_true(answer_numbers_came(&n, 0, 30)); /* the next command, of three packets */
    assert_true(answer_numbers_came(&n, 1, 40));
    assert_true(answer_numbers_came(&n, 2, 50));
    assert_int_equal(answer_numbers_next(&n, 60), 3);
}

static void others_are_out_of_order(void **state)
{
    struct answer_numbers n = {0};

    (void)state;
    assert_false(answer_numbers_came(&n, 1, 0));
    assert_true(answer_numbers_came(&n, 0, 0));
    assert_false(answer_numbers_came(&n, 2, 5));
    assert_int_equal(answer_numbers_next(&n, 5), 1);
    assert_false(answer_numbers_came(&n, 1, 5));
}

static void long_answers_wrap(void **state)
{
    struct answer_numbers n = {0};

    (void)state;
    assert_true(answer_numbers_came(&n, 0, 0));
    for (unsigned i = 1; i < 600; i++) {
        assert_int_equal(answer_numbers_next(&n, 5), i % 256);
    }
    assert_true(answer_numbers_came(&n, 0, 5));
    assert_int_equal(answer_numbers_next(&n, 10), 1);
    for (unsigned i = 2; i < 256; i++) {
        assert_int_equal(answer_numbers_next(&n, 10), i % 256);
    }
    assert_true(answer_numbers_came(&n, 0, 10)); /* either way to read it gives 1 */
    assert_int_equal(answer_numbers_next(&n, 15), 1);
}

/* Commands that came together are answered one after the other, each from its own number. */
static void commands_sent_at_once(void **state)
{
    struct answer_numbers n = {0};

    (void)state;
    assert_true(answer_numbers_came(&n, 0, 0));
    assert_true(answer_numbers_came(&n, 0, 10));
    assert_true(answer_numbers_came(&n, 1, 20));
    assert_true(answer_numbers_came(&n, 0, 30));
    assert_int_equal(answer_numbers_next(&n, 10), 1);
    assert_int_equal(answer_numbers_next(&n, 10), 2);
    assert_int_equal(answer_numbers_next(&n, 30), 2);
    assert_int_equal(answer_numbers_next(&n, 35), 1);
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(answer_numbers_came(&n, 0, 100 + i)); /* more than are told apart */
    }
    assert_int_equal(answer_numbers_next(&n, 1000), 1);
}

/* ---- towards a server ---- */

static size_t put(uint8_t *at, uint32_t length, uint8_t sequence)
{
    frame_write(at, (struct frame){length, sequence});
    memset(at + FRAME_HEAD_SIZE, 'x', length);
    return FRAME_HEAD_SIZE + length;
}

static void each_command_has_a_packet(void **state)
{
    struct command_numbers n;
    uint8_t wire[100];
    uint8_t sequence = 99;
    size_t size = put(wire, 5, 0);

    (void)state;
    command_numbers_init(&n);
    size += put(wire + size, 8, 0);
    size += put(wire + size, 3, 0);
    assert_int_equal(command_numbers_take(&n, bytes_of(wire, size), &sequence), 9);
    assert_int_equal(sequence, 0);
    sequence = 99;
    assert_int_equal(command_numbers_take(&n, bytes_of(wire + 9, size - 9), &sequence), 12);
    assert_int_equal(sequence, 0);
    sequence = 99;
    assert_int_equal(command_numbers_take(&n, bytes_of(wire + 21, 7), &sequence), 7);
    assert_int_equal(sequence, 0);
    assert_int_equal(command_numbers_take(&n, bytes_of(wire, 0), &sequence), 0);
}

static void long_commands_go_on(void **state)
{
    struct command_numbers n;
    uint8_t wire[100];
    uint8_t sequence = 99;
    size_t size = put(wire, 20, 0);

    (void)state;
    command_numbers_init(&n);
    size += put(wire + size, 6, 1);
    assert_int_equal(command_numbers_take(&n, bytes_of(wire, 10), &sequence), 10);
    assert_int_equal(sequence, 0);
    /* The second ordinary packet's head comes in part: the part waits. */
    assert_int_equal(command_numbers_take(&n, bytes_of(wire + 10, 16), &sequence), 14);
    assert_int_equal(sequence, 1);
    assert_int_equal(command_numbers_take(&n, bytes_of(wire + 24, 2), &sequence), 0);
    assert_int_equal(command_numbers_take(&n, bytes_of(wire + 24, size - 24), &sequence), 10);
    assert_int_equal(sequence, 2);
}

/* The server asks for a file; what is sent then follows what it said, even past 255. */
static void files_follow_the_request(void **state)
{
    struct command_numbers n;
    uint8_t wire[100];
    uint8_t sequence = 99;

    (void)state;
    command_numbers_init(&n);
    (void)command_numbers_take(&n, bytes_of(wire, put(wire, 20, 0)), &sequence);
    command_numbers_came(&n, 1);
    for (unsigned i = 2; i < 700; i++) {
        size_t size = put(wire, 3, (uint8_t)i);

        assert_int_equal(command_numbers_take(&n, bytes_of(wire, size), &sequence), size);
        assert_int_equal(sequence, i % 256);
    }
    (void)command_numbers_take(&n, bytes_of(wire, put(wire, 0, (uint8_t)700)), &sequence);
    assert_int_equal(sequence, 700 % 256);
    (void)command_numbers_take(&n, bytes_of(wire, put(wire, 9, 0)), &sequence);
    assert_int_equal(sequence, 0);
}

/* A file's last, empty packet may be numbered 255: a command follows it. */
static void a_file_that_ends_at_255(void **state)
{
    struct command_numbers n;
    uint8_t wire[100];
    uint8_t sequence = 99;

    (void)state;
    command_numbers_init(&n);
    (void)command_numbers_take(&n, bytes_of(wire, put(wire, 20, 0)), &sequence);
    command_numbers_came(&n, 7); /* not that of the ordinary packet */
    for (unsigned i = 2; i < 255; i++) {
        (void)command_numbers_take(&n, bytes_of(wire, put(wire, 3, (uint8_t)i)), &sequence);
        assert_int_equal(sequence, (i + 6) % 256);
    }
    (void)command_numbers_take(&n, bytes_of(wire, put(wire, 0, 255)), &sequence);
    assert_int_equal(sequence, (255 + 6) % 256);
    (void)command_numbers_take(&n, bytes_of(wire, put(wire, 3, 0)), &sequence);
    assert_int_equal(sequence, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_follow_their_command),
        cmocka_unit_test(others_are_out_of_order),
        cmocka_unit_test(long_answers_wrap),
        cmocka_unit_test(commands_sent_at_once),
        cmocka_unit_test(each_command_has_a_packet),
        cmocka_unit_test(long_commands_go_on),
        cmocka_unit_test(files_follow_the_request),
        cmocka_unit_test(a_file_that_ends_at_255),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
