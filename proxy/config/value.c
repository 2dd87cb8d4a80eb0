/*
 * See value.h. One function per type; each answers what is wrong and value_parse() adds what is
 * allowed, so that no message can forget it.
 */
#include "proxy/config/value.h"

#include "proxy/config/address.h"
#include "proxy/config/cores.h"
#include "proxy/config/network.h"
#include "proxy/config/setting.h"
#include "proxy/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Values are shown in messages up to here. */
#define SHOWN "\"%.60s\""

static bool all_digits(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits != 0 && text[digits] == '\0';
}

static char *parse_number(const struct setting *setting, const char *text, unsigned *number)
{
    if (!all_digits(text)) {
        return mem_printf(SHOWN " is not a whole number", text);
    }
    unsigned long long value = strtoull(text, NULL, 10); /* saturates, so still out of range */

    if (value < setting->min || value > setting->max) {
        return mem_printf(SHOWN " is out of range", text);
    }
    *number = (unsigned)value;
    return NULL;
}

static char *parse_cores(const struct setting *setting, const char *text, unsigned *number)
{
    if (strcmp(text, "auto") == 0) {
        *number = cores_usable();
        return NULL;
    }
    return parse_number(setting, text, number);
}

static char *parse_bool(const char *text, bool *value)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", "0", "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(words[i], text) == 0) {
            *value = i % 2 == 1;
            return NULL;
        }
    }
    return mem_printf(SHOWN " is not a switch", text);
}

static char *parse_choice(const struct setting *setting, const char *text, int *choice)
{
    int index = setting_choice_index(setting, text);

    if (index < 0) {
        return mem_printf(SHOWN " is not a known word", text);
    }
    *choice = index;
    return NULL;
}

static char *parse_optional_choice(const struct setting *setting, const char *text, int *choice)
{
    if (text[0] != '\0') {
        return parse_choice(setting, text, choice);
    }
    *choice = 0;
    while (setting->choices[*choice] != NULL) {
        ++*choice;
    }
    return NULL;
}

/* Digits with at most one point among them; strtod() alone would take "inf" and "0x1". */
static char *parse_ratio(const char *text, double *ratio)
{
    size_t size = strspn(text, "0123456789.");
    char *end;
    double value = strtod(text, &end);

    if (size == 0 || text[size] != '\0' || *end != '\0' || end == text) {
        return mem_printf(SHOWN " is not a number", text);
    }
    if (value > 1.0) {
        return mem_printf(SHOWN " is out of range", text);
    }
    *ratio = value;
    return NULL;
}

static enum address_use use_of(const struct setting *setting)
{
    return setting->section == SECTION_SERVER ? ADDRESS_TO_CONNECT : ADDRESS_TO_LISTEN;
}

static char *parse_address(const struct setting *setting, const char *text,
                           struct config_address *address)
{
    if (text[0] == '\0') {
        if (setting->default_text == NULL) {
            return mem_text("is empty");
        }
        *address = (struct config_address){
            .kind = CONFIG_ADDRESS_NONE, .text = mem_text(""), .host = mem_text("")};
        return NULL;
    }
    const char *wrong = address_parse(address, text, strlen(text), use_of(setting));

    return wrong == NULL ? NULL : mem_printf(SHOWN " %s", text, wrong);
}

static void addresses_dispose(struct config_addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++) {
        address_dispose(&addresses->items[i]);
    }
    mem_free(addresses->items);
    *addresses = (struct config_addresses){.items = NULL};
}

static char *add_address(struct config_addresses *list, const char *text, size_t size)
{
    struct config_address address;
    const char *wrong =
        size == 0 ? "is empty" : address_parse(&address, text, size, ADDRESS_TO_LISTEN);

    if (wrong != NULL) {
        return mem_printf("\"%.*s\" %s", size < 60 ? (int)size : 60, text, wrong);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (address_same(&list->items[i], &address)) {
            char *complaint = mem_printf(SHOWN " and " SHOWN " are the same address",
                                         list->items[i].text, address.text);

            address_dispose(&address);
            return complaint;
        }
    }
    list->items = mem_realloc(list->items, (list->count + 1) * sizeof(list->items[0]));
    list->items[list->count++] = address;
    return NULL;
}

