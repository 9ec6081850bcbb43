// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers. A delay may be shorter than a jiffy. The work runs in its worker: it
 * may sleep, which a timer must not.
 */
#include <linux/ktime.h>

#include "compat.h"
#include "vhost_timer.h"

/* Called in hard interrupt context, with PREEMPT_RT as well. */
static enum hrtimer_restart expired(struct hrtimer *hrtimer)
{
	struct vha_timer *timer = container_of(hrtimer, struct vha_timer,
					       timer);

	vha_worker_queue(READ_ONCE(timer->worker), timer->work);
	return HRTIMER_NORESTART;
}

/**
 * vha_timer_init() - prepare a timer
 * @timer: the timer
 * @work: what to queue
 */
void vha_timer_init(struct vha_timer *timer, struct vha_work *work)
{
	compat_hrtimer_setup(&timer->timer, expired);
	timer->work = work;
	timer->worker = NULL;
}

/**
 * vha_timer_precise() - check whether timers expire within microseconds
 *
 * Return: false if the clock of this machine interrupts at jiffies only.
 */
bool vha_timer_precise(void)
{
	return hrtimer_resolution < NSEC_PER_USEC;
}

/**
 * vha_timer_start() - queue the work after a delay
 * @timer: the timer; the caller serializes all calls for it. If it is pending,
 *	it starts again.
 * @worker: runs the work
 * @ns: the delay in nanoseconds
 */
void vha_timer_start(struct vha_timer *timer, struct vha_worker *worker,
		     u64 ns)
{
	/* It may still be running, but then for the same worker. */
	WRITE_ONCE(timer->worker, worker);
	hrtimer_start(&timer->timer, ns_to_ktime(ns), HRTIMER_MODE_REL_HARD);
}

/**
 * vha_timer_pending() - check whether the timer is to expire yet
 * @timer: the timer; the caller serializes this with vha_timer_start()
 *
 * Return: true if the timer will queue the work, even if it expires right now;
 * false as soon as it has expired, though it may only be about to queue the
 * work.
 */
bool vha_timer_pending(struct vha_timer *timer)
{
	return hrtimer_is_queued(&timer->timer);
}

/**
 * vha_timer_stop() - cancel the timer
 * @timer: the timer
 *
 * When this returns, the timer is neither pending nor running. The work may
 * still be queued.
 */
void vha_timer_stop(struct vha_timer *timer)
{
	hrtimer_cancel(&timer->timer);
}

/**
 * vha_timer_move() - assign the work to another worker from now on
 * @timer: the timer
 * @worker: the worker, or NULL if the work is not to run again
 *
 * If the timer is pending, the work is queued at once.
 */
void vha_timer_move(struct vha_timer *timer, struct vha_worker *worker)
{
	if (hrtimer_cancel(&timer->timer) && worker)
		vha_worker_queue(worker, timer->work);
}
