/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock by which the programs measure. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <linux/types.h>
#include <time.h>

#define NS_PER_S	1000000000ULL

static inline __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

#endif
