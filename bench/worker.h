/* SPDX-License-Identifier: GPL-2.0-only */
/* The threads that serve a device: how long they ran, and how often. */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <linux/types.h>

/* What all workers of this process's devices have done so far. */
struct worker_time {
	__u64 ns;	/* on a processor */
	__u64 slices;	/* turns that the scheduler gave them */
};

/* Waits until they sleep, so that what they did is accounted to them. */
int worker_time_get(struct worker_time *t);

/* From now on their waking up does not take the processor from others. */
int worker_make_late(void);

#endif
