// SPDX-License-Identifier: GPL-2.0-only
/* The packed ring: virtio 1.2, 2.8. */
#include "vq_packed.h"

#include <errno.h>

static size_t packed_size(unsigned int num, enum vq_area area)
{
	if (area == VQ_DESC)
		return num * sizeof(struct vring_packed_desc);
	return sizeof(struct vring_packed_desc_event);
}

static bool in_order(const struct vq *vq)
{
	return vq->features & F_IN_ORDER;
}

/* In order, the position determines the id, but is never equal to it. */
static __u16 id_at(const struct vq *vq, __u16 slot)
{
	return vq->num - 1 - slot;
}

/* 2.8.1: both marks of a used descriptor equal the wrap counter. */
static __u16 used_marks(bool wrap)
{
	return wrap ? PACKED_MARKS : 0;
}

static void packed_reset(struct vq *vq, __u16 base)
{
	unsigned int i;

	vq->avail_idx = base % vq->num;
	vq->avail_wrap = !(base / vq->num % 2);
	vq->used_idx = vq->avail_idx;
	vq->used_wrap = vq->avail_wrap;
	vq->added = 0;
	vq->pending = false;
	vq->in_batch = false;
	/* All descriptors before this position have been used in this lap. */
	for (i = 0; i < vq->num; i++)
		packed_ring(vq)[i].flags =
			used_marks((i < vq->avail_idx) == vq->avail_wrap);
	/* The first ids differ from the descriptors' positions. */
	vq->free_head = vq->num / 2;
}

static void step(struct vq *vq, __u16 *idx, bool *wrap, unsigned int n)
{
	*idx += n;
	if (*idx < vq->num)
		return;
	*idx -= vq->num;
	*wrap = !*wrap;
}

__u16 packed_claim_id(struct vq *vq)
{
	__u16 id = vq->free_head;

	if (in_order(vq))
		return id_at(vq, vq->avail_idx);
	vq->free_head = vq->slot[id].next;
	return id;
}

/* 2.8.1: AVAIL equals the wrap counter in an available descriptor, not USED. */
static __u16 avail_marks(bool wrap)
{
	return wrap ? PACKED_AVAIL : PACKED_USED;
}

void packed_write(struct vq *vq, __u64 gpa, __u32 len, __u16 id, __u16 flags)
{
	struct vring_packed_desc *d = packed_ring(vq) + vq->avail_idx;

	flags ^= avail_marks(vq->avail_wrap);
	d->addr = gpa;
	d->len = len;
	d->id = id;
	if (vq->pending) {
		d->flags = flags;
	} else {
		vq->pending = true;
		vq->head = vq->avail_idx;
		vq->head_flags = flags;
	}
	step(vq, &vq->avail_idx, &vq->avail_wrap, 1);
	vq->added++;
	vq->nfree--;
}

void packed_offer(struct vq *vq, __u16 id, unsigned int n, unsigned int cookie)
{
	vq->slot[id].ndesc = n;
	vq->slot[id].cookie = cookie;
	vq->slot[id].busy = true;
	vq->slot[id].in_len = 0;
	vq->inflight++;
}

static __u16 flags_of(const struct vq_chain *chain, unsigned int i)
{
	return i < chain->nout ? 0 : VRING_DESC_F_WRITE;
}

static int fill_table(struct vq *vq, const struct vq_chain *chain, __u64 gpa,
		      unsigned int n)
{
	struct vring_packed_desc *table;
	unsigned int i;

	table = gmem_hva(vq->mem, gpa, n * sizeof(*table));
	if (!table)
		return -EFAULT;
	for (i = 0; i < n; i++)
		table[i] = (struct vring_packed_desc) {
			.addr = chain->seg[i].gpa,
			.len = chain->seg[i].len,
			.flags = flags_of(chain, i),
		};
	return 0;
}

