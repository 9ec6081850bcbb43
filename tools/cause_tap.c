// SPDX-License-Identifier: GPL-2.0-only
/* Causes that lie in the backend's interface */
#include <stdlib.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>

#include "diagnose.h"

/* More than an Ethernet header, and the tags of VLANs */
#define HEADER_ROOM	(ETH_HLEN + 8)
/* Packets that reads at slightly different times can account for */
#define SKEW		16

/*
 * Check whether this device is the first one of those that have the tap: what
 * concerns the tap is reported once.
 */
static bool speaks_for_tap(const struct diagnosis *d)
{
	const struct device_sample *other = d->last->dev;

	while (other->link.why || other->link.index != d->now->link.index)
		other++;
	return other == d->now;
}

static __u64 grown(__u64 then, __u64 now)
{
	return now >= then ? now - then : 0;
}

static void find_down(struct diagnosis *d)
{
	const struct host_link *link = &d->now->link;

	if (link->up)
		return;
	d->tap_closed = true;
	add_finding(d, NULL, "tap_down", true,
		    "%s is down, so nothing passes: ip link set %s up",
		    link->name, link->name);
}

/* QEMU detaches the queues of a tap that the guest does not use. */
static void find_detached(struct diagnosis *d)
{
	const struct host_tap *tap = &d->now->tap;
	unsigned int i, q, used = 0;
	const struct device *dev;

	if (tap->why || !tap->detached)
		return;
	for (i = 0; i < d->last->snap.ndev; i++) {
		dev = &d->last->snap.dev[i];
		for (q = 0; q < dev->nqueues; q += 2)
			used += dev->pid == d->now->dev->pid &&
				dev->queue[q].ifindex == d->now->link.index;
	}
	if (tap->queues - tap->detached >= used)
		return;
	d->tap_closed = true;
	add_finding(d, NULL, "tap_detached", true,
		    "%u of the owner's %u queues of %s are detached, though the guest uses %u: the owner (%s) has to attach them (TUNSETQUEUE)",
		    tap->detached, tap->queues, d->now->link.name, used,
		    d->now->dev->comm);
}

static void find_no_carrier(struct diagnosis *d)
{
	const struct host_link *link = &d->now->link;

	if (!link->up || link->carrier || d->tap_closed)
		return;
	d->tap_closed = true;
	add_finding(d, NULL, "tap_no_carrier", true,
		    "%s has no carrier, so the host sends nothing to it: the owner (%s) has switched it off, as for a cable that is unplugged",
		    link->name, d->now->dev->comm);
}

static const char *port_state(__u8 state)
{
	static const char *const names[] = {
		[BR_STATE_DISABLED] = "disabled",
		[BR_STATE_LISTENING] = "listening",
		[BR_STATE_LEARNING] = "learning",
		[BR_STATE_BLOCKING] = "blocking",
	};

	return state < ARRAY_SIZE(names) && names[state] ? names[state] : "?";
}

static void find_bridge(struct diagnosis *d)
{
	const struct host_link *a = &d->before->link, *b = &d->now->link;

	if (d->tap_closed)
		return;
	if (!a->why && a->master && !b->master)
		add_finding(d, NULL, "tap_unbridged", true,
			    "%s has just left the bridge %s: ip link set %s master %s puts it back",
			    b->name, d->before->bridge.name, b->name,
			    d->before->bridge.name);
	else if (b->master && !d->now->bridge.why && !d->now->bridge.up)
		add_finding(d, NULL, "bridge_down", true,
			    "%s is a port of %s, which is down, so nothing passes: ip link set %s up",
			    b->name, d->now->bridge.name, d->now->bridge.name);
	else if (b->has_port && b->port_state != BR_STATE_FORWARDING)
		add_finding(d, NULL, "tap_port_blocked", true,
			    "%s is a port of %s, which does not forward: it is %s; look at bridge -d link show dev %s, and at spanning tree",
			    b->name, d->now->bridge.name,
			    port_state(b->port_state), b->name);
}

