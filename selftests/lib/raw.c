// SPDX-License-Identifier: GPL-2.0-only
#include "raw.h"

#include <errno.h>

#define MAX_DESCS	8

bool raw_is_chain(const struct raw_desc *d, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!(d[i].flags & F_NEXT) != (i + 1 == n) ||
		    d[i].flags & RAW_NEXT ||
		    (i + 1 < n && d[i].next != i + 1))
			return false;
	return true;
}

bool raw_put_table(struct vq *vq, __u64 gpa, const struct vring_desc *t,
		   unsigned int n)
{
	struct vring_packed_desc p;
	unsigned int i;

	if (!(vq->features & F_RING_PACKED))
		return gmem_write(vq->mem, gpa, t, n * sizeof(*t));
	for (i = 0; i < n; i++) {
		p = (struct vring_packed_desc) {
			.addr = t[i].addr, .len = t[i].len, .flags = t[i].flags,
		};
		if (!gmem_write(vq->mem, gpa + i * sizeof(p), &p, sizeof(p)))
			return false;
	}
	return true;
}

static bool offer_packed(struct vq *vq, const struct raw_desc *d,
			 unsigned int n)
{
	unsigned int i;
	__u16 id;

	if (n > vq->nfree || !raw_is_chain(d, n))
		return false;
	id = packed_claim_id(vq);
	for (i = 0; i < n; i++)
		packed_write(vq, d[i].gpa, d[i].len, id, d[i].flags);
	packed_offer(vq, id, n, 0);
	for (i = 0; i < n; i++)
		if (d[i].flags & F_WRITE)
			vq->slot[id].in_len += d[i].len;
	return true;
}

bool raw_offer(struct vq *vq, const struct raw_desc *d, unsigned int n)
{
	__u16 id[MAX_DESCS], next;
	unsigned int i;

	if (vq->features & F_RING_PACKED)
		return offer_packed(vq, d, n);
	if (n > MAX_DESCS || !split_claim(vq, n, id))
		return false;
	for (i = 0; i < n; i++) {
		next = d[i].flags & RAW_NEXT ? d[i].next : id[d[i].next];
		split_write(vq, id[i], d[i].gpa, d[i].len,
			    d[i].flags & ~RAW_NEXT, next);
	}
	split_offer(vq, id[0], n, 0);
	/* In order, a chain that a batch passes over has been filled up. */
	for (i = 0; i < n; i++)
		if (d[i].flags & F_WRITE)
			vq->slot[id[0]].in_len += d[i].len;
	return true;
}

/*
 * Make all descriptors available and continue the chain, or used since the lap
 * before. Write the first one last: it makes the others available.
 */
static void packed_set_flags(struct vq *vq, bool endless)
{
	unsigned int n = vq->num, slot;
	__u16 flags;
	bool wrap;

	while (n--) {
		slot = (vq->avail_idx + n) % vq->num;
		wrap = vq->avail_wrap == (slot >= vq->avail_idx);
		if (endless)
			flags = (wrap ? PACKED_AVAIL : PACKED_USED) | F_NEXT;
		else
			flags = wrap ? 0 : PACKED_MARKS;
		__atomic_store_n(&packed_ring(vq)[slot].flags, flags,
				 __ATOMIC_RELEASE);
	}
}

void raw_break_ring(struct vq *vq)
{
	if (vq->features & F_RING_PACKED)
		packed_set_flags(vq, true);
	else
		split_avail(vq)->idx += vq->num + 1;
}

void raw_mend_ring(struct vq *vq)
{
	if (vq->features & F_RING_PACKED)
		packed_set_flags(vq, false);
	else
		split_avail(vq)->idx -= vq->num + 1;
}

int raw_take_all(struct vq *vq)
{
	struct vq_used used;

	while (vq->inflight) {
		if (!vq_wait_pop(vq, &used))
			return -ETIMEDOUT;
		if (used.cookie == VQ_BOGUS || used.len)
			return -EPROTO;
	}
	return vq->ops->has_used(vq) ? -EPROTO : 0;
}

bool raw_offer_frame(struct guest *g, __u64 gpa, __u32 seq)
{
	unsigned char buf[HDR_LEN_MRG + RAW_FRAME_LEN] = { 0 };
	struct raw_desc d = { .gpa = gpa, .len = sizeof(buf) };

	frame_make(buf + HDR_LEN_MRG, RAW_FRAME_LEN, seq);
	return gmem_write(&g->mem, gpa, buf, sizeof(buf)) &&
	       raw_offer(&g->vq[TXQ], &d, 1);
}
