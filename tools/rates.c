// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdio.h>

#include "rates.h"

#define COLUMN(title, key, member, width, digits) \
	{ title, key, offsetof(struct rate, member), width, digits }

const struct column rate_columns[] = {
	COLUMN("PKT/S", "pps", pps, 8, 0),
	COLUMN("BIT/S", "bps", bps, 8, 0),
	COLUMN("PKT/BATCH", "packets_per_batch", batch, 9, 1),
	COLUMN("KICK/PKT", "kicks_per_packet", kicks, 8, 2),
	COLUMN("CALL/PKT", "calls_per_packet", calls, 8, 2),
	COLUMN("DROP/S", "drops_per_second", drops, 7, 0),
	COLUMN("CPU%", "worker_cpu_percent", cpu, 6, 1),
};

const unsigned int rate_ncolumns = ARRAY_SIZE(rate_columns);

static __u64 growth(__u64 then, __u64 now)
{
	return now >= then ? now - then : now;
}

__u64 counter_delta(const struct queue *then, const struct queue *now,
		    enum vhost_alt_counter counter)
{
	return growth(then->counter[counter], now->counter[counter]);
}

double worker_cpu(const struct device *then, const struct device *now,
		  __u32 id, double seconds)
{
	const struct worker *a = device_worker(then, id);
	const struct worker *b = device_worker(now, id);

	if (!a || !b || a->tid != b->tid)
		return 0;
	return growth(a->runtime, b->runtime) / 1e9 / seconds * 100;
}

static double ratio(__u64 n, __u64 of)
{
	return of ? (double)n / of : 0;
}

static void fill_rate(struct rate *r, const struct queue *then,
		      double seconds)
{
	const struct queue *now = r->queue;
	__u64 packets = counter_delta(then, now, VHOST_ALT_COUNTER_PACKETS);

	r->pps = packets / seconds;
	r->bps = counter_delta(then, now, VHOST_ALT_COUNTER_BYTES) * 8 /
		 seconds;
	r->batch = ratio(packets, counter_delta(then, now,
						VHOST_ALT_COUNTER_BATCHES));
	r->kicks = ratio(counter_delta(then, now, VHOST_ALT_COUNTER_KICKS),
			 packets);
	r->calls = ratio(counter_delta(then, now, VHOST_ALT_COUNTER_CALLS),
			 packets);
	r->drops = growth(queue_drops(then), queue_drops(now)) / seconds;
}

unsigned int rates_between(struct rate *rates, const struct snapshot *then,
			   const struct snapshot *now)
{
	double seconds = now->seconds - then->seconds;
	const struct device *before;
	const struct queue *old;
	unsigned int i, q, n = 0;
	struct rate *r;

	for (i = 0; i < now->ndev; i++) {
		before = snapshot_device(then, now->dev[i].id);
		for (q = 0; before && q < now->dev[i].nqueues; q++) {
			old = snapshot_queue(then, before->id,
					     now->dev[i].queue[q].index);
			if (!old)
				continue;
			r = &rates[n++];
			*r = (struct rate){
				.dev = &now->dev[i],
				.queue = &now->dev[i].queue[q],
			};
			fill_rate(r, old, seconds);
			r->cpu = worker_cpu(before, r->dev, r->queue->worker,
					    seconds);
		}
	}
	return n;
}

double rate_value(const struct rate *rate, unsigned int column)
{
	return *(const double *)((const char *)rate +
				 rate_columns[column].offset);
}

void rates_title(char *line)
{
	int n = snprintf(line, RATES_LINE, "%-6s %-10s %-3s", "DEV", "IF",
			 "Q");
	unsigned int i;

	for (i = 0; i < rate_ncolumns; i++)
		n += snprintf(line + n, RATES_LINE - n, " %*s",
			      rate_columns[i].width, rate_columns[i].title);
}

void rates_row(char *line, const struct rate *rate, bool exact)
{
	const char *ifname = rate->queue->ifname;
	int n = snprintf(line, RATES_LINE, "%-6u %-10s %-3s", rate->dev->id,
			 *ifname ? ifname : "-", rate->queue->name);
	char text[NUMBER_LEN];
	unsigned int i;

	for (i = 0; i < rate_ncolumns; i++) {
		if (rate_columns[i].digits)
			snprintf(text, sizeof(text), "%.*f",
				 rate_columns[i].digits, rate_value(rate, i));
		else
			format_number(text, rate_value(rate, i), exact);
		n += snprintf(line + n, RATES_LINE - n, " %*s",
			      rate_columns[i].width, text);
	}
}
