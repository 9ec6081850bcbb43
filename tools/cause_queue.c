// SPDX-License-Identifier: GPL-2.0-only
/* Causes that show in how the module serves a queue */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "diagnose.h"
#include "waiting.h"

/* Below these, a verdict on cost would be about nothing. */
#define BUSY_CPU	30	/* percent of a CPU */
#define POLL_CPU	20	/* percent of a CPU */
#define POLL_HITS	10	/* percent of the polls */

static void find_ring_error(const struct comparison *c)
{
	char why[128] = "its cause is no longer visible";

	if (!(c->q->state & VHOST_ALT_QUEUE_BROKEN))
		return;
	if (c->now->ring_err == -EFAULT)
		strcpy(why,
		       "its memory is not present, not mapped, or not in the memory table");
	else if (!c->now->ring_err && waiting(c->now) > c->q->size)
		snprintf(why, sizeof(why),
			 "the guest claims %u available entries in a ring of %u",
			 waiting(c->now), c->q->size);
	else if (!c->now->ring_err && c->q->has_wraps && waiting(c->now))
		strcpy(why, "the guest made a chain that is longer than the ring");
	add_finding(c->d, c->q, "ring_error", true,
		    "stopped by a ring error: %s; setting the backend restarts it: reboot the guest or rebind its driver",
		    why);
}

static void find_fault(const struct comparison *c)
{
	if (c->q->state & VHOST_ALT_QUEUE_FAULTED &&
	    !(c->q->state & VHOST_ALT_QUEUE_BROKEN))
		add_finding(c->d, c->q, "ring_fault", true,
			    "the memory of its ring or dirty log cannot be accessed, and is tried again, %llu times so far: see what the owner (%s) has unmapped or protected",
			    total(c, VHOST_ALT_COUNTER_RETRIES),
			    c->d->now->dev->comm);
}

static void find_old_errors(const struct comparison *c)
{
	__u64 all = total(c, VHOST_ALT_COUNTER_RING_ERRORS);

	if (all && is_serving(c))
		add_finding(c->d, c->q, "ring_error", false,
			    "its ring was unusable %llu times", all);
}

static void find_retries(const struct comparison *c)
{
	__u64 all = total(c, VHOST_ALT_COUNTER_RETRIES);
	__u64 some = delta(c, VHOST_ALT_COUNTER_RETRIES);

	if (!all || !is_serving(c))
		return;
	add_finding(c->d, c->q, "retries", some,
		    "tried again %llu times, after 10 ms to 1 s each: the memory of its ring was not accessible, the host short of memory, or a queue behind %s full",
		    some ?: all, backend_name(c->q));
}

static double cpu_of_worker(const struct comparison *c)
{
	return worker_cpu(c->d->before->dev, c->d->now->dev, c->q->worker,
			  c->d->seconds);
}

/* The time for which the queue may poll by itself; -1 if that is unknown. */
static int adaptive_poll(const struct comparison *c)
{
	const struct queue_times *times = &c->q->times;

	return times->has_adaptive_poll ? times->adaptive_poll :
					  c->d->last->adaptive_poll;
}

/*
 * What to do about single packets: the queue may have found out by itself
 * already that no more packets come if it polls.
 */
static const char *poll_advice(char text[TEXT_LEN], const struct comparison *c)
{
	__u64 trials = total(c, VHOST_ALT_COUNTER_POLL_TRIALS);
	__u64 failed = total(c, VHOST_ALT_COUNTER_POLL_TRIALS_FAILED);
	__u32 dev = c->q->dev;

	if (!adaptive_poll(c))
		snprintf(text, TEXT_LEN,
			 "adaptive polling is off: switch it on (vhostctl set %u %s adaptive-poll=on)",
			 dev, c->q->name);
	else if (failed && failed * 2 >= trials)
		snprintf(text, TEXT_LEN,
			 "adaptive polling was tried in vain, %llu of %llu times, so more packets did not come: busy polling (vhostctl set %u %s busy-poll=50) would only save wake-ups; let more packets be sent at a time",
			 failed, trials, dev, c->q->name);
	else
		snprintf(text, TEXT_LEN,
			 "try busy polling (vhostctl set %u %s busy-poll=50; -netdev tap,...,poll-us=50)",
			 dev, c->q->name);
	return text;
}

/* Single packets cost most, which matters if they keep the worker busy. */
static void find_poor_batches(const struct comparison *c)
{
	__u64 packets = delta(c, VHOST_ALT_COUNTER_PACKETS);
	__u64 batches = delta(c, VHOST_ALT_COUNTER_BATCHES);
	double cpu = cpu_of_worker(c);
	char advice[TEXT_LEN];

	if (c->d->starved || c->d->queue_starved || cpu < BUSY_CPU ||
	    !takes_single_packets(c))
		return;
	add_finding(c->d, c->q, "poor_batching", true,
		    "batching is poor: %.0f packets per second in batches of %.1f, so nearly every packet wakes the worker, which uses %.0f %% of a CPU; %s",
		    packets / c->d->seconds, (double)packets / batches, cpu,
		    poll_advice(advice, c));
}

/* A polling time that was set: adaptive polling ends if it does not pay. */
static void find_wasted_polling(const struct comparison *c)
{
	__u64 polls = delta(c, VHOST_ALT_COUNTER_BUSY_POLLS) -
		      delta(c, VHOST_ALT_COUNTER_BUSY_YIELDS);
	__u64 hits = delta(c, VHOST_ALT_COUNTER_BUSY_HITS);
	double cpu = delta(c, VHOST_ALT_COUNTER_BUSY_NS) / 1e9 /
		     c->d->seconds * 100;

	/* The time includes that of others that interrupted the polling. */
	if (cpu > cpu_of_worker(c))
		cpu = cpu_of_worker(c);
	if (!c->q->times.busyloop || cpu < POLL_CPU ||
	    hits * 100 >= polls * POLL_HITS)
		return;
	add_finding(c->d, c->q, "polling_wasted", true,
		    "busy polling does not pay: it uses %.0f %% of a CPU, and %llu of %llu polls found work; set a shorter time than %u us, or none (vhostctl set %u %s busy-poll=0)",
		    cpu, hits, polls, c->q->times.busyloop, c->q->dev,
		    c->q->name);
}

static void judge(const struct comparison *c)
{
	find_ring_error(c);
	find_fault(c);
	find_old_errors(c);
	find_retries(c);
	find_poor_batches(c);
	find_wasted_polling(c);
}

void causes_of_queue(struct diagnosis *d)
{
	each_queue(d, judge);
}
