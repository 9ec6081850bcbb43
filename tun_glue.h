/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backend of a queue: the socket behind a tap, macvtap or AF_PACKET file
 * descriptor, and how packets go into it and come out of it in batches.
 */
#ifndef VHOST_ALT_TUN_GLUE_H
#define VHOST_ALT_TUN_GLUE_H

#include <linux/if.h>
#include <linux/mm_types.h>
#include <linux/ptr_ring.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <net/xdp.h>

/* tun takes a message of any size; so many frames are in flight at once. */
#define VHA_TUN_BATCH	64

/*
 * The most bytes of a packet with its virtio-net header: 64 KiB of payload and
 * all headers before it. tun would try to find memory for anything.
 */
#define VHA_TUN_PACKET_MAX	(66 * 1024)

/**
 * struct vha_tun_socket - a backend
 * @sock: the socket; its file is held. NULL without a backend.
 * @ring: where the packets of a tap wait for us, which takes TUN_MSG_PTR too; NULL
 *	for an AF_PACKET socket
 */
struct vha_tun_socket {
	struct socket *sock;
	struct ptr_ring *ring;
};

/**
 * struct vha_tun_interface - what a backend is called
 * @name: the interface's, or empty
 * @index: the interface's, or 0
 */
struct vha_tun_interface {
	char name[IFNAMSIZ];
	int index;
};

/**
 * struct vha_tun_tx - packets on their way into a socket
 * @count: how many frames are in @xdp
 * @xdp: frames, laid out as tun wants them
 * @frags: where the memory for frames comes from
 */
struct vha_tun_tx {
	unsigned int count;
	struct xdp_buff xdp[VHA_TUN_BATCH];
	struct page_frag_cache frags;
};

/**
 * struct vha_tun_rx - packets taken off a tap's ring
 * @head: the next one to deliver
 * @tail: behind the last one
 * @packets: the ring's entries: each an skb or an XDP frame
 * @msg: how they are asked for; kept, since it costs some to make
 */
struct vha_tun_rx {
	unsigned int head;
	unsigned int tail;
	void *packets[VHA_TUN_BATCH];
	struct msghdr msg;
};

/**
 * struct vha_tun_packet - a packet in the guest's memory
 * @iov: its pieces, virtio-net header first
 * @niov: how many
 * @size: bytes in all pieces
 * @header: of which the virtio-net header has so many
 * @has_header: the socket wants the header; otherwise it is dropped here
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
void vha_tun_socket_interface(const struct vha_tun_socket *ts,
			      struct vha_tun_interface *iface);
bool vha_tun_socket_batches(const struct vha_tun_socket *ts);

int vha_tun_tx_add(struct vha_tun_tx *tx, const struct vha_tun_socket *ts,
		   const struct vha_tun_packet *packet);
int vha_tun_tx_flush(struct vha_tun_tx *tx, const struct vha_tun_socket *ts);
int vha_tun_tx_single(const struct vha_tun_socket *ts, const struct vha_tun_packet *packet);
void vha_tun_tx_cleanup(struct vha_tun_tx *tx);

unsigned int vha_tun_rx_fill(struct vha_tun_rx *rx, const struct vha_tun_socket *ts);
bool vha_tun_rx_peek(const struct vha_tun_rx *rx, const struct vha_tun_socket *ts,
		     size_t *len);
int vha_tun_rx_recv(struct vha_tun_rx *rx, const struct vha_tun_socket *ts,
		    const struct iovec *iov, unsigned int niov, size_t skip,
		    size_t size);
void vha_tun_rx_drop(struct vha_tun_rx *rx, const struct vha_tun_socket *ts);
void vha_tun_rx_put_back(struct vha_tun_rx *rx, const struct vha_tun_socket *ts);

#endif /* VHOST_ALT_TUN_GLUE_H */
