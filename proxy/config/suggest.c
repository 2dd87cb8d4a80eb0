/*
 * See suggest.h. Distance is the number of letters to insert, delete, replace or swap with their
 * neighbour, upper and lower case being the same.
 */
#include "proxy/config/suggest.h"

#include <ctype.h>
#include <string.h>

enum { WORD_MAX = 80, FAR = 1000 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* rows[i][j]: the cost of turning the first i letters of a into the first j of b; only the last
 * three rows are kept. */
static size_t distance_between(const char *a, const char *b)
{
    size_t a_size = strlen(a), b_size = strlen(b);
    size_t rows[3][WORD_MAX + 1];

    if (a_size > WORD_MAX || b_size > WORD_MAX) {
        return FAR;
    }
    for (size_t j = 0; j <= b_size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replace = above[j - 1] + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1);

            row[j] = least(replace, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                same_letter(a[i - 2], b[j - 1])) {
                row[j] = least(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_size % 3][b_size];
}

struct suggestion suggestion_for(const char *typed)
{
    size_t size = strlen(typed);

    /* Near enough: a third of the letters, at least one. */
    return (struct suggestion){.typed = typed, .distance = (size < 6 ? 1 : size / 3) + 1};
}

void suggestion_offer(struct suggestion *suggestion, const char *word)
{
    size_t distance = distance_between(suggestion->typed, word);

    if (distance < suggestion->distance) {
        suggestion->distance = distance;
        suggestion->best = word;
    }
}
