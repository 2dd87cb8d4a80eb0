/*
 * The pages. See pages.h.
 */
#include "proxy/http/pages.h"

#include "health/topology.h"
#include "proxy/http/exposition.h"
#include "proxy/inquiry.h"
#include "proxy/metrics.h"
#include "proxy/program.h"
#include "proxy/readiness.h"
#include "proxy/roster.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A worker that has not answered after this hangs. Its longest event takes milliseconds. */
enum { PATIENCE_MS = 1000 };

static const char paths[] = "/livez    200 while the process and its workers answer\n"
                            "/readyz   200 while clients can be served\n"
                            "/metrics  figures for Prometheus\n";

static FILE *open_page(struct page *page, unsigned status)
{
    FILE *to;

    *page = (struct page){.status = status, .content_type = "text/plain; charset=utf-8"};
    to = open_memstream(&page->text, &page->size);
    if (to == NULL) {
        abort(); /* no memory, as in proxy/memory.c */
    }
    return to;
}

static void close_page(FILE *to)
{
    if (fclose(to) != 0) {
        abort();
    }
}

static struct page sentence(unsigned status, const char *what)
{
    struct page page;
    FILE *to = open_page(&page, status);

    fprintf(to, "%s\n\n%s", what, paths);
    close_page(to);
    return page;
}

/* ---- /livez ---- */

static bool answer(struct worker *worker, void *state)
{
    (void)worker;
    *(bool *)state = true;
    return true;
}

static struct page show_liveness(struct program *program, const char *accept)
{
    struct page page;
    struct inquiry *inquiry =
        inquiry_begin(program->workers, program->worker_count, answer, sizeof(bool), NULL);
    bool all_answer = inquiry_wait(inquiry, PATIENCE_MS);
    FILE *to = open_page(&page, all_answer ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE);

    (void)accept;
    fprintf(to, all_answer ? "alive\n" : "not alive\n");
    for (size_t i = 0; i < program->worker_count; i++) {
        if (inquiry_state(inquiry, i) == NULL) {
            fprintf(to, "worker %zu does not answer (waited %d ms)\n", i, PATIENCE_MS);
        }
    }
    inquiry_end(inquiry);
    close_page(to);
    return page;
}

/* ---- /readyz ---- */

static void print_server(FILE *to, const struct server_info *server)
{
    fprintf(to, "%s: %s, %s, %s%s\n", server->name, server_role_name(server->role),
            server_state_name(server->state),
            server->usable ? "usable" : "not usable: ", server->usable ? "" : server->why_not);
}

static struct page show_readiness(struct program *program, const char *accept)
{
    struct page page;
    struct process *process = program->process;
    struct roster *roster = process->roster(process);
    struct topology *topology = process->topology(process);
    struct readiness readiness =
        readiness_of(topology, (enum config_ready)roster->config->proxy.ready,
                     roster->config->consistency.max_lag_ms, atomic_load(&program->draining));
    FILE *to = open_page(&page, readiness.is_ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE);

    (void)accept;
    fprintf(to, "%s: %s\n", readiness.is_ready ? "ready" : "not ready", readiness.why);
    for (size_t i = 0; topology != NULL && i < topology->count; i++) {
        if (topology->servers[i].name != NULL) {
            print_server(to, &topology->servers[i]);
        }
    }
    close_page(to);
    topology_unref(topology);
    roster_unref(roster);
    return page;
}

/* ---- /metrics ---- */

static struct page show_metrics(struct program *program, const char *accept)
{
    enum exposition exposition = exposition_for(accept);
    struct metrics *metrics = metrics_collect(program, PATIENCE_MS);
    struct page page = {.status = MHD_HTTP_OK, .content_type = exposition_content_type(exposition)};

    page.text = exposition_print(metrics, exposition, &page.size);
    metrics_free(metrics);
    return page;
}

/* ---- all of them ---- */

struct page page_make(struct program *program, const char *path, const char *accept)
{
    static const struct {
        const char *path;
        struct page (*show)(struct program *program, const char *accept);
    } pages[] = {
        {"/livez", show_liveness},
        {"/readyz", show_readiness},
        {"/metrics", show_metrics},
    };

    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(pages[i].path, path) == 0) {
            return pages[i].show(program, accept);
        }
    }
    return sentence(MHD_HTTP_NOT_FOUND, "There is no such page here. There are:");
}

struct page page_for_method(void)
{
    return sentence(MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD are served here, of:");
}

struct page page_for_body(void)
{
    return sentence(MHD_HTTP_CONTENT_TOO_LARGE,
                    "A request with a body is not served here. There are:");
}
