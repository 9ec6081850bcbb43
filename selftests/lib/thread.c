// SPDX-License-Identifier: GPL-2.0-only
#include "thread.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "env.h"

#define COMM_LEN	32

static bool read_comm(const char *process, const char *thread, char *comm)
{
	char path[600];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "/proc/%s/task/%s/comm", process, thread);
	f = fopen(path, "r");
	if (!f)
		return false;
	ok = fgets(comm, COMM_LEN, f);
	if (ok)
		comm[strcspn(comm, "\n")] = 0;
	fclose(f);
	return ok;
}

struct search {
	const char *name;
	bool with_suffix;
	pid_t *tid;
	unsigned int max;
	unsigned int found;
};

static void look_at(struct search *s, const char *process, const char *thread)
{
	size_t len = strlen(s->name);
	char comm[COMM_LEN];

	if (!read_comm(process, thread, comm) || strncmp(comm, s->name, len))
		return;
	if (comm[len] && !(s->with_suffix && comm[len] == '-'))
		return;
	if (s->found < s->max)
		s->tid[s->found] = atoi(thread);
	s->found++;
}

static void look_in(struct search *s, const char *process)
{
	struct dirent *e;
	char path[300];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/task", process);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (isdigit(e->d_name[0]))
			look_at(s, process, e->d_name);
	if (dir)
		closedir(dir);
}

static void look_everywhere(struct search *s)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (isdigit(e->d_name[0]))
			look_in(s, e->d_name);
	if (dir)
		closedir(dir);
}

unsigned int threads_of(pid_t owner, pid_t *tid, unsigned int max)
{
	char name[COMM_LEN];
	struct search s = {
		.name = name, .with_suffix = true, .tid = tid, .max = max,
	};

	snprintf(name, sizeof(name), "vhost-%d", owner);
	look_everywhere(&s);
	return s.found;
}

unsigned int threads_own(void)
{
	return threads_of(getpid(), NULL, 0);
}

bool threads_wait(unsigned int n)
{
	return wait_until(threads_own() == n);
}

bool thread_named(const char *name)
{
	struct search s = { .name = name };

	look_everywhere(&s);
	return s.found;
}

bool thread_in(pid_t tid, pid_t process)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", process, tid);
	return !access(path, F_OK);
}

char thread_state(pid_t tid)
{
	char path[64], line[512], *end;
	char state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	/* The name before it, in parentheses, may contain anything. */
	end = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (end)
		state = end[2];
	fclose(f);
	return state;
}

unsigned long thread_switches(pid_t tid)
{
	unsigned long n, sum = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %lu", &n) == 1)
			sum += n;
	fclose(f);
	return sum;
}

bool thread_rests(pid_t tid)
{
	unsigned long n = thread_switches(tid);
	unsigned int i;

	for (i = 0; i < 20; i++) {
		if (thread_state(tid) != 'S')
			return false;
		env_pause();
	}
	return thread_state(tid) == 'S' && thread_switches(tid) == n;
}

bool thread_cgroup(pid_t tid, char *line, size_t len)
{
	bool found = false;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", tid);
	f = fopen(path, "r");
	if (!f)
		return false;
	while (!found && fgets(line, len, f))
		found = !strncmp(line, "0::", 3);
	fclose(f);
	return found;
}
