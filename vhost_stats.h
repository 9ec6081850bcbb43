/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a queue has done. Written under the queue's mutex, so a count costs one
 * addition; read at any time by anybody. Machines of 64 bits read and write a
 * counter in one piece.
 */
#ifndef VHOST_ALT_STATS_H
#define VHOST_ALT_STATS_H

#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "uapi/vhost_alt.h"

struct seq_file;

/* A chain that is fine, and a packet that is not dropped. */
#define VHA_DROP_NONE		VHOST_ALT_DROP_UNSPEC

/* Batches of 1, 2, 3-4, ..., 33-64, and more chains. */
#define VHA_BATCH_SIZES	8

/**
 * struct vha_stats - the counters of a queue
 * @packets: as enum vhost_alt_counter says, like the others
 * @bytes: ditto
 * @batches: ditto
 * @runs: ditto
 * @weight: ditto
 * @kicks: ditto; written under the lock of the kick's wait queue
 * @kicks_suppressed: ditto
 * @wakeups: ditto; written under the lock of the backend's wait queue
 * @calls: ditto
 * @calls_suppressed: ditto
 * @ring_empty: ditto
 * @no_buffers: ditto
 * @put_back: ditto
 * @socket_full: ditto
 * @ring_errors: ditto
 * @iotlb_misses: ditto
 * @log_bytes: ditto
 * @busy_polls: ditto
 * @busy_hits: ditto
 * @busy_ns: ditto
 * @drops: by enum vhost_alt_drop
 * @batch_sizes: how many batches were of which size
 */
struct vha_stats {
	u64 packets;
	u64 bytes;
	u64 batches;
	u64 runs;
	u64 weight;
	u64 kicks;
	u64 kicks_suppressed;
	u64 wakeups;
	u64 calls;
	u64 calls_suppressed;
	u64 ring_empty;
	u64 no_buffers;
	u64 put_back;
	u64 socket_full;
	u64 ring_errors;
	u64 iotlb_misses;
	u64 log_bytes;
	u64 busy_polls;
	u64 busy_hits;
	u64 busy_ns;
	u64 drops[VHOST_ALT_DROP_MAX + 1];
	u64 batch_sizes[VHA_BATCH_SIZES];
};

void vha_stats_copy(struct vha_stats *to, const struct vha_stats *from);
void vha_stats_since(struct vha_stats *shown, const struct vha_stats *now,
		     const struct vha_stats *base);
u64 vha_stats_counter(const struct vha_stats *stats,
		      enum vhost_alt_counter counter);
void vha_stats_show(struct seq_file *m, const char *queue,
		    const struct vha_stats *stats);

/* Count a batch of @n chains, which are not none. */
static inline void vha_stats_batch(struct vha_stats *stats, unsigned int n)
{
	stats->batches++;
	stats->batch_sizes[min(fls(n - 1), VHA_BATCH_SIZES - 1)]++;
}

#endif /* VHOST_ALT_STATS_H */
