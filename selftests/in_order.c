// SPDX-License-Identifier: GPL-2.0-only
/*
 * VIRTIO_F_IN_ORDER (virtio 1.2, 2.7.9 and 2.8.8): chains come back in the
 * order in which they were offered, and one used entry may stand for a batch.
 * The library's driver rejects used entries that break the rules; these tests
 * check the batches.
 */
#include "raw.h"
#include "test.h"
#include "vq_split.h"

#define IN_ORDER	(F_VERSION_1 | F_MRG_RXBUF | F_IN_ORDER)
#define FRAME_LEN	60

/* A value that no device writes into a used entry. */
#define POISON		0xdeadbeef

FIXTURE(in_order)
{
	struct guest g;
	struct vq *tx, *rx;
};

FIXTURE_VARIANT(in_order)
{
	__u64 features;
	bool limit_sndbuf;
	__u16 base;
};

FIXTURE_VARIANT_ADD(in_order, batched)
{
	.features = F_EVENT_IDX | F_INDIRECT,
};

FIXTURE_VARIANT_ADD(in_order, single)
{
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(in_order, index_wrap)
{
	.features = F_EVENT_IDX,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(in_order, packed)
{
	.features = F_EVENT_IDX | F_INDIRECT | F_RING_PACKED,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(in_order, packed_single)
{
	.features = F_RING_PACKED,
	.limit_sndbuf = true,
};

FIXTURE_SETUP(in_order)
{
	struct guest_cfg cfg = {
		.features = IN_ORDER | variant->features,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = variant->limit_sndbuf,
		.base = variant->base,
		.num = 64,
		.slot_size = 4096,
	};

	SETUP_NEEDS(cfg.features & (F_IN_ORDER | F_RING_PACKED));
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->tx = &self->g.vq[TXQ];
	self->rx = &self->g.vq[RXQ];
}

FIXTURE_TEARDOWN(in_order)
{
	guest_stop(&self->g);
}

/* Let an unwritten used entry be known. A packed one is still available. */
static void poison(struct vq *vq)
{
	unsigned int i;

	if (vq->features & F_RING_PACKED)
		return;
	for (i = 0; i < vq->num; i++)
		split_used(vq)->ring[i] = (struct vring_used_elem) {
			.id = POISON, .len = POISON,
		};
}

/*
 * Read the used entry at a position in the ring, and turn its id into that of
 * the chain. Return: false if the device has not written it.
 */
static bool read_entry(struct vq *vq, unsigned int at, struct vq_used *e)
{
	const struct vring_packed_desc *d;
	__u16 marks;

	if (!(vq->features & F_RING_PACKED)) {
		/* With chains of one descriptor, an id is a position. */
		e->id = split_used(vq)->ring[at].id;
		e->len = split_used(vq)->ring[at].len;
		return e->id != POISON;
	}
	d = &packed_ring(vq)[at];
	marks = d->flags & PACKED_MARKS;
	/* The library's driver counts ids down. */
	e->id = vq->num - 1 - d->id;
	e->len = d->flags & VRING_DESC_F_WRITE ? d->len : 0;
	return !marks || marks == PACKED_MARKS;
}

/* Add @n frames from number @seq on, in @nseg segments each; do not publish. */
static int add_frames(struct guest *g, unsigned int n, __u32 seq,
		      unsigned int nseg)
{
	unsigned char frame[FRAME_LEN];
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		frame_make(frame, sizeof(frame), seq + i);
		err = guest_send(g, NULL, frame, sizeof(frame), nseg, false);
		if (err)
			return err;
	}
	return 0;
}

static int capture_frames(struct guest *g, unsigned int n, __u32 seq)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < n; i++)
		err = guest_capture(g, FRAME_LEN, seq + i);
	return err;
}

/*
 * Send frames that are published before the ring starts, so that the worker
 * takes as many at a time as it can: a batch, or a few.
 */
static int send_at_once(struct guest *g, unsigned int n, __u32 seq,
			unsigned int nseg)
{
	int err;

	err = vdev_set_backend(g->dev, TXQ, -1);
	if (!err)
		err = add_frames(g, n, seq, nseg);
	if (err)
		return err;
	vq_publish(&g->vq[TXQ]);
	err = vdev_set_backend(g->dev, TXQ, g->tap);
	return err ? err : capture_frames(g, n, seq);
}

