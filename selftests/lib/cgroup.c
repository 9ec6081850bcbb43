// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "env.h"

int cgroup_write(const char *dir, const char *file, const char *text)
{
	char path[200];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int move_to(const char *dir)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", getpid());
	return cgroup_write(dir, "cgroup.procs", text);
}

int cgroup_enter(char *dir, size_t len)
{
	mkdir(CGROUP_ROOT, 0755);
	if (mount("none", CGROUP_ROOT, "cgroup2", 0, NULL))
		return -errno;
	snprintf(dir, len, CGROUP_ROOT "/vhost-%d", getpid());
	return mkdir(dir, 0755) ? -errno : move_to(dir);
}

bool cgroup_leave(const char *dir)
{
	bool empty;

	move_to(CGROUP_ROOT);
	empty = wait_until(!rmdir(dir));
	umount(CGROUP_ROOT);
	rmdir(CGROUP_ROOT);
	return empty;
}

long long cgroup_memory(const char *dir, const char *key)
{
	char path[200], name[64];
	long long value, found = -ENOENT;
	FILE *f;

	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	while (found < 0 && fscanf(f, "%63s %lld", name, &value) == 2)
		if (!strcmp(name, key))
			found = value;
	fclose(f);
	return found;
}
