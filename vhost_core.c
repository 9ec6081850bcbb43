// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: its owner, its memory table, and the commands that set up its
 * queues. uapi/vhost_alt.h documents each command.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "vhost_core.h"
#include "vring.h"

/*
 * QEMU asks vhost.ko's parameter of this name and takes 64 if it is not
 * loaded; 509 is what it uses where hotplugged memory needs more.
 */
static ushort max_mem_regions = 509;
module_param(max_mem_regions, ushort, 0444);
MODULE_PARM_DESC(max_mem_regions,
		 "Most regions that a memory table may have (default 509)");

/* What an owner has set up, as it is before he has. */
static void queue_reset(struct vhost_queue *q)
{
	lockdep_assert_held(&q->mutex);

	if (q->kick)
		fput(q->kick);
	if (q->call)
		eventfd_ctx_put(q->call);
	if (q->err)
		eventfd_ctx_put(q->err);
	q->kick = NULL;
	q->call = NULL;
	q->err = NULL;
	q->worker = NULL;
	q->iotlb = NULL;
	q->hint = NULL;
	q->features = 0;
	q->is_le = virtio_legacy_is_little_endian();
	q->ops = &vring_split_ops;
	/* One entry, so that the masks and sizes made of it are sound. */
	q->num = 1;
	q->desc = NULL;
	q->avail = NULL;
	q->used = NULL;
	q->last_avail = 0;
	q->avail_idx = 0;
	q->last_used = 0;
	memset(&q->stats, 0, sizeof(q->stats));
}

/**
 * vhost_queue_init() - prepare a queue
 * @q: the queue, zeroed
 * @fn: serves it
 */
void vhost_queue_init(struct vhost_queue *q, void (*fn)(struct vhost_work *))
{
	mutex_init(&q->mutex);
	vhost_work_init(&q->work, fn);
	vhost_poll_init(&q->kick_poll, &q->work, EPOLLIN);
}

/**
 * vhost_dev_init() - prepare a device without an owner
 * @dev: the device
 * @queues: its queues, each prepared by vhost_queue_init()
 * @nqueues: how many
 *
 * Return: 0 or -ENOMEM.
 */
int vhost_dev_init(struct vhost_dev *dev, struct vhost_queue **queues,
		   unsigned int nqueues)
{
	unsigned int i;

	for (i = 0; i < nqueues; i++) {
		queues[i]->batch = kvzalloc(sizeof(*queues[i]->batch),
					    GFP_KERNEL_ACCOUNT);
		if (!queues[i]->batch)
			goto free_batches;
	}

	mutex_init(&dev->mutex);
	dev->mm = NULL;
	dev->worker = NULL;
	dev->iotlb = NULL;
	dev->queues = queues;
	dev->nqueues = nqueues;
	for (i = 0; i < nqueues; i++) {
		queues[i]->dev = dev;
		queues[i]->index = i;
		mutex_lock(&queues[i]->mutex);
		queue_reset(queues[i]);
		mutex_unlock(&queues[i]->mutex);
	}
	return 0;

free_batches:
	while (i--)
		kvfree(queues[i]->batch);
	return -ENOMEM;
}

/**
 * vhost_dev_cleanup() - undo vhost_dev_init()
 * @dev: the device, without an owner: vhost_dev_reset_owner() has been called
 */
void vhost_dev_cleanup(struct vhost_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		kvfree(dev->queues[i]->batch);
		mutex_destroy(&dev->queues[i]->mutex);
	}
	mutex_destroy(&dev->mutex);
}

/**
 * vhost_dev_flush() - wait until the queues' work that is queued has run
 * @dev: the device, with its mutex held, and no queue's
 */
void vhost_dev_flush(struct vhost_dev *dev)
{
	lockdep_assert_held(&dev->mutex);
	vhost_worker_flush(dev->worker);
}

/**
 * vhost_dev_check_owner() - may the current process command the device?
 * @dev: the device, with its mutex held
 *
 * Return: 0 or -EPERM.
 */
long vhost_dev_check_owner(struct vhost_dev *dev)
{
	lockdep_assert_held(&dev->mutex);
	return dev->mm && dev->mm == current->mm ? 0 : -EPERM;
}

/**
 * vhost_dev_set_owner() - make the current process the owner
 * @dev: the device, with its mutex held
 *
 * Return: 0, -EBUSY if there is one, -ENOMEM.
 */
