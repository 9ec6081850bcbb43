// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest must not put into its rings, and what it costs: one packet for
 * a bad chain, the queue for a ring that makes no sense, never more.
 */
#include <sys/mman.h>

#include "test.h"
#include "vq_split.h"

/* Two neighbours whose mappings are not: see gmem.h. */
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
	/* A slot of the pool for each, so that cookies of bad chains fit. */
	gmem_fill(&self->g.mem, EDGE_GPA, 0, 2 * EDGE_SIZE);
}

FIXTURE_TEARDOWN(badring)
{
	guest_stop(&self->g);
}

/* One descriptor as a test wants it. */
struct raw {
	__u64 gpa;
	__u32 len;
	__u16 flags;
	int next;	/* position in the list; a number with RAW_NEXT */
};

#define RAW_NEXT	0x4000

#define MAX_RAW		8

/* Offers a chain that is built as @d says, and remembers it as cookie. */
static bool offer(struct vq *vq, const struct raw *d, unsigned int n)
{
	__u16 id[MAX_RAW], next;
	unsigned int i;

	if (n > MAX_RAW || !split_claim(vq, n, id))
		return false;
	for (i = 0; i < n; i++) {
		next = d[i].flags & RAW_NEXT ? d[i].next : id[d[i].next];
		split_write(vq, id[i], d[i].gpa, d[i].len,
			    d[i].flags & ~RAW_NEXT, next);
	}
	split_offer(vq, id[0], n, 0);
	/* In order, what a batch passes over has been written in full. */
	for (i = 0; i < n; i++)
		if (d[i].flags & F_WRITE)
			vq->slot[id[0]].in_len += d[i].len;
	return true;
}

/* Takes back everything, of bad chains too; into none has been written. */
static int take_all(struct vq *vq)
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

/* A good frame that is not one of the pool's. */
static bool offer_good(struct guest *g, __u64 gpa, __u32 seq)
{
	unsigned char buf[HDR_LEN_MRG + 60] = { 0 };
	struct raw d = { .gpa = gpa, .len = sizeof(buf) };

	frame_make(buf + HDR_LEN_MRG, 60, seq);
	return gmem_write(&g->mem, gpa, buf, sizeof(buf)) &&
	       offer(&g->vq[TXQ], &d, 1);
}

/*
 * Bad chain first, last, and between good ones, in one kick: it costs itself.
 * The descriptor comes back, and the queue needs no other kick to go on.
 */
static int costs_one(struct guest *g, const struct raw *d, unsigned int n)
{
	struct vq *tx = &g->vq[TXQ];
	__u64 room = EDGE_GPA + 0x8000;
	unsigned int i;
	int err;

	if (!offer(tx, d, n))
		return -ENOSPC;
	for (i = 0; i < 4; i++) {
		if (!offer_good(g, room + i * 256, i))
			return -ENOSPC;
		if (i == 1 && !offer(tx, d, n))
			return -ENOSPC;
	}
	if (!offer(tx, d, n))
		return -ENOSPC;
	vq_submit(tx);
	for (i = 0; i < 4; i++) {
		err = guest_capture(g, 60, i);
		if (err)
			return err;
	}
	err = take_all(tx);
	return err ? err : guest_check_tx(g, 100, 9, 1, false);
}

