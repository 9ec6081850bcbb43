// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bits of the dirty log: set for each page that the device has written, and
 * for no other page.
 */
#include <sys/mman.h>

#include "guest_log.h"
#include "test.h"
#include "vq_split.h"

/* Compare the pages that were written with those that are logged. */
FIXTURE(bits)
{
	struct guest g;
	struct dlog log;
	struct dlog may;	/* pages that the device may write */
	struct dlog driver;	/* pages that the driver writes */
	struct dlog_image image;
	__u16 used[NR_VQS];	/* used indices at the last begin() */
};

FIXTURE_VARIANT(bits)
{
	__u64 features;
	int tap_flags;
	bool limit_sndbuf;
	__u16 base;
};

/*
 * Used entries begin in the first page of the used ring and reach the second.
 */
FIXTURE_VARIANT_ADD(bits, event_idx)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.base = 500,
};

FIXTURE_VARIANT_ADD(bits, flags)
{
	.features = F_MODERN_BASE | F_INDIRECT,
	.tap_flags = IFF_VNET_HDR,
	.base = 500,
};

/*
 * Used entries wrap from the end of the ring to its start, and so does the
 * index.
 */
FIXTURE_VARIANT_ADD(bits, wrap)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.base = 65526,
};

/* The device writes the header, and must log its page. */
FIXTURE_VARIANT_ADD(bits, legacy)
{
	.features = F_VHOST_HDR | F_EVENT_IDX | F_INDIRECT,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(bits, in_order)
{
	.features = F_MODERN | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
	.base = 500,
};

FIXTURE_VARIANT_ADD(bits, packed)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
	.base = 250,
};

FIXTURE_VARIANT_ADD(bits, packed_flags)
{
	.features = F_PACKED_BASE | F_INDIRECT,
	.tap_flags = IFF_VNET_HDR,
	.base = 250,
};

FIXTURE_VARIANT_ADD(bits, packed_wrap)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
	.base = 1014,
};

FIXTURE_VARIANT_ADD(bits, packed_in_order)
{
	.features = F_PACKED | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
	.base = 250,
};

#define SLOT		(4 * DLOG_PAGE)

FIXTURE_SETUP(bits)
{
	struct guest_cfg cfg = {
		.ops = guest_log_paged_ops(variant->features),
		.features = variant->features,
		.tap_flags = variant->tap_flags,
		.limit_sndbuf = variant->limit_sndbuf,
		.base = variant->base,
		.num = 1024,
		.slots = 64,
		.slot_size = SLOT,
		.ind_max = 4,
	};
	struct guest *g = &self->g;

	SETUP_NEEDS(variant->features);
	SETUP_NO_IN_ORDER_LOG(variant->features);
	ASSERT_OK(guest_start(g, &cfg));
	ASSERT_OK(dlog_init(&self->log, &g->mem));
	ASSERT_OK(dlog_init(&self->may, &g->mem));
	ASSERT_OK(dlog_init(&self->driver, &g->mem));
	ASSERT_OK(dlog_image_init(&self->image, &g->mem));
	guest_log_mark_driver(g, &self->driver);
	self->used[RXQ] = g->vq[RXQ].used_idx;
	self->used[TXQ] = g->vq[TXQ].used_idx;
	ASSERT_OK(guest_log_on(g, &self->log));
}

FIXTURE_TEARDOWN(bits)
{
	guest_stop(&self->g);
	dlog_image_free(&self->image);
	dlog_free(&self->driver);
	dlog_free(&self->may);
	dlog_free(&self->log);
}

#define bits_t	FIXTURE_DATA(bits)

/*
 * Stop the rings, as a bit may be set after its page was written; then compare.
 */
static int stop_and_compare(bits_t *self)
{
	bool as_allowed, none_missing;
	struct dlog known;
	int err;

	err = guest_set_backend(&self->g, -1);
	if (!err)
		err = dlog_init(&known, &self->g.mem);
	if (err)
		return err;
	as_allowed = dlog_within(&self->log, &self->may);
	dlog_add(&known, &self->log);
	dlog_add(&known, &self->driver);
	none_missing = dlog_image_same(&self->image, &known);
	dlog_free(&known);
	return as_allowed && none_missing ? 0 : -EBADMSG;
}

