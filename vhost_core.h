/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device behind an open file, and its queues, as far as they have nothing
 * to do with networking.
 */
#ifndef VHOST_ALT_CORE_H
#define VHOST_ALT_CORE_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_ring.h>

#include "uapi/vhost_alt.h"
#include "vhost_iotlb.h"
#include "vhost_stats.h"
#include "vhost_worker.h"

struct eventfd_ctx;
struct file;
struct seq_file;
struct vhost_dev;
struct vring_batch;
struct vring_ops;

/**
 * struct vhost_queue - one virtqueue
 * @mutex: protects all that follows; taken inside of the device's mutex. The
 *	worker holds it while it runs @work.
 * @dev: the device
 * @index: its number within the device
 * @worker: who serves the queue; set while the device has an owner
 * @work: serve the queue
 * @kick: eventfd by which the guest tells of new buffers, or NULL
 * @kick_poll: queues @work when @kick is signalled
 * @call: eventfd to interrupt the guest, or NULL
 * @err: eventfd to tell the owner that the queue has stopped, or NULL
 * @running: has a backend: ring, base and size do not change
 * @broken: the ring could not be used, and is left alone until the next start
 * @features: as negotiated
 * @is_le: byte order of the ring; constant while @running
 * @iotlb: the device's map; owned by the device
 * @hint: the region of the last lookup, or NULL; belongs to @iotlb
 * @ops: the layout of the ring; constant while @running
 * @num: size of the ring
 * @desc: descriptor table (split), in the owner's memory like the next two
 * @avail: what the driver made available
 * @used: what the device has used
 * @last_avail: split: index of the next available entry to fetch
 * @avail_idx: split: end of the available entries, as read last
 * @last_used: split: index of the next used entry to write
 * @notify_off: the guest was told not to kick
 * @called_valid: a call was decided upon since the start of the ring
 * @batch: room for the chains that are being worked on
 * @stats: counters
 */
struct vhost_queue {
	struct mutex mutex; /* all of the queue; inside of the device's */
	struct vhost_dev *dev;
	unsigned int index;

	struct vhost_worker *worker;
	struct vhost_work work;
	struct file *kick;
	struct vhost_poll kick_poll;
	struct eventfd_ctx *call;
	struct eventfd_ctx *err;
	bool running;
	bool broken;

	u64 features;
	bool is_le;
	const struct vhost_iotlb *iotlb;
	const struct vhost_region *hint;

	const struct vring_ops *ops;
	unsigned int num;
	struct vring_desc __user *desc;
	struct vring_avail __user *avail;
	struct vring_used __user *used;
	u16 last_avail;
	u16 avail_idx;
	u16 last_used;
	bool notify_off;
	bool called_valid;

	struct vring_batch *batch;
	struct vhost_stats stats;
};

/**
 * struct vhost_dev - what every vhost device has
 * @mutex: serializes the commands; protects all that follows
 * @mm: the owner's address space, with a reference to its users; NULL without
 *	an owner
 * @worker: the owner's worker; set together with @mm
 * @iotlb: the memory table, or NULL before it is set
 * @queues: the queues
 * @nqueues: how many
 */
struct vhost_dev {
	struct mutex mutex; /* serializes the commands */
	struct mm_struct *mm;
	struct vhost_worker *worker;
	struct vhost_iotlb *iotlb;
	struct vhost_queue **queues;
	unsigned int nqueues;
};

int vhost_dev_init(struct vhost_dev *dev, struct vhost_queue **queues,
		   unsigned int nqueues);
void vhost_dev_cleanup(struct vhost_dev *dev);
void vhost_dev_flush(struct vhost_dev *dev);
long vhost_dev_set_owner(struct vhost_dev *dev);
long vhost_dev_check_owner(struct vhost_dev *dev);
void vhost_dev_reset_owner(struct vhost_dev *dev);
long vhost_dev_ioctl(struct vhost_dev *dev, unsigned int cmd,
		     void __user *argp);
void vhost_dev_set_features(struct vhost_dev *dev, u64 features);
void vhost_dev_show(struct vhost_dev *dev, struct seq_file *m);

void vhost_queue_init(struct vhost_queue *q, void (*fn)(struct vhost_work *));
bool vhost_queue_access_ok(struct vhost_queue *q);
int vhost_queue_start(struct vhost_queue *q);
void vhost_queue_stop(struct vhost_queue *q);
void vhost_queue_break(struct vhost_queue *q);
void vhost_queue_call(struct vhost_queue *q);

static inline void vhost_queue_wake(struct vhost_queue *q)
{
	vhost_worker_queue(q->worker, &q->work);
}

static inline bool vhost_queue_has(const struct vhost_queue *q, unsigned int bit)
{
	return q->features & BIT_ULL(bit);
}

static inline void vhost_queue_drop(struct vhost_queue *q, enum vhost_drop why)
{
	q->stats.drops[why]++;
}

/*
 * Virtio 1.2, 2.4: ring words are little-endian, or the guest's if legacy.
 * Always inline, for they stand in sections of user access.
 */
static __always_inline u16 vhost16_to_cpu(const struct vhost_queue *q, __virtio16 val)
{
	return __virtio16_to_cpu(q->is_le, val);
}

static __always_inline __virtio16 cpu_to_vhost16(const struct vhost_queue *q, u16 val)
{
	return __cpu_to_virtio16(q->is_le, val);
}

static __always_inline u32 vhost32_to_cpu(const struct vhost_queue *q, __virtio32 val)
{
	return __virtio32_to_cpu(q->is_le, val);
}

static __always_inline __virtio32 cpu_to_vhost32(const struct vhost_queue *q, u32 val)
{
	return __cpu_to_virtio32(q->is_le, val);
}

static __always_inline u64 vhost64_to_cpu(const struct vhost_queue *q, __virtio64 val)
{
	return __virtio64_to_cpu(q->is_le, val);
}

#endif /* VHOST_ALT_CORE_H */
