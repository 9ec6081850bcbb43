// SPDX-License-Identifier: GPL-2.0-only
/* How counters leave the kernel: as lines of /proc/<pid>/fdinfo/<fd>. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "vhost_stats.h"

#define COUNTER(name) { #name, offsetof(struct vhost_stats, name) }

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	COUNTER(packets),
	COUNTER(bytes),
	COUNTER(batches),
	COUNTER(runs),
	COUNTER(weight),
	COUNTER(calls),
	COUNTER(calls_suppressed),
	COUNTER(ring_empty),
	COUNTER(put_back),
	COUNTER(socket_full),
	COUNTER(ring_errors),
	COUNTER(iotlb_misses),
	COUNTER(log_bytes),
	COUNTER(busy_polls),
	COUNTER(busy_hits),
};

static const char *const drops[VHOST_DROP_REASONS] = {
	[VHOST_DROP_CHAIN_HEAD] = "chain_head",
	[VHOST_DROP_CHAIN_NEXT] = "chain_next",
	[VHOST_DROP_CHAIN_LOOP] = "chain_loop",
	[VHOST_DROP_CHAIN_LONG] = "chain_long",
	[VHOST_DROP_CHAIN_ORDER] = "chain_order",
	[VHOST_DROP_CHAIN_ADDRESS] = "chain_address",
	[VHOST_DROP_CHAIN_INDIRECT] = "chain_indirect",
	[VHOST_DROP_DIRECTION] = "direction",
	[VHOST_DROP_SHORT] = "short",
	[VHOST_DROP_LONG] = "long",
	[VHOST_DROP_HEADER] = "header",
	[VHOST_DROP_COPY] = "copy",
	[VHOST_DROP_MEMORY] = "memory",
	[VHOST_DROP_SEND] = "send",
	[VHOST_DROP_NO_ROOM] = "no_room",
	[VHOST_DROP_RECEIVE] = "receive",
	[VHOST_DROP_WRITE] = "write",
};

/**
 * vhost_stats_show() - print a queue's counters
 * @m: where to
 * @queue: the queue's name, put before each counter's
 * @stats: the counters; the worker may be writing them
 *
 * One line for each counter, "<queue>.<counter>:\t<value>", and one for each
 * reason of a drop that has occurred, "<queue>.drop.<reason>:\t<value>".
 */
void vhost_stats_show(struct seq_file *m, const char *queue,
		      const struct vhost_stats *stats)
{
	const u64 *value;
	unsigned int i;
	u64 n;

	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		value = (const void *)stats + counters[i].offset;
		seq_printf(m, "%s.%s:\t%llu\n", queue, counters[i].name,
			   READ_ONCE(*value));
	}
	for (i = 0; i < ARRAY_SIZE(drops); i++) {
		n = READ_ONCE(stats->drops[i]);
		if (n)
			seq_printf(m, "%s.drop.%s:\t%llu\n", queue, drops[i], n);
	}
}
