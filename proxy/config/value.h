/*
 * From the text of a value to the field it fills, by the type its setting has.
 */
#ifndef TIDEMARK_PROXY_CONFIG_VALUE_H
#define TIDEMARK_PROXY_CONFIG_VALUE_H

struct setting;

/* Writes text, parsed, to field, whose type setting->type tells. NULL when that went well; else
 * what is wrong and what is allowed, owned by the caller (mem_free), and the field is untouched. A
 * field must hold nothing that needs disposing. The complaint never shows a secret. */
char *value_parse(const struct setting *setting, const char *text, void *field);

/* Only the check. */
char *value_complaint(const struct setting *setting, const char *text);

/* Frees what value_parse() allocated in field; secrets are wiped. */
void value_dispose(const struct setting *setting, void *field);

#endif
