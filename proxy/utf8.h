/*
 * UTF-8 (RFC 3629).
 */
#ifndef TIDEMARK_PROXY_UTF8_H
#define TIDEMARK_PROXY_UTF8_H

#include "protocol/bytes.h"

#include <stddef.h>

/* Length of the character at the front of a text that is not empty, 0 when there is none. */
size_t utf8_size(struct bytes text);

#endif
