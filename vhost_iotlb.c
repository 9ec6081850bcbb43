// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address translation. A lookup is one comparison if the region is that of the
 * last lookup, as in nearly all guests without an IOMMU. Otherwise a memory
 * table has an array that knows most regions. A tree has all of them.
 */

#include <linux/interval_tree_generic.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vhost_iotlb.h"

#define REGION_START(region)	((region)->start)
#define REGION_LAST(region)	((region)->last)

INTERVAL_TREE_DEFINE(struct vha_region, node, u64, subtree_last,
		     REGION_START, REGION_LAST, static inline, region_tree)

/**
 * vha_iotlb_alloc() - allocate an empty map
 * @max: limit of its regions
 *
 * Return: the map, or NULL if there is no memory.
 */
struct vha_iotlb *vha_iotlb_alloc(unsigned int max)
{
	struct vha_iotlb *iotlb;

	iotlb = kzalloc(sizeof(*iotlb), GFP_KERNEL_ACCOUNT);
	if (!iotlb)
		return NULL;
	iotlb->tree = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&iotlb->regions);
	iotlb->max = max;
	return iotlb;
}

static void remove_region(struct vha_iotlb *iotlb, struct vha_region *region)
{
	region_tree_remove(region, &iotlb->tree);
	list_del(&region->link);
	iotlb->count--;
	kfree(region);
}

/**
 * vha_iotlb_free() - free a map
 * @iotlb: the map, which is no longer in use, or NULL
 */
void vha_iotlb_free(struct vha_iotlb *iotlb)
{
	struct vha_region *region, *next;

	if (!iotlb)
		return;
	list_for_each_entry_safe(region, next, &iotlb->regions, link)
		kfree(region);
	kvfree(iotlb->slots);
	kfree(iotlb);
}

static struct vha_region *alloc_region(u64 start, u64 last, u64 uaddr, u8 perm)
{
	struct vha_region *region;

	region = kmalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return NULL;
	region->start = start;
	region->last = last;
	region->span = last - start;
	region->uaddr = uaddr;
	region->perm = perm;
	return region;
}

/* If the map is full, the oldest region is evicted. */
static void insert_region(struct vha_iotlb *iotlb, struct vha_region *region)
{
	if (iotlb->count == iotlb->max)
		remove_region(iotlb, list_first_entry(&iotlb->regions,
						      struct vha_region,
						      link));
	region_tree_insert(region, &iotlb->tree);
	list_add_tail(&region->link, &iotlb->regions);
	iotlb->count++;
}

/**
 * vha_iotlb_del() - remove every region that overlaps a range
 * @iotlb: the map
 * @start: first address of the range
 * @last: last address of the range
 *
 * No part of a region that extends beyond the range is kept: the map is a
 * cache.
 */
void vha_iotlb_del(struct vha_iotlb *iotlb, u64 start, u64 last)
{
	struct vha_region *region;

	while ((region = region_tree_iter_first(&iotlb->tree, start, last)))
		remove_region(iotlb, region);
}

/**
 * vha_iotlb_replace() - add a region in place of every one that overlaps it
 * @iotlb: the map; if it is full, the oldest region is evicted
 * @start: the guest's first address
 * @last: the guest's last address, not below @start
 * @uaddr: the owner's address
 * @perm: the access allowed
 *
 * Return: 0, or -ENOMEM; the map is unchanged then.
 */
int vha_iotlb_replace(struct vha_iotlb *iotlb, u64 start, u64 last, u64 uaddr,
		      u8 perm)
{
	struct vha_region *region = alloc_region(start, last, uaddr, perm);

	if (!region)
		return -ENOMEM;
	vha_iotlb_del(iotlb, start, last);
	insert_region(iotlb, region);
	return 0;
}

/* Regions of a memory table may overlap. */
static int add_table_region(struct vha_iotlb *iotlb,
			    const struct vhost_memory_region *from)
{
	u64 last = from->guest_phys_addr + from->memory_size - 1;
	struct vha_region *region;

	if (!from->memory_size || last < from->guest_phys_addr)
		return -EFAULT;
	region = alloc_region(from->guest_phys_addr, last,
			      from->userspace_addr, VHOST_ACCESS_RW);
	if (!region)
		return -ENOMEM;
	insert_region(iotlb, region);
	return 0;
}

