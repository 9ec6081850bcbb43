// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtqueue: its state, and the commands that set it up, which
 * uapi/vhost_alt.h documents.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "trace.h"
#include "vhost_queue.h"

/* ---- life ---- */

/**
 * vha_queue_init() - prepare a queue
 * @q: the queue, zeroed
 * @name: its purpose
 * @fn: serves it
 * @backend_ready: events of the backend that have the queue served
 *
 * Return: 0 or -ENOMEM.
 */
int vha_queue_init(struct vha_queue *q, const char *name,
		   void (*fn)(struct vha_work *), __poll_t backend_ready)
{
	int err;

	err = vha_ring_init(&q->ring, &q->mutex, &q->stats.log_bytes);
	if (err)
		return err;
	q->name = name;
	mutex_init(&q->mutex);
	spin_lock_init(&q->show_lock);
	vha_work_init(&q->work, fn);
	vha_retry_init(&q->retry, &q->work);
	vha_timer_init(&q->timer, &q->work);
	vha_poll_init(&q->kick_poll, &q->work, EPOLLIN, &q->stats.kicks);
	vha_poll_init(&q->backend_poll, &q->work, backend_ready,
		      &q->stats.wakeups);
	vha_queue_reset(q);
	return 0;
}

/**
 * vha_queue_cleanup() - undo vha_queue_init()
 * @q: the queue, which has been reset
 */
void vha_queue_cleanup(struct vha_queue *q)
{
	vha_ring_cleanup(&q->ring);
	mutex_destroy(&q->mutex);
}

/**
 * vha_queue_reset() - return a queue to its state before VHOST_SET_OWNER
 * @q: the queue: not running, its polls, retry and timer stopped, and without a
 *	worker that could use it, or not in use yet
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
	q->call_pending = false;
	q->worker = NULL;
	memset(q->features, 0, sizeof(q->features));
	q->user_be = !virtio_legacy_is_little_endian();
	WRITE_ONCE(q->busyloop, 0);
	WRITE_ONCE(q->moderation, VHA_TIME_DEFAULT);
	WRITE_ONCE(q->adaptive_poll, VHA_TIME_DEFAULT);
	WRITE_ONCE(q->last_run, 0);
	vha_ring_reset(&q->ring);
	vha_queue_reset_stats(q);
}

/**
 * vha_queue_move() - assign the queue to another worker
 * @q: the queue, with its mutex held
 * @worker: the worker
 *
 * Work that was queued before stays with the former worker: the caller flushes
 * that worker before it is freed.
 */
void vha_queue_move(struct vha_queue *q, struct vha_worker *worker)
{
	lockdep_assert_held(&q->mutex);
	WRITE_ONCE(q->worker, worker);
	vha_poll_move(&q->kick_poll, worker);
	vha_poll_move(&q->backend_poll, worker);
	vha_retry_move(&q->retry, worker);
	vha_timer_move(&q->timer, worker);
}

/* ---- features and maps ---- */

/**
 * vha_queue_features_ok() - check whether the queue can use other features
 * @q: the queue; the device's mutex is held, so that it neither starts nor
 *	stops
 * @features: VHA_FEATURE_WORDS words
 *
 * Return: true if it can: the layout of a ring in use does not change.
 */
bool vha_queue_features_ok(const struct vha_queue *q, const u64 *features)
{
	lockdep_assert_held(q->dev_mutex);
	return !q->running || vha_ring_keeps_layout(&q->ring, features[0]);
}

/**
 * vha_queue_set_features() - set the features that the driver accepted
 * @q: the queue, with its mutex held
 * @features: VHA_FEATURE_WORDS words
 */
void vha_queue_set_features(struct vha_queue *q, const u64 *features)
{
	unsigned int i;

	lockdep_assert_held(&q->mutex);
	for (i = 0; i < VHA_FEATURE_WORDS; i++)
		WRITE_ONCE(q->features[i], features[i]);
	vha_ring_set_features(&q->ring, features[0]);
}

/**
 * vha_queue_set_maps() - change how the guest's addresses are translated
 * @q: the queue, with its mutex held
 * @memory: the memory table
 * @iotlb: the device IOTLB, or NULL
 *
 * If this changes the meaning of a running ring's addresses, they are
 * forgotten, and the queue waits for new ones. A ring that could not be
 * accessed is tried again.
 */
