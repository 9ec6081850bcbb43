// SPDX-License-Identifier: GPL-2.0-only
#include "vq_split.h"

#include <errno.h>

/* Everything in a ring is little-endian, and so is every test machine. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little endian only");

static size_t split_size(unsigned int num, enum vq_area area)
{
	switch (area) {
	case VQ_DESC:
		return num * sizeof(struct vring_desc);
	case VQ_AVAIL:
		return sizeof(__u16) * (3 + num);
	default:
		return sizeof(__u16) * 3 + sizeof(struct vring_used_elem) * num;
	}
}

/* Virtio 1.2, 2.7.9: descriptors are used in ring order, and come back so. */
static bool in_order(const struct vq *vq)
{
	return vq->features & F_IN_ORDER;
}

static void split_reset(struct vq *vq, __u16 base)
{
	if (in_order(vq))
		vq->free_head = base & (vq->num - 1);
	vq->oldest = vq->free_head;
	vq->in_batch = false;
	vq->avail_idx = base;
	vq->kick_idx = base;
	vq->used_idx = base;
	split_avail(vq)->idx = base;
	split_used(vq)->idx = base;
}

bool split_claim(struct vq *vq, unsigned int n, __u16 *id)
{
	if (n > vq->nfree)
		return false;
	vq->nfree -= n;
	while (n--) {
		*id = vq->free_head;
		vq->free_head = vq->slot[*id++].next;
	}
	return true;
}

static void split_release(struct vq *vq, __u16 head)
{
	unsigned int i, n = vq->slot[head].ndesc;
	__u16 id = head;

	/*
	 * Follow our own record: the chain in memory may be wrong on purpose.
	 */
	vq->nfree += n;
	if (in_order(vq)) {
		vq->oldest = (head + n) & (vq->num - 1);
		return;
	}
	for (i = 1; i < n; i++)
		id = vq->slot[id].next;
	if (n)
		vq->slot[id].next = vq->free_head;
	if (n)
		vq->free_head = head;
}

void split_write(struct vq *vq, __u16 id, __u64 gpa, __u32 len, __u16 flags,
		 __u16 next)
{
	split_desc(vq)[id] = (struct vring_desc) {
		.addr = gpa, .len = len, .flags = flags, .next = next,
	};
}

void split_offer_raw(struct vq *vq, __u16 head)
{
	split_avail(vq)->ring[vq->avail_idx++ & (vq->num - 1)] = head;
}

void split_offer(struct vq *vq, __u16 head, unsigned int n,
		 unsigned int cookie)
{
	vq->slot[head].ndesc = n;
	vq->slot[head].cookie = cookie;
	vq->slot[head].busy = true;
	vq->slot[head].in_len = 0;
	vq->inflight++;
	split_offer_raw(vq, head);
}

static void note_writable(struct vq *vq, __u16 head,
			  const struct vq_chain *chain)
{
	unsigned int i;

	for (i = 0; i < chain->nin; i++)
		vq->slot[head].in_len += chain->seg[chain->nout + i].len;
}

static void fill_desc(struct vring_desc *d, const struct vq_chain *chain,
		      unsigned int i, __u16 next)
{
	bool last = i + 1 == chain->nout + chain->nin;

	*d = (struct vring_desc) {
		.addr = chain->seg[i].gpa,
		.len = chain->seg[i].len,
		.flags = (last ? 0 : VRING_DESC_F_NEXT) |
			 (i < chain->nout ? 0 : VRING_DESC_F_WRITE),
		.next = last ? 0 : next,
	};
}

static int add_indirect(struct vq *vq, const struct vq_chain *chain,
			unsigned int n, unsigned int cookie)
{
	size_t size = n * sizeof(struct vring_desc);
	struct vring_desc *table;
	unsigned int i;
	__u64 gpa;
	__u16 head;

	if (n > vq->ind_max || !split_claim(vq, 1, &head))
		return -ENOSPC;
	gpa = vq->ind_gpa + head * vq->ind_max * sizeof(struct vring_desc);
	table = gmem_hva(vq->mem, gpa, size);
	for (i = 0; i < n; i++)
		fill_desc(&table[i], chain, i, i + 1);
	split_write(vq, head, gpa, size, VRING_DESC_F_INDIRECT, 0);
	split_offer(vq, head, 1, cookie);
	note_writable(vq, head, chain);
	return 0;
}

static int split_add(struct vq *vq, const struct vq_chain *chain,
		     unsigned int cookie)
{
	unsigned int i, n = chain->nout + chain->nin;
	__u16 head, id = 0;

	if (chain->indirect)
		return add_indirect(vq, chain, n, cookie);
	if (!n || n > vq->nfree)
		return -ENOSPC;
	head = vq->free_head;
	for (i = 0; i < n; i++) {
		split_claim(vq, 1, &id);
		fill_desc(&split_desc(vq)[id], chain, i, vq->slot[id].next);
	}
	split_offer(vq, head, n, cookie);
	note_writable(vq, head, chain);
	return 0;
}

