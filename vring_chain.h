/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buffers of a chain, whatever the layout: they are translated into pieces
 * of the owner's memory, and appended to the batch.
 *
 * Functions that return a drop reason return an enum vhost_alt_drop, and
 * VHA_DROP_NONE for none; -EINPROGRESS if the device IOTLB lacks an entry.
 */
#ifndef VHOST_ALT_VRING_CHAIN_H
#define VHOST_ALT_VRING_CHAIN_H

#include <linux/lockdep.h>

#include "vhost_stats.h"
#include "vring_types.h"

int vha_ring_add_pieces(struct vha_ring *ring, struct vha_ring_chain *chain,
			u64 addr, u32 len, bool in);
int vha_ring_read_table(struct vha_ring *ring, u64 addr, void *to, u32 len);

/*
 * Translate a buffer or a table that lies in one region, if that is the cached
 * one or in the slots. This rejects nothing: if it returns false,
 * vha_iotlb_translate() must be used.
 */
static inline bool vha_ring_translate_whole(struct vha_ring *ring, u64 addr,
					    u32 len, struct iovec *iov)
{
	lockdep_assert_held(ring->lock);
	if (likely(vha_iotlb_translate_fast(ring->hint, addr, len, iov)))
		return true;
	return vha_iotlb_translate_slot(vha_ring_translation(ring), &ring->hint,
					addr, len, iov);
}

/**
 * vha_ring_add_buffer() - add a buffer to a chain
 * @ring: the ring, with its lock held
 * @chain: the chain, which is the last one of the batch
 * @addr: the guest's address of the buffer
 * @len: its length in bytes
 * @in: the device writes it
 *
 * Return: a drop reason.
 */
static inline int vha_ring_add_buffer(struct vha_ring *ring,
				      struct vha_ring_chain *chain, u64 addr,
				      u32 len, bool in)
{
	struct vha_ring_batch *b = ring->batch;

	lockdep_assert_held(ring->lock);
	b->walked++;

	/* Virtio 1.2, 2.7.4.2, 2.8.17: readable buffers come first. */
	if (unlikely(!in && chain->in))
		return VHOST_ALT_DROP_CHAIN_ORDER;
	if (unlikely(b->niov == VHA_RING_MAX_HELD ||
		     !vha_iotlb_translate_fast(ring->hint, addr, len,
					       b->iov + b->niov)))
		return vha_ring_add_pieces(ring, chain, addr, len, in);
	b->niov++;
	chain->size += len;
	if (in)
		chain->in++;
	else
		chain->out++;
	return VHA_DROP_NONE;
}

/*
 * Add @n pieces that vha_ring_translate_whole() has put after those of the
 * batch, of @size bytes together, to the chain, which is the last one.
 */
static inline void vha_ring_add_translated(struct vha_ring *ring,
					   struct vha_ring_chain *chain,
					   unsigned int n, u64 size, bool in)
{
	lockdep_assert_held(ring->lock);
	ring->batch->walked += n;
	ring->batch->niov += n;
	chain->size += size;
	if (in)
		chain->in += n;
	else
		chain->out += n;
}

/* The reason to drop a chain that has more descriptors than @room allows. */
static inline int vha_ring_too_long(u32 room)
{
	return room > VHA_RING_MAX_HELD ? VHOST_ALT_DROP_CHAIN_LONG :
					  VHOST_ALT_DROP_CHAIN_LOOP;
}

/*
 * Check whether the device wrote all that it could, as the guest may assume.
 * Always inline: it is used in sections of user access.
 */
static __always_inline bool
vha_ring_used_completely(const struct vha_ring_chain *chain)
{
	if (chain->bad != VHA_DROP_NONE || (chain->in && chain->out))
		return false;
	return chain->written == (chain->in ? chain->size : 0);
}

#endif /* VHOST_ALT_VRING_CHAIN_H */
