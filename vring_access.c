// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access to a ring that is not contiguous in the owner's memory, logging of
 * writes to it, and reads on behalf of an observer.
 */
#include <linux/highmem.h>
#include <linux/mm.h>

#include "vring_access.h"

/**
 * vha_ring_missed() - record the address that the device IOTLB lacks
 * @ring: the ring, with its lock held
 * @addr: start of a range that is not fully mapped
 * @perm: the access that was wanted
 *
 * Return: -EINPROGRESS. The caller that sees it asks the owner for the entry.
 */
int vha_ring_missed(struct vha_ring *ring, u64 addr, u8 perm)
{
	lockdep_assert_held(ring->lock);
	ring->missed = vha_iotlb_gap(ring->iotlb, addr);
	ring->missed_perm = perm;
	return -EINPROGRESS;
}

/* ---- access piece by piece ---- */

/*
 * Find the region of @addr, and limit @len to the part that lies in it.
 *
 * Return: the region; ERR_PTR(-EINPROGRESS) if there is none; ERR_PTR(-EFAULT)
 * if it forbids the access.
 */
static const struct vha_region *piece_at(struct vha_ring *ring, u64 addr,
					 u8 perm, size_t *len)
{
	const struct vha_region *region;

	region = vha_iotlb_find(ring->iotlb, addr);
	if (!region)
		return ERR_PTR(vha_ring_missed(ring, addr, perm));
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
 * vha_ring_read_scattered() - read from a ring, translating each access
 * @ring: the ring
 * @to: destination
 * @from: the guest's address
 * @len: bytes; an aligned word of 16 bits is read in a single access
 *
 * Return: 0; -EINPROGRESS if the device IOTLB lacks an entry; -EFAULT.
 */
int vha_ring_read_scattered(struct vha_ring *ring, void *to,
			    const void __user *from, size_t len)
{
	const struct vha_region *region;
	u64 addr = (unsigned long)from;
	size_t piece;

	for (; len; addr += piece, to += piece, len -= piece) {
		piece = len;
		region = piece_at(ring, addr, VHOST_ACCESS_RO, &piece);
		if (IS_ERR(region))
			return PTR_ERR(region);
		if (read_piece(to, vha_region_user(region, addr), piece))
			return -EFAULT;
	}
	return 0;
}

/**
 * vha_ring_write_scattered() - write to a ring, translating each access
 * @ring: the ring
 * @to: the guest's address
 * @from: source
 * @len: bytes; an aligned word of 16 bits is written in a single access
 *
 * Return: 0; -EINPROGRESS if the device IOTLB lacks an entry; -EFAULT.
 */
int vha_ring_write_scattered(struct vha_ring *ring, void __user *to,
			     const void *from, size_t len)
{
	const struct vha_region *region;
	u64 addr = (unsigned long)to;
	size_t piece;

	for (; len; addr += piece, from += piece, len -= piece) {
		piece = len;
		region = piece_at(ring, addr, VHOST_ACCESS_WO, &piece);
		if (IS_ERR(region))
			return PTR_ERR(region);
		if (write_piece(vha_region_user(region, addr), from, piece))
			return -EFAULT;
	}
	return 0;
}

/* ---- the dirty log ---- */

static int log_by_user_address(struct vha_ring *ring, const void __user *at,
			       size_t len)
{
	const struct vha_region *region;
	u64 addr = (unsigned long)at;
	size_t piece;
	int err = 0;

	if (!ring->scattered)
		return vha_log_write_user(&ring->log, ring->memory, addr, len);
	for (; !err && len; addr += piece, len -= piece) {
		piece = len;
		region = piece_at(ring, addr, VHOST_ACCESS_WO, &piece);
		if (IS_ERR(region))
			return PTR_ERR(region);
		err = vha_log_write_user(&ring->log, ring->memory,
					 region->uaddr + (addr - region->start),
					 piece);
	}
	return err;
}

/**
 * vha_ring_log_user() - log a written part by its place in the owner's memory
 * @ring: the ring, whose writes are to be logged
 * @at: the pointer by which it was written
 * @len: bytes
 *
 * Return: 0, or -EFAULT if the log could not be written.
 */
int vha_ring_log_user(struct vha_ring *ring, const void __user *at, size_t len)
{
	int err = log_by_user_address(ring, at, len);

	vha_log_written(&ring->log, len);
	return err;
}

/**
 * vha_ring_log_area() - log that a part of an area was written
 * @ring: the ring, whose writes are to be logged
 * @at: the pointer by which it was written
 * @addr: its guest-physical address; used without a device IOTLB
 * @len: bytes
 *
 * Return: 0, or -EFAULT if the log could not be written.
 */
int vha_ring_log_area(struct vha_ring *ring, const void __user *at, u64 addr,
		      size_t len)
{
	int err;

	if (ring->iotlb)
		return vha_ring_log_user(ring, at, len);
	err = vha_log_write(&ring->log, addr, len);
	vha_log_written(&ring->log, len);
	return err;
}

/* ---- reads by an observer ---- */

/*
 * Copy a part of one page of another process, if the page is present. The
 * caller holds its mmap lock.
 */
static int peek_page(struct mm_struct *mm, void *to, unsigned long uaddr,
		     size_t len)
{
	struct page *page;
	void *kaddr;

	lockdep_assert_held(&mm->mmap_lock);
	if (compat_get_page_remote(mm, uaddr, &page) != 1)
		return -EFAULT;
	kaddr = kmap_local_page(page);
	memcpy(to, kaddr + offset_in_page(uaddr), len);
	kunmap_local(kaddr);
	put_page(page);
	return 0;
}

static int peek_owner(struct mm_struct *mm, void *to, u64 uaddr, size_t len)
{
	size_t piece;
	int err;

	for (; len; uaddr += piece, to += piece, len -= piece) {
		piece = min_t(size_t, len, PAGE_SIZE - offset_in_page(uaddr));
		err = peek_page(mm, to, uaddr, piece);
		if (err)
			return err;
	}
	return 0;
}

/**
 * vha_ring_peek() - read from a ring on behalf of an observer
 * @ring: the ring
 * @mm: the owner's address space, with its mmap lock held
 * @to: destination
 * @addr: an address as the owner gave it
 * @len: bytes
 *
 * Callable by any thread, without the ring's lock: the caller holds the
 * device's mutex, which keeps the ring's maps and addresses from changing.
 * Neither the owner nor the worker takes part, so neither can delay the read,
 * and no page is faulted in.
 *
 * Return: 0; -EFAULT if a part is not mapped, not present, or not in the device
 * IOTLB.
 */
int vha_ring_peek(const struct vha_ring *ring, struct mm_struct *mm, void *to,
		  u64 addr, size_t len)
{
	const struct vha_region *region;
	size_t piece;
	int err;

	lockdep_assert_held(&mm->mmap_lock);
	if (!ring->iotlb)
		return peek_owner(mm, to, addr, len);
	for (; len; addr += piece, to += piece, len -= piece) {
		region = vha_iotlb_find(ring->iotlb, addr);
		if (!region || !vha_region_allows(region, VHOST_ACCESS_RO))
			return -EFAULT;
		piece = min_t(u64, len - 1, region->last - addr) + 1;
		err = peek_owner(mm, to,
				 region->uaddr + (addr - region->start),
				 piece);
		if (err)
			return err;
	}
	return 0;
}
