/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backend of a queue: the socket of a tap, macvtap or AF_PACKET file
 * descriptor, and batches of packets sent to it.
 */
#ifndef VHOST_ALT_TUN_GLUE_H
#define VHOST_ALT_TUN_GLUE_H

#include <linux/if.h>
#include <linux/ptr_ring.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <net/xdp.h>

#include "tun_pool.h"

/* Limit of frames in one message; tun accepts any number. */
#define VHA_TUN_BATCH	64

/*
 * Limit of bytes in a packet with its virtio-net header: 64 KiB of payload and
 * all headers before it. tun would try to allocate memory for any size.
 */
#define VHA_TUN_PACKET_MAX	(66 * 1024)

/**
 * enum vha_tun_kind - the kinds of backends
 * @VHA_TUN_PACKET: an AF_PACKET socket
 * @VHA_TUN_TUN: a file of tun
 * @VHA_TUN_TAP: a file of macvtap or ipvtap
 */
enum vha_tun_kind {
	VHA_TUN_PACKET,
	VHA_TUN_TUN,
	VHA_TUN_TAP,
};

/**
 * struct vha_tun_socket - a backend
 * @sock: the socket; its file is held. NULL without a backend.
 * @ring: the packets of a tap that wait to be received; NULL for an AF_PACKET
 *	socket, which does not take TUN_MSG_PTR either
 * @kind: what the socket belongs to
 * @ifindex: the index of tun's device when the socket became a backend, in the
 *	socket's network namespace, or 0
 */
struct vha_tun_socket {
	struct socket *sock;
	struct ptr_ring *ring;
	enum vha_tun_kind kind;
	int ifindex;
};

/**
 * struct vha_tun_interface - the interface of a backend
 * @name: its name, or empty
 * @index: its index, or 0
 */
struct vha_tun_interface {
	char name[IFNAMSIZ];
	int index;
};

/**
 * struct vha_tun_tx - packets to be sent to a socket
 * @count: frames in @xdp
 * @xdp: the frames, in the layout that tun expects
 * @pool: the memory for frames
 */
struct vha_tun_tx {
	unsigned int count;
	struct xdp_buff xdp[VHA_TUN_BATCH];
	struct vha_tun_pool pool;
};

/**
 * struct vha_tun_packet - a packet in the guest's memory
 * @iov: its pieces, virtio-net header first
 * @niov: number of pieces
 * @size: bytes in all pieces
 * @header: bytes of the virtio-net header
 * @has_header: the socket expects the header; otherwise it is dropped here
 * @is_le: byte order of the header
 */
struct vha_tun_packet {
	const struct iovec *iov;
	unsigned int niov;
	size_t size;
	size_t header;
	bool has_header;
	bool is_le;
};

int vha_tun_socket_get(struct vha_tun_socket *ts, int fd);
void vha_tun_socket_put(struct vha_tun_socket *ts);
void vha_tun_socket_interface(struct vha_tun_socket *ts,
			      struct vha_tun_interface *iface);
bool vha_tun_socket_batches(const struct vha_tun_socket *ts);

void vha_tun_tx_init(struct vha_tun_tx *tx, struct mutex *mutex);
int vha_tun_tx_add(struct vha_tun_tx *tx, const struct vha_tun_socket *ts,
		   const struct vha_tun_packet *packet);
int vha_tun_tx_flush(struct vha_tun_tx *tx, const struct vha_tun_socket *ts);
int vha_tun_tx_single(const struct vha_tun_socket *ts,
		      const struct vha_tun_packet *packet);
void vha_tun_tx_stop(struct vha_tun_tx *tx);

#endif /* VHOST_ALT_TUN_GLUE_H */
