// SPDX-License-Identifier: GPL-2.0-only
/*
 * The net device: /dev/vhost-net-alt. It moves packets between the rings of a
 * guest and a socket, in rounds of fetch, pass on, complete.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/if_ether.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "trace.h"
#include "tun_glue.h"
#include "vhost_core.h"
#include "vhost_msg.h"
#include "vhost_netlink.h"
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

/*
 * The longest that a worker looks for more without giving the queue's mutex away,
 * for which commands wait.
 */
#define NET_BUSY_TURN_NS	(200 * NSEC_PER_USEC)

static bool rxtx_workers;
module_param(rxtx_workers, bool, 0644);
MODULE_PARM_DESC(rxtx_workers,
		 "Serve receive and transmit of new owners by a thread each (default 0)");

static bool takeover;
module_param(takeover, bool, 0444);
MODULE_PARM_DESC(takeover,
		 "Be /dev/vhost-net as well, in place of vhost_net (default 0)");

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

/**
 * struct net_dev - an open file
 * @dev: the device
 * @queues: what @dev knows of @nq
 * @nq: receive and transmit
 */
struct net_dev {
	struct vhost_dev dev;
	struct vhost_queue *queues[NET_QUEUES];
	struct net_queue nq[NET_QUEUES];
};

/* What a worker has done since it turned to the queue. */
struct net_weight {
	unsigned int packets;
	size_t bytes;
};

