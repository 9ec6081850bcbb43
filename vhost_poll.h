/* SPDX-License-Identifier: GPL-2.0-only */
/* A poll: queues work when a file becomes ready. */
#ifndef VHOST_ALT_POLL_H
#define VHOST_ALT_POLL_H

#include <linux/poll.h>
#include <linux/wait.h>

#include "vhost_worker.h"

struct file;

/**
 * struct vha_poll - a watch on a file that queues work when it becomes ready
 * @table: the callback that vfs_poll() uses
 * @wait: entry in the file's wait queue
 * @wqh: that wait queue; NULL while stopped
 * @mask: the events of interest
 * @worker: runs @work; changes under the wait queue's lock while started
 * @work: the work
 * @events: counts the wake-ups; written under the wait queue's lock
 * @armed: cleared by a worker that checks the file anyway, so that it is not
 *	woken for what it is about to see
 */
struct vha_poll {
	poll_table table;
	wait_queue_entry_t wait;
	wait_queue_head_t *wqh;
	__poll_t mask;
	struct vha_worker *worker;
	struct vha_work *work;
	u64 *events;
	bool armed;
};

void vha_poll_init(struct vha_poll *poll, struct vha_work *work, __poll_t mask,
		   u64 *events);
int vha_poll_start(struct vha_poll *poll, struct vha_worker *worker,
		   struct file *file);
void vha_poll_stop(struct vha_poll *poll);
void vha_poll_resume(struct vha_poll *poll, struct vha_worker *worker,
		     wait_queue_head_t *wqh);
void vha_poll_move(struct vha_poll *poll, struct vha_worker *worker);

/*
 * Disable wake-ups. Test before writing: the per-packet path must not dirty the
 * line when the poll is disarmed already.
 */
static inline void vha_poll_disarm(struct vha_poll *poll)
{
	if (poll->armed)
		WRITE_ONCE(poll->armed, false);
}

/* Enable wake-ups. The caller checks the file once more afterwards. */
static inline void vha_poll_arm(struct vha_poll *poll)
{
	WRITE_ONCE(poll->armed, true);
	/*
	 * Set armed, then read the file. Pairs with poll_wakeup(). Litmus test:
	 * poll-arm.
	 */
	smp_mb();
}

#endif /* VHOST_ALT_POLL_H */
