/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtqueue: a ring, the eventfds that notify of it, the worker that serves
 * it, and its counters. Nothing here knows about networking.
 */
#ifndef VHOST_ALT_QUEUE_H
#define VHOST_ALT_QUEUE_H

#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "uapi/vhost_alt.h"
#include "vhost_miss.h"
#include "vhost_poll.h"
#include "vhost_retry.h"
#include "vhost_stats.h"
#include "vhost_timer.h"
#include "vhost_worker.h"
#include "vring.h"

struct eventfd_ctx;
struct file;
struct vha_dev;

/* Feature bits come in words of 64. */
#define VHA_FEATURE_WORDS	2

/* No time of the queue's own: follow the module parameter. */
#define VHA_TIME_DEFAULT	U32_MAX

/**
 * struct vha_queue_backend - the name of a queue's backend, for observers
 * @name: its name, or empty
 * @index: its number, or 0
 */
struct vha_queue_backend {
	char name[16];
	int index;
};

/**
 * struct vha_queue - one virtqueue
 * @mutex: protects all that follows, unless stated otherwise; taken inside the
 *	device's mutex, in the order of the indices. The worker holds it while
 *	it runs @work.
 * @dev: the device; constant, like @dev_mutex, @dev_id, @index and @name
 * @dev_mutex: the device's mutex
 * @dev_id: the device's id
 * @index: the queue's number within the device
 * @name: the queue's purpose
 * @worker: serves the queue; set while the device has an owner
 * @work: one run of the queue
 * @kick: eventfd by which the guest announces new buffers, or NULL
 * @kick_poll: queues @work when @kick is signalled
 * @backend_poll: queues @work when the backend is ready; started and stopped by
 *	the backend's owner
 * @call: eventfd that interrupts the guest, or NULL
 * @call_pending: an interrupt fell due while @call was NULL; cleared by a stop
 * @err: eventfd that tells the owner that the ring could not be used, or NULL
 * @retry: queues @work again after a failure that may pass
 * @timer: queues @work soon, in place of a wake-up by the backend
 * @running: true while a backend is set: base, size and layout do not change
 * @broken: @running, but the ring is invalid, and is left alone until the next
 *	start or address
 * @faulted: @running, but the ring or its log could not be accessed when it was
 *	last tried
 * @features: the accepted features
 * @user_be: the owner declared legacy rings to be big-endian
 * @moderated: the queue may let packets gather; constant
 * @busyloop: microseconds to poll without sleeping after the last packet; this
 *	and the next two may change at any time, also without @mutex
 * @moderation: microseconds for which packets may gather, or VHA_TIME_DEFAULT
 * @adaptive_poll: microseconds to poll where that pays, or VHA_TIME_DEFAULT
 * @ring: the ring
 * @miss: the entry that the device IOTLB lacks for this queue
 * @kicks_seen: kicks counted when chains were last fetched
 * @last_run: jiffies when the worker last began to run the queue, or 0; read by
 *	observers without a lock
 * @stats: counters; never reset
 * @show_lock: protects @base and @backend against observers, which hold nothing
 *	else; requests set @busyloop, @moderation and @adaptive_poll under it
 * @base: the counters when they were last reset; subtracted when they are shown
 * @backend: what the backend is called; changes under @mutex as well
 */
struct vha_queue {
	struct mutex mutex; /* all of the queue; inside the device's */
	struct vha_dev *dev;
	const struct mutex *dev_mutex;
	u32 dev_id;
	unsigned int index;
	const char *name;

	struct vha_worker *worker;
	struct vha_work work;
	struct file *kick;
	struct vha_poll kick_poll;
	struct vha_poll backend_poll;
	struct eventfd_ctx *call;
	struct eventfd_ctx *err;
	struct vha_retry retry;
	struct vha_timer timer;
	bool call_pending;
	bool running;
	bool broken;
	bool faulted;

	u64 features[VHA_FEATURE_WORDS];
	bool user_be;
	bool moderated;
	u32 busyloop;
	u32 moderation;
	u32 adaptive_poll;

	struct vha_ring ring;
	struct vha_miss miss;
	u64 kicks_seen;
	unsigned long last_run;
	struct vha_stats stats;

