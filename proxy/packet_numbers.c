/*
 * See packet_numbers.h.
 */
#include "proxy/packet_numbers.h"

#include <string.h>

bool answer_numbers_came(struct answer_numbers *numbers, uint8_t sequence, uint64_t at)
{
    unsigned count = numbers->count;

    if (count > 0 && sequence == numbers->commands[count - 1].next) {
        numbers->commands[count - 1].next++;
        return true;
    }
    if (sequence != 0) {
        return false;
    }
    if (count == ANSWER_NUMBERS_COMMANDS) {
        count--;
    } else {
        numbers->commands[count].begins = at;
    }
    numbers->commands[count].next = 1;
    numbers->count = count + 1;
    return true;
}

uint8_t answer_numbers_next(struct answer_numbers *numbers, uint64_t taken)
{
    while (numbers->count > 1 && numbers->commands[1].begins < taken) {
        numbers->count--;
        memmove(numbers->commands, numbers->commands + 1,
                numbers->count * sizeof numbers->commands[0]);
    }
    return numbers->commands[0].next++;
}

void command_numbers_init(struct command_numbers *numbers)
{
    *numbers = (struct command_numbers){.was_empty = true};
}

void command_numbers_came(struct command_numbers *numbers, uint8_t sequence)
{
    numbers->answered = (uint8_t)(sequence + 1);
}

size_t command_numbers_take(struct command_numbers *numbers, struct bytes in, uint8_t *sequence)
{
    bool is_begun = false;
    size_t at = 0;

    while (at < in.size) {
        struct frame frame;
        bool is_command;
        bool is_turn;

        if (numbers->left > 0) {
            size_t part = in.size - at < numbers->left ? in.size - at : numbers->left;

            numbers->left -= (uint32_t)part;
            at += part;
        } else {
            if (frame_read(bytes_after(in, at), &frame) != PARSE_OK) {
                break;
            }
            is_command = frame.sequence == 0 && (numbers->previous != 255 || numbers->was_empty);
            is_turn = !is_command && frame.sequence != (uint8_t)(numbers->previous + 1);
            if (is_begun && (is_command || is_turn)) {
                break;
            }
            if (is_command) {
                numbers->next = 0;
            } else if (is_turn) {
                numbers->next = numbers->answered;
            }
            numbers->previous = frame.sequence;
            numbers->was_empty = frame.length == 0;
            numbers->left = frame.length;
            at += FRAME_HEAD_SIZE;
        }
        if (!is_begun) {
            is_begun = true;
            *sequence = numbers->next++;
        }
    }
    return at;
}
