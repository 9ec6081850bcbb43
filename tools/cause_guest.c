// SPDX-License-Identifier: GPL-2.0-only
/* Causes that lie in the guest's driver */
#include "diagnose.h"
#include "names.h"
#include "waiting.h"

/* Below this rate, a guest's habits do not matter. */
#define HIGH_RATE	10000	/* packets per second */
#define MANY_KICKS	2000	/* per second */
/* Percent of the largest frame: packets that were cut to the MTU */
#define NEARLY_FULL	85
#define SMALL_BUFFER	512	/* bytes */

/* ---- receive buffers ---- */

/* The queue has asked for buffers and waits for the kick that brings them. */
static bool waits_for_buffers(const struct comparison *c)
{
	return is_rx(c) && total(c, VHOST_ALT_COUNTER_NO_BUFFERS) &&
	       !delta(c, VHOST_ALT_COUNTER_RUNS) && !c->now->ring_err &&
	       !c->before->ring_err && kick_is_wanted(c->now) &&
	       !(c->q->state & VHOST_ALT_QUEUE_QUEUED);
}

static void find_no_buffers(const struct comparison *c)
{
	__u64 some = delta(c, VHOST_ALT_COUNTER_NO_BUFFERS);
	__u64 batches = delta(c, VHOST_ALT_COUNTER_BATCHES);

	if (!is_rx(c) || !is_serving(c))
		return;
	if (waits_for_buffers(c) && !unseen(c->now)) {
		c->d->guest_behind = true;
		add_finding(c->d, c->q, "no_buffers", true,
			    "the guest does not refill its receive buffers: packets have waited for %.1f s and find %u of %u available; its driver may be stuck, or short of memory",
			    c->q->last_run / 1e3, waiting(c->now), c->q->size);
	} else if (some && some * 4 >= batches) {
		c->d->guest_behind = true;
		add_finding(c->d, c->q, "no_buffers", true,
			    "the guest refills its receive buffers too slowly: packets waited for buffers %llu times; a larger ring than %u (rx_queue_size=) absorbs bursts",
			    some, c->q->size);
	}
}

/* The index is known to 65536 chains: skip intervals that may have more. */
static void find_small_buffers(const struct comparison *c)
{
	__u64 packets = delta(c, VHOST_ALT_COUNTER_PACKETS);
	__u64 bytes = delta(c, VHOST_ALT_COUNTER_BYTES);
	__u16 chains = c->q->last_avail - c->before->queue->last_avail;

	if (!is_rx(c) || packets < 8 || bytes / SMALL_BUFFER > 0x8000 ||
	    c->q->has_wraps || chains < 2 * packets ||
	    bytes / chains >= SMALL_BUFFER)
		return;
	add_finding(c->d, c->q, "small_buffers", true,
		    "the guest's receive buffers are small: a packet of %llu bytes takes %.1f of them; the guest's driver should offer at least %u bytes each",
		    bytes / packets, (double)chains / packets, 1536);
}

/* ---- notifications ---- */

/*
 * Chains wait that the device asked to be told of, it was not told, and it does
 * not look by itself.
 */
static void find_lost_kick(const struct comparison *c)
{
	const struct comparison before = { c->d, c->before, c->before, c->q };
	bool idle = is_rx(c) ? waits_for_buffers(c) :
			       !delta(c, VHOST_ALT_COUNTER_RUNS);

	if (!is_serving(c) || !idle || c->now->ring_err ||
	    c->before->ring_err || c->d->owner_stopped ||
	    (c->q->state | before.before->queue->state) &
	    (VHOST_ALT_QUEUE_QUEUED | VHOST_ALT_QUEUE_IOTLB_MISS) ||
	    !(c->q->state & VHOST_ALT_QUEUE_KICK) ||
	    !unseen(c->before) || !unseen(c->now) || !kick_is_wanted(c->now))
		return;
	c->d->guest_behind |= is_rx(c);
	add_finding(c->d, c->q, "lost_kick", true,
		    "a kick was lost: %u%s chains have been available for %.1f to %.1f s, and the guest was to announce them and did not; a new kick, such as ip link set down and up in the guest, restarts the queue",
		    unseen(c->now), c->q->has_wraps ? " or more" : "",
		    c->d->seconds, c->q->last_run / 1e3);
}

/*
 * Check whether the guest ignores interrupts: it asked to be interrupted at an
 * index, the device is past that index, and since then the guest has neither
 * asked again nor made buffers available. An idle driver may leave a few
 * transmit entries like that, but not a quarter of its ring; received packets
 * it must take. A used_event of 0 belongs to drivers that never ask, or want no
 * interrupt now.
 */