static char *parse_addresses(const char *text, struct config_addresses *addresses)
{
    struct config_addresses list = {.items = NULL};
    char *complaint = NULL;
    const char *at = text;

    for (;;) {
        at += strspn(at, " \t");
        size_t whole = strcspn(at, ",");
        size_t size = whole;

        while (size > 0 && (at[size - 1] == ' ' || at[size - 1] == '\t')) {
            size--;
        }
        complaint = add_address(&list, at, size);
        if (complaint != NULL || at[whole] == '\0') {
            break;
        }
        at += whole + 1;
    }
    if (complaint != NULL) {
        addresses_dispose(&list);
    } else {
        *addresses = list;
    }
    return complaint;
}

static char *parse_text(const char *text, char **field)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c)) {
            return mem_text("has a control character in it");
        }
    }
    *field = mem_text(text);
    return NULL;
}

static char *parse_hash(const char *text, char **field)
{
    if (text[0] == '\0') {
        *field = NULL;
        return NULL;
    }
    if (text[0] != '*' || strlen(text) != 41 || strspn(text + 1, "0123456789abcdefABCDEF") != 40) {
        return mem_text("is not a hash of mysql_native_password");
    }
    *field = mem_secret(text);
    return NULL;
}

static char *parse(const struct setting *setting, const char *text, void *field)
{
    switch (setting->type) {
    case SETTING_ADDRESS:
        return parse_address(setting, text, field);
    case SETTING_ADDRESSES:
        return parse_addresses(text, field);
    case SETTING_BOOL:
        return parse_bool(text, field);
    case SETTING_CHOICE:
        return parse_choice(setting, text, field);
    case SETTING_CORES:
        return parse_cores(setting, text, field);
    case SETTING_NETWORKS:
        return networks_parse(field, text);
    case SETTING_NUMBER:
        return parse_number(setting, text, field);
    case SETTING_OPTIONAL_CHOICE:
        return parse_optional_choice(setting, text, field);
    case SETTING_PASSWORD_HASH:
        return parse_hash(text, field);
    case SETTING_PATH:
    case SETTING_TEXT:
        return parse_text(text, field);
    case SETTING_RATIO:
        return parse_ratio(text, field);
    case SETTING_SECRET:
        *(char **)field = mem_secret(text);
        return NULL;
    }
    return mem_text("has no type");
}

char *value_parse(const struct setting *setting, const char *text, void *field)
{
    char *wrong = parse(setting, text, field);

    if (wrong == NULL) {
        return NULL;
    }
    char *allowed = setting_allowed(setting);
    char *complaint = mem_printf("%s, allowed: %s", wrong, allowed);

    mem_free(wrong);
    mem_free(allowed);
    return complaint;
}

char *value_complaint(const struct setting *setting, const char *text)
{
    union {
        struct config_address address;
        struct config_addresses addresses;
        struct config_networks networks;
        bool on;
        int choice;
        unsigned number;
        double ratio;
        char *text;
    } scratch = {.address = {.kind = CONFIG_ADDRESS_NONE}};
    char *complaint = value_parse(setting, text, &scratch);

    if (complaint == NULL) {
        value_dispose(setting, &scratch);
    }
    return complaint;
}

void value_dispose(const struct setting *setting, void *field)
{
    switch (setting->type) {
    case SETTING_ADDRESS:
        address_dispose(field);
        break;
    case SETTING_ADDRESSES:
        addresses_dispose(field);
        break;
    case SETTING_NETWORKS:
        networks_dispose(field);
        break;
    case SETTING_PASSWORD_HASH:
    case SETTING_SECRET:
        mem_free_secret(*(char **)field);
        *(char **)field = NULL;
        break;
    case SETTING_PATH:
    case SETTING_TEXT:
        mem_free(*(char **)field);
        *(char **)field = NULL;
        break;
    case SETTING_BOOL:
    case SETTING_CHOICE:
    case SETTING_CORES:
    case SETTING_NUMBER:
    case SETTING_OPTIONAL_CHOICE:
    case SETTING_RATIO:
        break;
    }
}
