// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtqueue: its state, and the commands that set it up, which
 * uapi/vhost_alt.h documents.
 */

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "trace.h"
#include "vring.h"

/**
 * vha_queue_init() - prepare a queue
 * @q: the queue, zeroed
 * @name: what it is for
 * @fn: serves it
 * @backend_ready: events of the backend at which it is to be served
 *
 * Return: 0 or -ENOMEM.
 */
int vha_queue_init(struct vha_queue *q, const char *name,
		   void (*fn)(struct vha_work *), __poll_t backend_ready)
{
	q->batch = kvzalloc(sizeof(*q->batch), GFP_KERNEL_ACCOUNT);
	if (!q->batch)
		return -ENOMEM;
	q->name = name;
	mutex_init(&q->mutex);
	vha_work_init(&q->work, fn);
	vha_poll_init(&q->kick_poll, &q->work, EPOLLIN, &q->stats.kicks);
	vha_poll_init(&q->backend_poll, &q->work, backend_ready,
		      &q->stats.wakeups);
	init_waitqueue_head(&q->request_wait);
	vha_queue_reset(q);
	return 0;
}

/**
 * vha_queue_cleanup() - undo vha_queue_init()
 * @q: the queue, which has been reset
 */
void vha_queue_cleanup(struct vha_queue *q)
{
	kvfree(q->look);
	kvfree(q->batch);
	mutex_destroy(&q->mutex);
}

/* With the mutex held, or before anybody knows of the queue. */
static void reset_stats(struct vha_queue *q)
{
	memset(&q->stats, 0, sizeof(q->stats));
	/* These are not written under the mutex, and may have been meanwhile. */
	vha_poll_reset_events(&q->kick_poll);
	vha_poll_reset_events(&q->backend_poll);
	q->kicks_seen = 0;
}

/**
 * vha_queue_reset() - what an owner has set up, as it is before he has
 * @q: the queue: not running, its polls stopped, and without a worker that
 *	could use it, or not known to anybody yet
 */
void vha_queue_reset(struct vha_queue *q)
{
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
	q->request = VHA_REQUEST_NONE;
	memset(q->features, 0, sizeof(q->features));
	q->user_be = !virtio_legacy_is_little_endian();
	q->is_le = virtio_legacy_is_little_endian();
	q->busyloop = 0;
	q->memory = NULL;
	q->iotlb = NULL;
	q->log = (struct vha_log){};
	q->ops = &vha_ring_split_ops;
	/* One entry, so that the masks and sizes made of it are sound. */
	q->num = 1;
	memset(q->ring, 0, sizeof(q->ring));
	vha_queue_unmap(q);
	q->last_avail = 0;
	q->avail_idx = 0;
	q->last_used = 0;
	reset_stats(q);
}

/* ---- requests ---- */

static void take_look(struct vha_queue *q)
{
	bool denied = q->denied;

	q->look->err = vha_ring_map(q);
	/* Who waits for an entry of the IOTLB goes on waiting for it. */
	q->denied |= denied;
	if (q->look->err > 0)
		q->look->err = -EINVAL;
	if (!q->look->err)
		q->look->err = vha_ring_snapshot(q, q->look);
}

static void carry_out(struct vha_queue *q, int request)
{
	/* Or it has been withdrawn. */
	if (cmpxchg(&q->request, request, VHA_REQUEST_TAKEN) != request)
		return;
	if (request == VHA_REQUEST_LOOK)
		take_look(q);
	else
		reset_stats(q);
	/* Pairs with request_done(). */
	smp_store_release(&q->request, VHA_REQUEST_NONE);
	wake_up_all(&q->request_wait);
}

/**
 * vha_queue_heed() - do what has been requested, if anything
 * @q: the queue, with its mutex held, by its worker
 */
void vha_queue_heed(struct vha_queue *q)
{
	int request = READ_ONCE(q->request);

	lockdep_assert_held(&q->mutex);
	if (unlikely(request != VHA_REQUEST_NONE))
		carry_out(q, request);
}

static bool request_done(const struct vha_queue *q)
{
	/* What the worker did can be read then. Pairs with carry_out(). */
	return smp_load_acquire(&q->request) == VHA_REQUEST_NONE;
}

/*
 * Have the worker do something in its next turn. Who takes turns with it at the
 * mutex may wait long: for the worker of a busy queue it is free for moments only,
 * and for one that waits for memory not at all.
 *
 * Return: 0; -EBUSY if a second was not enough, or the caller is killed: it will
 * not be done then, unless it has been begun.
 */
