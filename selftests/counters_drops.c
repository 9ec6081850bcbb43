// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters: each reason for which packets are dropped, by itself and mixed with
 * good packets.
 */
#include <sys/mman.h>

#include "counters_fixture.h"
#include "nl_counters.h"
#include "raw.h"
#include "test.h"
#include "vq_packed.h"
#include "vq_split.h"

struct raw {
	__u64 gpa;
	__u32 len;
	__u16 flags;
	__u16 next;	/* index in the list; past its end: no descriptor */
};

struct bad {
	enum vhost_alt_drop why;
	unsigned int n;		/* descriptors; 0: a head out of range */
	struct raw d[2];
	bool batched;		/* found only if frames are sent in batches */
};

/* In the memory table, but not mapped: a page of any host. */
#define HIDDEN_SIZE	0x10000
#define HIDDEN		(AREA_GPA + AREA_SIZE - HIDDEN_SIZE)

/* Tables in guest memory: all buffers but the last are readable or writable. */
#define READABLE_TABLE	(AREA_GPA + 0x21000)
#define WRITABLE_TABLE	(AREA_GPA + 0x22000)
#define TABLE_SIZE	(3 * sizeof(struct vring_desc))
/* Longer than what is read in one go. */
#define LONG_TABLE	(AREA_GPA + 0x23000)
#define LONG_COUNT	66

static const struct bad bad[] = {
	{ VHOST_ALT_DROP_CHAIN_HEAD },
	{ VHOST_ALT_DROP_CHAIN_NEXT, 1, { { AREA_GPA, 50, F_NEXT, 9 } } },
	{ VHOST_ALT_DROP_CHAIN_LOOP, 2, { { AREA_GPA, 50, F_NEXT, 1 },
					  { AREA_GPA, 50, F_NEXT, 0 } } },
	{ VHOST_ALT_DROP_CHAIN_ORDER, 2,
	  { { AREA_GPA, 50, F_NEXT | F_WRITE, 1 }, { AREA_GPA, 50 } } },
	{ VHOST_ALT_DROP_CHAIN_ADDRESS, 1, { { NOWHERE, 100 } } },
	{ VHOST_ALT_DROP_CHAIN_INDIRECT, 1, { { AREA_GPA, 17, F_IND } } },
	{ VHOST_ALT_DROP_DIRECTION, 1, { { AREA_GPA, 100, F_WRITE } } },
	{ VHOST_ALT_DROP_SHORT, 1, { { AREA_GPA, HDR_LEN_MRG + 13 } } },
	{ VHOST_ALT_DROP_LONG, 1, { { AREA_GPA, 66 * 1024 + 1 } } },
	{ VHOST_ALT_DROP_HEADER, 1, { { AREA_GPA + 0x20000, 100 } }, true },
	{ VHOST_ALT_DROP_COPY, 1, { { HIDDEN, 100 } }, true },
	{ VHOST_ALT_DROP_CHAIN_ORDER, 2,
	  { { AREA_GPA, 50, F_NEXT | F_WRITE, 1 },
	    { READABLE_TABLE, TABLE_SIZE, F_IND } } },
	{ VHOST_ALT_DROP_CHAIN_ORDER, 1,
	  { { WRITABLE_TABLE, TABLE_SIZE, F_IND } } },
	{ VHOST_ALT_DROP_CHAIN_ORDER, 1,
	  { { LONG_TABLE, LONG_COUNT * sizeof(struct vring_desc), F_IND } } },
};

/* Not a slot of the pool. */
#define BAD_COOKIE	(2 * COUNTED_NUM)

/* In the packed layout a chain is its descriptors in the order of the ring. */
static bool possible(const struct bad *b, const FIXTURE_VARIANT(counters) *v)
{
	/* Nor may a table follow a descriptor there. */
	bool in_order = b->n == 1 ? !(b->d[0].flags & F_NEXT) :
			b->n == 2 && b->d[0].next == 1 && !b->d[1].flags;

	if (b->batched && v->single)
		return false;
	return in_order || !(v->features & F_RING_PACKED);
}

static bool offer_packed(struct vq *vq, const struct bad *b)
{
	unsigned int i;
	__u16 id;

	if (b->n > vq->nfree)
		return false;
	id = packed_claim_id(vq);
	for (i = 0; i < b->n; i++)
		packed_write(vq, b->d[i].gpa, b->d[i].len, id, b->d[i].flags);
	packed_offer(vq, id, b->n, BAD_COOKIE);
	return true;
}