/* Put a region into all slots of its addresses. */
static void fill_slots(struct vha_iotlb *iotlb, const struct vha_region *region)
{
	u64 at = region->start >> iotlb->shift;
	u64 n = (region->last >> iotlb->shift) - at;
	u64 i;

	for (i = 0; i <= n && i < iotlb->nslots; i++)
		iotlb->slots[(at + i) & (iotlb->nslots - 1)] = region;
}

/*
 * Give a memory table its slots. Regions of about the same size, such as many
 * DIMMs, get at least one each.
 */
static int make_slots(struct vha_iotlb *iotlb)
{
	struct vha_region *region, *next = NULL;
	struct rb_node *node;
	u64 average = 0, rest = 0;

	if (iotlb->count < 2)
		return 0;
	/* Their sum may overflow. */
	list_for_each_entry(region, &iotlb->regions, link) {
		average += region->span / iotlb->count;
		rest += region->span % iotlb->count;
	}
	average += rest / iotlb->count;
	iotlb->shift = ilog2(average + 1);
	iotlb->nslots = roundup_pow_of_two(2 * iotlb->count);
	iotlb->slots = kvcalloc(iotlb->nslots, sizeof(*iotlb->slots),
				GFP_KERNEL_ACCOUNT);
	if (!iotlb->slots)
		return -ENOMEM;
	/* From the last to the first, which stays. */
	for (node = rb_last(&iotlb->tree.rb_root); node; node = rb_prev(node)) {
		region = rb_entry(node, struct vha_region, node);
		region->next = next;
		next = region;
		fill_slots(iotlb, region);
	}
	return 0;
}

/**
 * vha_iotlb_create() - make the map of a memory table
 * @regions: the regions as userspace gave them, in any order
 * @nregions: their number; a map of 0 regions translates nothing
 *
 * Return: the map, or ERR_PTR(): -ENOMEM, or -EFAULT for a region that is empty
 * or wraps around.
 */
struct vha_iotlb *
vha_iotlb_create(const struct vhost_memory_region *regions,
		 unsigned int nregions)
{
	struct vha_iotlb *iotlb;
	unsigned int i;
	int err = 0;

	iotlb = vha_iotlb_alloc(nregions);
	if (!iotlb)
		return ERR_PTR(-ENOMEM);

	for (i = 0; !err && i < nregions; i++)
		err = add_table_region(iotlb, &regions[i]);
	if (!err)
		err = make_slots(iotlb);
	if (err) {
		vha_iotlb_free(iotlb);
		return ERR_PTR(err);
	}
	return iotlb;
}

/**
 * vha_iotlb_user_range_ok() - check that a range lies in user address space
 * @uaddr: its start
 * @size: its bytes, not 0
 *
 * Return: true if it does. Whether it is mapped shows when it is accessed.
 */
bool vha_iotlb_user_range_ok(u64 uaddr, u64 size)
{
	return uaddr + size - 1 >= uaddr &&
	       access_ok(u64_to_user_ptr(uaddr), size);
}

/**
 * vha_iotlb_access_ok() - check that all of a map lies in user address space
 * @iotlb: the map, or NULL
 *
 * Return: true if it does; false without a map.
 */
bool vha_iotlb_access_ok(const struct vha_iotlb *iotlb)
{
	const struct vha_region *region;

	if (!iotlb)
		return false;
	list_for_each_entry(region, &iotlb->regions, link) {
		if (!vha_iotlb_user_range_ok(region->uaddr,
					     region->span + 1))
			return false;
	}
	return true;
}

/*
 * Return the region that may contain an address, or NULL. If the slot's region
 * ends below it, that is the next one.
 */
static const struct vha_region *look_in_slots(const struct vha_iotlb *iotlb,
					      u64 addr)
{
	const struct vha_region *region;

	if (!iotlb->slots)
		return NULL;
	region = iotlb->slots[(addr >> iotlb->shift) & (iotlb->nslots - 1)];
	if (region && addr > region->last)
		region = region->next;
	return region;
}

