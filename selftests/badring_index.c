// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings that are broken as a whole: invalid heads and indices. They stop the
 * queue, and nothing else.
 */
#include "raw.h"
#include "test.h"
#include "vq_split.h"

FIXTURE(ring)
{
	struct guest g;
	struct vq *tx, *rx;
	__u64 buf;	/* a buffer in guest memory */
};

FIXTURE_VARIANT(ring)
{
	bool limit_sndbuf;
	__u64 features;
};

FIXTURE_VARIANT_ADD(ring, batched)
{
	.features = F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(ring, single)
{
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(ring, in_order)
{
	.features = F_EVENT_IDX | F_IN_ORDER,
};

FIXTURE_SETUP(ring)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_INDIRECT |
			    variant->features,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = variant->limit_sndbuf,
		.num = 256,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->tx = &self->g.vq[TXQ];
	self->rx = &self->g.vq[RXQ];
	self->buf = self->g.pool[TXQ].slot[0].gpa;
}

FIXTURE_TEARDOWN(ring)
{
	guest_stop(&self->g);
}

/*
 * A head that is not a descriptor cannot be returned by number. The device may
 * skip the entry or stop the ring; it must not lose good chains.
 */
TEST_F(ring, tx_head_out_of_range)
{
	static const __u16 heads[] = { 256, 257, 0x7fff, 0xffff };
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("a bad head stops the queue");
	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		split_offer_raw(self->tx, heads[i]);
		ASSERT_THAT(raw_offer_frame(g, self->buf, i));
		vq_submit(self->tx);
		ASSERT_OK_AT(guest_capture(g, 60, i), "head %u", heads[i]);
		ASSERT_THAT(wait_until(!self->tx->inflight ||
				       (vq_pop(self->tx,
					       &(struct vq_used){ 0 }), 0)));
	}
	EXPECT_OK(vdev_set_backend(g->dev, TXQ, -1));
}

/* A chain that is offered twice is used twice. */
TEST_F(ring, tx_same_head_twice)
{
	struct guest *g = &self->g;
	struct vq_used used;
	__u16 head;

	/*
	 * A batch is named by its last chain, which would be ambiguous here.
	 */
	if (variant->features & F_IN_ORDER)
		SKIP(return, "ambiguous in order");
	head = self->tx->free_head;
	ASSERT_THAT(raw_offer_frame(g, self->buf, 1));
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
 * Move the available index further than the ring has entries. The queue stops
 * and signals the error eventfd; the owner can start it again. The other ring
 * is not affected.
 */
static int index_jumps(struct guest *g, struct vq *vq, unsigned int by)
{
	__u16 good = vq->avail_idx;
	int err;

	split_avail(vq)->idx = good + by;
	/* Receive reads its ring only if there is a packet. */
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

TEST_F(ring, index_jumps_in_tx)
{
	static const __u16 by[] = { 257, 300, 0x7fff, 0x8000, 0xffff };
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(by); i++) {
		ASSERT_OK_AT(index_jumps(g, self->tx, by[i]), "by %u", by[i]);
		ASSERT_OK_AT(guest_check_alive(g, i), "by %u", by[i]);
	}
}

TEST_F(ring, index_jumps_in_rx)
{
	static const __u16 by[] = { 257, 300, 0x7fff, 0x8000, 0xffff };
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(by); i++) {
		ASSERT_OK_AT(index_jumps(g, self->rx, by[i]), "by %u", by[i]);
		/* The packet is still there. */
		guest_refill(g, 1, 2048);
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(frame_is(f.data, 60, 77));
		ASSERT_OK_AT(guest_check_alive(g, i), "by %u", by[i]);
	}
}

VHOST_TEST_MAIN
