// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters: resets, by netlink and with the owner, and the other way to read
 * them, the file's fdinfo.
 */
#include "counters_fixture.h"
#include "nl_counters.h"
#include "raw.h"
#include "test.h"

#define FRAMES	200

/* A chain that the device drops. */
static const struct raw_desc nowhere = { .gpa = NOWHERE, .len = 100 };

TEST_F(counters, reset_by_netlink)
{
	static const struct nl_msg zero;
	struct guest *g = &self->c.g;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ASSERT_OK(preload(&self->c, FRAMES, 60));
		vq_kick(&g->vq[TXQ]);
		ASSERT_OK(counted_run(&self->c, TXQ));
		ASSERT_EQ(FRAMES, guest_reap(g));
		EXPECT_EQ(FRAMES, COUNT(TXQ, PACKETS));
		EXPECT_EQ(FRAMES / BATCH + 1, COUNT(TXQ, BATCHES));
		EXPECT_EQ(FRAMES / BATCH, self->c.q[TXQ].batch_size[7]);
		EXPECT_EQ(1, COUNT(TXQ, KICKS));
		EXPECT_EQ(FRAMES / BATCH, COUNT(TXQ, KICKS_SUPPRESSED));
		EXPECT_CONSISTENT();

		/* Resetting the other queue leaves these alone. */
		ASSERT_OK(nl_reset(&self->c.nl, self->c.id, RXQ));
		ASSERT_OK(counted_read(&self->c));
		EXPECT_EQ(FRAMES, COUNT(TXQ, PACKETS));
		ASSERT_OK(nl_reset(&self->c.nl, self->c.id, i ? TXQ : NL_NONE));
		ASSERT_OK(counted_read(&self->c));
		EXPECT_EQ(0, memcmp(zero.counter, self->c.q[TXQ].counter,
				    sizeof(zero.counter)));
		EXPECT_EQ(0, sum_sizes(&self->c.q[TXQ]));
	}
}

TEST_F(counters, reset_drops_by_netlink)
{
	struct vq *vq = &self->c.g.vq[TXQ];

	ASSERT_THAT(raw_offer(vq, &nowhere, 1));
	vq_publish(vq);
	ASSERT_OK(counted_run(&self->c, TXQ));
	EXPECT_EQ(1, DROP(TXQ, CHAIN_ADDRESS));
	ASSERT_OK(nl_reset(&self->c.nl, self->c.id, NL_NONE));
	ASSERT_OK(counted_read(&self->c));
	EXPECT_EQ(0, sum_drops(&self->c.q[TXQ]));
}