static bool weight_exceeded(const struct vhost_queue *q,
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
static size_t header_size(const struct vhost_queue *q)
{
	if (q->features[1] & COMPAT_TUNNEL_FEATURES)
		return COMPAT_TUNNEL_HDR_LEN;
	if (vhost_queue_has(q, VIRTIO_NET_F_MRG_RXBUF) ||
	    vhost_queue_has(q, VIRTIO_F_VERSION_1))
		return sizeof(struct virtio_net_hdr_mrg_rxbuf);
	return sizeof(struct virtio_net_hdr);
}

/* Does the header come from and go to the socket, or is it our own? */
static bool socket_has_header(const struct vhost_queue *q)
{
	return !vhost_queue_has(q, VHOST_NET_F_VIRTIO_NET_HDR);
}

/* Let others have the worker, and come back. */
static void yield_turn(struct vhost_queue *q)
{
	q->stats.weight++;
	vhost_queue_wake(q);
}

/*
 * The guest has made too few buffers available: have it tell of more.
 *
 * Return: 1 if a kick will come; 0 if there are more already; -EFAULT if the
 * ring cannot be used. Counts as work, since a guest that moves its index to
 * and fro could go on for ever.
 */
static int wait_for_kick(struct vhost_queue *q, struct net_weight *weight)
{
	int more;

	weight->packets++;
	more = vring_enable_kick(q);
	if (more <= 0)
		return more ? more : 1;
	return vring_disable_kick(q);
}

/* ---- busy polling ---- */

/* What came of looking for more. */
enum busy_end {
	BUSY_FOUND,	/* there is more */
	BUSY_TURN,	/* it is the turn of others, but time is not up */
	BUSY_OVER,	/* it is time to sleep */
};

/* Packets have been moved: more may follow. */
static void busy_begin(struct net_queue *nq)
{
	if (nq->q.busyloop)
		nq->busy_end = local_clock() +
			       (u64)nq->q.busyloop * NSEC_PER_USEC;
}

static enum busy_end busy_look(struct net_queue *nq,
			       bool (*ready)(struct net_queue *nq), u64 *now)
{
	for (; *now < nq->busy_end && !need_resched(); *now = local_clock()) {
		if (ready(nq))
			return BUSY_FOUND;
		if (*now >= nq->turn_end || vhost_worker_busy(nq->q.worker))
			return BUSY_TURN;
		cpu_relax();
	}
	return BUSY_OVER;
}

/*
 * Look for more to do, as long as the owner wants to pay for not having to wake
 * the worker. The time counts from the last packet, not from the last turn, or
 * two queues of a worker would keep each other awake.
 */
static enum busy_end busy_poll(struct net_queue *nq,
			       bool (*ready)(struct net_queue *nq))
{
	struct vhost_queue *q = &nq->q;
	enum busy_end end;
	u64 start, now;

	if (!q->busyloop)
		return BUSY_OVER;
	start = local_clock();
	if (start >= nq->busy_end)
		return BUSY_OVER;

	now = start;
	end = busy_look(nq, ready, &now);
	q->stats.busy_polls++;
	q->stats.busy_hits += end == BUSY_FOUND;
	q->stats.busy_ns += now - start;
	return end;
}

/* ---- transmit ---- */

/* Send the frames that have been added; they have the size @bytes. */
static void flush_frames(struct net_queue *nq, size_t *bytes)
{
	struct vhost_stats *stats = &nq->q.stats;
	unsigned int count = nq->tx.count;

	if (!count)
		return;
	if (likely(!tun_tx_flush(&nq->tx, &nq->ts))) {
		stats->packets += count;
		stats->bytes += *bytes;
	} else {
		stats->drops[VHOST_ALT_DROP_SEND] += count;
		trace_vhost_alt_drop(&nq->q, VHOST_ALT_DROP_SEND, count);
	}
	*bytes = 0;
}

/* Why a chain cannot be a packet, or VHOST_DROP_NONE. */
static enum vhost_alt_drop judge_chain(const struct vring_chain *chain,
				       size_t header)
{
	if (unlikely(chain->bad != VHOST_DROP_NONE))
		return chain->bad;
	if (unlikely(chain->in))
		return VHOST_ALT_DROP_DIRECTION;
	/* tun and what lies behind it rely on an Ethernet header. */
	if (unlikely(chain->size < header + ETH_HLEN))
		return VHOST_ALT_DROP_SHORT;
	if (unlikely(chain->size > TUN_PACKET_MAX))
		return VHOST_ALT_DROP_LONG;
	return VHOST_DROP_NONE;
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
static int send_packet(struct net_queue *nq, const struct tun_packet *packet,
		       bool batches, size_t *bytes)
{
	struct vhost_queue *q = &nq->q;
	size_t size = packet->size - packet->header;
	int err = -EMSGSIZE;

	if (batches)
		err = tun_tx_add(&nq->tx, &nq->ts, packet);
	switch (err) {
	case 0:
		*bytes += size;
		return 0;
	case -EMSGSIZE:
		break;
	case -EFAULT:
		vhost_queue_drop(q, VHOST_ALT_DROP_COPY);
		return 0;
	case -ENOMEM:
		vhost_queue_drop(q, VHOST_ALT_DROP_MEMORY);
		return 0;
	default:
		vhost_queue_drop(q, VHOST_ALT_DROP_HEADER);
		return 0;
	}

	flush_frames(nq, bytes);
	err = tun_tx_single(&nq->ts, packet);
	if (unlikely(err)) {
		if (is_temporary(err, batches))
			return -EAGAIN;
		vhost_queue_drop(q, VHOST_ALT_DROP_SEND);
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
static int send_batch(struct net_queue *nq, struct net_weight *weight)
{
	struct vhost_queue *q = &nq->q;
	struct vring_batch *b = q->batch;
	bool batches = tun_socket_batches(&nq->ts);
	struct tun_packet packet = {
		.header = header_size(q),
		.has_header = socket_has_header(q),
		.is_le = q->is_le,
	};
	struct vring_chain *chain;
	enum vhost_alt_drop why;
	size_t bytes = 0;
	unsigned int i;
	int blocked = 0, err;

	BUILD_BUG_ON(VRING_BATCH > TUN_BATCH);

	for (i = b->done; i < b->count; i++) {
		chain = &b->chains[i];
		why = judge_chain(chain, packet.header);
		if (unlikely(why != VHOST_DROP_NONE)) {
			vhost_queue_drop(q, why);
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
	err = vring_complete(q, i);
	if (unlikely(err))
		return err;
	if (unlikely(blocked))
		vring_put_back(q, b->done);
	return blocked;
}

/*
 * Have the socket tell when it takes packets again, at once if it does already.
 * One in error never tells: sending is how to learn, and to clear, its error.
 */
static void wait_for_socket(struct net_queue *nq)
{
	struct vhost_queue *q = &nq->q;

	q->stats.socket_full++;
	if (vhost_poll_start(&nq->q.backend_poll, q->worker, nq->ts.sock->file))
		vhost_queue_wake(q);
}

/* A ring that cannot be read is something to see to as well. */
static bool tx_ready(struct net_queue *nq)
{
	return vring_available(&nq->q);
}

/*
 * The guest has nothing more to send.
 *
 * Return: 0 to go on; 1 to come back when woken; -EFAULT if the ring cannot be
 * used.
 */
static int idle_tx(struct net_queue *nq, struct net_weight *weight)
{
	switch (busy_poll(nq, tx_ready)) {
	case BUSY_FOUND:
		return 0;
	case BUSY_TURN:
		vhost_queue_wake(&nq->q);
		return 1;
	default:
		nq->q.stats.ring_empty++;
		return wait_for_kick(&nq->q, weight);
	}
}

/* Return: as serve() wants it. */
static int transmit(struct net_queue *nq)
{
	struct vhost_queue *q = &nq->q;
	struct net_weight weight = {};
	int err;

	/* While the worker looks anyway, neither socket nor guest need call. */
	vhost_poll_stop(&nq->q.backend_poll);
	err = vring_disable_kick(q);

	while (!err) {
		if (weight_exceeded(q, &weight)) {
			yield_turn(q);
			break;
		}
		err = vring_fetch(q, VRING_BATCH);
		if (err > 0) {
			err = send_batch(nq, &weight);
			busy_begin(nq);
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

/* ---- receive ---- */

/*
 * How many chains to fetch for @size bytes: if they are like the last one, and
 * at least one for each packet that is at hand.
 */
static unsigned int fetch_goal(struct net_queue *nq, size_t size)
{
	unsigned int packets = tun_rx_fill(&nq->rx, &nq->ts);

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
 * may give are enough; -EINPROGRESS or -EFAULT as vring_fetch().
 */
static int hold_buffers(struct net_queue *nq, unsigned int first, size_t size,
			unsigned int *end)
{
	struct vhost_queue *q = &nq->q;
	struct vring_batch *b = q->batch;
	bool mergeable = vhost_queue_has(q, VIRTIO_NET_F_MRG_RXBUF);
	unsigned int most = mergeable ? q->num : 1;
	struct vring_chain *chain;
	size_t room = 0;
	int n;

	for (*end = first; room < size; ++*end) {
		if (unlikely(*end - first == most))
			return -EMSGSIZE;
		if (*end == b->count) {
			n = vring_fetch(q, fetch_goal(nq, size - room));
			if (n <= 0)
				return n;
		}
		chain = &b->chains[*end];
		if (unlikely(chain->bad != VHOST_DROP_NONE)) {
			vhost_queue_drop(q, chain->bad);
			return -EBADMSG;
		}
		if (unlikely(chain->out || !chain->in)) {
			vhost_queue_drop(q, VHOST_ALT_DROP_DIRECTION);
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
static bool write_header(const struct vhost_queue *q, const struct iovec *iov,
			 unsigned int niov, unsigned int buffers)
{
	/* All zero: no offload, and nothing of what longer headers have. */
	u8 hdr[COMPAT_MAX_HDR_LEN] __aligned(sizeof(__virtio16)) = {};
	size_t offset = offsetof(struct virtio_net_hdr_mrg_rxbuf, num_buffers);
	__virtio16 *num_buffers = (__virtio16 *)(hdr + offset);
	size_t size = header_size(q);

	BUILD_BUG_ON(VIRTIO_NET_HDR_GSO_NONE != 0);

	*num_buffers = cpu_to_vhost16(q, buffers);
	if (!socket_has_header(q))
		return write_guest(iov, niov, 0, hdr, size);
	if (size < sizeof(struct virtio_net_hdr_mrg_rxbuf))
		return true;
	if (likely(iov->iov_len >= sizeof(struct virtio_net_hdr_mrg_rxbuf)))
		return !put_user(*num_buffers,
				 (__virtio16 __user *)(iov->iov_base + offset));
	return write_guest(iov, niov, offset, num_buffers, sizeof(*num_buffers));
}

/* Note how much of @size bytes each of @n chains holds. */
static void set_written(struct vring_chain *chain, unsigned int n, size_t size)
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
static int deliver(struct net_queue *nq, unsigned int first, unsigned int n,
		   size_t len)
{
	struct vhost_queue *q = &nq->q;
	struct vring_batch *b = q->batch;
	struct vring_chain *chain = &b->chains[first];
	struct vring_chain *last = chain + n - 1;
	const struct iovec *iov = &b->iov[chain->first];
	unsigned int niov = last->first + last->in - chain->first;
	size_t size = header_size(q) + len;
	size_t skip = socket_has_header(q) ? 0 : header_size(q);
	int err;

	err = tun_rx_recv(&nq->rx, &nq->ts, iov, niov, skip, size - skip);
	if (!err && !write_header(q, iov, niov, n))
		err = -EFAULT;
	/* A packet that was lost may have been written in part. */
	if (unlikely(vhost_queue_has(q, VHOST_F_LOG_ALL)) &&
	    vring_log_iov(q, iov, size)) {
		vhost_queue_drop(q, VHOST_ALT_DROP_WRITE);
		return -EFAULT;
	}
	if (unlikely(err && err != -EFAULT)) {
		vhost_queue_drop(q, VHOST_ALT_DROP_RECEIVE);
		return 0;
	}
	if (unlikely(err)) {
		/* The guest gets its buffers back empty, not again and again. */
		vhost_queue_drop(q, VHOST_ALT_DROP_WRITE);
		return n;
	}
	set_written(chain, n, size);
	q->stats.packets++;
	q->stats.bytes += len;
	return n;
}

static void drop_packet(struct net_queue *nq)
{
	tun_rx_drop(&nq->rx, &nq->ts);
	vhost_queue_drop(&nq->q, VHOST_ALT_DROP_NO_ROOM);
}

/* Complete what is held up to index @end, and put back the rest. */
static int settle(struct vhost_queue *q, unsigned int end)
{
	int err;

	if (end)
		trace_vhost_alt_receive(q, end);
	err = vring_complete(q, end);
	if (!err)
		vring_put_back(q, q->batch->done);
	return err;
}

/*
 * Deliver the packets at hand, or as many as the weight allows.
 *
 * Return: 1 if the guest has too few buffers, 0, -EINPROGRESS as vring_fetch(), or
 * -EFAULT if the ring cannot be used. Nothing is held afterwards, but on -EFAULT.
 */
static int receive_batch(struct net_queue *nq, struct net_weight *weight)
{
	struct vhost_queue *q = &nq->q;
	unsigned int taken = 0, end;
	bool moved = false;
	int n = 1, err;
	size_t len;

	while (!weight_exceeded(q, weight) &&
	       tun_rx_peek(&nq->rx, &nq->ts, &len)) {
		n = hold_buffers(nq, taken, header_size(q) + len, &end);
		weight->packets++;
		if (likely(n > 0)) {
			weight->bytes += len;
			n = deliver(nq, taken, n, len);
			if (unlikely(n < 0))
				break;
			taken += n;
			moved |= n;
			n = 1;
			if (taken < VRING_BATCH)
				continue;
			end = taken;
		} else if (n == -EMSGSIZE || (n == -ENOSPC && !taken)) {
			drop_packet(nq);
			continue;
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
		busy_begin(nq);
	if (unlikely(err || n == -EFAULT || n == -EINPROGRESS))
		return err ?: n;
	return !n;
}

static bool rx_ready(struct net_queue *nq)
{
	return tun_rx_fill(&nq->rx, &nq->ts);
}

/* Is there a packet? If not, the worker will be woken for the next. */
static bool packets_at_hand(struct net_queue *nq)
{
	if (tun_rx_fill(&nq->rx, &nq->ts))
		return true;
	switch (busy_poll(nq, rx_ready)) {
	case BUSY_FOUND:
		return true;
	case BUSY_TURN:
		vhost_queue_wake(&nq->q);
		return false;
	default:
		break;
	}
	vhost_poll_arm(&nq->q.backend_poll);
	if (!tun_rx_fill(&nq->rx, &nq->ts))
		return false;
	vhost_poll_disarm(&nq->q.backend_poll);
	return true;
}

/* Return: as serve() wants it. */
static int receive(struct net_queue *nq)
{
	struct vhost_queue *q = &nq->q;
	struct net_weight weight = {};
	int err;

	/* While the worker looks anyway, neither socket nor guest need call. */
	vhost_poll_disarm(&nq->q.backend_poll);
	err = vring_disable_kick(q);

	while (!err && packets_at_hand(nq)) {
		if (weight_exceeded(q, &weight)) {
			yield_turn(q);
			break;
		}
		err = receive_batch(nq, &weight);
		/* Packets wait now; more of them would be no news. */
		if (err > 0) {
			q->stats.no_buffers++;
			err = wait_for_kick(q, &weight);
		}
	}
	return err;
}

/* ---- work ---- */

static void stop_broken(struct vhost_queue *q)
{
	vhost_queue_break(q);
	vhost_netlink_notify(q->dev, q, VHOST_ALT_CMD_RING_ERROR_NTF);
}

/*
 * The device IOTLB lacks an entry. The owner may have none to give yet, so the next
 * kick asks again.
 */
static int wait_for_entry(struct vhost_queue *q)
{
	vhost_queue_miss(q, q->batch->missed, q->batch->missed_perm);
	return q->mapped && vring_enable_kick(q) == -EFAULT ? -EFAULT : 0;
}

/*
 * One turn of a queue. @move returns an error of vring_fetch() and its like, after
 * which the queue rests until the owner has done something about it.
 */
static void serve(struct net_queue *nq, int (*move)(struct net_queue *nq))
{
	struct vhost_queue *q = &nq->q;
	int err;

	mutex_lock(&q->mutex);
	vhost_queue_show_ring(q);
	if (q->running && !q->broken) {
		q->stats.runs++;
		q->batch->walked = 0;
		if (q->busyloop)
			nq->turn_end = local_clock() + NET_BUSY_TURN_NS;
		err = vring_map(q);
		if (likely(!err))
			err = move(nq);
		if (unlikely(err == -EINPROGRESS))
			err = wait_for_entry(q);
		if (unlikely(err < 0))
			stop_broken(q);
	}
	mutex_unlock(&q->mutex);
}

static void serve_rx(struct vhost_work *work)
{
	serve(container_of(work, struct net_queue, q.work), receive);
}

static void serve_tx(struct vhost_work *work)
{
	serve(container_of(work, struct net_queue, q.work), transmit);
}

/* ---- the backend ---- */

static void put_back_packets(struct net_queue *nq)
{
	if (nq->q.index == NET_RX)
		tun_rx_put_back(&nq->rx, &nq->ts);
}

/* Note for those who ask what the queue's backend is called, or that it has none. */
static void name_backend(struct net_queue *nq)
{
	struct tun_interface iface = {};

	if (nq->ts.sock)
		tun_socket_interface(&nq->ts, &iface);
	memcpy(nq->q.ifname, iface.name, sizeof(nq->q.ifname));
	nq->q.ifindex = iface.index;
	trace_vhost_alt_backend(&nq->q);
}

/* Stop the queue. The caller puts the backend that this returns. */
static struct tun_socket detach_backend(struct net_queue *nq)
{
	struct tun_socket old;

	mutex_lock(&nq->q.mutex);
	vhost_poll_stop(&nq->q.backend_poll);
	put_back_packets(nq);
	vhost_queue_stop(&nq->q);
	old = nq->ts;
	nq->ts = (struct tun_socket){};
	if (old.sock)
		vhost_netlink_notify(nq->q.dev, &nq->q,
				     VHOST_ALT_CMD_BACKEND_REMOVED_NTF);
	name_backend(nq);
	mutex_unlock(&nq->q.mutex);
	return old;
}

/*
 * Start the queue on the backend *@ts, which on success is exchanged for the
 * one that it had before. On failure the queue goes on as it was.
 */
static long attach_backend(struct net_queue *nq, struct tun_socket *ts)
{
	struct vhost_queue *q = &nq->q;
	long err;

	lockdep_assert_held(&q->mutex);
	/* A tap without a device, which will never have anything to tell. */
	if (vfs_poll(ts->sock->file, NULL) & EPOLLERR)
		return -EINVAL;
	err = vhost_queue_start(q);
	if (err == -EINPROGRESS)
		vhost_queue_miss(q, q->batch->missed, q->batch->missed_perm);
	if (err)
		return -EFAULT;

	vhost_poll_stop(&nq->q.backend_poll);
	put_back_packets(nq);
	swap(nq->ts, *ts);
	name_backend(nq);
	vhost_netlink_notify(q->dev, q, VHOST_ALT_CMD_BACKEND_SET_NTF);
	vhost_poll_start(&nq->q.backend_poll, q->worker, nq->ts.sock->file);
	/* Buffers or packets may be there already. */
	vhost_queue_wake(q);
	return 0;
}

static long start_backend(struct net_queue *nq, int fd)
{
	struct vhost_queue *q = &nq->q;
	struct tun_socket ts = {};
	long err = -EFAULT;

	mutex_lock(&q->mutex);
	if (!vhost_queue_access_ok(q))
		goto unlock;
	err = tun_socket_get(&ts, fd);
	if (err)
		goto unlock;
	if (ts.sock != nq->ts.sock || q->broken)
		err = attach_backend(nq, &ts);
unlock:
	mutex_unlock(&q->mutex);
	tun_socket_put(&ts);
	return err;
}

static long set_backend(struct net_dev *net, struct vhost_vring_file *backend)
{
	struct tun_socket old;
	struct net_queue *nq;
	long err;

	err = vhost_dev_check_owner(&net->dev);
	if (err)
		return err;
	if (backend->index >= NET_QUEUES)
		return -ENOBUFS;
	nq = &net->nq[array_index_nospec(backend->index, NET_QUEUES)];

	if (backend->fd != VHOST_FILE_UNBIND)
		return start_backend(nq, backend->fd);
	old = detach_backend(nq);
	tun_socket_put(&old);
	return 0;
}

/*
 * Stop all queues, and forget the owner if there is one. @memory is the memory
 * table that there is afterwards.
 */
static void net_stop(struct net_dev *net, struct vhost_iotlb *memory)
{
	struct tun_socket old[NET_QUEUES];
	unsigned int i;

	for (i = 0; i < NET_QUEUES; i++)
		old[i] = detach_backend(&net->nq[i]);
	vhost_dev_reset_owner(&net->dev, memory);
	for (i = 0; i < NET_QUEUES; i++)
		tun_socket_put(&old[i]);
}

/* ---- file operations ---- */

static int init_queues(struct net_dev *net)
{
	int err;

	net->queues[NET_RX] = &net->nq[NET_RX].q;
	net->queues[NET_TX] = &net->nq[NET_TX].q;
	err = vhost_queue_init(net->queues[NET_RX], "-rx", serve_rx, EPOLLIN);
	if (err)
		return err;
	err = vhost_queue_init(net->queues[NET_TX], "-tx", serve_tx, EPOLLOUT);
	if (err)
		vhost_queue_cleanup(net->queues[NET_RX]);
	return err;
}

static void net_free(struct net_dev *net)
{
	unsigned int i;

	tun_tx_cleanup(&net->nq[NET_TX].tx);
	vhost_dev_cleanup(&net->dev);
	for (i = 0; i < NET_QUEUES; i++)
		vhost_queue_cleanup(net->queues[i]);
	kvfree(net);
}

static int net_open(struct inode *inode, struct file *file)
{
	struct net_dev *net;
	int err;

	net = kvzalloc(sizeof(*net), GFP_KERNEL_ACCOUNT);
	if (!net)
		return -ENOMEM;
	err = init_queues(net);
	if (err) {
		kvfree(net);
		return err;
	}
	vhost_dev_init(&net->dev, net->queues, NET_QUEUES);
	err = vhost_netlink_add(&net->dev);
	if (err) {
		net_free(net);
		return err;
	}
	file->private_data = net;
	trace_vhost_alt_open(&net->dev);
	return 0;
}

static int net_release(struct inode *inode, struct file *file)
{
	struct net_dev *net = file->private_data;

	trace_vhost_alt_close(&net->dev);
	vhost_netlink_del(&net->dev);
	mutex_lock(&net->dev.mutex);
	net_stop(net, NULL);
	mutex_unlock(&net->dev.mutex);
	vhost_netlink_notify(&net->dev, NULL, VHOST_ALT_CMD_DEV_CLOSE_NTF);
	put_net(net->dev.net);
	net_free(net);
	return 0;
}

static long reset_owner(struct net_dev *net)
{
	struct vhost_iotlb *memory;
	long err;

	err = vhost_dev_check_owner(&net->dev);
	if (err)
		return err;
	/* As with the in-tree module, there is one without regions from now on. */
	memory = vhost_iotlb_alloc(0);
	if (!memory)
		return -ENOMEM;
	net_stop(net, memory);
	net->dev.pid = 0;
	return 0;
}

/* ---- features ---- */

static const u64 net_features[VHOST_FEATURE_WORDS] = {
	VHOST_ALT_FEATURES, COMPAT_TUNNEL_FEATURES,
};

static long put_features(u64 features, u64 __user *argp)
{
	return copy_to_user(argp, &features, sizeof(features)) ? -EFAULT : 0;
}

static long set_features(struct net_dev *net, const u64 *features)
{
	unsigned int i;
	long err;

	for (i = 0; i < VHOST_FEATURE_WORDS; i++) {
		if (features[i] & ~net_features[i])
			return -EOPNOTSUPP;
	}
	mutex_lock(&net->dev.mutex);
	err = vhost_dev_set_features(&net->dev, features);
	mutex_unlock(&net->dev.mutex);
	return err;
}

static long set_features_word(struct net_dev *net, const u64 __user *argp)
{
	u64 features[VHOST_FEATURE_WORDS] = {};

	if (copy_from_user(features, argp, sizeof(*argp)))
		return -EFAULT;
	return set_features(net, features);
}

static long put_features_array(struct vhost_features_array __user *argp)
{
	u64 count, n;

	if (get_user(count, &argp->count))
		return -EFAULT;
	n = min_t(u64, count, VHOST_FEATURE_WORDS);
	if (copy_to_user(argp->features, net_features, n * sizeof(u64)))
		return -EFAULT;
	return clear_user(argp->features + n, array_size(count - n, sizeof(u64))) ?
	       -EFAULT : 0;
}

/* Words beyond those that we know may be there, if they are 0. */
static long set_features_array(struct net_dev *net,
			       struct vhost_features_array __user *argp)
{
	u64 features[VHOST_FEATURE_WORDS] = {}, count, n, word;

	if (get_user(count, &argp->count))
		return -EFAULT;
	n = min_t(u64, count, VHOST_FEATURE_WORDS);
	if (copy_from_user(features, argp->features, n * sizeof(u64)))
		return -EFAULT;
	for (; n < count; n++) {
		if (get_user(word, &argp->features[n]))
			return -EFAULT;
		if (word)
			return -EOPNOTSUPP;
		/* The count is the caller's, and has no limit. */
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return set_features(net, features);
}

static long set_backend_features(struct net_dev *net, const u64 __user *argp)
{
	u64 features;

	if (copy_from_user(&features, argp, sizeof(features)))
		return -EFAULT;
	if (features & ~VHOST_ALT_BACKEND_FEATURES)
		return -EOPNOTSUPP;
	mutex_lock(&net->dev.mutex);
	WRITE_ONCE(net->dev.backend_features, features);
	mutex_unlock(&net->dev.mutex);
	return 0;
}

/* ---- file operations ---- */

static long locked_ioctl(struct net_dev *net, unsigned int cmd,
			 void __user *argp)
{
	struct vhost_vring_file backend;

	lockdep_assert_held(&net->dev.mutex);
	switch (cmd) {
	case VHOST_SET_OWNER:
		return vhost_dev_set_owner(&net->dev, READ_ONCE(rxtx_workers));
	case VHOST_RESET_OWNER:
		return reset_owner(net);
	case VHOST_NET_SET_BACKEND:
		if (copy_from_user(&backend, argp, sizeof(backend)))
			return -EFAULT;
		return set_backend(net, &backend);
	default:
		return vhost_dev_ioctl(&net->dev, cmd, argp);
	}
}

static long net_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct net_dev *net = file->private_data;
	void __user *argp = (void __user *)arg;
	long err;

	switch (cmd) {
	case VHOST_GET_FEATURES:
		return put_features(net_features[0], argp);
	case VHOST_SET_FEATURES:
		return set_features_word(net, argp);
	case VHOST_GET_FEATURES_ARRAY:
		return put_features_array(argp);
	case VHOST_SET_FEATURES_ARRAY:
		return set_features_array(net, argp);
	case VHOST_GET_BACKEND_FEATURES:
		return put_features(VHOST_ALT_BACKEND_FEATURES, argp);
	case VHOST_SET_BACKEND_FEATURES:
		return set_backend_features(net, argp);
	default:
		mutex_lock(&net->dev.mutex);
		err = locked_ioctl(net, cmd, argp);
		mutex_unlock(&net->dev.mutex);
		return err;
	}
}

static ssize_t net_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct net_dev *net = iocb->ki_filp->private_data;

	return vhost_dev_read_iter(&net->dev, to,
				   iocb->ki_filp->f_flags & O_NONBLOCK);
}

static ssize_t net_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct net_dev *net = iocb->ki_filp->private_data;

	return vhost_dev_write_iter(&net->dev, from);
}

static __poll_t net_poll(struct file *file, poll_table *wait)
{
	struct net_dev *net = file->private_data;

	return vhost_dev_poll(&net->dev, file, wait);
}

static void net_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct net_dev *net = file->private_data;

	vhost_dev_show(&net->dev, m);
}

static const struct file_operations net_fops = {
	.owner		= THIS_MODULE,
	.open		= net_open,
	.release	= net_release,
	.read_iter	= net_read_iter,
	.write_iter	= net_write_iter,
	.poll		= net_poll,
	.unlocked_ioctl	= net_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= net_show_fdinfo,
	.llseek		= noop_llseek,
};

/* ---- the module ---- */

static struct miscdevice net_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "vhost-net-alt",
	.fops	= &net_fops,
};

static struct miscdevice takeover_misc = {
	.minor	= VHOST_NET_MINOR,
	.name	= "vhost-net",
	.fops	= &net_fops,
};

static int __init register_devices(void)
{
	int err;

	err = misc_register(&net_misc);
	if (err || !takeover)
		return err;
	err = misc_register(&takeover_misc);
	if (err) {
		pr_err("cannot take over /dev/vhost-net (%d): unload vhost_net first\n",
		       err);
		misc_deregister(&net_misc);
	}
	return err;
}

static int __init net_init(void)
{
	int err;

	err = vhost_netlink_init();
	if (err)
		return err;
	err = register_devices();
	if (err)
		vhost_netlink_exit();
	return err;
}

static void __exit net_exit(void)
{
	if (takeover)
		misc_deregister(&takeover_misc);
	misc_deregister(&net_misc);
	vhost_netlink_exit();
}

module_init(net_init);
module_exit(net_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vhost_alt authors");
MODULE_DESCRIPTION("Serves a guest's virtio-net rings in the host kernel");
