/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring as the datapath sees it, whatever its layout: it hands out chains of
 * descriptors in batches, takes them back in batches, in the same order, and
 * knows who wants to be notified.
 *
 * A chain is in one of three states: available (in the ring), held (fetched,
 * in the batch) or used. vha_ring_fetch() makes available chains held;
 * vha_ring_complete() makes held ones used, from the oldest on; vha_ring_put_back()
 * makes them available again, from the youngest on. Nothing else moves a chain,
 * so none gets lost.
 *
 * Every function here is called with the queue's mutex held, by a thread in the
 * owner's address space, on a queue that vha_ring_start() has prepared, after
 * vha_ring_map() has said that the ring is there. -EFAULT means that the ring itself
 * could not be accessed: the caller stops the queue by vha_queue_break().
 * -EINPROGRESS means that the device IOTLB lacks an entry, of which the batch has
 * taken note: the caller asks the owner for it by vha_msg_miss().
 */
#ifndef VHOST_ALT_VRING_H
#define VHOST_ALT_VRING_H

#include <linux/lockdep.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"
#include "vhost_queue.h"

/*
 * How many chains one pass over the ring takes, and so how many share its cost
 * and the decision on one interrupt. More would gain little and delay the first.
 */
#define VHA_RING_BATCH	64

/*
 * The most chains that are held at once, and the most pieces of memory that
 * they have together. A received packet may need that many buffers.
 */
#define VHA_RING_MAX_HELD	UIO_MAXIOV

/*
 * The descriptors of a batch are read in one go where they lie close together:
 * two for each chain are a driver's that sends header and packet apart.
 */
#define VHA_RING_SPAN	(2 * VHA_RING_BATCH)

/**
 * struct vha_ring_chain - one buffer of the guest: a chain of descriptors
 * @id: by which the guest knows it
 * @bad: why it cannot be used, or VHA_DROP_NONE
 * @out: pieces that the device reads; they come first
 * @in: pieces that the device writes
 * @first: index of its first piece in the batch's @iov
 * @size: bytes in all pieces
 * @written: bytes that the device wrote; reported to the guest
 */
struct vha_ring_chain {
	u16 id;
	u16 bad;
	u16 out;
	u16 in;
	u16 first;
	u32 written;
	u64 size;
};

/**
 * struct vha_ring_batch - the chains that are held, oldest first
 * @done: index of the oldest chain that is still held
 * @count: index behind the youngest one
 * @niov: how much of @iov is in use
 * @walked: descriptors read since the user of the batch set this to 0
 * @missed: an address that the device IOTLB does not know, after -EINPROGRESS
 * @missed_perm: what was to be done there
 * @chains: the chains
 * @iov: their pieces, in the order of the chains and without gaps, so that
 *	chains that follow each other make one scatter list
 * @heads: scratch of fetch: available entries as read
 * @desc: scratch of fetch: the first descriptors of chains as read
 * @span: scratch of fetch: a part of the descriptor table as read
 * @low: scratch of fetch: where in the table @span begins; the table's size if
 *	@desc holds the descriptors instead
 * @used: scratch of complete: used entries to be written
 * @table: scratch of fetch: an indirect table as read
 */
struct vha_ring_batch {
	unsigned int done;
	unsigned int count;
	unsigned int niov;
	unsigned int walked;
	u64 missed;
	u8 missed_perm;
	struct vha_ring_chain chains[VHA_RING_MAX_HELD];
	struct iovec iov[VHA_RING_MAX_HELD];
	__virtio16 heads[VHA_RING_BATCH];
	struct vring_desc desc[VHA_RING_BATCH];
	struct vring_desc span[VHA_RING_SPAN];
	unsigned int low;
	struct vring_used_elem used[VHA_RING_BATCH];
	struct vring_desc table[VHA_RING_BATCH];
};

/* So much of a ring is shown at the most; of a chain, and of the ring. */
#define VHA_RING_SNAPSHOT_DESCS	8
#define VHA_RING_SNAPSHOT_ENTRIES	64

/**
 * struct vha_ring_snapshot_desc - a descriptor as it is in the table
 * @index: its place there
 * @flags: of VRING_DESC_F_*
 * @next: where the chain goes on, if @flags say so
 * @len: bytes of the buffer
 * @addr: the guest's address of it
 */
struct vha_ring_snapshot_desc {
	u16 index;
	u16 flags;
	u16 next;
	u32 len;
	u64 addr;
};

/**
 * struct vha_ring_snapshot_entry - an available or used entry as it is in the ring
 * @index: its index, not cut to the ring's size
 * @ndescs: how many there are in @descs
 * @id: head of the chain
 * @len: used entries: bytes that the device wrote
 * @descs: available entries: the chain's descriptors, as far as they have room
 */
