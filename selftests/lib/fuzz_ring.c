// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include "vq_packed.h"
#include "vq_split.h"

static __u32 any_len(struct fuzz *fz)
{
	switch (fuzz_below(fz, 6)) {
	case 0:
		return fuzz_number(fz);
	case 1:
		return fuzz_below(fz, 32);
	case 2:
		return fuzz_below(fz, 70000);
	default:
		return fuzz_below(fz, 2000);
	}
}

static __u16 any_flags(struct fuzz *fz)
{
	return fuzz_one_in(fz, 20) ? fuzz_number(fz) : fuzz_below(fz, 8);
}

static void fill_table(struct fuzz *fz, struct vring_desc *d, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		d[i].addr = fuzz_gpa(fz);
		d[i].len = any_len(fz);
		d[i].flags = any_flags(fz);
		d[i].next = fuzz_one_in(fz, 10) ? fuzz_number(fz) :
						  fuzz_below(fz, n);
	}
}

static __u32 sound_len(struct fuzz *fz)
{
	return 12 + 14 + fuzz_below(fz, 1500);
}

static __u16 sound_flags(const struct vq *vq)
{
	return vq->index == RXQ ? VRING_DESC_F_WRITE : 0;
}

/* Write a valid descriptor among the others, so that there is traffic too. */
static void sound_chain(struct fuzz *fz, struct vq *vq, __u16 id)
{
	split_desc(vq)[id] = (struct vring_desc) {
		.addr = FUZZ_GPA + id * 2048,
		.len = sound_len(fz),
		.flags = sound_flags(vq),
	};
}

/* Write tables of descriptors into buffers, and sometimes into the rings. */
static void scatter_tables(struct fuzz *fz, struct vq *vq)
{
	struct vring_desc table[16];

	fill_table(fz, table, 16);
	gmem_write(vq->mem, FUZZ_GPA + fuzz_below(fz, FUZZ_RING * 2048 - 256),
		   table, sizeof(table));
	if (fuzz_one_in(fz, 4))
		gmem_write(vq->mem, GMEM_BASE + fuzz_below(fz, 4096), table,
			   sizeof(table));
}

static void scramble_split(struct fuzz *fz, struct vq *vq)
{
	unsigned int i;

	fill_table(fz, split_desc(vq), vq->num);
	for (i = 0; i < vq->num; i++)
		if (fuzz_one_in(fz, 2))
			sound_chain(fz, vq, i);
	scatter_tables(fz, vq);
	for (i = 0; i < vq->num; i++)
		split_avail(vq)->ring[i] = fuzz_one_in(fz, 20) ?
			fuzz_number(fz) : fuzz_below(fz, vq->num);
	*split_used_event(vq) = fuzz_number(fz);
	split_avail(vq)->flags = fuzz_below(fz, 2);
	if (fuzz_one_in(fz, 10))
		split_avail(vq)->idx = fuzz_number(fz);
	else
		split_avail(vq)->idx += fuzz_below(fz, vq->num);
}

static void scramble_packed(struct fuzz *fz, struct vq *vq)
{
	/* What makes descriptors available, in one lap or the other. */
	__u16 marks = fuzz_one_in(fz, 2) ? PACKED_AVAIL : PACKED_USED;
	struct vring_packed_desc *d = packed_ring(vq);
	unsigned int i;

	scatter_tables(fz, vq);
	for (i = 0; i < vq->num; i++, d++) {
		if (fuzz_one_in(fz, 2)) {
			d->addr = FUZZ_GPA + i * 2048;
			d->len = sound_len(fz);
			d->flags = sound_flags(vq) ^ marks;
		} else {
			d->addr = fuzz_gpa(fz);
			d->len = any_len(fz);
			d->flags = any_flags(fz) ^ marks;
		}
		d->id = fuzz_one_in(fz, 10) ? fuzz_number(fz) :
					      fuzz_below(fz, vq->num);
		if (fuzz_one_in(fz, 20))
			d->flags ^= fuzz_below(fz, 2) ? PACKED_AVAIL :
							PACKED_USED;
		if (fuzz_one_in(fz, vq->num))
			marks ^= PACKED_MARKS;
	}
	packed_driver(vq)->off_wrap = fuzz_number(fz);
	packed_driver(vq)->flags = fuzz_below(fz, 4);
}

void fuzz_scramble_ring(struct fuzz *fz)
{
	struct vq *vq = &fz->g.vq[fuzz_below(fz, NR_VQS)];

	if (vq->ops == &vq_packed_ops)
		scramble_packed(fz, vq);
	else
		scramble_split(fz, vq);
	vq_kick(vq);
}

static void send_some(struct fuzz *fz)
{
	static __thread unsigned char frame[3000];
	struct guest *g = &fz->g;
	unsigned int i, n = fuzz_below(fz, 20);
	size_t len;

	guest_reap(g);
	for (i = 0; i < n; i++) {
		len = FRAME_MIN + fuzz_below(fz, sizeof(frame) - FRAME_MIN);
		frame_make(frame, len, i);
		if (guest_send(g, NULL, frame, len, 1 + fuzz_below(fz, 4),
			       fuzz_one_in(fz, 3)))
			break;
	}
	vq_publish(&g->vq[TXQ]);
	vq_kick(&g->vq[TXQ]);
}

static void receive_some(struct fuzz *fz)
{
	struct guest *g = &fz->g;
	unsigned int i, n = fuzz_below(fz, 20);
	struct vq_used used;

	while (vq_pop(&g->vq[RXQ], &used))
		;
	guest_refill(g, n, 64 + fuzz_below(fz, 1900));
	vq_kick(&g->vq[RXQ]);
	for (i = 0; i < n; i++)
		guest_inject(g, FRAME_MIN + fuzz_below(fz, 3000), i);
}

void fuzz_traffic(struct fuzz *fz)
{
	if (fuzz_one_in(fz, 2))
		send_some(fz);
	else
		receive_some(fz);
}
