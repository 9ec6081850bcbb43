/* SPDX-License-Identifier: GPL-2.0-only */
/* A timer: queues work after a delay. */
#ifndef VHOST_ALT_TIMER_H
#define VHOST_ALT_TIMER_H

#include <linux/hrtimer.h>

#include "vhost_worker.h"

/**
 * struct vha_timer - work that is to be queued after a delay
 * @timer: queues @work
 * @worker: runs @work; changes while @timer is neither pending nor running
 * @work: the work
 */
struct vha_timer {
	struct hrtimer timer;
	struct vha_worker *worker;
	struct vha_work *work;
};

void vha_timer_init(struct vha_timer *timer, struct vha_work *work);
bool vha_timer_precise(void);
void vha_timer_start(struct vha_timer *timer, struct vha_worker *worker,
		     u64 ns);
bool vha_timer_pending(struct vha_timer *timer);
void vha_timer_stop(struct vha_timer *timer);
void vha_timer_move(struct vha_timer *timer, struct vha_worker *worker);

#endif /* VHOST_ALT_TIMER_H */
