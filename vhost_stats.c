// SPDX-License-Identifier: GPL-2.0-only
/* The counters by number and by name, and as lines of /proc/<pid>/fdinfo/<fd>. */

#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "vhost_stats.h"

#define COUNTER(number, name) \
	[VHOST_ALT_COUNTER_ ## number] = \
		{ #name, offsetof(struct vha_stats, name) }

static const struct {
	const char *name;
	size_t offset;
} counters[VHOST_ALT_COUNTER_MAX + 1] = {
	COUNTER(PACKETS, packets),
	COUNTER(BYTES, bytes),
	COUNTER(BATCHES, batches),
	COUNTER(RUNS, runs),
	COUNTER(WEIGHT, weight),
	COUNTER(KICKS, kicks),
	COUNTER(KICKS_SUPPRESSED, kicks_suppressed),
	COUNTER(WAKEUPS, wakeups),
	COUNTER(CALLS, calls),
	COUNTER(CALLS_SUPPRESSED, calls_suppressed),
	COUNTER(RING_EMPTY, ring_empty),
	COUNTER(NO_BUFFERS, no_buffers),
	COUNTER(PUT_BACK, put_back),
	COUNTER(SOCKET_FULL, socket_full),
	COUNTER(RING_ERRORS, ring_errors),
	COUNTER(IOTLB_MISSES, iotlb_misses),
	COUNTER(LOG_BYTES, log_bytes),
	COUNTER(BUSY_POLLS, busy_polls),
	COUNTER(BUSY_HITS, busy_hits),
	COUNTER(BUSY_NS, busy_ns),
};

static const char *const drops[VHOST_ALT_DROP_MAX + 1] = {
	[VHOST_ALT_DROP_CHAIN_HEAD] = "chain_head",
	[VHOST_ALT_DROP_CHAIN_NEXT] = "chain_next",
	[VHOST_ALT_DROP_CHAIN_LOOP] = "chain_loop",
	[VHOST_ALT_DROP_CHAIN_LONG] = "chain_long",
	[VHOST_ALT_DROP_CHAIN_ORDER] = "chain_order",
	[VHOST_ALT_DROP_CHAIN_ADDRESS] = "chain_address",
	[VHOST_ALT_DROP_CHAIN_INDIRECT] = "chain_indirect",
	[VHOST_ALT_DROP_DIRECTION] = "direction",
	[VHOST_ALT_DROP_SHORT] = "short",
	[VHOST_ALT_DROP_LONG] = "long",
	[VHOST_ALT_DROP_HEADER] = "header",
	[VHOST_ALT_DROP_COPY] = "copy",
	[VHOST_ALT_DROP_MEMORY] = "memory",
	[VHOST_ALT_DROP_SEND] = "send",
	[VHOST_ALT_DROP_NO_ROOM] = "no_room",
	[VHOST_ALT_DROP_RECEIVE] = "receive",
	[VHOST_ALT_DROP_WRITE] = "write",
};

/* All members are counters. */
#define STATS_WORDS	(sizeof(struct vha_stats) / sizeof(u64))

/**
 * vha_stats_copy() - copy counters
 * @to: the copy
 * @from: the counters; the worker may be counting
 */
void vha_stats_copy(struct vha_stats *to, const struct vha_stats *from)
{
	const u64 *in = (const u64 *)from;
	u64 *out = (u64 *)to;
	unsigned int i;

	for (i = 0; i < STATS_WORDS; i++)
		out[i] = READ_ONCE(in[i]);
}

/**
 * vha_stats_since() - read counters, less a baseline
 * @shown: filled in
 * @now: the counters; the worker may be counting
 * @base: the counters when they were last reset
 */
void vha_stats_since(struct vha_stats *shown, const struct vha_stats *now,
		     const struct vha_stats *base)
{
	const u64 *first = (const u64 *)base;
	u64 *out = (u64 *)shown;
	unsigned int i;

	vha_stats_copy(shown, now);
	for (i = 0; i < STATS_WORDS; i++)
		out[i] -= first[i];
}

/**
 * vha_stats_counter() - a counter by its number
 * @stats: the counters; the worker may be writing them
 * @counter: which one: behind VHOST_ALT_COUNTER_PAD
 */
u64 vha_stats_counter(const struct vha_stats *stats,
		      enum vhost_alt_counter counter)
{
	const u64 *value = (const void *)stats + counters[counter].offset;

	return READ_ONCE(*value);
}

/**
 * vha_stats_show() - print a queue's counters
 * @m: where to
 * @queue: the queue's name, put before each counter's
 * @stats: the counters; the worker may be writing them
 *
 * One line for each counter, "<queue>.<counter>:\t<value>", and one for each
 * reason of a drop that has occurred, "<queue>.drop.<reason>:\t<value>".
 */
void vha_stats_show(struct seq_file *m, const char *queue,
		    const struct vha_stats *stats)
{
	unsigned int i;
	u64 n;

	for (i = VHOST_ALT_COUNTER_PAD + 1; i <= VHOST_ALT_COUNTER_MAX; i++)
		seq_printf(m, "%s.%s:\t%llu\n", queue, counters[i].name,
			   vha_stats_counter(stats, i));
	for (i = VHOST_ALT_DROP_PAD + 1; i <= VHOST_ALT_DROP_MAX; i++) {
		n = READ_ONCE(stats->drops[i]);
		if (n)
			seq_printf(m, "%s.drop.%s:\t%llu\n", queue, drops[i], n);
	}
}
