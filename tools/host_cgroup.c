// SPDX-License-Identifier: GPL-2.0-only
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host_cgroup.h"

#define PATH_LEN	512

/* Find where the hierarchy with the cpu controller is mounted, and its kind. */
static bool find_mount(char *dir, size_t size, bool *v2)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	bool found = false;

	while (f && (m = getmntent(f))) {
		if (!strcmp(m->mnt_type, "cgroup") && hasmntopt(m, "cpu"))
			*v2 = false;
		else if (!strcmp(m->mnt_type, "cgroup2") && !found)
			*v2 = true;
		else
			continue;
		found = true;
		snprintf(dir, size, "%s", m->mnt_dir);
		if (!*v2)
			break;
	}
	if (f)
		endmntent(f);
	return found;
}

static FILE *open_in(const char *dir, const char *name)
{
	char path[PATH_LEN + 32];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return fopen(path, "re");
}

static void add_throttling(struct host_cgroup *cgroup, const char *dir)
{
	FILE *f = open_in(dir, "cpu.stat");
	unsigned long long n;
	char line[128];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "nr_throttled %llu", &n) == 1)
			cgroup->throttled += n;
		else if (sscanf(line, "throttled_usec %llu", &n) == 1)
			cgroup->throttled_us += n;
		else if (sscanf(line, "throttled_time %llu", &n) == 1)
			cgroup->throttled_us += n / 1000;
	}
	if (f)
		fclose(f);
}

static __u64 one_number(const char *dir, const char *name)
{
	FILE *f = open_in(dir, name);
	unsigned long long n = 0;

	/* A negative one means no limit. */
	if (f && (fscanf(f, "%llu", &n) != 1 || n > 1ULL << 62))
		n = 0;
	if (f)
		fclose(f);
	return n;
}

static bool read_limit(struct host_cgroup *cgroup, const char *dir, bool v2)
{
	unsigned long long quota = 0, period = 0;
	FILE *f;

	if (v2) {
		f = open_in(dir, "cpu.max");
		if (f && fscanf(f, "%llu %llu", &quota, &period) != 2)
			quota = 0;
		if (f)
			fclose(f);
	} else {
		quota = one_number(dir, "cpu.cfs_quota_us");
		period = one_number(dir, "cpu.cfs_period_us");
	}
	cgroup->quota_us = quota;
	cgroup->period_us = period;
	return quota && period;
}

void host_cgroup_read(struct host_cgroup *cgroup, const char *path)
{
	char dir[PATH_LEN], mount[PATH_LEN / 2], *slash;
	size_t root;
	bool v2;

	memset(cgroup, 0, sizeof(*cgroup));
	if (!find_mount(mount, sizeof(mount), &v2)) {
		cgroup->why = "no cgroup hierarchy is mounted here";
		return;
	}
	if (!*path || strstr(path, "/..")) {
		cgroup->why = "it is in another cgroup namespace";
		return;
	}
	root = strlen(mount);
	snprintf(dir, sizeof(dir), "%s%s", mount, path);
	while (strlen(dir) > root + 1) {
		add_throttling(cgroup, dir);
		if (!cgroup->limited[0] && read_limit(cgroup, dir, v2))
			snprintf(cgroup->limited, sizeof(cgroup->limited),
				 "%s", dir + root);
		slash = strrchr(dir, '/');
		*slash = 0;
	}
}
