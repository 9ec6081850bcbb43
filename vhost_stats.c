// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the counters: by number, and as lines of /proc/<pid>/fdinfo/<fd>.
 * Every reader gets its numbers from the functions of this file.
 */

#include <linux/kernel.h>
#include <linux/seq_file.h>

#include "vhost_stats.h"

#define COUNTER(number, name, ...)			\
	[VHOST_ALT_COUNTER_ ## number] = {		\
		#name, offsetof(struct vha_stats, name)	\
	},

static const struct {
	const char *name;
	size_t offset;
} counters[VHOST_ALT_COUNTER_MAX + 1] = {
	VHOST_ALT_COUNTERS(COUNTER)
};

#define DROP(number, name, ...)				\
	[VHOST_ALT_DROP_ ## number] = #name,

static const char *const drops[VHOST_ALT_DROP_MAX + 1] = {
	VHOST_ALT_DROPS(DROP)
};

/**
 * vha_stats_reset() - make the current counters the baseline
 * @base: the baseline; set to the counters
 * @now: the counters; the worker may be counting
 */
void vha_stats_reset(struct vha_stats *base, const struct vha_stats *now)
{
	const u64 *in = (const u64 *)now;
	u64 *out = (u64 *)base;
	unsigned int i;

	/* All members are counters. */
	for (i = 0; i < sizeof(*now) / sizeof(u64); i++)
		out[i] = READ_ONCE(in[i]);
}

/**
 * vha_stats_counter() - read a counter
 * @view: the counters
 * @counter: the counter's number, greater than VHOST_ALT_COUNTER_PAD
 *
 * Return: the counter's value.
 */
u64 vha_stats_counter(const struct vha_stats_view *view,
		      enum vhost_alt_counter counter)
{
	size_t offset = counters[counter].offset;

	return READ_ONCE(*(const u64 *)((const void *)view->now + offset)) -
	       *(const u64 *)((const void *)view->base + offset);
}

/**
 * vha_stats_drops() - read the number of drops for a reason
 * @view: the counters
 * @reason: the reason's number, greater than VHOST_ALT_DROP_PAD
 *
 * Return: the number of packets dropped and chains returned unused.
 */
u64 vha_stats_drops(const struct vha_stats_view *view,
		    enum vhost_alt_drop reason)
{
	return READ_ONCE(view->now->drops[reason]) - view->base->drops[reason];
}

/**
 * vha_stats_batches() - read the number of batches of a size
 * @view: the counters
 * @size: the index of the size, less than VHA_BATCH_SIZES: index i stands for
 *	more than 2^(i-1) and at most 2^i chains, the last one for all above
 *
 * Return: the number of batches.
 */
u64 vha_stats_batches(const struct vha_stats_view *view, unsigned int size)
{
	return READ_ONCE(view->now->batch_sizes[size]) -
	       view->base->batch_sizes[size];
}

/**
 * vha_stats_show() - print a queue's counters
 * @m: the file to print into
 * @queue: the queue's name, printed before the name of each counter
 * @view: the counters
 *
 * Print a line for each counter, "<queue>.<counter>:\t<value>", and a line for
 * each reason for which there were drops, "<queue>.drop.<reason>:\t<value>".
 */
void vha_stats_show(struct seq_file *m, const char *queue,
		    const struct vha_stats_view *view)
{
	unsigned int i;
	u64 n;

	for (i = VHOST_ALT_COUNTER_PAD + 1; i <= VHOST_ALT_COUNTER_MAX; i++)
		seq_printf(m, "%s.%s:\t%llu\n", queue, counters[i].name,
			   vha_stats_counter(view, i));
	for (i = VHOST_ALT_DROP_PAD + 1; i <= VHOST_ALT_DROP_MAX; i++) {
		n = vha_stats_drops(view, i);
		if (n)
			seq_printf(m, "%s.drop.%s:\t%llu\n", queue, drops[i],
				   n);
	}
}