long vhost_dev_set_owner(struct vhost_dev *dev)
{
	struct vhost_worker *worker;
	struct mm_struct *mm;
	unsigned int i;

	lockdep_assert_held(&dev->mutex);
	if (dev->mm)
		return -EBUSY;

	mm = get_task_mm(current);
	if (!mm)
		return -EPERM;
	worker = vhost_worker_create(mm);
	if (IS_ERR(worker)) {
		mmput(mm);
		return -ENOMEM;
	}

	dev->mm = mm;
	dev->worker = worker;
	for (i = 0; i < dev->nqueues; i++) {
		mutex_lock(&dev->queues[i]->mutex);
		dev->queues[i]->worker = worker;
		mutex_unlock(&dev->queues[i]->mutex);
	}
	return 0;
}

/**
 * vhost_dev_reset_owner() - forget the owner and all that he has set up
 * @dev: the device; its mutex is held, or nobody else knows it any more. No
 *	queue is running.
 *
 * Who could still queue work are the kicks: they are stopped first. Then the
 * worker goes, and with it the last user of the map and of the owner's memory.
 */
void vhost_dev_reset_owner(struct vhost_dev *dev)
{
	struct vhost_queue *q;
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		q = dev->queues[i];
		mutex_lock(&q->mutex);
		vhost_poll_stop(&q->kick_poll);
		mutex_unlock(&q->mutex);
	}
	vhost_worker_destroy(dev->worker);
	dev->worker = NULL;

	for (i = 0; i < dev->nqueues; i++) {
		q = dev->queues[i];
		mutex_lock(&q->mutex);
		queue_reset(q);
		mutex_unlock(&q->mutex);
	}
	vhost_iotlb_free(dev->iotlb);
	dev->iotlb = NULL;
	if (dev->mm)
		mmput(dev->mm);
	dev->mm = NULL;
}

/**
 * vhost_dev_set_features() - the features that the driver accepted
 * @dev: the device, with its mutex held
 * @features: only those that are offered
 */
void vhost_dev_set_features(struct vhost_dev *dev, u64 features)
{
	unsigned int i;

	lockdep_assert_held(&dev->mutex);
	for (i = 0; i < dev->nqueues; i++) {
		mutex_lock(&dev->queues[i]->mutex);
		dev->queues[i]->features = features;
		mutex_unlock(&dev->queues[i]->mutex);
	}
}

/**
 * vhost_queue_access_ok() - is the ring memory that a process can have?
 * @q: the queue, with its mutex held
 *
 * Return: false also while there is no memory table.
 */
bool vhost_queue_access_ok(struct vhost_queue *q)
{
	lockdep_assert_held(&q->mutex);
	return q->ops->addressable(q) && vhost_iotlb_access_ok(q->iotlb);
}

/**
 * vhost_queue_start() - begin to use the ring
 * @q: the queue, with its mutex held
 *
 * Return: 0, or -EFAULT if the ring is not there; then it does not run.
 */
int vhost_queue_start(struct vhost_queue *q)
{
	bool was_le = q->is_le;
	int err;

	lockdep_assert_held(&q->mutex);
	q->is_le = vhost_queue_has(q, VIRTIO_F_VERSION_1) ||
		   virtio_legacy_is_little_endian();
	err = vring_start(q);
	if (err) {
		q->is_le = was_le;
		return err;
	}
	q->running = true;
	q->broken = false;
	return 0;
}

/**
 * vhost_queue_stop() - use the ring no longer
 * @q: the queue, with its mutex held. Nothing is held of the ring: a worker
 *	lets go of the mutex only when it has given all back.
 */
void vhost_queue_stop(struct vhost_queue *q)
{
	lockdep_assert_held(&q->mutex);
	q->running = false;
}

/**
 * vhost_queue_break() - leave the ring alone, for it cannot be used
 * @q: the queue, with its mutex held
 *
 * What is held of it is put back. The owner learns of it by the error eventfd,
 * and may start the queue again.
 */
void vhost_queue_break(struct vhost_queue *q)
{
	lockdep_assert_held(&q->mutex);
	vring_put_back(q, q->batch->done);
	q->broken = true;
	q->stats.ring_errors++;
	if (q->err)
		compat_eventfd_signal(q->err);
}

/**
 * vhost_queue_call() - interrupt the guest
 * @q: the queue, with its mutex held
 */
void vhost_queue_call(struct vhost_queue *q)
{
	lockdep_assert_held(&q->mutex);
	if (q->call)
		compat_eventfd_signal(q->call);
}