/* One entry per batch; the entries of its other chains are not written. */
TEST_F(in_order, tx_batch_is_one_entry)
{
	unsigned int n = 64, i, entries = 0, at;
	struct guest *g = &self->g;
	struct vq *tx = self->tx;
	struct vq_used e, other;

	poison(tx);
	ASSERT_OK(send_at_once(g, n, 0, 1));
	ASSERT_THAT(wait_until(vq_used_base(tx) == vq_base(tx)));
	for (i = 0; i < n; i++) {
		at = (variant->base + i) & (tx->num - 1);
		ASSERT_THAT(read_entry(tx, at, &e));
		ASSERT_EQ(0, e.len);
		entries++;
		while (at != e.id) {
			at = (at + 1) & (tx->num - 1);
			ASSERT_LT(++i, n);
			ASSERT_FALSE(read_entry(tx, at, &other));
		}
	}
	/* One per batch of the worker, so much less than one per frame. */
	EXPECT_LT(entries, n / 2);
	EXPECT_OK(guest_reap_all(g));
	EXPECT_EQ(entries, tx->entries);
	EXPECT_EQ(0, tx->bogus);
}

/* Past the end of the ring and the wrap of the index, in chains of 1 to 5. */
TEST_F(in_order, tx_wrap)
{
	unsigned int total = env_scaled(3000, 300), nseg, n;
	struct guest *g = &self->g;
	__u32 seq = 0;

	while (seq < total) {
		nseg = 1 + seq % 5;
		n = 1 + seq % 12;
		ASSERT_OK(add_frames(g, n, seq, nseg));
		vq_submit(self->tx);
		ASSERT_OK_AT(capture_frames(g, n, seq), "frame %u", seq);
		ASSERT_OK_AT(guest_reap_all(g), "frame %u", seq);
		seq += n;
	}
	EXPECT_EQ(0, self->tx->bogus);
}

/* The ring is never drained: each used chain makes room for the next. */
TEST_F(in_order, tx_stream)
{
	unsigned int total = env_scaled(3000, 300), sent = 0, got = 0;
	struct guest *g = &self->g;

	while (got < total) {
		/* Frames that were captured may not be used yet. */
		if (sent == got)
			ASSERT_OK(guest_wait_room(g, 3));
		while (sent < total && !add_frames(g, 1, sent, 1 + sent % 3))
			sent++;
		vq_submit(self->tx);
		ASSERT_OK_AT(guest_capture(g, FRAME_LEN, got), "frame %u", got);
		got++;
		ASSERT_LE(0, guest_reap(g));
	}
	EXPECT_OK(guest_reap_all(g));
	EXPECT_EQ(0, self->tx->bogus);
}

TEST_F(in_order, tx_indirect)
{
	struct guest_cfg cfg = self->g.cfg;
	struct guest *g = &self->g;
	unsigned int i;

	if (!(variant->features & F_INDIRECT))
		SKIP(return, "only with indirect descriptors");
	cfg.ind_max = 16;
	guest_stop(g);
	ASSERT_OK(guest_start(g, &cfg));
	for (i = 0; i < 200; i++)
		ASSERT_OK_AT(guest_check_tx(g, 500, i, 1 + i % 16, i & 1),
			     "frame %u", i);
	EXPECT_EQ(0, g->vq[TXQ].bogus);
}

/*
 * The base counts chains; after a stop the ring continues with the next
 * descriptor.
 */
TEST_F(in_order, stop_and_start)
{
	struct guest *g = &self->g;
	__u32 base, seq = 0;
	unsigned int round;

	for (round = 0; round < env_scaled(100, 20); round++) {
		ASSERT_OK(add_frames(g, 20, seq, 1));
		vq_submit(self->tx);
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
		ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
		ASSERT_LE(0, guest_reap(g));
		ASSERT_EQ(vq_used_base(self->tx), base);
		ASSERT_OK(vdev_set_vring(g->dev, self->tx, base));
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
		ASSERT_OK_AT(capture_frames(g, 20, seq), "round %u", round);
		ASSERT_OK(guest_reap_all(g));
		seq += 20;
	}
}

