// SPDX-License-Identifier: GPL-2.0-only
/* What all layouts share: the location of a ring, and its batch. */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vring.h"
#include "vring_access.h"
#include "vring_packed.h"
#include "vring_split.h"

/* ---- set-up ---- */

/**
 * vha_ring_init() - prepare a ring
 * @ring: the ring, zeroed
 * @lock: held by every user of the ring from now on
 * @log_bytes: counts the bytes of guest memory that are logged
 *
 * Return: 0 or -ENOMEM.
 */
int vha_ring_init(struct vha_ring *ring, const struct mutex *lock,
		  u64 *log_bytes)
{
	ring->batch = kvzalloc(sizeof(*ring->batch), GFP_KERNEL_ACCOUNT);
	if (!ring->batch)
		return -ENOMEM;
	ring->lock = lock;
	ring->log.bytes = log_bytes;
	vha_ring_reset(ring);
	return 0;
}

/**
 * vha_ring_cleanup() - undo vha_ring_init()
 * @ring: the ring
 */
void vha_ring_cleanup(struct vha_ring *ring)
{
	kvfree(ring->batch);
}

/**
 * vha_ring_reset() - return a ring to its state before an owner set it up
 * @ring: the ring; not in use, and no chain is held
 */
void vha_ring_reset(struct vha_ring *ring)
{
	vha_log_reset(&ring->log);
	WRITE_ONCE(ring->ops, &vha_ring_split_ops);
	ring->bad_base = false;
	/* One entry, so that masks and sizes computed from it are valid. */
	ring->num = 1;
	memset(ring->addr, 0, sizeof(ring->addr));
	vha_ring_set_features(ring, 0);
	ring->is_le = virtio_legacy_is_little_endian();
	ring->memory = NULL;
	ring->iotlb = NULL;
	vha_ring_unmap(ring);
	ring->ops->reset(ring);
}

/* The layout that features choose. */
static const struct vha_ring_ops *choose_layout(u64 features)
{
	return features & BIT_ULL(VIRTIO_F_RING_PACKED) ?
	       &vha_ring_packed_ops : &vha_ring_split_ops;
}

/**
 * vha_ring_features_ok() - check that features go together
 * @features: the first word of the feature bits
 *
 * Return: true if they do. Virtio 1.2, 6: only a driver of version 1 can use
 * the packed layout.
 */
bool vha_ring_features_ok(u64 features)
{
	return !(features & BIT_ULL(VIRTIO_F_RING_PACKED)) ||
	       features & BIT_ULL(VIRTIO_F_VERSION_1);
}

/**
 * vha_ring_keeps_layout() - check whether features choose the current layout
 * @ring: the ring
 * @features: the first word of the feature bits
 *
 * Return: true if they do; otherwise the ring must not be in use when they are
 * set.
 */
bool vha_ring_keeps_layout(const struct vha_ring *ring, u64 features)
{
	return ring->ops == choose_layout(features);
}

/*
 * Change the layout. The owner may have set size, base and addresses already:
 * they are kept, and checked at the start.
 */
static void set_layout(struct vha_ring *ring, const struct vha_ring_ops *ops)
{
	u32 base = ring->ops->base(ring);

	WRITE_ONCE(ring->ops, ops);
	ops->reset(ring);
	ring->bad_base |= !!ops->set_base(ring, base);
	vha_ring_unmap(ring);
}

/**
 * vha_ring_set_features() - set the features that the driver accepted
 * @ring: the ring
 * @features: the first word of the feature bits
 */
void vha_ring_set_features(struct vha_ring *ring, u64 features)
{
	if (!vha_ring_keeps_layout(ring, features))
		set_layout(ring, choose_layout(features));
	ring->event_idx = features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	ring->in_order = features & BIT_ULL(VIRTIO_F_IN_ORDER);
	ring->notify_on_empty = features & BIT_ULL(VIRTIO_F_NOTIFY_ON_EMPTY);
}

