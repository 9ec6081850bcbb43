// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_task.h"

static const char *reason(int err)
{
	return err == ENOENT || err == ESRCH ? "it is gone" : strerror(err);
}

unsigned int cpu_list_count(const char *list)
{
	unsigned int from, to, n = 0;
	int len;

	while (sscanf(list, "%u%n", &from, &len) == 1) {
		list += len;
		to = from;
		if (sscanf(list, "-%u%n", &to, &len) == 1)
			list += len;
		n += to - from + 1;
		if (*list++ != ',')
			break;
	}
	return n;
}

/* Fields of a stat file, by their numbers in proc(5) */
enum {
	FIELD_STATE = 3,
	FIELD_UTIME = 14,
	FIELD_STIME = 15,
	FIELD_PROCESSOR = 39,
	FIELD_POLICY = 41,
};

/* Take over all fields after the name. Return: false if there are too few. */
static bool read_fields(struct host_task *task, char *fields)
{
	unsigned int n = FIELD_STATE;
	char *field, *rest;

	for (field = strtok_r(fields, " ", &rest); field;
	     field = strtok_r(NULL, " ", &rest), n++) {
		if (n == FIELD_STATE)
			task->state = *field;
		else if (n == FIELD_UTIME || n == FIELD_STIME)
			task->ticks += strtoull(field, NULL, 10);
		else if (n == FIELD_PROCESSOR)
			task->cpu = atoi(field);
		else if (n == FIELD_POLICY)
			task->policy = atoi(field);
	}
	return n > FIELD_POLICY;
}

/* The name is in parentheses and may contain some: look for the last one. */
void host_task_stat(struct host_task *task, const char *path)
{
	char line[1024], *open, *close;
	FILE *f = fopen(path, "re");

	if (!f || !fgets(line, sizeof(line), f)) {
		task->why = reason(errno);
		if (f)
			fclose(f);
		return;
	}
	fclose(f);
	open = strchr(line, '(');
	close = strrchr(line, ')');
	task->ticks = 0;
	if (!open || !close || !read_fields(task, close + 1)) {
		task->why = "its stat file has an unknown format";
		return;
	}
	*close = 0;
	snprintf(task->name, sizeof(task->name), "%s", open + 1);
}

static void read_status(struct host_task *task, __u32 tid)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "TracerPid: %u", &task->tracer) == 1)
			continue;
		if (sscanf(line, "Cpus_allowed_list: %63s", task->cpus) == 1)
			break;
	}
	if (f)
		fclose(f);
	task->ncpus = cpu_list_count(task->cpus);
}

static void read_schedstat(struct host_task *task, __u32 tid)
{
	unsigned long long ran = 0, waited = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/schedstat", tid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu %llu", &ran, &waited) != 2)
		task->why = "the kernel has no schedstat";
	if (f)
		fclose(f);
	task->ran_ns = ran;
	task->waited_ns = waited;
}

/* Version 2 has the line "0::PATH", version 1 "N:cpu,cpuacct:PATH". */
static void read_cgroup(struct host_task *task, __u32 tid)
{
	char path[64], line[TASK_CGROUP + 64], *name, *dir;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/cgroup", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		name = strchr(line, ':');
		dir = name ? strchr(name + 1, ':') : NULL;
		if (!dir)
			continue;
		*dir++ = 0;
		name++;
		if ((!*name && !task->cgroup[0]) || !strncmp(name, "cpu,", 4) ||
		    !strcmp(name, "cpu"))
			snprintf(task->cgroup, sizeof(task->cgroup), "%s", dir);
	}
	if (f)
		fclose(f);
}

void host_task_read(struct host_task *task, __u32 tid)
{
	char path[64];

	memset(task, 0, sizeof(*task));
	if (!tid) {
		task->why = "it is in another pid namespace";
		return;
	}
	snprintf(path, sizeof(path), "/proc/%u/stat", tid);
	host_task_stat(task, path);
	if (task->why)
		return;
	read_status(task, tid);
	read_cgroup(task, tid);
	read_schedstat(task, tid);
}
