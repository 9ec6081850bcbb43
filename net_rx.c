// SPDX-License-Identifier: GPL-2.0-only
/* Receive: from the backend into the guest's buffers. */
#include <linux/module.h>
#include <linux/uaccess.h>

#include "net_queue.h"
#include "net_rx.h"
#include "trace.h"

static bool rx_copy = true;
module_param(rx_copy, bool, 0644);
MODULE_PARM_DESC(rx_copy,
		 "Copy packets off a tap's ring instead of by its recvmsg()");

static unsigned int rx_moderation = 20;
module_param(rx_moderation, uint, 0644);
MODULE_PARM_DESC(rx_moderation,
		 "Microseconds for which packets may gather; 0: none, at most 1000");

/* A tap's ring has to hold what gathers: less is not worthwhile. */
#define MODERATION_ROOM		256

/**
 * enum rx_outcome - what became of a packet
 * @RX_PLACED: its chains are to be completed
 * @RX_LOST: it is gone, and its chains serve the next packet
 * @RX_DROPPED: it is dropped: it exceeds all buffers that the guest could give
 * @RX_UNFIT: it is dropped, because the next chain does not fit beside those
 *	that are held. These are completed empty: otherwise that chain would
 *	never be checked on its own.
 * @RX_BAD_CHAIN: it waits; the last chain considered is unusable, and is
 *	completed empty with those before it
 * @RX_BATCH_FULL: it waits until the chains of earlier packets are completed
 * @RX_NO_BUFFERS: it waits; the guest has not made enough buffers available
 * @RX_FAILED: it waits; the ring cannot be used
 */
enum rx_outcome {
	RX_PLACED,
	RX_LOST,
	RX_DROPPED,
	RX_UNFIT,
	RX_BAD_CHAIN,
	RX_BATCH_FULL,
	RX_NO_BUFFERS,
	RX_FAILED,
};

/**
 * struct rx_batch - packets that are being received
 * @ready: index in the ring's batch past the chains of placed packets
 * @end: index past the chains considered for the current packet
 * @err: the error of RX_FAILED
 * @header: size of the virtio-net header; constant, like what follows
 * @has_header: the socket writes the header
 * @copies: packets may be copied without the socket
 * @plain: they may, and nothing has to be logged
 * @max_chains: limit of the chains for one packet
 */
struct rx_batch {
	unsigned int ready;
	unsigned int end;
	int err;
	size_t header;
	bool has_header;
	bool copies;
	bool plain;
	unsigned int max_chains;
};

/* ---- buffers ---- */

/*
 * Estimate how many chains to fetch for a packet of @size bytes: enough if
 * buffers are as large as the last one, and one per packet queued. At least one
 * packet is assumed, even if another reader of the socket has taken it.
 */
static unsigned int fetch_goal(struct vha_net_queue *nq, size_t size)
{
	unsigned int packets = vha_tun_rx_fill(&nq->rx, &nq->ts) ?: 1;

	if (size <= nq->buffer_size || !nq->buffer_size)
		return packets;
	return max_t(size_t, packets, DIV_ROUND_UP(size, nq->buffer_size));
}

/* Fetch more chains for @size bytes. Return: RX_PLACED if there are any. */
static enum rx_outcome fetch_buffers(struct vha_net_queue *nq,
				     struct rx_batch *rx, size_t size)
{
	struct vha_queue *q = &nq->q;
	int n;

	n = vha_queue_fetch(q, fetch_goal(nq, size));
	if (likely(n > 0))
		return RX_PLACED;
	if (!n)
		return RX_NO_BUFFERS;
	if (n == -ENOSPC) {
		if (rx->ready)
			return RX_BATCH_FULL;
		return vha_ring_full(&q->ring) ? RX_DROPPED : RX_UNFIT;
	}
	rx->err = n;
	return RX_FAILED;
}

/*
 * Hold buffers for a packet that takes @size bytes with its header: the chains
 * from @ready to @end of the batch.
 *
 * Return: RX_PLACED; RX_DROPPED, RX_UNFIT, RX_BAD_CHAIN, RX_BATCH_FULL,
 * RX_NO_BUFFERS or RX_FAILED if there are not enough.
 */
static enum rx_outcome hold_buffers(struct vha_net_queue *nq,
				    struct rx_batch *rx, size_t size)
{
	struct vha_queue *q = &nq->q;
	struct vha_ring_batch *b = q->ring.batch;
	const struct vha_ring_chain *chain;
	unsigned int end = rx->ready;
	enum rx_outcome outcome;
	size_t room = 0;