void vha_queue_set_maps(struct vha_queue *q, const struct vha_iotlb *memory,
			const struct vha_iotlb *iotlb)
{
	static const u64 none[VHA_RING_AREAS];

	lockdep_assert_held(&q->mutex);
	if (q->running && !q->ring.iotlb != !iotlb)
		vha_ring_set_addr(&q->ring, none);
	vha_ring_set_maps(&q->ring, memory, iotlb);
	if (q->faulted)
		vha_queue_wake(q);
}

/**
 * vha_queue_memory_ok() - check whether the queue can use a memory table
 * @q: the queue, with its mutex held
 * @memory: the table, or NULL
 * @log_all: assume that the queue logs all that it writes
 *
 * Return: true if it can. A queue that is not running is checked at its start.
 */
bool vha_queue_memory_ok(struct vha_queue *q, const struct vha_iotlb *memory,
			 bool log_all)
{
	lockdep_assert_held(&q->mutex);
	if (!q->running)
		return true;
	if (!vha_iotlb_access_ok(memory))
		return false;
	return !(log_all || vha_queue_has(q, VHOST_F_LOG_ALL)) ||
	       vha_log_access_ok(q->ring.log.base, memory);
}

/**
 * vha_queue_log_ok() - check whether the queue could use a log
 * @q: the queue, with its mutex held; it has a memory table
 * @base: the log
 *
 * Return: true if it could.
 */
bool vha_queue_log_ok(struct vha_queue *q, const u8 __user *base)
{
	struct vha_log log = q->ring.log;

	lockdep_assert_held(&q->mutex);
	log.base = (u8 __user *)base;
	return vha_ring_log_ok(&q->ring, &log) &&
	       (!vha_queue_has(q, VHOST_F_LOG_ALL) ||
		vha_log_access_ok(base, q->ring.memory));
}

/**
 * vha_queue_set_log_base() - set where the queue logs
 * @q: the queue, with its mutex held
 * @base: the log, which vha_queue_log_ok() has checked
 *
 * If the queue waits because the former log could not be accessed, it is tried
 * again.
 */
void vha_queue_set_log_base(struct vha_queue *q, u8 __user *base)
{
	lockdep_assert_held(&q->mutex);
	q->ring.log.base = base;
	if (q->faulted)
		vha_queue_wake(q);
}

/**
 * vha_queue_access_ok() - check that all a start needs lies in user memory
 * @q: the queue, with its mutex held
 *
 * Return: true if it does; false without a memory table.
 */
bool vha_queue_access_ok(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	return vha_iotlb_access_ok(q->ring.memory) &&
	       vha_queue_log_ok(q, q->ring.log.base) &&
	       vha_ring_addr_ok(&q->ring, q->ring.addr);
}

/* ---- start and stop ---- */

/**
 * vha_queue_start() - start using the ring
 * @q: the queue, with its mutex held
 *
 * Return: 0, or an error of vha_ring_start(); the queue is as it was then.
 */
int vha_queue_start(struct vha_queue *q)
{
	bool is_le = vha_queue_has(q, VIRTIO_F_VERSION_1) || !q->user_be;
	int err;

	lockdep_assert_held(&q->mutex);
	err = vha_ring_start(&q->ring, is_le);
	if (err)
		return err;
	WRITE_ONCE(q->running, true);
	WRITE_ONCE(q->broken, false);
	return 0;
}

/**
 * vha_queue_stop() - stop using the ring
 * @q: the queue, with its mutex held
 *
 * A worker releases the mutex only after it has given back all chains, except
 * those that it is done with, but could not write to the ring. These are put
 * back here: they are not lost, but their packets are processed again.
 */
void vha_queue_stop(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	vha_retry_stop(&q->retry);
	vha_timer_stop(&q->timer);
	vha_queue_put_back(q, q->ring.batch->done);
	WRITE_ONCE(q->running, false);
	WRITE_ONCE(q->broken, false);
	WRITE_ONCE(q->faulted, false);
	q->call_pending = false;
}

static void report_ring_error(struct vha_queue *q)
{
	q->stats.ring_errors++;
	trace_vhost_alt_ring_error(q->dev_id, q->index);
	if (q->err)
		compat_eventfd_signal(q->err);
}

/**
 * vha_queue_break() - stop using the ring, because it is invalid
 * @q: the queue, with its mutex held
 *
 * The chains that are held are put back, as by vha_queue_fault(). The error
 * eventfd tells the owner, which may start the queue again.
 */
void vha_queue_break(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	vha_queue_put_back(q, vha_ring_finished(&q->ring));
	WRITE_ONCE(q->broken, true);
	report_ring_error(q);
}

