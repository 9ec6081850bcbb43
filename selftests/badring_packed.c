// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be invalid in packed rings only. badring.c tests bad chains of any
 * layout.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest_log.h"
#include "iotlb.h"
#include "raw.h"
#include "test.h"

#define RING	256

FIXTURE(packed)
{
	struct guest g;
	struct vq *tx, *rx;
	__u64 buf;	/* buffers in guest memory */
};

FIXTURE_VARIANT(packed)
{
	bool limit_sndbuf;
	__u64 features;
	__u16 base;
};

FIXTURE_VARIANT_ADD(packed, batched)
{
	.features = F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(packed, single)
{
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(packed, in_order)
{
	.features = F_EVENT_IDX | F_IN_ORDER,
};

/* Most chains begin in one lap and end in the next. */
FIXTURE_VARIANT_ADD(packed, wrap)
{
	.features = F_EVENT_IDX,
	.base = 2 * RING - 2,
};

FIXTURE_SETUP(packed)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_INDIRECT |
			    F_RING_PACKED | variant->features,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = variant->limit_sndbuf,
		.num = RING,
		.base = variant->base,
	};

	SETUP_NEEDS(cfg.features);
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->tx = &self->g.vq[TXQ];
	self->rx = &self->g.vq[RXQ];
	self->buf = self->g.pool[TXQ].slot[0].gpa;
}

FIXTURE_TEARDOWN(packed)
{
	guest_stop(&self->g);
}

/* Publish and kick, whether the device has asked for a kick or not. */
static void submit(struct vq *vq)
{
	vq_publish(vq);
	vq_kick(vq);
}

/* Start a ring again, empty. */
static int restart(struct guest *g, struct vq *vq)
{
	int err;

	event_count(vq->err);
	err = vdev_set_backend(g->dev, vq->index, -1);
	guest_reset_ring(g, vq->index, 0);
	if (!err)
		err = vdev_set_vring(g->dev, vq, vq_base(vq));
	return err ? err : vdev_set_backend(g->dev, vq->index, g->tap);
}

/*
 * Offer frames, then a chain that fills the rest of the ring and has no end.
 * After frames, it continues in their descriptors: the device stops while they
 * are available, and takes the chain once they are used.
 */
static int endless_chain(struct guest *g, unsigned int before)
{
	struct vq *tx = &g->vq[TXQ];
	__u64 gpa = g->pool[TXQ].slot[0].gpa;
	unsigned int i;
	int err;

	for (i = 0; i < before; i++)
		if (!raw_offer_frame(g, gpa + i * 256, i))
			return -ENOSPC;
	while (tx->nfree)
		packed_write(tx, NOWHERE, 1, 0, F_NEXT);
	submit(tx);
	for (i = 0; i < before; i++) {
		err = guest_capture(g, 60, i);
		if (err)
			return err;
	}
	if (!before && !event_wait(tx->err))
		return -ETIMEDOUT;
	return restart(g, tx);
}

TEST_F(packed, chain_longer_than_the_ring)
{
	struct guest *g = &self->g;

	ASSERT_OK(endless_chain(g, 0));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(endless_chain(g, 1));
	ASSERT_OK(guest_check_alive(g, 10));
	ASSERT_OK(endless_chain(g, 5));
	ASSERT_OK(guest_check_alive(g, 20));
}

/* The other ring is not affected. */
TEST_F(packed, endless_receive_buffer)
{
	static struct guest_frame f;
	struct guest *g = &self->g;

	ASSERT_OK(guest_inject(g, 60, 7));
	while (self->rx->nfree)
		packed_write(self->rx, self->buf, 1, 0, F_NEXT | F_WRITE);
	submit(self->rx);
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	ASSERT_THAT(event_wait(self->rx->err));
	ASSERT_OK(restart(g, self->rx));
	/* The packet is still there. */
	guest_refill(g, 1, 2048);
	ASSERT_OK(guest_recv(g, &f));
	EXPECT_TRUE(frame_is(f.data, 60, 7));
	EXPECT_OK(guest_check_alive(g, 10));
}

/*
 * A descriptor whose marks contradict the wrap counter is not available. The
 * ring waits, and continues once they are right.
 */
