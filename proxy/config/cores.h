/*
 * How many cores this process may use: what `workers = auto` means.
 */
#ifndef TIDEMARK_PROXY_CONFIG_CORES_H
#define TIDEMARK_PROXY_CONFIG_CORES_H

/* At least 1: the cores of the affinity mask, or fewer when the control group's CPU quota (cgroup
 * v2, as in containers) grants less time than they have. */
unsigned cores_usable(void);

/* The cores' worth of time in the text of a cpu.max file ("200000 100000" is 2), rounded up; 0 when
 * it sets no limit or is not understood. */
unsigned cores_in_quota(const char *cpu_max);

#endif
