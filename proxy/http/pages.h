/*
 * What the HTTP port shows: each page looks at the program and answers with a status and a text.
 */
#ifndef TIDEMARK_PROXY_HTTP_PAGES_H
#define TIDEMARK_PROXY_HTTP_PAGES_H

#include <stddef.h>

struct program;

struct page {
    unsigned status; /* of HTTP */
    const char *content_type;
    char *text; /* owner: who asked for the page, free() */
    size_t size;
};

/* The page of a path; 404 with a text that names the paths there are. `accept` is the header of
 * that name, or NULL. Any thread but a worker's; waits about a second at most for workers. */
struct page page_make(struct program *program, const char *path, const char *accept);

/* For another method than GET and HEAD (405), and for a request with a body (413). */
struct page page_for_method(void);
struct page page_for_body(void);

#endif
