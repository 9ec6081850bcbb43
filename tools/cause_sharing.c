// SPDX-License-Identifier: GPL-2.0-only
/* Causes that lie in how the queues of a worker take turns */
#include <stdio.h>

#include "diagnose.h"

/* Percent of a CPU: below that, a worker has time for all its queues. */
#define MUCH		50
/* Fewer turns, or packets, say nothing. */
#define MIN_TURNS	10
/* Milliseconds: shorter turns cost no more than a wake-up. */
#define MIN_TURN	0.1

/* Most turns of the queue end because others are to have theirs. */
static bool uses_up_turns(const struct comparison *c)
{
	__u64 cut = delta(c, VHOST_ALT_COUNTER_WEIGHT);

	return is_serving(c) && cut >= MIN_TURNS &&
	       cut * 2 >= delta(c, VHOST_ALT_COUNTER_RUNS);
}

/*
 * The queue had something to do time and again. If it uses up turns as well,
 * the worker is at its limit instead.
 */
static bool has_to_wait(const struct comparison *c,
			const struct comparison *busy)
{
	return is_serving(c) &&
	       delta(c, VHOST_ALT_COUNTER_RUNS) >= MIN_TURNS &&
	       delta(c, VHOST_ALT_COUNTER_PACKETS) >= MIN_TURNS &&
	       delta(c, VHOST_ALT_COUNTER_WEIGHT) * 4 <
	       delta(busy, VHOST_ALT_COUNTER_WEIGHT);
}

static void report(const struct comparison *c, const struct comparison *busy,
		   __u32 worker, double ms)
{
	const struct device *dev = c->d->now->dev;
	char advice[SPLITTING_LEN];

	c->d->queue_starved = true;
	add_finding(c->d, c->q, "queue_starved", true,
		    "waits for %s of device %u%s%s%s, which has the same worker %u and used up %llu of its %llu turns of %.1f ms, while this queue had %llu packets in %llu turns; %s",
		    busy->q->name, dev->id, dev->guest[0] ? " (guest " : "",
		    dev->guest, dev->guest[0] ? ")" : "", worker,
		    delta(busy, VHOST_ALT_COUNTER_WEIGHT),
		    delta(busy, VHOST_ALT_COUNTER_RUNS), ms,
		    delta(c, VHOST_ALT_COUNTER_PACKETS),
		    delta(c, VHOST_ALT_COUNTER_RUNS),
		    splitting(advice, c->d->now));
}

static bool has_worker(const struct comparison *c, __u32 worker)
{
	return c->q->has_worker && c->q->worker == worker &&
	       c->before->queue->worker == worker;
}

/* Find the queues that wait for one whose turns take @ms each. */
static void find_waiting(const struct comparison *busy, __u32 worker, double ms)
{
	struct diagnosis *d = busy->d;
	unsigned int i;

	for (i = 0; i < queues_in_both(d); i++) {
		struct comparison c = compare_queue(d, i);

		if (c.q != busy->q && has_worker(&c, worker) &&
		    has_to_wait(&c, busy))
			report(&c, busy, worker, ms);
	}
}

bool find_starved_queue(struct diagnosis *d, __u32 worker, double cpu)
{
	unsigned int i;
	double ms;

	for (i = 0; i < queues_in_both(d) && cpu >= MUCH; i++) {
		struct comparison busy = compare_queue(d, i);

		if (!has_worker(&busy, worker) || !uses_up_turns(&busy))
			continue;
		ms = cpu / 100 * d->seconds * 1e3 /
		     delta(&busy, VHOST_ALT_COUNTER_RUNS);
		if (ms >= MIN_TURN)
			find_waiting(&busy, worker, ms);
	}
	return d->queue_starved;
}