static bool is_packed(const struct vq *vq)
{
	return vq->features & F_RING_PACKED;
}

/* Where the device writes that the entry of this index is used. */
static __u64 used_gpa(const struct vq *vq, __u16 i)
{
	if (is_packed(vq))
		return vq->gpa[VQ_DESC] + i % vq->num *
		       sizeof(struct vring_packed_desc);
	return vq->gpa[VQ_USED] +
	       offsetof(struct vring_used, ring[i & (vq->num - 1)]);
}

/* Where the device asks for kicks with event indices. */
static __u64 event_gpa(const struct vq *vq)
{
	if (is_packed(vq))
		return vq->gpa[VQ_USED];
	return vq->gpa[VQ_USED] + offsetof(struct vring_used, ring[vq->num]);
}

/* Mark what the device writes for entries that were used since begin(). */
static void mark_used(bits_t *self, unsigned int ring)
{
	struct vq *vq = &self->g.vq[ring];
	__u16 i = self->used[ring];

	dlog_mark(&self->may, vq->gpa[VQ_USED],
		  offsetof(struct vring_used, ring));
	while (i != vq->used_idx) {
		dlog_mark(&self->may, used_gpa(vq, i),
			  sizeof(struct vring_used_elem));
		i++;
		if (is_packed(vq))
			i %= vq->num;
	}
	if (vq->features & F_EVENT_IDX)
		dlog_mark(&self->may, event_gpa(vq), 2);
}

/* Start the rings with a clean log; forget what was written before. */
static int begin(bits_t *self)
{
	int err = guest_set_backend(&self->g, -1);
	unsigned int i;

	dlog_image_all(&self->image);
	dlog_clear(&self->log);
	dlog_clear(&self->may);
	for (i = 0; i < NR_VQS; i++) {
		self->used[i] = self->g.vq[i].used_idx;
		/* Starting a ring writes its flags or its avail_event. */
		mark_used(self, i);
	}
	return err ? err : guest_set_backend(&self->g, self->g.tap);
}

/* The buffers of one packet: chains of segments, each chain within one slot. */
struct rx_case {
	unsigned int chains;
	unsigned int nseg;
	__u32 first;		/* bytes of the first segment of each chain */
	__u32 rest;		/* bytes of each other segment */
	__u32 offset;		/* of each segment in its page */
	bool indirect;
	size_t len;		/* length of the frame */
};

/* Segment @i of chain @chain. Later segments have lower addresses. */
static struct vq_seg segment(struct guest *g, const struct rx_case *c,
			     unsigned int chain, unsigned int i)
{
	__u64 gpa = g->pool[RXQ].slot[chain].gpa;

	return (struct vq_seg) {
		.gpa = gpa + (c->nseg - 1 - i) * DLOG_PAGE + c->offset,
		.len = i ? c->rest : c->first,
	};
}

static int post_case(struct guest *g, const struct rx_case *c)
{
	struct vq_seg seg[4];
	struct vq_chain chain = {
		.seg = seg, .nin = c->nseg, .indirect = c->indirect,
	};
	unsigned int i, k;
	int err = 0;

	for (k = 0; !err && k < c->chains; k++) {
		for (i = 0; i < c->nseg; i++)
			seg[i] = segment(g, c, k, i);
		err = vq_add(&g->vq[RXQ], &chain, k);
	}
	vq_submit(&g->vq[RXQ]);
	return err;
}

