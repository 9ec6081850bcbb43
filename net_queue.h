/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtqueue of the net device, with its backend. */
#ifndef VHOST_ALT_NET_QUEUE_H
#define VHOST_ALT_NET_QUEUE_H

#include "compat.h"
#include "net_governor.h"
#include "tun_rx.h"
#include "vhost_queue.h"

/*
 * Limits on one run, so that queues that share a worker take turns: 256 packets
 * are four batches, 512 KiB are eight of the largest packets. A run ends within
 * a batch at the packet that reaches the limit of bytes, and after the batch
 * that reaches another one. Dropped packets count, and so do empty descriptors:
 * otherwise a guest with useless buffers could keep the worker to itself. 16
 * descriptors per packet are more than sensible guests use.
 */
#define VHA_NET_WEIGHT_PACKETS	256
#define VHA_NET_WEIGHT_BYTES	(512 * 1024)
#define VHA_NET_WEIGHT_DESCS	(16 * VHA_NET_WEIGHT_PACKETS)

/* The queues of a device. */
enum {
	VHA_NET_RX,
	VHA_NET_TX,
	VHA_NET_QUEUES,
};

/**
 * struct vha_net_queue - a virtqueue and its backend
 * @q: the virtqueue; its mutex protects all
 * @ts: the backend; set while the queue is running
 * @tx: frames to be sent; transmit queue only
 * @rx: packets that are not delivered yet; receive queue only
 * @buffer_size: bytes in the last chain that a packet was placed in or sent
 *	from, or 0
 * @governor: how to wait for packets
 * @busy_end: end of busy polling, in ns of local_clock()
 * @run_end: end of busy polling in this run; 0 before the first poll
 */
struct vha_net_queue {
	struct vha_queue q;
	struct vha_tun_socket ts;
	union {
		struct vha_tun_tx tx;
		struct vha_tun_rx rx;
	};
	size_t buffer_size;
	struct vha_governor governor;
	u64 busy_end;
	u64 run_end;
};

/**
 * struct vha_net_weight - what has been done in one run
 * @packets: number of packets sent, delivered or dropped
 * @bytes: number of their bytes
 */
struct vha_net_weight {
	unsigned int packets;
	size_t bytes;
};

/* Check whether a run has done enough. */
static inline bool vha_net_weight_exceeded(const struct vha_queue *q,
					   const struct vha_net_weight *weight)
{
	return weight->packets >= VHA_NET_WEIGHT_PACKETS ||
	       weight->bytes >= VHA_NET_WEIGHT_BYTES ||
	       q->ring.batch->walked >= VHA_NET_WEIGHT_DESCS;
}

/*
 * The size of the virtio-net header. Virtio 1.2, 5.1.6.1: num_buffers is
 * present with either of the two features. The header of tunnels (virtio 1.4,
 * 5.1.6) contains it as well.
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

/*
 * Check whether the socket reads and writes the header, instead of this module.
 */
static inline bool vha_net_socket_has_header(const struct vha_queue *q)
{
	return !vha_queue_has(q, VHOST_NET_F_VIRTIO_NET_HDR);
}

/* End the run, and queue the next one after those of other queues. */
static inline void vha_net_yield(struct vha_queue *q)
{
	q->stats.weight++;
	vha_queue_wake(q);
}

/**
 * enum vha_net_wait - what a queue without more to do does next
 * @VHA_NET_FOUND: goes on: polling has found more to do
 * @VHA_NET_YIELD: ends the run, since others need the worker, and goes on
 *	polling in the next one
 * @VHA_NET_LOOK: ends the run, and looks again after a while
 * @VHA_NET_SLEEP: ends the run, and is woken when there is more
 */
enum vha_net_wait {
	VHA_NET_FOUND,
	VHA_NET_YIELD,
	VHA_NET_LOOK,
	VHA_NET_SLEEP,
};

void vha_net_queue_run(struct vha_net_queue *nq,
		       int (*move)(struct vha_net_queue *nq));
long vha_net_queue_start(struct vha_net_queue *nq, int fd);
struct vha_tun_socket vha_net_queue_stop(struct vha_net_queue *nq);
int vha_net_wait_for_kick(struct vha_queue *q, struct vha_net_weight *weight);
void vha_net_busy_begin(struct vha_net_queue *nq);
enum vha_net_wait vha_net_wait(struct vha_net_queue *nq,
			       struct vha_wait_limits *limits,
			       bool (*ready)(struct vha_net_queue *nq));

#endif /* VHOST_ALT_NET_QUEUE_H */
