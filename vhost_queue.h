/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtqueue, as far as it has nothing to do with networking. */
#ifndef VHOST_ALT_QUEUE_H
#define VHOST_ALT_QUEUE_H

#include <linux/if.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_ring.h>

#include "uapi/vhost_alt.h"
#include "vhost_iotlb.h"
#include "vhost_log.h"
#include "vhost_stats.h"
#include "vhost_worker.h"

struct eventfd_ctx;
struct file;
struct vha_dev;
struct vha_ring_batch;
struct vha_ring_ops;
struct vha_ring_snapshot;

/* The parts of a ring, under the names that they have in the split layout. */
enum vha_ring_area {
	VHA_RING_DESC,
	VHA_RING_AVAIL,
	VHA_RING_USED,
	VHA_RING_AREAS,
};

/* Feature bits come in words of 64. */
#define VHA_FEATURE_WORDS	2

/**
 * enum vha_miss_state - how far the owner is with an IOTLB miss
 * @VHA_MISS_NONE: there is none
 * @VHA_MISS_QUEUED: it has not yet read of it
 * @VHA_MISS_READ: it has
 */
enum vha_miss_state {
	VHA_MISS_NONE,
	VHA_MISS_QUEUED,
	VHA_MISS_READ,
};

/**
 * struct vha_miss - an address for which the device IOTLB has no entry
 * @state: is there one? All is protected by the device's miss_lock.
 * @iova: the address
 * @perm: what is to be done there
 *
 * A queue goes no further than its first miss, so it never has two.
 */
struct vha_miss {
	enum vha_miss_state state;
	u64 iova;
	u8 perm;
};

/**
 * enum vha_request - what a worker is to do in the queue's next turn
 * @VHA_REQUEST_NONE: nothing
 * @VHA_REQUEST_LOOK: look at the ring
 * @VHA_REQUEST_RESET: begin to count anew
 * @VHA_REQUEST_TAKEN: it is doing that
 */
enum vha_request {
	VHA_REQUEST_NONE,
	VHA_REQUEST_LOOK,
	VHA_REQUEST_RESET,
	VHA_REQUEST_TAKEN,
};

/**
 * struct vha_queue - one virtqueue
 * @mutex: protects all that follows, but for what is said there; taken inside
 *	of the device's mutex, and in the order of the indices. The worker holds
 *	it while it runs @work.
 * @dev: the device
 * @index: its number within the device
 * @name: what it is for
 * @worker: who serves the queue; set while the device has an owner
 * @work: serve the queue
 * @kick: eventfd by which the guest tells of new buffers, or NULL
 * @kick_poll: queues @work when @kick is signalled
 * @backend_poll: queues @work when the backend is ready; started and stopped by
 *	who has the backend
 * @call: eventfd to interrupt the guest, or NULL
 * @err: eventfd to tell the owner that the queue has stopped, or NULL
 * @running: has a backend: base and size do not change
 * @broken: @running, but the ring could not be used, and is left alone until
 *	the next start or address
 * @features: as negotiated
 * @user_be: the owner has called the byte order of legacy rings big-endian
 * @is_le: byte order of the ring; constant while @running
 * @busyloop: microseconds to look for more after the last packet, without sleep
 * @memory: the memory table; the device's
 * @iotlb: the device IOTLB, or NULL without one; the device's
 * @hint: the region of the last lookup in vha_queue_map(), if it allows
 *	everything, or NULL
 * @miss: what @iotlb lacks for this queue
 * @log: where writes to guest memory are logged
 * @ops: the layout of the ring; constant while @running
 * @num: size of the ring
 * @ring: addresses of the ring's areas as the owner gave them: his own, or the
 *	guest's with @iotlb. All 0: they are yet to be given.
 * @mapped: @desc, @avail and @used are up to date; see vha_ring_map()
 * @denied: an entry of @iotlb forbids access to the ring
 * @scattered: these are the guest's addresses, and each access is translated,
 *	since an area is not in one piece in the owner's memory
 * @desc: descriptor table (split)
 * @avail: what the driver made available
 * @used: what the device has used
 * @last_avail: split: index of the next available entry to fetch
 * @avail_idx: split: end of the available entries, as read last
 * @last_used: split: index of the next used entry to write
 * @notify_off: the guest was told not to kick
 * @called_valid: a call was decided upon since the start of the ring
 * @kicks_seen: kicks counted when chains were fetched last
 * @ifname: the backend's interface, or empty
 * @ifindex: its index, or 0
 * @batch: room for the chains that are being worked on
 * @request: an enum vha_request: made by who holds the device's mutex, but not
 *	this one; carried out under this one
 * @request_wait: who waits for it to be carried out
 * @look: what was in the ring when that was requested, or NULL; protected by the
 *	device's mutex while there is no request
 * @stats: counters
 */
