// SPDX-License-Identifier: GPL-2.0-only
/* Transmit: from the guest's ring to the backend. */
#include <linux/file.h>
#include <linux/if_ether.h>
#include <linux/net.h>

#include "net_queue.h"
#include "net_tx.h"
#include "trace.h"

/*
 * Flush once frames have so many bytes: if the host is done with them at once,
 * their memory is used again while it is in the processor's cache.
 */
#define FLUSH_BYTES	(128 * 1024)

/* Send the frames that have been added. *@bytes is their size, and is reset. */
static void flush_frames(struct vha_net_queue *nq, size_t *bytes)
{
	struct vha_queue *q = &nq->q;
	unsigned int count = nq->tx.count;

	if (!count)
		return;
	if (likely(!vha_tun_tx_flush(&nq->tx, &nq->ts))) {
		q->stats.packets += count;
		q->stats.bytes += *bytes;
	} else {
		q->stats.drops[VHOST_ALT_DROP_SEND] += count;
		trace_vhost_alt_drop(q->dev_id, q->index, VHOST_ALT_DROP_SEND,
				     count);
	}
	*bytes = 0;
}

/* The reason why a chain cannot be a packet, or VHA_DROP_NONE. */
static enum vhost_alt_drop check_chain(const struct vha_ring_chain *chain,
				       size_t header)
{
	if (unlikely(chain->bad != VHA_DROP_NONE))
		return chain->bad;
	if (unlikely(chain->in))
		return VHOST_ALT_DROP_DIRECTION;
	/* tun, and what comes after it, rely on an Ethernet header. */
	if (unlikely(chain->size < header + ETH_HLEN))
		return VHOST_ALT_DROP_SHORT;
	if (unlikely(chain->size > VHA_TUN_PACKET_MAX))
		return VHOST_ALT_DROP_LONG;
	return VHA_DROP_NONE;
}

/* Send a packet by itself. Return: as send_packet(). */
static int send_single(struct vha_net_queue *nq,
		       const struct vha_tun_packet *packet)
{
	int err = vha_tun_tx_single(&nq->ts, packet);
	struct vha_queue *q = &nq->q;

	switch (err) {
	case 0:
		q->stats.packets++;
		q->stats.bytes += packet->size - packet->header;
		return 0;
	case -EAGAIN:
	case -ENOBUFS:
	case -ENOMEM:
		return err;
	default:
		vha_queue_drop(q, VHOST_ALT_DROP_SEND);
		return 0;
	}
}

/*
 * Send one packet: add it to the frames if it fits, otherwise by itself.
 *
 * Return: 0 if the packet is finished, sent or not; -EAGAIN if the socket takes
 * no more; -ENOBUFS if a queue past the socket takes no more; -ENOMEM.
 */
static int send_packet(struct vha_net_queue *nq,
		       const struct vha_tun_packet *packet, bool batches,
		       size_t *bytes)
{
	int err = -EMSGSIZE;

	if (batches)
		err = vha_tun_tx_add(&nq->tx, &nq->ts, packet);
	switch (err) {
	case 0:
		*bytes += packet->size - packet->header;
		if (unlikely(*bytes >= FLUSH_BYTES))
			flush_frames(nq, bytes);
		return 0;
	case -EMSGSIZE:
		flush_frames(nq, bytes);
		return send_single(nq, packet);
	case -EFAULT:
		vha_queue_drop(&nq->q, VHOST_ALT_DROP_COPY);
		return 0;
	case -ENOMEM:
		return -ENOMEM;
	default:
		vha_queue_drop(&nq->q, VHOST_ALT_DROP_HEADER);
		return 0;
	}
}

/*
 * Send the chains that are held, up to the one that reaches the weight in bytes
 * or to the first one that is to be tried later.
 *
 * Return: 0, or an error of send_packet(). *@end is the index of the first
 * chain that is not finished.
 */
static int send_chains(struct vha_net_queue *nq, struct vha_net_weight *weight,
		       unsigned int *end)
{
	struct vha_queue *q = &nq->q;
	const struct vha_ring_batch *b = q->ring.batch;
	bool batches = vha_tun_socket_batches(&nq->ts);
	struct vha_tun_packet packet = {
		.header = vha_net_header_size(q),
		.has_header = vha_net_socket_has_header(q),
		.is_le = q->ring.is_le,
	};
	const struct vha_ring_chain *chain;
	enum vhost_alt_drop why;
	size_t bytes = 0;
	int err = 0;

	BUILD_BUG_ON(VHA_RING_BATCH > VHA_TUN_BATCH);

	for (*end = b->done; *end < b->count; ++*end) {
		if (unlikely(weight->bytes >= VHA_NET_WEIGHT_BYTES))
			break;
		chain = &b->chains[*end];
		why = check_chain(chain, packet.header);
		if (unlikely(why != VHA_DROP_NONE)) {
			vha_queue_drop(q, why);
			continue;
		}
		packet.iov = &b->iov[chain->first];
		packet.niov = chain->out;
		packet.size = chain->size;
		err = send_packet(nq, &packet, batches, &bytes);
		if (unlikely(err))
			break;
		weight->bytes += packet.size;
	}
	nq->buffer_size = packet.size;
	flush_frames(nq, &bytes);
	return err;
}

