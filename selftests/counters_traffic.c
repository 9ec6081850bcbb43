// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters: known traffic in, exact numbers out. What is available before a
 * ring starts is fetched in batches of known sizes, whenever the worker runs.
 * What depends on when it runs is compared by a bound or a sum that always
 * holds.
 */
#include "counters_fixture.h"
#include "nl_counters.h"
#include "test.h"

#define FRAMES	200

TEST_F(counters, transmit)
{
	unsigned int i, batches = FRAMES / BATCH + 1;
	struct netif_stats old, new;
	struct guest *g = &self->c.g;

	ASSERT_OK(link_stats(g->ifname, &old));
	ASSERT_OK(preload(&self->c, FRAMES, 60));
	ASSERT_OK(counted_run(&self->c, TXQ));
	EXPECT_EQ(FRAMES, COUNT(TXQ, PACKETS));
	EXPECT_EQ(preload_bytes(FRAMES, 60), COUNT(TXQ, BYTES));
	EXPECT_EQ(batches, COUNT(TXQ, BATCHES));
	/* Batches of 64, 64, 64, and 8. */
	EXPECT_EQ(FRAMES / BATCH, self->c.q[TXQ].batch_size[7]);
	EXPECT_EQ(1, self->c.q[TXQ].batch_size[4]);
	EXPECT_EQ(0, sum_drops(&self->c.q[TXQ]));
	EXPECT_EQ(0, COUNT(TXQ, KICKS));
	EXPECT_EQ(batches, COUNT(TXQ, KICKS_SUPPRESSED));
	EXPECT_EQ(0, COUNT(TXQ, WEIGHT));
	EXPECT_EQ(0, COUNT(TXQ, WAKEUPS));
	EXPECT_EQ(0, COUNT(TXQ, PUT_BACK));
	EXPECT_EQ(0, COUNT(TXQ, SOCKET_FULL));
	EXPECT_EQ(0, COUNT(TXQ, RING_ERRORS));
	EXPECT_EQ(0, COUNT(TXQ, IOTLB_MISSES));
	EXPECT_EQ(0, COUNT(TXQ, LOG_BYTES));
	EXPECT_EQ(0, COUNT(TXQ, BUSY_POLLS));
	EXPECT_EQ(0, COUNT(TXQ, BUSY_NS));
	/* The start itself wakes the queue, and so may the ready backend. */
	EXPECT_GE(COUNT(TXQ, RUNS), 1);
	EXPECT_LE(COUNT(TXQ, RUNS), 2);
	EXPECT_EQ(COUNT(TXQ, RUNS), COUNT(TXQ, RING_EMPTY));
	EXPECT_EQ(0, sum_sizes(&self->c.q[RXQ]));
	EXPECT_EQ(0, COUNT(RXQ, PACKETS));
	EXPECT_CONSISTENT();

	/* All frames, and no others, came out of the tap. */
	for (i = 0; i < FRAMES; i++)
		ASSERT_OK(guest_capture(g, 60 + i % 7, i));
	ASSERT_OK(link_stats(g->ifname, &new));
	EXPECT_EQ(FRAMES, new.rx_packets - old.rx_packets);
}

/* Batches are counted by size, in powers of two. */
TEST_F(counters, batch_sizes)
{
	static const struct { unsigned int n, place; } c[] = {
		{ 1, 1 }, { 2, 2 }, { 3, 3 }, { 4, 3 }, { 5, 4 }, { 8, 4 },
		{ 9, 5 }, { 16, 5 }, { 17, 6 }, { 32, 6 }, { 33, 7 }, { 64, 7 },
	};
	__u64 want[NL_SIZES + 1] = { 0 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		ASSERT_OK(preload(&self->c, c[i].n, 60));
		ASSERT_OK(counted_run(&self->c, TXQ));
		ASSERT_EQ(c[i].n, guest_reap(&self->c.g));
		want[c[i].place]++;
		for (j = 1; j <= NL_SIZES; j++) {
			EXPECT_EQ(want[j], self->c.q[TXQ].batch_size[j]) {
				TH_LOG("%u chains, size %u", c[i].n, j);
			}
		}
	}
	EXPECT_EQ(ARRAY_SIZE(c), COUNT(TXQ, BATCHES));
	EXPECT_CONSISTENT();
}

