// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host_load.h"

static bool add_thread(struct host_load *load, __u32 pid, __u32 tid)
{
	struct host_thread *bigger, *t;
	char path[64];

	/* The capacity is a power of two, so a power of two is full. */
	if (!(load->n & (load->n - 1))) {
		bigger = realloc(load->thread, (load->n ? load->n * 2 : 1) *
				 sizeof(*bigger));
		if (!bigger)
			return false;
		load->thread = bigger;
	}
	t = &load->thread[load->n];
	memset(t, 0, sizeof(*t));
	t->pid = pid;
	t->tid = tid;
	snprintf(path, sizeof(path), "/proc/%u/task/%u/stat", pid, tid);
	host_task_stat(&t->task, path);
	load->n += !t->task.why;
	return true;
}

static bool add_threads(struct host_load *load, __u32 pid)
{
	struct dirent *entry;
	bool ok = true;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	dir = opendir(path);
	while (dir && ok && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			ok = add_thread(load, pid, atoi(entry->d_name));
	if (dir)
		closedir(dir);
	return ok;
}

static int by_tid(const void *a, const void *b)
{
	const struct host_thread *x = a, *y = b;

	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

void host_load_read(struct host_load *load)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool ok = true;

	memset(load, 0, sizeof(*load));
	while (dir && ok && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    atoi(entry->d_name) != getpid())
			ok = add_threads(load, atoi(entry->d_name));
	if (dir)
		closedir(dir);
	if (load->n)
		qsort(load->thread, load->n, sizeof(*load->thread), by_tid);
}

void host_load_free(struct host_load *load)
{
	free(load->thread);
	memset(load, 0, sizeof(*load));
}

const struct host_thread *host_load_top(const struct host_load_query *query,
					double *share)
{
	const struct host_load *then = query->then;
	const struct host_thread *t, *old, *top = NULL;
	__u64 most = 0, used;
	unsigned int i;
	bool other;

	for (i = 0; i < query->now->n; i++) {
		t = &query->now->thread[i];
		other = t->pid != query->pid;
		if (t->task.cpu != query->cpu || t->tid == query->tid ||
		    other != query->others)
			continue;
		old = then->n ? bsearch(t, then->thread, then->n, sizeof(*t),
					by_tid) : NULL;
		used = t->task.ticks - (old ? old->task.ticks : 0);
		if (used <= most)
			continue;
		most = used;
		top = t;
	}
	*share = most * 100 / (query->seconds * sysconf(_SC_CLK_TCK));
	return top;
}
