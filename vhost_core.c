// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: its owner, the owner's workers, the maps of guest memory, and the
 * features. uapi/vhost_alt.h documents each command.
 */

#include <linux/eventfd.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "trace.h"
#include "vhost_core.h"

/*
 * QEMU reads vhost.ko's parameter of this name, and assumes 64 if that module
 * is not loaded. 509 is QEMU's own limit for hotplugged memory.
 */
static ushort max_mem_regions = 509;
module_param(max_mem_regions, ushort, 0444);
MODULE_PARM_DESC(max_mem_regions,
		 "Limit of regions in a memory table");

/*
 * What two rings need at once: the pages of their areas and of the longest
 * chain. With fewer, a ring's own working set would evict itself indefinitely.
 */
#define MIN_IOTLB_ENTRIES	(2 * (VHA_RING_MAX_HELD + 256))

static uint max_iotlb_entries = 4096;
module_param(max_iotlb_entries, uint, 0444);
MODULE_PARM_DESC(max_iotlb_entries,
		 "Limit of entries in a device IOTLB, at least 2560");

/**
 * vha_dev_init() - prepare a device without an owner
 * @dev: the device
 * @queues: its queues, each prepared by vha_queue_init()
 * @nqueues: their number
 */
void vha_dev_init(struct vha_dev *dev, struct vha_queue **queues,
		  unsigned int nqueues)
{
	unsigned int i;

	mutex_init(&dev->mutex);
	spin_lock_init(&dev->show_lock);
	dev->mm = NULL;
	dev->fork = true;
	dev->pid = NULL;
	xa_init_flags(&dev->workers, XA_FLAGS_ALLOC);
	dev->backend_features = 0;
	dev->memory = NULL;
	dev->iotlb = NULL;
	dev->log_ctx = NULL;
	vha_misses_init(&dev->misses);
	dev->queues = queues;
	dev->nqueues = nqueues;
	for (i = 0; i < nqueues; i++) {
		queues[i]->dev = dev;
		queues[i]->dev_mutex = &dev->mutex;
		queues[i]->index = i;
		vha_miss_init(&queues[i]->miss, &dev->misses);
	}
}

/**
 * vha_dev_cleanup() - undo vha_dev_init()
 * @dev: the device, without an owner: vha_dev_reset_owner() has been called
 */
void vha_dev_cleanup(struct vha_dev *dev)
{
	vha_iotlb_free(dev->memory);
	put_pid(dev->pid);
	xa_destroy(&dev->workers);
	mutex_destroy(&dev->mutex);
}

/**
 * vha_dev_set_id() - number the device
 * @dev: the device, which is not in use yet
 * @id: its number in the list of devices
 */
void vha_dev_set_id(struct vha_dev *dev, u32 id)
{
	unsigned int i;

	dev->id = id;
	for (i = 0; i < dev->nqueues; i++)
		dev->queues[i]->dev_id = id;
}

/**
 * vha_dev_lock_queues() - lock all queues, in index order
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

/*
 * Add a worker. The limit is one for each queue and one more: a client that
 * gives each queue a new worker leaves the first one unused.
 */
static struct vha_worker *add_worker(struct vha_dev *dev,
				     const char *purpose, u32 *id)
{
	struct vha_worker *worker;
	int err;

	worker = vha_worker_create(dev->mm, dev->fork, purpose);
	if (IS_ERR(worker))
		return worker;
	err = xa_alloc(&dev->workers, id, worker,
		       XA_LIMIT(0, dev->nqueues), GFP_KERNEL_ACCOUNT);
	if (err) {
		vha_worker_destroy(worker);
		return ERR_PTR(err == -EBUSY ? -ENOSPC : err);
	}
	return worker;
}

/* The id of a worker made by request, which leaves the owner's ids free. */
static unsigned int sibling_id(const struct vha_dev *dev)
{
	return dev->nqueues + 1;
}

static void set_step_worker(struct vha_dev *dev, struct vha_step *step,
			    struct vha_worker *worker)
{
	spin_lock(&dev->show_lock);
	step->worker = worker;
	spin_unlock(&dev->show_lock);
}