/* After a limited number of packets the worker turns to other queues. */
TEST_F(counters, weight)
{
	ASSERT_OK(preload(&self->c, 600, 60));
	ASSERT_OK(counted_run(&self->c, TXQ));
	EXPECT_EQ(600, COUNT(TXQ, PACKETS));
	EXPECT_EQ(2, COUNT(TXQ, WEIGHT));
	EXPECT_EQ(10, COUNT(TXQ, BATCHES));
	EXPECT_EQ(9, self->c.q[TXQ].batch_size[7]);
	EXPECT_EQ(1, self->c.q[TXQ].batch_size[6]);
	EXPECT_GE(COUNT(TXQ, RUNS), 3);
	EXPECT_CONSISTENT();
}

/* Each kick counts, even where one would have been enough. */
TEST_F(counters, kicks)
{
	struct vq *vq = &self->c.g.vq[TXQ];
	unsigned int i;

	for (i = 0; i < 5; i++)
		vq_kick(vq);
	ASSERT_OK(preload(&self->c, 2 * BATCH, 60));
	ASSERT_OK(counted_run(&self->c, TXQ));
	EXPECT_EQ(5, COUNT(TXQ, KICKS));
	/* The kicks were for the first batch; the second needed none. */
	EXPECT_EQ(1, COUNT(TXQ, KICKS_SUPPRESSED));
	EXPECT_EQ(0, COUNT(RXQ, KICKS));
	for (i = 0; i < 7; i++)
		vq_kick(&self->c.g.vq[RXQ]);
	ASSERT_OK(counted_read(&self->c));
	EXPECT_EQ(7, COUNT(RXQ, KICKS));
	EXPECT_EQ(5, COUNT(TXQ, KICKS));
	EXPECT_CONSISTENT();
}

/* A guest that wants no calls gets none, except the first after a start. */
TEST_F(counters, calls)
{
	struct vq *vq = &self->c.g.vq[TXQ];
	unsigned int wanted;

	if (variant->features & F_EVENT_IDX)
		vq_call_at(vq, 1000);
	else
		vq_refuse(vq);
	ASSERT_OK(preload(&self->c, 4 * BATCH, 60));
	ASSERT_OK(counted_run(&self->c, TXQ));
	wanted = !!(variant->features & F_EVENT_IDX);
	EXPECT_EQ(wanted, COUNT(TXQ, CALLS));
	EXPECT_EQ(4 - wanted, COUNT(TXQ, CALLS_SUPPRESSED));
	EXPECT_EQ(wanted, event_count(vq->call));

	/* With neither the flag nor an event index each batch calls. */
	if (variant->features & F_EVENT_IDX)
		return;
	ASSERT_EQ(4 * BATCH, guest_reap(&self->c.g));
	vq->ops->arm(vq);
	ASSERT_OK(preload(&self->c, 4 * BATCH, 60));
	ASSERT_OK(counted_run(&self->c, TXQ));
	EXPECT_EQ(4, COUNT(TXQ, CALLS));
	EXPECT_EQ(4, event_count(vq->call));
}

