/*
 * Servers that answer everything by themselves: one small table of numbers on a primary and its
 * replicas, and what each connection has set. A test of random interleavings runs its clients
 * against it, and knows what each answer must be.
 *
 *     INSERT INTO shop.t VALUES (id, number)         on the primary; in a transaction at its COMMIT
 *     SELECT a FROM shop.t WHERE id = n               the number; also prepared, with `?`
 *     SELECT n                                        n
 *     SELECT a AS schema_of FROM shop.t               the connection's schema
 *     SELECT a AS zone_of FROM shop.t                 the connection's time zone
 *     SET time_zone='x', BEGIN, COMMIT
 *     XA START 'x', END, PREPARE, COMMIT              as MariaDB has them: see reset() in model.c
 *     EXECUTE with a cursor, FETCH                    one cursor per connection, of one row
 *     FIELD_LIST                                      one column
 */
#ifndef TIDEMARK_TESTS_WIRE_MODEL_H
#define TIDEMARK_TESTS_WIRE_MODEL_H

#include "server.h"
#include "world.h"

enum { MODEL_IDS = 512 };

struct model {
    unsigned primary[MODEL_IDS];
    unsigned replica[MODEL_IDS];
};

/* From now on the servers answer by themselves, from the model. */
void model_begin(struct world *world, struct model *model);

/* All replicas get everything, and their horizon is the moment before. */
void model_replicate(struct world *world);

#endif
