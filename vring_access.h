/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to the areas of a ring, for its layouts. User pointers are derived
 * from the layout's pointers to the areas; while the ring is scattered, they
 * hold guest addresses.
 *
 * All functions return 0, -EFAULT or -EINPROGRESS; see vring.h.
 */
#ifndef VHOST_ALT_VRING_ACCESS_H
#define VHOST_ALT_VRING_ACCESS_H

#include <linux/uaccess.h>

#include "compat.h"
#include "vring_types.h"

int vha_ring_missed(struct vha_ring *ring, u64 addr, u8 perm);
int vha_ring_read_scattered(struct vha_ring *ring, void *to,
			    const void __user *from, size_t len);
int vha_ring_write_scattered(struct vha_ring *ring, void __user *to,
			     const void *from, size_t len);
int vha_ring_log_user(struct vha_ring *ring, const void __user *at, size_t len);
int vha_ring_log_area(struct vha_ring *ring, const void __user *at, u64 addr,
		      size_t len);
int vha_ring_peek(const struct vha_ring *ring, struct mm_struct *mm, void *to,
		  u64 addr, size_t len);

/* Read from a ring. */
static inline int vha_ring_read(struct vha_ring *ring, void *to,
				const void __user *from, size_t len)
{
	if (unlikely(ring->scattered))
		return vha_ring_read_scattered(ring, to, from, len);
	return compat_copy_from_user(to, from, len) ? -EFAULT : 0;
}

/* Read a word in a single access: the guest may be writing it. */
static inline int vha_ring_read16(struct vha_ring *ring, u16 *val,
				  const __virtio16 __user *from)
{
	__virtio16 word;
	int err;

	if (unlikely(ring->scattered))
		err = vha_ring_read_scattered(ring, &word, from, sizeof(word));
	else
		err = get_user(word, from);
	if (unlikely(err))
		return err;
	*val = vha_ring16_to_cpu(ring, word);
	return 0;
}

/* Write a word in a single access. On failure the guest sees none of it. */
static inline int vha_ring_write16(struct vha_ring *ring,
				   __virtio16 __user *to, u16 val)
{
	__virtio16 word = vha_ring_cpu_to16(ring, val);

	if (unlikely(ring->scattered))
		return vha_ring_write_scattered(ring, to, &word, sizeof(word));
	return put_user(word, to);
}

/*
 * Descriptors and used entries are accessed as words of 64 bits, which may be
 * at any address: used entries are aligned to 32 bits, and the owner chooses
 * where a table of descriptors begins. Copy them where the architecture is not
 * known to support unaligned accesses.
 */

/*
 * Read a descriptor, in a section of user access.
 *
 * Return: false on a fault; the caller leaves the section then.
 */
static __always_inline bool
vha_ring_unsafe_get_desc(struct vring_desc *to,
			 const struct vring_desc __user *from)
{
#ifdef CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS
	unsafe_get_user(*(u64 *)&to->addr, (u64 __user *)&from->addr, fault);
	unsafe_get_user(*(u64 *)&to->len, (u64 __user *)&from->len, fault);
#else
	unsafe_copy_from_user(to, from, sizeof(*to), fault);
#endif
	return true;

fault:
	return false;
}

/* Write a used entry. */
static inline int vha_ring_put_used(struct vring_used_elem __user *to,
				    const struct vring_used_elem *used)
{
#ifdef CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS
	return put_user(*(const u64 *)used, (u64 __user *)to);
#else
	return copy_to_user(to, used, sizeof(*used)) ? -EFAULT : 0;
#endif
}

#endif /* VHOST_ALT_VRING_ACCESS_H */