#define COSTS_ONE(...)							\
	do {								\
		struct raw __d[] = { __VA_ARGS__ };			\
									\
		OURS_ALONE("a bad chain stops the queue");		\
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

TEST_F(badring, tx_beyond_the_region)
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

TEST_F(badring, tx_nothing_but_empty)
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

/* Puts an indirect table at the start of the page. */
static void put_table(struct guest *g, const struct vring_desc *t,
		      unsigned int n)
{
	gmem_write(&g->mem, EDGE_GPA, t, n * sizeof(*t));
}

#define TABLE_COSTS_ONE(...)						\
	do {								\
		struct vring_desc __t[] = { __VA_ARGS__ };		\
									\
		put_table(&self->g, __t, ARRAY_SIZE(__t));		\
		COSTS_ONE({ self->buf, sizeof(__t), F_IND });		\
	} while (0)

TEST_F(badring, tx_indirect_inside_indirect)
{
	TABLE_COSTS_ONE({ self->buf + 512, 100, F_NEXT, 1 },
			{ self->buf, 32, F_IND, 0 });
}

TEST_F(badring, tx_indirect_loop)
{
	TABLE_COSTS_ONE({ self->buf + 512, 10, F_NEXT, 1 },
			{ self->buf + 512, 10, F_NEXT, 0 });
}

TEST_F(badring, tx_indirect_next_out_of_range)
{
	TABLE_COSTS_ONE({ self->buf + 512, 10, F_NEXT, 2 },
			{ self->buf + 512, 10, 0, 0 });
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

/* Mapped to nothing: found only when it is read. */
TEST_F(badring, tx_unmapped)
{
	void *p = gmem_hva(&self->g.mem, EDGE_GPA + EDGE_SIZE, EDGE_SIZE);

	ASSERT_EQ(0, munmap(p, EDGE_SIZE));
	COSTS_ONE({ EDGE_GPA + EDGE_SIZE, 100, 0 });
	COSTS_ONE({ EDGE_GPA + EDGE_SIZE - 50, 100, 0 });
	COSTS_ONE({ EDGE_GPA + EDGE_SIZE, 32, F_IND });
}

/* More than a packet can be, or a message can take. */
TEST_F(badring, tx_too_long)
{
	COSTS_ONE({ EDGE_GPA, 2 * EDGE_SIZE, F_NEXT, 1 },
		  { EDGE_GPA, 2 * EDGE_SIZE, 0 });
}

/* An odd but legal chain is a packet like any other. */
TEST_F(badring, tx_empty_descriptors_between)
{
	struct guest *g = &self->g;
	__u64 gpa = self->buf + 0x100;
	struct raw d[] = {
		{ NOWHERE, 0, F_NEXT, 1 }, { gpa, 12, F_NEXT, 2 },
		{ gpa, 0, F_NEXT, 3 }, { gpa + 12, 60, F_NEXT, 4 },
		{ gpa, 0, 0 },
	};
	unsigned char frame[60];

	frame_make(frame, 60, 5);
	ASSERT_THAT(gmem_write(&g->mem, gpa + 12, frame, 60));
	/* An empty one needs no address, unless the device is strict. */
	if (!env_is_ours())
		d[0].gpa = gpa;
	ASSERT_THAT(offer(self->tx, d, ARRAY_SIZE(d)));
	vq_submit(self->tx);
	EXPECT_OK(guest_capture(g, 60, 5));
	EXPECT_OK(take_all(self->tx));
}

/* CVE-2013-0311: from one region into the next, at every byte. */
TEST_F(badring, tx_crosses_regions)
{
	unsigned char buf[HDR_LEN_MRG + 60] = { 0 };
	struct guest *g = &self->g;
	unsigned int i;
	struct raw d;

	for (i = 1; i < sizeof(buf); i++) {
		d = (struct raw) {
			.gpa = EDGE_GPA + EDGE_SIZE - i, .len = sizeof(buf),
		};
		frame_make(buf + HDR_LEN_MRG, 60, i);
		ASSERT_THAT(gmem_write(&g->mem, d.gpa, buf, sizeof(buf)));
		ASSERT_THAT(offer(self->tx, &d, 1));
		vq_submit(self->tx);
		ASSERT_OK_AT(guest_capture(g, 60, i), "%u before the edge", i);
		ASSERT_OK(take_all(self->tx));
	}
}

TEST_F(badring, rx_crosses_regions)
{
	struct guest *g = &self->g;
	unsigned char buf[60];
	struct vq_used used;
	unsigned int i;
	struct raw d;

	for (i = 1; i < 72; i++) {
		d = (struct raw) {
			.gpa = EDGE_GPA + EDGE_SIZE - i, .len = 100,
			.flags = F_WRITE,
		};
		ASSERT_THAT(offer(self->rx, &d, 1));
		vq_submit(self->rx);
		ASSERT_OK(guest_inject(g, 60, i));
		ASSERT_THAT(vq_wait_pop(self->rx, &used));
		ASSERT_EQ(72, used.len);
		ASSERT_THAT(gmem_read(&g->mem, d.gpa + 12, buf, 60));
		ASSERT_THAT_AT(frame_is(buf, 60, i), "%u before the edge", i);
	}
}

/* An indirect table may lie across an edge as well. */
TEST_F(badring, tx_table_crosses_regions)
{
	struct guest *g = &self->g;
	__u64 gpa = EDGE_GPA + 0x100, at;
	struct vring_desc t[2] = {
		{ gpa, 12, F_NEXT, 1 }, { gpa + 12, 60, 0, 0 },
	};
	unsigned char frame[60];
	unsigned int i;
	struct raw d;

	frame_make(frame, 60, 3);
	ASSERT_THAT(gmem_write(&g->mem, gpa + 12, frame, 60));
	for (i = 1; i < sizeof(t); i++) {
		at = EDGE_GPA + EDGE_SIZE - i;
		d = (struct raw) { at, sizeof(t), F_IND };
		ASSERT_THAT(gmem_write(&g->mem, at, t, sizeof(t)));
		ASSERT_THAT(offer(self->tx, &d, 1));
		vq_submit(self->tx);
		ASSERT_OK_AT(guest_capture(g, 60, 3), "%u before the edge", i);
		ASSERT_OK(take_all(self->tx));
	}
}

/*
 * CVE-2014-0055: bad receive buffers while packets are pending. The buffers
 * come back unused; packets behind them arrive, none of them twice.
 */
static int rx_recovers(struct guest *g, const struct raw *d, unsigned int n,
		       __u32 max_len)
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
	if (!offer(rx, d, n) || !offer(rx, d, n))
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
		struct raw __d[] = { __VA_ARGS__ };			\
									\
		OURS_ALONE("a bad buffer stops the queue");		\
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

/* The packet is taken from the tap before this is seen. */
TEST_F(badring, rx_unmapped)
{
	void *p = gmem_hva(&self->g.mem, EDGE_GPA + EDGE_SIZE, EDGE_SIZE);

	ASSERT_EQ(0, munmap(p, EDGE_SIZE));
	RX_RECOVERS({ EDGE_GPA + EDGE_SIZE, 2048, F_WRITE });
}

/* Part of the packet can be written, and then no more: tun tells nobody. */
TEST_F(badring, rx_unmapped_behind_the_header)
{
	struct raw d = { EDGE_GPA + EDGE_SIZE - 12, 2048, F_WRITE };
	void *p = gmem_hva(&self->g.mem, EDGE_GPA + EDGE_SIZE, EDGE_SIZE);

	ASSERT_EQ(0, munmap(p, EDGE_SIZE));
	OURS_ALONE("a bad buffer stops the queue");
	ASSERT_OK(rx_recovers(&self->g, &d, 1, 72));
}

/* CVE-2019-3900: endless buffers of no length must not keep the worker. */
TEST_F(badring, rx_empty_buffers)
{
	struct raw d = { self->buf, 0, F_WRITE };
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("takes all buffers of no length for one packet, or stops");
	for (i = 0; i < 250; i++)
		ASSERT_THAT(offer(self->rx, &d, 1));
	vq_submit(self->rx);
	for (i = 0; i < 20; i++)
		ASSERT_OK(guest_inject(g, 60, i));
	/* Transmit shares the worker, and goes on. */
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
}

/* Bad chains without end leave time for the other ring. */
TEST_F(badring, flood_of_bad_chains)
{
	struct raw d = { NOWHERE, 100, 0 };
	struct guest *g = &self->g;
	unsigned int i, round;

	OURS_ALONE("a bad chain stops the queue");
	for (round = 0; round < env_scaled(50, 3); round++) {
		for (i = 0; i < 256; i++)
			ASSERT_THAT(offer(self->tx, &d, 1));
		vq_submit(self->tx);
		guest_refill(g, 1, 2048);
		ASSERT_OK(guest_check_rx(g, 60, round));
		ASSERT_OK(take_all(self->tx));
	}
	EXPECT_EQ(round * 256,
		  vdev_counter(g->dev, "queue1.drop.chain_address"));
	EXPECT_OK(guest_check_alive(g, 0));
}

/*
 * A head that is no descriptor: nothing there can be given back by number, so
 * either the entry is spent or the ring is; good chains are not lost.
 */
TEST_F(badring, tx_head_out_of_range)
{
	static const __u16 heads[] = { 256, 257, 0x7fff, 0xffff };
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("a bad head stops the queue");
	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		split_offer_raw(self->tx, heads[i]);
		ASSERT_THAT(offer_good(g, EDGE_GPA + 0x8000, i));
		vq_submit(self->tx);
		ASSERT_OK_AT(guest_capture(g, 60, i), "head %u", heads[i]);
		ASSERT_THAT(wait_until(!self->tx->inflight ||
				       (vq_pop(self->tx,
					       &(struct vq_used){ 0 }), 0)));
	}
	EXPECT_OK(vdev_set_backend(g->dev, TXQ, -1));
}

/* The same chain offered twice is the guest's own affair. */
TEST_F(badring, tx_same_head_twice)
{
	struct guest *g = &self->g;
	struct vq_used used;
	__u16 head;

	/* An entry for a batch names its last chain: which of the two is it? */
	if (variant->features & F_IN_ORDER)
		SKIP(return, "in order, one chain twice is ambiguous");
	head = self->tx->free_head;
	ASSERT_THAT(offer_good(g, EDGE_GPA + 0x8000, 1));
	split_offer_raw(self->tx, head);
	vq_submit(self->tx);
	EXPECT_OK(guest_capture(g, 60, 1));
	EXPECT_OK(guest_capture(g, 60, 1));
	ASSERT_THAT(vq_wait_pop(self->tx, &used));
	EXPECT_EQ(head, used.id);
	ASSERT_THAT(vq_wait_pop(self->tx, &used));
	EXPECT_EQ(head, used.id);
}

/*
 * An index that runs away from the ring: the ring means nothing any more. The
 * queue stops, the owner is told, and can start it again; the other ring does
 * not notice.
 */
static int index_jumps(struct guest *g, struct vq *vq, unsigned int by)
{
	__u16 good = vq->avail_idx;
	int err;

	split_avail(vq)->idx = good + by;
	/* Receive looks at its ring when there is a packet for it. */
	if (vq->index == RXQ) {
		err = guest_inject(g, 60, 77);
		if (err)
			return err;
	}
	vq_kick(vq);
	if (!event_wait(vq->err))
		return -ETIMEDOUT;
	if (split_used_idx(vq) != vq->used_idx)
		return -EPROTO;
	split_avail(vq)->idx = good;
	err = vdev_set_backend(g->dev, vq->index, -1);
	if (!err)
		err = vdev_set_backend(g->dev, vq->index, g->tap);
	event_count(vq->err);
	return err;
}

TEST_F(badring, index_jumps_in_tx)
{
	static const __u16 by[] = { 257, 300, 0x7fff, 0x8000, 0xffff };
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(by); i++) {
		ASSERT_OK_AT(index_jumps(g, self->tx, by[i]), "by %u", by[i]);
		ASSERT_OK_AT(guest_check_alive(g, i), "by %u", by[i]);
	}
}

