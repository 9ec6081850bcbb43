// SPDX-License-Identifier: GPL-2.0-only
/* Transmit: from the guest's ring into the backend. */

#include <linux/file.h>
#include <linux/if_ether.h>
#include <linux/net.h>

#include "net_queue.h"
#include "trace.h"

/* Send the frames that have been added; they have the size @bytes. */
static void flush_frames(struct vha_net_queue *nq, size_t *bytes)
{
	struct vha_stats *stats = &nq->q.stats;
	unsigned int count = nq->tx.count;

	if (!count)
		return;
	if (likely(!vha_tun_tx_flush(&nq->tx, &nq->ts))) {
		stats->packets += count;
		stats->bytes += *bytes;
	} else {
		stats->drops[VHOST_ALT_DROP_SEND] += count;
		trace_vhost_alt_drop(&nq->q, VHOST_ALT_DROP_SEND, count);
	}
	*bytes = 0;
}

/* Why a chain cannot be a packet, or VHA_DROP_NONE. */
static enum vhost_alt_drop judge_chain(const struct vha_ring_chain *chain,
				       size_t header)
{
	if (unlikely(chain->bad != VHA_DROP_NONE))
		return chain->bad;
	if (unlikely(chain->in))
		return VHOST_ALT_DROP_DIRECTION;
	/* tun and what lies behind it rely on an Ethernet header. */
	if (unlikely(chain->size < header + ETH_HLEN))
		return VHOST_ALT_DROP_SHORT;
	if (unlikely(chain->size > VHA_TUN_PACKET_MAX))
		return VHOST_ALT_DROP_LONG;
	return VHA_DROP_NONE;
}

/*
 * May a packet be sent later that was refused now? The memory that a socket with
 * a send buffer lacks comes back to it; without one, a guest could have the host
 * look for memory for ever.
 */
static bool is_temporary(int err, bool batches)
{
	return err == -EAGAIN ||
	       (!batches && (err == -ENOBUFS || err == -ENOMEM));
}

/*
 * Send one packet: add it to the frames if it fits, else by itself.
 *
 * Return: 0 if it is done with, sent or not; -EAGAIN if it is to be tried later.
 */
static int send_packet(struct vha_net_queue *nq, const struct vha_tun_packet *packet,
		       bool batches, size_t *bytes)
{
	struct vha_queue *q = &nq->q;
	size_t size = packet->size - packet->header;
	int err = -EMSGSIZE;

	if (batches)
		err = vha_tun_tx_add(&nq->tx, &nq->ts, packet);
	switch (err) {
	case 0:
		*bytes += size;
		return 0;
	case -EMSGSIZE:
		break;
	case -EFAULT:
		vha_queue_drop(q, VHOST_ALT_DROP_COPY);
		return 0;
	case -ENOMEM:
		vha_queue_drop(q, VHOST_ALT_DROP_MEMORY);
		return 0;
	default:
		vha_queue_drop(q, VHOST_ALT_DROP_HEADER);
		return 0;
	}

	flush_frames(nq, bytes);
	err = vha_tun_tx_single(&nq->ts, packet);
	if (unlikely(err)) {
		if (is_temporary(err, batches))
			return -EAGAIN;
		vha_queue_drop(q, VHOST_ALT_DROP_SEND);
		return 0;
	}
	q->stats.packets++;
	q->stats.bytes += size;
	return 0;
}

/*
 * Send all chains that are held, and complete them.
 *
 * Return: 0; -EAGAIN if the socket takes no more: the rest has been put back;
 * -EFAULT if the ring cannot be written.
 */
static int send_batch(struct vha_net_queue *nq, struct vha_net_weight *weight)
{
	struct vha_queue *q = &nq->q;
	struct vha_ring_batch *b = q->batch;
	bool batches = vha_tun_socket_batches(&nq->ts);
	struct vha_tun_packet packet = {
		.header = vha_net_header_size(q),
		.has_header = vha_net_socket_has_header(q),
		.is_le = q->is_le,
	};
	struct vha_ring_chain *chain;
	enum vhost_alt_drop why;
	size_t bytes = 0;
	unsigned int i;
	int blocked = 0, err;

	BUILD_BUG_ON(VHA_RING_BATCH > VHA_TUN_BATCH);

	for (i = b->done; i < b->count; i++) {
		chain = &b->chains[i];
		why = judge_chain(chain, packet.header);
		if (unlikely(why != VHA_DROP_NONE)) {
			vha_queue_drop(q, why);
			continue;
		}
		packet.iov = &b->iov[chain->first];
		packet.niov = chain->out;
		packet.size = chain->size;
		blocked = send_packet(nq, &packet, batches, &bytes);
		if (unlikely(blocked))
			break;
		weight->bytes += packet.size;
	}
	flush_frames(nq, &bytes);

	weight->packets += i - b->done;
	if (i != b->done)
		trace_vhost_alt_transmit(q, i - b->done);
	err = vha_ring_complete(q, i);
	if (unlikely(err))
		return err;
	if (unlikely(blocked))
		vha_ring_put_back(q, b->done);
	return blocked;
}

/*
 * Have the socket tell when it takes packets again, at once if it does already.
 * One in error never tells: sending is how to learn, and to clear, its error.
 */
static void wait_for_socket(struct vha_net_queue *nq)
{
	struct vha_queue *q = &nq->q;

	q->stats.socket_full++;
	if (vha_poll_start(&nq->q.backend_poll, q->worker, nq->ts.sock->file))
		vha_queue_wake(q);
}

/* A ring that cannot be read is something to see to as well. */
static bool tx_ready(struct vha_net_queue *nq)
{
	return vha_ring_available(&nq->q);
}

/*
 * The guest has nothing more to send.
 *
 * Return: 0 to go on; 1 to come back when woken; -EFAULT if the ring cannot be
 * used.
 */
static int idle_tx(struct vha_net_queue *nq, struct vha_net_weight *weight)
{
	switch (vha_net_busy_poll(nq, tx_ready)) {
	case VHA_NET_BUSY_FOUND:
		return 0;
	case VHA_NET_BUSY_TURN:
		vha_queue_wake(&nq->q);
		return 1;
	default:
		nq->q.stats.ring_empty++;
		return vha_net_wait_for_kick(&nq->q, weight);
	}
}

/**
 * vha_net_transmit() - send what the guest has made available
 * @nq: the queue, with its mutex held
 *
 * Return: negative, -EFAULT or -EINPROGRESS as vha_ring_fetch(), if the queue has to
 * rest until its owner has done something about it.
 */
int vha_net_transmit(struct vha_net_queue *nq)
{
	struct vha_queue *q = &nq->q;
	struct vha_net_weight weight = {};
	int err;

	/* While the worker looks anyway, neither socket nor guest need call. */
	vha_poll_stop(&nq->q.backend_poll);
	err = vha_ring_disable_kick(q);

	while (!err) {
		if (vha_net_weight_exceeded(q, &weight)) {
			vha_net_yield_turn(q);
			break;
		}
		err = vha_ring_fetch(q, VHA_RING_BATCH);
		if (err > 0) {
			err = send_batch(nq, &weight);
			vha_net_busy_begin(nq);
		} else if (!err) {
			err = idle_tx(nq, &weight);
		}
		if (err == -EAGAIN) {
			wait_for_socket(nq);
			return 0;
		}
	}
	return err;
}
