/*
 * Access to result sets without trusting their shape: a server that answers with fewer columns than
 * expected gives empty fields.
 */
#include "health/answer.h"

#include "health/scan.h"

#include <string.h>
#include <strings.h>

struct answer answer_over(MYSQL_RES *result)
{
    return (struct answer){.result = result, .columns = result ? mysql_num_fields(result) : 0};
}

void answer_dispose(struct answer *answer)
{
    if (answer->result)
        mysql_free_result(answer->result);
    *answer = (struct answer){0};
}

bool answer_next(struct answer *answer)
{
    answer->row = answer->result ? mysql_fetch_row(answer->result) : NULL;
    answer->sizes = answer->row ? mysql_fetch_lengths(answer->result) : NULL;
    return answer->row != NULL;
}

struct bytes answer_at(const struct answer *answer, unsigned column)
{
    if (!answer->row || column >= answer->columns || !answer->row[column])
        return bytes_of("", 0);
    return bytes_of(answer->row[column], answer->sizes[column]);
}

struct bytes answer_named(const struct answer *answer, const char *name, const char *older_name)
{
    MYSQL_FIELD *fields = answer->result ? mysql_fetch_fields(answer->result) : NULL;

    for (unsigned i = 0; fields && i < answer->columns; i++) {
        if (strcasecmp(fields[i].name, name) == 0 ||
            (older_name && strcasecmp(fields[i].name, older_name) == 0))
            return answer_at(answer, i);
    }
    return bytes_of("", 0);
}

static uint64_t number_of(struct bytes field)
{
    struct scan s = scan_over((const char *)field.data, field.size);
    uint64_t n = 0;

    return scan_number(&s, UINT64_MAX, &n) && scan_is_done(&s) ? n : 0;
}

uint64_t answer_number_at(const struct answer *answer, unsigned column)
{
    return number_of(answer_at(answer, column));
}

uint64_t answer_number_named(const struct answer *answer, const char *name, const char *older_name)
{
    return number_of(answer_named(answer, name, older_name));
}

void answer_copy(struct bytes field, char *out, size_t size)
{
    struct bytes part = bytes_first(field, size - 1);

    if (part.size)
        memcpy(out, part.data, part.size);
    out[part.size] = 0;
}
