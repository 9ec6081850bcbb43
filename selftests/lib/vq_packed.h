/* SPDX-License-Identifier: GPL-2.0-only */
/* Direct access to the packed ring, for tests that break its rules. */
#ifndef VHOST_TEST_VQ_PACKED_H
#define VHOST_TEST_VQ_PACKED_H

#include "vq.h"

#define PACKED_AVAIL	BIT_ULL(VRING_PACKED_DESC_F_AVAIL)
#define PACKED_USED	BIT_ULL(VRING_PACKED_DESC_F_USED)
#define PACKED_MARKS	(PACKED_AVAIL | PACKED_USED)

/* The wrap counter in positions, as in event offsets and the ring's base. */
#define PACKED_WRAP	BIT_ULL(VRING_PACKED_EVENT_F_WRAP_CTR)

static inline struct vring_packed_desc *packed_ring(struct vq *vq)
{
	return vq->area[VQ_DESC];
}

/* The driver's and the device's event suppression structure. */
static inline struct vring_packed_desc_event *packed_driver(struct vq *vq)
{
	return vq->area[VQ_AVAIL];
}

static inline struct vring_packed_desc_event *packed_device(struct vq *vq)
{
	return vq->area[VQ_USED];
}

/* The positions of the next descriptor to offer, and to take back. */
static inline __u16 packed_avail_pos(const struct vq *vq)
{
	return vq->avail_idx | (vq->avail_wrap ? PACKED_WRAP : 0);
}

static inline __u16 packed_used_pos(const struct vq *vq)
{
	return vq->used_idx | (vq->used_wrap ? PACKED_WRAP : 0);
}

/* Take a free buffer id; the ring must have a free descriptor. */
__u16 packed_claim_id(struct vq *vq);

/*
 * Write the next descriptor, valid or not. Marks in @flags are inverted. The
 * first one since the last vq_publish() becomes available by the next.
 */
void packed_write(struct vq *vq, __u64 gpa, __u32 len, __u16 id, __u16 flags);

/* Note that the last @n descriptors are the chain @id. */
void packed_offer(struct vq *vq, __u16 id, unsigned int n, unsigned int cookie);

#endif