/* Read the frame from its buffers, and mark what it covers. */
static int take_case(bits_t *self, const struct rx_case *c, __u32 seq)
{
	static unsigned char flat[HDR_LEN_MRG + FRAME_MAX];
	size_t done = 0, all = self->g.hdr_len + c->len;
	struct guest *g = &self->g;
	struct vq_used used;
	struct vq_seg seg;
	unsigned int i, k;

	for (k = 0; done < all && k < c->chains; k++) {
		if (!vq_wait_pop(&g->vq[RXQ], &used) || used.cookie != k)
			return -ETIMEDOUT;
		for (i = 0; done < all && i < c->nseg; i++) {
			seg = segment(g, c, k, i);
			if (seg.len > all - done)
				seg.len = all - done;
			gmem_read(&g->mem, seg.gpa, flat + done, seg.len);
			dlog_mark(&self->may, seg.gpa, seg.len);
			done += seg.len;
		}
	}
	mark_used(self, RXQ);
	if (done != all)
		return -EMSGSIZE;
	return frame_is(flat + g->hdr_len, c->len, seq) ? 0 : -EBADMSG;
}

static const struct rx_case rx_cases[] = {
	{ 1, 1, 2048, 0, 0, false, 60 },
	{ 1, 1, 2048, 0, 0, true, 60 },
	/* A frame that fills one page, and one of one byte more. */
	{ 1, 1, 4096, 0, 0, false, 4084 },
	{ 1, 1, 4097, 0, 0, false, 4085 },
	{ 1, 1, 8192, 0, 100, false, 4000 },
	/* Parts of a buffer that are not written stay clean. */
	{ 1, 1, 16384, 0, 0, false, 60 },
	{ 1, 1, 16384, 0, 0, true, 9000 },
	/* The header in a page of its own. */
	{ 1, 2, 12, 4000, 1000, false, 60 },
	{ 1, 2, 12, 4000, 4090, true, 1514 },
	{ 1, 4, 1000, 900, 4000, false, 3600 },
};

TEST_F(bits, receive)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rx_cases); i++) {
		ASSERT_OK(begin(self));
		ASSERT_OK(post_case(g, &rx_cases[i]));
		ASSERT_OK(guest_inject(g, rx_cases[i].len, i));
		ASSERT_OK_AT(take_case(self, &rx_cases[i], i), "case %u", i);
		ASSERT_OK_AT(stop_and_compare(self), "case %u", i);
		EXPECT_FALSE(dlog_is_clean(&self->log));
	}
}

static const struct rx_case mergeable_cases[] = {
	{ 2, 1, 4096, 0, 0, false, 4085 },
	{ 3, 1, 4096, 0, 0, false, 9000 },
	{ 4, 1, 3000, 0, 2000, false, 9000 },
	{ 8, 2, 200, 3000, 4000, false, 16000 },
	{ 16, 3, 10, 1000, 4090, true, 16000 },
};

TEST_F(bits, receive_mergeable)
{
	struct guest *g = &self->g;
	const struct rx_case *c;
	unsigned int i;

	if (!(variant->features & F_MRG_RXBUF))
		SKIP(return, "without mergeable buffers");
	for (i = 0; i < ARRAY_SIZE(mergeable_cases); i++) {
		c = &mergeable_cases[i];
		ASSERT_OK(begin(self));
		ASSERT_OK(post_case(g, c));
		ASSERT_OK(guest_inject(g, c->len, i));
		ASSERT_OK_AT(take_case(self, c, i), "case %u", i);
		ASSERT_OK_AT(stop_and_compare(self), "case %u", i);
		/*
		 * Drop buffers that are left, which the next packet would get.
		 */
		vq_reset(&g->vq[RXQ], self->used[RXQ]);
		ASSERT_OK(vdev_set_vring(g->dev, &g->vq[RXQ],
					 vq_base(&g->vq[RXQ])));
	}
}

/* Transmit writes nothing but the used ring, entry by entry. */
TEST_F(bits, transmit)
{
	static unsigned char frame[9000];
	struct guest *g = &self->g;
	unsigned int i, round, n;

	for (round = 0; round < 24; round++) {
		n = 1 + round % 5;
		ASSERT_OK(begin(self));
		for (i = 0; i < n; i++) {
			frame_make(frame, sizeof(frame), round * 8 + i);
			ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame),
					     1 + i % 3, i & 1));
		}
		vq_submit(&g->vq[TXQ]);
		for (i = 0; i < n; i++)
			ASSERT_OK(guest_capture(g, sizeof(frame),
						round * 8 + i));
		ASSERT_OK(guest_reap_all(g));
		mark_used(self, TXQ);
		ASSERT_OK_AT(stop_and_compare(self), "round %u", round);
		EXPECT_TRUE(dlog_is_dirty(&self->log,
					  g->vq[TXQ].gpa[VQ_USED]));
	}
}

