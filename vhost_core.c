// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: its owner, his workers, the maps of guest memory, and the features.
 * uapi/vhost_alt.h documents each command.
 */

#include <linux/eventfd.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "trace.h"
#include "vhost_core.h"
#include "vhost_msg.h"
#include "vring.h"

/*
 * QEMU asks vhost.ko's parameter of this name and takes 64 if it is not
 * loaded; 509 is what it uses where hotplugged memory needs more.
 */
static ushort max_mem_regions = 509;
module_param(max_mem_regions, ushort, 0444);
MODULE_PARM_DESC(max_mem_regions,
		 "Most regions that a memory table may have (default 509)");

/*
 * What two rings need at once: the pages of their areas and of the longest chain.
 * With less, entries would push each other out for ever.
 */
#define MIN_IOTLB_ENTRIES	(2 * (VHA_RING_MAX_HELD + 256))

static uint max_iotlb_entries = 4096;
module_param(max_iotlb_entries, uint, 0444);
MODULE_PARM_DESC(max_iotlb_entries,
		 "Most entries of a device IOTLB, at least 2560 (default 4096)");

/* Kernel threads are not counted against the owner's limit of processes. */
#define MAX_WORKERS		64

/**
 * vha_dev_init() - prepare a device without an owner
 * @dev: the device
 * @queues: its queues, each prepared by vha_queue_init()
 * @nqueues: how many
 */
void vha_dev_init(struct vha_dev *dev, struct vha_queue **queues,
		  unsigned int nqueues)
{
	unsigned int i;

	mutex_init(&dev->mutex);
	dev->mm = NULL;
	dev->fork = true;
	xa_init_flags(&dev->workers, XA_FLAGS_ALLOC);
	dev->backend_features = 0;
	dev->memory = NULL;
	dev->iotlb = NULL;
	dev->log_ctx = NULL;
	spin_lock_init(&dev->miss_lock);
	init_waitqueue_head(&dev->miss_wait);
	dev->queues = queues;
	dev->nqueues = nqueues;
	for (i = 0; i < nqueues; i++) {
		queues[i]->dev = dev;
		queues[i]->index = i;
	}
}

/**
 * vha_dev_cleanup() - undo vha_dev_init()
 * @dev: the device, without an owner: vha_dev_reset_owner() has been called
 */
void vha_dev_cleanup(struct vha_dev *dev)
{
	vha_iotlb_free(dev->memory);
	xa_destroy(&dev->workers);
	mutex_destroy(&dev->mutex);
}

/**
 * vha_dev_lock_queues() - have no queue's worker look at anything
 * @dev: the device, with its mutex held
 */
void vha_dev_lock_queues(struct vha_dev *dev)
{
	unsigned int i;

	lockdep_assert_held(&dev->mutex);
	for (i = 0; i < dev->nqueues; i++)
		mutex_lock_nested(&dev->queues[i]->mutex, i);
}

/**
 * vha_dev_unlock_queues() - undo vha_dev_lock_queues()
 * @dev: the device
 */
void vha_dev_unlock_queues(struct vha_dev *dev)
{
	unsigned int i = dev->nqueues;

	while (i--)
		mutex_unlock(&dev->queues[i]->mutex);
}

/* ---- workers ---- */

static struct vha_worker *add_worker(struct vha_dev *dev,
				     const char *what, u32 *id)
{
	struct vha_worker *worker;
	int err;

	worker = vha_worker_create(dev->mm, dev->fork, what);
	if (IS_ERR(worker))
		return worker;
	err = xa_alloc(&dev->workers, id, worker,
		       XA_LIMIT(0, MAX_WORKERS - 1), GFP_KERNEL_ACCOUNT);
	if (err) {
		vha_worker_destroy(worker);
		return ERR_PTR(err == -EBUSY ? -ENOSPC : err);
	}
	return worker;
}

static void destroy_workers(struct vha_dev *dev)
{
	struct vha_worker *worker;
	unsigned long id;

	xa_for_each(&dev->workers, id, worker) {
		xa_erase(&dev->workers, id);
		vha_worker_destroy(worker);
	}
}

static void assign_worker(struct vha_queue *q, struct vha_worker *worker)
{
	mutex_lock(&q->mutex);
	vha_queue_move(q, worker);
	mutex_unlock(&q->mutex);
}

/* The owner's first workers: one for all queues, or one for each. */
static int add_first_workers(struct vha_dev *dev, bool worker_each)
{
	struct vha_worker *worker = NULL;
	unsigned int i;
	u32 id;

	for (i = 0; i < dev->nqueues; i++) {
		if (worker_each || !worker)
			worker = add_worker(dev, worker_each ?
						 dev->queues[i]->name : NULL,
					    &id);
		if (IS_ERR(worker))
			return PTR_ERR(worker);
		assign_worker(dev->queues[i], worker);
	}
	return 0;
}

