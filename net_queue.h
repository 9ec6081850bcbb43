/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtqueue of the net device, and its backend. */
#ifndef VHOST_ALT_NET_QUEUE_H
#define VHOST_ALT_NET_QUEUE_H

#include "compat.h"
#include "tun_glue.h"
#include "vring.h"

/*
 * When a queue has moved so much, others have their turn: 256 packets is four
 * rounds, 512 KiB eight of the largest packets. Dropped packets count, and so do
 * descriptors that hold nothing, or else a guest with useless buffers could keep
 * the worker for itself; 16 for each packet are more than sensible guests use.
 */
#define VHA_NET_WEIGHT_PACKETS	256
#define VHA_NET_WEIGHT_BYTES	(512 * 1024)
#define VHA_NET_WEIGHT_DESCS	(16 * VHA_NET_WEIGHT_PACKETS)

enum {
	VHA_NET_RX,
	VHA_NET_TX,
	VHA_NET_QUEUES,
};

/**
 * struct vha_net_queue - a virtqueue and its backend
 * @q: the virtqueue; its mutex protects all
 * @ts: the backend; set while the queue is running
 * @tx: frames being sent; transmit queue only
 * @rx: packets that the guest had no buffers for yet; receive queue only
 * @buffer_size: bytes in the last chain that a packet was put into, or 0
 * @busy_end: until when to look for more without sleep, in ns of local_clock()
 * @turn_end: until when to do so in this turn
 */
struct vha_net_queue {
	struct vha_queue q;
	struct vha_tun_socket ts;
	union {
		struct vha_tun_tx tx;
		struct vha_tun_rx rx;
	};
	size_t buffer_size;
	u64 busy_end;
	u64 turn_end;
};

/* What a worker has done since it turned to the queue. */
struct vha_net_weight {
	unsigned int packets;
	size_t bytes;
};

static inline bool vha_net_weight_exceeded(const struct vha_queue *q,
					   const struct vha_net_weight *weight)
{
	return weight->packets >= VHA_NET_WEIGHT_PACKETS ||
	       weight->bytes >= VHA_NET_WEIGHT_BYTES ||
	       q->batch->walked >= VHA_NET_WEIGHT_DESCS;
}

/*
 * Virtio 1.2, 5.1.6.1: num_buffers is there with either of the two features. With
 * those of tunnels (virtio 1.4, 5.1.6) the header is that and more.
 */
static inline size_t vha_net_header_size(const struct vha_queue *q)
{
	if (q->features[1] & COMPAT_TUNNEL_FEATURES)
		return COMPAT_TUNNEL_HDR_LEN;
	if (vha_queue_has(q, VIRTIO_NET_F_MRG_RXBUF) ||
	    vha_queue_has(q, VIRTIO_F_VERSION_1))
		return sizeof(struct virtio_net_hdr_mrg_rxbuf);
	return sizeof(struct virtio_net_hdr);
}

/* Does the header come from and go to the socket, or is it our own? */
static inline bool vha_net_socket_has_header(const struct vha_queue *q)
{
	return !vha_queue_has(q, VHOST_NET_F_VIRTIO_NET_HDR);
}

/* Let others have the worker, and come back. */
static inline void vha_net_yield_turn(struct vha_queue *q)
{
	q->stats.weight++;
	vha_queue_wake(q);
}

/* What came of looking for more. */
enum vha_net_busy {
	VHA_NET_BUSY_FOUND,	/* there is more */
	VHA_NET_BUSY_TURN,	/* it is the turn of others, but time is not up */
	VHA_NET_BUSY_OVER,	/* it is time to sleep */
};

void vha_net_queue_serve_rx(struct vha_work *work);
void vha_net_queue_serve_tx(struct vha_work *work);
long vha_net_queue_start(struct vha_net_queue *nq, int fd);
struct vha_tun_socket vha_net_queue_stop(struct vha_net_queue *nq);

int vha_net_transmit(struct vha_net_queue *nq);
int vha_net_receive(struct vha_net_queue *nq);

int vha_net_wait_for_kick(struct vha_queue *q, struct vha_net_weight *weight);
void vha_net_busy_begin(struct vha_net_queue *nq);
enum vha_net_busy vha_net_busy_poll(struct vha_net_queue *nq,
				    bool (*ready)(struct vha_net_queue *nq));

#endif /* VHOST_ALT_NET_QUEUE_H */
