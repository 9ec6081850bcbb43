/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring as its queue and the datapath see it, whatever its layout. It hands
 * out chains of descriptors in batches, takes them back in batches and in the
 * same order, and knows whether either side wants to be notified.
 *
 * A chain is in one of three states: available (in the ring), held (fetched,
 * in the batch) or used. vha_ring_fetch() makes available chains held;
 * vha_ring_complete() makes held ones used, oldest first; vha_ring_put_back()
 * makes them available again, youngest first. Nothing else moves a chain, so
 * none gets lost. Chains that the device is done with stay held while the ring
 * cannot be written; vha_ring_resume() makes them used later.
 *
 * The datapath's functions are called with the ring's lock held, by a thread in
 * the owner's address space, on a ring that vha_ring_start() has prepared,
 * after vha_ring_map() has succeeded. -EFAULT means that the ring or its log
 * could not be accessed: the call can be repeated once they can, and no chain
 * is lost or used twice. -EPROTO means that the ring is invalid: only a new
 * start or address helps. -EINPROGRESS means that the device IOTLB lacks an
 * entry; the ring's fields @missed and @missed_perm tell which.
 */
#ifndef VHOST_ALT_VRING_H
#define VHOST_ALT_VRING_H

#include <linux/lockdep.h>

#include "vring_types.h"

/* ---- set-up ---- */

int vha_ring_init(struct vha_ring *ring, const struct mutex *lock,
		  u64 *log_bytes);
void vha_ring_cleanup(struct vha_ring *ring);
void vha_ring_reset(struct vha_ring *ring);
bool vha_ring_features_ok(u64 features);
bool vha_ring_keeps_layout(const struct vha_ring *ring, u64 features);
void vha_ring_set_features(struct vha_ring *ring, u64 features);
int vha_ring_set_num(struct vha_ring *ring, u32 num);
int vha_ring_set_base(struct vha_ring *ring, u32 base);
u32 vha_ring_base(const struct vha_ring *ring);
void vha_ring_set_addr(struct vha_ring *ring, const u64 addr[VHA_RING_AREAS]);
void vha_ring_set_maps(struct vha_ring *ring, const struct vha_iotlb *memory,
		       const struct vha_iotlb *iotlb);
void vha_ring_unmap(struct vha_ring *ring);
bool vha_ring_addr_ok(const struct vha_ring *ring,
		      const u64 addr[VHA_RING_AREAS]);
bool vha_ring_log_ok(const struct vha_ring *ring, const struct vha_log *log);
int vha_ring_start(struct vha_ring *ring, bool is_le);

/* ---- the datapath ---- */

int vha_ring_map_slow(struct vha_ring *ring);

/**
 * vha_ring_map() - find the ring in the owner's memory
 * @ring: the ring
 *
 * Return: 0; 1 if the owner has not given the ring's addresses yet, or an entry
 * of the device IOTLB forbids access; -EINPROGRESS if the device IOTLB lacks an
 * entry; -EPROTO if the ring wraps around.
 */
static inline int vha_ring_map(struct vha_ring *ring)
{
	return likely(ring->mapped) ? 0 : vha_ring_map_slow(ring);
}

/**
 * vha_ring_fetch() - take available chains
 * @ring: the ring
 * @max: limit of their number
 *
 * They are appended to the batch. A malformed chain is included, with @bad set
 * and no pieces, and is completed like others. The order is that in which the
 * guest made the chains available.
 *
 * Return: the number of chains taken. 0: none is available. -ENOSPC: one is,
 * but does not fit beside those that are held. -EINPROGRESS: the device IOTLB
 * lacks an entry for the next one. -EFAULT: the ring could not be read.
 * -EPROTO: the guest claims to have made more available than the ring can hold.
 */
static inline int vha_ring_fetch(struct vha_ring *ring, unsigned int max)
{
	lockdep_assert_held(ring->lock);
	return ring->ops->fetch(ring, max);
}

int vha_ring_complete(struct vha_ring *ring, unsigned int end, bool *call);
int vha_ring_resume(struct vha_ring *ring, bool *call);
void vha_ring_put_back(struct vha_ring *ring, unsigned int end);

/**
 * vha_ring_enable_kick() - ask the guest to kick when it makes chains available
 * @ring: the ring; no chain is held. Chains that the last fetch has seen do not
 *	count as new, even if they were put back.
 *
 * Return: 0: the next new chain brings a kick. 1: chains have become available
 * meanwhile, and may bring none. -EFAULT, -EPROTO: as vha_ring_fetch().
 */
static inline int vha_ring_enable_kick(struct vha_ring *ring)
{
	lockdep_assert_held(ring->lock);
	return ring->ops->enable_kick(ring);
}

/**
 * vha_ring_disable_kick() - tell the guest that a kick is not needed
 * @ring: the ring
 *
 * A hint: the guest may kick nevertheless.
 *
 * Return: 0, or -EFAULT if the ring could not be written.
 */
static inline int vha_ring_disable_kick(struct vha_ring *ring)
{
	lockdep_assert_held(ring->lock);
	return ring->ops->disable_kick(ring);
}

/**
 * vha_ring_available() - check whether chains are available
 * @ring: the ring
 *
 * Return: 0 if there are none; more if there are; -EFAULT or -EPROTO as
 * vha_ring_fetch().
 */
static inline int vha_ring_available(struct vha_ring *ring)
{
	lockdep_assert_held(ring->lock);
	return ring->ops->available(ring);
}

int vha_ring_mark_iov(struct vha_ring *ring, const struct iovec *iov,
		      size_t len);
int vha_ring_log_iov(struct vha_ring *ring, const struct iovec *iov,
		     size_t len);

/* ---- for observers ---- */

int vha_ring_snapshot(const struct vha_ring *ring, struct mm_struct *mm,
		      struct vha_ring_snapshot *snap);

/**
 * vha_ring_indices() - read the progress of a ring
 * @ring: the ring
 * @indices: filled in
 *
 * Callable by any thread, without a lock: each index is a single word.
 */
static inline void vha_ring_indices(const struct vha_ring *ring,
				    struct vha_ring_indices *indices)
{
	READ_ONCE(ring->ops)->indices(ring, indices);
}

/**
 * vha_ring_layout() - name the layout of a ring
 * @ring: the ring
 *
 * Callable by any thread, without a lock.
 *
 * Return: the name.
 */
static inline const char *vha_ring_layout(const struct vha_ring *ring)
{
	return READ_ONCE(ring->ops)->name;
}

#endif /* VHOST_ALT_VRING_H */