/**
 * vha_dev_add_sibling() - add a worker in addition to those of the owner
 * @dev: the device, with its mutex held, in the thread of its first worker.
 *	There is no second one.
 *
 * Return: the worker, which becomes the second one; an ERR_PTR() as of
 * vha_worker_create_sibling().
 */
struct vha_worker *vha_dev_add_sibling(struct vha_dev *dev)
{
	struct vha_sharing *s = &dev->sharing;
	struct vha_worker *worker;

	lockdep_assert_held(&dev->mutex);
	/* Before the thread exists: it must not be waited for here. */
	if (xa_reserve(&dev->workers, sibling_id(dev), GFP_KERNEL_ACCOUNT))
		return ERR_PTR(-ENOMEM);
	worker = vha_worker_create_sibling(s->first.worker,
					   dev->queues[dev->nqueues - 1]->name);
	if (IS_ERR(worker)) {
		xa_release(&dev->workers, sibling_id(dev));
		return worker;
	}
	xa_store(&dev->workers, sibling_id(dev), worker, GFP_KERNEL_ACCOUNT);
	spin_lock(&dev->show_lock);
	s->second.worker = worker;
	s->made = true;
	spin_unlock(&dev->show_lock);
	return worker;
}

/* Stop the steps of a worker that is no longer listed. */
static void stop_steps(struct vha_dev *dev, const struct vha_worker *worker)
{
	struct vha_sharing *s = &dev->sharing;
	struct vha_step *step = NULL;

	spin_lock(&dev->show_lock);
	if (s->first.worker == worker)
		step = &s->first;
	else if (s->second.worker == worker)
		step = &s->second;
	if (step)
		step->worker = NULL;
	if (step == &s->second)
		s->made = false;
	spin_unlock(&dev->show_lock);
	if (step)
		vha_retry_stop(&step->retry);
}

/* Once the worker is erased, no observer uses it. */
static void take_worker(struct vha_dev *dev, unsigned long id,
			struct vha_worker *worker)
{
	spin_lock(&dev->show_lock);
	xa_erase(&dev->workers, id);
	spin_unlock(&dev->show_lock);
	stop_steps(dev, worker);
}

static void remove_worker(struct vha_dev *dev, unsigned long id,
			  struct vha_worker *worker)
{
	take_worker(dev, id, worker);
	vha_worker_destroy(worker);
}

/**
 * vha_dev_take_second() - remove a worker made by request if it is idle
 * @dev: the device, with its mutex held
 *
 * Return: the worker, which the caller destroys; NULL if there is none, or if
 * it serves a queue.
 */
struct vha_worker *vha_dev_take_second(struct vha_dev *dev)
{
	struct vha_worker *worker = dev->sharing.second.worker;
	unsigned int i;

	lockdep_assert_held(&dev->mutex);
	if (!dev->sharing.made)
		return NULL;
	for (i = 0; i < dev->nqueues; i++) {
		if (dev->queues[i]->worker == worker)
			return NULL;
	}
	take_worker(dev, sibling_id(dev), worker);
	return worker;
}

static void remove_workers(struct vha_dev *dev)
{
	struct vha_worker *worker;
	unsigned long id;

	xa_for_each(&dev->workers, id, worker)
		remove_worker(dev, id, worker);
}

static void assign_worker(struct vha_queue *q, struct vha_worker *worker)
{
	mutex_lock(&q->mutex);
	vha_queue_move(q, worker);
	mutex_unlock(&q->mutex);
}

/* Create the owner's first workers: one for all queues, or one for each. */
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
		if (!i)
			set_step_worker(dev, &dev->sharing.first, worker);
		else if (worker_each)
			set_step_worker(dev, &dev->sharing.second, worker);
	}
	return 0;
}

