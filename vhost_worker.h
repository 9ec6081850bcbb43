/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Workers: the threads that move packets, and the work that is queued on them.
 */
#ifndef VHOST_ALT_WORKER_H
#define VHOST_ALT_WORKER_H

#include <linux/llist.h>
#include <linux/types.h>

struct mm_struct;
struct pid_namespace;
struct vha_worker;

/**
 * struct vha_work - a unit of work for a worker
 * @node: entry in the worker's list, valid while queued
 * @fn: called by the worker, in the owner's address space; may sleep
 * @flags: bit 0 is set from queueing until just before @fn runs, so work that
 *	is queued while it runs will run once more
 */
struct vha_work {
	struct llist_node node;
	void (*fn)(struct vha_work *work);
	unsigned long flags;
};

/**
 * struct vha_worker_usage - what a worker has done
 * @tid: its thread, in the pid namespace of the reader; 0 if that does not see
 *	it, or if it has not begun to run
 * @runs: number of times that it processed all the work queued
 * @runtime: nanoseconds of CPU time
 * @cpu: the CPU on which it last ran
 */
struct vha_worker_usage {
	u32 tid;
	u64 runs;
	u64 runtime;
	u32 cpu;
};

struct vha_worker *vha_worker_create(struct mm_struct *mm, bool fork,
				     const char *purpose);
struct vha_worker *vha_worker_create_sibling(struct vha_worker *worker,
					     const char *purpose);
void vha_worker_destroy(struct vha_worker *worker);
void vha_worker_queue(struct vha_worker *worker, struct vha_work *work);
bool vha_worker_cancel(struct vha_worker *worker, struct vha_work *work);
int vha_worker_run(struct vha_worker *worker, void (*fn)(void *data),
		   void *data);
void vha_worker_flush(struct vha_worker *worker);
bool vha_worker_killed(const struct vha_worker *worker);
bool vha_worker_busy(const struct vha_worker *worker);
void vha_worker_usage(struct vha_worker *worker, struct pid_namespace *ns,
		      struct vha_worker_usage *usage);

void vha_work_init(struct vha_work *work, void (*fn)(struct vha_work *work));
bool vha_work_queued(const struct vha_work *work);

#endif /* VHOST_ALT_WORKER_H */
