/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a ring, whatever its layout. A ring knows guest memory and
 * nothing else: no queue, device, socket or packet.
 */
#ifndef VHOST_ALT_VRING_TYPES_H
#define VHOST_ALT_VRING_TYPES_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_ring.h>

#include "vhost_iotlb.h"
#include "vhost_log.h"

struct mm_struct;
struct vha_ring;

/*
 * Limit of the chains that one pass over the ring fetches. They share its cost,
 * and the decision on one interrupt. More would gain little and delay the first
 * chain.
 */
#define VHA_RING_BATCH		64

/*
 * Limit of the chains held at once, and of all their pieces of memory together.
 * A received packet may need that many buffers.
 */
#define VHA_RING_MAX_HELD	UIO_MAXIOV

/*
 * The descriptors of a batch are read in one go if they are close together.
 * Two per chain allow for drivers that send header and packet apart.
 */
#define VHA_RING_SPAN		(2 * VHA_RING_BATCH)

/**
 * enum vha_ring_area - the areas of a ring, by their names in the split layout
 * @VHA_RING_DESC: the descriptor table
 * @VHA_RING_AVAIL: written by the driver
 * @VHA_RING_USED: written by the device
 * @VHA_RING_AREAS: number of areas
 */
enum vha_ring_area {
	VHA_RING_DESC,
	VHA_RING_AVAIL,
	VHA_RING_USED,
	VHA_RING_AREAS,
};

/**
 * struct vha_ring_chain - one buffer of the guest: a chain of descriptors
 * @id: identifies the chain to the guest
 * @bad: the reason why the chain is unusable, or VHA_DROP_NONE
 * @out: pieces that the device reads; they come first
 * @in: pieces that the device writes
 * @first: index of the first piece in the batch's @iov
 * @written: bytes that the device wrote; reported to the guest
 * @size: bytes in all pieces
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
 * struct vha_ring_split_scratch - what the split layout reads and writes
 * @heads: fetch: available entries as read
 * @desc: fetch: the first descriptor of each chain as read
 * @span: fetch: a part of the descriptor table as read
 * @low: fetch: where in the table @span begins; the table's size if @desc holds
 *	the descriptors instead
 * @used: complete: used entries to be written
 * @table: fetch: an indirect table as read
 */
struct vha_ring_split_scratch {
	__virtio16 heads[VHA_RING_BATCH];
	struct vring_desc desc[VHA_RING_BATCH];
	struct vring_desc span[VHA_RING_SPAN];
	unsigned int low;
	struct vring_used_elem used[VHA_RING_BATCH];
	struct vring_desc table[VHA_RING_BATCH];
};

/**
 * struct vha_ring_packed_desc - a descriptor of the packed layout as two words
 * @addr: the guest's address of the buffer
 * @word: from the lowest bit on: u32 length, u16 id, u16 flags
 *
 * Its layout is that of struct vring_packed_desc. A word is read and written
 * in a single access, so that flags and id go together.
 */
struct vha_ring_packed_desc {
	__le64 addr;
	__le64 word;
};

/**
 * struct vha_ring_packed_held - what the packed layout knows of a held chain
 * @head: the word of its first descriptor as read
 * @slots: descriptors of the ring that it takes
 */
struct vha_ring_packed_held {
	__le64 head;
	u16 slots;
};

/**
 * struct vha_ring_packed_scratch - what the packed layout reads and writes
 * @next: fetch: index in @desc of the next descriptor to walk
 * @count: fetch: entries of @desc in use
 * @desc: fetch: a part of the ring as read
 * @table: fetch: an indirect table as read
 * @held: of each chain in the batch
 */
struct vha_ring_packed_scratch {
	unsigned int next;
	unsigned int count;
	struct vha_ring_packed_desc desc[VHA_RING_SPAN];
	struct vha_ring_packed_desc table[VHA_RING_BATCH];
	struct vha_ring_packed_held held[VHA_RING_MAX_HELD];
};