static bool offer(struct vq *vq, const struct bad *b)
{
	__u16 id[2];
	unsigned int i;

	if (vq->features & F_RING_PACKED)
		return offer_packed(vq, b);
	if (!b->n) {
		split_offer_raw(vq, vq->num + 3);
		return true;
	}
	if (!split_claim(vq, b->n, id))
		return false;
	for (i = 0; i < b->n; i++)
		split_write(vq, id[i], b->d[i].gpa, b->d[i].len, b->d[i].flags,
			    b->d[i].next < b->n ? id[b->d[i].next] : vq->num);
	split_offer(vq, id[0], b->n, BAD_COOKIE);
	return true;
}

static bool put_table(struct guest *g, __u64 gpa, __u16 flags)
{
	const struct vring_desc t[] = {
		{ AREA_GPA, 50, F_NEXT | flags, 1 },
		{ AREA_GPA, 50, F_NEXT | flags, 2 },
		{ AREA_GPA, 50, flags ^ F_WRITE },
	};

	return raw_put_table(&g->vq[TXQ], gpa, t, ARRAY_SIZE(t));
}

/* All buffers but the last two are writable. */
static bool put_long_table(struct guest *g)
{
	struct vring_desc t[LONG_COUNT];
	unsigned int i;

	for (i = 0; i < LONG_COUNT; i++)
		t[i] = (struct vring_desc) {
			AREA_GPA, 50,
			i < LONG_COUNT - 2 ? F_NEXT | F_WRITE : F_NEXT, i + 1
		};
	t[LONG_COUNT - 1].flags = 0;
	return raw_put_table(&g->vq[TXQ], LONG_TABLE, t, LONG_COUNT);
}

static int prepare_area(struct guest *g)
{
	struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 5000,
		.csum_offset = 16,
	};

	if (!gmem_fill(&g->mem, AREA_GPA, 0, AREA_SIZE) ||
	    !gmem_write(&g->mem, AREA_GPA + 0x20000, &hdr, sizeof(hdr)) ||
	    !put_table(g, READABLE_TABLE, 0) ||
	    !put_table(g, WRITABLE_TABLE, F_WRITE) ||
	    !put_long_table(g))
		return -EFAULT;
	return munmap(gmem_hva(&g->mem, HIDDEN, HIDDEN_SIZE), HIDDEN_SIZE) ?
	       -errno : 0;
}

/* Each reason by itself: two bad chains among three good ones. */
TEST_F(counters, drops_of_transmit)
{
	struct vq *vq = &self->c.g.vq[TXQ];
	__u64 want[VHOST_ALT_DROP_MAX + 1] = { 0 };
	unsigned int i, j, packets = 0;

	ASSERT_OK(prepare_area(&self->c.g));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (!possible(&bad[i], variant))
			continue;
		ASSERT_OK(preload(&self->c, 1, 60));
		ASSERT_THAT(offer(vq, &bad[i]));
		ASSERT_OK(preload(&self->c, 1, 60));
		ASSERT_THAT(offer(vq, &bad[i]));
		ASSERT_OK(preload(&self->c, 1, 60));
		ASSERT_OK_AT(counted_run(&self->c, TXQ), "case %u", i);
		packets += 3;
		want[bad[i].why] += 2;
		for (j = 0; j <= VHOST_ALT_DROP_MAX; j++) {
			EXPECT_EQ(want[j], self->c.q[TXQ].drop[j]) {
				TH_LOG("case %u, reason %u", i, j);
			}
		}
		EXPECT_EQ(packets, COUNT(TXQ, PACKETS));
	}
	EXPECT_EQ(60 * packets, COUNT(TXQ, BYTES));
	EXPECT_EQ(0, sum_drops(&self->c.q[RXQ]));
	EXPECT_EQ(0, COUNT(TXQ, RING_ERRORS));
	EXPECT_CONSISTENT();
}

TEST_F(counters, drops_of_receive)
{
	struct vq *vq = &self->c.g.vq[RXQ];
	static const struct bad readable = {
		VHOST_ALT_DROP_DIRECTION, 1, { { AREA_GPA, 2000 } }
	}, hidden = {
		VHOST_ALT_DROP_WRITE, 1, { { HIDDEN, 2000, F_WRITE } }
	};
	struct guest *g = &self->c.g;
	unsigned int i;

	ASSERT_OK(prepare_area(g));
	/* Two chains that are skipped, and one that costs the frame. */
	ASSERT_THAT(offer(vq, &bad[4]));
	ASSERT_OK(guest_post(g, 2048, 1, false));
	ASSERT_THAT(offer(vq, &readable));
	ASSERT_THAT(offer(vq, &hidden));
	ASSERT_OK(guest_post(g, 2048, 1, false));
	vq_publish(vq);
	for (i = 0; i < 3; i++)
		ASSERT_OK(guest_inject(g, 100, i));
	ASSERT_OK(counted_run(&self->c, RXQ));
	EXPECT_EQ(2, COUNT(RXQ, PACKETS));
	EXPECT_EQ(200, COUNT(RXQ, BYTES));
	EXPECT_EQ(1, DROP(RXQ, CHAIN_ADDRESS));
	EXPECT_EQ(1, DROP(RXQ, DIRECTION));
	EXPECT_EQ(1, DROP(RXQ, WRITE));
	EXPECT_EQ(3, sum_drops(&self->c.q[RXQ]));
	EXPECT_CONSISTENT();
}

