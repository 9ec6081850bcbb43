/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets taken off a backend, and their way into a guest's buffers. */
#ifndef VHOST_ALT_TUN_RX_H
#define VHOST_ALT_TUN_RX_H

#include <linux/socket.h>
#include <linux/types.h>
#include <linux/uio.h>

#include "tun_glue.h"

struct sk_buff;

/**
 * struct vha_tun_buffer - where a packet goes
 * @iov: the pieces, virtio-net header first
 * @niov: their number
 * @size: bytes of the packet with its header; the pieces hold as many
 * @header: size of the virtio-net header, with or without the number of buffers
 * @num_buffers: the number of buffers, in the byte order of the ring
 */
struct vha_tun_buffer {
	const struct iovec *iov;
	unsigned int niov;
	size_t size;
	size_t header;
	__virtio16 num_buffers;
};

/*
 * Packets that are copied without recvmsg() before one goes through it again.
 * Only that one shows whether the socket still uses the same size of header.
 */
#define VHA_TUN_TRUST		1024

/**
 * struct vha_tun_rx - packets taken off a tap's ring
 * @head: index of the next packet to deliver
 * @tail: index past the last packet
 * @packets: the ring's entries: each an skb or an XDP frame
 * @msg: the message for recvmsg(); kept because zeroing it is not free
 * @header: size of the virtio-net header that recvmsg() has last written
 * @trust: packets that may still be copied without it, with that header
 * @dev: tun's device when @packets were taken off the ring; may be gone since
 * @tun_ops: the operations of tun's devices, once they are known
 * @ncopied: entries of @copied in use
 * @copied_bytes: their bytes
 * @copied: packets that were copied, to be freed together
 */
struct vha_tun_rx {
	unsigned int head;
	unsigned int tail;
	void *packets[VHA_TUN_BATCH];
	struct msghdr msg;
	size_t header;
	unsigned int trust;
	const void *dev;
	const void *tun_ops;
	unsigned int ncopied;
	size_t copied_bytes;
	struct sk_buff *copied[VHA_TUN_BATCH];
};

unsigned int vha_tun_rx_fill(struct vha_tun_rx *rx,
			     const struct vha_tun_socket *ts);
unsigned int vha_tun_rx_room(const struct vha_tun_socket *ts);
bool vha_tun_rx_peek(const struct vha_tun_rx *rx,
		     const struct vha_tun_socket *ts, size_t *len);
int vha_tun_rx_recv(struct vha_tun_rx *rx, const struct vha_tun_socket *ts,
		    const struct vha_tun_buffer *to, bool has_header);
int vha_tun_rx_copy(struct vha_tun_rx *rx, const struct vha_tun_socket *ts,
		    const struct vha_tun_buffer *to);
unsigned int vha_tun_rx_may_copy(const struct vha_tun_rx *rx,
				 const struct vha_tun_socket *ts,
				 size_t header);
int vha_tun_rx_copy_plain(struct vha_tun_rx *rx, const struct iovec *iov,
			  size_t header);
void vha_tun_rx_free(struct vha_tun_rx *rx, const struct vha_tun_socket *ts);
void vha_tun_rx_drop(struct vha_tun_rx *rx, const struct vha_tun_socket *ts);
void vha_tun_rx_put_back(struct vha_tun_rx *rx,
			 const struct vha_tun_socket *ts);

#endif /* VHOST_ALT_TUN_RX_H */
