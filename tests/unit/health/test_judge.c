/*
 * Roles as rows. A cluster is written as one word per server:
 *
 *      w writable   r read_only   d down   s suspect   n never seen   D draining   X diverged
 *      c configured as replica   p configured as primary
 *      <2 replicates from server 2 (counted from 0)   >2 the same with both threads stopped
 *      f by log file and offset   u has not applied all it received   l lost its place for good
 *      a known by address only (no UUID)   q not in a quorum   h replication hidden from us
 *
 * and the answer as one letter per server: P primary, R replica, ? neither; ! means not usable.
 */
#include "health/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SERVERS_MAX = 5 };

struct row {
    int incumbent;
    const char *cluster;
    const char *answer;
};

static const struct row rows[] = {
    /* the usual */
    {-1, "w r<0 r<0", "P R R"},
    {0, "w r<0 r<0", "P R R"},
    {-1, "w", "P"},
    {-1, "r<1 w r<1", "R P R"},
    {-1, "w r>0 r<0", "P R R"}, /* also while its threads are stopped */
    {-1, "w r<0f r<0f", "P R R"},
    {-1, "w r<0a r<0a", "P R R"},
    {-1, "w r<0l r<0", "P R! R"},
    {-1, "w rD<0 rX<0", "P R! R!"},
    {-1, "wD r<0", "P! R"},
    {-1, "w wc<0", "P R"}, /* a replica by configuration need not be read_only */
    {-1, "w w<0", "P ?!"}, /* by itself it must be */
    {-1, "w r", "P ?!"},   /* read_only without a source */
    {-1, "w rh", "P ?!"},
    {-1, "n n", "?! ?!"},
    {-1, "n r<0", "?! R"}, /* nothing known of db0 yet: its replicas serve who needs no horizon */
    {-1, "wp r<0", "P R"},
    {-1, "rp w", "?! P"},

    /* chains */
    {-1, "w r<0 r<1", "P R R"},
    {-1, "w r<0 r<1f", "P R ?!"}, /* offsets of another log cannot be compared */
    {-1, "w r<2 r<1", "P ?! ?!"}, /* a circle that does not reach the primary */
    {-1, "w r<1", "P ?!"},
    {-1, "w r<4 r<0", "P ?! R"}, /* a source that nobody knows */

    /* down and suspect */
    {0, "wd r<0 r<0", "?! R R"},
    {0, "ws r<0 r<0", "P R R"},
    {0, "w rs<0 rd<0", "P R! R!"},
    {0, "wd rd<0", "?! R!"},

    /* failover: db1 was promoted */
    {0, "wd w r<1", "?! P R"},
    {0, "wd w r<0", "?! P ?!"}, /* db2 still follows the old one */
    {0, "r w r<1", "?! P R"},
    {0, "r<1 w r<1", "R P R"},     /* a planned exchange */
    {0, "wd w>0 r<1", "?! P R"},   /* its source is still configured */
    {0, "wd w<0 r<1", "?! ?! R"},  /* it still replicates: not yet */
    {0, "wd w>0u r<1", "?! ?! R"}, /* ... and has not applied all it received */
    {0, "wd wq r<1", "?! ?! ?!"},

    /* two writable servers */
    {-1, "w w", "?! ?!"},
    {0, "w w r<0", "P ?! R"},
    {1, "w w r<1", "?! P R"}, /* the old one came back */
    {1, "w wd r<1", "P ?! ?!"},
    {2, "w w wd", "?! ?! ?!"},
    {-1, "wp w", "P ?!"}, /* the configuration decides at the start, */
    {1, "wp w", "?! P"},  /* not against an incumbent */
    {-1, "wp wp", "?! ?!"},
    {-1, "wc w", "?! P"},
    {0, "w<1 w<0", "P ?!"}, /* a ring of two: the incumbent stays */
    {-1, "w<1 w<0", "?! ?!"},
};

struct scene {
    char names[SERVERS_MAX][8];
    struct look looks[SERVERS_MAX];
    struct member members[SERVERS_MAX];
    size_t count;
};

static struct position gtid(const char *text)
{
    struct position p;

    assert_true(position_parse(POSITION_MARIADB_GTID, text, strlen(text), &p));
    return p;
}

static void add_source(struct look *look, int from, bool running)
{
    struct source *s = &look->sources[look->source_count++];

    snprintf(s->uuid, sizeof(s->uuid), "uuid-%d", from);
    snprintf(s->host, sizeof(s->host), "127.0.0.1");
    s->port = 3300 + (unsigned)from;
    s->io_running = running;
    s->sql_running = running;
    s->uses_gtid = true;
}

