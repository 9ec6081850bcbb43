// SPDX-License-Identifier: GPL-2.0-only
/* The order of the rules, and what they have in common */
#include <stdarg.h>
#include <stdio.h>

#include "diagnose.h"

/* Fewer packets say nothing about batches. */
#define MIN_PACKETS	100
#define POOR_BATCH	2.0	/* packets */

void add_finding(struct diagnosis *d, const struct queue *q,
		 const char *problem, bool now, const char *fmt, ...)
{
	struct finding *f = &d->finding[d->n];
	va_list args;

	if (d->n == MAX_FINDINGS)
		return;
	d->n++;
	f->queue = q;
	f->problem = problem;
	f->now = now;
	va_start(args, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
}

unsigned int queues_in_both(const struct diagnosis *d)
{
	unsigned int then = d->before->dev->nqueues, now = d->now->dev->nqueues;

	return then < now ? then : now;
}

struct comparison compare_queue(struct diagnosis *d, unsigned int index)
{
	return (struct comparison){
		d, &d->before->queue[index], &d->now->queue[index],
		d->now->queue[index].queue
	};
}

void each_queue(struct diagnosis *d, void (*rule)(const struct comparison *c))
{
	unsigned int i;

	for (i = 0; i < queues_in_both(d); i++) {
		struct comparison c = compare_queue(d, i);

		rule(&c);
	}
}

__u64 total(const struct comparison *c, enum vhost_alt_counter counter)
{
	return c->q->counter[counter];
}

__u64 delta(const struct comparison *c, enum vhost_alt_counter counter)
{
	return counter_delta(c->before->queue, c->q, counter);
}

__u64 delta_of_all(const struct diagnosis *d, bool rx,
		   enum vhost_alt_counter counter)
{
	const struct device *then = d->before->dev, *now = d->now->dev;
	unsigned int i;
	__u64 sum = 0;

	for (i = !rx; i < now->nqueues && i < then->nqueues; i += 2)
		sum += counter_delta(&then->queue[i], &now->queue[i], counter);
	return sum;
}

bool is_rx(const struct comparison *c)
{
	return !(c->q->index & 1);
}

bool is_serving(const struct comparison *c)
{
	return (c->q->state & (VHOST_ALT_QUEUE_RUNNING |
			       VHOST_ALT_QUEUE_BROKEN |
			       VHOST_ALT_QUEUE_FAULTED)) ==
	       VHOST_ALT_QUEUE_RUNNING;
}

bool takes_single_packets(const struct comparison *c)
{
	__u64 packets = delta(c, VHOST_ALT_COUNTER_PACKETS);
	__u64 wakes = delta(c, VHOST_ALT_COUNTER_KICKS) +
		      delta(c, VHOST_ALT_COUNTER_WAKEUPS);

	/* A queue that polls sleeps only when there is nothing to do. */
	return !c->q->times.busyloop &&
	       packets >= MIN_PACKETS && wakes * 2 >= packets &&
	       packets < delta(c, VHOST_ALT_COUNTER_BATCHES) * POOR_BATCH;
}

const char *splitting(char text[SPLITTING_LEN], const struct device_sample *s)
{
	const struct device *dev = s->dev;

	if (dev->sharing_pending > 1)
		snprintf(text, SPLITTING_LEN,
			 "wait until each has the worker that was requested for it (workers=split)");
	else if (dev->sharing_managed)
		snprintf(text, SPLITTING_LEN,
			 "have the owner (%s), which divides its queues by itself, give each a worker of its own (VHOST_NEW_WORKER)",
			 dev->comm);
	else
		snprintf(text, SPLITTING_LEN,
			 "give each a worker of its own (vhostctl set %u workers=split)",
			 dev->id);
	return text;
}

const char *backend_name(const struct queue *q)
{
	return q->ifname[0] ? q->ifname : "the backend";
}

/* Check whether the VMM uses the device at all. */
static bool is_in_use(struct diagnosis *d)
{
	const struct device *dev = d->now->dev;

	if (!dev->has_owner)
		add_finding(d, NULL, "no_owner", true,
			    "no owner: the file is open, but its VMM has not started to use it");
	else if (!dev->regions)
		add_finding(d, NULL, "no_memory", true,
			    "no memory table: its VMM has not started to use the device, or has stopped");
	return !d->n;
}

void diagnose(struct diagnosis *d)
{
	if (!is_in_use(d))
		return;
	causes_of_vmm(d);
	causes_of_tap(d);
	causes_of_scheduler(d);
	causes_of_queue(d);
	causes_of_guest(d);
	causes_of_drops(d);
}