TEST_F(badring, index_jumps_in_rx)
{
	static const __u16 by[] = { 257, 300, 0x7fff, 0x8000, 0xffff };
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(by); i++) {
		ASSERT_OK_AT(index_jumps(g, self->rx, by[i]), "by %u", by[i]);
		/* The packet waited. */
		guest_refill(g, 1, 2048);
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(frame_is(f.data, 60, 77));
		ASSERT_OK_AT(guest_check_alive(g, i), "by %u", by[i]);
	}
}

/* Not mprotect(): ARCH=um reads what is there but forbidden. */
static int move_mapping(void *from, void *to, size_t size)
{
	return mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
	       to ? 0 : -errno;
}

/* The ring's memory goes away under the device. */
TEST_F(badring, ring_unmapped_while_running)
{
	struct guest *g = &self->g;
	struct gmem_region *r = &g->mem.region[0];
	void *away;

	away = mmap(NULL, r->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ASSERT_NE(MAP_FAILED, away);
	OURS_ALONE("not every access to a lost ring is told");
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(move_mapping(r->hva, away, r->size));
	vq_kick(self->tx);
	EXPECT_TRUE(event_wait(self->tx->err));
	ASSERT_OK(move_mapping(away, r->hva, r->size));
	event_count(self->tx->err);
	/* The other ring too: its worker may not have been at rest yet. */
	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 100));
}