/**
 * struct vha_ring_batch - the chains that are held, oldest first
 * @done: index of the oldest chain that is still held
 * @finished: index past the chains that the device is done with, but that could
 *	not be written to the ring as used; at most @done if there are none
 * @count: index past the youngest chain
 * @niov: entries of @iov in use
 * @walked: descriptors read since the user of the batch set this to 0
 * @chains: the chains
 * @iov: their pieces, in the order of the chains and without gaps, so that
 *	consecutive chains form one scatter list
 * @split: scratch of the split layout
 * @packed: scratch of the packed layout
 */
struct vha_ring_batch {
	unsigned int done;
	unsigned int finished;
	unsigned int count;
	unsigned int niov;
	unsigned int walked;
	struct vha_ring_chain chains[VHA_RING_MAX_HELD];
	struct iovec iov[VHA_RING_MAX_HELD];
	union {
		struct vha_ring_split_scratch split;
		struct vha_ring_packed_scratch packed;
	};
};

/* Limits of what a snapshot shows of a chain, and of the ring. */
#define VHA_RING_SNAPSHOT_DESCS		8
#define VHA_RING_SNAPSHOT_ENTRIES	64

/**
 * struct vha_ring_snapshot_desc - a descriptor as it is in the table
 * @index: its place in the table
 * @flags: of VRING_DESC_F_*
 * @next: the next descriptor of the chain, if @has_next
 * @has_next: the chain continues at @next, not after this descriptor
 * @len: bytes of the buffer
 * @addr: the guest's address of the buffer
 */
struct vha_ring_snapshot_desc {
	u16 index;
	u16 flags;
	u16 next;
	bool has_next;
	u32 len;
	u64 addr;
};

/**
 * struct vha_ring_snapshot_entry - an available or used entry, as in the ring
 * @index: its index, not wrapped to the ring's size
 * @ndescs: entries of @descs in use
 * @id: head of the chain
 * @len: used entries: bytes that the device wrote
 * @descs: available entries: the chain's descriptors, as many as fit
 */
struct vha_ring_snapshot_entry {
	u16 index;
	u16 ndescs;
	u32 id;
	u32 len;
	struct vha_ring_snapshot_desc descs[VHA_RING_SNAPSHOT_DESCS];
};

/**
 * struct vha_ring_snapshot - the contents of a ring
 * @count: in: number of entries wanted of each kind, at most
 *	VHA_RING_SNAPSHOT_ENTRIES
 * @size: the ring's size
 * @layout: name of the layout
 * @has_idx: @avail_idx and @used_idx are valid
 * @event_idx: @used_event and @avail_event are valid
 * @avail_flags: the driver's flags
 * @avail_idx: the driver's index
 * @used_event: the driver's event index
 * @used_flags: the device's flags
 * @used_idx: the device's index
 * @avail_event: the device's event index
 * @navail: entries of @avail in use
 * @nused: entries of @used in use
 * @avail: the entries that were taken last, oldest first; in the packed layout,
 *	where used ones overwrite them, those to take next
 * @used: the entries that were written last, oldest first
 */