/* The same with more descriptors than chains. */
TEST_F(in_order, stop_and_start_with_long_chains)
{
	struct guest *g = &self->g;
	unsigned int round;
	__u32 base;

	OURS_ALONE("uses the base as the number of a descriptor");
	for (round = 0; round < 20; round++) {
		ASSERT_OK(add_frames(g, 7, round * 7, 3));
		vq_submit(self->tx);
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
		ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
		ASSERT_OK(vdev_set_vring(g->dev, self->tx, base));
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
		ASSERT_OK_AT(capture_frames(g, 7, round * 7),
			     "round %u", round);
		ASSERT_OK(guest_reap_all(g));
	}
}

/* A bad chain comes back in order like any other. */
TEST_F(in_order, tx_bad_chains_between)
{
	struct raw_desc bad = { .gpa = NOWHERE, .len = 100 };
	struct guest *g = &self->g;
	struct vq *tx = self->tx;
	struct vq_used used;
	unsigned int i, round;

	OURS_ALONE("a bad chain stops the queue");
	for (round = 0; round < 10; round++) {
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
		for (i = 0; i < 8; i++) {
			if (i % (round + 1) == 0)
				ASSERT_THAT(raw_offer(tx, &bad, 1));
			ASSERT_OK(add_frames(g, 1, i, 1));
		}
		vq_publish(tx);
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
		ASSERT_OK_AT(capture_frames(g, 8, 0), "round %u", round);
		while (tx->inflight) {
			ASSERT_THAT(vq_wait_pop(tx, &used));
			ASSERT_NE(VQ_BOGUS, used.cookie);
			ASSERT_EQ(0, used.len);
		}
		/* The buffers of this round were not returned to the pool. */
		guest_free_buffers(g, TXQ);
	}
	EXPECT_OK(guest_check_alive(g, 0));
}

/* A bad buffer comes back empty, not as a filled part of a batch. */
TEST_F(in_order, rx_bad_buffer_between)
{
	struct raw_desc bad = { NOWHERE, 2048, F_WRITE };
	static struct guest_frame f;
	struct guest *g = &self->g;
	struct vq *rx = self->rx;
	struct vq_used used;
	unsigned int i;

	OURS_ALONE("a bad buffer stops the queue");
	ASSERT_EQ(3, guest_refill(g, 3, 2048));
	ASSERT_THAT(raw_offer(rx, &bad, 1));
	vq_submit(rx);
	for (i = 0; i < 3; i++)
		ASSERT_OK(guest_inject(g, FRAME_LEN, i));
	for (i = 0; i < 3; i++) {
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(frame_is(f.data, FRAME_LEN, i));
	}
	ASSERT_EQ(3, guest_refill(g, 3, 2048));
	for (i = 3; i < 6; i++)
		ASSERT_OK(guest_inject(g, FRAME_LEN, i));
	ASSERT_THAT(vq_wait_pop(rx, &used));
	EXPECT_EQ(0, used.len);
	EXPECT_NE(VQ_BOGUS, used.cookie);
	/*
	 * The first frame may have been meant for the bad buffer, and be lost.
	 */
	do {
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(f.len == FRAME_LEN &&
			    frame_is(f.data, FRAME_LEN, frame_seq(f.data)));
	} while (frame_seq(f.data) != 5);
	EXPECT_OK(guest_check_alive(g, 100));
}

/* Frames that do not fill their buffers cannot share one used entry. */
TEST_F(in_order, rx_bursts)
{
	unsigned int round, i, n;
	static struct guest_frame f;
	struct guest *g = &self->g;
	size_t len;

	for (round = 0; round < env_scaled(100, 10); round++) {
		n = 1 + round % 40;
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
		guest_refill(g, 64, 2048);
		for (i = 0; i < n; i++)
			ASSERT_OK(guest_inject(g, FRAME_LEN + i, i));
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
		for (i = 0; i < n; i++) {
			len = FRAME_LEN + i;
			ASSERT_OK_AT(guest_recv(g, &f), "frame %u", i);
			ASSERT_EQ(len, f.len);
			ASSERT_THAT(frame_is(f.data, len, i));
		}
	}
	EXPECT_EQ(0, self->rx->bogus);
}

