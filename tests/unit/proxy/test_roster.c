/*
 * Who has which number: servers and users that stay, go, and come back.
 */
#include "config_fixture.h"

#include "proxy/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static const char tail[] = "[monitor]\npassword = m\n";

static bool is_free(void *context, unsigned number)
{
    return ((const bool *)context)[number];
}

static struct roster *enrol(struct registry *registry, const char *sections,
                            const bool *free_numbers)
{
    char text[1000];
    char *messages;
    struct config *config;
    struct roster *roster;

    assert_true((size_t)snprintf(text, sizeof text, "%s%s", sections, tail) < sizeof text);
    config = config_from_text(text, &messages);
    if (config == NULL) {
        fail_msg("%s", messages);
    }
    free(messages);
    roster = registry_enrol(registry, config, NULL, is_free, (void *)(uintptr_t)free_numbers);
    config_unref(config);
    return roster;
}

#define ONE "[server db1]\naddress = 127.0.0.1\n"
#define TWO "[server db2]\naddress = 127.0.0.2\n"
#define THREE "[server db3]\naddress = 127.0.0.3\n"
#define APP "[user app]\npassword = a\n"
#define WEB "[user web]\npassword_hash = *0123456789012345678901234567890123456789\n"

static void numbers_stay_with_servers(void **state)
{
    struct registry *registry = registry_new();
    bool free_numbers[ROSTER_SERVERS] = {false};
    struct roster *first = enrol(registry, ONE TWO APP, free_numbers);
    struct roster *second;
    struct roster *third;
    struct roster *fourth;

    (void)state;
    assert_string_equal(roster_server(first, 0)->name, "db1");
    assert_string_equal(roster_server(first, 1)->name, "db2");
    assert_int_equal(first->server_count, 2);

    second = enrol(registry, THREE TWO APP, free_numbers); /* 0 is still in use */
    assert_null(roster_server(second, 0));
    assert_string_equal(roster_server(second, 1)->name, "db2");
    assert_string_equal(roster_server(second, 2)->name, "db3");
    assert_true(roster_has(second, 1, first->servers[1].generation));
    assert_false(roster_has(second, 0, first->servers[0].generation));

    free_numbers[0] = true;
    third = enrol(registry, ONE TWO THREE APP, free_numbers);
    assert_string_equal(roster_server(third, 0)->name, "db1");
    assert_false(
        roster_has(third, 0, first->servers[0].generation)); /* nothing of it is believed */
    assert_int_equal(third->server_count, 3);

    /* Another address is another server. */
    fourth = enrol(registry, "[server db1]\naddress = 127.0.0.9\n" TWO THREE APP, free_numbers);
    assert_string_equal(roster_server(fourth, 3)->name, "db1");
    assert_null(roster_server(fourth, 0));
    assert_null(roster_server(fourth, ROSTER_SERVERS));

    roster_unref(first);
    roster_unref(second);
    roster_unref(third);
    roster_unref(fourth);
    registry_free(registry);
}

static void without_a_free_number_nothing_changes(void **state)
{
    struct registry *registry = registry_new();
    bool free_numbers[ROSTER_SERVERS] = {false};
    char sections[200];

    (void)state;
    for (unsigned i = 0; i < ROSTER_SERVERS; i++) {
        struct roster *roster;

        snprintf(sections, sizeof sections, "[server s%u]\naddress = 127.0.0.1\n" APP, i);
        roster = enrol(registry, sections, free_numbers);
        assert_non_null(roster);
        assert_string_equal(roster_server(roster, i)->address.text, "127.0.0.1");
        roster_unref(roster);
    }
    assert_null(enrol(registry, "[server one_more]\naddress = 127.0.0.1\n" APP, free_numbers));
    free_numbers[5] = true;
    struct roster *roster =
        enrol(registry, "[server one_more]\naddress = 127.0.0.1\n" APP, free_numbers);
    assert_string_equal(roster_server(roster, 5)->name, "one_more");
    roster_unref(roster);
    registry_free(registry);
}

static unsigned number_of(const struct roster *roster, const char *name)
{
    const struct account *account = accounts_find(roster->accounts, name);

    assert_non_null(account);
    return account->number;
}

static void users_keep_their_accounts(void **state)
{
    struct registry *registry = registry_new();
    struct roster *first = enrol(registry, ONE APP WEB, NULL);
    unsigned web = number_of(first, "web");
    struct roster *second;
    struct roster *third;

    (void)state;
    assert_string_equal(roster_user(first, web)->name, "web");
    assert_null(accounts_find(first->accounts, "nobody"));
    second = enrol(registry, ONE APP, NULL);
    assert_null(roster_user(second, web));
    assert_string_equal(roster_user(second, number_of(first, "app"))->name, "app");
    assert_string_equal(roster_account(second, web)->name, "web");
    third = enrol(registry, ONE WEB "[user more]\npassword = x\n", NULL);
    assert_int_equal(number_of(third, "web"), web);
    assert_string_equal(roster_user(third, web)->name, "web");
    roster_unref(first);
    roster_unref(second);
    roster_unref(third);
    registry_free(registry);
}

/* Where no user is configured everybody may be one, and whoever becomes one has a number. */
static void without_users_it_is_open(void **state)
{
    struct registry *registry = registry_new();
    struct roster *closed = enrol(registry, ONE APP, NULL);
    struct roster *open = enrol(registry, ONE, NULL);
    struct account *guest = accounts_admit(open->accounts, "guest");

    (void)state;
    assert_false(closed->is_open);
    assert_true(open->is_open);
    assert_ptr_equal(accounts_admit(open->accounts, "guest"), guest);
    assert_ptr_equal(roster_account(open, guest->number), guest);
    assert_non_null(roster_user(open, guest->number));
    assert_non_null(roster_user(open, number_of(closed, "app")));
    assert_null(roster_user(closed, guest->number));
    assert_int_equal(roster_account_count(open), 2);
    for (int i = 0; i < 1000; i++) {
        char name[16];

        snprintf(name, sizeof name, "guest%d", i);
        assert_int_equal(accounts_admit(open->accounts, name)->number, i + 2);
    }
    assert_ptr_equal(accounts_find(open->accounts, "guest"), guest);
    roster_unref(closed);
    roster_unref(open);
    registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stay_with_servers),
        cmocka_unit_test(without_a_free_number_nothing_changes),
        cmocka_unit_test(users_keep_their_accounts),
        cmocka_unit_test(without_users_it_is_open),
    };

    return cmocka_run_group_tests(tests, config_folder_make, config_folder_remove);
}