static long new_worker(struct vha_dev *dev,
		       struct vhost_worker_state __user *argp)
{
	struct vhost_worker_state state;
	struct vha_worker *worker;

	worker = add_worker(dev, NULL, &state.worker_id);
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	if (copy_to_user(argp, &state, sizeof(state))) {
		xa_erase(&dev->workers, state.worker_id);
		vha_worker_destroy(worker);
		return -EFAULT;
	}
	return 0;
}

static long free_worker(struct vha_dev *dev,
			struct vhost_worker_state __user *argp)
{
	struct vhost_worker_state state;
	struct vha_worker *worker;
	unsigned int i;

	if (copy_from_user(&state, argp, sizeof(state)))
		return -EFAULT;
	worker = xa_load(&dev->workers, state.worker_id);
	if (!worker)
		return -ENODEV;
	for (i = 0; i < dev->nqueues; i++) {
		if (dev->queues[i]->worker == worker)
			return -EBUSY;
	}
	xa_erase(&dev->workers, state.worker_id);
	vha_worker_destroy(worker);
	return 0;
}

static long attach_worker(struct vha_dev *dev, struct vha_queue *q,
			  struct vhost_vring_worker __user *argp)
{
	struct vha_worker *worker, *old = q->worker;
	struct vhost_vring_worker state;

	if (copy_from_user(&state, argp, sizeof(state)))
		return -EFAULT;
	worker = xa_load(&dev->workers, state.worker_id);
	if (!worker)
		return -ENODEV;
	if (worker == old)
		return 0;
	assign_worker(q, worker);
	/* From now on the former one may go. */
	vha_worker_flush(old);
	/* If it is dead, it has left its work undone. */
	mutex_lock(&q->mutex);
	vha_queue_wake(q);
	mutex_unlock(&q->mutex);
	return 0;
}

static long get_worker(struct vha_dev *dev, struct vha_queue *q,
		       struct vhost_vring_worker __user *argp)
{
	struct vhost_vring_worker state = { .index = q->index };
	struct vha_worker *worker;
	unsigned long id;

	xa_for_each(&dev->workers, id, worker) {
		if (worker == q->worker)
			state.worker_id = id;
	}
	return copy_to_user(argp, &state, sizeof(state)) ? -EFAULT : 0;
}

/* ---- the owner ---- */

/**
 * vha_dev_check_owner() - may the current process command the device?
 * @dev: the device, with its mutex held
 *
 * Return: 0 or -EPERM.
 */
long vha_dev_check_owner(struct vha_dev *dev)
{
	lockdep_assert_held(&dev->mutex);
	return dev->mm && dev->mm == current->mm ? 0 : -EPERM;
}

static void forget_owner(struct vha_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		assign_worker(dev->queues[i], NULL);
	destroy_workers(dev);
	mmput(dev->mm);
	dev->mm = NULL;
}

/**
 * vha_dev_set_owner() - make the current process the owner
 * @dev: the device, with its mutex held
 * @worker_each: make a worker for each queue, not one for all
 *
 * Return: 0; -EBUSY if there is one; -EPERM for a process without memory of its
 * own; -ENOMEM; another error for which a worker could not be made.
 */
long vha_dev_set_owner(struct vha_dev *dev, bool worker_each)
{
	int err;

	lockdep_assert_held(&dev->mutex);
	if (dev->mm)
		return -EBUSY;

	dev->mm = get_task_mm(current);
	if (!dev->mm)
		return -EPERM;
	dev->pid = task_tgid_nr(current);
	get_task_comm(dev->comm, current->group_leader);
	err = add_first_workers(dev, worker_each);
	if (err) {
		forget_owner(dev);
		dev->pid = 0;
		return err;
	}
	trace_vhost_alt_owner(dev);
	return 0;
}

/**
 * vha_dev_reset_owner() - forget the owner and all that he has set up
 * @dev: the device; its mutex is held. No queue is running.
 * @memory: the memory table from now on, or NULL for none; becomes the device's
 *
 * Who could still queue work are the kicks: they are stopped first. Then the
 * workers go, and with them the last users of the maps and of the owner's memory.
 */
void vha_dev_reset_owner(struct vha_dev *dev, struct vha_iotlb *memory)
{
	struct vha_queue *q;
	unsigned int i;

	lockdep_assert_held(&dev->mutex);
	for (i = 0; i < dev->nqueues; i++) {
		q = dev->queues[i];
		mutex_lock(&q->mutex);
		vha_poll_stop(&q->kick_poll);
		mutex_unlock(&q->mutex);
	}
	if (dev->mm)
		forget_owner(dev);

	vha_dev_lock_queues(dev);
	for (i = 0; i < dev->nqueues; i++) {
		vha_queue_reset(dev->queues[i]);
		dev->queues[i]->memory = memory;
	}
	vha_dev_unlock_queues(dev);

	vha_iotlb_free(dev->memory);
	dev->memory = memory;
	vha_iotlb_free(dev->iotlb);
	WRITE_ONCE(dev->iotlb, NULL);
	vha_msg_clear_misses(dev);
	if (dev->log_ctx)
		eventfd_ctx_put(dev->log_ctx);
	dev->log_ctx = NULL;
	dev->backend_features = 0;
	dev->fork = true;
}

