// SPDX-License-Identifier: GPL-2.0-only
#include "worker.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "env.h"

/* The first line of /proc/... @dir / @id / @file. */
static bool read_line(const char *dir, const char *id, const char *file,
		      char *line, size_t size)
{
	char path[64];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%.16s/%s", dir, id, file);
	f = fopen(path, "r");
	if (!f)
		return false;
	ok = fgets(line, size, f);
	fclose(f);
	return ok;
}

/* Named vhost-<pid of the owner>, maybe with a dash and more behind it. */
static bool is_worker(const char *dir, const char *id)
{
	char name[16], line[32];
	size_t len;

	len = snprintf(name, sizeof(name), "vhost-%d", getpid());
	return read_line(dir, id, "comm", line, sizeof(line)) &&
	       !strncmp(line, name, len) && !isdigit(line[len]);
}

static bool is_running(const char *dir, const char *id)
{
	char line[256], *p;

	if (!read_line(dir, id, "stat", line, sizeof(line)))
		return false;
	p = strrchr(line, ')');
	return p && p[1] == ' ' && p[2] == 'R';
}

/*
 * Lets it run until it sleeps. Without a pause of our own: after one, the
 * scheduler's clock may stand still until the next tick.
 */
static bool wait_asleep(const char *dir, const char *id)
{
	__u64 deadline = env_deadline();

	while (is_running(dir, id)) {
		if (!env_left_ms(deadline))
			return false;
		sched_yield();
	}
	return true;
}

static int add_time(const char *dir, const char *id, void *data)
{
	struct worker_time *t = data;
	__u64 ns, slices;
	char line[128];

	if (!wait_asleep(dir, id))
		return -ETIMEDOUT;
	if (!read_line(dir, id, "schedstat", line, sizeof(line)))
		return -errno;
	if (sscanf(line, "%llu %*u %llu", &ns, &slices) != 2)
		return -EPROTO;
	t->ns += ns;
	t->slices += slices;
	return 0;
}

static int make_late(const char *dir, const char *id, void *data)
{
	struct sched_param none = { 0 };

	return sched_setscheduler(atoi(id), SCHED_BATCH, &none) ? -errno : 0;
}

/* Calls @fn for the workers among the threads of @dir; how many there are. */
static int for_workers_in(const char *dir,
			  int (*fn)(const char *dir, const char *id, void *data),
			  void *data)
{
	struct dirent *e;
	int n = 0, err = 0;
	DIR *d;

	d = opendir(dir);
	if (!d)
		return -errno;
	while (!err && (e = readdir(d))) {
		if (!isdigit(e->d_name[0]) || !is_worker(dir, e->d_name))
			continue;
		err = fn(dir, e->d_name, data);
		n++;
	}
	closedir(d);
	return err ? err : n;
}

static int for_workers(int (*fn)(const char *dir, const char *id, void *data),
		       void *data)
{
	int n;

	/* Threads of their owner from Linux 6.4 on, of the kernel before. */
	n = for_workers_in("/proc/self/task", fn, data);
	if (!n)
		n = for_workers_in("/proc", fn, data);
	return n > 0 ? 0 : n ? n : -ESRCH;
}

int worker_time_get(struct worker_time *t)
{
	memset(t, 0, sizeof(*t));
	return for_workers(add_time, t);
}

int worker_make_late(void)
{
	return for_workers(make_late, NULL);
}