/**
 * vha_ring_set_num() - set the size of a ring
 * @ring: the ring; not in use
 * @num: entries
 *
 * Return: 0, or -EINVAL for a size that the layout does not allow.
 */
int vha_ring_set_num(struct vha_ring *ring, u32 num)
{
	lockdep_assert_held(ring->lock);
	if (!ring->ops->size_ok(num))
		return -EINVAL;
	ring->num = num;
	vha_ring_unmap(ring);
	return 0;
}

/**
 * vha_ring_set_base() - set the position at which a ring continues
 * @ring: the ring; not in use
 * @base: the position, as in &struct vhost_vring_state
 *
 * Return: 0, or -EINVAL for a base that the layout cannot have.
 */
int vha_ring_set_base(struct vha_ring *ring, u32 base)
{
	int err;

	lockdep_assert_held(ring->lock);
	err = ring->ops->set_base(ring, base);
	if (!err)
		ring->bad_base = false;
	return err;
}

/**
 * vha_ring_base() - get the position at which a ring continues
 * @ring: the ring
 *
 * Return: the base for vha_ring_set_base().
 */
u32 vha_ring_base(const struct vha_ring *ring)
{
	lockdep_assert_held(ring->lock);
	return ring->ops->base(ring);
}

/**
 * vha_ring_set_addr() - set the location of a ring
 * @ring: the ring
 * @addr: addresses of its areas; all 0 forgets them
 */
void vha_ring_set_addr(struct vha_ring *ring, const u64 addr[VHA_RING_AREAS])
{
	unsigned int i;

	lockdep_assert_held(ring->lock);
	for (i = 0; i < VHA_RING_AREAS; i++)
		WRITE_ONCE(ring->addr[i], addr[i]);
	vha_ring_unmap(ring);
}

/**
 * vha_ring_set_maps() - change how the guest's addresses are translated
 * @ring: the ring
 * @memory: the memory table
 * @iotlb: the device IOTLB, or NULL
 */
void vha_ring_set_maps(struct vha_ring *ring, const struct vha_iotlb *memory,
		       const struct vha_iotlb *iotlb)
{
	lockdep_assert_held(ring->lock);
	ring->memory = memory;
	ring->iotlb = iotlb;
	vha_ring_unmap(ring);
}

/**
 * vha_ring_unmap() - discard all that was looked up in the maps
 * @ring: the ring, with its lock held, or not in use yet
 *
 * Called after every change of a map, or of the ring's location.
 */
void vha_ring_unmap(struct vha_ring *ring)
{
	ring->hint = NULL;
	ring->mapped = false;
}

/**
 * vha_ring_addr_ok() - check that a ring lies in user address space
 * @ring: the ring, with its size and layout set
 * @addr: addresses of its areas
 *
 * Return: true if it does. With a device IOTLB always true: the guest's
 * addresses are looked up when they are used.
 */
bool vha_ring_addr_ok(const struct vha_ring *ring,
		      const u64 addr[VHA_RING_AREAS])
{
	unsigned int i;

	lockdep_assert_held(ring->lock);
	for (i = 0; !ring->iotlb && i < VHA_RING_AREAS; i++) {
		if (!access_ok(u64_to_user_ptr(addr[i]),
			       ring->ops->area_size(ring, i)))
			return false;
	}
	return true;
}

/**
 * vha_ring_log_ok() - check that the log of the used area lies in user memory
 * @ring: the ring, with its size and layout set
 * @log: the log
 *
 * Return: true if it does. With a device IOTLB the used area is logged by its
 * user address, which the memory table checks.
 */
bool vha_ring_log_ok(const struct vha_ring *ring, const struct vha_log *log)
{
	lockdep_assert_held(ring->lock);
	return ring->iotlb || !log->used ||
	       vha_log_range_ok(log->base, log->used_addr,
				ring->ops->area_size(ring, VHA_RING_USED));
}

/* ---- the location of the ring ---- */

