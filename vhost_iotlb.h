/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The map from the addresses that a guest writes into descriptors to the
 * addresses of the owner's memory.
 */
#ifndef VHOST_ALT_IOTLB_H
#define VHOST_ALT_IOTLB_H

#include <linux/types.h>
#include <linux/uio.h>
#include <linux/vhost.h>

/**
 * struct vhost_region - guest memory that is contiguous on both sides
 * @start: first guest-physical address
 * @size: in bytes; not 0, and @start + @size - 1 does not wrap
 * @uaddr: where it lies in the owner's address space
 */
struct vhost_region {
	u64 start;
	u64 size;
	u64 uaddr;
};

/**
 * struct vhost_iotlb - all memory of a guest
 * @nregions: how many
 * @regions: ordered by @start
 *
 * Immutable once built: a change of the memory table makes a new one.
 */
struct vhost_iotlb {
	unsigned int nregions;
	struct vhost_region regions[];
};

struct vhost_iotlb *
vhost_iotlb_create(const struct vhost_memory_region *regions,
		   unsigned int nregions);
void vhost_iotlb_free(struct vhost_iotlb *iotlb);
bool vhost_iotlb_access_ok(const struct vhost_iotlb *iotlb);
const struct vhost_region *vhost_iotlb_find(const struct vhost_iotlb *iotlb,
					    u64 addr);
int vhost_iotlb_split(const struct vhost_iotlb *iotlb,
		      const struct vhost_region **hint, u64 addr, u64 len,
		      struct iovec *iov, unsigned int max);

/* Does @region hold all of @len bytes from @addr on? @len may be 0. */
static inline bool vhost_region_holds(const struct vhost_region *region,
				      u64 addr, u64 len)
{
	u64 offset = addr - region->start;

	return offset < region->size && len <= region->size - offset;
}

static inline void __user *vhost_region_user(const struct vhost_region *region,
					     u64 addr)
{
	return (void __user *)(unsigned long)
		(region->uaddr + (addr - region->start));
}

/**
 * vhost_iotlb_translate() - where a guest's buffer lies in the owner's memory
 * @iotlb: the map
 * @hint: in and out: the region of the last lookup, or NULL; belongs to @iotlb
 * @addr: guest-physical address of the buffer
 * @len: its length in bytes; 0 yields no piece
 * @iov: filled with its pieces, one per region that it crosses
 * @max: the room in @iov
 *
 * The user addresses are not checked here: they are used through functions
 * that do. Inline is what happens to nearly every buffer: it lies in whole in
 * the region where the last one was.
 *
 * Return: the number of pieces; -EFAULT if part of the buffer is in no region
 * or it wraps around; -ENOBUFS if @max is too small.
 */
static inline int vhost_iotlb_translate(const struct vhost_iotlb *iotlb,
					const struct vhost_region **hint,
					u64 addr, u64 len, struct iovec *iov,
					unsigned int max)
{
	const struct vhost_region *region = *hint;

	if (likely(region && max && len &&
		   vhost_region_holds(region, addr, len))) {
		iov->iov_base = vhost_region_user(region, addr);
		iov->iov_len = len;
		return 1;
	}
	return vhost_iotlb_split(iotlb, hint, addr, len, iov, max);
}

#endif /* VHOST_ALT_IOTLB_H */