static int request(struct vha_queue *q, int what)
{
	/* Pairs with the exchange by who carries it out. */
	smp_store_release(&q->request, what);
	vha_queue_wake(q);
	if (wait_event_killable_timeout(q->request_wait, request_done(q), HZ) > 0)
		return 0;
	if (cmpxchg(&q->request, what, VHA_REQUEST_NONE) == what)
		return -EBUSY;
	/* To reset does not take long, once begun. */
	if (what == VHA_REQUEST_RESET)
		wait_event(q->request_wait, request_done(q));
	return request_done(q) ? 0 : -EBUSY;
}

/**
 * vha_queue_look() - have the worker look at the ring
 * @q: the queue, with the device's mutex held
 * @count: how many entries of each kind
 *
 * The worker does it, since the ring is in the owner's memory. What it saw is in
 * @q->look afterwards, as long as the device's mutex is held.
 *
 * Return: 0; -EINVAL without a worker; -EBUSY for a worker that does not come to
 * it; -ENOMEM.
 */
int vha_queue_look(struct vha_queue *q, unsigned int count)
{
	lockdep_assert_held(&q->dev->mutex);
	if (!q->worker)
		return -EINVAL;
	if (!request_done(q))
		return -EBUSY;
	if (!q->look)
		q->look = kvmalloc(sizeof(*q->look), GFP_KERNEL_ACCOUNT);
	if (!q->look)
		return -ENOMEM;
	memset(q->look, 0, sizeof(*q->look));
	q->look->count = count;
	return request(q, VHA_REQUEST_LOOK);
}

/**
 * vha_queue_reset_stats() - begin to count anew
 * @q: the queue, with the device's mutex held
 *
 * Return: 0; -EBUSY for a worker that does not come to it.
 */
int vha_queue_reset_stats(struct vha_queue *q)
{
	lockdep_assert_held(&q->dev->mutex);
	if (mutex_trylock(&q->mutex)) {
		reset_stats(q);
		mutex_unlock(&q->mutex);
		return 0;
	}
	if (!q->worker || !request_done(q))
		return -EBUSY;
	return request(q, VHA_REQUEST_RESET);
}

/**
 * vha_queue_move() - have the queue served by another worker
 * @q: the queue, with its mutex held
 * @worker: which one
 *
 * Work that was queued before is still the former one's: the caller flushes it
 * before it goes.
 */
void vha_queue_move(struct vha_queue *q, struct vha_worker *worker)
{
	lockdep_assert_held(&q->mutex);
	q->worker = worker;
	vha_poll_move(&q->kick_poll, worker);
	vha_poll_move(&q->backend_poll, worker);
}

/**
 * vha_queue_set_maps() - change how the guest's addresses are translated
 * @q: the queue, with its mutex held
 * @memory: the memory table
 * @iotlb: the device IOTLB, or NULL
 *
 * If the addresses of a running ring change their meaning by that, they are
 * forgotten, and the queue waits for new ones.
 */
void vha_queue_set_maps(struct vha_queue *q,
			const struct vha_iotlb *memory,
			const struct vha_iotlb *iotlb)
{
	lockdep_assert_held(&q->mutex);
	if (q->running && !q->iotlb != !iotlb)
		memset(q->ring, 0, sizeof(q->ring));
	q->memory = memory;
	q->iotlb = iotlb;
	vha_queue_unmap(q);
}

/**
 * vha_queue_unmap() - forget everything that was found in a map
 * @q: the queue, with its mutex held, or not known to anybody yet
 *
 * To be called after every change of a map, or of what of the ring lies where.
 */
void vha_queue_unmap(struct vha_queue *q)
{
	q->hint = NULL;
	q->mapped = false;
}

/**
 * vha_queue_memory_ok() - may the queue go on with this memory table?
 * @q: the queue, with its mutex held
 * @memory: the table, or NULL
 * @log_all: even if it is to log all that it writes
 *
 * Return: true for one that is not running: it is looked at when it starts.
 */
bool vha_queue_memory_ok(struct vha_queue *q,
			 const struct vha_iotlb *memory, bool log_all)
{
	lockdep_assert_held(&q->mutex);
	if (!q->running)
		return true;
	if (!vha_iotlb_access_ok(memory))
		return false;
	return !(log_all || vha_queue_has(q, VHOST_F_LOG_ALL)) ||
	       vha_log_access_ok(q->log.base, memory);
}

static bool used_log_ok(struct vha_queue *q, const struct vha_log *log)
{
	/* With an IOTLB the used ring is logged by its user address. */
	return q->iotlb || !log->used ||
	       vha_log_range_ok(log->base, log->used_addr,
				q->ops->area_size(q, VHA_RING_USED));
}

