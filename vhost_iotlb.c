// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address translation. Today the map is the memory table of the owner; a lookup
 * is one comparison when the region is that of the last lookup, as it is in
 * all but the strangest guests, and a binary search otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "vhost_iotlb.h"

static int region_cmp(const void *a, const void *b)
{
	const struct vhost_region *x = a, *y = b;

	if (x->start == y->start)
		return 0;
	return x->start < y->start ? -1 : 1;
}

/**
 * vhost_iotlb_create() - build the map of a memory table
 * @regions: as userspace gave them, in any order
 * @nregions: how many; 0 makes a map in which nothing is found
 *
 * Return: the map, or ERR_PTR(): -ENOMEM, or -EFAULT for a region that is empty
 * or wraps around.
 */
struct vhost_iotlb *
vhost_iotlb_create(const struct vhost_memory_region *regions,
		   unsigned int nregions)
{
	struct vhost_iotlb *iotlb;
	unsigned int i;

	iotlb = kvzalloc(struct_size(iotlb, regions, nregions),
			 GFP_KERNEL_ACCOUNT);
	if (!iotlb)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < nregions; i++) {
		u64 start = regions[i].guest_phys_addr;
		u64 size = regions[i].memory_size;

		if (!size || start + size - 1 < start) {
			kvfree(iotlb);
			return ERR_PTR(-EFAULT);
		}
		iotlb->regions[i].start = start;
		iotlb->regions[i].size = size;
		iotlb->regions[i].uaddr = regions[i].userspace_addr;
	}
	iotlb->nregions = nregions;
	sort(iotlb->regions, nregions, sizeof(*iotlb->regions), region_cmp,
	     NULL);
	return iotlb;
}

/**
 * vhost_iotlb_free() - free a map
 * @iotlb: the map, which no queue uses any more; NULL does nothing
 */
void vhost_iotlb_free(struct vhost_iotlb *iotlb)
{
	kvfree(iotlb);
}

/**
 * vhost_iotlb_access_ok() - is all of a map memory that a process can have?
 * @iotlb: the map, or NULL
 *
 * Whether it is mapped is seen when it is touched.
 *
 * Return: false also for no map at all.
 */
bool vhost_iotlb_access_ok(const struct vhost_iotlb *iotlb)
{
	const struct vhost_region *region;
	unsigned int i;

	if (!iotlb)
		return false;

	for (i = 0; i < iotlb->nregions; i++) {
		region = &iotlb->regions[i];
		if (region->uaddr + region->size < region->uaddr)
			return false;
		if (!access_ok(vhost_region_user(region, region->start),
			       region->size))
			return false;
	}
	return true;
}

/**
 * vhost_iotlb_find() - the region that holds an address
 * @iotlb: the map
 * @addr: guest-physical address
 *
 * Return: the region or NULL.
 */
const struct vhost_region *vhost_iotlb_find(const struct vhost_iotlb *iotlb,
					    u64 addr)
{
	unsigned int low = 0, high = iotlb->nregions, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (iotlb->regions[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	/*
	 * The one before @low starts last of those that start at or below
	 * @addr. Regions may overlap, so one that starts earlier may hold it;
	 * this walks further than one step only for addresses that few guests
	 * would name, and never past the table.
	 */
	while (low--) {
		if (vhost_region_holds(&iotlb->regions[low], addr, 1))
			return &iotlb->regions[low];
	}
	return NULL;
}

/**
 * vhost_iotlb_split() - vhost_iotlb_translate() for any buffer
 * @iotlb: as there, like all that follows
 * @hint: in and out
 * @addr: of the buffer
 * @len: of the buffer
 * @iov: filled
 * @max: the room in @iov
 *
 * Return: as vhost_iotlb_translate().
 */
int vhost_iotlb_split(const struct vhost_iotlb *iotlb,
		      const struct vhost_region **hint, u64 addr, u64 len,
		      struct iovec *iov, unsigned int max)
{
	const struct vhost_region *region = *hint;
	unsigned int n = 0;
	u64 piece;

	if (len && addr + len - 1 < addr)
		return -EFAULT;

	while (len) {
		if (!region || !vhost_region_holds(region, addr, 1)) {
			region = vhost_iotlb_find(iotlb, addr);
			if (!region)
				return -EFAULT;
			*hint = region;
		}
		if (n == max)
			return -ENOBUFS;
		piece = min(len, region->size - (addr - region->start));
		iov[n].iov_base = vhost_region_user(region, addr);
		iov[n].iov_len = piece;
		n++;
		addr += piece;
		len -= piece;
	}
	return n;
}