/**
 * vha_iotlb_find() - find the region that contains an address
 * @iotlb: the map
 * @addr: the guest's address
 *
 * Return: the region or NULL. If there are several, the one that starts first.
 */
const struct vha_region *vha_iotlb_find(const struct vha_iotlb *iotlb,
					u64 addr)
{
	/* The search changes nothing, but its argument is not const. */
	struct rb_root_cached *tree = (struct rb_root_cached *)&iotlb->tree;
	const struct vha_region *region = look_in_slots(iotlb, addr);

	if (region && addr - region->start <= region->span)
		return region;
	return region_tree_iter_first(tree, addr, addr);
}

/**
 * vha_iotlb_translate_slot() - translate a buffer that lies in another region
 * @iotlb: the map
 * @hint: as in vha_iotlb_translate(); the buffer is not in it
 * @addr: as there
 * @len: as there
 * @iov: filled with one piece, for which there is room
 *
 * Return: true if the region is in the slots; otherwise vha_iotlb_translate()
 * is to be used.
 */
bool vha_iotlb_translate_slot(const struct vha_iotlb *iotlb,
			      const struct vha_region **hint, u64 addr,
			      u64 len, struct iovec *iov)
{
	const struct vha_region *region = look_in_slots(iotlb, addr);

	if (!vha_iotlb_translate_fast(region, addr, len, iov))
		return false;
	/* All access is allowed: only memory tables have slots. */
	*hint = region;
	return true;
}

/**
 * vha_iotlb_gap() - find the first address that is in no region
 * @iotlb: the map
 * @addr: where to start
 *
 * Return: the address; 0 if there is none.
 */
u64 vha_iotlb_gap(const struct vha_iotlb *iotlb, u64 addr)
{
	const struct vha_region *region;

	do {
		region = vha_iotlb_find(iotlb, addr);
		if (!region)
			break;
		addr = region->last + 1;
	} while (addr);
	return addr;
}

/**
 * vha_iotlb_extent() - find a range, and check whether it is contiguous
 * @iotlb: the map
 * @addr: the guest's address of the range
 * @len: its bytes, not 0
 * @perm: the access wanted
 * @user: set to its start in the owner's memory
 *
 * Return: 1 if it is contiguous there; 0 if not; -EFAULT, -EPERM or -EINVAL as
 * vha_iotlb_translate().
 */
int vha_iotlb_extent(const struct vha_iotlb *iotlb, u64 addr, u64 len,
		     u8 perm, void __user **user)
{
	const struct vha_region *region;
	void __user *next = NULL, *at;
	bool whole = true;
	u64 piece;

	if (addr + len - 1 < addr)
		return -EINVAL;
	for (; len; addr += piece, len -= piece) {
		region = vha_iotlb_find(iotlb, addr);
		if (!region)
			return -EFAULT;
		if (!vha_region_allows(region, perm))
			return -EPERM;
		at = vha_region_user(region, addr);
		if (!next)
			*user = at;
		else if (next != at)
			whole = false;
		piece = min(len - 1, region->last - addr) + 1;
		next = at + piece;
	}
	return whole;
}

/* Documented in the header, next to its fast variant. */
int vha_iotlb_translate(const struct vha_iotlb *iotlb,
			const struct vha_region **hint, u64 addr, u64 len,
			u8 perm, struct iovec *iov, unsigned int max)
{
	const struct vha_region *region;
	unsigned int n = 0;
	u64 piece;

	if (len && addr + len - 1 < addr)
		return -EINVAL;

	for (; len; addr += piece, len -= piece) {
		region = vha_iotlb_find(iotlb, addr);
		if (!region)
			return -EFAULT;
		if (!vha_region_allows(region, perm))
			return -EPERM;
		if (n == max)
			return -ENOBUFS;
		if (vha_region_allows(region, VHOST_ACCESS_RW))
			*hint = region;
		/* min() before + 1: the size of 2^64 bytes overflows u64. */
		piece = min(len - 1, region->last - addr) + 1;
		iov[n].iov_base = vha_region_user(region, addr);
		iov[n].iov_len = piece;
		n++;
	}
	return n;
}