/*
 * A frame in two chains, whose used descriptors are pages apart. The device
 * writes nothing in between, whatever the size of the host's pages.
 */
TEST_F(bits, gap_between_used_descriptors)
{
	const unsigned int nseg = 400, room = 3000, len = 5000;
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[RXQ];
	unsigned int i, slot = vq->used_idx;

	if (!is_packed(vq) || !(variant->features & F_MRG_RXBUF))
		SKIP(return, "only with used descriptors, mergeable buffers");
	ASSERT_OK(begin(self));
	for (i = 0; i < 2; i++) {
		dlog_mark(&self->may, g->pool[RXQ].slot[i].gpa, SLOT);
		dlog_mark(&self->may, used_gpa(vq, slot % vq->num),
			  sizeof(struct vring_packed_desc));
		ASSERT_OK(guest_post(g, room, nseg, false));
		slot += nseg;
	}
	vq_submit(vq);
	ASSERT_OK(guest_inject(g, len, 1));
	ASSERT_OK(guest_check_rx(g, len, 1));
	ASSERT_OK(stop_and_compare(self));
	EXPECT_FALSE(dlog_is_clean(&self->log));
}

/* Each page of the used ring in turn. */
TEST_F(bits, whole_used_ring)
{
	unsigned int i, n = self->g.vq[TXQ].num;
	static unsigned char frame[60];
	struct guest *g = &self->g;

	ASSERT_OK(begin(self));
	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_wait_room(g, 1));
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
		if (i % 64 == 63)
			vq_submit(&g->vq[TXQ]);
	}
	ASSERT_OK(guest_reap_all(g));
	mark_used(self, TXQ);
	/* A lap later the index is where it was. */
	if (is_packed(&g->vq[TXQ]))
		dlog_mark(&self->may, used_gpa(&g->vq[TXQ], 0),
			  n * sizeof(struct vring_packed_desc));
	ASSERT_OK(stop_and_compare(self));
	/* In order, a batch writes one entry only. */
	if (variant->features & F_IN_ORDER)
		return;
	for (i = 0; i < n; i++)
		EXPECT_TRUE(dlog_is_dirty(&self->log,
					  used_gpa(&g->vq[TXQ], i)));
}

static int protect_log(bits_t *self, int prot)
{
	struct gmem *mem = &self->g.mem;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < mem->nregions; i++)
		err = dlog_protect(&self->log, &mem->region[i], prot);
	return err;
}

/* Use entries until the next one is not in the page of the used index. */
static int reach_second_page(struct guest *g)
{
	struct vq *vq = &g->vq[TXQ];
	__u64 index = vq->gpa[VQ_USED], entry;
	unsigned int seq;
	int err = 0;

	for (seq = 0; !err; seq++) {
		entry = index + offsetof(struct vring_used,
					 ring[vq->used_idx & (vq->num - 1)]);
		if (entry / DLOG_PAGE > index / DLOG_PAGE)
			break;
		err = guest_check_tx(g, 60, seq, 1, false);
	}
	return err;
}

/*
 * The used index is written, but its page cannot be logged. The chain is used
 * all the same: the guest is called for it at once, and does not get it a
 * second time when the ring continues.
 */