TEST_F(packed, marks_contradict_the_wrap_counter)
{
	static const __u16 wrong[] = {
		PACKED_AVAIL, PACKED_USED, PACKED_MARKS,
	};
	struct guest *g = &self->g;
	struct vq *tx = self->tx;
	unsigned int i;
	__u16 slot;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		slot = tx->avail_idx;
		ASSERT_THAT(raw_offer_frame(g, self->buf, i));
		tx->head_flags ^= wrong[i];
		submit(tx);
		ASSERT_OK(vdev_rest(g->dev, tx));
		EXPECT_EQ(0, event_count(tx->err));
		/* With both marks inverted it looks like a used one. */
		if (wrong[i] != PACKED_USED)
			EXPECT_FALSE(vq_count_used(tx));
		packed_ring(tx)[slot].flags ^= wrong[i];
		vq_kick(tx);
		ASSERT_OK_AT(guest_capture(g, 60, i), "marks %#x", wrong[i]);
		ASSERT_OK(raw_take_all(tx));
	}
}

/* Only the first descriptor of a chain tells whether it is available. */
TEST_F(packed, marks_inside_a_chain)
{
	static const __u16 wrong[] = {
		PACKED_AVAIL, PACKED_USED, PACKED_MARKS,
	};
	unsigned char frame[60];
	struct guest *g = &self->g;
	struct vq *tx = self->tx;
	unsigned int i;
	__u16 id;

	gmem_fill(&g->mem, self->buf, 0, HDR_LEN_MRG);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		frame_make(frame, 60, i);
		gmem_write(&g->mem, self->buf + HDR_LEN_MRG, frame, 60);
		id = packed_claim_id(tx);
		packed_write(tx, self->buf, HDR_LEN_MRG, id, F_NEXT);
		packed_write(tx, self->buf + HDR_LEN_MRG, 60, id, wrong[i]);
		packed_offer(tx, id, 2, 0);
		submit(tx);
		ASSERT_OK_AT(guest_capture(g, 60, i), "marks %#x", wrong[i]);
		ASSERT_OK(raw_take_all(tx));
	}
}

/* A table may not follow other descriptors, as it may in the split layout. */
TEST_F(packed, table_behind_a_descriptor)
{
	__u64 frame_at = self->buf + HDR_LEN_MRG, table_at = self->buf + 1024;
	struct vring_packed_desc entry = { frame_at, RAW_FRAME_LEN };
	unsigned char frame[RAW_FRAME_LEN];
	struct guest *g = &self->g;
	struct vq *tx = self->tx;
	__u16 id = packed_claim_id(tx);

	frame_make(frame, sizeof(frame), 1);
	gmem_fill(&g->mem, self->buf, 0, HDR_LEN_MRG);
	gmem_write(&g->mem, frame_at, frame, sizeof(frame));
	gmem_write(&g->mem, table_at, &entry, sizeof(entry));
	packed_write(tx, self->buf, HDR_LEN_MRG, id, F_NEXT);
	packed_write(tx, table_at, sizeof(entry), id, F_IND);
	packed_offer(tx, id, 2, 0);
	ASSERT_THAT(raw_offer_frame(g, self->buf + 1536, 2));
	submit(tx);
	ASSERT_OK(guest_capture(g, RAW_FRAME_LEN, 2));
	ASSERT_OK(raw_take_all(tx));
	EXPECT_EQ(1, vdev_counter(g->dev, "queue1.drop.chain_indirect"));
}

/* The device returns the ids that it was given, whatever they are. */
TEST_F(packed, repeated_and_huge_ids)
{
	static const __u16 ids[] = { 5, 5, 0xffff, RING, 5, 0, 0, 0x8000 };
	unsigned char frame[HDR_LEN_MRG + 60] = { 0 };
	struct vring_packed_desc *d;
	struct guest *g = &self->g;
	struct vq *tx = self->tx;
	unsigned int i;
	__u16 slot = tx->used_idx;

	frame_make(frame + HDR_LEN_MRG, 60, 3);
	gmem_write(&g->mem, self->buf, frame, sizeof(frame));
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		packed_write(tx, self->buf, sizeof(frame), ids[i], 0);
		submit(tx);
		ASSERT_OK(guest_capture(g, 60, 3));
		ASSERT_OK(vdev_rest(g->dev, tx));
		d = packed_ring(tx) + (slot + i) % RING;
		ASSERT_THAT(wait_until(((d->flags & PACKED_MARKS) == 0) ==
				       !((d->flags & PACKED_AVAIL))));
		EXPECT_EQ(ids[i], d->id);
	}
	EXPECT_EQ(0, event_count(tx->err));
}