/* Use the addresses as given: untranslated, or translated at each access. */
static void point_to_given(struct vha_ring *ring)
{
	void __user *area[VHA_RING_AREAS];
	unsigned int i;

	for (i = 0; i < VHA_RING_AREAS; i++)
		area[i] = u64_to_user_ptr(ring->addr[i]);
	ring->ops->point(ring, area);
	ring->scattered = ring->iotlb;
}

static bool addr_given(const struct vha_ring *ring)
{
	return ring->addr[VHA_RING_DESC] || ring->addr[VHA_RING_AVAIL] ||
	       ring->addr[VHA_RING_USED];
}

/*
 * Look up the areas in the device IOTLB.
 *
 * Return: 1 if each is contiguous in the owner's memory; 0 if one is not; an
 * error of vha_iotlb_extent(), with -EINPROGRESS for -EFAULT.
 */
static int find_areas(struct vha_ring *ring, void __user *area[VHA_RING_AREAS])
{
	int err, contiguous = 1;
	unsigned int i;
	size_t size;
	u8 perm;

	for (i = 0; i < VHA_RING_AREAS; i++) {
		size = ring->ops->area_size(ring, i);
		perm = ring->ops->area_perm[i];
		err = vha_iotlb_extent(ring->iotlb, ring->addr[i], size, perm,
				       &area[i]);
		if (err == -EFAULT)
			return vha_ring_missed(ring, ring->addr[i], perm);
		if (err < 0)
			return err;
		contiguous &= err;
	}
	return contiguous;
}

/**
 * vha_ring_map_slow() - find the ring again after vha_ring_unmap()
 * @ring: the ring
 *
 * Return: as vha_ring_map().
 */
int vha_ring_map_slow(struct vha_ring *ring)
{
	void __user *area[VHA_RING_AREAS];
	int err;

	lockdep_assert_held(ring->lock);
	ring->denied = false;
	if (!addr_given(ring))
		return 1;
	point_to_given(ring);
	if (ring->iotlb) {
		err = find_areas(ring, area);
		/* Not a miss: the owner would give the same answer again. */
		if (err == -EPERM) {
			ring->denied = true;
			return 1;
		}
		if (err < 0)
			return err == -EINPROGRESS ? err : -EPROTO;
		if (err) {
			ring->ops->point(ring, area);
			ring->scattered = false;
		}
	}
	ring->mapped = true;
	return 0;
}

/**
 * vha_ring_start() - start using a ring
 * @ring: the ring
 * @is_le: its byte order
 *
 * With a device IOTLB, only the start of the used area has to be in it: the
 * rest can be asked for when it is needed.
 *
 * Return: 0; -EINPROGRESS if the device IOTLB lacks even that; -EFAULT if the
 * ring could not be accessed; -EINVAL if the layout does not allow its size or
 * base. On failure its indices and byte order are unchanged.
 */
int vha_ring_start(struct vha_ring *ring, bool is_le)
{
	bool was_le = ring->is_le;
	int err;

	lockdep_assert_held(ring->lock);
	if (ring->bad_base || !ring->ops->size_ok(ring->num))
		return -EINVAL;
	vha_ring_unmap(ring);
	point_to_given(ring);
	ring->is_le = is_le;
	err = ring->ops->start(ring);
	if (err) {
		ring->is_le = was_le;
		return err;
	}
	ring->notify_off = false;
	return 0;
}

/* ---- the batch ---- */

/* Start the batch from its beginning again if no chain is held. */
static void reset_if_empty(struct vha_ring_batch *b)
{
	if (b->done != b->count)
		return;
	b->done = 0;
	b->finished = 0;
	b->count = 0;
	b->niov = 0;
}

/**
 * vha_ring_complete() - give the oldest held chains to the guest as used
 * @ring: the ring
 * @end: index in the batch past the last of them; at least one
 * @call: set to whether the guest is to be interrupted
 *
 * For each chain, @written says how many bytes were written, from the start of
 * its writable pieces. The guest sees all of them at once.
 *
 * Return: 0, or -EFAULT if the ring or its log could not be written. The chains
 * are still held then, for vha_ring_resume(), unless @call is set. In that case
 * the guest can see that they are used, and is to be interrupted even so: there
 * may be no later completion to interrupt it for.
 */
