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
#define VHA_NET_BUSY_TURN_NS	(200 * NSEC_PER_USEC)

/**
 * vha_net_wait_for_kick() - have the guest tell when it makes chains available
 * @q: the queue, with its mutex held; the guest has made too few available
 * @weight: what has been done in this turn. This counts as work, since a guest that
 *	moves its index to and fro could go on for ever.
 *
 * Return: 1 if a kick will come; 0 if there are more already; -EFAULT if the
 * ring cannot be used.
 */
int vha_net_wait_for_kick(struct vha_queue *q, struct vha_net_weight *weight)
{
	int more;

	weight->packets++;
	more = vha_ring_enable_kick(q);
	if (more <= 0)
		return more ? more : 1;
	return vha_ring_disable_kick(q);
}

/* ---- busy polling ---- */

/**
 * vha_net_busy_begin() - packets have been moved, and more may follow
 * @nq: the queue, with its mutex held
 */
void vha_net_busy_begin(struct vha_net_queue *nq)
{
	if (nq->q.busyloop)
		nq->busy_end = local_clock() +
			       (u64)nq->q.busyloop * NSEC_PER_USEC;
}

static enum vha_net_busy busy_look(struct vha_net_queue *nq,
				   bool (*ready)(struct vha_net_queue *nq), u64 *now)
{
	for (; *now < nq->busy_end && !need_resched(); *now = local_clock()) {
		if (ready(nq))
			return VHA_NET_BUSY_FOUND;
		if (*now >= nq->turn_end || vha_worker_busy(nq->q.worker))
			return VHA_NET_BUSY_TURN;
		cpu_relax();
	}
	return VHA_NET_BUSY_OVER;
}

/**
 * vha_net_busy_poll() - look for more to do, as long as the owner wants to pay for not
 *	having to wake the worker
 * @nq: the queue, with its mutex held
 * @ready: is there more?
 *
 * The time counts from the last packet, not from the last turn, or two queues of
 * a worker would keep each other awake.
 *
 * Return: what came of it.
 */
enum vha_net_busy vha_net_busy_poll(struct vha_net_queue *nq,
				    bool (*ready)(struct vha_net_queue *nq))
{
	struct vha_queue *q = &nq->q;
	enum vha_net_busy outcome;
	u64 start, now;

	if (!q->busyloop)
		return VHA_NET_BUSY_OVER;
	start = local_clock();
	if (start >= nq->busy_end)
		return VHA_NET_BUSY_OVER;

	now = start;
	outcome = busy_look(nq, ready, &now);
	q->stats.busy_polls++;
	q->stats.busy_hits += outcome == VHA_NET_BUSY_FOUND;
	q->stats.busy_ns += now - start;
	return outcome;
}

/* ---- work ---- */

static void stop_broken(struct vha_queue *q)
{
	vha_queue_break(q);
	vha_netlink_notify(q->dev, q, VHOST_ALT_CMD_RING_ERROR_NTF);
}

/*
 * The device IOTLB lacks an entry. The owner may have none to give yet, so the next
 * kick asks again.
 */
static int wait_for_entry(struct vha_queue *q)
{
	vha_msg_miss(q);
	return q->mapped && vha_ring_enable_kick(q) == -EFAULT ? -EFAULT : 0;
}

/*
 * One turn of a queue. @move returns an error of vha_ring_fetch() and its like, after
 * which the queue rests until the owner has done something about it.
 */