/* Nothing on the host can receive what the guest sends, and no answer comes. */
static void find_unconnected(struct diagnosis *d)
{
	const struct host_link *link = &d->now->link;
	__u64 sent = delta_of_all(d, false, VHOST_ALT_COUNTER_PACKETS);

	if (link->master || d->before->link.master || link->addressed ||
	    link->ingress || link->xdp || d->tap_closed || !sent ||
	    delta_of_all(d, true, VHOST_ALT_COUNTER_PACKETS) ||
	    host_link_is_captured(link->index))
		return;
	add_finding(d, NULL, "tap_unconnected", true,
		    "%s is in no bridge and has no address: the guest sent %llu packets, and nothing answers; try ip link set %s master BRIDGE",
		    link->name, sent, link->name);
}

static void find_qdisc_drops(struct diagnosis *d)
{
	const struct host_link *a = &d->before->link, *b = &d->now->link;
	__u64 n = grown(a->qdisc_drops, b->qdisc_drops);
	__u64 policed = grown(a->police_drops, b->police_drops);

	if (a->why)
		return;
	if (n)
		add_finding(d, NULL, "qdisc_drops", true,
			    "the queueing discipline %s of %s dropped %llu packets before they reached the tap: tc -s qdisc show dev %s shows its limits",
			    b->qdisc, b->name, n, b->name);
	if (policed)
		add_finding(d, NULL, "ingress_drops", true,
			    "ingress filters of %s dropped %llu packets of the guest: tc -s filter show dev %s ingress lists them",
			    b->name, policed, b->name);
}

static void find_xdp_drops(struct diagnosis *d)
{
	const struct host_link *a = &d->before->link, *b = &d->now->link;
	__u64 n = grown(a->stats.rx_dropped, b->stats.rx_dropped);

	if (!a->why && b->xdp && n && b->up)
		add_finding(d, NULL, "xdp_drops", true,
			    "the XDP program of %s dropped %llu packets of the guest: ip link show %s names it",
			    b->name, n, b->name);
}

static void find_mtu(struct diagnosis *d)
{
	const struct host_link *link = &d->now->link;
	const struct host_link *bridge = &d->now->bridge;
	__u64 packets = delta_of_all(d, false, VHOST_ALT_COUNTER_PACKETS);
	__u64 bytes = delta_of_all(d, false, VHOST_ALT_COUNTER_BYTES);

	if (!link->master || bridge->why || link->mtu <= bridge->mtu ||
	    bytes <= packets * (bridge->mtu + HEADER_ROOM))
		return;
	add_finding(d, NULL, "mtu_mismatch", true,
		    "the MTU of %s is %u and that of %s is %u: the guest's packets of %llu bytes on average are dropped there unless they can be segmented; set the same MTU in the guest and on all ports",
		    link->name, link->mtu, bridge->name, bridge->mtu,
		    bytes / packets);
}

static int header_size(const struct device *dev)
{
	if (dev->features_hi & (1ULL << (65 - 64) | 1ULL << (67 - 64)))
		return 24;
	return dev->features & (1ULL << VIRTIO_NET_F_MRG_RXBUF |
				1ULL << VIRTIO_F_VERSION_1) ? 12 : 10;
}

/* Either the tap makes the virtio-net headers or the device does. */
static void find_header(struct diagnosis *d)
{
	const struct device *dev = d->now->dev;
	const struct host_tap *tap = &d->now->tap;
	bool by_device = dev->features & 1ULL << VHOST_NET_F_VIRTIO_NET_HDR;

	if (tap->why || !tap->queues)
		return;
	if (by_device == tap->vnet_hdr)
		add_finding(d, NULL, "header_mismatch", true,
			    "%s was opened %s virtio-net headers, and the device %s them: all packets are garbled; the owner (%s) has to set vnet_hdr as the features say",
			    d->now->link.name, tap->vnet_hdr ? "with" : "without",
			    by_device ? "adds" : "does not add", dev->comm);
	else if (tap->vnet_hdr && tap->hdr_len != header_size(dev))
		add_finding(d, NULL, "header_mismatch", true,
			    "the virtio-net header of %s has %d bytes, and the guest's has %d: all packets are garbled; the owner (%s) has to set the same size (TUNSETVNETHDRSZ)",
			    d->now->link.name, tap->hdr_len, header_size(dev),
			    dev->comm);
}

