/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Workers: the threads that move packets, the work that is queued on them, and
 * the polls that queue it when a file becomes ready.
 */
#ifndef VHOST_ALT_WORKER_H
#define VHOST_ALT_WORKER_H

#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/wait.h>

struct file;
struct mm_struct;
struct vha_worker;

/**
 * struct vha_work - something to be done by a worker
 * @node: its place in the worker's list, valid while queued
 * @fn: called by the worker, in the owner's address space; may sleep
 * @flags: bit 0 is set from queueing until just before @fn runs, so a work that
 *	is queued while it runs will run once more
 */
struct vha_work {
	struct llist_node node;
	void (*fn)(struct vha_work *work);
	unsigned long flags;
};

/**
 * struct vha_worker_usage - what a worker has done
 * @tid: its thread, in the initial pid namespace
 * @runs: times that it took up all the work that was queued
 * @runtime: nanoseconds of CPU time
 * @cpu: where it ran last
 */
struct vha_worker_usage {
	u32 tid;
	u64 runs;
	u64 runtime;
	u32 cpu;
};

/**
 * struct vha_poll - queues a work when a file becomes ready
 * @table: how vfs_poll() finds us
 * @wait: our entry in the file's wait queue
 * @wqh: that wait queue; NULL while stopped
 * @mask: the events of interest
 * @worker: who runs @work; while started it changes under the wait queue's lock
 * @work: what to queue
 * @events: counts what @work was queued for; written under the wait queue's lock
 * @armed: cleared by a worker that looks at the file anyway, so that it is not
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

struct vha_worker *vha_worker_create(struct mm_struct *mm, bool fork,
				     const char *what);
void vha_worker_destroy(struct vha_worker *worker);
void vha_worker_queue(struct vha_worker *worker, struct vha_work *work);
int vha_worker_run(struct vha_worker *worker, void (*fn)(void *data),
		   void *data);
void vha_worker_flush(struct vha_worker *worker);
void vha_worker_usage(const struct vha_worker *worker,
		      struct vha_worker_usage *usage);
bool vha_worker_busy(const struct vha_worker *worker);

void vha_work_init(struct vha_work *work,
		   void (*fn)(struct vha_work *work));

void vha_poll_init(struct vha_poll *poll, struct vha_work *work,
		   __poll_t mask, u64 *events);
int vha_poll_start(struct vha_poll *poll, struct vha_worker *worker,
		   struct file *file);
void vha_poll_stop(struct vha_poll *poll);
void vha_poll_reset_events(struct vha_poll *poll);
void vha_poll_move(struct vha_poll *poll, struct vha_worker *worker);

/* Stop being woken. Writes nothing on the way of a packet if it is so already. */
static inline void vha_poll_disarm(struct vha_poll *poll)
{
	if (poll->armed)
		WRITE_ONCE(poll->armed, false);
}

/* Be woken from now on. The caller looks at the file once more afterwards. */
static inline void vha_poll_arm(struct vha_poll *poll)
{
	WRITE_ONCE(poll->armed, true);
	/* Pairs with the one in poll_wakeup(): set armed, then read the file. */
	smp_mb();
}

#endif /* VHOST_ALT_WORKER_H */
