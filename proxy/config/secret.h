/*
 * Secrets that are kept elsewhere: `password_file` and `password_env`.
 */
#ifndef TIDEMARK_PROXY_CONFIG_SECRET_H
#define TIDEMARK_PROXY_CONFIG_SECRET_H

enum { SECRET_MAX = 4096 };

/* The content of a file without its last line end, at most SECRET_MAX bytes. NULL and a complaint
 * when that fails. Both are owned by the caller: mem_free_secret() and mem_free(). */
char *secret_from_file(const char *path, char **complaint);

/* The value of a variable of this environment, likewise. */
char *secret_from_environment(char *const *environment, const char *name, char **complaint);

#endif
