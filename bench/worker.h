/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads that serve this process's devices: how long and how often they
 * ran.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <linux/types.h>

/* What all workers of this process's devices have used so far, in sum. */
struct worker_time {
	__u64 ns;	/* on a processor */
	__u64 slices;	/* times that they were scheduled */
};

/* Wait until they sleep, so that all their work is accounted, and read. */
int worker_time_get(struct worker_time *t);

/* Make them SCHED_BATCH: waking up, they preempt nobody from now on. */
int worker_make_late(void);

#endif