/* Frames that fit no buffer this guest has. */
TEST_F(counters, drops_without_room)
{
	struct guest *g = &self->c.g;
	unsigned int i;

	if (variant->features & F_MRG_RXBUF)
		SKIP(return, "mergeable buffers are enough for all frames");
	ASSERT_EQ(3, guest_refill(g, 3, 200));
	for (i = 0; i < 7; i++)
		ASSERT_OK(guest_inject(g, i % 2 ? 100 : 1000, i));
	ASSERT_OK(counted_run(&self->c, RXQ));
	EXPECT_EQ(3, COUNT(RXQ, PACKETS));
	EXPECT_EQ(300, COUNT(RXQ, BYTES));
	/* The seventh may be dropped before the ring stops, or still wait. */
	EXPECT_GE(DROP(RXQ, NO_ROOM), 3);
	EXPECT_LE(DROP(RXQ, NO_ROOM), 4);
	EXPECT_EQ(DROP(RXQ, NO_ROOM), sum_drops(&self->c.q[RXQ]));
}

/* A deleted tap takes no frames. */
TEST_F(counters, drops_of_a_deleted_tap)
{
	struct guest *g = &self->c.g;
	struct vq *vq = &g->vq[TXQ];

	ASSERT_OK(counted_start(&self->c, TXQ));
	ASSERT_OK(link_del(g->ifname));
	ASSERT_OK(preload(&self->c, 50, 60));
	vq_kick(vq);
	ASSERT_THAT(all_used(vq));
	ASSERT_OK(counted_stop(&self->c, TXQ));
	EXPECT_EQ(0, COUNT(TXQ, PACKETS));
	EXPECT_EQ(0, COUNT(TXQ, BYTES));
	EXPECT_EQ(50, DROP(TXQ, SEND));
	EXPECT_EQ(50, sum_drops(&self->c.q[TXQ]));
	EXPECT_EQ(1, COUNT(TXQ, KICKS));
	EXPECT_CONSISTENT();
}

/* Take back good and bad chains. Return: how many, or -EPROTO. */
static int reap_mixed(struct guest *g)
{
	struct guest_pool *pool = &g->pool[TXQ];
	struct vq_used used;
	int n = 0;

	for (; vq_pop(&g->vq[TXQ], &used); n++) {
		if (used.cookie == VQ_BOGUS || used.len)
			return -EPROTO;
		if (used.cookie != BAD_COOKIE)
			pool->free[pool->nfree++] = used.cookie;
	}
	return n;
}

/*
 * Good and bad chains in random order while the worker runs: more than the ring
 * has entries, and past the wrap of its indices.
 */
