// SPDX-License-Identifier: GPL-2.0-only
/* Diagnostic rules: each find_*() checks for one problem and reports it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "diagnose.h"
#include "names.h"
#include "rates.h"

/* Fewer packets do not allow a verdict on batching. */
#define MIN_PACKETS	1000
#define POOR_BATCH	2.0
/* Percent of one CPU */
#define CPU_BOUND	90

/* A queue's two samples */
struct comparison {
	struct diagnosis *d;
	const struct queue_sample *before, *now;
	const struct queue *q;		/* now->queue */
};

static void __printf(5, 6)
add_finding(struct diagnosis *d, const struct queue *q, const char *problem,
	    bool now, const char *fmt, ...)
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

static __u64 total(const struct comparison *c, enum vhost_alt_counter counter)
{
	return c->q->counter[counter];
}

static __u64 delta(const struct comparison *c, enum vhost_alt_counter counter)
{
	return counter_delta(c->before->queue, c->q, counter);
}

static bool state(const struct comparison *c, __u32 bit)
{
	return c->q->state & bit;
}

static bool is_rx(const struct comparison *c)
{
	return !(c->q->index & 1);
}

/* Check whether a packed descriptor is available, given the wrap counter. */
static bool is_available(__u32 flags, __u32 wrap)
{
	bool avail = flags & 1U << VRING_PACKED_DESC_F_AVAIL;
	bool used = flags & 1U << VRING_PACKED_DESC_F_USED;

	return avail != used && avail == wrap;
}

/* Count available descriptors in a packed ring, as far as they are known. */
static __u16 waiting_packed(const struct queue_sample *s)
{
	const struct ring *r = &s->ring;
	__u32 wrap = s->queue->avail_wrap;
	unsigned int n;

	for (n = 0; n < r->navail && r->avail[n].ndesc; n++) {
		if (n && !r->avail[n].index)
			wrap = !wrap;
		if (!is_available(r->avail[n].desc[0].flags, wrap))
			break;
	}
	return n;
}

/* Count buffers that the guest made available and the device has not taken. */
static __u16 waiting(const struct queue_sample *s)
{
	if (s->queue->has_wraps)
		return waiting_packed(s);
	return s->ring.avail_idx - s->queue->last_avail;
}

/* A number that changes when the guest makes buffers available. */
static __u16 made_available(const struct queue_sample *s)
{
	return s->queue->last_avail + waiting(s);
}

static void find_ring_error(const struct comparison *c)
{
	char why[128] = "its cause is no longer visible";

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
	add_finding(c->d, c->q, "ring_fault", true,
		    "the memory of its ring or dirty log cannot be accessed, and is tried again: see what the owner (%s) has unmapped or protected",
		    c->d->now->comm);
}

static void find_stopped(const struct comparison *c)
{
	add_finding(c->d, c->q, "stopped", true,
		    "no backend: the guest's driver has not started the queue, or the guest is paused");
}

static void find_iotlb_miss(const struct comparison *c)
{
	if (state(c, VHOST_ALT_QUEUE_IOTLB_MISS) &&
	    c->before->queue->state & VHOST_ALT_QUEUE_IOTLB_MISS &&
	    !delta(c, VHOST_ALT_COUNTER_PACKETS))
		add_finding(c->d, c->q, "iotlb_miss", true,
			    "waiting for an IOTLB translation: the owner (%s) does not answer IOTLB misses, or the guest's IOMMU does not map the address",
			    c->d->now->comm);
}

static void find_eventfds(const struct comparison *c)
{
	if (!state(c, VHOST_ALT_QUEUE_KICK))
		add_finding(c->d, c->q, "no_kick", true,
			    "no kick eventfd: the guest cannot notify the device");
	if (!state(c, VHOST_ALT_QUEUE_CALL))
		add_finding(c->d, c->q, "no_call", true,
			    "no call eventfd: a guest that does not poll never learns that its buffers were used");
}

/* Count the entries used since the one for which the guest wants a call. */
static __u16 used_since_event(const struct queue_sample *s)
{
	const struct ring *r = &s->ring;
	__u32 event = r->used_event & 0x7fff;
	const struct queue *q = s->queue;

	if (!q->has_wraps)
		return r->used_idx - r->used_event;
	if (r->avail_flags != VRING_PACKED_EVENT_FLAG_DESC)
		return 0;
	if (r->used_event >> 15 != q->used_wrap)
		event -= q->size;
	return q->last_used - event;
}

/*
 * Check whether the guest ignores interrupts: it asked to be interrupted at an
 * index, the device is past that index, and since then the guest has neither
 * asked again nor made buffers available. An idle driver may leave a few
 * entries like that, but not a quarter of its ring. A used_event of 0 belongs
 * to drivers that never ask, or want no interrupt now.
 */
static bool call_not_taken(const struct comparison *c)
{
	const struct ring *a = &c->before->ring, *b = &c->now->ring;
	__u16 since = used_since_event(c->now);

	if (c->before->ring_err || c->now->ring_err || !b->has_used_event)
		return false;
	return state(c, VHOST_ALT_QUEUE_CALL) && b->used_event &&
	       a->used_event == b->used_event &&
	       made_available(c->before) == made_available(c->now) &&
	       since && since <= c->q->size && since >= c->q->size / 4;
}

static void find_untaken_calls(const struct comparison *c)
{
	if (call_not_taken(c))
		add_finding(c->d, c->q, "calls_not_taken", true,
			    "the guest does not react to interrupts: %u entries used past the one it asked to be notified of; its driver may be stuck, or its interrupt not routed",
			    used_since_event(c->now));
}

