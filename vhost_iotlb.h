/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps from the addresses that a guest uses to those of the owner's memory.
 * There are two: the memory table, from guest-physical addresses, which is
 * replaced as a whole; and the device IOTLB, from the I/O virtual addresses of
 * a guest with an IOMMU, which is a cache that the owner fills on demand.
 */
#ifndef VHOST_ALT_IOTLB_H
#define VHOST_ALT_IOTLB_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/vhost.h>

/**
 * struct vha_region - guest memory that is contiguous on both sides
 * @node: entry in the tree
 * @subtree_last: the largest @last in the subtree of @node
 * @link: entry in the list, which is sorted by age
 * @start: the guest's first address
 * @last: the guest's last address, not below @start
 * @span: the difference of these two
 * @uaddr: the address in the owner's address space
 * @next: the next region by @start; set if the map has slots
 * @perm: the access allowed: VHOST_ACCESS_RO to read, _WO to write
 */
struct vha_region {
	struct rb_node node;
	u64 subtree_last;
	struct list_head link;
	u64 start;
	u64 last;
	u64 span;
	u64 uaddr;
	const struct vha_region *next;
	u8 perm;
};

/**
 * struct vha_iotlb - a map
 * @tree: its regions by address; they may overlap
 * @regions: its regions by age, oldest first
 * @count: number of regions
 * @max: limit of @count; one more region evicts the oldest
 * @slots: for a memory table of several regions: a hash by address. Slot
 *	(address >> @shift) % @nslots is the first region, by @start, that has
 *	an address in that slot; it need not contain the one looked up.
 * @nslots: number of slots, a power of two
 * @shift: see @slots
 *
 * Workers read it under their queues' mutexes, so it changes only with all of
 * these held.
 */
struct vha_iotlb {
	struct rb_root_cached tree;
	struct list_head regions;
	unsigned int count;
	unsigned int max;
	const struct vha_region **slots;
	unsigned int nslots;
	unsigned int shift;
};

struct vha_iotlb *vha_iotlb_alloc(unsigned int max);
struct vha_iotlb *
vha_iotlb_create(const struct vhost_memory_region *regions,
		 unsigned int nregions);
void vha_iotlb_free(struct vha_iotlb *iotlb);
bool vha_iotlb_access_ok(const struct vha_iotlb *iotlb);
int vha_iotlb_replace(struct vha_iotlb *iotlb, u64 start, u64 last, u64 uaddr,
		      u8 perm);
void vha_iotlb_del(struct vha_iotlb *iotlb, u64 start, u64 last);
const struct vha_region *vha_iotlb_find(const struct vha_iotlb *iotlb,
					u64 addr);
bool vha_iotlb_translate_slot(const struct vha_iotlb *iotlb,
			      const struct vha_region **hint, u64 addr,
			      u64 len, struct iovec *iov);
u64 vha_iotlb_gap(const struct vha_iotlb *iotlb, u64 addr);
int vha_iotlb_extent(const struct vha_iotlb *iotlb, u64 addr, u64 len,
		     u8 perm, void __user **user);

bool vha_iotlb_user_range_ok(u64 uaddr, u64 size);

/* Check whether a region allows an access. */
static inline bool vha_region_allows(const struct vha_region *region,
				     u8 perm)
{
	return (region->perm & perm) == perm;
}

/* Check whether a region holds all @len bytes from @addr on. @len is not 0. */
static inline bool vha_region_holds(const struct vha_region *region,
				    u64 addr, u64 len)
{
	u64 offset = addr - region->start;

	return offset <= region->span && len - 1 <= region->span - offset;
}

/* The owner's address of the guest's address @addr, which is in the region. */
static inline void __user *vha_region_user(const struct vha_region *region,
					   u64 addr)
{
	return (void __user *)(unsigned long)
		(region->uaddr + (addr - region->start));
}

/**
 * vha_iotlb_translate() - find a guest's buffer in the owner's memory
 * @iotlb: the map
 * @hint: in and out: a region of @iotlb that allows all access, or NULL
 * @addr: the guest's address of the buffer
 * @len: its length in bytes; 0 yields no piece
 * @perm: the access wanted: VHOST_ACCESS_RO or _WO
 * @iov: filled with its pieces, one per region that it crosses
 * @max: the room in @iov
 *
 * The user addresses are not checked here, but by the functions that use them.
 *
 * Return: the number of pieces; -EFAULT if part of the buffer is in no region;
 * -EPERM if one forbids it; -EINVAL if the buffer wraps around; -ENOBUFS if
 * @max is too small.
 */
int vha_iotlb_translate(const struct vha_iotlb *iotlb,
			const struct vha_region **hint, u64 addr, u64 len,
			u8 perm, struct iovec *iov, unsigned int max);

/**
 * vha_iotlb_translate_fast() - translate a buffer that lies in one region
 * @hint: as in vha_iotlb_translate(), but not changed
 * @addr: as there
 * @len: as there
 * @iov: filled with one piece, for which there is room
 *
 * In most guests nearly every buffer is in the region of the last one.
 *
 * Return: true if this one is; otherwise vha_iotlb_translate() is to be used.
 */
static inline bool
vha_iotlb_translate_fast(const struct vha_region *hint, u64 addr, u64 len,
			 struct iovec *iov)
{
	if (unlikely(!hint || !len || !vha_region_holds(hint, addr, len)))
		return false;
	iov->iov_base = vha_region_user(hint, addr);
	iov->iov_len = len;
	return true;
}

#endif /* VHOST_ALT_IOTLB_H */