static void split_publish(struct vq *vq)
{
	__atomic_store_n(&split_avail(vq)->idx, vq->avail_idx,
			 __ATOMIC_RELEASE);
}

static bool split_wants_kick(struct vq *vq)
{
	__u16 old = vq->kick_idx;

	/*
	 * Pairs with the device: it asks for a kick, then reads the index; the
	 * driver publishes the index, then reads whether a kick was asked for.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	vq->kick_idx = vq->avail_idx;
	if (vq->features & F_EVENT_IDX)
		return vring_need_event(__atomic_load_n(split_avail_event(vq),
							__ATOMIC_RELAXED),
					vq->avail_idx, old);
	return !(__atomic_load_n(&split_used(vq)->flags, __ATOMIC_RELAXED) &
		 VRING_USED_F_NO_NOTIFY);
}

static bool split_kick_is_asked(struct vq *vq)
{
	if (vq->features & F_EVENT_IDX)
		return __atomic_load_n(split_avail_event(vq),
				       __ATOMIC_ACQUIRE) == vq->avail_idx;
	return !(__atomic_load_n(&split_used(vq)->flags, __ATOMIC_ACQUIRE) &
		 VRING_USED_F_NO_NOTIFY);
}

static bool split_has_used(struct vq *vq)
{
	return split_used_idx(vq) != vq->used_idx;
}

static unsigned int split_count_used(struct vq *vq)
{
	return (__u16)(split_used_idx(vq) - vq->used_idx);
}

static void read_used(struct vq *vq, struct vq_used *used)
{
	struct vring_used_elem *e;

	e = &split_used(vq)->ring[vq->used_idx & (vq->num - 1)];
	used->id = e->id;
	used->len = e->len;
	vq->entries++;
}

/*
 * One entry stands for a batch: at the position of the first chain, it names
 * the last one. All chains before the last were filled completely.
 */
static void read_in_order(struct vq *vq, struct vq_used *used)
{
	if (!vq->in_batch)
		read_used(vq, &vq->batch);
	used->id = vq->oldest;
	used->len = vq->slot[vq->oldest].in_len;
	vq->in_batch = vq->batch.id != vq->oldest;
	if (!vq->in_batch)
		used->len = vq->batch.len;
}

/*
 * Check for a used index in the middle of a batch, which the device must not
 * set.
 */
static bool batch_cut_short(struct vq *vq)
{
	bool cut = vq->in_batch && split_used_idx(vq) == vq->used_idx;

	if (cut)
		vq->in_batch = false;
	return cut;
}

static bool split_pop(struct vq *vq, struct vq_used *used)
{
	struct vq_slot *slot;

	if (!split_has_used(vq))
		return false;
	if (in_order(vq))
		read_in_order(vq, used);
	else
		read_used(vq, used);
	vq->used_idx++;
	used->cookie = VQ_BOGUS;
	slot = used->id < vq->num ? &vq->slot[used->id] : NULL;
	if (!slot || !slot->busy || batch_cut_short(vq)) {
		vq->bogus++;
		return true;
	}
	used->cookie = slot->cookie;
	slot->busy = false;
	split_release(vq, used->id);
	vq->inflight--;
	return true;
}

static void split_arm(struct vq *vq)
{
	if (vq->features & F_EVENT_IDX)
		__atomic_store_n(split_used_event(vq), vq->used_idx,
				 __ATOMIC_RELAXED);
	else
		__atomic_store_n(&split_avail(vq)->flags, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void split_disarm(struct vq *vq)
{
	if (!(vq->features & F_EVENT_IDX))
		__atomic_store_n(&split_avail(vq)->flags,
				 VRING_AVAIL_F_NO_INTERRUPT, __ATOMIC_RELAXED);
}

static void split_refuse(struct vq *vq)
{
	if (vq->features & F_EVENT_IDX)
		*split_used_event(vq) = vq->used_idx + 1000;
	else
		split_avail(vq)->flags = VRING_AVAIL_F_NO_INTERRUPT;
}

static void split_call_at(struct vq *vq, unsigned int n)
{
	__atomic_store_n(split_used_event(vq), (__u16)(vq->used_idx + n),
			 __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static __u32 split_base(struct vq *vq)
{
	return vq->avail_idx;
}

static __u32 split_used_base(struct vq *vq)
{
	return split_used_idx(vq);
}

const struct vq_ops vq_split_ops = {
	.name = "split",
	.features = 0,
	.align = {
		[VQ_DESC] = VRING_DESC_ALIGN_SIZE,
		[VQ_AVAIL] = VRING_AVAIL_ALIGN_SIZE,
		[VQ_USED] = VRING_USED_ALIGN_SIZE,
	},
	.size = split_size,
	.reset = split_reset,
	.add = split_add,
	.publish = split_publish,
	.wants_kick = split_wants_kick,
	.kick_is_asked = split_kick_is_asked,
	.has_used = split_has_used,
	.count_used = split_count_used,
	.pop = split_pop,
	.arm = split_arm,
	.disarm = split_disarm,
	.refuse = split_refuse,
	.call_at = split_call_at,
	.base = split_base,
	.used_base = split_used_base,
};
