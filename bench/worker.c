// SPDX-License-Identifier: GPL-2.0-only
#include "worker.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "env.h"
#include "thread.h"

/* A device has one worker, or one for each queue. */
#define MAX_WORKERS	8

/* Find the workers of this process. Return: how many, or a negative errno. */
static int find_workers(pid_t *tid)
{
	unsigned int n = threads_of(getpid(), tid, MAX_WORKERS);

	if (!n)
		return -ESRCH;
	return n > MAX_WORKERS ? -E2BIG : (int)n;
}

/*
 * Let a worker run until it sleeps. This must not sleep itself: after that, the
 * scheduler's clock may stand still until the next tick.
 */
static bool wait_asleep(pid_t tid)
{
	__u64 deadline = env_deadline();

	while (thread_state(tid) == 'R') {
		if (!env_left_ms(deadline))
			return false;
		sched_yield();
	}
	return true;
}

static int add_time(pid_t tid, struct worker_time *t)
{
	__u64 ns, slices;
	char path[64];
	FILE *f;
	int n;

	if (!wait_asleep(tid))
		return -ETIMEDOUT;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	n = fscanf(f, "%llu %*u %llu", &ns, &slices);
	fclose(f);
	if (n != 2)
		return -EPROTO;
	t->ns += ns;
	t->slices += slices;
	return 0;
}

int worker_time_get(struct worker_time *t)
{
	pid_t tid[MAX_WORKERS];
	int i, n, err = 0;

	memset(t, 0, sizeof(*t));
	n = find_workers(tid);
	for (i = 0; !err && i < n; i++)
		err = add_time(tid[i], t);
	return n < 0 ? n : err;
}

int worker_make_late(void)
{
	struct sched_param none = { 0 };
	pid_t tid[MAX_WORKERS];
	int i, n;

	n = find_workers(tid);
	for (i = 0; i < n; i++)
		if (sched_setscheduler(tid[i], SCHED_BATCH, &none))
			return -errno;
	return n < 0 ? n : 0;
}