/**
 * vha_queue_log_ok() - may the queue log there?
 * @q: the queue, with its mutex held; it has a memory table
 * @base: the log
 */
bool vha_queue_log_ok(struct vha_queue *q, const u8 __user *base)
{
	struct vha_log log = q->log;

	lockdep_assert_held(&q->mutex);
	log.base = (u8 __user *)base;
	return used_log_ok(q, &log) &&
	       (!vha_queue_has(q, VHOST_F_LOG_ALL) ||
		vha_log_access_ok(base, q->memory));
}

static bool ring_ok(const struct vha_queue *q, const u64 ring[VHA_RING_AREAS])
{
	unsigned int i;

	/* The guest's addresses are looked up when they are used. */
	for (i = 0; !q->iotlb && i < VHA_RING_AREAS; i++) {
		if (!access_ok(u64_to_user_ptr(ring[i]), q->ops->area_size(q, i)))
			return false;
	}
	return true;
}

/**
 * vha_queue_access_ok() - is all that a start needs memory that a process can
 *	have?
 * @q: the queue, with its mutex held
 *
 * Return: false also while there is no memory table.
 */
bool vha_queue_access_ok(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	return vha_iotlb_access_ok(q->memory) &&
	       vha_queue_log_ok(q, q->log.base) && ring_ok(q, q->ring);
}

/**
 * vha_queue_start() - begin to use the ring
 * @q: the queue, with its mutex held
 *
 * Return: 0, or an error of vha_ring_start(); then it does not run.
 */
int vha_queue_start(struct vha_queue *q)
{
	bool was_le = q->is_le;
	int err;

	lockdep_assert_held(&q->mutex);
	q->is_le = vha_queue_has(q, VIRTIO_F_VERSION_1) || !q->user_be;
	err = vha_ring_start(q);
	if (err) {
		q->is_le = was_le;
		return err;
	}
	q->running = true;
	q->broken = false;
	return 0;
}

/**
 * vha_queue_stop() - use the ring no longer
 * @q: the queue, with its mutex held. Nothing is held of the ring: a worker
 *	lets go of the mutex only when it has given all back.
 */
void vha_queue_stop(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	q->running = false;
	q->broken = false;
}

/**
 * vha_queue_break() - leave the ring alone, for it cannot be used
 * @q: the queue, with its mutex held
 *
 * What is held of it is put back. The owner learns of it by the error eventfd,
 * and may start the queue again.
 */
void vha_queue_break(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	vha_ring_put_back(q, q->batch->done);
	q->broken = true;
	q->stats.ring_errors++;
	trace_vhost_alt_ring_error(q);
	if (q->err)
		compat_eventfd_signal(q->err);
}

/**
 * vha_queue_drop() - count a packet that is dropped, or a chain given back unused
 * @q: the queue, with its mutex held
 * @why: the reason
 */
void vha_queue_drop(struct vha_queue *q, enum vhost_alt_drop why)
{
	lockdep_assert_held(&q->mutex);
	q->stats.drops[why]++;
	trace_vhost_alt_drop(q, why, 1);
}

/* Read what is to be set of a ring, which is possible only while it is idle. */
static long get_idle_state(const struct vha_queue *q,
			   struct vhost_vring_state *state,
			   struct vhost_vring_state __user *argp)
{
	if (q->running)
		return -EBUSY;
	return copy_from_user(state, argp, sizeof(*state)) ? -EFAULT : 0;
}

static long put_state(const struct vha_queue *q, u32 num,
		      struct vhost_vring_state __user *argp)
{
	struct vhost_vring_state state = {
		.index = q->index,
		.num = num,
	};

	return copy_to_user(argp, &state, sizeof(state)) ? -EFAULT : 0;
}

static long set_vring_num(struct vha_queue *q,
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
	vha_queue_unmap(q);
	return 0;
}

