// SPDX-License-Identifier: GPL-2.0-only
/* Receive: from the backend into the guest's buffers. */

#include <linux/uaccess.h>

#include "net_queue.h"
#include "trace.h"

/*
 * How many chains to fetch for @size bytes: if they are like the last one, and
 * at least one for each packet that is at hand. There is one, even if another
 * reader of the socket has taken it meanwhile.
 */
static unsigned int fetch_goal(struct vha_net_queue *nq, size_t size)
{
	unsigned int packets = vha_tun_rx_fill(&nq->rx, &nq->ts) ?: 1;

	if (size <= nq->buffer_size || !nq->buffer_size)
		return packets;
	return max_t(size_t, packets, DIV_ROUND_UP(size, nq->buffer_size));
}

/*
 * Hold buffers for a packet that takes @size bytes with its header: the chains
 * from index @first of the batch on.
 *
 * Return: how many chains; 0 if the guest has not made enough available;
 * -EBADMSG if the chain at index *@end is of no use; -ENOSPC if they do not fit
 * beside those that are held already; -EMSGSIZE if no buffers that this guest
 * may give, or that can be held, are enough; -EINPROGRESS or -EFAULT as vha_ring_fetch().
 */
static int hold_buffers(struct vha_net_queue *nq, unsigned int first, size_t size,
			unsigned int *end)
{
	struct vha_queue *q = &nq->q;
	struct vha_ring_batch *b = q->batch;
	bool mergeable = vha_queue_has(q, VIRTIO_NET_F_MRG_RXBUF);
	unsigned int most = mergeable ? q->num : 1;
	struct vha_ring_chain *chain;
	size_t room = 0;
	int n;

	for (*end = first; room < size; ++*end) {
		if (unlikely(*end - first == most))
			return -EMSGSIZE;
		if (*end == b->count) {
			n = vha_ring_fetch(q, fetch_goal(nq, size - room));
			if (n == -ENOSPC && !first && vha_ring_full(q))
				return -EMSGSIZE;
			if (n <= 0)
				return n;
		}
		chain = &b->chains[*end];
		if (unlikely(chain->bad != VHA_DROP_NONE)) {
			vha_queue_drop(q, chain->bad);
			return -EBADMSG;
		}
		if (unlikely(chain->out || !chain->in)) {
			vha_queue_drop(q, VHOST_ALT_DROP_DIRECTION);
			return -EBADMSG;
		}
		room += chain->size;
		nq->buffer_size = chain->size;
	}
	return *end - first;
}

/* Write into the guest's memory, @offset bytes behind its start. */
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
 * if the socket knows none, else the count of buffers, which it does not know.
 */
static bool write_header(const struct vha_queue *q, const struct iovec *iov,
			 unsigned int niov, unsigned int buffers)
{
	/* All zero: no offload, and nothing of what longer headers have. */
	u8 hdr[COMPAT_MAX_HDR_LEN] __aligned(sizeof(__virtio16)) = {};
	size_t offset = offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers);
	__virtio16 *num_buffers = (__virtio16 *)(hdr + offset);
	size_t size = vha_net_header_size(q);

	BUILD_BUG_ON(VIRTIO_NET_HDR_GSO_NONE != 0);

	*num_buffers = cpu_to_vha16(q, buffers);
	if (!vha_net_socket_has_header(q))
		return write_guest(iov, niov, 0, hdr, size);
	if (size < sizeof(struct virtio_net_hdr_mrg_rxbuf))
		return true;
	if (likely(iov->iov_len >= sizeof(struct virtio_net_hdr_mrg_rxbuf)))
		return !put_user(*num_buffers,
				 (__virtio16 __user *)(iov->iov_base + offset));
	return write_guest(iov, niov, offset, num_buffers, sizeof(*num_buffers));
}

/* Note how much of @size bytes each of @n chains holds. */
static void set_written(struct vha_ring_chain *chain, unsigned int n, size_t size)
{
	for (; n > 1; n--, chain++) {
		chain->written = chain->size;
		size -= chain->size;
	}
	chain->written = size;
}

/*
 * Put the next packet, of @len bytes, into @n chains from index @first on.
 *
 * Return: how many of the chains are to be completed: all, or none if the
 * packet was lost and they may serve the next one; -EFAULT if the dirty log
 * cannot be written.
 */
