// SPDX-License-Identifier: GPL-2.0-only
/*
 * What both directions share: runs of the worker, busy polling, and the
 * backend.
 */
#include <linux/file.h>
#include <linux/if.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched/clock.h>
#include <linux/sched/stat.h>

#include "net_queue.h"
#include "trace.h"
#include "vhost_core.h"
#include "vhost_netlink.h"

/*
 * The longest time that a worker polls without releasing the queue's mutex, for
 * which commands wait.
 */
#define BUSY_RUN_NS	(200 * NSEC_PER_USEC)

static unsigned int adaptive_poll = 50;
module_param(adaptive_poll, uint, 0644);
MODULE_PARM_DESC(adaptive_poll,
		 "Microseconds to poll if that raises the packet rate; 0: none, at most 1000");

/* ---- runs ---- */

/*
 * The device IOTLB lacks an entry. The owner may not have it yet, so the next
 * kick asks again.
 */
static int wait_for_entry(struct vha_queue *q)
{
	vha_queue_miss(q);
	if (!q->ring.mapped)
		return 0;
	return min(vha_ring_enable_kick(&q->ring), 0);
}

/* Finish what a failed run left undone, then move packets. */
static int resume_and_move(struct vha_net_queue *nq,
			   int (*move)(struct vha_net_queue *nq))
{
	struct vha_queue *q = &nq->q;
	int err = 0;

	if (unlikely(q->faulted))
		err = vha_queue_resume(q);
	if (likely(!err))
		err = move(nq);
	if (unlikely(err == -EINPROGRESS))
		err = wait_for_entry(q);
	if (likely(err >= 0))
		vha_queue_recovered(q);
	return err;
}

/* Handle an error after which the queue cannot go on. */
static void run_failed(struct vha_queue *q, int err)
{
	bool report = true;

	switch (err) {
	case -ENOBUFS:
		/* A queue past the socket is full, which passes. */
		q->stats.socket_full++;
		vha_queue_recovered(q);
		vha_queue_retry(q);
		return;
	case -ENOMEM:
		/* The ring itself could be accessed. */
		WRITE_ONCE(q->faulted, false);
		vha_queue_retry(q);
		return;
	case -EFAULT:
		report = vha_queue_fault(q);
		break;
	default:
		vha_queue_break(q);
	}
	if (report)
		vha_netlink_notify(q->dev, q, VHOST_ALT_CMD_RING_ERROR_NTF);
}

/**
 * vha_net_queue_run() - run a queue once
 * @nq: the queue
 * @move: moves packets, with the queue's mutex held; returns an error, as
 *	vha_ring_fetch() does, if the queue has to wait for its owner; -ENOMEM
 *	or -ENOBUFS if it has to wait for memory or for the backend
 */
void vha_net_queue_run(struct vha_net_queue *nq,
		       int (*move)(struct vha_net_queue *nq))
{
	struct vha_queue *q = &nq->q;
	int err;

	mutex_lock(&q->mutex);
	if (q->running && !q->broken) {
		vha_queue_begin_run(q);
		q->ring.batch->walked = 0;
		nq->run_end = 0;
		err = vha_ring_map(&q->ring);
		if (likely(!err))
			err = resume_and_move(nq, move);
		else if (err == -EINPROGRESS)
			err = wait_for_entry(q);
		if (unlikely(err < 0))
			run_failed(q, err);
	}
	mutex_unlock(&q->mutex);
}

/**
 * vha_net_wait_for_kick() - make the guest kick when it makes chains available
 * @q: the queue, with its mutex held; the guest has not made enough available
 * @weight: what has been done in this run. The call counts as work: a guest
 *	that moves its index back and forth could prolong it indefinitely.
 *
 * Return: 1 if a kick will come; 0 if there are more chains already; -EFAULT or
 * -EPROTO if the ring cannot be used.
 */
int vha_net_wait_for_kick(struct vha_queue *q, struct vha_net_weight *weight)
{
	int more;

	lockdep_assert_held(&q->mutex);
	weight->packets++;
	more = vha_ring_enable_kick(&q->ring);
	if (more <= 0)
		return more ? more : 1;
	return vha_ring_disable_kick(&q->ring);
}

/* ---- waiting ---- */