/* Calls come in spite of an event offset beyond the ring, or reserved flags. */
TEST_F(packed, event_offset_beyond_the_ring)
{
	static const __u16 offs[] = { RING, RING + 1, 0x7fff, 0xffff };
	struct vring_packed_desc_event *event = packed_driver(self->tx);
	struct guest *g = &self->g;
	struct vq *tx = self->tx;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		event->off_wrap = offs[i];
		event->flags = i & 1 ? VRING_PACKED_EVENT_FLAG_DESC :
				       VRING_PACKED_EVENT_FLAG_DESC | 1;
		event_count(tx->call);
		ASSERT_THAT(raw_offer_frame(g, self->buf, i));
		submit(tx);
		ASSERT_OK(guest_capture(g, 60, i));
		ASSERT_THAT_AT(event_wait(tx->call), "offset %#x", offs[i]);
		ASSERT_OK(raw_take_all(tx));
	}
}

/* A chain of more descriptors than a packet may have costs one packet. */
TEST(packed_chain_of_more_than_1024)
{
	struct guest_cfg cfg = {
		.features = F_PACKED,
		.tap_flags = IFF_VNET_HDR,
		.num = 4096,
		.slots = 16,
	};
	struct vq *tx;
	struct guest g;
	unsigned int i, n;
	__u16 id;

	if (!vdev_offers(F_RING_PACKED))
		SKIP(return, "no packed rings");
	ASSERT_OK(guest_start(&g, &cfg));
	tx = &g.vq[TXQ];
	for (n = 1025; n < 4000; n = 2 * n - 10) {
		id = packed_claim_id(tx);
		for (i = 0; i < n; i++)
			packed_write(tx, g.pool[TXQ].slot[0].gpa, 1, id,
				     i + 1 < n ? F_NEXT : 0);
		packed_offer(tx, id, n, 0);
		ASSERT_THAT(raw_offer_frame(&g, g.pool[TXQ].slot[1].gpa, n));
		vq_submit(tx);
		ASSERT_OK_AT(guest_capture(&g, 60, n), "%u descriptors", n);
		ASSERT_OK(raw_take_all(tx));
	}
	EXPECT_EQ(2, vdev_counter(g.dev, "queue1.drop.chain_long"));
	EXPECT_OK(guest_check_alive(&g, 0));
	guest_stop(&g);
}

/* Make all descriptors available, again and again, until killed. */
static void always_available(struct vq *vq, __u64 gpa, int ready)
{
	struct vring_packed_desc *ring = packed_ring(vq);
	unsigned int i, round;

	for (round = 0;; round++) {
		for (i = 0; i < vq->num; i++) {
			ring[i].addr = gpa;
			ring[i].len = 1;
			__atomic_store_n(&ring[i].flags, round & 1 ?
					 PACKED_AVAIL : PACKED_USED,
					 __ATOMIC_RELEASE);
		}
		vq_kick(vq);
		event_signal(ready);
	}
}

/*
 * Descriptors that change all the time, and are always available: no packet of
 * the other ring gets lost, and the ring can be stopped.
 */
TEST_F(packed, descriptors_change_while_they_are_read)
{
	struct guest *g = &self->g;
	unsigned int i;
	pid_t pid;

	guest_refill(g, 32, 2048);
	pid = fork();
	if (!pid)
		always_available(self->tx, self->buf, self->tx->call);
	ASSERT_LT(0, pid);
	for (i = 0; i < env_scaled(20, 5); i++)
		EXPECT_OK(guest_check_rx(g, 60, i));
	EXPECT_OK(vdev_set_backend(g->dev, TXQ, -1));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	guest_reset_ring(g, TXQ, 0);
	ASSERT_OK(vdev_set_vring(g->dev, self->tx, vq_base(self->tx)));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	EXPECT_OK(guest_check_tx(g, 60, 99, 1, false));
}