/**
 * vha_queue_fault() - pause the ring, because it cannot be accessed
 * @q: the queue, with its mutex held
 *
 * Its memory, or that of its log, may be accessible again soon. The next run
 * begins with vha_queue_resume(). A kick starts it, or else a retry. The chains
 * that are held are put back, except those that the device is done with. The
 * error eventfd tells the owner once per outage.
 *
 * Return: true if this is the first failure of an outage.
 */
bool vha_queue_fault(struct vha_queue *q)
{
	bool first = !q->faulted;

	lockdep_assert_held(&q->mutex);
	vha_queue_put_back(q, vha_ring_finished(&q->ring));
	WRITE_ONCE(q->faulted, true);
	vha_queue_retry(q);
	if (first)
		report_ring_error(q);
	return first;
}

/**
 * vha_queue_set_backend() - publish the name of the backend for observers
 * @q: the queue, with its mutex held
 * @backend: the name and number; both empty without a backend
 */
void vha_queue_set_backend(struct vha_queue *q,
			   const struct vha_queue_backend *backend)
{
	lockdep_assert_held(&q->mutex);
	spin_lock(&q->show_lock);
	q->backend = *backend;
	spin_unlock(&q->show_lock);
	trace_vhost_alt_backend(q->dev_id, q->index, q->running, backend->name);
}

/* ---- the datapath ---- */

static void call_guest(struct vha_queue *q)
{
	q->stats.calls++;
	trace_vhost_alt_call(q->dev_id, q->index);
	if (q->call)
		compat_eventfd_signal(q->call);
	else
		q->call_pending = true;
}

static void completed(struct vha_queue *q, unsigned int n, bool call)
{
	vha_stats_batch(&q->stats, n);
	if (call)
		call_guest(q);
	else
		q->stats.calls_suppressed++;
}

/**
 * vha_queue_complete() - give the oldest held chains to the guest as used
 * @q: the queue, with its mutex held
 * @end: index in the batch past the last of them
 *
 * The guest is interrupted if it wants to be.
 *
 * Return: 0, or -EFAULT as vha_ring_complete().
 */
int vha_queue_complete(struct vha_queue *q, unsigned int end)
{
	unsigned int n = end - q->ring.batch->done;
	bool call;
	int err;

	lockdep_assert_held(&q->mutex);
	if (!n)
		return 0;

	err = vha_ring_complete(&q->ring, end, &call);
	if (unlikely(err && !call))
		return err;
	completed(q, n, call);
	return err;
}

/**
 * vha_queue_resume() - finish what a failed access left undone
 * @q: the queue, with its mutex held, after vha_queue_fault()
 *
 * Return: 0, or -EFAULT as vha_ring_resume().
 */
int vha_queue_resume(struct vha_queue *q)
{
	unsigned int n = vha_ring_held(&q->ring);
	bool call;
	int err;

	lockdep_assert_held(&q->mutex);
	err = vha_ring_resume(&q->ring, &call);
	if (n != vha_ring_held(&q->ring))
		completed(q, n, call);
	return err;
}

/**
 * vha_queue_put_back() - make the youngest held chains available again
 * @q: the queue, with its mutex held
 * @end: index in the batch of the first of them
 */
void vha_queue_put_back(struct vha_queue *q, unsigned int end)
{
	unsigned int n = q->ring.batch->count - end;

	lockdep_assert_held(&q->mutex);
	if (!n)
		return;
	q->stats.put_back += n;
	vha_ring_put_back(&q->ring, end);
}

/**
 * vha_queue_drop() - count a dropped packet, or a chain given back unused
 * @q: the queue, with its mutex held
 * @why: the reason
 */
void vha_queue_drop(struct vha_queue *q, enum vhost_alt_drop why)
{
	lockdep_assert_held(&q->mutex);
	q->stats.drops[why]++;
	trace_vhost_alt_drop(q->dev_id, q->index, why, 1);
}

/**
 * vha_queue_miss() - ask the owner for the entry that the ring missed
 * @q: the queue, with its mutex held; it is served again when the entry arrives
 */
void vha_queue_miss(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	if (vha_miss_queue(&q->miss, q->ring.missed, q->ring.missed_perm))
		q->stats.iotlb_misses++;
	trace_vhost_alt_iotlb_miss(q->dev_id, q->index, q->ring.missed,
				   q->ring.missed_perm);
	vha_misses_wake(q->miss.misses);
}

/* ---- counters ---- */

/**
 * vha_queue_stats() - get a view of the counters since the last reset
 * @q: the queue, with its show_lock held, as long as the view is used
 *
 * Return: the view; the worker may be counting.
 */