static bool call_not_taken(const struct comparison *c)
{
	const struct ring *a = &c->before->ring, *b = &c->now->ring;
	__u16 since = used_since_event(c->now);

	if (c->before->ring_err || c->now->ring_err || !b->has_used_event)
		return false;
	return c->q->state & VHOST_ALT_QUEUE_CALL && b->used_event &&
	       a->used_event == b->used_event &&
	       made_available(c->before) == made_available(c->now) &&
	       since && since <= c->q->size &&
	       since >= (is_rx(c) ? 1 : c->q->size / 4);
}

static void find_untaken_calls(const struct comparison *c)
{
	if (is_serving(c) && !c->d->owner_stopped && call_not_taken(c) &&
	    used_since_event(c->before))
		add_finding(c->d, c->q, "calls_not_taken", true,
			    "the guest does not react to interrupts: %u entries used past the one it asked to be notified of, for more than %.1f s; its driver may be stuck, or its interrupt not routed",
			    used_since_event(c->now), c->d->seconds);
}

static __u64 drops_between(const struct comparison *c)
{
	return queue_drops(c->q) - queue_drops(c->before->queue);
}

/*
 * A kick announces at least one chain. And the device asks for one when it
 * finds nothing to do, and withdraws that when it runs: one more kick may be
 * under way then.
 */
static void find_kick_storm(const struct comparison *c)
{
	__u64 asked = delta(c, is_rx(c) ? VHOST_ALT_COUNTER_NO_BUFFERS :
					  VHOST_ALT_COUNTER_RING_EMPTY);
	__u64 kicks = delta(c, VHOST_ALT_COUNTER_KICKS);
	__u64 packets = delta(c, VHOST_ALT_COUNTER_PACKETS);

	if (kicks < MANY_KICKS * c->d->seconds)
		return;
	if (kicks > 4 * (packets + drops_between(c) + 1))
		add_finding(c->d, c->q, "kick_storm", true,
			    "the guest kicks for nothing: %.0f kicks per second, and %.0f packets; its driver is defective",
			    kicks / c->d->seconds, packets / c->d->seconds);
	else if (kicks > 4 * (asked + 1))
		add_finding(c->d, c->q, "kick_storm", true,
			    "the guest kicks though it was told not to: %.0f kicks per second, of which the device asked for %.0f; its driver ignores the ring's flags or event index",
			    kicks / c->d->seconds, asked / c->d->seconds);
}

/* ---- packets ---- */

/* Bulk in packets of the MTU's size, one by one */
static void find_no_offload(const struct comparison *c)
{
	const struct host_link *link = &c->d->now->link;
	__u64 packets = delta(c, VHOST_ALT_COUNTER_PACKETS);
	__u64 bytes = delta(c, VHOST_ALT_COUNTER_BYTES);
	__u32 frame = link->mtu + 14;

	if (link->why || !link->mtu || packets < HIGH_RATE * c->d->seconds ||
	    bytes > packets * frame ||
	    bytes * 100 < packets * frame * NEARLY_FULL)
		return;
	if (is_rx(c))
		add_finding(c->d, c->q, "no_offload", true,
			    "%.0f packets per second arrive for the guest, each of about %llu bytes: they were not merged; enable GRO on the host's interface (ethtool -K DEV gro on), and the guest's offloads",
			    packets / c->d->seconds, bytes / packets);
	else
		add_finding(c->d, c->q, "no_offload", true,
			    "the guest sends %.0f packets per second of about %llu bytes each: it cuts them to the MTU itself; enable its offloads (ethtool -K DEV tx on tso on in the guest, host_tso4= in QEMU)",
			    packets / c->d->seconds, bytes / packets);
}

/* The reasons up to this one concern chains, not packets. */
static bool is_chain_reason(enum vhost_alt_drop reason)
{
	return reason <= VHOST_ALT_DROP_DIRECTION;
}

static void find_drops(const struct comparison *c)
{
	const struct name *reason;
	__u64 all, before;

	for (reason = drop_names; reason->name; reason++) {
		all = c->q->drop[reason->value];
		before = c->before->queue->drop[reason->value];
		if (!all || (reason->value == VHOST_ALT_DROP_SEND &&
			     c->d->tap_closed))
			continue;
		add_finding(c->d, c->q, "drops", all != before,
			    "%llu %s (%s): %s",
			    all > before ? all - before : all,
			    is_chain_reason(reason->value) ?
			    "chains returned unused" : "packets dropped",
			    reason->name, reason->what);
	}
}

static void judge(const struct comparison *c)
{
	find_no_buffers(c);
	find_lost_kick(c);
	find_untaken_calls(c);
	find_drops(c);
	find_kick_storm(c);
	find_small_buffers(c);
	find_no_offload(c);
}

void causes_of_guest(struct diagnosis *d)
{
	if (!d->owner_stopped)
		each_queue(d, judge);
}