static int deliver(struct vha_net_queue *nq, unsigned int first, unsigned int n,
		   size_t len)
{
	struct vha_queue *q = &nq->q;
	struct vha_ring_batch *b = q->batch;
	struct vha_ring_chain *chain = &b->chains[first];
	struct vha_ring_chain *last = chain + n - 1;
	const struct iovec *iov = &b->iov[chain->first];
	unsigned int niov = last->first + last->in - chain->first;
	size_t size = vha_net_header_size(q) + len;
	size_t skip = vha_net_socket_has_header(q) ? 0 : vha_net_header_size(q);
	int err;

	err = vha_tun_rx_recv(&nq->rx, &nq->ts, iov, niov, skip, size - skip);
	if (!err && !write_header(q, iov, niov, n))
		err = -EFAULT;
	/* A packet that was lost may have been written in part. */
	if (unlikely(vha_queue_has(q, VHOST_F_LOG_ALL)) &&
	    vha_ring_log_iov(q, iov, size)) {
		vha_queue_drop(q, VHOST_ALT_DROP_WRITE);
		return -EFAULT;
	}
	if (unlikely(err && err != -EFAULT)) {
		vha_queue_drop(q, VHOST_ALT_DROP_RECEIVE);
		return 0;
	}
	if (unlikely(err)) {
		/* The guest gets its buffers back empty, not again and again. */
		vha_queue_drop(q, VHOST_ALT_DROP_WRITE);
		return n;
	}
	set_written(chain, n, size);
	q->stats.packets++;
	q->stats.bytes += len;
	return n;
}

static void drop_packet(struct vha_net_queue *nq)
{
	vha_tun_rx_drop(&nq->rx, &nq->ts);
	vha_queue_drop(&nq->q, VHOST_ALT_DROP_NO_ROOM);
}

/* Complete what is held up to index @end, and put back the rest. */
static int settle(struct vha_queue *q, unsigned int end)
{
	int err;

	if (end)
		trace_vhost_alt_receive(q, end);
	err = vha_ring_complete(q, end);
	if (!err)
		vha_ring_put_back(q, q->batch->done);
	return err;
}

/*
 * Deliver the packets at hand, or as many as the weight allows.
 *
 * Return: 1 if the guest has too few buffers, 0, -EINPROGRESS as vha_ring_fetch(), or
 * -EFAULT if the ring cannot be used. Nothing is held afterwards, but on -EFAULT.
 */
static int receive_batch(struct vha_net_queue *nq, struct vha_net_weight *weight)
{
	struct vha_queue *q = &nq->q;
	unsigned int taken = 0, end;
	bool moved = false;
	int n = 1, err;
	size_t len;

	while (!vha_net_weight_exceeded(q, weight) &&
	       vha_tun_rx_peek(&nq->rx, &nq->ts, &len)) {
		n = hold_buffers(nq, taken, vha_net_header_size(q) + len, &end);
		weight->packets++;
		if (likely(n > 0)) {
			weight->bytes += len;
			n = deliver(nq, taken, n, len);
			if (unlikely(n < 0))
				break;
			taken += n;
			moved |= n;
			n = 1;
			if (taken < VHA_RING_BATCH)
				continue;
			end = taken;
		} else if (n == -EMSGSIZE) {
			drop_packet(nq);
			continue;
		} else if (n == -ENOSPC && !taken) {
			/*
			 * What is held goes back unused, or the chain that does
			 * not fit beside it would never be judged by itself.
			 */
			drop_packet(nq);
		} else if (n == -ENOSPC) {
			end = taken;
		} else if (n == -EBADMSG) {
			/* It goes back unused, with what was held before it. */
			end++;
		} else {
			break;
		}

		err = settle(q, end);
		if (unlikely(err))
			return err;
		taken = 0;
	}

	err = settle(q, taken);
	if (moved)
		vha_net_busy_begin(nq);
	if (unlikely(err || n == -EFAULT || n == -EINPROGRESS))
		return err ?: n;
	return !n;
}

static bool rx_ready(struct vha_net_queue *nq)
{
	return vha_tun_rx_fill(&nq->rx, &nq->ts);
}

/* Is there a packet? If not, the worker will be woken for the next. */
static bool packets_at_hand(struct vha_net_queue *nq)
{
	if (vha_tun_rx_fill(&nq->rx, &nq->ts))
		return true;
	switch (vha_net_busy_poll(nq, rx_ready)) {
	case VHA_NET_BUSY_FOUND:
		return true;
	case VHA_NET_BUSY_TURN:
		vha_queue_wake(&nq->q);
		return false;
	default:
		break;
	}
	vha_poll_arm(&nq->q.backend_poll);
	if (!vha_tun_rx_fill(&nq->rx, &nq->ts))
		return false;
	vha_poll_disarm(&nq->q.backend_poll);
	return true;
}

/**
 * vha_net_receive() - deliver what the backend has
 * @nq: the queue, with its mutex held
 *
 * Return: as vha_net_transmit().
 */
int vha_net_receive(struct vha_net_queue *nq)
{
	struct vha_queue *q = &nq->q;
	struct vha_net_weight weight = {};
	int err;

	/* While the worker looks anyway, neither socket nor guest need call. */
	vha_poll_disarm(&nq->q.backend_poll);
	err = vha_ring_disable_kick(q);

	while (!err && packets_at_hand(nq)) {
		if (vha_net_weight_exceeded(q, &weight)) {
			vha_net_yield_turn(q);
			break;
		}
		err = receive_batch(nq, &weight);
		/* Packets wait now; more of them would be no news. */
		if (err > 0) {
			q->stats.no_buffers++;
			err = vha_net_wait_for_kick(q, &weight);
		}
	}
	return err;
}
