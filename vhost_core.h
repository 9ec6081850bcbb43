/* SPDX-License-Identifier: GPL-2.0-only */
/* The device of an open file. Nothing here knows about networking. */
#ifndef VHOST_ALT_CORE_H
#define VHOST_ALT_CORE_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "vhost_queue.h"

struct net;
struct pid;
struct seq_file;
struct vha_dev;

/**
 * struct vha_step - a step of dividing the queues among workers
 * @work: the step
 * @retry: queues @work again if the device's mutex was held
 * @worker: runs @work; NULL while there is none, and once it is to be
 *	destroyed; protected by the device's show_lock
 */
struct vha_step {
	struct vha_work work;
	struct vha_retry retry;
	struct vha_worker *worker;
};

/**
 * struct vha_sharing - how the queues share workers at the request of others
 * @first: steps in the owner's first worker
 * @second: steps in the worker that serves the other queues, if they do not
 *	share the first one
 * @wanted: number of workers that was last requested: 1, or the number of
 *	queues; 0: none. Protected by the device's show_lock.
 * @managed: the owner divides the queues by itself; protected by the device's
 *	mutex, and its show_lock against observers; so is @made
 * @made: the worker of @second was created by request
 * @moved: queues have been moved, and this is not reported yet; protected by
 *	the device's mutex
 * @report: tells listeners of a change (0), or of a negative errno; constant
 */
struct vha_sharing {
	struct vha_step first;
	struct vha_step second;
	unsigned int wanted;
	bool managed;
	bool made;
	bool moved;
	void (*report)(struct vha_dev *dev, int err);
};

/**
 * struct vha_dev - a vhost device, of whatever kind
 * @mutex: serializes the commands; protects what follows up to @nqueues, except
 *	@misses, which have a lock of their own
 * @id: the device's number in the list of devices; constant
 * @mm: the owner's address space, with a reference to its users; NULL without
 *	an owner
 * @fork: workers are to be threads of the owner
 * @backend_features: VHOST_BACKEND_F_*, as the owner accepted them
 * @log_ctx: signalled when the dirty log is written, or NULL
 * @misses: the queues' IOTLB misses
 * @queues: the queues; constant
 * @nqueues: their number
 * @sharing: how the queues share workers
 * @show_lock: protects @pid to @iotlb against observers, which hold nothing
 *	else; they change under @mutex as well. Of the changes to @workers, only
 *	the removal of a worker needs it.
 * @pid: the last owner, or NULL
 * @comm: the last owner's name
 * @workers: the owner's workers by their ids; set together with @mm
 * @memory: the memory table, or NULL before it is set
 * @iotlb: the device IOTLB, or NULL without one; replaced and modified under
 *	the mutexes of all queues as well
 * @net: the network namespace in which the device was opened, or NULL once that
 *	is gone; not a reference; protected by the lock of the list of devices
 * @hidden: true once requests no longer find the device; protected like @net
 * @refs: references: one per netlink request in progress, one while the device
 *	is listed
 * @unused: completed when @refs drops to 0
 */
struct vha_dev {
	struct mutex mutex; /* serializes the commands */
	u32 id;
	struct mm_struct *mm;
	bool fork;
	u64 backend_features;
	struct eventfd_ctx *log_ctx;
	struct vha_misses misses;
	struct vha_queue **queues;
	unsigned int nqueues;
	struct vha_sharing sharing;

	spinlock_t show_lock; /* what observers see */
	struct pid *pid;
	char comm[TASK_COMM_LEN];
	struct xarray workers;
	struct vha_iotlb *memory;
	struct vha_iotlb *iotlb;

	struct net *net;
	bool hidden;
	refcount_t refs;
	struct completion unused;
};

void vha_dev_init(struct vha_dev *dev, struct vha_queue **queues,
		  unsigned int nqueues);
void vha_dev_cleanup(struct vha_dev *dev);
void vha_dev_set_id(struct vha_dev *dev, u32 id);
struct vha_worker *vha_dev_add_sibling(struct vha_dev *dev);
struct vha_worker *vha_dev_take_second(struct vha_dev *dev);
void vha_dev_lock_queues(struct vha_dev *dev);
void vha_dev_unlock_queues(struct vha_dev *dev);
long vha_dev_set_owner(struct vha_dev *dev, bool worker_each);
long vha_dev_check_owner(struct vha_dev *dev);
void vha_dev_reset_owner(struct vha_dev *dev, struct vha_iotlb *memory);
void vha_dev_forget_pid(struct vha_dev *dev);
long vha_dev_set_features(struct vha_dev *dev, const u64 *features);
long vha_dev_ioctl(struct vha_dev *dev, unsigned int cmd, void __user *argp);
void vha_dev_show(struct vha_dev *dev, struct seq_file *m);

#endif /* VHOST_ALT_CORE_H */
