/* SPDX-License-Identifier: GPL-2.0-only */
/* CPU limits of a cgroup and of those above it */
#ifndef VHOSTCTL_HOST_CGROUP_H
#define VHOSTCTL_HOST_CGROUP_H

#include <linux/types.h>

/**
 * struct host_cgroup - limits that apply to a cgroup
 * @why: why they were not looked at; NULL if what follows is valid
 * @throttled: times that it, or one above it, was throttled
 * @throttled_us: microseconds for which it was
 * @limited: path of the lowest one that has a limit; empty: none
 * @quota_us, @period_us: that limit
 */
struct host_cgroup {
	const char *why;
	__u64 throttled, throttled_us;
	char limited[256];
	__u64 quota_us, period_us;
};

/* Read the limits of the cgroup with that path, as in /proc/PID/cgroup. */
void host_cgroup_read(struct host_cgroup *cgroup, const char *path);

#endif
