// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad descriptor chains: each costs one packet, and nothing else. Rings that
 * are broken as a whole are tested in badring_index.c.
 */
#include <sys/mman.h>

#include "raw.h"
#include "test.h"

/* Two adjacent regions whose mappings are not adjacent: see gmem.h. */
#define EDGE_GPA	0x8000000000ULL
#define EDGE_SIZE	0x10000

FIXTURE(badring)
{
	struct guest g;
	struct vq *tx, *rx;
	__u64 buf;	/* a page of guest memory */
};

FIXTURE_VARIANT(badring)
{
	bool limit_sndbuf;
	__u64 features;
};

FIXTURE_VARIANT_ADD(badring, batched)
{
	.features = F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(badring, single)
{
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(badring, in_order)
{
	.features = F_EVENT_IDX | F_IN_ORDER,
};

FIXTURE_VARIANT_ADD(badring, packed)
{
	.features = F_EVENT_IDX | F_RING_PACKED,
};

FIXTURE_VARIANT_ADD(badring, packed_single)
{
	.features = F_RING_PACKED,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(badring, packed_in_order)
{
	.features = F_EVENT_IDX | F_RING_PACKED | F_IN_ORDER,
};

FIXTURE_SETUP(badring)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_INDIRECT |
			    variant->features,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = variant->limit_sndbuf,
		.num = 256,
		.ind_max = 16,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_OK(gmem_add(&self->g.mem, EDGE_GPA, EDGE_SIZE));
	ASSERT_OK(gmem_add(&self->g.mem, EDGE_GPA + EDGE_SIZE, EDGE_SIZE));
	ASSERT_OK(vdev_set_mem(self->g.dev, &self->g.mem));
	self->tx = &self->g.vq[TXQ];
	self->rx = &self->g.vq[RXQ];
	self->buf = EDGE_GPA;
	gmem_fill(&self->g.mem, EDGE_GPA, 0, 2 * EDGE_SIZE);
}

FIXTURE_TEARDOWN(badring)
{
	guest_stop(&self->g);
}

/*
 * Offer a bad chain first, last, and between good ones, with one kick. Only the
 * bad chain is lost: its descriptors come back, and the queue continues without
 * another kick.
 */
static int costs_one(struct guest *g, const struct raw_desc *d, unsigned int n)
{
	struct vq *tx = &g->vq[TXQ];
	__u64 room = EDGE_GPA + 0x8000;
	unsigned int i;
	int err;

	if (!raw_offer(tx, d, n))
		return -ENOSPC;
	for (i = 0; i < 4; i++) {
		if (!raw_offer_frame(g, room + i * 256, i))
			return -ENOSPC;
		if (i == 1 && !raw_offer(tx, d, n))
			return -ENOSPC;
	}
	if (!raw_offer(tx, d, n))
		return -ENOSPC;
	vq_submit(tx);
	for (i = 0; i < 4; i++) {
		err = guest_capture(g, 60, i);
		if (err)
			return err;
	}
	err = raw_take_all(tx);
	return err ? err : guest_check_tx(g, 100, 9, 1, false);
}

/* Skip in the packed layout, where a chain has no links of its own. */
#define SPLIT_ALONE(d)							\
	do {								\
		if (variant->features & F_RING_PACKED &&		\
		    !raw_is_chain(d, ARRAY_SIZE(d)))			\
			SKIP(return, "only with a split ring");		\
	} while (0)

#define COSTS_ONE(...)							\
	do {								\
		struct raw_desc __d[] = { __VA_ARGS__ };		\
									\
		OURS_ALONE("a bad chain stops the queue");		\
		SPLIT_ALONE(__d);					\
		ASSERT_OK(costs_one(&self->g, __d, ARRAY_SIZE(__d)));	\
		ASSERT_EQ(0, event_count(self->tx->err));		\
	} while (0)

TEST_F(badring, tx_writable)
{
	COSTS_ONE({ self->buf, 100, F_WRITE });
}

TEST_F(badring, tx_readable_then_writable)
{
	COSTS_ONE({ self->buf, 100, F_NEXT, 1 }, { self->buf, 100, F_WRITE });
}

TEST_F(badring, tx_writable_then_readable)
{
	COSTS_ONE({ self->buf, 100, F_NEXT | F_WRITE, 1 },
		  { self->buf, 100, 0 });
}

TEST_F(badring, tx_address_outside)
{
	COSTS_ONE({ NOWHERE, 100, 0 });
}

TEST_F(badring, tx_address_outside_after_header)
{
	COSTS_ONE({ self->buf, HDR_LEN_MRG, F_NEXT, 1 }, { NOWHERE, 100, 0 });
}

TEST_F(badring, tx_address_overflows)
{
	COSTS_ONE({ ~0ULL - 50, 100, 0 });
}

TEST_F(badring, tx_last_byte_of_all)
{
	COSTS_ONE({ ~0ULL, 1, 0 });
}

TEST_F(badring, tx_past_the_region)
{
	COSTS_ONE({ EDGE_GPA + 2 * EDGE_SIZE - 100, 101, 0 });
}

TEST_F(badring, tx_length_of_4_gib)
{
	COSTS_ONE({ self->buf, ~0U, 0 });
}

TEST_F(badring, tx_lengths_overflow)
{
	COSTS_ONE({ self->buf, ~0U, F_NEXT, 1 }, { self->buf, ~0U, F_NEXT, 2 },
		  { self->buf, 200, 0 });
}

TEST_F(badring, tx_all_descriptors_empty)
{
	COSTS_ONE({ self->buf, 0, F_NEXT, 1 }, { self->buf, 0, 0 });
}

TEST_F(badring, tx_loop_of_one)
{
	COSTS_ONE({ self->buf, 10, F_NEXT, 0 });
}

TEST_F(badring, tx_loop_of_two)
{
	COSTS_ONE({ self->buf, 10, F_NEXT, 1 }, { self->buf, 10, F_NEXT, 0 });
}

TEST_F(badring, tx_loop_of_empty)
{
	COSTS_ONE({ self->buf, 0, F_NEXT, 0 });
}

TEST_F(badring, tx_next_out_of_range)
{
	COSTS_ONE({ self->buf, 10, F_NEXT | RAW_NEXT, 256 });
}

TEST_F(badring, tx_next_far_out_of_range)
{
	COSTS_ONE({ self->buf, 10, F_NEXT | RAW_NEXT, 0xffff });
}

TEST_F(badring, tx_indirect_of_length_0)
{
	COSTS_ONE({ self->buf, 0, F_IND });
}

TEST_F(badring, tx_indirect_of_odd_length)
{
	COSTS_ONE({ self->buf, 17, F_IND });
}

TEST_F(badring, tx_indirect_shorter_than_one)
{
	COSTS_ONE({ self->buf, 15, F_IND });
}

TEST_F(badring, tx_indirect_of_4_gib)
{
	COSTS_ONE({ self->buf, 0xfffffff0, F_IND });
}

TEST_F(badring, tx_indirect_outside)
{
	COSTS_ONE({ NOWHERE, 32, F_IND });
}

TEST_F(badring, tx_indirect_with_next)
{
	COSTS_ONE({ self->buf, 32, F_IND | F_NEXT, 1 },
		  { self->buf, 100, 0 });
}

#define TABLE_COSTS_ONE(...)						\
	do {								\
		struct vring_desc __t[] = { __VA_ARGS__ };		\
									\
		raw_put_table(self->tx, EDGE_GPA, __t,			\
			      ARRAY_SIZE(__t));				\
		COSTS_ONE({ self->buf, sizeof(__t), F_IND });		\
	} while (0)

TEST_F(badring, tx_indirect_inside_indirect)
{
	TABLE_COSTS_ONE({ self->buf + 512, 100, F_NEXT, 1 },
			{ self->buf, 32, F_IND, 0 });
}

TEST_F(badring, tx_indirect_loop)
{
	if (variant->features & F_RING_PACKED)
		SKIP(return, "only with a split ring");
	TABLE_COSTS_ONE({ self->buf + 512, 10, F_NEXT, 1 },
			{ self->buf + 512, 10, F_NEXT, 0 });
}

TEST_F(badring, tx_indirect_next_out_of_range)
{
	if (variant->features & F_RING_PACKED)
		SKIP(return, "only with a split ring");
	TABLE_COSTS_ONE({ self->buf + 512, 10, F_NEXT, 2 },
			{ self->buf + 512, 10, 0, 0 });
}

/* Each entry names the next one, and the last of them none that is there. */
TEST_F(badring, tx_indirect_without_end)
{
	struct vring_desc t[64];
	unsigned int i;

	if (variant->features & F_RING_PACKED)
		SKIP(return, "only with a split ring");
	for (i = 0; i < ARRAY_SIZE(t); i++)
		t[i] = (struct vring_desc) {
			self->buf + 2048, 2, F_NEXT, i + 1
		};
	ASSERT_THAT(raw_put_table(self->tx, self->buf, t, ARRAY_SIZE(t)));
	COSTS_ONE({ self->buf, sizeof(t), F_IND });
}

TEST_F(badring, tx_indirect_address_outside)
{
	TABLE_COSTS_ONE({ self->buf + 512, 12, F_NEXT, 1 },
			{ NOWHERE, 100, 0, 0 });
}

TEST_F(badring, tx_indirect_writable)
{
	TABLE_COSTS_ONE({ self->buf + 512, 12, F_NEXT, 1 },
			{ self->buf + 512, 100, F_WRITE, 0 });
}

/* Readable buffers come first, also within a table and before one. */
TEST_F(badring, tx_indirect_readable_after_writable)
{
	struct vring_desc t[] = {
		{ self->buf + 512, 12, F_NEXT, 1 },
		{ self->buf + 512, 100, F_NEXT, 2 },
		{ self->buf + 512, 100, 0, 0 },
	};

	TABLE_COSTS_ONE({ self->buf + 512, 12, F_NEXT, 1 },
			{ self->buf + 512, 100, F_WRITE | F_NEXT, 2 },
			{ self->buf + 512, 100, F_NEXT, 3 },
			{ self->buf + 512, 100, 0, 0 });
	TABLE_COSTS_ONE({ self->buf + 512, 12, F_WRITE | F_NEXT, 1 },
			{ self->buf + 512, 12, F_WRITE | F_NEXT, 2 },
			{ self->buf + 512, 100, 0, 0 });
	ASSERT_THAT(raw_put_table(self->tx, EDGE_GPA, t, ARRAY_SIZE(t)));
	COSTS_ONE({ self->buf + 512, 12, F_WRITE | F_NEXT, 1 },
		  { EDGE_GPA, sizeof(t), F_IND });
}

/* In the memory table but not mapped: this shows only when it is read. */
TEST_F(badring, tx_unmapped)
{
	void *p = gmem_hva(&self->g.mem, EDGE_GPA + EDGE_SIZE, EDGE_SIZE);

	ASSERT_EQ(0, munmap(p, EDGE_SIZE));
	COSTS_ONE({ EDGE_GPA + EDGE_SIZE, 100, 0 });
	COSTS_ONE({ EDGE_GPA + EDGE_SIZE - 50, 100, 0 });
	COSTS_ONE({ EDGE_GPA + EDGE_SIZE, 32, F_IND });
}

/* Longer than any packet or socket message. */
TEST_F(badring, tx_too_long)
{
	COSTS_ONE({ EDGE_GPA, 2 * EDGE_SIZE, F_NEXT, 1 },
		  { EDGE_GPA, 2 * EDGE_SIZE, 0 });
}

/* Empty descriptors in a chain are legal. */
TEST_F(badring, tx_empty_descriptors_between)
{
	struct guest *g = &self->g;
	__u64 gpa = self->buf + 0x100;
	struct raw_desc d[] = {
		{ NOWHERE, 0, F_NEXT, 1 }, { gpa, 12, F_NEXT, 2 },
		{ gpa, 0, F_NEXT, 3 }, { gpa + 12, 60, F_NEXT, 4 },
		{ gpa, 0, 0 },
	};
	unsigned char frame[60];

	frame_make(frame, 60, 5);
	ASSERT_THAT(gmem_write(&g->mem, gpa + 12, frame, 60));
	/* vhost_net checks the address of empty descriptors, too. */
	if (!env_is_ours())
		d[0].gpa = gpa;
	ASSERT_THAT(raw_offer(self->tx, d, ARRAY_SIZE(d)));
	vq_submit(self->tx);
	EXPECT_OK(guest_capture(g, 60, 5));
	EXPECT_OK(raw_take_all(self->tx));
}

/* CVE-2013-0311: a buffer that reaches into the next region, at every byte. */
TEST_F(badring, tx_crosses_regions)
{
	unsigned char buf[HDR_LEN_MRG + 60] = { 0 };
	struct guest *g = &self->g;
	unsigned int i;
	struct raw_desc d;

	for (i = 1; i < sizeof(buf); i++) {
		d = (struct raw_desc) {
			.gpa = EDGE_GPA + EDGE_SIZE - i, .len = sizeof(buf),
		};
		frame_make(buf + HDR_LEN_MRG, 60, i);
		ASSERT_THAT(gmem_write(&g->mem, d.gpa, buf, sizeof(buf)));
		ASSERT_THAT(raw_offer(self->tx, &d, 1));
		vq_submit(self->tx);
		ASSERT_OK_AT(guest_capture(g, 60, i), "%u before the edge", i);
		ASSERT_OK(raw_take_all(self->tx));
	}
}

TEST_F(badring, rx_crosses_regions)
{
	struct guest *g = &self->g;
	unsigned char buf[60];
	struct vq_used used;
	unsigned int i;
	struct raw_desc d;

	for (i = 1; i < 72; i++) {
		d = (struct raw_desc) {
			.gpa = EDGE_GPA + EDGE_SIZE - i, .len = 100,
			.flags = F_WRITE,
		};
		ASSERT_THAT(raw_offer(self->rx, &d, 1));
		vq_submit(self->rx);
		ASSERT_OK(guest_inject(g, 60, i));
		ASSERT_THAT(vq_wait_pop(self->rx, &used));
		ASSERT_EQ(72, used.len);
		ASSERT_THAT(gmem_read(&g->mem, d.gpa + 12, buf, 60));
		ASSERT_THAT_AT(frame_is(buf, 60, i), "%u before the edge", i);
	}
}

/* The entries of a table may be empty, and follow each other in any order. */
TEST_F(badring, tx_table_in_any_order)
{
	struct guest *g = &self->g;
	__u64 edge = EDGE_GPA + EDGE_SIZE, gpa = edge - 40;
	const struct vring_desc t[] = {
		{ gpa, 12, F_NEXT, 1 }, { gpa + 12, 8, F_NEXT, 4 },
		{ gpa + 30, 20, F_NEXT, 6 }, { gpa, 0, F_NEXT, 5 },
		{ gpa + 20, 10, F_NEXT, 2 }, { gpa + 62, 10, 0, 0 },
		{ edge + 10, 12, F_NEXT, 3 },
	};
	struct raw_desc d = { self->buf, sizeof(t), F_IND };
	unsigned char buf[HDR_LEN_MRG + 60] = { 0 };

	OURS_ALONE("entries are used in the table's order");
	if (variant->features & F_RING_PACKED)
		SKIP(return, "only with a split ring");
	frame_make(buf + HDR_LEN_MRG, 60, 7);
	ASSERT_THAT(gmem_write(&g->mem, gpa, buf, sizeof(buf)));
	ASSERT_THAT(raw_put_table(self->tx, self->buf, t, ARRAY_SIZE(t)));
	ASSERT_THAT(raw_offer(self->tx, &d, 1));
	vq_submit(self->tx);
	EXPECT_OK(guest_capture(g, 60, 7));
	EXPECT_OK(raw_take_all(self->tx));
}

/* Together the tables of one kick have more entries than a batch holds. */
TEST_F(badring, tx_tables_of_many_pieces)
{
	enum { CHAINS = 64, PIECES = 36, PIECE = 2 };
	unsigned char buf[HDR_LEN_MRG + 60] = { 0 };
	struct vring_desc t[PIECES];
	struct guest *g = &self->g;
	unsigned int i, j;
	struct raw_desc d;
	__u64 gpa;

	for (i = 0; i < CHAINS; i++) {
		d = (struct raw_desc) { EDGE_GPA + i * 1024, sizeof(t), F_IND };
		gpa = d.gpa + sizeof(t);
		for (j = 0; j < PIECES; j++)
			t[j] = (struct vring_desc) {
				gpa + j * PIECE, PIECE, F_NEXT, j + 1
			};
		t[PIECES - 1].flags = 0;
		frame_make(buf + HDR_LEN_MRG, 60, i);
		ASSERT_THAT(gmem_write(&g->mem, gpa, buf, sizeof(buf)));
		ASSERT_THAT(raw_put_table(self->tx, d.gpa, t, PIECES));
		ASSERT_THAT(raw_offer(self->tx, &d, 1));
	}
	vq_submit(self->tx);
	for (i = 0; i < CHAINS; i++)
		ASSERT_OK_AT(guest_capture(g, 60, i), "chain %u", i);
	ASSERT_OK(raw_take_all(self->tx));
}

/* An indirect table may reach into the next region, too. */
TEST_F(badring, tx_table_crosses_regions)
{
	struct guest *g = &self->g;
	__u64 gpa = EDGE_GPA + 0x100, at;
	struct vring_desc t[2] = {
		{ gpa, 12, F_NEXT, 1 }, { gpa + 12, 60, 0, 0 },
	};
	unsigned char frame[60];
	unsigned int i;
	struct raw_desc d;

	frame_make(frame, 60, 3);
	ASSERT_THAT(gmem_write(&g->mem, gpa + 12, frame, 60));
	for (i = 1; i < sizeof(t); i++) {
		at = EDGE_GPA + EDGE_SIZE - i;
		d = (struct raw_desc) { at, sizeof(t), F_IND };
		ASSERT_THAT(raw_put_table(self->tx, at, t, 2));
		ASSERT_THAT(raw_offer(self->tx, &d, 1));
		vq_submit(self->tx);
		ASSERT_OK_AT(guest_capture(g, 60, 3), "%u before the edge", i);
		ASSERT_OK(raw_take_all(self->tx));
	}
}

/*
 * CVE-2014-0055: bad receive buffers while packets are pending. The buffers
 * come back unused, and the packets after them arrive once.
 */
static int rx_recovers(struct guest *g, const struct raw_desc *d,
		       unsigned int n, __u32 max_len)
{
	static struct guest_frame f;
	struct vq *rx = &g->vq[RXQ];
	struct vq_used used;
	unsigned int i, last;
	int err;

	for (i = 1; i <= 8; i++) {
		err = guest_inject(g, 60, i);
		if (err)
			return err;
	}
	if (!raw_offer(rx, d, n) || !raw_offer(rx, d, n))
		return -ENOSPC;
	vq_submit(rx);
	for (i = 0; i < 2; i++) {
		if (!vq_wait_pop(rx, &used))
			return -ETIMEDOUT;
		if (used.cookie == VQ_BOGUS || used.len > max_len)
			return -EPROTO;
	}
	guest_refill(g, 16, 2048);
	err = guest_inject(g, 60, 9);
	/* A bad buffer may cost the packet that was meant for it. */
	for (last = 0; !err && last < 9;) {
		err = guest_recv(g, &f);
		if (err)
			break;
		i = frame_seq(f.data);
		if (f.len != 60 || i <= last || i > last + 3 ||
		    !frame_is(f.data, 60, i))
			err = -EBADMSG;
		last = i;
	}
	return err;
}

#define RX_RECOVERS(...)						\
	do {								\
		struct raw_desc __d[] = { __VA_ARGS__ };		\
									\
		OURS_ALONE("a bad buffer stops the queue");		\
		SPLIT_ALONE(__d);					\
		ASSERT_OK(rx_recovers(&self->g, __d, ARRAY_SIZE(__d),	\
				      0));				\
		ASSERT_EQ(0, event_count(self->rx->err));		\
	} while (0)

TEST_F(badring, rx_readable)
{
	RX_RECOVERS({ self->buf, 2048, 0 });
}

TEST_F(badring, rx_readable_then_writable)
{
	RX_RECOVERS({ self->buf, 12, F_NEXT, 1 },
		    { self->buf, 2048, F_WRITE });
}

TEST_F(badring, rx_writable_then_readable)
{
	RX_RECOVERS({ self->buf, 12, F_NEXT | F_WRITE, 1 },
		    { self->buf, 2048, 0 });
}

TEST_F(badring, rx_address_outside)
{
	RX_RECOVERS({ NOWHERE, 2048, F_WRITE });
}

TEST_F(badring, rx_address_overflows)
{
	RX_RECOVERS({ ~0ULL - 50, 2048, F_WRITE });
}

TEST_F(badring, rx_length_of_4_gib)
{
	RX_RECOVERS({ self->buf, ~0U, F_WRITE });
}

TEST_F(badring, rx_loop)
{
	RX_RECOVERS({ self->buf, 10, F_NEXT | F_WRITE, 1 },
		    { self->buf, 10, F_NEXT | F_WRITE, 0 });
}

TEST_F(badring, rx_loop_of_empty)
{
	RX_RECOVERS({ self->buf, 0, F_NEXT | F_WRITE, 0 });
}

TEST_F(badring, rx_next_out_of_range)
{
	RX_RECOVERS({ self->buf, 10, F_NEXT | F_WRITE | RAW_NEXT, 256 });
}

TEST_F(badring, rx_bad_indirect)
{
	RX_RECOVERS({ self->buf, 17, F_IND });
}

/* The fault happens after the packet was taken from the tap. */
TEST_F(badring, rx_unmapped)
{
	void *p = gmem_hva(&self->g.mem, EDGE_GPA + EDGE_SIZE, EDGE_SIZE);

	ASSERT_EQ(0, munmap(p, EDGE_SIZE));
	RX_RECOVERS({ EDGE_GPA + EDGE_SIZE, 2048, F_WRITE });
}

/* Only the start of the packet can be written, which tun does not report. */
TEST_F(badring, rx_unmapped_after_the_header)
{
	struct raw_desc d = { EDGE_GPA + EDGE_SIZE - 12, 2048, F_WRITE };
	void *p = gmem_hva(&self->g.mem, EDGE_GPA + EDGE_SIZE, EDGE_SIZE);

	ASSERT_EQ(0, munmap(p, EDGE_SIZE));
	OURS_ALONE("a bad buffer stops the queue");
	ASSERT_OK(rx_recovers(&self->g, &d, 1, 72));
}

/* CVE-2019-3900: any number of empty buffers must not monopolize the worker. */
TEST_F(badring, rx_empty_buffers)
{
	struct raw_desc d = { self->buf, 0, F_WRITE };
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("uses all empty buffers for one packet, or stops");
	for (i = 0; i < 250; i++)
		ASSERT_THAT(raw_offer(self->rx, &d, 1));
	vq_submit(self->rx);
	for (i = 0; i < 20; i++)
		ASSERT_OK(guest_inject(g, 60, i));
	/* Transmit shares the worker and must continue. */
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
}

/* Any number of bad chains leaves time for the other ring. */
TEST_F(badring, flood_of_bad_chains)
{
	struct raw_desc d = { NOWHERE, 100, 0 };
	struct guest *g = &self->g;
	unsigned int i, round;

	OURS_ALONE("a bad chain stops the queue");
	for (round = 0; round < env_scaled(50, 3); round++) {
		for (i = 0; i < 256; i++)
			ASSERT_THAT(raw_offer(self->tx, &d, 1));
		vq_submit(self->tx);
		guest_refill(g, 1, 2048);
		ASSERT_OK(guest_check_rx(g, 60, round));
		ASSERT_OK(raw_take_all(self->tx));
	}
	EXPECT_EQ(round * 256,
		  vdev_counter(g->dev, "queue1.drop.chain_address"));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* Chains in a region that a new memory table lacks are bad from then on. */
TEST_F(badring, region_removed_while_running)
{
	struct guest *g = &self->g;
	unsigned int n = g->mem.nregions;
	struct raw_desc d = { EDGE_GPA + EDGE_SIZE, 100, 0 };

	OURS_ALONE("a bad chain stops the queue");
	ASSERT_OK(guest_check_alive(g, 0));
	g->mem.nregions = n - 1;
	ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
	ASSERT_OK(costs_one(g, &d, 1));
	g->mem.nregions = n;
	ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
	ASSERT_THAT(raw_offer_frame(g, d.gpa, 3));
	vq_submit(self->tx);
	EXPECT_OK(guest_capture(g, 60, 3));
	EXPECT_OK(raw_take_all(self->tx));
}

VHOST_TEST_MAIN