TEST_F(counters, receive)
{
	unsigned int i, n = 100;
	struct guest *g = &self->c.g;
	static struct guest_frame f;

	ASSERT_EQ(n + 5, guest_refill(g, n + 5, 2048));
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_inject(g, 60 + i, i));
	ASSERT_OK(counted_start(&self->c, RXQ));
	ASSERT_THAT(wait_until(vq_count_used(&g->vq[RXQ]) == n));
	ASSERT_OK(counted_stop(&self->c, RXQ));
	EXPECT_EQ(n, COUNT(RXQ, PACKETS));
	EXPECT_EQ(n * 60 + n * (n - 1) / 2, COUNT(RXQ, BYTES));
	EXPECT_EQ(2, COUNT(RXQ, BATCHES));
	/* Batches of 64 and 36. */
	EXPECT_EQ(2, self->c.q[RXQ].batch_size[7]);
	EXPECT_EQ(0, sum_drops(&self->c.q[RXQ]));
	EXPECT_EQ(1, COUNT(RXQ, KICKS));
	EXPECT_EQ(1, COUNT(RXQ, KICKS_SUPPRESSED));
	EXPECT_EQ(0, COUNT(RXQ, NO_BUFFERS));
	EXPECT_EQ(0, COUNT(RXQ, PUT_BACK));
	EXPECT_EQ(0, COUNT(RXQ, WEIGHT));
	EXPECT_EQ(0, COUNT(RXQ, RING_ERRORS));
	EXPECT_EQ(0, COUNT(RXQ, LOG_BYTES));
	EXPECT_EQ(0, COUNT(TXQ, PACKETS));
	EXPECT_CONSISTENT();
	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(frame_is(f.data, f.len, i) && f.len == 60 + i);
	}
}

/* Frame by frame: each may wake the queue once, and nothing else does. */
TEST_F(counters, wakeups)
{
	struct guest *g = &self->c.g;
	unsigned int i, n = 20;

	ASSERT_EQ(n, guest_refill(g, n, 2048));
	ASSERT_OK(counted_start(&self->c, RXQ));
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_check_rx(g, 60, i));
	ASSERT_OK(counted_stop(&self->c, RXQ));
	EXPECT_EQ(n, COUNT(RXQ, PACKETS));
	EXPECT_LE(COUNT(RXQ, WAKEUPS), n);
	EXPECT_TRUE(runs_explained(&self->c, RXQ));
	EXPECT_GE(COUNT(RXQ, RUNS), 1);
}

/* Whenever a frame has to wait, the chains fetched for it are put back. */
TEST_F(counters, too_few_buffers)
{
	struct guest *g = &self->c.g;
	static struct guest_frame f;
	__u64 times;

	if (!(variant->features & F_MRG_RXBUF))
		SKIP(return, "a frame in many buffers takes mergeable ones");
	ASSERT_OK(guest_inject(g, 2500, 1));
	ASSERT_EQ(2, guest_refill(g, 2, 1000));
	ASSERT_OK(counted_start(&self->c, RXQ));
	ASSERT_THAT(wait_until(!counted_read(&self->c) &&
			       COUNT(RXQ, NO_BUFFERS)));
	EXPECT_EQ(0, COUNT(RXQ, PACKETS));
	ASSERT_EQ(1, guest_refill(g, 1, 1000));
	ASSERT_OK(guest_recv(g, &f));
	EXPECT_EQ(3, f.nbufs);
	ASSERT_OK(counted_stop(&self->c, RXQ));
	times = COUNT(RXQ, NO_BUFFERS);
	EXPECT_GE(times, 1);
	EXPECT_LE(times, COUNT(RXQ, RUNS));
	EXPECT_EQ(2 * times, COUNT(RXQ, PUT_BACK));
	EXPECT_EQ(1, COUNT(RXQ, PACKETS));
	EXPECT_EQ(2500, COUNT(RXQ, BYTES));
	EXPECT_EQ(1, COUNT(RXQ, BATCHES));
	EXPECT_EQ(1, self->c.q[RXQ].batch_size[3]);
	EXPECT_EQ(0, sum_drops(&self->c.q[RXQ]));
}

