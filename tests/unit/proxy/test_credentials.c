/*
 * What is kept of passwords, and the memory it is in.
 */
#include "proxy/credentials.h"
#include "proxy/locked.h"
#include "proxy/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The flags of the mapping that holds the address, as /proc/self/smaps has them. */
static void flags_at(const void *address, char flags[400])
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    bool is_here = false;
    char line[400];

    flags[0] = 0;
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;

        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            is_here = (uintptr_t)address >= from && (uintptr_t)address < to;
        } else if (is_here && strncmp(line, "VmFlags:", 8) == 0) {
            snprintf(flags, 400, "%s", line);
        }
    }
    fclose(maps);
}

static void pieces_are_left_out_of_dumps(void **state)
{
    static const size_t sizes[] = {1, 64, 65, 320, 321, LOCKED_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *piece = locked_alloc(sizes[i]);
        char flags[400];

        flags_at(piece, flags);
        assert_non_null(strstr(flags, " dd ")); /* do not dump */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        /* The sanitizers lock nothing. */
        assert_true(!locked_is_held() || strstr(flags, " lo ") != NULL);
#endif
        assert_true(locked_has(piece));
        assert_true(locked_has(piece + sizes[i] - 1));
        memset(piece, 'x', sizes[i]);
        locked_free(piece);
        for (size_t at = sizeof(void *); at < sizes[i]; at++) {
            assert_int_equal(piece[at], 0); /* it is in a list of free ones by now */
        }
    }
    assert_false(locked_has(&state));
    locked_free(NULL);
}

static void pieces_do_not_overlap(void **state)
{
    uint8_t *pieces[500];

    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        pieces[i] = locked_alloc(i);
        memset(pieces[i], (int)(i % 251), i);
    }
    for (unsigned i = 0; i < 500; i++) {
        for (unsigned at = 0; at < i; at++) {
            assert_int_equal(pieces[i][at], i % 251);
        }
        locked_free(pieces[i]);
    }
}

static void texts_of_secrets(void **state)
{
    static char longer[LOCKED_MAX + 10];
    char *text = mem_secret("a secret");

    (void)state;
    assert_true(locked_has(text));
    assert_string_equal(text, "a secret");
    mem_free_secret(text);
    memset(longer, 'x', sizeof longer - 1);
    text = mem_secret(longer);
    assert_string_equal(text, longer);
    mem_free_secret(text);
    text = mem_text("from elsewhere");
    mem_free_secret(text);
}

static void a_refused_secret_is_gone(void **state)
{
    struct secret *one = secret_new(CREDENTIAL_PASSWORD, bytes_of_text("one"));
    struct secret *same = secret_new(CREDENTIAL_PASSWORD, bytes_of_text("one"));
    struct secret *two = secret_new(CREDENTIAL_PASSWORD, bytes_of_text("two"));
    const struct account_rules rules = {.looked_ns = 5, .wants_tls = true};
    struct secret_keeping keeping;
    struct kept kept;

    (void)state;
    keeping_init(&keeping);
    kept = keeping_get(&keeping, "");
    assert_null(kept.secret);
    assert_int_equal(kept.generation, 0);
    keeping_put(&keeping, "", one, 10, rules);
    keeping_put(&keeping, "", same, 20, rules); /* no other: its connections stay */
    kept = keeping_get(&keeping, "");
    assert_true(secret_equal(kept.secret, one));
    assert_int_equal(kept.checked_ns, 20);
    assert_int_equal(kept.generation, 1);
    assert_true(kept.rules.wants_tls);
    assert_int_equal(secret_credential(kept.secret).kind, CREDENTIAL_PASSWORD);
    secret_unref(kept.secret);
    assert_null(keeping_get(&keeping, "*a hash").secret);

    keeping_put(&keeping, "", two, 30, rules);
    keeping_refuse(&keeping, one); /* it is not there any more */
    assert_false(atomic_load(&keeping.is_refused));
    keeping_refuse(&keeping, two);
    assert_true(atomic_load(&keeping.is_refused));
    kept = keeping_get(&keeping, "");
    assert_null(kept.secret);
    assert_int_equal(kept.generation, 3);
    keeping_put(&keeping, "", one, 40, rules);
    assert_false(atomic_load(&keeping.is_refused));
    keeping_dispose(&keeping);
    secret_unref(one);
    secret_unref(same);
    secret_unref(two);
    secret_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_left_out_of_dumps),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(texts_of_secrets),
        cmocka_unit_test(a_refused_secret_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