static void serve(struct vha_net_queue *nq, int (*move)(struct vha_net_queue *nq))
{
	struct vha_queue *q = &nq->q;
	int err;

	mutex_lock(&q->mutex);
	vha_queue_heed(q);
	if (q->running && !q->broken) {
		q->stats.runs++;
		q->batch->walked = 0;
		if (q->busyloop)
			nq->turn_end = local_clock() + VHA_NET_BUSY_TURN_NS;
		err = vha_ring_map(q);
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
 * vha_net_queue_serve_rx() - one turn of a receive queue
 * @work: of the queue
 */
void vha_net_queue_serve_rx(struct vha_work *work)
{
	serve(container_of(work, struct vha_net_queue, q.work), vha_net_receive);
}

/**
 * vha_net_queue_serve_tx() - one turn of a transmit queue
 * @work: of the queue
 */
void vha_net_queue_serve_tx(struct vha_work *work)
{
	serve(container_of(work, struct vha_net_queue, q.work), vha_net_transmit);
}

/* ---- the backend ---- */

static void put_back_packets(struct vha_net_queue *nq)
{
	if (nq->q.index == VHA_NET_RX)
		vha_tun_rx_put_back(&nq->rx, &nq->ts);
}

/* Note for those who ask what the queue's backend is called. */
static void name_backend(struct vha_net_queue *nq, const struct vha_tun_interface *iface)
{
	memcpy(nq->q.ifname, iface->name, sizeof(nq->q.ifname));
	nq->q.ifindex = iface->index;
	trace_vhost_alt_backend(&nq->q);
}

/**
 * vha_net_queue_stop() - stop a queue
 * @nq: the queue, running or not
 *
 * Return: its former backend, for the caller to put, which does nothing if it had
 * none.
 */
struct vha_tun_socket vha_net_queue_stop(struct vha_net_queue *nq)
{
	struct vha_tun_socket old;

	mutex_lock(&nq->q.mutex);
	vha_poll_stop(&nq->q.backend_poll);
	put_back_packets(nq);
	vha_queue_stop(&nq->q);
	vha_msg_clear_miss(&nq->q);
	old = nq->ts;
	nq->ts = (struct vha_tun_socket){};
	if (old.sock) {
		vha_netlink_notify(nq->q.dev, &nq->q,
				   VHOST_ALT_CMD_BACKEND_REMOVED_NTF);
		name_backend(nq, &(struct vha_tun_interface){});
	}
	mutex_unlock(&nq->q.mutex);
	return old;
}

/*
 * Start the queue on the backend *@ts, which on success is exchanged for the
 * one that it had before. On failure the queue goes on as it was.
 */
static long attach_backend(struct vha_net_queue *nq, struct vha_tun_socket *ts,
			   const struct vha_tun_interface *iface)
{
	struct vha_queue *q = &nq->q;
	long err;

	lockdep_assert_held(&q->mutex);
	/* A tap without a device, which will never have anything to tell. */
	if (vfs_poll(ts->sock->file, NULL) & EPOLLERR)
		return -EINVAL;
	err = vha_queue_start(q);
	if (err == -EINPROGRESS)
		vha_msg_miss(q);
	if (err)
		return -EFAULT;

	vha_poll_stop(&nq->q.backend_poll);
	put_back_packets(nq);
	swap(nq->ts, *ts);
	name_backend(nq, iface);
	vha_netlink_notify(q->dev, q, VHOST_ALT_CMD_BACKEND_SET_NTF);
	vha_poll_start(&nq->q.backend_poll, q->worker, nq->ts.sock->file);
	/* Buffers or packets may be there already. */
	vha_queue_wake(q);
	return 0;
}

static bool may_start(struct vha_queue *q)
{
	bool ok;

	mutex_lock(&q->mutex);
	ok = vha_queue_access_ok(q);
	mutex_unlock(&q->mutex);
	return ok;
}

/**
 * vha_net_queue_start() - start a queue, or have it go on with another backend
 * @nq: the queue; the device's mutex is held
 * @fd: the backend, of the calling process
 *
 * Return: 0; -EFAULT if there is no memory table or the ring cannot be accessed;
 * -ENOTSOCK; -EINVAL for a tap without a device.
 */
long vha_net_queue_start(struct vha_net_queue *nq, int fd)
{
	struct vha_queue *q = &nq->q;
	struct vha_tun_interface iface;
	struct vha_tun_socket ts = {};
	long err;

	if (!may_start(q))
		return -EFAULT;
	err = vha_tun_socket_get(&ts, fd);
	if (err)
		return err;
	/* The worker need not wait for the locks that this takes. */
	vha_tun_socket_interface(&ts, &iface);

	mutex_lock(&q->mutex);
	if (ts.sock != nq->ts.sock || q->broken)
		err = attach_backend(nq, &ts, &iface);
	mutex_unlock(&q->mutex);
	vha_tun_socket_put(&ts);
	return err;
}
