/*
 * Reading a view's definition as information_schema prints it: every name in backquotes, tables as
 * `schema`.`name`, stored functions as `schema`.`name`(, built-in functions bare, strings in single
 * quotes.
 */
#ifndef HEALTH_VIEW_TEXT_H
#define HEALTH_VIEW_TEXT_H

#include "protocol/bytes.h"

#include <stdbool.h>

/* True when a stored function is called in it, by the form above: a quoted name and a parenthesis.
 */
bool view_text_calls_stored(struct bytes definition);

/* True when one of `names` (NULL-ended) is called in it, bare, without regard to case. */
bool view_text_calls_any(struct bytes definition, const char *const *names);

/*
 * The next pair `a`.`b` at or after *at (an offset, moved on), which may be a table, or a table and
 * a column. Names are slices of the definition in which a backquote is doubled; false: no more.
 */
bool view_text_next_pair(struct bytes definition, size_t *at, struct bytes *schema,
                         struct bytes *name);

#endif
