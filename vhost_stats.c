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
 * vha_stats_counter() - read a counter
 * @stats: the counters; the worker may be writing them
 * @counter: the counter's number, greater than VHOST_ALT_COUNTER_PAD
 *
 * Return: the counter's value.
 */
u64 vha_stats_counter(const struct vha_stats *stats,
		      enum vhost_alt_counter counter)
{
	const u64 *value = (const void *)stats + counters[counter].offset;

	return READ_ONCE(*value);
}

/**
 * vha_stats_drops() - read the number of drops for a reason
 * @stats: the counters; the worker may be writing them
 * @reason: the reason's number, greater than VHOST_ALT_DROP_PAD
 *
 * Return: the number of packets dropped and chains returned unused.
 */
u64 vha_stats_drops(const struct vha_stats *stats, enum vhost_alt_drop reason)
{
	return READ_ONCE(stats->drops[reason]);
}

/**
 * vha_stats_batches() - read the number of batches of a size
 * @stats: the counters; the worker may be writing them
 * @size: the index of the size, less than VHA_BATCH_SIZES: index i stands for
 *	more than 2^(i-1) and at most 2^i chains, the last one for all above
 *
 * Return: the number of batches.
 */
u64 vha_stats_batches(const struct vha_stats *stats, unsigned int size)
{
	return READ_ONCE(stats->batch_sizes[size]);
}

/**
 * vha_stats_show() - print a queue's counters
 * @m: the file to print into
 * @queue: the queue's name, printed before the name of each counter
 * @stats: the counters; the worker may be writing them
 *
 * Print a line for each counter, "<queue>.<counter>:\t<value>", and a line for
 * each reason for which there were drops, "<queue>.drop.<reason>:\t<value>".
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
		n = vha_stats_drops(stats, i);
		if (n)
			seq_printf(m, "%s.drop.%s:\t%llu\n", queue, drops[i],
				   n);
	}
}
