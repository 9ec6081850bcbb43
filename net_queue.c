// SPDX-License-Identifier: GPL-2.0-only
/*
 * What both directions have in common: turns of a worker, polling without sleep,
 * and the backend.
 */

#include <linux/file.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched/clock.h>

#include "net_queue.h"
#include "trace.h"
#include "vhost_msg.h"
#include "vhost_netlink.h"

/*
 * The longest that a worker looks for more without giving the queue's mutex away,
 * for which commands wait.
 */
#define NET_BUSY_TURN_NS	(200 * NSEC_PER_USEC)

/**
 * net_wait_for_kick() - have the guest tell when it makes chains available
 * @q: the queue, with its mutex held; the guest has made too few available
 * @weight: what has been done in this turn. This counts as work, since a guest that
 *	moves its index to and fro could go on for ever.
 *
 * Return: 1 if a kick will come; 0 if there are more already; -EFAULT if the
 * ring cannot be used.
 */
int net_wait_for_kick(struct vhost_queue *q, struct net_weight *weight)
{
	int more;

	weight->packets++;
	more = vring_enable_kick(q);
	if (more <= 0)
		return more ? more : 1;
	return vring_disable_kick(q);
}

/* ---- busy polling ---- */

/**
 * net_busy_begin() - packets have been moved, and more may follow
 * @nq: the queue, with its mutex held
 */
void net_busy_begin(struct net_queue *nq)
{
	if (nq->q.busyloop)
		nq->busy_end = local_clock() +
			       (u64)nq->q.busyloop * NSEC_PER_USEC;
}

static enum busy_outcome busy_look(struct net_queue *nq,
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

/**
 * net_busy_poll() - look for more to do, as long as the owner wants to pay for not
 *	having to wake the worker
 * @nq: the queue, with its mutex held
 * @ready: is there more?
 *
 * The time counts from the last packet, not from the last turn, or two queues of
 * a worker would keep each other awake.
 *
 * Return: what came of it.
 */
enum busy_outcome net_busy_poll(struct net_queue *nq,
				bool (*ready)(struct net_queue *nq))
{
	struct vhost_queue *q = &nq->q;
	enum busy_outcome outcome;
	u64 start, now;

	if (!q->busyloop)
		return BUSY_OVER;
	start = local_clock();
	if (start >= nq->busy_end)
		return BUSY_OVER;

	now = start;
	outcome = busy_look(nq, ready, &now);
	q->stats.busy_polls++;
	q->stats.busy_hits += outcome == BUSY_FOUND;
	q->stats.busy_ns += now - start;
	return outcome;
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
	vhost_queue_miss(q);
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
	vhost_queue_heed(q);
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

/**
 * net_queue_serve_rx() - one turn of a receive queue
 * @work: of the queue
 */
void net_queue_serve_rx(struct vhost_work *work)
{
	serve(container_of(work, struct net_queue, q.work), net_receive);
}

/**
 * net_queue_serve_tx() - one turn of a transmit queue
 * @work: of the queue
 */
void net_queue_serve_tx(struct vhost_work *work)
{
	serve(container_of(work, struct net_queue, q.work), net_transmit);
}

/* ---- the backend ---- */

static void put_back_packets(struct net_queue *nq)
{
	if (nq->q.index == NET_RX)
		tun_rx_put_back(&nq->rx, &nq->ts);
}

/* Note for those who ask what the queue's backend is called. */
static void name_backend(struct net_queue *nq, const struct tun_interface *iface)
{
	memcpy(nq->q.ifname, iface->name, sizeof(nq->q.ifname));
	nq->q.ifindex = iface->index;
	trace_vhost_alt_backend(&nq->q);
}

/**
 * net_queue_stop() - stop a queue
 * @nq: the queue, running or not
 *
 * Return: its former backend, for the caller to put, which does nothing if it had
 * none.
 */
struct tun_socket net_queue_stop(struct net_queue *nq)
{
	struct tun_socket old;

	mutex_lock(&nq->q.mutex);
	vhost_poll_stop(&nq->q.backend_poll);
	put_back_packets(nq);
	vhost_queue_stop(&nq->q);
	vhost_queue_clear_miss(&nq->q);
	old = nq->ts;
	nq->ts = (struct tun_socket){};
	if (old.sock) {
		vhost_netlink_notify(nq->q.dev, &nq->q,
				     VHOST_ALT_CMD_BACKEND_REMOVED_NTF);
		name_backend(nq, &(struct tun_interface){});
	}
	mutex_unlock(&nq->q.mutex);
	return old;
}

/*
 * Start the queue on the backend *@ts, which on success is exchanged for the
 * one that it had before. On failure the queue goes on as it was.
 */
static long attach_backend(struct net_queue *nq, struct tun_socket *ts,
			   const struct tun_interface *iface)
{
	struct vhost_queue *q = &nq->q;
	long err;

	lockdep_assert_held(&q->mutex);
	/* A tap without a device, which will never have anything to tell. */
	if (vfs_poll(ts->sock->file, NULL) & EPOLLERR)
		return -EINVAL;
	err = vhost_queue_start(q);
	if (err == -EINPROGRESS)
		vhost_queue_miss(q);
	if (err)
		return -EFAULT;

	vhost_poll_stop(&nq->q.backend_poll);
	put_back_packets(nq);
	swap(nq->ts, *ts);
	name_backend(nq, iface);
	vhost_netlink_notify(q->dev, q, VHOST_ALT_CMD_BACKEND_SET_NTF);
	vhost_poll_start(&nq->q.backend_poll, q->worker, nq->ts.sock->file);
	/* Buffers or packets may be there already. */
	vhost_queue_wake(q);
	return 0;
}

static bool may_start(struct vhost_queue *q)
{
	bool ok;

	mutex_lock(&q->mutex);
	ok = vhost_queue_access_ok(q);
	mutex_unlock(&q->mutex);
	return ok;
}

/**
 * net_queue_start() - start a queue, or have it go on with another backend
 * @nq: the queue; the device's mutex is held
 * @fd: the backend, of the calling process
 *
 * Return: 0; -EFAULT if there is no memory table or the ring cannot be accessed;
 * -ENOTSOCK; -EINVAL for a tap without a device.
 */
long net_queue_start(struct net_queue *nq, int fd)
{
	struct vhost_queue *q = &nq->q;
	struct tun_interface iface;
	struct tun_socket ts = {};
	long err;

	if (!may_start(q))
		return -EFAULT;
	err = tun_socket_get(&ts, fd);
	if (err)
		return err;
	/* The worker need not wait for the locks that this takes. */
	tun_socket_interface(&ts, &iface);

	mutex_lock(&q->mutex);
	if (ts.sock != nq->ts.sock || q->broken)
		err = attach_backend(nq, &ts, &iface);
	mutex_unlock(&q->mutex);
	tun_socket_put(&ts);
	return err;
}
