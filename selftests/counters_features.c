// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of features that not every packet meets: broken rings, the dirty
 * log, busy polling, misses of the device IOTLB.
 */
#include "counters_fixture.h"
#include "dlog.h"
#include "iotlb.h"
#include "nl_counters.h"
#include "raw.h"
#include "test.h"

TEST_F(counters, ring_errors)
{
	struct vq *vq = &self->c.g.vq[TXQ];
	unsigned int i;

	for (i = 1; i <= 3; i++) {
		raw_break_ring(vq);
		ASSERT_OK(counted_start(&self->c, TXQ));
		ASSERT_THAT(event_wait(vq->err));
		/* A broken ring is left alone, and does not break again. */
		vq_kick(vq);
		ASSERT_OK(counted_stop(&self->c, TXQ));
		EXPECT_EQ(i, COUNT(TXQ, RING_ERRORS));
		EXPECT_EQ(1, event_count(vq->err));
		EXPECT_EQ(i, COUNT(TXQ, KICKS));
		EXPECT_EQ(0, COUNT(TXQ, RETRIES));
		raw_mend_ring(vq);
	}
	EXPECT_EQ(0, COUNT(RXQ, RING_ERRORS));
}

TEST_F(counters, log_of_receive)
{
	struct guest *g = &self->c.g;
	unsigned int i, n = 100;
	struct dlog log;

	ASSERT_OK(dlog_init(&log, &g->mem));
	ASSERT_OK(dlog_set_base(g->dev, &log));
	ASSERT_OK(vdev_set_features(g->dev, g->cfg.features | F_LOG_ALL));
	ASSERT_EQ(n, guest_refill(g, n, 2048));
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_inject(g, 60 + i, i));
	ASSERT_OK(counted_run(&self->c, RXQ));
	EXPECT_EQ(n, COUNT(RXQ, PACKETS));
	EXPECT_EQ(COUNT(RXQ, BYTES) + n * g->hdr_len, COUNT(RXQ, LOG_BYTES));
	EXPECT_EQ(0, COUNT(TXQ, LOG_BYTES));
	dlog_free(&log);
}

/*
 * The used ring: 8 bytes for each entry, 2 for the index of each batch, and 2
 * each time that the device says whether it wants kicks. A packed ring: 16 for
 * each descriptor, and 4 each time.
 */
TEST_F(counters, log_of_used_ring)
{
	struct guest *g = &self->c.g;
	struct vq *vq = &g->vq[TXQ];
	bool packed = variant->features & F_RING_PACKED;
	unsigned int n = 100, words, batches;
	struct dlog log;

	if (variant->features & F_IN_ORDER)
		SKIP(return, "in order, entries stand for several chains");
	ASSERT_OK(dlog_init(&log, &g->mem));
	ASSERT_OK(dlog_set_base(g->dev, &log));
	vq->log_used = true;
	ASSERT_OK(vdev_set_addr(g->dev, vq));
	ASSERT_OK(preload(&self->c, n, 60));
	ASSERT_OK(counted_run(&self->c, TXQ));
	/* At the start, before each sleep, and with flags at each run. */
	words = 1 + COUNT(TXQ, RING_EMPTY);
	if (!(variant->features & F_EVENT_IDX))
		words += COUNT(TXQ, RUNS);
	else if (packed)
		/* The first run: a start asks for kicks without a position. */
		words++;
	batches = COUNT(TXQ, BATCHES);
	EXPECT_EQ(packed ? 16 * n + 4 * words : 8 * n + 2 * batches + 2 * words,
		  COUNT(TXQ, LOG_BYTES));
	dlog_free(&log);
}

TEST_F(counters, busy_polling)
{
	struct guest *g = &self->c.g;
	unsigned int i;

	ASSERT_OK(vdev_set_state(g->dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, TXQ,
				 100000));
	ASSERT_OK(counted_start(&self->c, TXQ));
	/*
	 * On a single processor a poll ends as soon as the guest wants to run,
	 * often before it can find anything. On a coarse clock few polls see
	 * the time advance.
	 */
	for (i = 0; i < 1000; i++) {
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
		env_pause();
		ASSERT_OK(counted_read(&self->c));
		if (COUNT(TXQ, BUSY_NS))
			break;
	}
	ASSERT_OK(counted_stop(&self->c, TXQ));
	EXPECT_GE(COUNT(TXQ, BUSY_POLLS), 1);
	EXPECT_GE(COUNT(TXQ, BUSY_NS), 1);
	EXPECT_LE(COUNT(TXQ, BUSY_HITS), COUNT(TXQ, BUSY_POLLS));
	EXPECT_EQ(0, COUNT(RXQ, BUSY_POLLS));
	EXPECT_EQ(0, COUNT(RXQ, BUSY_NS));
	ASSERT_OK(nl_reset(&self->c.nl, self->c.id, TXQ));
	ASSERT_OK(counted_read(&self->c));
	EXPECT_EQ(0, COUNT(TXQ, BUSY_NS));
}

/* Each miss counted has been read, or is still to be read. */
TEST(iotlb_misses)
{
	struct iotlb_cfg icfg = { .v2 = true, .pages = true };
	struct guest_cfg cfg = {
		.features = F_EVENT_IDX | F_MRG_RXBUF,
		.tap_flags = IFF_VNET_HDR,
		.num = 64,
	};
	static struct nl_msg m[NR_VQS];
	unsigned int i, asked = 0;
	struct guest g;
	struct iotlb t;
	struct nl nl;
	__u32 dev;
	int rest;

	if (!env_is_ours())
		SKIP(return, "vhost_net counts nothing");
	ASSERT_OK(nl_open(&nl));
	ASSERT_OK(iotlb_guest_start(&t, &g, &icfg, &cfg));
	ASSERT_OK(nl_newest(&nl, &dev));
	for (i = 0; i < 10; i++) {
		ASSERT_OK(guest_check_alive(&g, i));
		ASSERT_OK(iotlb_flush(&t));
	}
	ASSERT_OK(iotlb_preload(&t));
	ASSERT_OK(guest_set_backend(&g, -1));
	ASSERT_OK(iotlb_unserve(&t));
	rest = iotlb_read_all(g.dev, true);
	ASSERT_GE(rest, 0);
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(nl_queue(&nl, dev, i, &m[i]));
		asked += m[i].counter[VHOST_ALT_COUNTER_IOTLB_MISSES];
		EXPECT_GE(m[i].counter[VHOST_ALT_COUNTER_IOTLB_MISSES], 1);
	}
	EXPECT_EQ(asked, t.misses + rest);
	nl_close(&nl);
	iotlb_guest_stop(&t, &g);
}

VHOST_TEST_MAIN
