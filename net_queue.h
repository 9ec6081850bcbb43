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
#define NET_WEIGHT_PACKETS	256
#define NET_WEIGHT_BYTES	(512 * 1024)
#define NET_WEIGHT_DESCS	(16 * NET_WEIGHT_PACKETS)

enum {
	NET_RX,
	NET_TX,
	NET_QUEUES,
};

/**
 * struct net_queue - a virtqueue and its backend
 * @q: the virtqueue; its mutex protects all
 * @ts: the backend; set while the queue is running
 * @tx: frames being sent; transmit queue only
 * @rx: packets that the guest had no buffers for yet; receive queue only
 * @buffer_size: bytes in the last chain that a packet was put into, or 0
 * @busy_end: until when to look for more without sleep, in ns of local_clock()
 * @turn_end: until when to do so in this turn
 */
struct net_queue {
	struct vhost_queue q;
	struct tun_socket ts;
	union {
		struct tun_tx tx;
		struct tun_rx rx;
	};
	size_t buffer_size;
	u64 busy_end;
	u64 turn_end;
};

/* What a worker has done since it turned to the queue. */
struct net_weight {
	unsigned int packets;
	size_t bytes;
};

static inline bool net_weight_exceeded(const struct vhost_queue *q,
				       const struct net_weight *weight)
{
	return weight->packets >= NET_WEIGHT_PACKETS ||
	       weight->bytes >= NET_WEIGHT_BYTES ||
	       q->batch->walked >= NET_WEIGHT_DESCS;
}

/*
 * Virtio 1.2, 5.1.6.1: num_buffers is there with either of the two features. With
 * those of tunnels (virtio 1.4, 5.1.6) the header is that and more.
 */
static inline size_t net_header_size(const struct vhost_queue *q)
{
	if (q->features[1] & COMPAT_TUNNEL_FEATURES)
		return COMPAT_TUNNEL_HDR_LEN;
	if (vhost_queue_has(q, VIRTIO_NET_F_MRG_RXBUF) ||
	    vhost_queue_has(q, VIRTIO_F_VERSION_1))
		return sizeof(struct virtio_net_hdr_mrg_rxbuf);
	return sizeof(struct virtio_net_hdr);
}

/* Does the header come from and go to the socket, or is it our own? */
static inline bool net_socket_has_header(const struct vhost_queue *q)
{
	return !vhost_queue_has(q, VHOST_NET_F_VIRTIO_NET_HDR);
}

/* Let others have the worker, and come back. */
static inline void net_yield_turn(struct vhost_queue *q)
{
	q->stats.weight++;
	vhost_queue_wake(q);
}

/* What came of looking for more. */
enum busy_outcome {
	BUSY_FOUND,	/* there is more */
	BUSY_TURN,	/* it is the turn of others, but time is not up */
	BUSY_OVER,	/* it is time to sleep */
};

void net_queue_serve_rx(struct vhost_work *work);
void net_queue_serve_tx(struct vhost_work *work);
long net_queue_start(struct net_queue *nq, int fd);
struct tun_socket net_queue_stop(struct net_queue *nq);

int net_transmit(struct net_queue *nq);
int net_receive(struct net_queue *nq);

int net_wait_for_kick(struct vhost_queue *q, struct net_weight *weight);
void net_busy_begin(struct net_queue *nq);
enum busy_outcome net_busy_poll(struct net_queue *nq,
				bool (*ready)(struct net_queue *nq));

#endif /* VHOST_ALT_NET_QUEUE_H */