/*
 * A used ring in three pages: its index, the entries that are next, and the event
 * index have one each. One of them is away while a chain is given back, and the
 * guest has not changed its wish for a call when the ring goes on.
 */
FIXTURE(lost_page)
{
	struct guest g;
	struct vq *tx;
	void *away;
};

FIXTURE_VARIANT(lost_page)
{
	__u64 features;
	unsigned int page;
};

#define PAGE		4096

#define LOST_PAGE(feat, number, name)					\
	FIXTURE_VARIANT_ADD(lost_page, name)				\
	{								\
		.features = F_EVENT_IDX | (feat),			\
		.page = number,						\
	}

LOST_PAGE(0, 0, index);
LOST_PAGE(0, 1, entries);
LOST_PAGE(F_IN_ORDER, 0, in_order_index);
LOST_PAGE(F_IN_ORDER, 1, in_order_entries);

FIXTURE_SETUP(lost_page)
{
	static struct vq_ops paged;
	struct guest_cfg cfg = {
		.ops = &paged,
		.features = F_VERSION_1 | F_MRG_RXBUF | variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = 1024,
		.slots = 16,
		.base = 600,
	};

	SETUP_NEEDS(variant->features);
	paged = vq_split_ops;
	paged.align[VQ_USED] = PAGE;
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->tx = &self->g.vq[TXQ];
	self->away = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	ASSERT_NE(MAP_FAILED, self->away);
}

