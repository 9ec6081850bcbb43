/* SPDX-License-Identifier: GPL-2.0-only */
/* Chains of a split ring, descriptor by descriptor, right or wrong. */
#ifndef VHOST_TEST_RAW_H
#define VHOST_TEST_RAW_H

#include "guest.h"
#include "vq_split.h"

struct raw_desc {
	__u64 gpa;
	__u32 len;
	__u16 flags;
	int next;	/* position in the list; with RAW_NEXT any number */
};

#define RAW_NEXT	0x4000

/* Offer a chain of @n descriptors, 8 at most; false if that fails. */
bool raw_offer(struct vq *vq, const struct raw_desc *d, unsigned int n);

/* Take back all chains in flight. Nothing may have been written to them. */
int raw_take_all(struct vq *vq);

/* Offer frame @seq of RAW_FRAME_LEN bytes, in a buffer outside of any pool. */
#define RAW_FRAME_LEN	60
bool raw_offer_frame(struct guest *g, __u64 gpa, __u32 seq);

#endif