/* Without any buffer the frame waits too, but nothing is put back. */
TEST_F(counters, no_buffers)
{
	struct guest *g = &self->c.g;
	unsigned int kicks = 0;

	ASSERT_OK(guest_inject(g, 100, 1));
	ASSERT_OK(counted_start(&self->c, RXQ));
	ASSERT_THAT(wait_until(!counted_read(&self->c) &&
			       COUNT(RXQ, NO_BUFFERS)));
	EXPECT_EQ(0, COUNT(RXQ, PACKETS));
	/*
	 * The counter says nothing of the kick, which is asked for after it, so
	 * the guest may or may not kick here.
	 */
	ASSERT_OK(guest_post(g, 2048, 1, false));
	submit_counted(&g->vq[RXQ], &kicks);
	ASSERT_THAT(all_used(&g->vq[RXQ]));
	ASSERT_OK(counted_stop(&self->c, RXQ));
	EXPECT_EQ(1, COUNT(RXQ, PACKETS));
	EXPECT_EQ(kicks, COUNT(RXQ, KICKS));
	EXPECT_EQ(0, COUNT(RXQ, PUT_BACK));
	EXPECT_LE(COUNT(RXQ, NO_BUFFERS), COUNT(RXQ, RUNS));
	EXPECT_CONSISTENT();
}

/* The largest batch size of all: one frame of more chains than a batch has. */
TEST_F(counters, batch_of_a_large_frame)
{
	struct guest *g = &self->c.g;

	if (!(variant->features & F_MRG_RXBUF))
		SKIP(return, "a frame in many buffers takes mergeable ones");
	ASSERT_OK(guest_inject(g, 9000, 1));
	ASSERT_EQ(100, guest_refill(g, 100, 100));
	ASSERT_OK(counted_start(&self->c, RXQ));
	ASSERT_THAT(wait_until(vq_count_used(&g->vq[RXQ]) == 91));
	ASSERT_OK(counted_stop(&self->c, RXQ));
	EXPECT_EQ(1, COUNT(RXQ, PACKETS));
	EXPECT_EQ(1, COUNT(RXQ, BATCHES));
	EXPECT_EQ(1, self->c.q[RXQ].batch_size[8]);
	EXPECT_CONSISTENT();
}

TEST_F(counters, receive_adds_up)
{
	unsigned int i, n = env_scaled(2000, 200), taken = 0, posted = 0;
	struct netif_stats old, new;
	struct guest *g = &self->c.g;
	static struct guest_frame f;
	__u64 rnd = 815, bytes = 0;

	ASSERT_OK(link_stats(g->ifname, &old));
	ASSERT_OK(counted_start(&self->c, RXQ));
	for (i = 0; i < n; i++) {
		size_t len = 60 + rnd_below(&rnd, 1400);

		ASSERT_OK(guest_inject(g, len, i));
		bytes += len;
		if (!rnd_below(&rnd, 8))
			posted += guest_refill(g, 16, 2048);
		while (guest_has_frame(g)) {
			ASSERT_OK(guest_recv(g, &f));
			taken++;
		}
	}
	while (taken < n) {
		guest_refill(g, 64, 2048);
		ASSERT_OK(guest_recv(g, &f));
		taken++;
	}
	ASSERT_OK(counted_stop(&self->c, RXQ));
	ASSERT_OK(link_stats(g->ifname, &new));
	EXPECT_EQ(0, new.tx_dropped - old.tx_dropped);
	EXPECT_EQ(n, new.tx_packets - old.tx_packets);
	EXPECT_EQ(n, COUNT(RXQ, PACKETS));
	EXPECT_EQ(bytes, COUNT(RXQ, BYTES));
	EXPECT_EQ(0, sum_drops(&self->c.q[RXQ]));
	EXPECT_GE(COUNT(RXQ, BATCHES) * BATCH, n);
	EXPECT_LE(COUNT(RXQ, BATCHES), n);
	EXPECT_EQ(COUNT(RXQ, BATCHES), sum_sizes(&self->c.q[RXQ]));
	EXPECT_EQ(COUNT(RXQ, BATCHES),
		  COUNT(RXQ, CALLS) + COUNT(RXQ, CALLS_SUPPRESSED));
	EXPECT_LE(COUNT(RXQ, NO_BUFFERS), COUNT(RXQ, RUNS) + n);
	EXPECT_TRUE(runs_explained(&self->c, RXQ));
}

VHOST_TEST_MAIN