static int packed_add(struct vq *vq, const struct vq_chain *chain,
		      unsigned int cookie)
{
	unsigned int i, n = chain->nout + chain->nin;
	size_t entry = sizeof(struct vring_packed_desc);
	__u64 gpa;
	__u16 id;

	if (!n || (chain->indirect ? n > vq->ind_max || !vq->nfree :
				     n > vq->nfree))
		return -ENOSPC;
	id = packed_claim_id(vq);
	if (chain->indirect) {
		gpa = vq->ind_gpa + id * vq->ind_max * entry;
		if (fill_table(vq, chain, gpa, n))
			return -ENOSPC;
		packed_write(vq, gpa, n * entry, id, VRING_DESC_F_INDIRECT);
		packed_offer(vq, id, 1, cookie);
	} else {
		/* Only the last descriptor's id counts. */
		for (i = 0; i < n; i++)
			packed_write(vq, chain->seg[i].gpa, chain->seg[i].len,
				     i + 1 < n ? 0xffff : id,
				     flags_of(chain, i) |
				     (i + 1 < n ? VRING_DESC_F_NEXT : 0));
		packed_offer(vq, id, n, cookie);
	}
	for (i = chain->nout; i < n; i++)
		vq->slot[id].in_len += chain->seg[i].len;
	return 0;
}

static void packed_publish(struct vq *vq)
{
	if (vq->pending)
		__atomic_store_n(&packed_ring(vq)[vq->head].flags,
				 vq->head_flags, __ATOMIC_RELEASE);
	vq->pending = false;
}

/* 2.8.10: what the device asks for, in a single access. */
static void read_event(struct vq *vq, __u16 *off_wrap, __u16 *flags)
{
	__u32 both = __atomic_load_n((__u32 *)packed_device(vq),
				     __ATOMIC_ACQUIRE);

	*off_wrap = both;
	*flags = both >> 16;
}

