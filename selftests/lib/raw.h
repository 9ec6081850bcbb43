/* SPDX-License-Identifier: GPL-2.0-only */
/* Chains of a ring, descriptor by descriptor, right or wrong. */
#ifndef VHOST_TEST_RAW_H
#define VHOST_TEST_RAW_H

#include "guest.h"
#include "vq_packed.h"
#include "vq_split.h"

struct raw_desc {
	__u64 gpa;
	__u32 len;
	__u16 flags;
	int next;	/* position in the list; with RAW_NEXT any number */
};

#define RAW_NEXT	0x4000

/*
 * Offer a chain of @n descriptors, 8 at most; false if that fails. In the
 * packed layout a chain must consist of its descriptors in order: see
 * raw_is_chain().
 */
bool raw_offer(struct vq *vq, const struct raw_desc *d, unsigned int n);

/* Check whether the descriptors are a chain in any layout: no loop, no gap. */
bool raw_is_chain(const struct raw_desc *d, unsigned int n);

/* Write an indirect table of split descriptors in the layout of the ring. */
bool raw_put_table(struct vq *vq, __u64 gpa, const struct vring_desc *t,
		   unsigned int n);

/*
 * Make an empty ring invalid, so that the device stops using it: a split ring's
 * index is wrong, a packed ring is one chain without end. raw_mend_ring() makes
 * it as empty as it was. Neither publishes, kicks or waits.
 */
void raw_break_ring(struct vq *vq);
void raw_mend_ring(struct vq *vq);

/* Take back all chains in flight. Nothing may have been written to them. */
int raw_take_all(struct vq *vq);

/* Offer frame @seq of RAW_FRAME_LEN bytes, in a buffer outside of any pool. */
#define RAW_FRAME_LEN	60
bool raw_offer_frame(struct guest *g, __u64 gpa, __u32 seq);

#endif
