// SPDX-License-Identifier: GPL-2.0-only
/* What all layouts have in common: where the ring lies, and giving chains back. */

#include "trace.h"
#include "vring.h"

/* ---- where the ring lies ---- */

static void point_to(struct vha_queue *q, void __user *const area[VHA_RING_AREAS])
{
	q->desc = area[VHA_RING_DESC];
	q->avail = area[VHA_RING_AVAIL];
	q->used = area[VHA_RING_USED];
}

/* As the owner gave them: they need no translation, or one for each access. */
static void point_to_given(struct vha_queue *q)
{
	void __user *area[VHA_RING_AREAS];
	unsigned int i;

	for (i = 0; i < VHA_RING_AREAS; i++)
		area[i] = u64_to_user_ptr(q->ring[i]);
	point_to(q, area);
	q->scattered = q->iotlb;
}

static bool ring_given(const struct vha_queue *q)
{
	return q->ring[VHA_RING_DESC] || q->ring[VHA_RING_AVAIL] || q->ring[VHA_RING_USED];
}

/**
 * vha_ring_missed() - note what the device IOTLB lacks
 * @q: the queue
 * @addr: where a range begins that is not all there
 * @perm: what is to be done there
 *
 * Return: -EINPROGRESS. Who gets to see that asks the owner for it.
 */
int vha_ring_missed(struct vha_queue *q, u64 addr, u8 perm)
{
	lockdep_assert_held(&q->mutex);
	q->batch->missed = vha_iotlb_gap(q->iotlb, addr);
	q->batch->missed_perm = perm;
	return -EINPROGRESS;
}

/**
 * vha_ring_map_slow() - vha_ring_map() after a change of the ring's place
 * @q: the queue
 *
 * Return: as vha_ring_map().
 */
int vha_ring_map_slow(struct vha_queue *q)
{
	void __user *area[VHA_RING_AREAS];
	bool whole = true;
	unsigned int i;
	size_t size;
	u8 perm;
	int err;

	lockdep_assert_held(&q->mutex);
	q->denied = false;
	if (!ring_given(q))
		return 1;
	point_to_given(q);
	for (i = 0; q->iotlb && i < VHA_RING_AREAS; i++) {
		size = q->ops->area_size(q, i);
		perm = q->ops->area_perm[i];
		err = vha_iotlb_extent(q->iotlb, q->ring[i], size, perm,
				       &area[i]);
		if (err == -EFAULT)
			return vha_ring_missed(q, q->ring[i], perm);
		/* Asking again would bring the same answer, again and again. */
		if (err == -EPERM)
			q->denied = true;
		if (err < 0)
			return err == -EPERM ? 1 : -EFAULT;
		whole &= err;
	}
	if (q->iotlb && whole) {
		point_to(q, area);
		q->scattered = false;
	}
	q->mapped = true;
	return 0;
}

/**
 * vha_ring_start() - begin to use a ring
 * @q: the queue
 *
 * With a device IOTLB nothing but the start of the used area needs to be known
 * to it: the rest may be asked for when it is needed.
 *
 * Return: 0; -EINPROGRESS if the device IOTLB lacks even that; -EFAULT if the ring
 * could not be accessed.
 */
int vha_ring_start(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	vha_queue_unmap(q);
	point_to_given(q);
	q->called_valid = false;
	return q->ops->start(q);
}

/*
 * The region of @addr, for an access piece by piece: @len is cut to what lies in
 * it. ERR_PTR(-EINPROGRESS) if there is none, ERR_PTR(-EFAULT) if it forbids that.
 */
static const struct vha_region *piece_at(struct vha_queue *q, u64 addr,
					 u8 perm, size_t *len)
{
	const struct vha_region *region;

	region = vha_iotlb_find(q->iotlb, addr);
	if (!region)
		return ERR_PTR(vha_ring_missed(q, addr, perm));
	if (!vha_region_allows(region, perm))
		return ERR_PTR(-EFAULT);
	*len = min_t(u64, *len - 1, region->last - addr) + 1;
	return region;
}

static int read_piece(void *to, const void __user *from, size_t len)
{
	if (len == sizeof(u16) && IS_ALIGNED((unsigned long)from, sizeof(u16)))
		return get_user(*(u16 *)to, (u16 __user *)from);
	return copy_from_user(to, from, len) ? -EFAULT : 0;
}

static int write_piece(void __user *to, const void *from, size_t len)
{
	if (len == sizeof(u16) && IS_ALIGNED((unsigned long)to, sizeof(u16)))
		return put_user(*(u16 *)from, (u16 __user *)to);
	return copy_to_user(to, from, len) ? -EFAULT : 0;
}

/**
 * vha_ring_read_scattered() - read from a ring of which each access is translated
 * @q: the queue
 * @to: where to
 * @from: the guest's address
 * @len: bytes; a word of 16 bits is read in one piece
 *
 * Return: 0; -EINPROGRESS if the device IOTLB lacks an entry; -EFAULT.
 */
