// SPDX-License-Identifier: GPL-2.0-only
/* Causes that lie in the VMM */
#include "diagnose.h"
#include "out.h"

/* The owner must have been stopped in both samples. */
static void find_stopped_owner(struct diagnosis *d)
{
	const struct host_task *a = &d->before->owner, *b = &d->now->owner;
	const struct device *dev = d->now->dev;

	if (a->why || b->why || a->state != b->state)
		return;
	if (b->state == 'T')
		add_finding(d, NULL, "vmm_stopped", true,
			    "the owner (%s) was stopped by a signal: kill -CONT %u lets it go on",
			    dev->comm, dev->pid);
	else if (b->state == 't')
		add_finding(d, NULL, "vmm_traced", true,
			    "the owner (%s) is held by process %u, a debugger: continue or detach there",
			    dev->comm, b->tracer);
	d->owner_stopped = b->state == 'T' || b->state == 't';
}

static void find_iotlb_miss(const struct comparison *c)
{
	__u32 miss = c->q->state & c->before->queue->state &
		     VHOST_ALT_QUEUE_IOTLB_MISS;

	if (miss && !c->d->owner_stopped &&
	    !delta(c, VHOST_ALT_COUNTER_PACKETS))
		add_finding(c->d, c->q, "iotlb_miss", true,
			    "waiting for an IOTLB translation for %.1f s: the owner (%s) does not answer IOTLB misses, or the guest's IOMMU does not map the address",
			    c->q->last_run / 1e3, c->d->now->dev->comm);
}

static void find_eventfds(const struct comparison *c)
{
	if (!(c->q->state & VHOST_ALT_QUEUE_RUNNING))
		return;
	if (!(c->q->state & VHOST_ALT_QUEUE_KICK))
		add_finding(c->d, c->q, "no_kick", true,
			    "no kick eventfd: the guest cannot notify the device; the owner (%s) has to set one",
			    c->d->now->dev->comm);
	if (!(c->q->state & VHOST_ALT_QUEUE_CALL))
		add_finding(c->d, c->q, "no_call", true,
			    "no call eventfd: a guest that does not poll never learns that its buffers were used");
}

static void find_migration(struct diagnosis *d)
{
	__u64 bytes = delta_of_all(d, true, VHOST_ALT_COUNTER_LOG_BYTES) +
		      delta_of_all(d, false, VHOST_ALT_COUNTER_LOG_BYTES);
	char rate[NUMBER_LEN];

	if (!(d->now->dev->features & 1ULL << VHOST_F_LOG_ALL) || !bytes)
		return;
	format_number(rate, bytes / d->seconds, false);
	add_finding(d, NULL, "migration", true,
		    "a migration is under way: the dirty log is on and took %s bytes per second; it costs time until the migration ends",
		    rate);
}

static bool is_stopped(const struct queue *q)
{
	return !(q->state & VHOST_ALT_QUEUE_RUNNING);
}

/* A guest that has sent or received once had started its driver. */
static void find_no_backend(struct diagnosis *d)
{
	const struct device *dev = d->now->dev;
	const char *why = "the guest's driver has not started the queues, or the guest is paused";
	unsigned int i, stopped = 0;

	for (i = 0; i < dev->nqueues; i++) {
		stopped += is_stopped(&dev->queue[i]);
		if (dev->queue[i].counter[VHOST_ALT_COUNTER_RUNS])
			why = "the guest is paused, or its driver was unloaded";
	}
	for (i = 0; i < dev->nqueues && stopped < dev->nqueues; i++)
		if (is_stopped(&dev->queue[i]))
			add_finding(d, &dev->queue[i], "stopped", true,
				    "no backend, while the device's other queue has one: the owner (%s) stopped it, or resets it",
				    dev->comm);
	if (stopped == dev->nqueues)
		add_finding(d, NULL, "stopped", true, "no backend: %s", why);
}

void causes_of_vmm(struct diagnosis *d)
{
	find_stopped_owner(d);
	find_no_backend(d);
	each_queue(d, find_eventfds);
	each_queue(d, find_iotlb_miss);
	find_migration(d);
}
