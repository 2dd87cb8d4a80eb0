/*
 * See cores.h. A container on a large machine often sees all its cores but gets the time of two;
 * a worker per visible core would then only make the kernel stop them in turn.
 */
#include "proxy/config/cores.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>

unsigned cores_in_quota(const char *cpu_max)
{
    unsigned long quota_us, period_us;

    if (sscanf(cpu_max, "%9lu %9lu", &quota_us, &period_us) != 2 || quota_us == 0 ||
        period_us == 0) {
        return 0;
    }
    return (unsigned)((quota_us + period_us - 1) / period_us);
}

static unsigned quota_of_group(void)
{
    char text[64] = "";
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");

    if (file == NULL) {
        return 0;
    }
    if (fgets(text, sizeof(text), file) == NULL) {
        text[0] = '\0';
    }
    fclose(file);
    return cores_in_quota(text);
}

unsigned cores_usable(void)
{
    cpu_set_t mask;
    unsigned cores = 1;
    unsigned quota = quota_of_group();

    if (sched_getaffinity(0, sizeof(mask), &mask) == 0 && CPU_COUNT(&mask) > 0) {
        cores = (unsigned)CPU_COUNT(&mask);
    }
    return quota != 0 && quota < cores ? quota : cores;
}
