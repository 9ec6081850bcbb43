/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interfaces: taps for the device under test, and packet sockets behind them
 * to inject and to capture. All return 0 or a descriptor, or a negative errno.
 */
#ifndef VHOST_TEST_NETIF_H
#define VHOST_TEST_NETIF_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/if_tun.h>
#include <linux/types.h>

/* The largest MTU that a tap accepts. */
#define NETIF_MTU_MAX	65521

struct netif_stats {
	__u64 rx_packets, rx_errors, rx_dropped, rx_frame;
	__u64 tx_packets, tx_dropped;
};

/*
 * Moves this process, and those that it forks from now on, into a network
 * namespace of their own, with a view of /sys that belongs to it, and in which
 * no interface speaks unasked. Once is enough: what a test makes in it goes when
 * the test ends, and a namespace for each costs seconds on a slow machine.
 */
int netns_enter(void);

/* A tap or tun with these TUNSETIFF flags, in the caller's namespace. */
int tap_open(const char *name, int flags);
int tap_set_hdr_len(int tap, int len);
int tap_set_offload(int tap, unsigned int offload);
int tap_set_sndbuf(int tap, int bytes);
int tap_set_queue(int tap, bool attached);

int link_up(const char *name, bool up);
int link_set_mtu(const char *name, int mtu);
int link_set_qlen(const char *name, int qlen);
int link_del(const char *name);
int link_add_veth(const char *name, const char *peer);

/* A macvtap in bridge mode above @lower, and its character device. */
int link_add_macvtap(const char *name, const char *lower);
int macvtap_open(const char *name);
int macvtap_set_flags(int tap, int flags);

int link_stats(const char *name, struct netif_stats *stats);

/* A raw packet socket on @name, with virtio headers of 10 bytes or without. */
int packet_open(const char *name, bool vnet_hdr);

/* One frame, with a header before it if the socket has them. */
int packet_send(int fd, const void *hdr, const void *frame, size_t len);

/* Waits until the deadline for a frame; its length without the header. */
int packet_recv(int fd, void *hdr, void *frame, size_t len);

/* The same without waiting: -EAGAIN when there is none. */
int packet_recv_now(int fd, void *hdr, void *frame, size_t len);

#endif