static void apply_letter(struct member *m, struct look *look, char c)
{
    struct source *s = look->source_count ? &look->sources[look->source_count - 1] : NULL;

    look->read_only = look->read_only || c == 'r';
    look->in_quorum = look->in_quorum && c != 'q';
    look->sources_known = look->sources_known && c != 'h';
    m->draining = m->draining || c == 'D';
    m->diverged = m->diverged || c == 'X';
    if (c == 'd' || c == 's')
        m->state = c == 'd' ? STATE_DOWN : STATE_SUSPECT;
    if (c == 'c' || c == 'p')
        m->configured = c == 'c' ? CONFIGURED_REPLICA : CONFIGURED_PRIMARY;
    if (c == 'n') {
        m->look = NULL;
        m->state = STATE_DOWN;
    }
    if (!s)
        return;
    s->uses_gtid = s->uses_gtid && c != 'f';
    s->lost = s->lost || c == 'l';
    if (c == 'a')
        s->uuid[0] = 0;
    if (c == 'u') {
        s->applied = gtid("0-1-5");
        s->received = gtid("0-1-6");
    }
}

static void set_scene(struct scene *scene, const char *text)
{
    memset(scene, 0, sizeof(*scene));
    while (*text) {
        size_t i = scene->count++;
        struct member *m = &scene->members[i];
        struct look *look = &scene->looks[i];

        snprintf(scene->names[i], sizeof(scene->names[i]), "db%zu", i);
        snprintf(look->uuid, sizeof(look->uuid), "uuid-%zu", i);
        look->id = i + 1;
        look->in_quorum = true;
        look->sources_known = true;
        *m = (struct member){.name = scene->names[i], .host = "localhost", .look = look};
        m->port = 3300 + (unsigned)i;
        for (; *text && *text != ' '; text++) {
            if (*text == '<' || *text == '>') {
                add_source(look, text[1] - '0', *text == '<');
                text++;
            } else {
                apply_letter(m, look, *text);
            }
        }
        text += *text == ' ';
    }
}

static void write_answer(const struct scene *scene, const struct judgement *judged, int primary,
                         char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < scene->count; i++) {
        const struct judgement *j = &judged[i];
        char role = j->role == ROLE_PRIMARY ? 'P' : j->role == ROLE_REPLICA ? 'R' : '?';
        used += (size_t)snprintf(out + used, size - used, "%s%c%s", i ? " " : "", role,
                                 j->usable ? "" : "!");
        assert_int_equal(j->role == ROLE_PRIMARY, primary == (int)i);
        assert_int_equal(j->usable, j->why_not[0] == 0); /* never without a reason */
        assert_int_equal(j->role == ROLE_REPLICA, j->source >= 0);
    }
}

static void test_roles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static struct scene scene;
        struct judgement judged[SERVERS_MAX];
        char answer[80];
        char why[LOOK_WHY_MAX + 1];

        set_scene(&scene, rows[i].cluster);
        int primary = judge(scene.members, scene.count, rows[i].incumbent, judged, why);
        write_answer(&scene, judged, primary, answer, sizeof(answer));
        if (strcmp(answer, rows[i].answer) != 0)
            fail_msg("incumbent %d, \"%s\": expected %s, got %s", rows[i].incumbent,
                     rows[i].cluster, rows[i].answer, answer);
        assert_int_equal(primary < 0, why[0] != 0);
        for (size_t k = 0; k < scene.count; k++)
            look_dispose(&scene.looks[k]);
    }
}

static void test_ambiguity_is_named(void **state)
{
    static struct scene scene;
    struct judgement judged[SERVERS_MAX];
    char why[LOOK_WHY_MAX + 1];

    (void)state;
    set_scene(&scene, "w r<0 w");
    assert_int_equal(judge(scene.members, scene.count, -1, judged, why), -1);
    assert_string_equal(why, "several servers are writable: db0, db2");
}

/* MariaDB reports no UUID of its source; the server id serves, unless two servers share it. */
static void test_ids(void **state)
{
    static struct scene scene;
    struct judgement judged[SERVERS_MAX];

    (void)state;
    set_scene(&scene, "w r<0a r");
    scene.looks[1].sources[0].port = 1;
    scene.looks[1].sources[0].id = 1;
    judge(scene.members, scene.count, -1, judged, NULL);
    assert_int_equal(judged[1].role, ROLE_REPLICA);
    scene.looks[2].id = 1;
    judge(scene.members, scene.count, -1, judged, NULL);
    assert_int_equal(judged[1].role, ROLE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_ambiguity_is_named),
        cmocka_unit_test(test_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