/**
 * vha_net_busy_begin() - restart the owner's time of polling after a packet
 * @nq: the queue, with its mutex held
 */
void vha_net_busy_begin(struct vha_net_queue *nq)
{
	u64 us = READ_ONCE(nq->q.busyloop);

	lockdep_assert_held(&nq->q.mutex);
	if (us)
		nq->busy_end = local_clock() + us * NSEC_PER_USEC;
}

/*
 * A polling time that was set applies whatever it costs other tasks. Otherwise
 * any of them comes first.
 */
static bool may_poll(const struct vha_queue *q)
{
	return !need_resched() &&
	       (READ_ONCE(q->busyloop) || single_task_running());
}

static enum vha_net_wait poll_until(struct vha_net_queue *nq, u64 *now,
				    bool (*ready)(struct vha_net_queue *nq))
{
	for (; *now < nq->busy_end && may_poll(&nq->q); *now = local_clock()) {
		if (ready(nq))
			return VHA_NET_FOUND;
		if (*now >= nq->run_end || vha_worker_busy(nq->q.worker))
			return VHA_NET_YIELD;
		cpu_relax();
	}
	return VHA_NET_SLEEP;
}

/*
 * Poll until @busy_end. The time counts from the last packet, not from the last
 * run. Otherwise two queues of a worker would keep each other awake.
 */
static enum vha_net_wait poll(struct vha_net_queue *nq,
			      bool (*ready)(struct vha_net_queue *nq))
{
	struct vha_queue *q = &nq->q;
	enum vha_net_wait result;
	u64 start, now;

	start = local_clock();
	if (start >= nq->busy_end)
		return VHA_NET_SLEEP;
	if (!nq->run_end)
		nq->run_end = start + BUSY_RUN_NS;

	now = start;
	result = poll_until(nq, &now, ready);
	q->stats.busy_polls++;
	q->stats.busy_hits += result == VHA_NET_FOUND;
	q->stats.busy_yields += result == VHA_NET_YIELD;
	q->stats.busy_ns += now - start;
	return result;
}

/* Choose how to wait, and when a poll ends that begins now. */
static enum vha_wait choose(struct vha_net_queue *nq,
			    const struct vha_wait_limits *limits)
{
	struct vha_governor *g = &nq->governor;
	u64 last = g->last;
	enum vha_wait wait;

	if (!limits->look && !limits->poll) {
		vha_governor_reset(g);
		return VHA_WAIT_WAKEUP;
	}
	wait = vha_governor_choose(g, &nq->q.stats, limits);
	if (wait == VHA_WAIT_POLL && g->last != last)
		nq->busy_end = local_clock() + limits->poll;
	return wait;
}

/**
 * vha_net_wait() - wait for more to do
 * @nq: the queue, with its mutex held; it has nothing left to do
 * @limits: how it can wait; @poll is filled in
 * @ready: check whether there is more
 *
 * The queue polls for as long as the owner asked, or as the governor says if
 * the owner did not.
 *
 * Return: what to do next.
 */
enum vha_net_wait vha_net_wait(struct vha_net_queue *nq,
			       struct vha_wait_limits *limits,
			       bool (*ready)(struct vha_net_queue *nq))
{
	enum vha_net_wait result;

	lockdep_assert_held(&nq->q.mutex);
	if (READ_ONCE(nq->q.busyloop)) {
		vha_governor_reset(&nq->governor);
		return poll(nq, ready);
	}
	limits->poll = vha_queue_time(&nq->q.adaptive_poll,
				      READ_ONCE(adaptive_poll),
				      VHOST_ALT_ADAPTIVE_POLL_MAX);
	switch (choose(nq, limits)) {
	case VHA_WAIT_LOOK:
		return VHA_NET_LOOK;
	case VHA_WAIT_POLL:
		result = VHA_NET_SLEEP;
		if (may_poll(&nq->q))
			result = poll(nq, ready);
		if (result == VHA_NET_SLEEP)
			vha_governor_poll_missed(&nq->governor);
		return result;
	default:
		return VHA_NET_SLEEP;
	}
}

/* ---- the backend ---- */

static void put_back_packets(struct vha_net_queue *nq)
{
	if (nq->q.index == VHA_NET_RX)
		vha_tun_rx_put_back(&nq->rx, &nq->ts);
}

