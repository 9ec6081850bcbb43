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

#endif /* VHOST_ALT_VRING_ACCESS_H */
