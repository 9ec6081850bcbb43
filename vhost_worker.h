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
struct vhost_worker;

/**
 * struct vhost_work - something to be done by a worker
 * @node: its place in the worker's list, valid while queued
 * @fn: called by the worker, in the owner's address space; may sleep
 * @flags: bit 0 is set from queueing until just before @fn runs, so a work that
 *	is queued while it runs will run once more
 */
struct vhost_work {
	struct llist_node node;
	void (*fn)(struct vhost_work *work);
	unsigned long flags;
};

/**
 * struct vhost_worker_usage - what a worker has done
 * @tid: its thread, in the initial pid namespace
 * @runs: times that it took up all the work that was queued
 * @runtime: nanoseconds of CPU time
 * @cpu: where it ran last
 */
struct vhost_worker_usage {
	u32 tid;
	u64 runs;
	u64 runtime;
	u32 cpu;
};

/**
 * struct vhost_poll - queues a work when a file becomes ready
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
struct vhost_poll {
	poll_table table;
	wait_queue_entry_t wait;
	wait_queue_head_t *wqh;
	__poll_t mask;
	struct vhost_worker *worker;
	struct vhost_work *work;
	u64 *events;
	bool armed;
};

struct vhost_worker *vhost_worker_create(struct mm_struct *mm, bool fork,
					 const char *what);
void vhost_worker_destroy(struct vhost_worker *worker);
void vhost_worker_queue(struct vhost_worker *worker, struct vhost_work *work);
int vhost_worker_run(struct vhost_worker *worker, void (*fn)(void *data),
		     void *data);
void vhost_worker_flush(struct vhost_worker *worker);
void vhost_worker_usage(const struct vhost_worker *worker,
			struct vhost_worker_usage *usage);
bool vhost_worker_busy(const struct vhost_worker *worker);

void vhost_work_init(struct vhost_work *work,
		     void (*fn)(struct vhost_work *work));

void vhost_poll_init(struct vhost_poll *poll, struct vhost_work *work,
		     __poll_t mask, u64 *events);
int vhost_poll_start(struct vhost_poll *poll, struct vhost_worker *worker,
		     struct file *file);
void vhost_poll_stop(struct vhost_poll *poll);
void vhost_poll_reset_events(struct vhost_poll *poll);
void vhost_poll_move(struct vhost_poll *poll, struct vhost_worker *worker);

/* Stop being woken. Writes nothing on the way of a packet if it is so already. */
static inline void vhost_poll_disarm(struct vhost_poll *poll)
{
	if (poll->armed)
		WRITE_ONCE(poll->armed, false);
}

/* Be woken from now on. The caller looks at the file once more afterwards. */
static inline void vhost_poll_arm(struct vhost_poll *poll)
{
	WRITE_ONCE(poll->armed, true);
	/* Pairs with the one in poll_wakeup(): set armed, then read the file. */
	smp_mb();
}

#endif /* VHOST_ALT_WORKER_H */