int vha_ring_read_scattered(struct vha_queue *q, void *to,
			    const void __user *from, size_t len)
{
	const struct vha_region *region;
	u64 addr = (unsigned long)from;
	size_t piece;

	for (; len; addr += piece, to += piece, len -= piece) {
		piece = len;
		region = piece_at(q, addr, VHOST_ACCESS_RO, &piece);
		if (IS_ERR(region))
			return PTR_ERR(region);
		if (read_piece(to, vha_region_user(region, addr), piece))
			return -EFAULT;
	}
	return 0;
}

/**
 * vha_ring_write_scattered() - write to a ring of which each access is translated
 * @q: the queue
 * @to: the guest's address
 * @from: what
 * @len: bytes; a word of 16 bits is written in one piece
 *
 * Return: 0; -EINPROGRESS if the device IOTLB lacks an entry; -EFAULT.
 */
int vha_ring_write_scattered(struct vha_queue *q, void __user *to,
			     const void *from, size_t len)
{
	const struct vha_region *region;
	u64 addr = (unsigned long)to;
	size_t piece;

	for (; len; addr += piece, from += piece, len -= piece) {
		piece = len;
		region = piece_at(q, addr, VHOST_ACCESS_WO, &piece);
		if (IS_ERR(region))
			return PTR_ERR(region);
		if (write_piece(vha_region_user(region, addr), from, piece))
			return -EFAULT;
	}
	return 0;
}

/* ---- the dirty log ---- */

/* After a write to the log, or to none. */
static int logged(struct vha_queue *q, size_t len, int err)
{
	q->stats.log_bytes += len;
	vha_log_signal(&q->log);
	return err;
}

/* Log a part of the ring by where it lies in the owner's memory. */
static int log_ring_user(struct vha_queue *q, const void __user *at,
			 size_t len)
{
	const struct vha_region *region;
	u64 addr = (unsigned long)at;
	size_t piece;
	int err = 0;

	if (!q->scattered)
		return vha_log_write_user(&q->log, q->memory, addr, len);
	for (; !err && len; addr += piece, len -= piece) {
		piece = len;
		region = piece_at(q, addr, VHOST_ACCESS_WO, &piece);
		if (IS_ERR(region))
			return PTR_ERR(region);
		err = vha_log_write_user(&q->log, q->memory,
					 region->uaddr + (addr - region->start),
					 piece);
	}
	return err;
}

/**
 * vha_ring_log_used() - log that a part of the used area was written
 * @q: the queue, whose used area is to be logged
 * @at: where, by way of @q->used
 * @len: bytes
 *
 * Return: 0, or -EFAULT if the log could not be written.
 */
int vha_ring_log_used(struct vha_queue *q, const void __user *at, size_t len)
{
	u64 offset = at - (const void __user *)q->used;

	if (q->iotlb)
		return logged(q, len, log_ring_user(q, at, len));
	return logged(q, len, vha_log_write(&q->log,
					    q->log.used_addr + offset, len));
}

/**
 * vha_ring_log_iov() - log that a buffer of the guest was written
 * @q: the queue
 * @iov: its pieces in the owner's memory
 * @len: bytes that were written, from their start
 *
 * Return: 0, or -EFAULT if the log could not be written.
 */
int vha_ring_log_iov(struct vha_queue *q, const struct iovec *iov, size_t len)
{
	size_t left = len, piece;
	int err = 0;

	lockdep_assert_held(&q->mutex);
	for (; !err && left; iov++, left -= piece) {
		piece = min(left, iov->iov_len);
		err = vha_log_write_user(&q->log, q->memory,
					 (unsigned long)iov->iov_base, piece);
	}
	return logged(q, len, err);
}

/* ---- giving chains back ---- */

static void call_guest(struct vha_queue *q)
{
	q->stats.calls++;
	trace_vhost_alt_call(q);
	if (q->call)
		compat_eventfd_signal(q->call);
}

/* Nothing is held: begin the batch anew. */
static void batch_reset(struct vha_ring_batch *b)
{
	b->done = 0;
	b->count = 0;
	b->niov = 0;
}

int vha_ring_complete(struct vha_queue *q, unsigned int end)
{
	struct vha_ring_batch *b = q->batch;
	unsigned int n = end - b->done;
	u16 old = q->last_used;
	int err;

	lockdep_assert_held(&q->mutex);
	if (!n)
		return 0;

	err = q->ops->complete(q, end);
	if (unlikely(b->done != end))
		return err;
	if (b->done == b->count)
		batch_reset(b);
	vha_stats_batch(&q->stats, n);
	/* A ring that is left alone now may not have another call to give. */
	if (unlikely(err) || q->ops->want_call(q, old))
		call_guest(q);
	else
		q->stats.calls_suppressed++;
	return err;
}

void vha_ring_put_back(struct vha_queue *q, unsigned int end)
{
	struct vha_ring_batch *b = q->batch;

	lockdep_assert_held(&q->mutex);
	if (b->count == end)
		return;

	q->stats.put_back += b->count - end;
	q->ops->put_back(q, b->count - end);
	b->niov = b->chains[end].first;
	b->count = end;
	if (b->done == b->count)
		batch_reset(b);
}
