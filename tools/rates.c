// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "rates.h"
#include "state.h"

#define COLUMN(title, key, member, width, digits, ...) \
	{ title, key, offsetof(struct rate, member), width, digits, \
	  ##__VA_ARGS__ }

const struct column rate_columns[] = {
	COLUMN("PKT/S", "pps", pps, 8, 0),
	COLUMN("BIT/S", "bps", bps, 8, 0),
	COLUMN("DROP/S", "drops_per_second", drops, 7, 0),
	COLUMN("CPU%", "cpu_percent", cpu, 6, 1, true),
	COLUMN("PKT/BATCH", "packets_per_batch", batch, 9, 1),
	COLUMN("KICK/PKT", "kicks_per_packet", kicks, 8, 2),
	COLUMN("CALL/PKT", "calls_per_packet", calls, 8, 2),
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

static unsigned int rates_of_queues(struct rate *rates,
				    const struct snapshot *then,
				    const struct device *dev, double seconds)
{
	const struct queue *old;
	unsigned int q, n = 0;

	for (q = 0; q < dev->nqueues; q++) {
		old = snapshot_queue(then, dev->id, dev->queue[q].index);
		if (!old)
			continue;
		rates[n].dev = dev;
		rates[n].queue = &dev->queue[q];
		fill_rate(&rates[n++], old, seconds);
	}
	return n;
}

/* A worker may serve several queues: its CPU time is none of theirs alone. */
static unsigned int rates_of_workers(struct rate *rates,
				     const struct device *then,
				     const struct device *dev, double seconds)
{
	unsigned int i;

	for (i = 0; i < dev->nworkers; i++) {
		rates[i].dev = dev;
		rates[i].worker = &dev->worker[i];
		rates[i].cpu = worker_cpu(then, dev, dev->worker[i].id,
					  seconds);
	}
	return i;
}

struct rate *rates_between(const struct snapshot *then,
			   const struct snapshot *now, unsigned int *n)
{
	double seconds = now->seconds - then->seconds;
	const struct device *before, *dev;
	unsigned int i, most = 1;
	struct rate *rates;

	*n = 0;
	for (i = 0; i < now->ndev; i++)
		most += now->dev[i].nqueues + now->dev[i].nworkers;
	rates = calloc(most, sizeof(*rates));
	for (i = 0; rates && i < now->ndev; i++) {
		dev = &now->dev[i];
		before = snapshot_device(then, dev->id);
		if (!before)
			continue;
		*n += rates_of_queues(rates + *n, then, dev, seconds);
		*n += rates_of_workers(rates + *n, before, dev, seconds);
	}
	return rates;
}

bool rate_has(const struct rate *rate, unsigned int column)
{
	return rate_columns[column].of_worker == !!rate->worker;
}

double rate_value(const struct rate *rate, unsigned int column)
{
	return *(const double *)((const char *)rate +
				 rate_columns[column].offset);
}

#define TITLE_FORMAT	"%-6s %-10s %-3s %-10s"
#define ROW_FORMAT	"%-6u %-10s %-3s %-10s"

void rates_title(char *line)
{
	int n = snprintf(line, RATES_LINE, TITLE_FORMAT, "DEV", "IF", "Q",
			 "STATE");
	unsigned int i;

	for (i = 0; i < rate_ncolumns; i++)
		n += snprintf(line + n, RATES_LINE - n, " %*s",
			      rate_columns[i].width, rate_columns[i].title);
	snprintf(line + n, RATES_LINE - n, "  GUEST");
}

static const char *format_value(char text[NUMBER_LEN], const struct rate *rate,
				unsigned int column, bool exact)
{
	unsigned int digits = rate_columns[column].digits;
	double value = rate_value(rate, column);

	if (!rate_has(rate, column))
		return "-";
	if (!digits)
		return format_number(text, value, exact);
	snprintf(text, NUMBER_LEN, "%.*f", digits, value);
	return text;
}

void rates_row(char *line, const struct rate *rate, bool exact,
	       enum colour *paint)
{
	const struct device *dev = rate->dev;
	const char *ifname, *state = "-";
	char name[NAME_LEN], text[NUMBER_LEN];
	unsigned int i;
	int n;

	*paint = COLOUR_OFF;
	if (rate->queue) {
		ifname = rate->queue->ifname;
		state = state_of(rate->queue, 1, paint);
		snprintf(name, sizeof(name), "%s", rate->queue->name);
	} else {
		ifname = device_ifname(dev);
		snprintf(name, sizeof(name), "w%u", rate->worker->id);
	}
	n = snprintf(line, RATES_LINE, ROW_FORMAT, dev->id,
		     *ifname ? ifname : "-", name, state);
	for (i = 0; i < rate_ncolumns; i++)
		n += snprintf(line + n, RATES_LINE - n, " %*s",
			      rate_columns[i].width,
			      format_value(text, rate, i, exact));
	snprintf(line + n, RATES_LINE - n, "  %s",
		 *dev->guest ? dev->guest : "-");
}