/* A new owner begins with all counters at 0. */
TEST_F(counters, reset_by_reset_owner)
{
	ASSERT_OK(preload(&self->c, 10, 60));
	ASSERT_OK(counted_run(&self->c, TXQ));
	EXPECT_EQ(10, COUNT(TXQ, PACKETS));
	ASSERT_OK(vdev_cmd(self->c.g.dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(counted_read(&self->c));
	EXPECT_EQ(0, COUNT(TXQ, PACKETS));
	EXPECT_EQ(0, COUNT(TXQ, BATCHES));
	EXPECT_EQ(0, sum_sizes(&self->c.q[TXQ]));
}

/* A reset by netlink before leaves nothing to subtract from the new counts. */
TEST_F(counters, reset_by_netlink_and_reset_owner)
{
	static const struct nl_msg zero;
	unsigned int i;

	ASSERT_OK(preload(&self->c, 10, 60));
	ASSERT_OK(counted_run(&self->c, TXQ));
	ASSERT_OK(nl_reset(&self->c.nl, self->c.id, NL_NONE));
	ASSERT_OK(preload(&self->c, 20, 60));
	ASSERT_OK(counted_run(&self->c, TXQ));
	EXPECT_EQ(20, COUNT(TXQ, PACKETS));
	ASSERT_OK(vdev_cmd(self->c.g.dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(counted_read(&self->c));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_EQ(0, memcmp(zero.counter, self->c.q[i].counter,
				    sizeof(zero.counter)));
		EXPECT_EQ(0, sum_sizes(&self->c.q[i]));
		EXPECT_EQ(0, sum_drops(&self->c.q[i]));
	}
}

/* No counter is below its value at the reset, which would be seen as huge. */
static bool none_below_zero(const struct nl_msg *m)
{
	unsigned int i;

	for (i = 0; i <= VHOST_ALT_COUNTER_MAX; i++)
		if (m->counter[i] >> 63)
			return false;
	for (i = 1; i <= NL_SIZES; i++)
		if (m->batch_size[i] >> 63)
			return false;
	return true;
}

/*
 * Resets while the worker transmits. They used to wait for the end of its run,
 * and failed with EBUSY if there was none in time.
 */
TEST_F(counters, reset_under_load)
{
	unsigned int i, n = env_scaled(200, 10), queued;
	struct guest *g = &self->c.g;
	struct vq *vq = &g->vq[TXQ];
	__u32 seq = 0;

	ASSERT_OK(counted_start(&self->c, TXQ));
	for (i = 0; i < n; i++) {
		seq = guest_fill_tx(g, 60, seq, seq + FRAMES);
		queued = vq->inflight - vq_count_used(vq);
		ASSERT_OK_AT(nl_reset(&self->c.nl, self->c.id, TXQ), "%u", i);
		ASSERT_OK_AT(counted_read(&self->c), "%u", i);
		ASSERT_THAT_AT(none_below_zero(&self->c.q[TXQ]), "%u", i);
		/* A run counts a batch after it has used the chains. */
		ASSERT_THAT_AT(COUNT(TXQ, PACKETS) <= queued + BATCH, "%u", i);
	}
	ASSERT_THAT(all_used(vq));
	ASSERT_OK(counted_stop(&self->c, TXQ));
	ASSERT_GT(guest_reap(g), 0);

	/* From a reset on, the numbers are exact again. */
	ASSERT_OK(nl_reset(&self->c.nl, self->c.id, NL_NONE));
	event_count(vq->kick);
	event_count(vq->call);
	ASSERT_OK(preload(&self->c, FRAMES, 60));
	vq_kick(vq);
	ASSERT_OK(counted_run(&self->c, TXQ));
	EXPECT_EQ(FRAMES, COUNT(TXQ, PACKETS));
	EXPECT_EQ(1, COUNT(TXQ, KICKS));
	EXPECT_EQ(FRAMES / BATCH, COUNT(TXQ, KICKS_SUPPRESSED));
	EXPECT_CONSISTENT();
}

#define COUNTER_NAME(number, name, ...)					\
	[VHOST_ALT_COUNTER_ ## number] = #name,

TEST_F(counters, fdinfo_shows_the_same)
{
	static const char * const name[VHOST_ALT_COUNTER_MAX + 1] = {
		VHOST_ALT_COUNTERS(COUNTER_NAME)
	};
	struct guest *g = &self->c.g;
	unsigned int i, j;
	char line[64];

	ASSERT_THAT(raw_offer(&g->vq[TXQ], &nowhere, 1));
	ASSERT_OK(preload(&self->c, 600, 60));
	ASSERT_OK(counted_run(&self->c, TXQ));
	ASSERT_EQ(10, guest_refill(g, 10, 2048));
	for (i = 0; i < 10; i++)
		ASSERT_OK(guest_inject(g, 60, i));
	ASSERT_OK(counted_run(&self->c, RXQ));
	for (i = 0; i < NR_VQS; i++) {
		for (j = VHOST_ALT_COUNTER_PAD + 1; j <= VHOST_ALT_COUNTER_MAX;
		     j++) {
			ASSERT_NE(NULL, name[j]);
			snprintf(line, sizeof(line), "queue%u.%s", i, name[j]);
			EXPECT_EQ(vdev_counter(g->dev, line),
				  self->c.q[i].counter[j]) {
				TH_LOG("%s", line);
			}
		}
	}
	EXPECT_EQ(1, vdev_counter(g->dev, "queue1.drop.chain_address"));
	EXPECT_EQ(600, vdev_counter(g->dev, "queue1.packets"));
}

VHOST_TEST_MAIN