static long set_fork(struct vha_dev *dev, u8 __user *argp)
{
	u8 fork;

	if (dev->mm)
		return -EBUSY;
	if (get_user(fork, argp))
		return -EFAULT;
	if (fork != VHOST_FORK_OWNER_TASK && fork != VHOST_FORK_OWNER_KTHREAD)
		return -EINVAL;
	dev->fork = fork == VHOST_FORK_OWNER_TASK;
	return 0;
}

static long get_fork(struct vha_dev *dev, u8 __user *argp)
{
	u8 fork = dev->fork ? VHOST_FORK_OWNER_TASK : VHOST_FORK_OWNER_KTHREAD;

	return put_user(fork, argp);
}

/* ---- maps and log ---- */

/* Is there a running queue that could not go on with this memory table? */
static bool memory_ok(struct vha_dev *dev, const struct vha_iotlb *memory,
		      bool log_all)
{
	unsigned int i;
	bool ok = true;

	vha_dev_lock_queues(dev);
	for (i = 0; i < dev->nqueues; i++)
		ok &= vha_queue_memory_ok(dev->queues[i], memory, log_all);
	vha_dev_unlock_queues(dev);
	return ok;
}

static void use_memory(struct vha_dev *dev, struct vha_iotlb *memory)
{
	unsigned int i;

	vha_dev_lock_queues(dev);
	swap(dev->memory, memory);
	for (i = 0; i < dev->nqueues; i++)
		vha_queue_set_maps(dev->queues[i], dev->memory, dev->iotlb);
	vha_dev_unlock_queues(dev);
	vha_iotlb_free(memory);
}

static long set_mem_table(struct vha_dev *dev,
			  struct vhost_memory __user *argp)
{
	struct vhost_memory_region *regions;
	struct vhost_memory table;
	struct vha_iotlb *memory;

	if (copy_from_user(&table, argp, sizeof(table)))
		return -EFAULT;
	if (table.padding)
		return -EOPNOTSUPP;
	if (table.nregions > max_mem_regions)
		return -E2BIG;

	regions = vmemdup_user(argp->regions,
			       array_size(table.nregions, sizeof(*regions)));
	if (IS_ERR(regions))
		return PTR_ERR(regions);
	memory = vha_iotlb_create(regions, table.nregions);
	kvfree(regions);
	if (IS_ERR(memory))
		return PTR_ERR(memory);

	if (!memory_ok(dev, memory, false)) {
		vha_iotlb_free(memory);
		return -EFAULT;
	}
	use_memory(dev, memory);
	trace_vhost_alt_memory(dev);
	return 0;
}

static long set_log_base(struct vha_dev *dev, u64 __user *argp)
{
	struct vha_queue *q;
	unsigned int i;
	bool ok = true;
	u64 base;

	if (copy_from_user(&base, argp, sizeof(base)))
		return -EFAULT;

	vha_dev_lock_queues(dev);
	for (i = 0; i < dev->nqueues; i++) {
		q = dev->queues[i];
		ok &= !q->running || vha_queue_log_ok(q, u64_to_user_ptr(base));
	}
	for (i = 0; ok && i < dev->nqueues; i++)
		dev->queues[i]->log.base = u64_to_user_ptr(base);
	vha_dev_unlock_queues(dev);
	return ok ? 0 : -EFAULT;
}

static long set_log_fd(struct vha_dev *dev, int __user *argp)
{
	struct eventfd_ctx *ctx = NULL;
	unsigned int i;
	int fd;

	if (get_user(fd, argp))
		return -EFAULT;
	if (fd != VHOST_FILE_UNBIND)
		ctx = eventfd_ctx_fdget(fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);

	vha_dev_lock_queues(dev);
	swap(dev->log_ctx, ctx);
	for (i = 0; i < dev->nqueues; i++)
		dev->queues[i]->log.ctx = dev->log_ctx;
	vha_dev_unlock_queues(dev);
	if (ctx)
		eventfd_ctx_put(ctx);
	return 0;
}

/**
 * vha_dev_set_features() - the features that the driver accepted
 * @dev: the device, with its mutex held
 * @features: only those that are offered, VHA_FEATURE_WORDS words
 *
 * Each time that VIRTIO_F_ACCESS_PLATFORM is among them the device IOTLB begins
 * empty, for what it knew may be of a guest that is no more.
 *
 * Return: 0, or -EFAULT: VHOST_F_LOG_ALL, and a log that no process can have, or
 * no memory for the IOTLB.
 */