static long set_vring_base(struct vha_queue *q,
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

static long set_vring_addr(struct vha_queue *q,
			   struct vhost_vring_addr __user *argp)
{
	struct vha_log log = q->log;
	struct vhost_vring_addr addr;
	u64 ring[VHA_RING_AREAS];

	if (copy_from_user(&addr, argp, sizeof(addr)))
		return -EFAULT;
	if (addr.flags & ~BIT(VHOST_VRING_F_LOG))
		return -EOPNOTSUPP;
	if (!IS_ALIGNED(addr.avail_user_addr, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(addr.used_user_addr, VRING_USED_ALIGN_SIZE) ||
	    !IS_ALIGNED(addr.log_guest_addr, VRING_USED_ALIGN_SIZE))
		return -EINVAL;

	ring[VHA_RING_DESC] = addr.desc_user_addr;
	ring[VHA_RING_AVAIL] = addr.avail_user_addr;
	ring[VHA_RING_USED] = addr.used_user_addr;
	log.used = addr.flags & BIT(VHOST_VRING_F_LOG);
	log.used_addr = addr.log_guest_addr;
	/* Before the start the size may be missing: it is checked there. */
	if (q->running && (!ring_ok(q, ring) || !used_log_ok(q, &log)))
		return -EINVAL;

	memcpy(q->ring, ring, sizeof(ring));
	q->log = log;
	vha_queue_unmap(q);
	if (q->running) {
		q->broken = false;
		vha_queue_wake(q);
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

static long set_busyloop(struct vha_queue *q,
			 struct vhost_vring_state __user *argp)
{
	struct vhost_vring_state state;

	if (copy_from_user(&state, argp, sizeof(state)))
		return -EFAULT;
	q->busyloop = state.num;
	return 0;
}

#ifdef CONFIG_VHOST_CROSS_ENDIAN_LEGACY

static long set_vring_endian(struct vha_queue *q,
			     struct vhost_vring_state __user *argp)
{
	struct vhost_vring_state state;
	long err;

	err = get_idle_state(q, &state, argp);
	if (err)
		return err;
	if (state.num != VHOST_VRING_LITTLE_ENDIAN &&
	    state.num != VHOST_VRING_BIG_ENDIAN)
		return -EINVAL;
	q->user_be = state.num == VHOST_VRING_BIG_ENDIAN;
	return 0;
}

static long get_vring_endian(struct vha_queue *q,
			     struct vhost_vring_state __user *argp)
{
	return put_state(q, q->user_be ? VHOST_VRING_BIG_ENDIAN :
			 VHOST_VRING_LITTLE_ENDIAN, argp);
}

#else

static long set_vring_endian(struct vha_queue *q,
			     struct vhost_vring_state __user *argp)
{
	return -ENOIOCTLCMD;
}

static long get_vring_endian(struct vha_queue *q,
			     struct vhost_vring_state __user *argp)
{
	return -ENOIOCTLCMD;
}

#endif

static long locked_ioctl(struct vha_queue *q, unsigned int cmd,
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
		return put_state(q, q->last_avail, argp);
	case VHOST_SET_VRING_ENDIAN:
		return set_vring_endian(q, argp);
	case VHOST_GET_VRING_ENDIAN:
		return get_vring_endian(q, argp);
	case VHOST_SET_VRING_BUSYLOOP_TIMEOUT:
		return set_busyloop(q, argp);
	case VHOST_GET_VRING_BUSYLOOP_TIMEOUT:
		return put_state(q, q->busyloop, argp);
	case VHOST_SET_VRING_CALL:
		return set_vring_signal(&q->call, argp);
	case VHOST_SET_VRING_ERR:
		return set_vring_signal(&q->err, argp);
	default:
		return -ENOIOCTLCMD;
	}
}

/*
 * Watch *@filep, which may be NULL, instead of the kick, and get the old one
 * there; on failure all is as before.
 */
static long swap_kick(struct vha_queue *q, struct file **filep)
{
	struct file *file = *filep;
	long err = 0;

	lockdep_assert_held(&q->mutex);
	if (file == q->kick)
		return 0;
	vha_poll_stop(&q->kick_poll);
	if (file)
		err = vha_poll_start(&q->kick_poll, q->worker, file);
	if (!err)
		swap(q->kick, *filep);
	else if (q->kick)
		vha_poll_start(&q->kick_poll, q->worker, q->kick);
	return err;
}

/*
 * Replace the kick. When this is done nothing runs that the old one began, so
 * that its owner may give it to somebody else.
 */
static long set_vring_kick(struct vha_queue *q,
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
		vha_worker_flush(q->worker);
		fput(file);
	}
	return err;
}

/**
 * vha_queue_ioctl() - carry out a command of a queue
 * @q: the queue; the device's mutex is held
 * @cmd: the command
 * @argp: its argument, whose index has been read
 *
 * Return: 0 or an error of the command; -ENOIOCTLCMD for an unknown one.
 */
long vha_queue_ioctl(struct vha_queue *q, unsigned int cmd,
		     void __user *argp)
{
	long err;

	if (cmd == VHOST_SET_VRING_KICK)
		return set_vring_kick(q, argp);
	mutex_lock(&q->mutex);
	err = locked_ioctl(q, cmd, argp);
	mutex_unlock(&q->mutex);
	return err;
}