struct vha_ring_snapshot_entry {
	u16 index;
	u16 ndescs;
	u32 id;
	u32 len;
	struct vha_ring_snapshot_desc descs[VHA_RING_SNAPSHOT_DESCS];
};

/**
 * struct vha_ring_snapshot - what is in a ring
 * @count: how many entries of each kind are wanted, at most
 *	VHA_RING_SNAPSHOT_ENTRIES
 * @err: why it could not be read, or 0
 * @event_idx: @used_event and @avail_event are there
 * @avail_flags: the driver's flags
 * @avail_idx: the driver's index
 * @used_event: the driver's event index
 * @used_flags: the device's flags
 * @used_idx: the device's index
 * @avail_event: the device's event index
 * @navail: how many there are in @avail
 * @nused: how many there are in @used
 * @avail: the entries that were taken last, the oldest first
 * @used: the entries that were written last, the oldest first
 */
struct vha_ring_snapshot {
	unsigned int count;
	int err;
	bool event_idx;
	u16 avail_flags;
	u16 avail_idx;
	u16 used_event;
	u16 used_flags;
	u16 used_idx;
	u16 avail_event;
	unsigned int navail;
	unsigned int nused;
	struct vha_ring_snapshot_entry avail[VHA_RING_SNAPSHOT_ENTRIES];
	struct vha_ring_snapshot_entry used[VHA_RING_SNAPSHOT_ENTRIES];
};

/**
 * struct vha_ring_ops - what a layout does
 * @name: what it is called
 * @start: read the state that lies in the ring; see vha_ring_start()
 * @fetch: see vha_ring_fetch()
 * @complete: have the guest see the chains that vha_ring_complete() is to give
 *	back, and set @done of the batch when it does
 * @put_back: step back over that many chains, the youngest first
 * @want_call: does the guest want an interrupt, now that the next used entry is
 *	@last_used and was @old before?
 * @enable_kick: see vha_ring_enable_kick()
 * @disable_kick: see vha_ring_disable_kick()
 * @available: see vha_ring_available()
 * @snapshot: see vha_ring_snapshot()
 * @area_size: bytes in an area of the ring
 * @area_perm: what the device does there
 */
struct vha_ring_ops {
	const char *name;
	int (*start)(struct vha_queue *q);
	int (*fetch)(struct vha_queue *q, unsigned int max);
	int (*complete)(struct vha_queue *q, unsigned int end);
	void (*put_back)(struct vha_queue *q, unsigned int n);
	bool (*want_call)(struct vha_queue *q, u16 old);
	int (*enable_kick)(struct vha_queue *q);
	int (*disable_kick)(struct vha_queue *q);
	int (*available)(struct vha_queue *q);
	int (*snapshot)(struct vha_queue *q, struct vha_ring_snapshot *snap);
	size_t (*area_size)(const struct vha_queue *q, enum vha_ring_area area);
	u8 area_perm[VHA_RING_AREAS];
};

extern const struct vha_ring_ops vha_ring_split_ops;

int vha_ring_start(struct vha_queue *q);
int vha_ring_map_slow(struct vha_queue *q);
int vha_ring_missed(struct vha_queue *q, u64 addr, u8 perm);

/**
 * vha_ring_map() - find the ring in the owner's memory
 * @q: the queue
 *
 * Return: 0; 1 if the owner has not yet said where it is, or forbids access by an
 * entry of the device IOTLB: he has the queue served when he changes that;
 * -EINPROGRESS if the device IOTLB lacks an entry; -EFAULT if the ring wraps around.
 */
static inline int vha_ring_map(struct vha_queue *q)
{
	return likely(q->mapped) ? 0 : vha_ring_map_slow(q);
}

/* Chains have been found: did the guest have to kick for them? */
static inline void vha_ring_count_fetch(struct vha_queue *q)
{
	u64 kicks = READ_ONCE(q->stats.kicks);

	if (q->kicks_seen == kicks)
		q->stats.kicks_suppressed++;
	q->kicks_seen = kicks;
}

/**
 * vha_ring_fetch() - take available chains
 * @q: the queue
 * @max: how many at the most
 *
 * They are appended to the batch. A chain that the guest has built wrongly
 * comes along with its @bad set and no pieces, and is completed like others.
 * The order of the chains is that in which the guest made them available.
 *
 * Return: how many were taken. 0: nothing is available. -ENOSPC: something is,
 * but does not fit beside what is held. -EINPROGRESS: the device IOTLB lacks an
 * entry for the next one. -EFAULT: the ring could not be read, or the guest claims
 * to have made more available than the ring can hold.
 */
static inline int vha_ring_fetch(struct vha_queue *q, unsigned int max)
{
	int n;

	lockdep_assert_held(&q->mutex);
	n = q->ops->fetch(q, max);
	if (n > 0)
		vha_ring_count_fetch(q);
	return n;
}

