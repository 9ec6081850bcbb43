/* SPDX-License-Identifier: GPL-2.0-only */
/* The device behind an open file, as far as it has nothing to do with networking. */
#ifndef VHOST_ALT_CORE_H
#define VHOST_ALT_CORE_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "vhost_queue.h"

struct net;
struct seq_file;

/**
 * struct vha_dev - what every vhost device has
 * @mutex: serializes the commands; protects all that follows
 * @id: by which others know the device; constant like @net
 * @net: the network namespace in which it was opened, with a reference
 * @watchers: who looks at the device: itself while it is in the list of all
 * @unwatched: nobody does any more
 * @pid: the owner's, in the initial pid namespace, or 0; after a close still
 *	there, to tell whose the device was
 * @comm: the owner's
 * @mm: the owner's address space, with a reference to its users; NULL without
 *	an owner
 * @fork: workers are to be threads of the owner
 * @workers: the owner's workers by their ids; set together with @mm
 * @backend_features: VHOST_BACKEND_F_*, as the owner accepted them
 * @memory: the memory table, or NULL before it is set
 * @iotlb: the device IOTLB, or NULL without one; changes, and is changed, under
 *	all queues' mutexes as well
 * @log_ctx: signalled when the dirty log is written, or NULL
 * @miss_lock: protects the queues' misses
 * @miss_wait: who waits for a miss to read
 * @queues: the queues
 * @nqueues: how many
 */
struct vha_dev {
	struct mutex mutex; /* serializes the commands */
	u32 id;
	struct net *net;
	refcount_t watchers;
	struct completion unwatched;
	u32 pid;
	char comm[TASK_COMM_LEN];
	struct mm_struct *mm;
	bool fork;
	struct xarray workers;
	u64 backend_features;
	struct vha_iotlb *memory;
	struct vha_iotlb *iotlb;
	struct eventfd_ctx *log_ctx;
	spinlock_t miss_lock; /* the queues' misses */
	wait_queue_head_t miss_wait;
	struct vha_queue **queues;
	unsigned int nqueues;
};

void vha_dev_init(struct vha_dev *dev, struct vha_queue **queues,
		  unsigned int nqueues);
void vha_dev_cleanup(struct vha_dev *dev);
void vha_dev_lock_queues(struct vha_dev *dev);
void vha_dev_unlock_queues(struct vha_dev *dev);
long vha_dev_set_owner(struct vha_dev *dev, bool worker_each);
long vha_dev_check_owner(struct vha_dev *dev);
void vha_dev_reset_owner(struct vha_dev *dev, struct vha_iotlb *memory);
long vha_dev_set_features(struct vha_dev *dev, const u64 *features);
long vha_dev_ioctl(struct vha_dev *dev, unsigned int cmd,
		   void __user *argp);
void vha_dev_show(struct vha_dev *dev, struct seq_file *m);

#endif /* VHOST_ALT_CORE_H */