static void use_iotlb(struct vhost_dev *dev, struct vhost_iotlb *iotlb)
{
	struct vhost_iotlb *old = dev->iotlb;
	struct vhost_queue *q;
	unsigned int i;

	dev->iotlb = iotlb;
	for (i = 0; i < dev->nqueues; i++) {
		q = dev->queues[i];
		mutex_lock(&q->mutex);
		q->iotlb = iotlb;
		q->hint = NULL;
		mutex_unlock(&q->mutex);
	}
	vhost_iotlb_free(old);
}

static bool any_running(struct vhost_dev *dev)
{
	bool running = false;
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		mutex_lock(&dev->queues[i]->mutex);
		running |= dev->queues[i]->running;
		mutex_unlock(&dev->queues[i]->mutex);
	}
	return running;
}

static long set_mem_table(struct vhost_dev *dev,
			  struct vhost_memory __user *argp)
{
	struct vhost_memory_region *regions;
	struct vhost_memory memory;
	struct vhost_iotlb *iotlb;

	if (copy_from_user(&memory, argp, sizeof(memory)))
		return -EFAULT;
	if (memory.padding)
		return -EOPNOTSUPP;
	if (memory.nregions > max_mem_regions)
		return -E2BIG;

	regions = vmemdup_user(argp->regions,
			       array_size(memory.nregions, sizeof(*regions)));
	if (IS_ERR(regions))
		return PTR_ERR(regions);
	iotlb = vhost_iotlb_create(regions, memory.nregions);
	kvfree(regions);
	if (IS_ERR(iotlb))
		return PTR_ERR(iotlb);

	if (any_running(dev) && !vhost_iotlb_access_ok(iotlb)) {
		vhost_iotlb_free(iotlb);
		return -EFAULT;
	}
	use_iotlb(dev, iotlb);
	return 0;
}

/* Read what is to be set of a ring, which is possible only while it is idle. */
static long get_idle_state(const struct vhost_queue *q,
			   struct vhost_vring_state *state,
			   struct vhost_vring_state __user *argp)
{
	if (q->running)
		return -EBUSY;
	return copy_from_user(state, argp, sizeof(*state)) ? -EFAULT : 0;
}

static long set_vring_num(struct vhost_queue *q,
			  struct vhost_vring_state __user *argp)
{
	struct vhost_vring_state state;
	long err;

	err = get_idle_state(q, &state, argp);
	if (err)
		return err;
	if (!state.num || state.num > 0xffff || !is_power_of_2(state.num))
		return -EINVAL;
	q->num = state.num;
	return 0;
}

static long set_vring_base(struct vhost_queue *q,
			   struct vhost_vring_state __user *argp)
{
	struct vhost_vring_state state;
	long err;

	err = get_idle_state(q, &state, argp);
	if (err)
		return err;
	if (state.num > 0xffff)
		return -EINVAL;
	q->last_avail = state.num;
	q->avail_idx = state.num;
	return 0;
}

static long get_vring_base(struct vhost_queue *q,
			   struct vhost_vring_state __user *argp)
{
	struct vhost_vring_state state = {
		.index = q->index,
		.num = q->last_avail,
	};

	return copy_to_user(argp, &state, sizeof(state)) ? -EFAULT : 0;
}

static long set_vring_addr(struct vhost_queue *q,
			   struct vhost_vring_addr __user *argp)
{
	struct vring_desc __user *desc = q->desc;
	struct vring_avail __user *avail = q->avail;
	struct vring_used __user *used = q->used;
	struct vhost_vring_addr addr;

	if (copy_from_user(&addr, argp, sizeof(addr)))
		return -EFAULT;
	/* No dirty log yet, so no VHOST_VRING_F_LOG either. */
	if (addr.flags)
		return -EOPNOTSUPP;
	if (!IS_ALIGNED(addr.avail_user_addr, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(addr.used_user_addr, VRING_USED_ALIGN_SIZE) ||
	    !IS_ALIGNED(addr.log_guest_addr, VRING_USED_ALIGN_SIZE))
		return -EINVAL;

	q->desc = u64_to_user_ptr(addr.desc_user_addr);
	q->avail = u64_to_user_ptr(addr.avail_user_addr);
	q->used = u64_to_user_ptr(addr.used_user_addr);
	/* Before the start the size may be missing: it is checked there. */
	if (q->running && !q->ops->addressable(q)) {
		q->desc = desc;
		q->avail = avail;
		q->used = used;
		return -EINVAL;
	}
	if (q->running && q->broken) {
		q->broken = false;
		vhost_queue_wake(q);
	}
	return 0;
}

/*
 * Replace an eventfd that is only ever signalled.
 *
 * @ctxp points to one of the queue's, which the worker reads under its mutex.
 */
static long set_vring_signal(struct eventfd_ctx **ctxp,
			     struct vhost_vring_file __user *argp)
{
	struct vhost_vring_file vring_file;
	struct eventfd_ctx *ctx = NULL;

