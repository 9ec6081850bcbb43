// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tap answers most questions only through its own descriptors. Borrow the
 * owner's: the questions change nothing.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host_tap.h"
#include "host_task.h"

#ifndef IFF_DETACH_QUEUE
#define IFF_DETACH_QUEUE	0x0400
#endif

/* Check whether a descriptor is a queue of the tap, by its fdinfo file. */
static bool is_queue(__u32 pid, const char *fd, const char *name)
{
	char path[64], line[128], found[IF_NAMESIZE] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo/%.10s", pid, fd);
	f = fopen(path, "re");
	while (f && !found[0] && fgets(line, sizeof(line), f))
		if (sscanf(line, "iff: %15s", found) == 1)
			break;
	if (f)
		fclose(f);
	return !strcmp(found, name);
}

static void ask(struct host_tap *tap, int fd)
{
	struct ifreq req = { 0 };
	int sndbuf = INT_MAX;

	if (ioctl(fd, TUNGETIFF, &req))
		return;
	tap->queues++;
	tap->detached += !!(req.ifr_flags & IFF_DETACH_QUEUE);
	tap->vnet_hdr = req.ifr_flags & IFF_VNET_HDR;
	ioctl(fd, TUNGETVNETHDRSZ, &tap->hdr_len);
	if (!ioctl(fd, TUNGETSNDBUF, &sndbuf) && sndbuf < INT_MAX &&
	    (!tap->sndbuf || sndbuf < tap->sndbuf))
		tap->sndbuf = sndbuf;
}

static bool ask_each(struct host_tap *tap, int pidfd, __u32 pid,
		     const char *name)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !is_queue(pid, entry->d_name, name))
			continue;
		fd = syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0);
		if (fd < 0) {
			tap->why = strerror(errno);
			continue;
		}
		ask(tap, fd);
		close(fd);
	}
	closedir(dir);
	return true;
}

void host_tap_read(struct host_tap *tap, __u32 pid, const char *name)
{
	int pidfd;

	memset(tap, 0, sizeof(*tap));
	if (!pid) {
		tap->why = "its owner is in another pid namespace";
		return;
	}
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 || !ask_each(tap, pidfd, pid, name))
		tap->why = strerror(errno);
	if (pidfd >= 0)
		close(pidfd);
}

static bool has_queue(__u32 pid, const char *name)
{
	struct dirent *entry;
	bool found = false;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		found = isdigit((unsigned char)entry->d_name[0]) &&
			is_queue(pid, entry->d_name, name);
	if (dir)
		closedir(dir);
	return found;
}

bool host_tap_other_reader(const char *name, __u32 pid, char *who, size_t size)
{
	struct host_task task = { 0 };
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool found = false;
	char path[64];
	__u32 other = 0;

	while (dir && !found && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		other = atoi(entry->d_name);
		found = other != pid && has_queue(other, name);
	}
	if (dir)
		closedir(dir);
	if (!found)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/stat", other);
	host_task_stat(&task, path);
	snprintf(who, size, "%s (%u)", task.name, other);
	return true;
}
