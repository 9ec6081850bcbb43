/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters of a queue. They are written under a lock, so counting costs one
 * addition. They are read without it: a 64-bit machine loads and stores a u64
 * in a single access. uapi/vhost_alt.h names them.
 */
#ifndef VHOST_ALT_STATS_H
#define VHOST_ALT_STATS_H

#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "uapi/vhost_alt.h"

struct seq_file;

/* The chain is valid, and the packet is not dropped. */
#define VHA_DROP_NONE		VHOST_ALT_DROP_UNSPEC

/* Sizes of batches: 1, 2, 3-4, ..., 33-64 chains, and more. */
#define VHA_BATCH_SIZES	8

#define VHA_STATS_FIELD(number, name, ...)	\
	u64 name;

/**
 * struct vha_stats - the counters of a queue
 * @drops: packets dropped and chains returned unused, by enum vhost_alt_drop
 * @batch_sizes: number of batches by size; see vha_stats_batch()
 *
 * There is one field for each counter of VHOST_ALT_COUNTERS(). @kicks is
 * protected by the lock of the kick's wait queue, @wakeups by the lock of the
 * backend's wait queue, and the others by the queue's mutex.
 */
struct vha_stats {
	VHOST_ALT_COUNTERS(VHA_STATS_FIELD)
	u64 drops[VHOST_ALT_DROP_MAX + 1];
	u64 batch_sizes[VHA_BATCH_SIZES];
};

#undef VHA_STATS_FIELD

/**
 * struct vha_stats_view - counters as they are shown
 * @now: the counters; the worker may be counting
 * @base: the counters when they were last reset; subtracted
 */
struct vha_stats_view {
	const struct vha_stats *now;
	const struct vha_stats *base;
};

void vha_stats_reset(struct vha_stats *base, const struct vha_stats *now);
u64 vha_stats_counter(const struct vha_stats_view *view,
		      enum vhost_alt_counter counter);
u64 vha_stats_drops(const struct vha_stats_view *view,
		    enum vhost_alt_drop reason);
u64 vha_stats_batches(const struct vha_stats_view *view, unsigned int size);
void vha_stats_show(struct seq_file *m, const char *queue,
		    const struct vha_stats_view *view);

/* Count a batch of @n chains; @n is not 0. */
static inline void vha_stats_batch(struct vha_stats *stats, unsigned int n)
{
	stats->batches++;
	stats->batch_sizes[min(fls(n - 1), VHA_BATCH_SIZES - 1)]++;
}

#endif /* VHOST_ALT_STATS_H */
