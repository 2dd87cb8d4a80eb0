/* Environments as text, see the header. */
#include "environment_fixture.h"

#include "proxy/client/variables.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const struct environment *set_one(struct environment_store *store,
                                         const struct environment *environment, struct bytes name,
                                         struct bytes value)
{
    int variable = variable_find(name);

    if (bytes_equal_text(name, "schema"))
        return environment_with_schema(store, environment, value);
    if (bytes_equal_text(name, "names"))
        variable = variable_names();
    if (bytes_equal_text(name, "user_variables"))
        variable = variable_user_variables();
    if (variable < 0)
        fail_msg("no variable %.*s", (int)name.size, (const char *)name.data);
    return environment_with_variable(store, environment, variable, value);
}

const struct environment *environment_from_text(struct environment_store *store, const char *text)
{
    const struct environment *environment = environment_blank(store), *next;

    while (*text) {
        size_t size = strcspn(text, ";"), name = strcspn(text, "=");

        next = set_one(store, environment, bytes_of(text, name),
                       bytes_of(text + name + 1, size - name - 1));
        assert_non_null(next);
        environment_unref(environment);
        environment = next;
        text += size;
        text += *text == ';';
    }
    return environment;
}

const char *environment_to_text(const struct environment *environment, char *text, size_t size)
{
    struct bytes value = environment_schema(environment);
    size_t at = 0;

    text[0] = 0;
    if (value.size > 0)
        at +=
            (size_t)snprintf(text, size, "schema=%.*s", (int)value.size, (const char *)value.data);
    for (size_t i = 0; i < environment_variable_count(environment) && at < size; i++) {
        int variable = environment_variable_at(environment, i, &value);

        at += (size_t)snprintf(text + at, size - at, "%s%s=%.*s", at ? ";" : "",
                               variable_at(variable)->name, (int)value.size,
                               (const char *)value.data);
    }
    return text;
}
