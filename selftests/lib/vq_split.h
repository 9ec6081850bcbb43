/* SPDX-License-Identifier: GPL-2.0-only */
/* Direct access to the split ring, for tests that break its rules. */
#ifndef VHOST_TEST_VQ_SPLIT_H
#define VHOST_TEST_VQ_SPLIT_H

#include "vq.h"

static inline struct vring_desc *split_desc(struct vq *vq)
{
	return vq->area[VQ_DESC];
}

static inline struct vring_avail *split_avail(struct vq *vq)
{
	return vq->area[VQ_AVAIL];
}

static inline struct vring_used *split_used(struct vq *vq)
{
	return vq->area[VQ_USED];
}

/* The event words follow the last ring entries. */
static inline __u16 *split_used_event(struct vq *vq)
{
	return &split_avail(vq)->ring[vq->num];
}

static inline __u16 *split_avail_event(struct vq *vq)
{
	return (__u16 *)&split_used(vq)->ring[vq->num];
}

/* Read the device's used index, ordered before reads of the entries. */
static inline __u16 split_used_idx(struct vq *vq)
{
	return __atomic_load_n(&split_used(vq)->idx, __ATOMIC_ACQUIRE);
}

/* Take @n free descriptors; their numbers go to @id. */
bool split_claim(struct vq *vq, unsigned int n, __u16 *id);

/* Write one descriptor, valid or not. */
void split_write(struct vq *vq, __u16 id, __u64 gpa, __u32 len, __u16 flags,
		 __u16 next);

/* Offer the chain that begins at @head and has @n claimed descriptors. */
void split_offer(struct vq *vq, __u16 head, unsigned int n,
		 unsigned int cookie);

/* Put @head into the available ring, whether or not it is a chain. */
void split_offer_raw(struct vq *vq, __u16 head);

#endif
