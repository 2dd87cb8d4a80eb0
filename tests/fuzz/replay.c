/*
 * The main program of fuzz drivers without libFuzzer: each file named on the command line is given
 * to the driver whole, cut at every length, and in a few hundred altered copies. So the drivers are
 * plain regression tests with any compiler.
 *
 * Every input lies in an allocation of exactly its size, so that a sanitizer sees the first byte
 * read past its end. The alterations come from a fixed seed: a failure repeats.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT = 1 << 20, MAX_CUTS = 4096, ALTERED_COPIES = 256 };

static unsigned long inputs;

static void give(const uint8_t *data, size_t size)
{
    /* One byte for nothing: malloc(0) may answer NULL. */
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    inputs++;
}

static uint32_t next_random(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* Alters one to four bytes: a flipped bit, a random value, or one of the values lengths turn at. */
static void give_altered(uint8_t *data, size_t size, uint32_t *random)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};
    uint8_t saved[4];
    size_t at[4];
    size_t count = 1 + next_random(random) % 4;

    for (size_t i = 0; i < count; i++) {
        at[i] = next_random(random) % size;
        saved[i] = data[at[i]];
        switch (next_random(random) % 3) {
        case 0:
            data[at[i]] ^= (uint8_t)(1u << (next_random(random) % 8));
            break;
        case 1:
            data[at[i]] = (uint8_t)next_random(random);
            break;
        default:
            data[at[i]] = edges[next_random(random) % sizeof(edges)];
            break;
        }
    }
    give(data, size);
    while (count-- > 0)
        data[at[count]] = saved[count];
}

static void replay(uint8_t *data, size_t size)
{
    uint32_t random = 2463534242u;

    give(data, size);
    for (size_t cut = 0; cut < size && cut < MAX_CUTS; cut++)
        give(data, cut);
    for (int i = 0; size > 0 && i < ALTERED_COPIES; i++)
        give_altered(data, size, &random);
}

int main(int argc, char **argv)
{
    uint8_t *data = malloc(MAX_INPUT);

    if (data == NULL)
        abort();
    replay(data, 0);
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");

        if (file == NULL) {
            perror(argv[i]);
            free(data);
            return 1;
        }
        replay(data, fread(data, 1, MAX_INPUT, file));
        fclose(file);
    }
    free(data);
    printf("%d files, %lu inputs\n", argc - 1, inputs);
    return 0;
}