	spinlock_t show_lock; /* @base and @backend */
	struct vha_stats base;
	struct vha_queue_backend backend;
};

int vha_queue_init(struct vha_queue *q, const char *name,
		   void (*fn)(struct vha_work *), __poll_t backend_ready);
void vha_queue_cleanup(struct vha_queue *q);
void vha_queue_reset(struct vha_queue *q);
void vha_queue_move(struct vha_queue *q, struct vha_worker *worker);
bool vha_queue_features_ok(const struct vha_queue *q, const u64 *features);
void vha_queue_set_features(struct vha_queue *q, const u64 *features);
void vha_queue_set_maps(struct vha_queue *q, const struct vha_iotlb *memory,
			const struct vha_iotlb *iotlb);
bool vha_queue_memory_ok(struct vha_queue *q, const struct vha_iotlb *memory,
			 bool log_all);
bool vha_queue_log_ok(struct vha_queue *q, const u8 __user *base);
void vha_queue_set_log_base(struct vha_queue *q, u8 __user *base);
bool vha_queue_access_ok(struct vha_queue *q);
int vha_queue_start(struct vha_queue *q);
void vha_queue_stop(struct vha_queue *q);
void vha_queue_break(struct vha_queue *q);
bool vha_queue_fault(struct vha_queue *q);
int vha_queue_resume(struct vha_queue *q);
void vha_queue_set_backend(struct vha_queue *q,
			   const struct vha_queue_backend *backend);
long vha_queue_ioctl(struct vha_queue *q, unsigned int cmd, void __user *argp);

int vha_queue_complete(struct vha_queue *q, unsigned int end);
void vha_queue_put_back(struct vha_queue *q, unsigned int end);
void vha_queue_drop(struct vha_queue *q, enum vhost_alt_drop why);
void vha_queue_miss(struct vha_queue *q);

struct vha_stats_view vha_queue_stats(const struct vha_queue *q);
void vha_queue_reset_stats(struct vha_queue *q);
bool vha_queue_set_time(struct vha_queue *q, u32 *time, u32 us);

/*
 * Return in ns the queue's own time or else that of a module parameter, which
 * is in microseconds and limited to @max.
 */
static inline u64 vha_queue_time(const u32 *own, unsigned int parameter,
				 unsigned int max)
{
	u32 us = READ_ONCE(*own);

	if (us == VHA_TIME_DEFAULT)
		us = min(parameter, max);
	return us * NSEC_PER_USEC;
}

/* Have the worker run the queue. */
static inline void vha_queue_wake(struct vha_queue *q)
{
	vha_worker_queue(q->worker, &q->work);
}

/* Record that a run begins. */
static inline void vha_queue_begin_run(struct vha_queue *q)
{
	q->stats.runs++;
	WRITE_ONCE(q->last_run, jiffies);
}

/* Let the worker run the queue again after a delay. */
static inline void vha_queue_retry(struct vha_queue *q)
{
	q->stats.retries++;
	vha_retry_later(&q->retry, q->worker);
}

/* Record that a run succeeded, which ends an outage. */
static inline void vha_queue_recovered(struct vha_queue *q)
{
	if (unlikely(q->faulted))
		WRITE_ONCE(q->faulted, false);
	vha_retry_succeeded(&q->retry);
}

/* Check whether the driver accepted a feature. */
static inline bool vha_queue_has(const struct vha_queue *q, unsigned int bit)
{
	return q->features[bit / 64] & BIT_ULL(bit % 64);
}

/**
 * vha_queue_fetch() - fetch chains, and count whether a kick announced them
 * @q: the queue
 * @max: limit of the chains
 *
 * Return: as vha_ring_fetch().
 */
static inline int vha_queue_fetch(struct vha_queue *q, unsigned int max)
{
	int n = vha_ring_fetch(&q->ring, max);
	u64 kicks;

	if (n > 0) {
		kicks = READ_ONCE(q->stats.kicks);
		if (q->kicks_seen == kicks)
			q->stats.kicks_suppressed++;
		q->kicks_seen = kicks;
	}
	return n;
}

#endif /* VHOST_ALT_QUEUE_H */
