// SPDX-License-Identifier: GPL-2.0-only
/*
 * Retries. The first one follows soon: most failures are short, such as a page
 * that is moved. The delay then doubles, so that one that lasts costs little.
 */
#include <linux/minmax.h>
#include <linux/time64.h>

#include "vhost_retry.h"

/* The delays of the first retry and of the later ones, in milliseconds. */
#define DELAY_MIN	10U
#define DELAY_MAX	1000U

/**
 * vha_retry_init() - prepare a retry
 * @retry: the retry
 * @work: what to queue
 */
void vha_retry_init(struct vha_retry *retry, struct vha_work *work)
{
	vha_timer_init(&retry->timer, work);
	vha_retry_reset(retry);
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
	if (vha_timer_pending(&retry->timer))
		return;
	vha_timer_start(&retry->timer, worker, retry->delay * NSEC_PER_MSEC);
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
	vha_timer_stop(&retry->timer);
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
	vha_timer_move(&retry->timer, worker);
}