	for (; room < size; end++) {
		rx->end = end;
		if (unlikely(end - rx->ready == rx->max_chains))
			return RX_DROPPED;
		if (end == b->count) {
			outcome = fetch_buffers(nq, rx, size - room);
			if (outcome != RX_PLACED)
				return outcome;
		}
		chain = &b->chains[end];
		if (unlikely(chain->bad != VHA_DROP_NONE)) {
			vha_queue_drop(q, chain->bad);
			rx->end++;
			return RX_BAD_CHAIN;
		}
		if (unlikely(chain->out || !chain->in)) {
			vha_queue_drop(q, VHOST_ALT_DROP_DIRECTION);
			rx->end++;
			return RX_BAD_CHAIN;
		}
		room += chain->size;
		nq->buffer_size = chain->size;
	}
	rx->end = end;
	return RX_PLACED;
}

/* ---- delivery ---- */

/* Write to the guest's memory, @offset bytes after its start. */
static bool write_guest(const struct iovec *iov, unsigned int niov,
			size_t offset, const void *from, size_t len)
{
	struct iov_iter iter;

	iov_iter_init(&iter, ITER_DEST, iov, niov, offset + len);
	iov_iter_advance(&iter, offset);
	return copy_to_iter(from, len, &iter) == len;
}

/*
 * Complete the virtio-net header at the start of the guest's buffers: all of it
 * if the socket does not write one, otherwise the number of buffers, which the
 * socket does not know.
 */
static bool write_header(const struct vha_tun_buffer *to, bool has_header)
{
	/* All zero: no offload, and nothing in the fields of longer headers. */
	u8 hdr[COMPAT_MAX_HDR_LEN] __aligned(sizeof(__virtio16)) = {};
	size_t offset = offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers);
	const struct iovec *iov = to->iov;

	BUILD_BUG_ON(VIRTIO_NET_HDR_GSO_NONE != 0);

	*(__virtio16 *)(hdr + offset) = to->num_buffers;
	if (!has_header)
		return write_guest(iov, to->niov, 0, hdr, to->header);
	if (to->header < sizeof(struct virtio_net_hdr_mrg_rxbuf))
		return true;
	if (likely(iov->iov_len >= sizeof(struct virtio_net_hdr_mrg_rxbuf)))
		return !put_user(to->num_buffers,
				 (__virtio16 __user *)(iov->iov_base + offset));
	return write_guest(iov, to->niov, offset, &to->num_buffers,
			   sizeof(to->num_buffers));
}

/* Put the next packet into the buffer. Return: as vha_tun_rx_recv(). */
static int receive_packet(struct vha_net_queue *nq, const struct rx_batch *rx,
			  const struct vha_tun_buffer *to)
{
	int err;

	if (likely(rx->copies)) {
		err = vha_tun_rx_copy(&nq->rx, &nq->ts, to);
		if (likely(err != -EOPNOTSUPP))
			return err;
	}
	err = vha_tun_rx_recv(&nq->rx, &nq->ts, to, rx->has_header);
	if (!err && !write_header(to, rx->has_header))
		err = -EFAULT;
	return err;
}

/* Record how much of @size bytes each of @n chains holds. */
static void set_written(struct vha_ring_chain *chain, unsigned int n,
			size_t size)
{
	for (; n > 1; n--, chain++) {
		chain->written = chain->size;
		size -= chain->size;
	}
	chain->written = size;
}

/*
 * Put the next packet, of @len bytes, into the chains from @ready to @end.
 *
 * Return: RX_PLACED, RX_LOST, or RX_FAILED if the dirty log cannot be written.
 */
static enum rx_outcome deliver(struct vha_net_queue *nq, struct rx_batch *rx,
			       size_t len)
{
	struct vha_queue *q = &nq->q;
	struct vha_ring_batch *b = q->ring.batch;
	struct vha_ring_chain *chain = &b->chains[rx->ready];
	struct vha_ring_chain *last = &b->chains[rx->end - 1];
	unsigned int n = rx->end - rx->ready;
	const struct vha_tun_buffer to = {
		.iov = &b->iov[chain->first],
		.niov = last->first + last->in - chain->first,
		.size = rx->header + len,
		.header = rx->header,
		.num_buffers = vha_ring_cpu_to16(&q->ring, n),
	};
	int err;

	/* Find an inaccessible log while the packet can still wait. */
	if (unlikely(vha_queue_has(q, VHOST_F_LOG_ALL)) &&
	    vha_ring_mark_iov(&q->ring, to.iov, to.size)) {
		rx->err = -EFAULT;
		return RX_FAILED;
	}
	err = receive_packet(nq, rx, &to);
	/* A packet that was lost may have been written in part. */
	if (unlikely(vha_queue_has(q, VHOST_F_LOG_ALL)) &&
	    vha_ring_log_iov(&q->ring, to.iov, to.size)) {
		vha_queue_drop(q, VHOST_ALT_DROP_WRITE);
		rx->err = -EFAULT;
		return RX_FAILED;
	}
	if (unlikely(err && err != -EFAULT)) {
		vha_queue_drop(q, VHOST_ALT_DROP_RECEIVE);
		return RX_LOST;
	}
	if (unlikely(err)) {
		/* Return them empty, or they would be retried indefinitely. */
		vha_queue_drop(q, VHOST_ALT_DROP_WRITE);
		return RX_PLACED;
	}
	set_written(chain, n, to.size);
	q->stats.packets++;
	q->stats.bytes += len;
	return RX_PLACED;
}