	if (copy_from_user(&vring_file, argp, sizeof(vring_file)))
		return -EFAULT;
	if (vring_file.fd != VHOST_FILE_UNBIND)
		ctx = eventfd_ctx_fdget(vring_file.fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	swap(*ctxp, ctx);
	if (ctx)
		eventfd_ctx_put(ctx);
	return 0;
}

/*
 * Watch *@filep, which may be NULL, instead of the kick, and get the old one
 * there; on failure all is as before.
 */
static long swap_kick(struct vhost_queue *q, struct file **filep)
{
	struct file *file = *filep;
	long err = 0;

	lockdep_assert_held(&q->mutex);
	if (file == q->kick)
		return 0;
	vhost_poll_stop(&q->kick_poll);
	if (file)
		err = vhost_poll_start(&q->kick_poll, q->worker, file);
	if (!err)
		swap(q->kick, *filep);
	else if (q->kick)
		vhost_poll_start(&q->kick_poll, q->worker, q->kick);
	return err;
}

/*
 * Replace the kick. When this is done nothing runs that the old one began, so
 * that its owner may give it to somebody else.
 */
static long set_vring_kick(struct vhost_queue *q,
			   struct vhost_vring_file __user *argp)
{
	struct vhost_vring_file vring_file;
	struct file *file = NULL;
	long err;

	if (copy_from_user(&vring_file, argp, sizeof(vring_file)))
		return -EFAULT;
	if (vring_file.fd != VHOST_FILE_UNBIND)
		file = eventfd_fget(vring_file.fd);
	if (IS_ERR(file))
		return PTR_ERR(file);

	mutex_lock(&q->mutex);
	err = swap_kick(q, &file);
	mutex_unlock(&q->mutex);
	if (file) {
		vhost_dev_flush(q->dev);
		fput(file);
	}
	return err;
}

static long queue_ioctl(struct vhost_queue *q, unsigned int cmd,
			void __user *argp)
{
	lockdep_assert_held(&q->mutex);
	switch (cmd) {
	case VHOST_SET_VRING_NUM:
		return set_vring_num(q, argp);
	case VHOST_SET_VRING_ADDR:
		return set_vring_addr(q, argp);
	case VHOST_SET_VRING_BASE:
		return set_vring_base(q, argp);
	case VHOST_GET_VRING_BASE:
		return get_vring_base(q, argp);
	case VHOST_SET_VRING_CALL:
		return set_vring_signal(&q->call, argp);
	case VHOST_SET_VRING_ERR:
		return set_vring_signal(&q->err, argp);
	default:
		return -ENOIOCTLCMD;
	}
}

/**
 * vhost_dev_ioctl() - carry out a command of the owner
 * @dev: the device, with its mutex held
 * @cmd: the command
 * @argp: its argument
 *
 * A command that is not known here is taken for one of a queue, and so fails
 * first for a bad index, like the in-tree module's.
 *
 * Return: 0 or an error of the command; -ENOIOCTLCMD for an unknown one.
 */
long vhost_dev_ioctl(struct vhost_dev *dev, unsigned int cmd,
		     void __user *argp)
{
	u32 __user *indexp = argp;
	struct vhost_queue *q;
	u32 index;
	long err;

	err = vhost_dev_check_owner(dev);
	if (err)
		return err;
	if (cmd == VHOST_SET_MEM_TABLE)
		return set_mem_table(dev, argp);

	if (get_user(index, indexp))
		return -EFAULT;
	if (index >= dev->nqueues)
		return -ENOBUFS;
	q = dev->queues[array_index_nospec(index, dev->nqueues)];
	if (cmd == VHOST_SET_VRING_KICK)
		return set_vring_kick(q, argp);

	mutex_lock(&q->mutex);
	err = queue_ioctl(q, cmd, argp);
	mutex_unlock(&q->mutex);
	return err;
}

/**
 * vhost_dev_show() - print what the device and its queues have done
 * @dev: the device
 * @m: where to: the file's fdinfo
 */
void vhost_dev_show(struct vhost_dev *dev, struct seq_file *m)
{
	char name[16];
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		snprintf(name, sizeof(name), "queue%u", i);
		vhost_stats_show(m, name, &dev->queues[i]->stats);
	}
}