/*
 * Descriptors in two pages, one of which is inaccessible at first, or cannot be
 * written: the guest sees none of the used ones until it sees all.
 */
FIXTURE(packed_pages)
{
	struct guest g;
	struct iotlb t;
	struct dlog log;
	struct vq *tx;
	void *page;	/* of the device, which may have a mapping of its own */
	void *away;
	bool iotlb;
};

FIXTURE_VARIANT(packed_pages)
{
	__u64 features;
	unsigned int page;
	bool logged;
};

#define PAGE		gmem_page()

FIXTURE_VARIANT_ADD(packed_pages, first)
{
	.page = 0,
};

FIXTURE_VARIANT_ADD(packed_pages, second)
{
	.page = 1,
};

FIXTURE_VARIANT_ADD(packed_pages, in_order)
{
	.features = F_IN_ORDER,
	.page = 0,
};

FIXTURE_VARIANT_ADD(packed_pages, logged)
{
	.page = 1,
	.logged = true,
};

FIXTURE_VARIANT_ADD(packed_pages, scattered_first)
{
	.features = F_ACCESS_PLATFORM,
	.page = 0,
};

FIXTURE_VARIANT_ADD(packed_pages, scattered_second)
{
	.features = F_ACCESS_PLATFORM,
	.page = 1,
};

FIXTURE_SETUP(packed_pages)
{
	const struct iotlb_cfg iotlb = { .v2 = true, .scatter = true };
	static struct vq_ops paged;
	struct guest_cfg cfg = {
		.ops = &paged,
		.features = F_PACKED | variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = 2 * PAGE / sizeof(struct vring_packed_desc),
		.slots = 16,
		.base = PAGE / sizeof(struct vring_packed_desc) - 4,
	};

	SETUP_NEEDS(cfg.features);
	paged = vq_packed_ops;
	paged.align[VQ_DESC] = PAGE;
	self->iotlb = cfg.features & F_ACCESS_PLATFORM;
	if (self->iotlb)
		ASSERT_OK(iotlb_guest_start(&self->t, &self->g, &iotlb, &cfg));
	else
		ASSERT_OK(guest_start(&self->g, &cfg));
	self->tx = &self->g.vq[TXQ];
	self->page = self->tx->area[VQ_DESC] + variant->page * PAGE;
	if (self->iotlb) {
		/* A miss would end a batch. */
		ASSERT_OK(iotlb_answer_all(&self->t));
		self->page = *iotlb_page(&self->t, self->tx->gpa[VQ_DESC] +
					 variant->page * PAGE);
	}
	ASSERT_OK(dlog_init(&self->log, &self->g.mem));
	if (variant->logged) {
		ASSERT_OK(dlog_set_base(self->g.dev, &self->log));
		ASSERT_OK(guest_log_used(&self->g, self->tx, true));
	}
	/* The run of the start must not find chains. */
	ASSERT_OK(vdev_rest(self->g.dev, self->tx));
	self->away = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	ASSERT_NE(MAP_FAILED, self->away);
}

FIXTURE_TEARDOWN(packed_pages)
{
	if (self->iotlb)
		iotlb_guest_stop(&self->t, &self->g);
	else
		guest_stop(&self->g);
	dlog_free(&self->log);
	munmap(self->away, PAGE);
}

#define pages_t		FIXTURE_DATA(packed_pages)

/* Publish eight chains, the first four of which lie in the first page. */
static int publish_eight(pages_t *self)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (!raw_offer_frame(g, g->pool[TXQ].slot[i].gpa, i))
			return -ENOSPC;
	vq_publish(self->tx);
	return 0;
}

/* Capture them, and take them back. No chain is lost, and none is new. */
static int take_eight(pages_t *self)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < 8; i++)
		err = guest_capture(&self->g, 60, i);
	if (!err)
		err = raw_take_all(self->tx);
	if (!err && self->tx->bogus)
		err = -EPROTO;
	return err ? err : guest_check_alive(&self->g, 100);
}