/*
 * Send the chains that are held, as far as weight, socket and memory allow.
 * Complete these, and put back the rest.
 *
 * Return: 0; -EAGAIN, -ENOBUFS or -ENOMEM as send_packet(); -EFAULT if the ring
 * cannot be written.
 */
static int send_batch(struct vha_net_queue *nq, struct vha_net_weight *weight)
{
	struct vha_queue *q = &nq->q;
	struct vha_ring_batch *b = q->ring.batch;
	unsigned int end, n;
	int blocked, err;

	blocked = send_chains(nq, weight, &end);
	n = end - b->done;
	weight->packets += n;
	if (n)
		trace_vhost_alt_transmit(q->dev_id, q->index, n,
					 q->stats.packets, q->stats.bytes);
	err = vha_queue_complete(q, end);
	if (unlikely(err))
		return err;
	if (unlikely(b->done != b->count))
		vha_queue_put_back(q, b->done);
	return blocked;
}

/*
 * Be woken when the socket takes packets again; run again at once if it does
 * already. A socket in error never wakes the worker: only sending reports the
 * error, and clears it.
 */
static void wait_for_socket(struct vha_net_queue *nq)
{
	struct vha_queue *q = &nq->q;

	q->stats.socket_full++;
	vha_governor_interrupt(&nq->governor);
	if (vha_poll_start(&q->backend_poll, q->worker, nq->ts.sock->file))
		vha_queue_wake(q);
}

/*
 * Estimate how many chains to fetch: no more than the weight in bytes allows if
 * they are as large as the last one. Only large ones reach it within a batch.
 */
static unsigned int fetch_goal(const struct vha_net_queue *nq,
			       const struct vha_net_weight *weight)
{
	if (likely(nq->buffer_size <= VHA_NET_WEIGHT_BYTES / VHA_RING_BATCH))
		return VHA_RING_BATCH;
	return DIV_ROUND_UP(VHA_NET_WEIGHT_BYTES - weight->bytes,
			    nq->buffer_size);
}

/* True on an error, too: a ring that cannot be read needs attention. */
static bool tx_ready(struct vha_net_queue *nq)
{
	return vha_ring_available(&nq->q.ring);
}

/*
 * The guest has nothing more to send: poll, or ask for a kick.
 *
 * Return: 0 to go on; 1 to end the run; -EFAULT or -EPROTO if the ring cannot
 * be used.
 */
static int idle(struct vha_net_queue *nq, struct vha_net_weight *weight)
{
	struct vha_wait_limits limits = {};

	switch (vha_net_wait(nq, &limits, tx_ready)) {
	case VHA_NET_FOUND:
		return 0;
	case VHA_NET_YIELD:
		vha_queue_wake(&nq->q);
		return 1;
	default:
		nq->q.stats.ring_empty++;
		return vha_net_wait_for_kick(&nq->q, weight);
	}
}

/* Send what the guest has made available. See vha_net_queue_run(). */
static int transmit(struct vha_net_queue *nq)
{
	struct vha_queue *q = &nq->q;
	struct vha_net_weight weight = {};
	int err;

	lockdep_assert_held(&q->mutex);
	/* A running queue needs no wake-up by the socket or the guest. */
	vha_poll_stop(&q->backend_poll);
	err = vha_ring_disable_kick(&q->ring);

	while (!err) {
		if (vha_net_weight_exceeded(q, &weight)) {
			vha_net_yield(q);
			break;
		}
		err = vha_queue_fetch(q, fetch_goal(nq, &weight));
		if (err > 0) {
			err = send_batch(nq, &weight);
			vha_net_busy_begin(nq);
		} else if (!err) {
			err = idle(nq, &weight);
		}
		if (err == -EAGAIN) {
			wait_for_socket(nq);
			return 0;
		}
	}
	/* As long as there is some memory, do not wait longer each time. */
	if (unlikely(err == -ENOMEM) && weight.packets)
		vha_queue_recovered(q);
	return err;
}

/**
 * vha_net_tx_run() - run a transmit queue once
 * @work: the queue's work
 */
void vha_net_tx_run(struct vha_work *work)
{
	vha_net_queue_run(container_of(work, struct vha_net_queue, q.work),
			  transmit);
}