struct vha_ring_snapshot {
	unsigned int count;
	unsigned int size;
	const char *layout;
	bool has_idx;
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
 * struct vha_ring_indices - the progress of a ring
 * @last_avail: index of the next available entry to fetch
 * @avail_idx: end of the available entries, as read last
 * @last_used: index of the next used entry to write
 * @has_wraps: the layout has wrap counters: the indices wrap at the ring's size
 * @avail_wrap: the wrap counter of @last_avail
 * @used_wrap: the wrap counter of @last_used
 */
struct vha_ring_indices {
	u16 last_avail;
	u16 avail_idx;
	u16 last_used;
	bool has_wraps;
	bool avail_wrap;
	bool used_wrap;
};

/**
 * struct vha_ring_ops - the operations of a layout
 * @name: name of the layout
 * @size_ok: check whether a ring may have that many entries
 * @area_size: return the size of an area of the ring in bytes
 * @area_perm: access that the device needs to each area
 * @point: take over the addresses of the areas, translated or not
 * @reset: forget the indices
 * @set_base: see vha_ring_set_base()
 * @base: see vha_ring_base()
 * @indices: fill in the indices; any thread, without a lock
 * @start: read the state that lies in the ring; see vha_ring_start()
 * @fetch: see vha_ring_fetch()
 * @complete: make the chains that vha_ring_complete() is to give back visible
 *	to the guest, and set @done of the batch once they are; decide whether
 *	the guest wants an interrupt. Repeatable after a failure.
 * @log_rest: log what was written while the log was inaccessible
 * @put_back: step back over that many chains, youngest first
 * @enable_kick: see vha_ring_enable_kick()
 * @disable_kick: see vha_ring_disable_kick()
 * @available: see vha_ring_available()
 * @snapshot: see vha_ring_snapshot()
 */
struct vha_ring_ops {
	const char *name;
	bool (*size_ok)(u32 num);
	size_t (*area_size)(const struct vha_ring *ring,
			    enum vha_ring_area area);
	u8 area_perm[VHA_RING_AREAS];
	void (*point)(struct vha_ring *ring,
		      void __user *const area[VHA_RING_AREAS]);
	void (*reset)(struct vha_ring *ring);
	int (*set_base)(struct vha_ring *ring, u32 base);
	u32 (*base)(const struct vha_ring *ring);
	void (*indices)(const struct vha_ring *ring,
			struct vha_ring_indices *indices);
	int (*start)(struct vha_ring *ring);
	int (*fetch)(struct vha_ring *ring, unsigned int max);
	int (*complete)(struct vha_ring *ring, unsigned int end, bool *call);
	int (*log_rest)(struct vha_ring *ring);
	void (*put_back)(struct vha_ring *ring, unsigned int n);
	int (*enable_kick)(struct vha_ring *ring);
	int (*disable_kick)(struct vha_ring *ring);
	int (*available)(struct vha_ring *ring);
	int (*snapshot)(const struct vha_ring *ring, struct mm_struct *mm,
			struct vha_ring_snapshot *snap);
};

/**
 * struct vha_ring_split - the state of a ring in the split layout
 * @desc: descriptor table
 * @avail: available ring, written by the driver
 * @used: used ring, written by the device
 * @last_avail: index of the next available entry to fetch
 * @avail_idx: end of the available entries, as read last
 * @last_used: index of the next used entry to write
 * @called_valid: true once an interrupt was decided on by event index since the
 *	start of the ring
 * @unlogged: the used index was written, but could not be logged
 */
struct vha_ring_split {
	struct vring_desc __user *desc;
	struct vring_avail __user *avail;
	struct vring_used __user *used;
	u16 last_avail;
	u16 avail_idx;
	u16 last_used;
	bool called_valid;
	bool unlogged;
};

/**
 * struct vha_ring_packed - the state of a ring in the packed layout
 * @desc: descriptor ring, written by both sides
 * @driver: driver event suppression area
 * @device: device event suppression area
 * @avail: position of the next available descriptor to fetch
 * @used: position of the next used descriptor to write
 * @seen: position past the descriptors that were seen to be available
 * @drained: the descriptor at @seen was not available when last read
 * @called_valid: as in &struct vha_ring_split
 * @at_event: the driver was asked for a kick at a position, not for each
 * @unlogged: used descriptors from @unlogged_from on were written, but could
 *	not be logged
 * @unlogged_from: position of the first of them
 *
 * A position is an index into the ring with the wrap counter in bit 15.
 */
struct vha_ring_packed {
	struct vha_ring_packed_desc __user *desc;
	struct vring_packed_desc_event __user *driver;
	struct vring_packed_desc_event __user *device;
	u16 avail;
	u16 used;
	u16 seen;
	bool drained;
	bool called_valid;
	bool at_event;
	bool unlogged;
	u16 unlogged_from;
};

/**
 * struct vha_ring - one ring
 * @lock: held by every user of the ring; the queue's mutex
 * @ops: the layout; constant while the ring is in use
 * @num: size of the ring
 * @addr: addresses of the ring's areas as the owner gave them: its own, or the
 *	guest's with @iotlb. All 0 until they are given.
 * @bad_base: the layout has changed since the base was set, and does not allow
 *	that base
 * @event_idx: VIRTIO_RING_F_EVENT_IDX
 * @in_order: VIRTIO_F_IN_ORDER
 * @notify_on_empty: VIRTIO_F_NOTIFY_ON_EMPTY
 * @is_le: byte order; constant while the ring is in use
 * @notify_off: the guest was told not to kick
 * @mapped: the layout's pointers are up to date; see vha_ring_map()
 * @denied: an entry of @iotlb forbids access to the ring
 * @scattered: the layout's pointers are guest addresses, and each access is
 *	translated, since an area is not contiguous in the owner's memory
 * @memory: the memory table
 * @iotlb: the device IOTLB, or NULL without one
 * @hint: the region of the last lookup in vha_ring_translation(), if it allows
 *	all access, or NULL
 * @missed: an address that @iotlb lacks, after -EINPROGRESS
 * @missed_perm: the access that was wanted there
 * @log: where writes to guest memory are logged
 * @batch: the chains that are held
 * @split: private state of the split layout
 * @packed: private state of the packed layout
 */
struct vha_ring {
	const struct mutex *lock;
	const struct vha_ring_ops *ops;
	unsigned int num;
	u64 addr[VHA_RING_AREAS];