/* The error is reported, and the chains are used once the page is back. */
TEST_F(packed_pages, lost_for_a_moment)
{
	ASSERT_OK(publish_eight(self));
	ASSERT_OK(gmem_move(self->page, self->away, PAGE));
	vq_kick(self->tx);
	EXPECT_TRUE(event_wait(self->tx->err));
	ASSERT_OK(gmem_move(self->away, self->page, PAGE));
	ASSERT_OK(vdev_set_addr(self->g.dev, self->tx));
	vq_kick(self->tx);
	EXPECT_OK(take_eight(self));
}

/*
 * Have the frames sent, while the page can be read only. Copy the descriptors
 * of the driver to @before.
 */
static int fail_to_write(pages_t *self, unsigned char before[2 * PAGE])
{
	int err = publish_eight(self);

	if (err)
		return err;
	memcpy(before, self->tx->area[VQ_DESC], 2 * PAGE);
	if (mprotect(self->page, PAGE, PROT_READ))
		return -errno;
	vq_kick(self->tx);
	return event_wait(self->tx->err) ? 0 : -ETIMEDOUT;
}

/* The used descriptors are written once that is possible. */
TEST_F(packed_pages, read_only_for_a_moment)
{
	unsigned char before[2 * PAGE];
	int dev = self->g.dev;
	__u32 base;

	ASSERT_OK(fail_to_write(self, before));
	ASSERT_THAT(wait_until(vdev_counter(dev, "queue1.retries") >= 2));
	EXPECT_EQ(0, vq_count_used(self->tx));
	/* The device is done with the chains, but the guest cannot know. */
	ASSERT_OK(vdev_get_base(dev, TXQ, &base));
	EXPECT_EQ(vq_used_base(self->tx), base);
	ASSERT_EQ(0, mprotect(self->page, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_OK(take_eight(self));
	EXPECT_EQ(1, vdev_counter(dev, "queue1.ring_errors"));
}

/*
 * A ring that is stopped meanwhile has the driver's descriptors, although some
 * have been overwritten, and continues with the first one. What was overwritten
 * is in the dirty log.
 */
TEST_F(packed_pages, stopped_while_read_only)
{
	unsigned char junk[64], before[2 * PAGE];
	struct virtio_net_hdr hdr;
	struct guest *g = &self->g;
	__u32 base;

	ASSERT_OK(fail_to_write(self, before));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
	EXPECT_EQ(vq_used_base(self->tx), base);
	ASSERT_EQ(0, mprotect(self->page, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, memcmp(before, self->tx->area[VQ_DESC], sizeof(before)));
	if (variant->logged)
		EXPECT_TRUE(dlog_is_dirty(&self->log, self->tx->gpa[VQ_DESC]));
	while (packet_recv_now(g->pkt, &hdr, junk, sizeof(junk)) >= 0)
		;
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	vq_kick(self->tx);
	EXPECT_OK(take_eight(self));
}

/*
 * The ring cannot be written while its last descriptor of a lap is used, and is
 * started again then. The position that follows is that of a fresh ring too.
 */
TEST(start_at_the_end_of_a_lap)
{
	struct guest_cfg cfg = {
		.ops = guest_log_paged_ops(F_RING_PACKED),
		.features = F_PACKED,
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
		.base = 2 * RING - 1,
	};
	static unsigned char frame[60];
	static struct guest g;
	struct vq *tx = &g.vq[TXQ];
	void *ring;

	OURS_ALONE("has no packed rings");
	ASSERT_OK(guest_start(&g, &cfg));
	ring = tx->area[VQ_DESC];
	ASSERT_OK(vdev_rest(g.dev, tx));
	frame_make(frame, sizeof(frame), 1);
	ASSERT_OK(guest_send(&g, NULL, frame, sizeof(frame), 1, false));
	vq_publish(tx);
	ASSERT_EQ(0, mprotect(ring, RING * 16, PROT_READ));
	vq_kick(tx);
	ASSERT_THAT(event_wait(tx->err));
	ASSERT_OK(vdev_set_backend(g.dev, TXQ, g.tap));
	ASSERT_EQ(0, mprotect(ring, RING * 16, PROT_READ | PROT_WRITE));
	ASSERT_OK(guest_capture(&g, sizeof(frame), 1));
	ASSERT_OK(guest_reap_all(&g));
	EXPECT_OK(guest_check_alive(&g, 2));
	guest_stop(&g);
}

VHOST_TEST_MAIN
