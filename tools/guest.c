// SPDX-License-Identifier: GPL-2.0-only
/* Processes that have a vhost-net device open, and names of guests. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "guest.h"

/* Fixed numbers: include/linux/miscdevice.h. */
#define MISC_MAJOR	10
#define NET_MINOR	238

/* What is not printable is replaced: a process chooses its own name. */
static void copy_printable(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; from[i] && i < size - 1; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = 0;
}

static FILE *open_proc(unsigned int pid, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	return fopen(path, "re");
}

/*
 * Find the guest in the value of QEMU's option: "guest=NAME,KEY=VALUE" or
 * "NAME,KEY=VALUE". A comma in the name is doubled. Cuts @value off.
 */
static char *name_in_value(char *value)
{
	char *from, *to, *name = value;

	if (!strncmp(value, "guest=", 6))
		name += 6;
	for (from = to = name; *from; *to++ = *from++) {
		if (*from != ',')
			continue;
		if (from[1] != ',')
			break;
		from++;
	}
	*to = 0;
	return name;
}

bool guest_name_option(unsigned int pid, char *name, size_t size)
{
	FILE *file = open_proc(pid, "cmdline");
	bool is_value = false, found = false;
	char *word = NULL, *text;
	size_t len = 0;

	*name = 0;
	if (!file)
		return false;
	while (!found && getdelim(&word, &len, 0, file) > 0) {
		if (is_value) {
			text = name_in_value(word);
			found = *text;
			copy_printable(name, size, text);
		}
		is_value = !strcmp(word, "-name") || !strcmp(word, "--name");
	}
	free(word);
	fclose(file);
	return found;
}

bool guest_name(unsigned int pid, char *name, size_t size)
{
	char comm[GUEST_NAME_LEN];
	bool found;
	FILE *file;

	if (guest_name_option(pid, name, size))
		return true;
	file = open_proc(pid, "comm");
	if (!file)
		return false;
	found = fgets(comm, sizeof(comm), file);
	fclose(file);
	if (!found)
		return false;
	comm[strcspn(comm, "\n")] = 0;
	copy_printable(name, size, comm);
	return true;
}

/* Only vhost_alt describes a device there. */
static bool is_ours(unsigned int pid, const char *fd)
{
	char name[64], line[128];
	bool ours = false;
	FILE *file;

	snprintf(name, sizeof(name), "fdinfo/%.20s", fd);
	file = open_proc(pid, name);
	if (!file)
		return false;
	while (!ours && fgets(line, sizeof(line), file))
		ours = !strncmp(line, "queue0.", 7);
	fclose(file);
	return ours;
}

static bool has_open(unsigned int pid, bool ours)
{
	struct dirent *entry;
	bool found = false;
	char path[32];
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		if (*entry->d_name == '.' ||
		    fstatat(dirfd(dir), entry->d_name, &st, 0) ||
		    !S_ISCHR(st.st_mode) ||
		    st.st_rdev != makedev(MISC_MAJOR, NET_MINOR))
			continue;
		found = is_ours(pid, entry->d_name) == ours;
	}
	if (dir)
		closedir(dir);
	return found;
}

void guests_by_path(bool ours, void (*found)(unsigned int pid, void *data),
		    void *data)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned int pid;

	while (proc && (entry = readdir(proc))) {
		pid = strtoul(entry->d_name, NULL, 10);
		if (pid && has_open(pid, ours))
			found(pid, data);
	}
	if (proc)
		closedir(proc);
}
