// SPDX-License-Identifier: GPL-2.0-only
/* Waking a worker from the wait queue of a kick's eventfd or of a backend. */
#include <linux/file.h>

#include "vhost_poll.h"

/* Called with the wait queue's lock held, in any context. */
static int poll_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
		       void *key)
{
	struct vha_poll *poll = container_of(wait, struct vha_poll, wait);

	lockdep_assert_held(&poll->wqh->lock);
	if (!(key_to_poll(key) & poll->mask))
		return 0;
	/*
	 * The file became ready before armed is read. Pairs with
	 * vha_poll_arm(). Free where taking a lock is a full barrier. Litmus
	 * test: poll-arm.
	 */
	smp_mb__after_spinlock();
	if (READ_ONCE(poll->armed)) {
		WRITE_ONCE(*poll->events, *poll->events + 1);
		vha_worker_queue(poll->worker, poll->work);
	}
	return 0;
}

static void poll_enqueue(struct file *file, wait_queue_head_t *wqh,
			 poll_table *table)
{
	struct vha_poll *poll = container_of(table, struct vha_poll, table);

	/* An eventfd or a socket has a single wait queue. */
	if (poll->wqh)
		return;
	poll->wqh = wqh;
	add_wait_queue(wqh, &poll->wait);
}

/**
 * vha_poll_init() - prepare a poll
 * @poll: the poll
 * @work: what to queue when the file is ready
 * @mask: the events of interest
 * @events: counts the times that this queues the work
 */
void vha_poll_init(struct vha_poll *poll, struct vha_work *work,
		   __poll_t mask, u64 *events)
{
	init_waitqueue_func_entry(&poll->wait, poll_wakeup);
	init_poll_funcptr(&poll->table, poll_enqueue);
	poll->mask = mask;
	poll->work = work;
	poll->events = events;
	poll->wqh = NULL;
	poll->worker = NULL;
	poll->armed = false;
}

/**
 * vha_poll_start() - start watching a file
 * @poll: the poll; if it is started already, nothing happens
 * @worker: runs the work
 * @file: the file; the caller keeps it open until vha_poll_stop()
 *
 * If the file is ready now, the work is queued now.
 *
 * Return: 0, or -EINVAL if the file is in error (a tap without a device).
 */
int vha_poll_start(struct vha_poll *poll, struct vha_worker *worker,
		   struct file *file)
{
	__poll_t ready;

	if (poll->wqh)
		return 0;

	poll->worker = worker;
	WRITE_ONCE(poll->armed, true);
	ready = vfs_poll(file, &poll->table);
	if (ready & EPOLLERR) {
		vha_poll_stop(poll);
		return -EINVAL;
	}
	if (ready & poll->mask)
		vha_worker_queue(worker, poll->work);
	return 0;
}

/**
 * vha_poll_stop() - stop watching the file
 * @poll: the poll; if it is stopped already, nothing happens
 *
 * When this returns, no wake-up is in progress. The work may still be queued.
 */
void vha_poll_stop(struct vha_poll *poll)
{
	if (!poll->wqh)
		return;
	remove_wait_queue(poll->wqh, &poll->wait);
	poll->wqh = NULL;
	WRITE_ONCE(poll->armed, false);
}

/**
 * vha_poll_resume() - watch again what was watched before another start
 * @poll: the poll, started or not
 * @worker: does the work
 * @wqh: @poll->wqh at that time, whose file is still open, or NULL
 *
 * Cannot fail, even if the file is in error now. The work is queued, since
 * the file may have become ready meanwhile.
 */
void vha_poll_resume(struct vha_poll *poll, struct vha_worker *worker,
		     wait_queue_head_t *wqh)
{
	vha_poll_stop(poll);
	if (!wqh)
		return;
	poll->worker = worker;
	poll->wqh = wqh;
	WRITE_ONCE(poll->armed, true);
	add_wait_queue(wqh, &poll->wait);
	vha_worker_queue(worker, poll->work);
}

/**
 * vha_poll_move() - assign the work to another worker from now on
 * @poll: the poll; if it is stopped, nothing happens
 * @worker: the worker
 *
 * No wake-up is lost. Work that was queued before stays with the former worker.
 */
void vha_poll_move(struct vha_poll *poll, struct vha_worker *worker)
{
	if (!poll->wqh)
		return;
	spin_lock_irq(&poll->wqh->lock);
	poll->worker = worker;
	spin_unlock_irq(&poll->wqh->lock);
}