/* From now on the owner divides the queues among its workers. */
static void set_managed(struct vha_dev *dev)
{
	spin_lock(&dev->show_lock);
	dev->sharing.managed = true;
	spin_unlock(&dev->show_lock);
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
		remove_worker(dev, state.worker_id, worker);
		return -EFAULT;
	}
	set_managed(dev);
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
	remove_worker(dev, state.worker_id, worker);
	set_managed(dev);
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
	set_managed(dev);
	if (worker == old)
		return 0;
	assign_worker(q, worker);
	/* Afterwards the former worker may be freed. */
	vha_worker_flush(old);
	/* If that was killed, it may have left work undone: run again. */
	mutex_lock(&q->mutex);
	vha_queue_wake(q);
	mutex_unlock(&q->mutex);
	vha_worker_destroy(vha_dev_take_second(dev));
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
 * vha_dev_check_owner() - check whether the current process owns the device
 * @dev: the device, with its mutex held
 *
 * Return: 0 or -EPERM.
 */
long vha_dev_check_owner(struct vha_dev *dev)
{
	lockdep_assert_held(&dev->mutex);
	return dev->mm && dev->mm == current->mm ? 0 : -EPERM;
}

static void reset_sharing(struct vha_dev *dev)
{
	spin_lock(&dev->show_lock);
	dev->sharing.wanted = 0;
	dev->sharing.managed = false;
	dev->sharing.moved = false;
	spin_unlock(&dev->show_lock);
}

static void forget_owner(struct vha_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		assign_worker(dev->queues[i], NULL);
	remove_workers(dev);
	reset_sharing(dev);
	mmput(dev->mm);
	dev->mm = NULL;
}

/* Remember the current process for observers, if @pid is not NULL. */
static void set_pid(struct vha_dev *dev, struct pid *pid)
{
	spin_lock(&dev->show_lock);
	swap(dev->pid, pid);
	get_task_comm(dev->comm, current->group_leader);
	spin_unlock(&dev->show_lock);
	put_pid(pid);
}

/**
 * vha_dev_forget_pid() - stop showing the last owner to observers
 * @dev: the device, with its mutex held
 */
void vha_dev_forget_pid(struct vha_dev *dev)
{
	lockdep_assert_held(&dev->mutex);
	set_pid(dev, NULL);
}

/**
 * vha_dev_set_owner() - make the current process the owner
 * @dev: the device, with its mutex held
 * @worker_each: create a worker for each queue, instead of one for all
 *
 * Return: 0; -EBUSY if there is one already; -EPERM for a process without
 * memory of its own; -ENOMEM; another error if a worker could not be created.
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
	set_pid(dev, get_pid(task_tgid(current)));
	err = add_first_workers(dev, worker_each);
	if (err) {
		forget_owner(dev);
		vha_dev_forget_pid(dev);
		return err;
	}
	trace_vhost_alt_owner(dev->id, task_tgid_nr(current));
	return 0;
}

/* Replace both maps, and free old ones, which are no longer in use. */
static void replace_maps(struct vha_dev *dev, struct vha_iotlb *memory,
			 struct vha_iotlb *iotlb)
{
	struct vha_iotlb *old_memory = dev->memory, *old_iotlb = dev->iotlb;

	spin_lock(&dev->show_lock);
	dev->memory = memory;
	WRITE_ONCE(dev->iotlb, iotlb);
	spin_unlock(&dev->show_lock);
	if (old_memory != memory)
		vha_iotlb_free(old_memory);
	if (old_iotlb != iotlb)
		vha_iotlb_free(old_iotlb);
}

/**
 * vha_dev_reset_owner() - forget the owner and all that it has set up
 * @dev: the device, with its mutex held. No queue is running.
 * @memory: the memory table from now on, or NULL for none; becomes the device's
 *
 * Only the kicks could still queue work, so they are stopped first. Then the
 * workers are destroyed, the last users of the maps and the owner's memory.
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
		vha_queue_set_maps(dev->queues[i], memory, NULL);
	}
	vha_dev_unlock_queues(dev);

	replace_maps(dev, memory, NULL);
	vha_misses_clear(&dev->misses);
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

/* Check whether all running queues could use this memory table. */
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
	for (i = 0; i < dev->nqueues; i++)
		vha_queue_set_maps(dev->queues[i], memory, dev->iotlb);
	vha_dev_unlock_queues(dev);
	replace_maps(dev, memory, dev->iotlb);
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
	trace_vhost_alt_memory(dev->id, memory->count);
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
		vha_queue_set_log_base(dev->queues[i], u64_to_user_ptr(base));
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
		dev->queues[i]->ring.log.ctx = dev->log_ctx;
	vha_dev_unlock_queues(dev);
	if (ctx)
		eventfd_ctx_put(ctx);
	return 0;
}