/*
 * All buffers of a frame but the last are filled, so that one entry is enough.
 */
TEST_F(in_order, rx_mergeable_is_one_entry)
{
	unsigned int i, at, size = 256, n = (HDR_LEN_MRG + 3000) / size + 1;
	static struct guest_frame f;
	struct guest *g = &self->g;
	struct vq *rx = self->rx;
	struct vq_used e;

	for (i = 0; i < 10; i++) {
		while (!guest_post(g, size, 1, false))
			;
		poison(rx);
		rx->entries = 0;
		vq_submit(rx);
		at = rx->used_idx & (rx->num - 1);
		ASSERT_OK(guest_inject(g, 3000, i));
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(f.len == 3000 && frame_is(f.data, 3000, i));
		EXPECT_EQ(n, f.nbufs);
		EXPECT_EQ(1, rx->entries);
		EXPECT_TRUE(read_entry(rx, at, &e));
		EXPECT_EQ((at + n - 1) & (rx->num - 1), e.id);
		EXPECT_EQ((HDR_LEN_MRG + 3000) % size, e.len);
		EXPECT_FALSE(read_entry(rx, (at + 1) & (rx->num - 1), &e));
	}
}

/*
 * A frame that needs more buffers than there are takes none. Those that were
 * fetched for it are put back, and fetched again later.
 */
TEST_F(in_order, rx_put_back)
{
	unsigned int i, round, size = 256, n = (HDR_LEN_MRG + 3000) / size + 1;
	static struct guest_frame f;
	struct guest *g = &self->g;

	for (round = 0; round < 20; round++) {
		ASSERT_OK(guest_inject(g, 3000, round));
		for (i = 0; i < n; i++) {
			ASSERT_FALSE(guest_has_frame(g));
			ASSERT_OK(guest_post(g, size, 1, false));
			vq_publish(self->rx);
			vq_kick(self->rx);
			/*
			 * Transmit shares the worker, which must not be busy.
			 */
			if (i == n / 2)
				ASSERT_OK(guest_check_tx(g, FRAME_LEN, i, 1,
							 false));
		}
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_EQ(n, f.nbufs);
		ASSERT_THAT(f.len == 3000 && frame_is(f.data, 3000, round));
	}
	EXPECT_EQ(0, self->rx->bogus);
}

/* The same after a frame that fits, which is neither delayed nor lost. */
TEST_F(in_order, rx_put_back_after_another)
{
	unsigned int i, round, size = 256, n = (HDR_LEN_MRG + 3000) / size + 1;
	static struct guest_frame f;
	struct guest *g = &self->g;

	for (round = 0; round < 20; round++) {
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
		ASSERT_OK(guest_inject(g, FRAME_LEN, round));
		ASSERT_OK(guest_inject(g, 3000, round));
		for (i = 0; i < n; i++)
			ASSERT_OK(guest_post(g, size, 1, false));
		vq_publish(self->rx);
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(f.len == FRAME_LEN && f.nbufs == 1);
		ASSERT_OK(guest_post(g, size, 1, false));
		vq_publish(self->rx);
		vq_kick(self->rx);
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_EQ(n, f.nbufs);
		ASSERT_THAT(f.len == 3000 && frame_is(f.data, 3000, round));
	}
}

/*
 * Without mergeable buffers: frames that are too long do not break the order.
 */
TEST(in_order_big_buffers)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_IN_ORDER | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
		.num = 16,
	};
	static struct guest_frame f;
	struct guest g;
	unsigned int i;

	if (!vdev_offers(F_IN_ORDER))
		SKIP(return, "%s of this kernel has no in-order",
		     env_module());
	ASSERT_OK(guest_start(&g, &cfg));
	for (i = 0; i < 100; i++) {
		guest_refill(&g, 16, 1000);
		/* Longer than any buffer: lost, and no other. */
		ASSERT_OK(guest_inject(&g, 1500, i));
		ASSERT_OK(guest_inject(&g, 100 + i, i));
		ASSERT_OK_AT(guest_recv(&g, &f), "frame %u", i);
		ASSERT_EQ(100 + i, f.len);
		ASSERT_THAT(frame_is(f.data, f.len, i));
	}
	EXPECT_EQ(0, g.vq[RXQ].bogus);
	guest_stop(&g);
}