static bool packed_wants_kick(struct vq *vq)
{
	__u16 off_wrap, flags, event, added = vq->added;

	/* As in the split layout, with descriptors for the index. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	vq->added = 0;
	read_event(vq, &off_wrap, &flags);
	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags == VRING_PACKED_EVENT_FLAG_ENABLE;
	event = off_wrap & ~PACKED_WRAP;
	if (!(off_wrap & PACKED_WRAP) == vq->avail_wrap)
		event -= vq->num;
	return vring_need_event(event, vq->avail_idx, vq->avail_idx - added);
}

static bool packed_kick_is_asked(struct vq *vq)
{
	__u16 off_wrap, flags;

	read_event(vq, &off_wrap, &flags);
	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags == VRING_PACKED_EVENT_FLAG_ENABLE;
	return off_wrap == packed_avail_pos(vq);
}

static bool is_used(struct vq *vq, __u16 idx, bool wrap, __u16 *flags)
{
	*flags = __atomic_load_n(&packed_ring(vq)[idx].flags,
				 __ATOMIC_ACQUIRE);
	return (*flags & PACKED_MARKS) == used_marks(wrap);
}

static bool packed_has_used(struct vq *vq)
{
	__u16 flags;

	return vq->in_batch ||
	       is_used(vq, vq->used_idx, vq->used_wrap, &flags);
}

/*
 * Count the chains that are used, but not taken back. Also return the position
 * after them.
 */
static unsigned int find_used(struct vq *vq, __u16 *pos)
{
	bool wrap = vq->used_wrap, inside = vq->in_batch;
	__u16 idx = vq->used_idx, id, flags, last = vq->batch.id;
	unsigned int n;

	for (n = 0; n < vq->inflight; n++) {
		if (!inside) {
			if (!is_used(vq, idx, wrap, &flags))
				break;
			last = packed_ring(vq)[idx].id;
		}
		id = in_order(vq) ? id_at(vq, idx) : last;
		if (id >= vq->num)
			break;
		inside = id != last;
		step(vq, &idx, &wrap, vq->slot[id].ndesc);
	}
	*pos = idx | (wrap ? PACKED_WRAP : 0);
	return n;
}

static unsigned int packed_count_used(struct vq *vq)
{
	__u16 pos;

	return find_used(vq, &pos);
}

static bool read_used(struct vq *vq, struct vq_used *used)
{
	struct vring_packed_desc *d = packed_ring(vq) + vq->used_idx;
	__u16 flags;

	if (!is_used(vq, vq->used_idx, vq->used_wrap, &flags))
		return false;
	used->id = d->id;
	/* 2.8.3: only with this flag has anything been written. */
	used->len = flags & VRING_DESC_F_WRITE ? d->len : 0;
	vq->entries++;
	return true;
}

/*
 * 2.8.8: one used descriptor stands for a batch: in place of the first chain it
 * names the last one. All chains before the last were filled completely.
 */
static bool read_in_order(struct vq *vq, struct vq_used *used)
{
	if (!vq->in_batch && !read_used(vq, &vq->batch))
		return false;
	used->id = id_at(vq, vq->used_idx);
	used->len = vq->slot[used->id].in_len;
	vq->in_batch = vq->batch.id != used->id;
	if (!vq->in_batch)
		used->len = vq->batch.len;
	return true;
}

static void release(struct vq *vq, __u16 id)
{
	struct vq_slot *slot = &vq->slot[id];

	slot->busy = false;
	vq->nfree += slot->ndesc;
	vq->inflight--;
	step(vq, &vq->used_idx, &vq->used_wrap, slot->ndesc);
	if (in_order(vq))
		return;
	slot->next = vq->free_head;
	vq->free_head = id;
}

static bool packed_pop(struct vq *vq, struct vq_used *used)
{
	if (in_order(vq) ? !read_in_order(vq, used) : !read_used(vq, used))
		return false;
	used->cookie = VQ_BOGUS;
	if (used->id >= vq->num || !vq->slot[used->id].busy) {
		vq->bogus++;
		vq->in_batch = false;
		step(vq, &vq->used_idx, &vq->used_wrap, 1);
		return true;
	}
	used->cookie = vq->slot[used->id].cookie;
	release(vq, used->id);
	return true;
}

static void write_event(struct vq *vq, __u16 off_wrap, __u16 flags)
{
	struct vring_packed_desc_event *event = packed_driver(vq);

	__atomic_store_n(&event->off_wrap, off_wrap, __ATOMIC_RELAXED);
	__atomic_store_n(&event->flags, flags, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void packed_arm(struct vq *vq)
{
	if (vq->features & F_EVENT_IDX)
		write_event(vq, packed_used_pos(vq),
			    VRING_PACKED_EVENT_FLAG_DESC);
	else
		write_event(vq, 0, VRING_PACKED_EVENT_FLAG_ENABLE);
}

static void packed_call_at(struct vq *vq, unsigned int n)
{
	bool wrap = vq->used_wrap;
	__u16 idx = vq->used_idx;

	step(vq, &idx, &wrap, n);
	write_event(vq, idx | (wrap ? PACKED_WRAP : 0),
		    VRING_PACKED_EVENT_FLAG_DESC);
}

static void packed_disarm(struct vq *vq)
{
	__atomic_store_n(&packed_driver(vq)->flags,
			 VRING_PACKED_EVENT_FLAG_DISABLE, __ATOMIC_RELAXED);
}

static __u32 packed_base(struct vq *vq)
{
	return packed_avail_pos(vq) | (__u32)packed_avail_pos(vq) << 16;
}

static __u32 packed_used_base(struct vq *vq)
{
	__u16 pos;

	find_used(vq, &pos);
	return pos | (__u32)pos << 16;
}

const struct vq_ops vq_packed_ops = {
	.name = "packed",
	.features = F_RING_PACKED,
	.align = {
		[VQ_DESC] = VRING_DESC_ALIGN_SIZE,
		[VQ_AVAIL] = sizeof(struct vring_packed_desc_event),
		[VQ_USED] = sizeof(struct vring_packed_desc_event),
	},
	.size = packed_size,
	.reset = packed_reset,
	.add = packed_add,
	.publish = packed_publish,
	.wants_kick = packed_wants_kick,
	.kick_is_asked = packed_kick_is_asked,
	.has_used = packed_has_used,
	.count_used = packed_count_used,
	.pop = packed_pop,
	.arm = packed_arm,
	.disarm = packed_disarm,
	.refuse = packed_disarm,
	.call_at = packed_call_at,
	.base = packed_base,
	.used_base = packed_used_base,
};
