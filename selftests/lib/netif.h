/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interfaces: taps for the device under test, and packet sockets to inject and
 * capture frames on them. All return 0 or a descriptor, or a negative errno.
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
 * Move this process and its future children into a new network namespace with
 * its own /sys, in which no interface sends anything by itself. Once per
 * program is enough: a test's interfaces go when it ends, and a namespace for
 * each test would cost seconds on a slow machine.
 */
int netns_enter(void);

/* Open a tap or tun with these TUNSETIFF flags, in the caller's namespace. */
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
int link_add_bridge(const char *name);
int link_set_bridge(const char *name, const char *bridge);

/* Add a macvtap in bridge mode on top of @lower; open its character device. */
int link_add_macvtap(const char *name, const char *lower);
int macvtap_open(const char *name);
int macvtap_set_flags(int tap, int flags);

int link_stats(const char *name, struct netif_stats *stats);

/*
 * Open a raw packet socket on @name, with virtio headers of 10 bytes or
 * without.
 */
int packet_open(const char *name, bool vnet_hdr);

/* Send one frame, after its header if the socket has headers. */
int packet_send(int fd, const void *hdr, const void *frame, size_t len);

/*
 * Wait for a frame until the deadline. Return: its length without the header.
 */
int packet_recv(int fd, void *hdr, void *frame, size_t len);

/* The same without waiting. Return: -EAGAIN if there is none. */
int packet_recv_now(int fd, void *hdr, void *frame, size_t len);

#endif
