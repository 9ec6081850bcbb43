/* SPDX-License-Identifier: GPL-2.0-only */
/* An interface of the host, as rtnetlink shows it */
#ifndef VHOSTCTL_HOST_LINK_H
#define VHOSTCTL_HOST_LINK_H

#include <stdbool.h>
#include <linux/if_link.h>
#include <linux/types.h>
#include <net/if.h>

/**
 * struct host_link - an interface
 * @why: why it was not looked at; NULL if what follows is valid
 * @name: its name now
 * @index: its number
 * @up: it is set up
 * @carrier: it has a carrier
 * @mtu: its MTU
 * @qlen: packets that its queue holds
 * @queues: queues of a tap; 0 if unknown
 * @vnet_hdr: a tap has virtio-net headers
 * @xdp: an XDP program is attached
 * @master: number of the bridge, or of another master; 0: none
 * @has_port: it is a port of a bridge
 * @port_state: the port's BR_STATE_*
 * @stats: its counters
 * @qdisc: name of its root qdisc
 * @qdisc_drops: packets that its qdiscs dropped on the way to the guest
 * @police_drops: packets of the guest that its ingress filters dropped
 * @ingress: there is an ingress qdisc, so filters may redirect packets
 * @addressed: it has an address
 */
struct host_link {
	const char *why;
	char name[IF_NAMESIZE];
	__u32 index;
	bool up, carrier;
	__u32 mtu, qlen, queues;
	bool vnet_hdr;
	bool xdp;
	__u32 master;
	bool has_port;
	__u8 port_state;
	struct rtnl_link_stats64 stats;
	char qdisc[IF_NAMESIZE];
	__u64 qdisc_drops, police_drops;
	bool ingress;
	bool addressed;
};

/*
 * Read interface @index if it is called @name, which may be NULL: in another
 * network namespace the number may be a different interface's.
 */
void host_link_read(struct host_link *link, __u32 index, const char *name);

/* Check whether a packet socket receives from interface @index. */
bool host_link_is_captured(__u32 index);

#endif