struct vha_queue {
	struct mutex mutex; /* all of the queue; inside of the device's */
	struct vha_dev *dev;
	unsigned int index;
	const char *name;

	struct vha_worker *worker;
	struct vha_work work;
	struct file *kick;
	struct vha_poll kick_poll;
	struct vha_poll backend_poll;
	struct eventfd_ctx *call;
	struct eventfd_ctx *err;
	bool running;
	bool broken;

	u64 features[VHA_FEATURE_WORDS];
	bool user_be;
	bool is_le;
	u32 busyloop;

	const struct vha_iotlb *memory;
	const struct vha_iotlb *iotlb;
	const struct vha_region *hint;
	struct vha_miss miss;
	struct vha_log log;

	const struct vha_ring_ops *ops;
	unsigned int num;
	u64 ring[VHA_RING_AREAS];
	bool mapped;
	bool denied;
	bool scattered;
	struct vring_desc __user *desc;
	struct vring_avail __user *avail;
	struct vring_used __user *used;
	u16 last_avail;
	u16 avail_idx;
	u16 last_used;
	bool notify_off;
	bool called_valid;
	u64 kicks_seen;

	char ifname[IFNAMSIZ];
	int ifindex;
	struct vha_ring_batch *batch;
	int request;
	wait_queue_head_t request_wait;
	struct vha_ring_snapshot *look;
	struct vha_stats stats;
};

int vha_queue_init(struct vha_queue *q, const char *name,
		   void (*fn)(struct vha_work *), __poll_t backend_ready);
void vha_queue_cleanup(struct vha_queue *q);
void vha_queue_reset(struct vha_queue *q);
void vha_queue_heed(struct vha_queue *q);
int vha_queue_look(struct vha_queue *q, unsigned int count);
int vha_queue_reset_stats(struct vha_queue *q);
void vha_queue_move(struct vha_queue *q, struct vha_worker *worker);
void vha_queue_set_maps(struct vha_queue *q,
			const struct vha_iotlb *memory,
			const struct vha_iotlb *iotlb);
void vha_queue_unmap(struct vha_queue *q);
bool vha_queue_memory_ok(struct vha_queue *q,
			 const struct vha_iotlb *memory, bool log_all);
bool vha_queue_log_ok(struct vha_queue *q, const u8 __user *base);
bool vha_queue_access_ok(struct vha_queue *q);
int vha_queue_start(struct vha_queue *q);
void vha_queue_stop(struct vha_queue *q);
void vha_queue_break(struct vha_queue *q);
void vha_queue_drop(struct vha_queue *q, enum vhost_alt_drop why);
long vha_queue_ioctl(struct vha_queue *q, unsigned int cmd,
		     void __user *argp);

static inline void vha_queue_wake(struct vha_queue *q)
{
	vha_worker_queue(q->worker, &q->work);
}

static inline bool vha_queue_has(const struct vha_queue *q, unsigned int bit)
{
	return q->features[bit / 64] & BIT_ULL(bit % 64);
}

/* By which the addresses in descriptors are translated. */
static inline const struct vha_iotlb *
vha_queue_map(const struct vha_queue *q)
{
	return q->iotlb ?: q->memory;
}

/*
 * Virtio 1.2, 2.4: ring words are little-endian, or the guest's if legacy.
 * Always inline, for they stand in sections of user access.
 */
static __always_inline u16 vha16_to_cpu(const struct vha_queue *q, __virtio16 val)
{
	return __virtio16_to_cpu(q->is_le, val);
}

static __always_inline __virtio16 cpu_to_vha16(const struct vha_queue *q, u16 val)
{
	return __cpu_to_virtio16(q->is_le, val);
}

static __always_inline u32 vha32_to_cpu(const struct vha_queue *q, __virtio32 val)
{
	return __virtio32_to_cpu(q->is_le, val);
}

static __always_inline __virtio32 cpu_to_vha32(const struct vha_queue *q, u32 val)
{
	return __cpu_to_virtio32(q->is_le, val);
}

static __always_inline u64 vha64_to_cpu(const struct vha_queue *q, __virtio64 val)
{
	return __virtio64_to_cpu(q->is_le, val);
}

#endif /* VHOST_ALT_QUEUE_H */