void causes_of_tap(struct diagnosis *d)
{
	static void (*const rules[])(struct diagnosis *d) = {
		find_down, find_detached, find_no_carrier, find_bridge,
		find_unconnected, find_header, find_xdp_drops,
		find_qdisc_drops, find_mtu,
	};
	unsigned int i;

	if (d->now->link.why || !speaks_for_tap(d))
		return;
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](d);
}

/* ---- what depends on what the guest does ---- */

static void find_full(const struct comparison *c)
{
	__u64 n = delta(c, VHOST_ALT_COUNTER_SOCKET_FULL);
	const struct host_tap *tap = &c->d->now->tap;

	if (!n || c->d->tap_closed)
		return;
	if (!tap->why && tap->sndbuf)
		add_finding(c->d, c->q, "sndbuf", true,
			    "%s was full %llu times: its send buffer is limited to %d bytes; lift the limit (sndbuf=0), or see what is slow past the tap",
			    backend_name(c->q), n, tap->sndbuf);
	else
		add_finding(c->d, c->q, "socket_full", true,
			    "%s was full %llu times: what receives from it on the host is slow",
			    backend_name(c->q), n);
}

/*
 * A tap drops packets if its queue is full, but also for filters. Only a queue
 * that packets come out of can have been full, unless it is clear already why
 * they do not.
 */
static void find_overflow(struct diagnosis *d)
{
	const struct host_link *a = &d->before->link, *b = &d->now->link;
	bool moves = delta_of_all(d, true, VHOST_ALT_COUNTER_PACKETS);
	__u64 all = b->stats.tx_dropped, n;

	n = grown(a->stats.tx_dropped, all);
	if (a->why || !all || d->tap_closed || d->owner_stopped ||
	    d->starved || (n && d->guest_behind))
		return;
	if (!n)
		add_finding(d, NULL, "tap_overflow", false,
			    "%s dropped %llu packets for the guest",
			    b->name, all);
	else if (moves)
		add_finding(d, NULL, "tap_overflow", true,
			    "the queue of %s overflows: %llu packets dropped in bursts of more than its %u; lengthen it with ip link set %s txqueuelen N",
			    b->name, n, b->qlen, b->name);
	else
		add_finding(d, NULL, "tap_drops", true,
			    "%s dropped %llu packets, though its queue is empty: a filter of the owner (%s) refuses them, or no queue is open",
			    b->name, n, d->now->dev->comm);
}

/* Packets that left the tap's queue without passing through the device */
static void find_other_reader(struct diagnosis *d)
{
	const struct host_link *a = &d->before->link, *b = &d->now->link;
	__u64 taken = grown(a->stats.tx_packets, b->stats.tx_packets);
	const struct device_sample *now, *then;
	__u64 received = 0;
	unsigned int i;
	char who[64];

	for (i = 0; i < d->last->snap.ndev; i++) {
		now = &d->last->dev[i];
		then = sample_device(d->first, now->dev->id);
		if (then && now->link.index == b->index)
			received += counter_delta(then->dev->queue,
						  now->dev->queue,
						  VHOST_ALT_COUNTER_PACKETS);
	}
	if (a->why || taken <= received + received / 10 + SKEW ||
	    !host_tap_other_reader(b->name, d->now->dev->pid, who,
				   sizeof(who)))
		return;
	add_finding(d, NULL, "tap_other_reader", true,
		    "%llu of the %llu packets that left %s did not reach the guest: another process that has it open, %s, takes them",
		    taken - received, taken, b->name, who);
}

void causes_of_drops(struct diagnosis *d)
{
	each_queue(d, find_full);
	if (d->now->link.why || !speaks_for_tap(d))
		return;
	find_other_reader(d);
	find_overflow(d);
}