struct vha_stats_view vha_queue_stats(const struct vha_queue *q)
{
	lockdep_assert_held(&q->show_lock);
	return (struct vha_stats_view){ .now = &q->stats, .base = &q->base };
}

/**
 * vha_queue_reset_stats() - restart the counters at 0
 * @q: the queue; the worker may be counting
 *
 * The worker is not involved: what it has counted so far is subtracted from now
 * on.
 */
void vha_queue_reset_stats(struct vha_queue *q)
{
	spin_lock(&q->show_lock);
	vha_stats_reset(&q->base, &q->stats);
	spin_unlock(&q->show_lock);
}

/* ---- settings ---- */

/**
 * vha_queue_set_time() - set how long a queue polls, or lets packets gather
 * @q: the queue; the worker may be running it
 * @time: its @busyloop, @moderation or @adaptive_poll
 * @us: microseconds; 0: not at all; VHA_TIME_DEFAULT for the last two
 *
 * Return: true if this is a change.
 */
bool vha_queue_set_time(struct vha_queue *q, u32 *time, u32 us)
{
	bool changed;

	spin_lock(&q->show_lock);
	changed = *time != us;
	WRITE_ONCE(*time, us);
	spin_unlock(&q->show_lock);
	return changed;
}

/* ---- commands ---- */

/* Read the argument of a command that is legal only while the ring is idle. */
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
	return vha_ring_set_num(&q->ring, state.num);
}

static long set_vring_base(struct vha_queue *q,
			   struct vhost_vring_state __user *argp)
{
	struct vhost_vring_state state;
	long err;

	err = get_idle_state(q, &state, argp);
	if (err)
		return err;
	return vha_ring_set_base(&q->ring, state.num);
}

static long set_vring_addr(struct vha_queue *q,
			   struct vhost_vring_addr __user *argp)
{
	struct vha_log log = q->ring.log;
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
	/* Before a start the size may not be set yet: the start checks. */
	if (q->running && (!vha_ring_addr_ok(&q->ring, ring) ||
			   !vha_ring_log_ok(&q->ring, &log)))
		return -EINVAL;

	vha_ring_set_addr(&q->ring, ring);
	q->ring.log = log;
	if (q->running) {
		WRITE_ONCE(q->broken, false);
		vha_queue_wake(q);
	}
	return 0;
}

/*
 * Replace an eventfd that is only ever signalled. @ctxp points to one of the
 * queue's, which the worker reads under the queue's mutex.
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
 * Replace the call eventfd. The guest may wait indefinitely for an interrupt
 * that fell due while there was none, so it is interrupted now.
 */
static long set_vring_call(struct vha_queue *q,
			   struct vhost_vring_file __user *argp)
{
	long err = set_vring_signal(&q->call, argp);

	if (!err && q->call && q->call_pending) {
		q->call_pending = false;
		compat_eventfd_signal(q->call);
	}
	return err;
}

static long set_busyloop(struct vha_queue *q,
			 struct vhost_vring_state __user *argp)
{
	struct vhost_vring_state state;

	if (copy_from_user(&state, argp, sizeof(state)))
		return -EFAULT;
	vha_queue_set_time(q, &q->busyloop, state.num);
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
		return put_state(q, vha_ring_base(&q->ring), argp);
	case VHOST_SET_VRING_ENDIAN:
		return set_vring_endian(q, argp);
	case VHOST_GET_VRING_ENDIAN:
		return get_vring_endian(q, argp);
	case VHOST_SET_VRING_BUSYLOOP_TIMEOUT:
		return set_busyloop(q, argp);
	case VHOST_GET_VRING_BUSYLOOP_TIMEOUT:
		return put_state(q, READ_ONCE(q->busyloop), argp);
	case VHOST_SET_VRING_CALL:
		return set_vring_call(q, argp);
	case VHOST_SET_VRING_ERR:
		return set_vring_signal(&q->err, argp);
	default:
		return -ENOIOCTLCMD;
	}
}

/*
 * Watch *@filep, which may be NULL, instead of the current kick, and return
 * that one in *@filep. On failure nothing changes.
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
 * Replace the kick. When this returns, no run that the old one triggered is in
 * progress, so that its owner may use it for something else.
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
 * vha_queue_ioctl() - execute a command of a queue
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

	lockdep_assert_held(q->dev_mutex);
	if (cmd == VHOST_SET_VRING_KICK)
		return set_vring_kick(q, argp);
	mutex_lock(&q->mutex);
	err = locked_ioctl(q, cmd, argp);
	mutex_unlock(&q->mutex);
	return err;
}