	bool bad_base;
	bool event_idx;
	bool in_order;
	bool notify_on_empty;
	bool is_le;
	bool notify_off;

	bool mapped;
	bool denied;
	bool scattered;
	const struct vha_iotlb *memory;
	const struct vha_iotlb *iotlb;
	const struct vha_region *hint;
	u64 missed;
	u8 missed_perm;

	struct vha_log log;
	struct vha_ring_batch *batch;
	union {
		struct vha_ring_split split;
		struct vha_ring_packed packed;
	};
};

/* The map that translates the addresses in descriptors. */
static inline const struct vha_iotlb *
vha_ring_translation(const struct vha_ring *ring)
{
	return ring->iotlb ?: ring->memory;
}

/*
 * Virtio 1.2, 2.7.3: ring words are little-endian, or the guest's if legacy.
 * Always inline: they are used in sections of user access.
 */
static __always_inline u16 vha_ring16_to_cpu(const struct vha_ring *ring,
					     __virtio16 val)
{
	return __virtio16_to_cpu(ring->is_le, val);
}

/* See vha_ring16_to_cpu(). */
static __always_inline __virtio16 vha_ring_cpu_to16(const struct vha_ring *ring,
						    u16 val)
{
	return __cpu_to_virtio16(ring->is_le, val);
}

/* See vha_ring16_to_cpu(). */
static __always_inline u32 vha_ring32_to_cpu(const struct vha_ring *ring,
					     __virtio32 val)
{
	return __virtio32_to_cpu(ring->is_le, val);
}

/* See vha_ring16_to_cpu(). */
static __always_inline __virtio32 vha_ring_cpu_to32(const struct vha_ring *ring,
						    u32 val)
{
	return __cpu_to_virtio32(ring->is_le, val);
}

/* See vha_ring16_to_cpu(). */
static __always_inline u64 vha_ring64_to_cpu(const struct vha_ring *ring,
					     __virtio64 val)
{
	return __virtio64_to_cpu(ring->is_le, val);
}

/* The number of chains that are held. */
static inline unsigned int vha_ring_held(const struct vha_ring *ring)
{
	return ring->batch->count - ring->batch->done;
}

/*
 * The index in the batch past the chains that the device is done with. Those
 * before it must not be put back: their packets would be processed again.
 */
static inline unsigned int vha_ring_finished(const struct vha_ring *ring)
{
	return max(ring->batch->done, ring->batch->finished);
}

/* Check whether there is no room for even the shortest chain. */
static inline bool vha_ring_full(const struct vha_ring *ring)
{
	return ring->batch->count == VHA_RING_MAX_HELD ||
	       ring->batch->niov == VHA_RING_MAX_HELD;
}

#endif /* VHOST_ALT_VRING_TYPES_H */