TEST_F(counters, transmit_adds_up)
{
	unsigned int i, n = env_scaled(3000, 300), good = 0, kicks = 0;
	__u64 rnd = 4711, want[VHOST_ALT_DROP_MAX + 1] = { 0 }, bytes = 0;
	struct vq *vq = &self->c.g.vq[TXQ];
	static unsigned char frame[1514];
	const struct bad *b;
	size_t len;

	ASSERT_OK(prepare_area(&self->c.g));
	ASSERT_OK(counted_start(&self->c, TXQ));
	for (i = 0; i < n; i++) {
		if (vq->nfree < 2 || vq->inflight > COUNTED_NUM / 2) {
			submit_counted(vq, &kicks);
			ASSERT_THAT(all_used(vq));
			ASSERT_GT(reap_mixed(&self->c.g), 0);
		}
		b = &bad[1 + rnd_below(&rnd, ARRAY_SIZE(bad) - 1)];
		if (rnd_below(&rnd, 3) && possible(b, variant)) {
			ASSERT_THAT(offer(vq, b));
			want[b->why]++;
		} else {
			len = 60 + rnd_below(&rnd, 1400);
			frame_make(frame, len, i);
			ASSERT_OK(guest_send(&self->c.g, NULL, frame, len, 1,
					     false));
			good++;
			bytes += len;
		}
		if (!rnd_below(&rnd, 4))
			submit_counted(vq, &kicks);
	}
	submit_counted(vq, &kicks);
	ASSERT_THAT(all_used(vq));
	ASSERT_OK(counted_stop(&self->c, TXQ));
	EXPECT_EQ(good, COUNT(TXQ, PACKETS));
	EXPECT_EQ(bytes, COUNT(TXQ, BYTES));
	for (i = 0; i <= VHOST_ALT_DROP_MAX; i++) {
		EXPECT_EQ(want[i], self->c.q[TXQ].drop[i]) {
			TH_LOG("reason %u", i);
		}
	}
	EXPECT_EQ(n, COUNT(TXQ, PACKETS) + sum_drops(&self->c.q[TXQ]));
	EXPECT_EQ(kicks, COUNT(TXQ, KICKS));
	EXPECT_GE(COUNT(TXQ, BATCHES) * BATCH, n);
	EXPECT_LE(COUNT(TXQ, BATCHES), n);
	EXPECT_LE(COUNT(TXQ, KICKS_SUPPRESSED), COUNT(TXQ, BATCHES));
	EXPECT_GE(COUNT(TXQ, KICKS_SUPPRESSED) + COUNT(TXQ, KICKS),
		  COUNT(TXQ, BATCHES));
	EXPECT_GE(COUNT(TXQ, RING_EMPTY), 1);
	EXPECT_CONSISTENT();
}

#define SIMPLE_START(nl, g, cfg, id)					\
	do {								\
		if (!env_is_ours())					\
			SKIP(return, "vhost_net counts nothing");	\
		ASSERT_OK(nl_open(nl));					\
		ASSERT_OK(guest_start(g, cfg));				\
		ASSERT_OK(nl_newest(nl, id));				\
	} while (0)

/* A chain of more descriptors than sendmsg() takes pieces, in a large ring. */
TEST(drop_of_a_long_chain)
{
	static const unsigned int pieces = 1025;
	struct guest_cfg cfg = {
		.features = F_VERSION_1,
		.num = 2048,
		.slots = 16,
	};
	static struct nl_msg m;
	struct guest g;
	unsigned int i;
	struct nl nl;
	__u16 id[1025];
	__u32 dev;

	SIMPLE_START(&nl, &g, &cfg, &dev);
	ASSERT_THAT(split_claim(&g.vq[TXQ], pieces, id));
	for (i = 0; i < pieces; i++)
		split_write(&g.vq[TXQ], id[i], g.pool[TXQ].slot[0].gpa, 1,
			    i + 1 < pieces ? F_NEXT : 0, id[(i + 1) % pieces]);
	split_offer(&g.vq[TXQ], id[0], pieces, 0);
	vq_submit(&g.vq[TXQ]);
	ASSERT_THAT(all_used(&g.vq[TXQ]));
	ASSERT_OK(guest_set_backend(&g, -1));
	ASSERT_OK(nl_queue(&nl, dev, TXQ, &m));
	EXPECT_EQ(1, m.drop[VHOST_ALT_DROP_CHAIN_LONG]);
	EXPECT_EQ(1, sum_drops(&m));
	EXPECT_EQ(0, m.counter[VHOST_ALT_COUNTER_PACKETS]);
	nl_close(&nl);
	guest_stop(&g);
}

/* The guest expects headers from the tap, and the tap makes none. */
TEST(drop_of_packets_without_header)
{
	struct guest_cfg cfg = { .features = F_VERSION_1 | F_MRG_RXBUF };
	static struct nl_msg m;
	struct guest g;
	struct nl nl;
	__u32 dev;

	SIMPLE_START(&nl, &g, &cfg, &dev);
	ASSERT_EQ(5, guest_refill(&g, 5, 2048));
	ASSERT_OK(guest_inject(&g, 100, 0));
	ASSERT_OK(guest_inject(&g, 100, 1));
	ASSERT_THAT(wait_until(!nl_queue(&nl, dev, RXQ, &m) &&
			       m.drop[VHOST_ALT_DROP_RECEIVE] == 2));
	ASSERT_OK(guest_set_backend(&g, -1));
	ASSERT_OK(nl_queue(&nl, dev, RXQ, &m));
	EXPECT_EQ(2, m.drop[VHOST_ALT_DROP_RECEIVE]);
	EXPECT_EQ(2, sum_drops(&m));
	EXPECT_EQ(0, m.counter[VHOST_ALT_COUNTER_PACKETS]);
	EXPECT_EQ(0, m.counter[VHOST_ALT_COUNTER_BATCHES]);
	nl_close(&nl);
	guest_stop(&g);
}

VHOST_TEST_MAIN