/*
 * Make an empty IOTLB if the features include one.
 *
 * Return: the IOTLB; NULL for none; ERR_PTR(-EFAULT) if there is no memory.
 */
static struct vha_iotlb *make_iotlb(const u64 *features)
{
	struct vha_iotlb *iotlb;

	if (!(features[0] & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM)))
		return NULL;
	iotlb = vha_iotlb_alloc(max_t(unsigned int, max_iotlb_entries,
				      MIN_IOTLB_ENTRIES));
	return iotlb ?: ERR_PTR(-EFAULT);
}

/**
 * vha_dev_set_features() - set the features that the driver accepted
 * @dev: the device, with its mutex held
 * @features: VHA_FEATURE_WORDS words, with only bits that are offered
 *
 * Whenever VIRTIO_F_ACCESS_PLATFORM is among them, the device IOTLB starts
 * empty, because its entries may be those of an earlier guest.
 *
 * Return: 0; -EOPNOTSUPP for features that do not go together; -EBUSY if they
 * change the layout of a running ring; -EFAULT: VHOST_F_LOG_ALL with a log that
 * is not user memory, or no memory for the IOTLB.
 */
long vha_dev_set_features(struct vha_dev *dev, const u64 *features)
{
	struct vha_iotlb *iotlb;
	unsigned int i;

	lockdep_assert_held(&dev->mutex);
	if (!vha_ring_features_ok(features[0]))
		return -EOPNOTSUPP;
	for (i = 0; i < dev->nqueues; i++) {
		if (!vha_queue_features_ok(dev->queues[i], features))
			return -EBUSY;
	}
	if (features[0] & BIT_ULL(VHOST_F_LOG_ALL) &&
	    !memory_ok(dev, dev->memory, true))
		return -EFAULT;
	iotlb = make_iotlb(features);
	if (IS_ERR(iotlb))
		return PTR_ERR(iotlb);

	vha_dev_lock_queues(dev);
	for (i = 0; i < dev->nqueues; i++) {
		vha_queue_set_features(dev->queues[i], features);
		vha_queue_set_maps(dev->queues[i], dev->memory, iotlb);
		/* Its miss is cancelled below: let it ask again. */
		if (dev->queues[i]->running)
			vha_queue_wake(dev->queues[i]);
	}
	replace_maps(dev, dev->memory, iotlb);
	/* Before a worker can queue a miss of the new IOTLB. */
	vha_misses_clear(&dev->misses);
	vha_dev_unlock_queues(dev);
	trace_vhost_alt_features(dev->id, features);
	return 0;
}

/* ---- commands ---- */

/* The commands that do not need the caller to be the owner. */
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
		/* Without an owner these have an error of their own. */
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
 * vha_dev_ioctl() - execute a command
 * @dev: the device, with its mutex held
 * @cmd: the command
 * @argp: its argument
 *
 * Like the in-tree module, take an unknown command for one of a queue, so that
 * it fails for a bad index first.
 *
 * Return: 0 or an error of the command; -ENOIOCTLCMD for an unknown one.
 */
long vha_dev_ioctl(struct vha_dev *dev, unsigned int cmd, void __user *argp)
{
	long err;

	lockdep_assert_held(&dev->mutex);
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

/* ---- fdinfo ---- */

/**
 * vha_dev_show() - print the counters of a device's queues
 * @dev: the device
 * @m: the output: the file's fdinfo
 */
void vha_dev_show(struct vha_dev *dev, struct seq_file *m)
{
	struct vha_stats_view view;
	struct vha_queue *q;
	char name[16];
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		q = dev->queues[i];
		snprintf(name, sizeof(name), "queue%u", i);
		spin_lock(&q->show_lock);
		view = vha_queue_stats(q);
		vha_stats_show(m, name, &view);
		spin_unlock(&q->show_lock);
	}
}