static void find_no_buffers(const struct comparison *c)
{
	__u64 all = total(c, VHOST_ALT_COUNTER_NO_BUFFERS);
	__u64 some = delta(c, VHOST_ALT_COUNTER_NO_BUFFERS);
	bool empty = !c->now->ring_err && !waiting(c->now);

	if (!is_rx(c) || !all)
		return;
	if (empty && !delta(c, VHOST_ALT_COUNTER_PACKETS))
		add_finding(c->d, c->q, "no_buffers", true,
			    "the guest does not refill its receive buffers: none are available, and packets are waiting");
	else
		add_finding(c->d, c->q, "no_buffers", some,
			    "the guest refills its receive buffers too slowly: packets waited for buffers %llu times; a larger ring (rx_queue_size=) absorbs bursts",
			    some ?: all);
}

static void find_tap_overflow(const struct comparison *c)
{
	__u64 all = c->now->tap_drops;
	__u64 some = all - c->before->tap_drops;

	if (is_rx(c) && all)
		add_finding(c->d, c->q, "tap_overflow", some,
			    "the queue of %s overflows: %llu packets dropped before the guest provided buffers; lengthen it with ip link set %s txqueuelen N",
			    c->q->ifname, some ?: all, c->q->ifname);
}

static const char *backend_name(const struct comparison *c)
{
	return c->q->ifname[0] ? c->q->ifname : "the backend";
}

static void find_socket_full(const struct comparison *c)
{
	__u64 all = total(c, VHOST_ALT_COUNTER_SOCKET_FULL);
	__u64 some = delta(c, VHOST_ALT_COUNTER_SOCKET_FULL);

	if (all)
		add_finding(c->d, c->q, "socket_full", some,
			    "%s was full %llu times: its reader is slow, or its send buffer (sndbuf=) is too small",
			    backend_name(c), some ?: all);
}

static void find_old_errors(const struct comparison *c)
{
	__u64 all = total(c, VHOST_ALT_COUNTER_RING_ERRORS);

	if (all)
		add_finding(c->d, c->q, "ring_error", false,
			    "its ring was unusable %llu times", all);
}

static void find_retries(const struct comparison *c)
{
	__u64 all = total(c, VHOST_ALT_COUNTER_RETRIES);
	__u64 some = delta(c, VHOST_ALT_COUNTER_RETRIES);

	if (all)
		add_finding(c->d, c->q, "retries", some,
			    "tried again %llu times, after 10 ms to 1 s each: the memory of its ring was not accessible, the host short of memory, or a queue behind %s full",
			    some ?: all, backend_name(c));
}

static void find_drops(const struct comparison *c)
{
	const struct name *reason;
	__u64 all, before;

	for (reason = drop_names; reason->name; reason++) {
		all = c->q->drop[reason->value];
		before = c->before->queue->drop[reason->value];
		if (all)
			add_finding(c->d, c->q, "drops", all != before,
				    "%llu packets dropped (%s): %s",
				    all > before ? all - before : all,
				    reason->name,
				    reason->what);
	}
}

static void find_poor_batches(const struct comparison *c)
{
	__u64 packets = delta(c, VHOST_ALT_COUNTER_PACKETS);
	__u64 batches = delta(c, VHOST_ALT_COUNTER_BATCHES);
	__u64 wakes = delta(c, VHOST_ALT_COUNTER_KICKS) +
		      delta(c, VHOST_ALT_COUNTER_WAKEUPS);

	if (packets < MIN_PACKETS || packets >= batches * POOR_BATCH ||
	    wakes * 2 < packets)
		return;
	add_finding(c->d, c->q, "poor_batching", true,
		    "batching is poor: %.0f packets per second in batches of %.1f, so nearly every packet wakes the worker; try busy polling (-netdev tap,...,poll-us=50)",
		    packets / c->d->seconds, (double)packets / batches);
}

static void find_cpu_bound(const struct comparison *c)
{
	const struct device *dev = c->d->now;
	double cpu;

	if (!c->q->has_worker)
		return;
	cpu = worker_cpu(c->d->before, dev, c->q->worker, c->d->seconds);
	if (cpu >= CPU_BOUND)
		add_finding(c->d, c->q, "cpu_bound", true,
			    "worker %u uses %.0f %% of a CPU: spread the load over more queues (queues=) or separate receive and transmit workers (rxtx_workers=1)",
			    c->q->worker, cpu);
}

bool diagnose_device(struct diagnosis *d)
{
	if (!d->now->has_owner)
		add_finding(d, NULL, "no_owner", true,
			    "no owner: the file is open, but its VMM has not started to use it");
	else if (!d->now->regions)
		add_finding(d, NULL, "no_memory", true,
			    "no memory table: its VMM has not started to use the device, or has stopped");
	return !d->n;
}

void diagnose_queue(struct diagnosis *d, const struct queue_sample *before,
		    const struct queue_sample *now)
{
	static void (*const rules[])(const struct comparison *c) = {
		find_iotlb_miss, find_eventfds, find_untaken_calls,
		find_no_buffers, find_tap_overflow, find_socket_full,
		find_old_errors, find_retries, find_drops, find_poor_batches,
		find_cpu_bound,
	};
	struct comparison c = { d, before, now, now->queue };
	unsigned int i;

	if (state(&c, VHOST_ALT_QUEUE_BROKEN)) {
		find_ring_error(&c);
		find_drops(&c);
		return;
	}
	if (state(&c, VHOST_ALT_QUEUE_FAULTED)) {
		find_fault(&c);
		find_drops(&c);
		return;
	}
	if (!state(&c, VHOST_ALT_QUEUE_RUNNING)) {
		find_stopped(&c);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](&c);
}