static void drop_packet(struct vha_net_queue *nq)
{
	vha_tun_rx_drop(&nq->rx, &nq->ts);
	vha_queue_drop(&nq->q, VHOST_ALT_DROP_NO_ROOM);
}

/* Place the next packet, of @len bytes, in buffers of the guest. */
static enum rx_outcome place_packet(struct vha_net_queue *nq,
				    struct vha_net_weight *weight,
				    struct rx_batch *rx, size_t len)
{
	enum rx_outcome outcome;

	outcome = hold_buffers(nq, rx, rx->header + len);
	weight->packets++;
	if (likely(outcome == RX_PLACED)) {
		weight->bytes += len;
		return deliver(nq, rx, len);
	}
	if (outcome == RX_DROPPED || outcome == RX_UNFIT)
		drop_packet(nq);
	return outcome;
}

/*
 * After a packet has been placed, place those that follow it as long as each
 * fits, in one piece, into the next chain that is held. place_packet() handles
 * the first one that does not.
 */
static void place_plain(struct vha_net_queue *nq, struct vha_net_weight *weight,
			struct rx_batch *rx)
{
	struct vha_queue *q = &nq->q;
	struct vha_ring_batch *b = q->ring.batch;
	unsigned int end = min_t(unsigned int, b->count, VHA_RING_BATCH);
	unsigned int i = rx->end, n;
	struct vha_ring_chain *chain;
	size_t bytes = 0;
	int len;

	end = min(end, i + vha_tun_rx_may_copy(&nq->rx, &nq->ts, rx->header));
	for (; i < end && weight->bytes + bytes < VHA_NET_WEIGHT_BYTES; i++) {
		chain = &b->chains[i];
		if (unlikely(chain->bad != VHA_DROP_NONE || chain->out ||
			     chain->in != 1))
			break;
		len = vha_tun_rx_copy_plain(&nq->rx, &b->iov[chain->first],
					    rx->header);
		if (unlikely(len < 0))
			break;
		chain->written = rx->header + len;
		bytes += len;
	}
	n = i - rx->end;
	rx->end = i;
	weight->packets += n;
	weight->bytes += bytes;
	q->stats.packets += n;
	q->stats.bytes += bytes;
}

/* ---- batches ---- */

/* Complete the chains that are held up to index @end, and put back the rest. */
static int settle(struct vha_net_queue *nq, unsigned int end)
{
	struct vha_queue *q = &nq->q;
	int err;

	if (end)
		trace_vhost_alt_receive(q->dev_id, q->index, end,
					q->stats.packets, q->stats.bytes);
	err = vha_queue_complete(q, end);
	if (!err)
		vha_queue_put_back(q, q->ring.batch->done);
	/* After completing, since the guest need not wait for this. */
	vha_tun_rx_free(&nq->rx, &nq->ts);
	return err;
}

/*
 * Record the outcome for the current packet.
 *
 * Return: the index past the chains that have to be completed before the next
 * packet; 0 if there are none.
 */
static unsigned int to_settle(struct rx_batch *rx, enum rx_outcome outcome)
{
	switch (outcome) {
	case RX_PLACED:
		rx->ready = rx->end;
		return likely(rx->ready < VHA_RING_BATCH) ? 0 : rx->ready;
	case RX_LOST:
	case RX_DROPPED:
		return 0;
	case RX_UNFIT:
	case RX_BAD_CHAIN:
		return rx->end;
	default:
		return rx->ready;
	}
}

