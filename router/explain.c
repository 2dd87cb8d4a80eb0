#include "router/explain.h"

#include "router/classify.h"
#include "router/digest.h"
#include "router/route.h"

#include <stdio.h>

size_t explain(struct bytes sql, const struct lexer_mode *mode, char *text, size_t size)
{
    const struct session_view fresh = {.autocommit = true};
    const struct policy policy = {.consistency = CONSISTENCY_SESSION};
    char digest_hex[DIGEST_HEX], pins[256];
    struct statement statement;
    struct route result;
    int length;

    classify(sql, false, mode, &statement);
    result = route(&statement, &fresh, &policy, 1);
    digest_print(statement.digest, digest_hex);
    pins_print(statement.pins, pins, sizeof pins);
    length = snprintf(text, size, "class: %s\ndigest: %s\npins: %s\ntarget: %s\nwhy: %s\n\n",
                      statement_class_name(statement.class), digest_hex, pins,
                      target_name(result.target), result.why);
    if (length < 0)
        return 0;
    return (size_t)length < size ? (size_t)length : size - 1;
}