int vha_ring_complete(struct vha_ring *ring, unsigned int end, bool *call)
{
	struct vha_ring_batch *b = ring->batch;
	int err;

	lockdep_assert_held(ring->lock);
	*call = false;
	err = ring->ops->complete(ring, end, call);
	if (unlikely(b->done != end)) {
		b->finished = end;
		return err;
	}
	reset_if_empty(b);
	return err;
}

/**
 * vha_ring_resume() - finish what a failed access left undone
 * @ring: the ring, after vha_ring_complete() or another function has failed
 * @call: set to whether the guest is to be interrupted
 *
 * Return: 0; -EFAULT if the ring or its log cannot be written yet.
 */
int vha_ring_resume(struct vha_ring *ring, bool *call)
{
	struct vha_ring_batch *b = ring->batch;
	int err;

	lockdep_assert_held(ring->lock);
	*call = false;
	err = ring->ops->log_rest(ring);
	if (err || b->finished <= b->done)
		return err;
	return vha_ring_complete(ring, b->finished, call);
}

/**
 * vha_ring_put_back() - make the youngest held chains available again
 * @ring: the ring
 * @end: index in the batch of the first of them; at least one
 */
void vha_ring_put_back(struct vha_ring *ring, unsigned int end)
{
	struct vha_ring_batch *b = ring->batch;

	lockdep_assert_held(ring->lock);
	ring->ops->put_back(ring, b->count - end);
	b->niov = b->chains[end].first;
	b->count = end;
	reset_if_empty(b);
}

/**
 * vha_ring_mark_iov() - mark a buffer of the guest in the log
 * @ring: the ring
 * @iov: its pieces in the owner's memory
 * @len: bytes to mark, from their start
 *
 * This neither counts the bytes nor signals the log's eventfd: that is up to
 * vha_ring_log_iov(), after the write.
 *
 * Return: 0, or -EFAULT if the log could not be written.
 */
int vha_ring_mark_iov(struct vha_ring *ring, const struct iovec *iov,
		      size_t len)
{
	size_t piece;
	int err = 0;

	lockdep_assert_held(ring->lock);
	for (; !err && len; iov++, len -= piece) {
		piece = min(len, iov->iov_len);
		err = vha_log_write_user(&ring->log, ring->memory,
					 (unsigned long)iov->iov_base, piece);
	}
	return err;
}

/**
 * vha_ring_log_iov() - log that a buffer of the guest was written
 * @ring: the ring
 * @iov: its pieces in the owner's memory
 * @len: bytes that were written, from their start
 *
 * Return: 0, or -EFAULT if the log could not be written.
 */
int vha_ring_log_iov(struct vha_ring *ring, const struct iovec *iov, size_t len)
{
	int err = vha_ring_mark_iov(ring, iov, len);

	vha_log_written(&ring->log, len);
	return err;
}

/* ---- for observers ---- */

/**
 * vha_ring_snapshot() - copy the contents of a ring
 * @ring: the ring, whose addresses, size and maps do not change meanwhile
 * @mm: the owner's address space
 * @snap: in: the number of entries wanted; filled in
 *
 * The ring is not affected, and both the guest and the worker may be writing
 * it.
 *
 * Return: 0; -EINVAL if the owner has not given the ring's addresses; -EFAULT
 * as vha_ring_peek(); -EBUSY if the owner is changing its address space.
 */
int vha_ring_snapshot(const struct vha_ring *ring, struct mm_struct *mm,
		      struct vha_ring_snapshot *snap)
{
	int err;

	if (!addr_given(ring))
		return -EINVAL;
	if (!mmap_read_trylock(mm))
		return -EBUSY;
	snap->size = ring->num;
	snap->layout = ring->ops->name;
	err = ring->ops->snapshot(ring, mm, snap);
	mmap_read_unlock(mm);
	return err;
}