TEST_F(bits, used_index_is_seen_but_not_logged)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	__u64 used = vq->gpa[VQ_USED];
	static unsigned char frame[60];
	unsigned int i;

	OURS_ALONE("ignores a log that it cannot write");
	/* Without event indices the flags, written first, share this page. */
	if (!(variant->features & F_EVENT_IDX) || is_packed(vq))
		SKIP(return, "only with a used index and the event index");
	ASSERT_OK(reach_second_page(g));
	ASSERT_OK(vdev_rest(g->dev, vq));
	/* The other pages are marked, so that only this one is to be logged. */
	dlog_clear(&self->log);
	dlog_mark(&self->log, used + DLOG_PAGE,
		  vq->ops->size(vq->num, VQ_USED) - DLOG_PAGE);
	ASSERT_OK(protect_log(self, PROT_READ));
	vq->ops->arm(vq);
	event_count(vq->call);

	for (i = 0; i < 2; i++) {
		frame_make(frame, sizeof(frame), i);
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
		vq_publish(vq);
		vq_kick(vq);
		if (!i)
			ASSERT_THAT(event_wait(vq->err));
		ASSERT_THAT_AT(event_wait(vq->call), "%u", i);
		event_count(vq->call);
		ASSERT_OK(protect_log(self, PROT_READ | PROT_WRITE));
		ASSERT_EQ(1, guest_reap(g));
		vq->ops->arm(vq);
		ASSERT_OK(vdev_set_addr(g->dev, vq));
		ASSERT_OK(guest_capture(g, sizeof(frame), i));
	}
}

/* The word that asks for a kick is in the last page of the used ring. */
TEST_F(bits, avail_event)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	unsigned int i;

	if (!(variant->features & F_EVENT_IDX))
		SKIP(return, "without the event index");
	for (i = 0; i < 5; i++) {
		dlog_clear(&self->log);
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
		ASSERT_THAT(wait_until(vq_kick_is_asked(vq)));
		EXPECT_TRUE(wait_until(dlog_is_dirty(&self->log,
						     event_gpa(vq))));
	}
}

TEST_F(bits, nothing_when_off)
{
	struct guest *g = &self->g;

	ASSERT_OK(guest_check_alive(g, 1));
	ASSERT_OK(guest_log_off(g));
	/* Nothing that began before is still writing to the log. */
	dlog_clear(&self->log);
	ASSERT_OK(guest_check_alive(g, 100));
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_TRUE(dlog_is_clean(&self->log));
}

/* The used ring and the buffers are logged independently. */
TEST_F(bits, used_ring_alone)
{
	struct guest *g = &self->g;

	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_OK(vdev_set_features(g->dev, g->cfg.features));
	ASSERT_OK(begin(self));
	ASSERT_OK(guest_check_alive(g, 1));
	mark_used(self, RXQ);
	mark_used(self, TXQ);
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_TRUE(dlog_within(&self->log, &self->may));
	EXPECT_TRUE(dlog_is_dirty(&self->log, g->vq[RXQ].gpa[VQ_USED]));
	EXPECT_TRUE(dlog_is_dirty(&self->log, g->vq[TXQ].gpa[VQ_USED]));
}

TEST_F(bits, buffers_alone)
{
	struct guest *g = &self->g;
	const struct rx_case *c = &rx_cases[4];
	unsigned int i;

	ASSERT_OK(guest_set_backend(g, -1));
	for (i = 0; i < NR_VQS; i++) {
		g->vq[i].log_used = false;
		ASSERT_OK(vdev_set_addr(g->dev, &g->vq[i]));
	}
	ASSERT_OK(begin(self));
	ASSERT_OK(guest_check_tx(g, 1000, 1, 2, false));
	ASSERT_OK(post_case(g, c));
	ASSERT_OK(guest_inject(g, c->len, 2));
	dlog_clear(&self->may);
	self->used[RXQ] = g->vq[RXQ].used_idx + 1;
	ASSERT_OK(take_case(self, c, 2));
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_FALSE(dlog_is_clean(&self->log));
	EXPECT_FALSE(dlog_is_dirty(&self->log, g->vq[RXQ].gpa[VQ_USED]));
	EXPECT_FALSE(dlog_is_dirty(&self->log, g->vq[TXQ].gpa[VQ_USED]));
	EXPECT_TRUE(dlog_within(&self->log, &self->may));
}

VHOST_TEST_MAIN
