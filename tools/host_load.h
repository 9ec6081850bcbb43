/* SPDX-License-Identifier: GPL-2.0-only */
/* All threads of the host but our own, and what they compute */
#ifndef VHOSTCTL_HOST_LOAD_H
#define VHOSTCTL_HOST_LOAD_H

#include <stdbool.h>

#include "host_task.h"

struct host_thread {
	__u32 pid, tid;
	struct host_task task;	/* as host_task_stat() fills it in */
};

/* All threads at one moment, ordered by tid */
struct host_load {
	struct host_thread *thread;
	unsigned int n;
};

void host_load_read(struct host_load *load);
void host_load_free(struct host_load *load);

/**
 * struct host_load_query - whose use of a CPU is asked for
 * @then, @now: two moments
 * @seconds: between them
 * @cpu: the CPU
 * @tid: a thread that does not count
 * @pid: a process
 * @others: threads of other processes; false: those of @pid
 */
struct host_load_query {
	const struct host_load *then, *now;
	double seconds;
	int cpu;
	__u32 tid, pid;
	bool others;
};

/*
 * Find the thread that used the CPU most. @share is set to the percentage of
 * the CPU. Return: the thread, or NULL if none ran there.
 */
const struct host_thread *host_load_top(const struct host_load_query *query,
					double *share);

#endif
