/*
 * See packer.h.
 */
#include "protocol/packer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

struct packer {
    z_stream zlib;
    unsigned zlib_level; /* 0: not ready yet */
    ZSTD_CCtx *zstd;     /* owner; NULL: not needed yet */
    uint8_t *packet;     /* owner; NULL: not needed yet */
};

static void *or_die(void *memory)
{
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

struct packer *packer_new(void)
{
    return or_die(calloc(1, sizeof(struct packer)));
}

void packer_free(struct packer *packer)
{
    if (packer == NULL) {
        return;
    }
    if (packer->zlib_level != 0) {
        deflateEnd(&packer->zlib);
    }
    ZSTD_freeCCtx(packer->zstd);
    free(packer->packet);
    free(packer);
}

static bool zlib_is_ready(struct packer *packer, unsigned level)
{
    if (packer->zlib_level == 0) {
        if (deflateInit(&packer->zlib, (int)level) != Z_OK) {
            return false;
        }
    } else if (deflateReset(&packer->zlib) != Z_OK ||
               (packer->zlib_level != level &&
                deflateParams(&packer->zlib, (int)level, Z_DEFAULT_STRATEGY) != Z_OK)) {
        return false;
    }
    packer->zlib_level = level;
    return true;
}

/* Answers how many bytes it became; 0: not less than before. */
static size_t deflate_all(struct packer *packer, unsigned level, struct bytes plain, uint8_t *out)
{
    z_stream *zlib = &packer->zlib;

    if (!zlib_is_ready(packer, level)) {
        return 0;
    }
    zlib->next_in = (z_const Bytef *)(uintptr_t)plain.data;
    zlib->avail_in = (uInt)plain.size;
    zlib->next_out = out;
    zlib->avail_out = (uInt)plain.size - 1;
    if (deflate(zlib, Z_FINISH) != Z_STREAM_END) {
        return 0;
    }
    return plain.size - 1 - zlib->avail_out;
}

static size_t zstd_all(struct packer *packer, unsigned level, struct bytes plain, uint8_t *out)
{
    size_t size;

    if (packer->zstd == NULL) {
        packer->zstd = or_die(ZSTD_createCCtx());
    }
    size = ZSTD_compressCCtx(packer->zstd, out, plain.size - 1, plain.data, plain.size, (int)level);
    return ZSTD_isError(size) ? 0 : size;
}

struct bytes packer_pack(struct packer *packer, enum compression compression, unsigned level,
                         struct bytes plain, uint8_t sequence)
{
    struct compressed_head head = {.sequence = sequence};
    uint8_t *payload;

    assert(plain.size <= PACKER_BYTES);
    if (packer->packet == NULL) {
        packer->packet = or_die(malloc(COMPRESSED_HEAD_SIZE + PACKER_BYTES));
    }
    payload = packer->packet + COMPRESSED_HEAD_SIZE;
    if (plain.size >= COMPRESSED_FROM) {
        head.size = (uint32_t)(compression == COMPRESSION_ZSTD
                                   ? zstd_all(packer, level, plain, payload)
                                   : deflate_all(packer, level, plain, payload));
    }
    if (head.size > 0) {
        head.plain_size = (uint32_t)plain.size;
    } else {
        head.size = (uint32_t)plain.size;
        if (plain.size > 0) {
            memcpy(payload, plain.data, plain.size);
        }
    }
    compressed_head_write(packer->packet, head);
    return (struct bytes){packer->packet, COMPRESSED_HEAD_SIZE + head.size};
}