long vha_dev_set_features(struct vha_dev *dev, const u64 *features)
{
	struct vha_iotlb *iotlb = NULL, *old = dev->iotlb;
	unsigned int i;

	lockdep_assert_held(&dev->mutex);
	if (features[0] & BIT_ULL(VHOST_F_LOG_ALL) &&
	    !memory_ok(dev, dev->memory, true))
		return -EFAULT;
	if (features[0] & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM)) {
		iotlb = vha_iotlb_alloc(max_t(unsigned int, max_iotlb_entries,
					      MIN_IOTLB_ENTRIES));
		if (!iotlb)
			return -EFAULT;
	}

	vha_dev_lock_queues(dev);
	WRITE_ONCE(dev->iotlb, iotlb);
	for (i = 0; i < dev->nqueues; i++) {
		memcpy(dev->queues[i]->features, features,
		       sizeof(dev->queues[i]->features));
		vha_queue_set_maps(dev->queues[i], dev->memory, dev->iotlb);
		/* What it waited for may not be asked for again. */
		if (dev->queues[i]->running)
			vha_queue_wake(dev->queues[i]);
	}
	/* Before a worker can note a miss of the new one. */
	vha_msg_clear_misses(dev);
	vha_dev_unlock_queues(dev);
	vha_iotlb_free(old);
	trace_vhost_alt_features(dev, features);
	return 0;
}

/* ---- commands ---- */

/* Those for which the device need not belong to the caller. */
static long unowned_ioctl(struct vha_dev *dev, unsigned int cmd,
			  void __user *argp)
{
	switch (cmd) {
	case VHOST_SET_FORK_FROM_OWNER:
		return set_fork(dev, argp);
	case VHOST_GET_FORK_FROM_OWNER:
		return get_fork(dev, argp);
	case VHOST_NEW_WORKER:
	case VHOST_FREE_WORKER:
	case VHOST_ATTACH_VRING_WORKER:
	case VHOST_GET_VRING_WORKER:
		/* Their own error for this, before that of a stranger. */
		return dev->mm ? -ENOIOCTLCMD : -EINVAL;
	default:
		return -ENOIOCTLCMD;
	}
}

static long owner_ioctl(struct vha_dev *dev, unsigned int cmd,
			void __user *argp)
{
	switch (cmd) {
	case VHOST_SET_MEM_TABLE:
		return set_mem_table(dev, argp);
	case VHOST_SET_LOG_BASE:
		return set_log_base(dev, argp);
	case VHOST_SET_LOG_FD:
		return set_log_fd(dev, argp);
	case VHOST_NEW_WORKER:
		return new_worker(dev, argp);
	case VHOST_FREE_WORKER:
		return free_worker(dev, argp);
	default:
		return -ENOIOCTLCMD;
	}
}

static long queue_ioctl(struct vha_dev *dev, unsigned int cmd,
			void __user *argp)
{
	u32 __user *indexp = argp;
	struct vha_queue *q;
	u32 index;

	if (get_user(index, indexp))
		return -EFAULT;
	if (index >= dev->nqueues)
		return -ENOBUFS;
	q = dev->queues[array_index_nospec(index, dev->nqueues)];

	switch (cmd) {
	case VHOST_ATTACH_VRING_WORKER:
		return attach_worker(dev, q, argp);
	case VHOST_GET_VRING_WORKER:
		return get_worker(dev, q, argp);
	default:
		return vha_queue_ioctl(q, cmd, argp);
	}
}

/**
 * vha_dev_ioctl() - carry out a command
 * @dev: the device, with its mutex held
 * @cmd: the command
 * @argp: its argument
 *
 * A command that is not known here is taken for one of a queue, and so fails
 * first for a bad index, like the in-tree module's.
 *
 * Return: 0 or an error of the command; -ENOIOCTLCMD for an unknown one.
 */
long vha_dev_ioctl(struct vha_dev *dev, unsigned int cmd,
		   void __user *argp)
{
	long err;

	err = unowned_ioctl(dev, cmd, argp);
	if (err != -ENOIOCTLCMD)
		return err;
	err = vha_dev_check_owner(dev);
	if (err)
		return err;
	err = owner_ioctl(dev, cmd, argp);
	if (err != -ENOIOCTLCMD)
		return err;
	return queue_ioctl(dev, cmd, argp);
}

/**
 * vha_dev_show() - print what the device and its queues have done
 * @dev: the device
 * @m: where to: the file's fdinfo
 */
void vha_dev_show(struct vha_dev *dev, struct seq_file *m)
{
	char name[16];
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		snprintf(name, sizeof(name), "queue%u", i);
		vha_stats_show(m, name, &dev->queues[i]->stats);
	}
}