FIXTURE_TEARDOWN(lost_page)
{
	guest_stop(&self->g);
	munmap(self->away, PAGE);
}

TEST_F(lost_page, guest_is_called_afterwards)
{
	void *page = self->tx->area[VQ_USED] + variant->page * PAGE;
	__u64 gpa = self->g.pool[TXQ].slot[0].gpa;
	struct vq *tx = self->tx;

	OURS_ALONE("loses the chain, or calls before it is seen, then never");
	/* The first call of all is one to be on the safe side. */
	ASSERT_OK(guest_check_tx(&self->g, 60, 1, 1, false));
	ASSERT_OK(vdev_rest(self->g.dev, tx));
	/* An entry that nobody has written names no chain. */
	memset(split_used(tx)->ring, 0xff,
	       tx->num * sizeof(*split_used(tx)->ring));
	tx->ops->arm(tx);
	event_count(tx->call);

	ASSERT_OK(vq_add_out(tx, gpa, HDR_LEN_MRG + 60, 1));
	vq_publish(tx);
	ASSERT_OK(move_mapping(page, self->away, PAGE));
	vq_kick(tx);
	ASSERT_THAT(event_wait(tx->err));
	ASSERT_OK(move_mapping(self->away, page, PAGE));
	ASSERT_OK(vdev_set_addr(self->g.dev, tx));

	ASSERT_OK(vq_add_out(tx, gpa, HDR_LEN_MRG + 60, 2));
	vq_publish(tx);
	vq_kick(tx);
	EXPECT_TRUE(vq_wait_called(tx, 2));
	EXPECT_EQ(0, tx->bogus);
	EXPECT_EQ(0, tx->inflight);
}

/* Memory taken away by a new table: chains that lie there are bad from then. */
TEST_F(badring, region_removed_while_running)
{
	struct guest *g = &self->g;
	unsigned int n = g->mem.nregions;
	struct raw d = { EDGE_GPA + EDGE_SIZE, 100, 0 };

	OURS_ALONE("a bad chain stops the queue");
	ASSERT_OK(guest_check_alive(g, 0));
	g->mem.nregions = n - 1;
	ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
	ASSERT_OK(costs_one(g, &d, 1));
	g->mem.nregions = n;
	ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
	ASSERT_THAT(offer_good(g, d.gpa, 3));
	vq_submit(self->tx);
	EXPECT_OK(guest_capture(g, 60, 3));
	EXPECT_OK(take_all(self->tx));
}

VHOST_TEST_MAIN