static void show_backend(struct vha_net_queue *nq,
			 const struct vha_tun_interface *iface)
{
	struct vha_queue_backend backend = { .index = iface->index };

	BUILD_BUG_ON(sizeof(backend.name) != IFNAMSIZ);
	memcpy(backend.name, iface->name, sizeof(backend.name));
	vha_queue_set_backend(&nq->q, &backend);
}

/*
 * Last chance to finish what a failed access left undone. The caller is the
 * owner, unless the file is being closed.
 */
static void finish(struct vha_queue *q)
{
	if (q->faulted && current->mm == q->dev->mm && !vha_ring_map(&q->ring))
		vha_queue_resume(q);
}

/**
 * vha_net_queue_stop() - stop a queue
 * @nq: the queue, running or not; the device's mutex is held
 *
 * Return: the former backend, for vha_tun_socket_put(); an empty one if there
 * was none.
 */
struct vha_tun_socket vha_net_queue_stop(struct vha_net_queue *nq)
{
	struct vha_queue *q = &nq->q;
	struct vha_tun_socket old;

	lockdep_assert_held(q->dev_mutex);
	mutex_lock(&q->mutex);
	vha_poll_stop(&q->backend_poll);
	put_back_packets(nq);
	finish(q);
	vha_queue_stop(q);
	if (q->index == VHA_NET_TX)
		vha_tun_tx_stop(&nq->tx);
	vha_miss_clear(&q->miss);
	old = nq->ts;
	nq->ts = (struct vha_tun_socket){};
	if (old.sock) {
		vha_netlink_notify(q->dev, q,
				   VHOST_ALT_CMD_BACKEND_REMOVED_NTF);
		show_backend(nq, &(struct vha_tun_interface){});
	}
	mutex_unlock(&q->mutex);
	return old;
}

static long start_ring(struct vha_queue *q)
{
	int err = vha_queue_start(q);

	if (err == -EINPROGRESS)
		vha_queue_miss(q);
	return !err || err == -EINVAL ? err : -EFAULT;
}

/*
 * Start the queue on the backend *@ts. On success the former backend is
 * returned in it; on failure nothing changes.
 */
static long attach_backend(struct vha_net_queue *nq, struct vha_tun_socket *ts,
			   const struct vha_tun_interface *iface)
{
	struct vha_queue *q = &nq->q;
	wait_queue_head_t *old = q->backend_poll.wqh;
	long err;

	lockdep_assert_held(&q->mutex);
	vha_poll_stop(&q->backend_poll);
	/* A tap without a device will never have anything to report. */
	err = vha_poll_start(&q->backend_poll, q->worker, ts->sock->file);
	if (!err)
		err = start_ring(q);
	if (err) {
		vha_poll_resume(&q->backend_poll, q->worker, old);
		return err;
	}

	put_back_packets(nq);
	swap(nq->ts, *ts);
	show_backend(nq, iface);
	vha_netlink_notify(q->dev, q, VHOST_ALT_CMD_BACKEND_SET_NTF);
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
 * vha_net_queue_start() - start a queue, or change its backend
 * @nq: the queue; the device's mutex is held
 * @fd: the backend, a descriptor of the calling process
 *
 * Return: 0; -EFAULT if there is no memory table or the ring cannot be
 * accessed; -ENOTSOCK; -EINVAL for a tap without a device, and if the ring's
 * layout does not allow its size or base.
 */
long vha_net_queue_start(struct vha_net_queue *nq, int fd)
{
	struct vha_queue *q = &nq->q;
	struct vha_tun_interface iface;
	struct vha_tun_socket ts = {};
	long err;

	lockdep_assert_held(q->dev_mutex);
	if (!may_start(q))
		return -EFAULT;
	err = vha_tun_socket_get(&ts, fd);
	if (err)
		return err;
	/* The worker must not wait for the locks that this takes. */
	vha_tun_socket_interface(&ts, &iface);

	mutex_lock(&q->mutex);
	vha_governor_reset(&nq->governor);
	if (ts.sock != nq->ts.sock || q->broken || q->faulted)
		err = attach_backend(nq, &ts, &iface);
	mutex_unlock(&q->mutex);
	vha_tun_socket_put(&ts);
	return err;
}