static void begin_batch(const struct vha_queue *q, struct rx_batch *rx)
{
	bool mergeable = vha_queue_has(q, VIRTIO_NET_F_MRG_RXBUF);

	rx->ready = 0;
	rx->header = vha_net_header_size(q);
	rx->has_header = vha_net_socket_has_header(q);
	rx->copies = READ_ONCE(rx_copy) && rx->has_header && q->ring.is_le &&
		     rx->header <= sizeof(struct virtio_net_hdr_mrg_rxbuf);
	rx->plain = rx->copies && !vha_queue_has(q, VHOST_F_LOG_ALL);
	rx->max_chains = mergeable ? q->ring.num : 1;
}

/*
 * Deliver the packets that are queued, or as many as the weight allows.
 *
 * Return: 1 if the guest has too few buffers; 0; an error of vha_ring_fetch()
 * or vha_ring_complete(). No chain is held afterwards, except on an error.
 */
static int receive_batch(struct vha_net_queue *nq,
			 struct vha_net_weight *weight)
{
	const struct vha_ring_batch *b = nq->q.ring.batch;
	enum rx_outcome outcome = RX_PLACED;
	struct vha_queue *q = &nq->q;
	struct rx_batch rx;
	bool moved = false;
	unsigned int end;
	size_t len;
	int err;

	begin_batch(q, &rx);
	while (!vha_net_weight_exceeded(q, weight) &&
	       vha_tun_rx_peek(&nq->rx, &nq->ts, &len)) {
		outcome = place_packet(nq, weight, &rx, len);
		if (outcome == RX_NO_BUFFERS || outcome == RX_FAILED)
			break;
		if (outcome == RX_PLACED && rx.plain && rx.end < b->count)
			place_plain(nq, weight, &rx);
		end = to_settle(&rx, outcome);
		moved |= outcome == RX_PLACED;
		if (!end)
			continue;
		err = settle(nq, end);
		if (unlikely(err))
			return err;
		rx.ready = 0;
	}

	err = settle(nq, rx.ready);
	if (moved)
		vha_net_busy_begin(nq);
	if (likely(!err) && unlikely(outcome == RX_FAILED))
		return rx.err;
	return err ?: outcome == RX_NO_BUFFERS;
}

static bool rx_ready(struct vha_net_queue *nq)
{
	return vha_tun_rx_fill(&nq->rx, &nq->ts);
}

static void wait_limits(const struct vha_net_queue *nq,
			struct vha_wait_limits *limits)
{
	limits->room = vha_tun_rx_room(&nq->ts);
	limits->look = 0;
	if (limits->room >= MODERATION_ROOM && vha_timer_precise())
		limits->look = vha_queue_time(&nq->q.moderation,
					      READ_ONCE(rx_moderation),
					      VHOST_ALT_MODERATION_MAX);
}

/*
 * Check whether a packet is queued. If not, the next one wakes the worker, or a
 * timer does.
 */
static bool packets_queued(struct vha_net_queue *nq)
{
	struct vha_queue *q = &nq->q;
	struct vha_wait_limits limits;

	if (vha_tun_rx_fill(&nq->rx, &nq->ts))
		return true;
	wait_limits(nq, &limits);
	switch (vha_net_wait(nq, &limits, rx_ready)) {
	case VHA_NET_FOUND:
		return true;
	case VHA_NET_YIELD:
		vha_queue_wake(q);
		return false;
	case VHA_NET_LOOK:
		vha_timer_start(&q->timer, q->worker, limits.look);
		return false;
	case VHA_NET_SLEEP:
		break;
	}
	vha_poll_arm(&q->backend_poll);
	if (!vha_tun_rx_fill(&nq->rx, &nq->ts))
		return false;
	vha_poll_disarm(&q->backend_poll);
	return true;
}

/* Deliver what the backend has. See vha_net_queue_run(). */
static int receive(struct vha_net_queue *nq)
{
	struct vha_queue *q = &nq->q;
	struct vha_net_weight weight = {};
	int err;

	lockdep_assert_held(&q->mutex);
	/* A running queue needs no wake-up by the socket or the guest. */
	vha_poll_disarm(&q->backend_poll);
	err = vha_ring_disable_kick(&q->ring);

	while (!err && packets_queued(nq)) {
		if (vha_net_weight_exceeded(q, &weight)) {
			vha_net_yield(q);
			break;
		}
		err = receive_batch(nq, &weight);
		/* Packets wait already: only a kick can bring progress. */
		if (err > 0) {
			q->stats.no_buffers++;
			vha_governor_interrupt(&nq->governor);
			err = vha_net_wait_for_kick(q, &weight);
		}
	}
	return err;
}

/**
 * vha_net_rx_run() - run a receive queue once
 * @work: the queue's work
 */
void vha_net_rx_run(struct vha_work *work)
{
	vha_net_queue_run(container_of(work, struct vha_net_queue, q.work),
			  receive);
}
