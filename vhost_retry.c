// SPDX-License-Identifier: GPL-2.0-only
/*
 * Retries. The first one follows soon: most failures are short, such as a page
 * that is moved. The delay then doubles, so that one that lasts costs little.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "vhost_retry.h"

/* The delays of the first retry and of the later ones, in jiffies. */
#define DELAY_MIN	msecs_to_jiffies(10)
#define DELAY_MAX	msecs_to_jiffies(1000)

/*
 * Only queue the work. The work itself takes the queue's mutex, which a run may
 * hold for as long as its owner delays it: no thread of the workqueue may wait
 * for that.
 */
static void retry_fn(struct work_struct *timer)
{
	struct vha_retry *retry =
		container_of(timer, struct vha_retry, timer.work);

	vha_worker_queue(READ_ONCE(retry->worker), retry->work);
}

/**
 * vha_retry_init() - prepare a retry
 * @retry: the retry
 * @work: what to queue
 */
void vha_retry_init(struct vha_retry *retry, struct vha_work *work)
{
	INIT_DELAYED_WORK(&retry->timer, retry_fn);
	retry->work = work;
	retry->worker = NULL;
	retry->delay = DELAY_MIN;
	retry->failed = false;
}

/**
 * vha_retry_later() - queue the work again after a delay
 * @retry: the retry; the caller serializes all calls for it
 * @worker: runs the work
 *
 * If a retry is pending already, nothing changes. If the work is queued for
 * another reason meanwhile and fails too, the retry is not postponed.
 */
void vha_retry_later(struct vha_retry *retry, struct vha_worker *worker)
{
	retry->failed = true;
	if (delayed_work_pending(&retry->timer))
		return;
	/* The timer may still be running, but then for the same worker. */
	WRITE_ONCE(retry->worker, worker);
	schedule_delayed_work(&retry->timer, retry->delay);
	retry->delay = min(2 * retry->delay, DELAY_MAX);
}

/**
 * vha_retry_reset() - return to the shortest delay
 * @retry: the retry; one that is pending already may still queue the work
 */
void vha_retry_reset(struct vha_retry *retry)
{
	retry->delay = DELAY_MIN;
	retry->failed = false;
}

/**
 * vha_retry_stop() - cancel the retry, and forget that the work has failed
 * @retry: the retry
 *
 * When this returns, no retry is pending or running. The work may still be
 * queued.
 */
void vha_retry_stop(struct vha_retry *retry)
{
	cancel_delayed_work_sync(&retry->timer);
	vha_retry_reset(retry);
}

/**
 * vha_retry_move() - assign the work to another worker from now on
 * @retry: the retry
 * @worker: the worker, or NULL if the work is not to run again
 *
 * A pending retry is made at once.
 */
void vha_retry_move(struct vha_retry *retry, struct vha_worker *worker)
{
	if (cancel_delayed_work_sync(&retry->timer) && worker)
		vha_worker_queue(worker, retry->work);
}