/* A batch that tun refuses comes back as well. */
TEST_F(in_order, tap_deleted)
{
	struct guest *g = &self->g;

	OURS_ALONE("a batch that fails loses its descriptors");
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(add_frames(g, 64, 0, 1));
	vq_publish(self->tx);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(link_del(g->ifname));
	ASSERT_OK(guest_reap_all(g));
	ASSERT_OK(add_frames(g, 64, 0, 1));
	vq_submit(self->tx);
	ASSERT_OK(guest_reap_all(g));
	EXPECT_EQ(0, self->tx->bogus);
}

/* The guest may ask for a call in the middle of a batch. */
TEST_F(in_order, call_inside_a_batch)
{
	struct guest *g = &self->g;
	struct vq *tx = self->tx;

	if (!(variant->features & F_EVENT_IDX))
		SKIP(return, "only with the event index");
	/*
	 * The first call after a start is unconditional; get it out of the way.
	 */
	ASSERT_OK(guest_check_tx(g, FRAME_LEN, 1, 1, false));
	vq_call_at(tx, 20);
	event_count(tx->call);
	ASSERT_OK(add_frames(g, 40, 0, 1));
	vq_publish(tx);
	vq_kick(tx);
	EXPECT_TRUE(event_wait(tx->call));
	ASSERT_OK(capture_frames(g, 40, 0));
	EXPECT_OK(guest_reap_all(g));
}

FIXTURE(in_order_ring)
{
	struct guest g;
};

FIXTURE_VARIANT(in_order_ring)
{
	unsigned int num;
	__u64 features;
};

#define RING(n)								\
	FIXTURE_VARIANT_ADD(in_order_ring, n)				\
	{								\
		.num = n,						\
	}

RING(4);
RING(1);
RING(2);
RING(128);
RING(32768);

FIXTURE_VARIANT_ADD(in_order_ring, packed_3)
{
	.num = 3,
	.features = F_RING_PACKED,
};

FIXTURE_VARIANT_ADD(in_order_ring, packed_100)
{
	.num = 100,
	.features = F_RING_PACKED,
};

FIXTURE_SETUP(in_order_ring)
{
	struct guest_cfg cfg = {
		.features = IN_ORDER | F_EVENT_IDX | variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = variant->num,
		.slot_size = 128,
		/*
		 * Near the end of the ring, and near the wrap of its indices.
		 */
		.base = 65536 - 200,
	};

	SETUP_NEEDS(F_IN_ORDER | variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(in_order_ring)
{
	guest_stop(&self->g);
}

/* Frames of up to three buffers, as many at a time as the ring holds. */
TEST_F(in_order_ring, both_ways)
{
	unsigned int total = env_scaled(1000, 300), burst, out = 0, in = 0, i;
	static struct guest_frame f;
	struct guest *g = &self->g;
	size_t len;

	burst = variant->num < 100 ? variant->num : 100;
	while (out < total) {
		ASSERT_OK(add_frames(g, burst, out, 1));
		vq_submit(&g->vq[TXQ]);
		ASSERT_OK_AT(capture_frames(g, burst, out), "frame %u", out);
		ASSERT_OK(guest_reap_all(g));
		out += burst;
	}
	while (in < total) {
		len = variant->num < 4 ? FRAME_LEN : FRAME_LEN + in % 300;
		for (i = 0; i < burst; i++)
			guest_post(g, 128, 1, false);
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK(guest_inject(g, len, in));
		ASSERT_OK_AT(guest_recv(g, &f), "frame %u", in);
		ASSERT_THAT(f.len == len && frame_is(f.data, len, in));
		in++;
	}
	EXPECT_EQ(0, g->vq[TXQ].bogus);
	EXPECT_EQ(0, g->vq[RXQ].bogus);
}

VHOST_TEST_MAIN