/**
 * vha_ring_complete() - give the oldest held chains to the guest as used
 * @q: the queue
 * @end: index in the batch behind the last of them
 *
 * For each, @written says how many bytes were written, from the start of its
 * writable pieces. The guest sees all of them at once, and is interrupted if it
 * wants to be.
 *
 * Return: 0, or -EFAULT if the ring or its log could not be written. The chains
 * are held still then, unless the guest could see that they are used.
 */
int vha_ring_complete(struct vha_queue *q, unsigned int end);

/**
 * vha_ring_put_back() - make the youngest held chains available again
 * @q: the queue
 * @end: index in the batch of the first of them
 */
void vha_ring_put_back(struct vha_queue *q, unsigned int end);

/**
 * vha_ring_enable_kick() - ask the guest to kick when it makes chains available
 * @q: the queue, of which nothing is held; chains that the last fetch has seen do
 *	not count as news, also if they were put back
 *
 * Return: 0: the next new chain brings a kick. 1: chains have become available
 * meanwhile, which may bring none. -EFAULT: the ring could not be accessed.
 */
static inline int vha_ring_enable_kick(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	return q->ops->enable_kick(q);
}

/**
 * vha_ring_disable_kick() - tell the guest that a kick is not needed
 * @q: the queue
 *
 * A hint: the guest may kick all the same.
 *
 * Return: 0, or -EFAULT if the ring could not be written.
 */
static inline int vha_ring_disable_kick(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	return q->ops->disable_kick(q);
}

/**
 * vha_ring_available() - look how many chains are available
 * @q: the queue
 *
 * Return: how many, or -EFAULT as vha_ring_fetch().
 */
static inline int vha_ring_available(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	return q->ops->available(q);
}

/**
 * vha_ring_snapshot() - look at what is in the ring
 * @q: the queue
 * @snap: says how much; filled
 *
 * The ring goes on as if nobody had looked, and the guest may be writing it.
 *
 * Return: 0, or -EFAULT or -EINPROGRESS as vha_ring_fetch().
 */
static inline int vha_ring_snapshot(struct vha_queue *q,
				    struct vha_ring_snapshot *snap)
{
	lockdep_assert_held(&q->mutex);
	return q->ops->snapshot(q, snap);
}

int vha_ring_log_iov(struct vha_queue *q, const struct iovec *iov, size_t len);

/* How many chains are held. */
static inline unsigned int vha_ring_held(const struct vha_queue *q)
{
	return q->batch->count - q->batch->done;
}

/* Could not even the shortest chain be held beside those that are? */
static inline bool vha_ring_full(const struct vha_queue *q)
{
	return q->batch->count == VHA_RING_MAX_HELD ||
	       q->batch->niov == VHA_RING_MAX_HELD;
}

/*
 * Access to the ring for its layouts. @from and @to point into an area by way of
 * @desc, @avail or @used of the queue. What is written to the used area is logged
 * if the owner wants that. All return 0, -EFAULT or -EINPROGRESS.
 */
int vha_ring_read_scattered(struct vha_queue *q, void *to,
			    const void __user *from, size_t len);
int vha_ring_write_scattered(struct vha_queue *q, void __user *to,
			     const void *from, size_t len);
int vha_ring_log_used(struct vha_queue *q, const void __user *at, size_t len);

static inline int vha_ring_read(struct vha_queue *q, void *to,
				const void __user *from, size_t len)
{
	if (unlikely(q->scattered))
		return vha_ring_read_scattered(q, to, from, len);
	return compat_copy_from_user(to, from, len) ? -EFAULT : 0;
}

/* One word, in one piece: the guest may be writing it. */
static inline int vha_ring_read16(struct vha_queue *q, u16 *val,
				  const __virtio16 __user *from)
{
	__virtio16 word;
	int err;

	if (unlikely(q->scattered))
		err = vha_ring_read_scattered(q, &word, from, sizeof(word));
	else
		err = get_user(word, from);
	if (unlikely(err))
		return err;
	*val = vha16_to_cpu(q, word);
	return 0;
}

/* Either it is written, or the guest sees nothing of it. */
static inline int vha_ring_write16_unlogged(struct vha_queue *q,
					    __virtio16 __user *to, u16 val)
{
	__virtio16 word = cpu_to_vha16(q, val);

	if (unlikely(q->scattered))
		return vha_ring_write_scattered(q, to, &word, sizeof(word));
	return put_user(word, to);
}

static inline int vha_ring_write16(struct vha_queue *q, __virtio16 __user *to,
				   u16 val)
{
	int err = vha_ring_write16_unlogged(q, to, val);

	if (unlikely(err || !q->log.used))
		return err;
	return vha_ring_log_used(q, to, sizeof(val));
}

#endif /* VHOST_ALT_VRING_H */
