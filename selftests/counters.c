// SPDX-License-Identifier: GPL-2.0-only
/*
 * Known traffic in, exact numbers out. What is available before a ring starts is
 * fetched as the sizes of batches say, whenever the worker runs; what depends on
 * when it does is compared by a bound or a sum that always holds.
 */
#include <sys/mman.h>

#include "dlog.h"
#include "iotlb.h"
#include "nl.h"
#include "test.h"
#include "vq_split.h"

#define AREA_GPA	0x8000000000ULL
#define AREA_SIZE	0x40000
#define NUM		1024

/* Close before the wrap of the ring's indices. */
#define BASE		65500

FIXTURE(counters)
{
	struct nl nl;
	struct guest g;
	__u32 id;
	struct nl_msg q[NR_VQS];	/* as they were read last */
	struct nl_msg before;
};

FIXTURE_VARIANT(counters)
{
	__u64 features;
	bool single;
};

FIXTURE_VARIANT_ADD(counters, flags)
{
	.features = F_VERSION_1 | F_MRG_RXBUF,
};

FIXTURE_VARIANT_ADD(counters, event_idx)
{
	.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(counters, in_order)
{
	.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX | F_IN_ORDER,
};

FIXTURE_VARIANT_ADD(counters, single)
{
	.features = F_VERSION_1,
	.single = true,
};

FIXTURE_SETUP(counters)
{
	struct guest_cfg cfg = {
		.features = variant->features | F_INDIRECT,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = variant->single,
		.num = NUM,
		.base = BASE,
		.ind_max = 4,
		.no_tap = true,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net counts nothing");
	ASSERT_OK(nl_open(&self->nl));
	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_OK(guest_open_tap(&self->g));
	ASSERT_OK(gmem_add(&self->g.mem, AREA_GPA, AREA_SIZE));
	ASSERT_OK(vdev_set_mem(self->g.dev, &self->g.mem));
	ASSERT_OK(nl_newest(&self->nl, &self->id));
}

FIXTURE_TEARDOWN(counters)
{
	nl_close(&self->nl);
	guest_stop(&self->g);
}

#define COUNT(queue, name)	(self->q[queue].counter[VHOST_ALT_COUNTER_ ## name])
#define DROP(queue, name)	(self->q[queue].drop[VHOST_ALT_DROP_ ## name])

static int start(FIXTURE_DATA(counters) *self, unsigned int queue)
{
	return vdev_set_backend(self->g.dev, queue, self->g.tap);
}

static int read_all(FIXTURE_DATA(counters) *self)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < NR_VQS; i++)
		err = nl_queue(&self->nl, self->id, i, &self->q[i]);
	return err;
}

/* Waits for the worker's turn to end, by stopping the ring, and reads. */
static int stop(FIXTURE_DATA(counters) *self, unsigned int queue)
{
	int err = vdev_set_backend(self->g.dev, queue, -1);

	return err ? err : read_all(self);
}

/* Until all that was published is used. */
static bool all_used(struct vq *vq)
{
	return wait_until(split_used_idx(vq) == vq->avail_idx);
}

static void submit_counted(struct vq *vq, unsigned int *kicks)
{
	vq_publish(vq);
	*kicks += vq_kick_if_wanted(vq);
}

/* Starts a ring, lets it use all that it has, and stops it. */
static int run(FIXTURE_DATA(counters) *self, unsigned int queue)
{
	int err = start(self, queue);

	if (!err && !all_used(&self->g.vq[queue]))
		err = -ETIMEDOUT;
	return err ? err : stop(self, queue);
}

/* @n frames of these lengths into the ring, not seen by anybody yet. */
static int preload(FIXTURE_DATA(counters) *self, unsigned int n, size_t len)
{
	static unsigned char frame[FRAME_MAX];
	struct guest *g = &self->g;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < n; i++) {
		frame_make(frame, len + i % 7, i);
		err = guest_send(g, NULL, frame, len + i % 7, 1, false);
	}
	vq_publish(&g->vq[TXQ]);
	return err;
}

static __u64 preload_bytes(unsigned int n, size_t len)
{
	__u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		bytes += len + i % 7;
	return bytes;
}

static __u64 sum_drops(const struct nl_msg *m)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i <= VHOST_ALT_DROP_MAX; i++)
		sum += m->drop[i];
	return sum;
}

static __u64 sum_sizes(const struct nl_msg *m)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 1; i <= NL_SIZES; i++)
		sum += m->batch_size[i];
	return sum;
}

/* What holds for each queue at all times while it does nothing. */
static void always(struct __test_metadata *_metadata, FIXTURE_DATA(counters) *self)
{
	unsigned int i;

	for (i = 0; i < NR_VQS; i++) {
		EXPECT_EQ(COUNT(i, BATCHES), sum_sizes(&self->q[i]));
		EXPECT_EQ(COUNT(i, BATCHES),
			  COUNT(i, CALLS) + COUNT(i, CALLS_SUPPRESSED));
		EXPECT_LE(COUNT(i, BUSY_HITS), COUNT(i, BUSY_POLLS));
		EXPECT_EQ(event_count(self->g.vq[i].call), COUNT(i, CALLS));
	}
	EXPECT_EQ(0, COUNT(RXQ, RING_EMPTY));
	EXPECT_EQ(0, COUNT(RXQ, SOCKET_FULL));
	EXPECT_EQ(0, COUNT(TXQ, NO_BUFFERS));
}

/* ---- transmit ---- */

#define FRAMES	200

TEST_F(counters, transmit)
{
	unsigned int i, batches = FRAMES / BATCH + 1;
	struct netif_stats old, new;
	struct guest *g = &self->g;

	ASSERT_OK(link_stats(g->ifname, &old));
	ASSERT_OK(preload(self, FRAMES, 60));
	ASSERT_OK(run(self, TXQ));
	EXPECT_EQ(FRAMES, COUNT(TXQ, PACKETS));
	EXPECT_EQ(preload_bytes(FRAMES, 60), COUNT(TXQ, BYTES));
	EXPECT_EQ(batches, COUNT(TXQ, BATCHES));
	/* 64, 64, 64, and 8 */
	EXPECT_EQ(FRAMES / BATCH, self->q[TXQ].batch_size[7]);
	EXPECT_EQ(1, self->q[TXQ].batch_size[4]);
	EXPECT_EQ(0, sum_drops(&self->q[TXQ]));
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
	/* A start wakes the queue by itself, and by a backend that is ready. */
	EXPECT_GE(COUNT(TXQ, RUNS), 1);
	EXPECT_LE(COUNT(TXQ, RUNS), 2);
	EXPECT_EQ(COUNT(TXQ, RUNS), COUNT(TXQ, RING_EMPTY));
	EXPECT_EQ(0, sum_sizes(&self->q[RXQ]));
	EXPECT_EQ(0, COUNT(RXQ, PACKETS));
	always(_metadata, self);

	/* All of them, and no more, came out of the tap. */
	for (i = 0; i < FRAMES; i++)
		ASSERT_OK(guest_capture(g, 60 + i % 7, i));
	ASSERT_OK(link_stats(g->ifname, &new));
	EXPECT_EQ(FRAMES, new.rx_packets - old.rx_packets);
}

/* A batch of each size has its place. */
TEST_F(counters, batch_sizes)
{
	static const struct { unsigned int n, place; } c[] = {
		{ 1, 1 }, { 2, 2 }, { 3, 3 }, { 4, 3 }, { 5, 4 }, { 8, 4 },
		{ 9, 5 }, { 16, 5 }, { 17, 6 }, { 32, 6 }, { 33, 7 }, { 64, 7 },
	};
	__u64 want[NL_SIZES + 1] = { 0 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		ASSERT_OK(preload(self, c[i].n, 60));
		ASSERT_OK(run(self, TXQ));
		ASSERT_EQ(c[i].n, guest_reap(&self->g));
		want[c[i].place]++;
		for (j = 1; j <= NL_SIZES; j++) {
			EXPECT_EQ(want[j], self->q[TXQ].batch_size[j]) {
				TH_LOG("%u chains, size %u", c[i].n, j);
			}
		}
	}
	EXPECT_EQ(ARRAY_SIZE(c), COUNT(TXQ, BATCHES));
	always(_metadata, self);
}

/* After so many packets others have their turn. */
TEST_F(counters, weight)
{
	ASSERT_OK(preload(self, 600, 60));
	ASSERT_OK(run(self, TXQ));
	EXPECT_EQ(600, COUNT(TXQ, PACKETS));
	EXPECT_EQ(2, COUNT(TXQ, WEIGHT));
	EXPECT_EQ(10, COUNT(TXQ, BATCHES));
	EXPECT_EQ(9, self->q[TXQ].batch_size[7]);
	EXPECT_EQ(1, self->q[TXQ].batch_size[6]);
	EXPECT_GE(COUNT(TXQ, RUNS), 3);
	always(_metadata, self);
}

/* Each kick counts, also those of which one would have done. */
TEST_F(counters, kicks)
{
	struct vq *vq = &self->g.vq[TXQ];
	unsigned int i;

	for (i = 0; i < 5; i++)
		vq_kick(vq);
	ASSERT_OK(preload(self, 2 * BATCH, 60));
	ASSERT_OK(run(self, TXQ));
	EXPECT_EQ(5, COUNT(TXQ, KICKS));
	/* They were for the first batch; the second had to have none. */
	EXPECT_EQ(1, COUNT(TXQ, KICKS_SUPPRESSED));
	EXPECT_EQ(0, COUNT(RXQ, KICKS));
	for (i = 0; i < 7; i++)
		vq_kick(&self->g.vq[RXQ]);
	ASSERT_OK(read_all(self));
	EXPECT_EQ(7, COUNT(RXQ, KICKS));
	EXPECT_EQ(5, COUNT(TXQ, KICKS));
	always(_metadata, self);
}

/* Who wants no interrupts gets none, but for the first one after a start. */
TEST_F(counters, calls)
{
	struct vq *vq = &self->g.vq[TXQ];
	unsigned int wanted;

	if (variant->features & F_EVENT_IDX)
		*split_used_event(vq) = (__u16)(BASE + 1000);
	else
		split_avail(vq)->flags = VRING_AVAIL_F_NO_INTERRUPT;
	ASSERT_OK(preload(self, 4 * BATCH, 60));
	ASSERT_OK(run(self, TXQ));
	wanted = !!(variant->features & F_EVENT_IDX);
	EXPECT_EQ(wanted, COUNT(TXQ, CALLS));
	EXPECT_EQ(4 - wanted, COUNT(TXQ, CALLS_SUPPRESSED));
	EXPECT_EQ(wanted, event_count(vq->call));

	/* Without flag and event index each batch calls. */
	if (variant->features & F_EVENT_IDX)
		return;
	split_avail(vq)->flags = 0;
	ASSERT_EQ(4 * BATCH, guest_reap(&self->g));
	ASSERT_OK(preload(self, 4 * BATCH, 60));
	ASSERT_OK(run(self, TXQ));
	EXPECT_EQ(4, COUNT(TXQ, CALLS));
	EXPECT_EQ(4, event_count(vq->call));
}

/* ---- receive ---- */

TEST_F(counters, receive)
{
	unsigned int i, n = 100;
	struct guest *g = &self->g;
	static struct guest_frame f;

	ASSERT_EQ(n + 5, guest_refill(g, n + 5, 2048));
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_inject(g, 60 + i, i));
	ASSERT_OK(start(self, RXQ));
	ASSERT_THAT(wait_until(split_used_idx(&g->vq[RXQ]) ==
			       (__u16)(BASE + n)));
	ASSERT_OK(stop(self, RXQ));
	EXPECT_EQ(n, COUNT(RXQ, PACKETS));
	EXPECT_EQ(n * 60 + n * (n - 1) / 2, COUNT(RXQ, BYTES));
	EXPECT_EQ(2, COUNT(RXQ, BATCHES));
	/* 64 and 36 */
	EXPECT_EQ(2, self->q[RXQ].batch_size[7]);
	EXPECT_EQ(0, sum_drops(&self->q[RXQ]));
	EXPECT_EQ(1, COUNT(RXQ, KICKS));
	EXPECT_EQ(1, COUNT(RXQ, KICKS_SUPPRESSED));
	EXPECT_EQ(0, COUNT(RXQ, NO_BUFFERS));
	EXPECT_EQ(0, COUNT(RXQ, PUT_BACK));
	EXPECT_EQ(0, COUNT(RXQ, WEIGHT));
	EXPECT_EQ(0, COUNT(RXQ, RING_ERRORS));
	EXPECT_EQ(0, COUNT(RXQ, LOG_BYTES));
	EXPECT_EQ(0, COUNT(TXQ, PACKETS));
	always(_metadata, self);
	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(frame_is(f.data, f.len, i) && f.len == 60 + i);
	}
}

/* One by one: each may wake the queue once, and nothing else does. */
TEST_F(counters, wakeups)
{
	struct guest *g = &self->g;
	unsigned int i, n = 20;

	ASSERT_EQ(n, guest_refill(g, n, 2048));
	ASSERT_OK(start(self, RXQ));
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_check_rx(g, 60, i));
	ASSERT_OK(stop(self, RXQ));
	EXPECT_EQ(n, COUNT(RXQ, PACKETS));
	EXPECT_LE(COUNT(RXQ, WAKEUPS), n);
	EXPECT_LE(COUNT(RXQ, RUNS), COUNT(RXQ, WAKEUPS) + COUNT(RXQ, KICKS) +
		  COUNT(RXQ, WEIGHT) + 2);
	EXPECT_GE(COUNT(RXQ, RUNS), 1);
}

/* Each time that a frame has to wait, what was fetched for it is put back. */
TEST_F(counters, too_few_buffers)
{
	struct guest *g = &self->g;
	static struct guest_frame f;
	__u64 times;

	if (!(variant->features & F_MRG_RXBUF))
		SKIP(return, "a frame in many buffers takes mergeable ones");
	ASSERT_OK(guest_inject(g, 2500, 1));
	ASSERT_EQ(2, guest_refill(g, 2, 1000));
	ASSERT_OK(start(self, RXQ));
	ASSERT_THAT(wait_until(!read_all(self) && COUNT(RXQ, NO_BUFFERS)));
	EXPECT_EQ(0, COUNT(RXQ, PACKETS));
	ASSERT_EQ(1, guest_refill(g, 1, 1000));
	ASSERT_OK(guest_recv(g, &f));
	EXPECT_EQ(3, f.nbufs);
	ASSERT_OK(stop(self, RXQ));
	times = COUNT(RXQ, NO_BUFFERS);
	EXPECT_GE(times, 1);
	EXPECT_LE(times, COUNT(RXQ, RUNS));
	EXPECT_EQ(2 * times, COUNT(RXQ, PUT_BACK));
	EXPECT_EQ(1, COUNT(RXQ, PACKETS));
	EXPECT_EQ(2500, COUNT(RXQ, BYTES));
	EXPECT_EQ(1, COUNT(RXQ, BATCHES));
	EXPECT_EQ(1, self->q[RXQ].batch_size[3]);
	EXPECT_EQ(0, sum_drops(&self->q[RXQ]));
}

/* Without any the frame waits too, and there is nothing to put back. */
TEST_F(counters, no_buffers)
{
	struct guest *g = &self->g;
	unsigned int kicks = 0;

	ASSERT_OK(guest_inject(g, 100, 1));
	ASSERT_OK(start(self, RXQ));
	ASSERT_THAT(wait_until(!read_all(self) && COUNT(RXQ, NO_BUFFERS)));
	EXPECT_EQ(0, COUNT(RXQ, PACKETS));
	/* It is counted before the kick is asked for, which may be too late here. */
	ASSERT_OK(guest_post(g, 2048, 1, false));
	submit_counted(&g->vq[RXQ], &kicks);
	ASSERT_THAT(all_used(&g->vq[RXQ]));
	ASSERT_OK(stop(self, RXQ));
	EXPECT_EQ(1, COUNT(RXQ, PACKETS));
	EXPECT_EQ(kicks, COUNT(RXQ, KICKS));
	EXPECT_EQ(0, COUNT(RXQ, PUT_BACK));
	EXPECT_LE(COUNT(RXQ, NO_BUFFERS), COUNT(RXQ, RUNS));
	always(_metadata, self);
}

/* The largest size of all: more chains than there are in a batch. */
TEST_F(counters, batch_of_a_large_frame)
{
	struct guest *g = &self->g;

	if (!(variant->features & F_MRG_RXBUF))
		SKIP(return, "a frame in many buffers takes mergeable ones");
	ASSERT_OK(guest_inject(g, 9000, 1));
	ASSERT_EQ(100, guest_refill(g, 100, 100));
	ASSERT_OK(start(self, RXQ));
	ASSERT_THAT(wait_until(split_used_idx(&g->vq[RXQ]) ==
			       (__u16)(BASE + 91)));
	ASSERT_OK(stop(self, RXQ));
	EXPECT_EQ(1, COUNT(RXQ, PACKETS));
	EXPECT_EQ(1, COUNT(RXQ, BATCHES));
	EXPECT_EQ(1, self->q[RXQ].batch_size[8]);
	always(_metadata, self);
}

/* ---- drops ---- */

struct raw {
	__u64 gpa;
	__u32 len;
	__u16 flags;
	__u16 next;	/* place in the list; behind its end: no descriptor */
};

struct bad {
	enum vhost_alt_drop why;
	unsigned int n;		/* descriptors; 0: a head that is none */
	struct raw d[2];
	bool batched;		/* seen only where frames are sent in batches */
};

/* In the memory table, but not there. */
#define HIDDEN		(AREA_GPA + AREA_SIZE - 4096)

static const struct bad bad[] = {
	{ VHOST_ALT_DROP_CHAIN_HEAD },
	{ VHOST_ALT_DROP_CHAIN_NEXT, 1, { { AREA_GPA, 50, F_NEXT, 9 } } },
	{ VHOST_ALT_DROP_CHAIN_LOOP, 2, { { AREA_GPA, 50, F_NEXT, 1 },
					  { AREA_GPA, 50, F_NEXT, 0 } } },
	{ VHOST_ALT_DROP_CHAIN_ORDER, 2, { { AREA_GPA, 50, F_NEXT | F_WRITE, 1 },
					   { AREA_GPA, 50 } } },
	{ VHOST_ALT_DROP_CHAIN_ADDRESS, 1, { { NOWHERE, 100 } } },
	{ VHOST_ALT_DROP_CHAIN_INDIRECT, 1, { { AREA_GPA, 17, F_IND } } },
	{ VHOST_ALT_DROP_DIRECTION, 1, { { AREA_GPA, 100, F_WRITE } } },
	{ VHOST_ALT_DROP_SHORT, 1, { { AREA_GPA, HDR_LEN_MRG + 13 } } },
	{ VHOST_ALT_DROP_LONG, 1, { { AREA_GPA, 66 * 1024 + 1 } } },
	{ VHOST_ALT_DROP_HEADER, 1, { { AREA_GPA + 0x20000, 100 } }, true },
	{ VHOST_ALT_DROP_COPY, 1, { { HIDDEN, 100 } }, true },
};

/* No slot of the pool. */
#define BAD_COOKIE	(2 * NUM)

static bool offer(struct vq *vq, const struct bad *b)
{
	__u16 id[2];
	unsigned int i;

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

static int prepare_area(struct guest *g)
{
	struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 5000,
		.csum_offset = 16,
	};

	if (!gmem_fill(&g->mem, AREA_GPA, 0, AREA_SIZE) ||
	    !gmem_write(&g->mem, AREA_GPA + 0x20000, &hdr, sizeof(hdr)))
		return -EFAULT;
	return munmap(gmem_hva(&g->mem, HIDDEN, 4096), 4096) ?
	       -errno : 0;
}

/* Each reason by itself: two bad chains between three good ones. */
TEST_F(counters, drops_of_transmit)
{
	struct vq *vq = &self->g.vq[TXQ];
	__u64 want[VHOST_ALT_DROP_MAX + 1] = { 0 };
	unsigned int i, j, packets = 0;

	ASSERT_OK(prepare_area(&self->g));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (bad[i].batched && variant->single)
			continue;
		ASSERT_OK(preload(self, 1, 60));
		ASSERT_THAT(offer(vq, &bad[i]));
		ASSERT_OK(preload(self, 1, 60));
		ASSERT_THAT(offer(vq, &bad[i]));
		ASSERT_OK(preload(self, 1, 60));
		ASSERT_OK_AT(run(self, TXQ), "case %u", i);
		packets += 3;
		want[bad[i].why] += 2;
		for (j = 0; j <= VHOST_ALT_DROP_MAX; j++) {
			EXPECT_EQ(want[j], self->q[TXQ].drop[j]) {
				TH_LOG("case %u, reason %u", i, j);
			}
		}
		EXPECT_EQ(packets, COUNT(TXQ, PACKETS));
	}
	EXPECT_EQ(60 * packets, COUNT(TXQ, BYTES));
	EXPECT_EQ(0, sum_drops(&self->q[RXQ]));
	EXPECT_EQ(0, COUNT(TXQ, RING_ERRORS));
	always(_metadata, self);
}

TEST_F(counters, drops_of_receive)
{
	struct vq *vq = &self->g.vq[RXQ];
	static const struct bad readable = {
		VHOST_ALT_DROP_DIRECTION, 1, { { AREA_GPA, 2000 } }
	}, hidden = {
		VHOST_ALT_DROP_WRITE, 1, { { HIDDEN, 2000, F_WRITE } }
	};
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(prepare_area(g));
	/* Two chains that are none, and one that costs the frame. */
	ASSERT_THAT(offer(vq, &bad[4]));
	ASSERT_OK(guest_post(g, 2048, 1, false));
	ASSERT_THAT(offer(vq, &readable));
	ASSERT_THAT(offer(vq, &hidden));
	ASSERT_OK(guest_post(g, 2048, 1, false));
	vq_publish(vq);
	for (i = 0; i < 3; i++)
		ASSERT_OK(guest_inject(g, 100, i));
	ASSERT_OK(run(self, RXQ));
	EXPECT_EQ(2, COUNT(RXQ, PACKETS));
	EXPECT_EQ(200, COUNT(RXQ, BYTES));
	EXPECT_EQ(1, DROP(RXQ, CHAIN_ADDRESS));
	EXPECT_EQ(1, DROP(RXQ, DIRECTION));
	EXPECT_EQ(1, DROP(RXQ, WRITE));
	EXPECT_EQ(3, sum_drops(&self->q[RXQ]));
	always(_metadata, self);
}

/* Frames that no buffers of this guest are enough for. */
TEST_F(counters, drops_without_room)
{
	struct guest *g = &self->g;
	unsigned int i;

	if (variant->features & F_MRG_RXBUF)
		SKIP(return, "mergeable buffers are enough for all frames");
	ASSERT_EQ(3, guest_refill(g, 3, 200));
	for (i = 0; i < 7; i++)
		ASSERT_OK(guest_inject(g, i % 2 ? 100 : 1000, i));
	ASSERT_OK(run(self, RXQ));
	EXPECT_EQ(3, COUNT(RXQ, PACKETS));
	EXPECT_EQ(300, COUNT(RXQ, BYTES));
	/* The seventh may come before the ring stops, or be there still. */
	EXPECT_GE(DROP(RXQ, NO_ROOM), 3);
	EXPECT_LE(DROP(RXQ, NO_ROOM), 4);
	EXPECT_EQ(DROP(RXQ, NO_ROOM), sum_drops(&self->q[RXQ]));
}

/* A tap that is deleted takes nothing more. */
TEST_F(counters, drops_of_a_deleted_tap)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];

	ASSERT_OK(start(self, TXQ));
	ASSERT_OK(link_del(g->ifname));
	ASSERT_OK(preload(self, 50, 60));
	vq_kick(vq);
	ASSERT_THAT(all_used(vq));
	ASSERT_OK(stop(self, TXQ));
	EXPECT_EQ(0, COUNT(TXQ, PACKETS));
	EXPECT_EQ(0, COUNT(TXQ, BYTES));
	EXPECT_EQ(50, DROP(TXQ, SEND));
	EXPECT_EQ(50, sum_drops(&self->q[TXQ]));
	EXPECT_EQ(1, COUNT(TXQ, KICKS));
	always(_metadata, self);
}

/* ---- other things that are counted ---- */

TEST_F(counters, ring_errors)
{
	struct vq *vq = &self->g.vq[TXQ];
	unsigned int i;

	for (i = 1; i <= 3; i++) {
		split_avail(vq)->idx += vq->num + 1;
		ASSERT_OK(start(self, TXQ));
		ASSERT_THAT(event_wait(vq->err));
		/* What is broken is left alone, and is not broken again. */
		vq_kick(vq);
		ASSERT_OK(stop(self, TXQ));
		EXPECT_EQ(i, COUNT(TXQ, RING_ERRORS));
		EXPECT_EQ(1, event_count(vq->err));
		EXPECT_EQ(i, COUNT(TXQ, KICKS));
		split_avail(vq)->idx -= vq->num + 1;
	}
	EXPECT_EQ(0, COUNT(RXQ, RING_ERRORS));
}

TEST_F(counters, log_of_receive)
{
	struct guest *g = &self->g;
	unsigned int i, n = 100;
	struct dlog log;

	ASSERT_OK(dlog_init(&log, &g->mem));
	ASSERT_OK(dlog_set_base(g->dev, &log));
	ASSERT_OK(vdev_set_features(g->dev, g->cfg.features | F_LOG_ALL));
	ASSERT_EQ(n, guest_refill(g, n, 2048));
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_inject(g, 60 + i, i));
	ASSERT_OK(run(self, RXQ));
	EXPECT_EQ(n, COUNT(RXQ, PACKETS));
	EXPECT_EQ(COUNT(RXQ, BYTES) + n * g->hdr_len, COUNT(RXQ, LOG_BYTES));
	EXPECT_EQ(0, COUNT(TXQ, LOG_BYTES));
	dlog_free(&log);
}

/*
 * The used ring: 8 bytes for each entry and 2 for the index of each batch, and 2
 * each time that the device says whether it wants kicks.
 */
TEST_F(counters, log_of_used_ring)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	unsigned int n = 100, words;
	struct dlog log;

	if (variant->features & F_IN_ORDER)
		SKIP(return, "in order, entries stand for several chains");
	ASSERT_OK(dlog_init(&log, &g->mem));
	ASSERT_OK(dlog_set_base(g->dev, &log));
	vq->log_used = true;
	ASSERT_OK(vdev_set_addr(g->dev, vq));
	ASSERT_OK(preload(self, n, 60));
	ASSERT_OK(run(self, TXQ));
	/* At the start; before each sleep; and with flags also at each wake. */
	words = 1 + COUNT(TXQ, RING_EMPTY);
	if (!(variant->features & F_EVENT_IDX))
		words += COUNT(TXQ, RUNS);
	EXPECT_EQ(8 * n + 2 * COUNT(TXQ, BATCHES) + 2 * words,
		  COUNT(TXQ, LOG_BYTES));
	dlog_free(&log);
}

TEST_F(counters, busy_polling)
{
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(vdev_set_state(g->dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, TXQ,
				 100000));
	ASSERT_OK(start(self, TXQ));
	/*
	 * Where one processor is for all, a poll ends as soon as the guest wants
	 * to run, often before it can find anything; and where the clock is coarse
	 * few of them see it move.
	 */
	for (i = 0; i < 1000; i++) {
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
		env_pause();
		ASSERT_OK(read_all(self));
		if (COUNT(TXQ, BUSY_NS))
			break;
	}
	ASSERT_OK(stop(self, TXQ));
	EXPECT_GE(COUNT(TXQ, BUSY_POLLS), 1);
	EXPECT_GE(COUNT(TXQ, BUSY_NS), 1);
	EXPECT_LE(COUNT(TXQ, BUSY_HITS), COUNT(TXQ, BUSY_POLLS));
	EXPECT_EQ(0, COUNT(RXQ, BUSY_POLLS));
	EXPECT_EQ(0, COUNT(RXQ, BUSY_NS));
	ASSERT_OK(nl_reset(&self->nl, self->id, TXQ));
	ASSERT_OK(read_all(self));
	EXPECT_EQ(0, COUNT(TXQ, BUSY_NS));
}

/* ---- resets ---- */

TEST_F(counters, reset)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ASSERT_OK(preload(self, FRAMES, 60));
		vq_kick(&g->vq[TXQ]);
		ASSERT_OK(run(self, TXQ));
		ASSERT_EQ(FRAMES, guest_reap(g));
		EXPECT_EQ(FRAMES, COUNT(TXQ, PACKETS));
		EXPECT_EQ(FRAMES / BATCH + 1, COUNT(TXQ, BATCHES));
		EXPECT_EQ(FRAMES / BATCH, self->q[TXQ].batch_size[7]);
		EXPECT_EQ(1, COUNT(TXQ, KICKS));
		EXPECT_EQ(FRAMES / BATCH, COUNT(TXQ, KICKS_SUPPRESSED));
		always(_metadata, self);

		/* The other queue's are not these. */
		ASSERT_OK(nl_reset(&self->nl, self->id, RXQ));
		ASSERT_OK(read_all(self));
		EXPECT_EQ(FRAMES, COUNT(TXQ, PACKETS));
		ASSERT_OK(nl_reset(&self->nl, self->id, i ? TXQ : NL_NONE));
		ASSERT_OK(read_all(self));
		memset(&self->before, 0, sizeof(self->before));
		EXPECT_EQ(0, memcmp(self->before.counter, self->q[TXQ].counter,
				    sizeof(self->before.counter)));
		EXPECT_EQ(0, sum_sizes(&self->q[TXQ]));
	}
}

TEST_F(counters, reset_of_drops)
{
	struct vq *vq = &self->g.vq[TXQ];

	ASSERT_THAT(offer(vq, &bad[0]));
	vq_publish(vq);
	ASSERT_OK(run(self, TXQ));
	EXPECT_EQ(1, DROP(TXQ, CHAIN_HEAD));
	ASSERT_OK(nl_reset(&self->nl, self->id, NL_NONE));
	ASSERT_OK(read_all(self));
	EXPECT_EQ(0, sum_drops(&self->q[TXQ]));
}

/* A new owner begins with nothing. */
TEST_F(counters, reset_of_owner)
{
	ASSERT_OK(preload(self, 10, 60));
	ASSERT_OK(run(self, TXQ));
	EXPECT_EQ(10, COUNT(TXQ, PACKETS));
	ASSERT_OK(vdev_cmd(self->g.dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(read_all(self));
	EXPECT_EQ(0, COUNT(TXQ, PACKETS));
	EXPECT_EQ(0, COUNT(TXQ, BATCHES));
	EXPECT_EQ(0, sum_sizes(&self->q[TXQ]));
}

/* ---- the other way to read them ---- */

TEST_F(counters, fdinfo)
{
	static const char * const name[VHOST_ALT_COUNTER_MAX + 1] = {
		[VHOST_ALT_COUNTER_PACKETS] = "packets",
		[VHOST_ALT_COUNTER_BYTES] = "bytes",
		[VHOST_ALT_COUNTER_BATCHES] = "batches",
		[VHOST_ALT_COUNTER_RUNS] = "runs",
		[VHOST_ALT_COUNTER_WEIGHT] = "weight",
		[VHOST_ALT_COUNTER_KICKS] = "kicks",
		[VHOST_ALT_COUNTER_KICKS_SUPPRESSED] = "kicks_suppressed",
		[VHOST_ALT_COUNTER_WAKEUPS] = "wakeups",
		[VHOST_ALT_COUNTER_CALLS] = "calls",
		[VHOST_ALT_COUNTER_CALLS_SUPPRESSED] = "calls_suppressed",
		[VHOST_ALT_COUNTER_RING_EMPTY] = "ring_empty",
		[VHOST_ALT_COUNTER_NO_BUFFERS] = "no_buffers",
		[VHOST_ALT_COUNTER_PUT_BACK] = "put_back",
		[VHOST_ALT_COUNTER_SOCKET_FULL] = "socket_full",
		[VHOST_ALT_COUNTER_RING_ERRORS] = "ring_errors",
		[VHOST_ALT_COUNTER_IOTLB_MISSES] = "iotlb_misses",
		[VHOST_ALT_COUNTER_LOG_BYTES] = "log_bytes",
		[VHOST_ALT_COUNTER_BUSY_POLLS] = "busy_polls",
		[VHOST_ALT_COUNTER_BUSY_HITS] = "busy_hits",
		[VHOST_ALT_COUNTER_BUSY_NS] = "busy_ns",
	};
	struct guest *g = &self->g;
	unsigned int i, j;
	char line[64];

	ASSERT_THAT(offer(&g->vq[TXQ], &bad[0]));
	ASSERT_OK(preload(self, 600, 60));
	ASSERT_OK(run(self, TXQ));
	ASSERT_EQ(10, guest_refill(g, 10, 2048));
	for (i = 0; i < 10; i++)
		ASSERT_OK(guest_inject(g, 60, i));
	ASSERT_OK(run(self, RXQ));
	for (i = 0; i < NR_VQS; i++) {
		for (j = VHOST_ALT_COUNTER_PAD + 1; j <= VHOST_ALT_COUNTER_MAX;
		     j++) {
			ASSERT_NE(NULL, name[j]);
			snprintf(line, sizeof(line), "queue%u.%s", i, name[j]);
			EXPECT_EQ(vdev_counter(g->dev, line),
				  self->q[i].counter[j]) {
				TH_LOG("%s", line);
			}
		}
	}
	EXPECT_EQ(1, vdev_counter(g->dev, "queue1.drop.chain_head"));
	EXPECT_EQ(600, vdev_counter(g->dev, "queue1.packets"));
}

/* ---- all that comes in goes out, or is counted as lost ---- */

/* Takes back good and bad chains; how many, or -EPROTO. */
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
 * Good and bad chains in any order while the worker runs, more than the ring has
 * entries, and more than its indices count.
 */
TEST_F(counters, transmit_adds_up)
{
	unsigned int i, n = env_scaled(3000, 300), good = 0, kicks = 0;
	__u64 rnd = 4711, want[VHOST_ALT_DROP_MAX + 1] = { 0 }, bytes = 0;
	struct vq *vq = &self->g.vq[TXQ];
	static unsigned char frame[1514];
	const struct bad *b;
	size_t len;

	ASSERT_OK(prepare_area(&self->g));
	ASSERT_OK(start(self, TXQ));
	for (i = 0; i < n; i++) {
		if (vq->nfree < 2 || vq->inflight > NUM / 2) {
			submit_counted(vq, &kicks);
			ASSERT_THAT(all_used(vq));
			ASSERT_GT(reap_mixed(&self->g), 0);
		}
		b = &bad[1 + rnd_below(&rnd, ARRAY_SIZE(bad) - 1)];
		if (rnd_below(&rnd, 3) && (!b->batched || !variant->single)) {
			ASSERT_THAT(offer(vq, b));
			want[b->why]++;
		} else {
			len = 60 + rnd_below(&rnd, 1400);
			frame_make(frame, len, i);
			ASSERT_OK(guest_send(&self->g, NULL, frame, len, 1,
					     false));
			good++;
			bytes += len;
		}
		if (!rnd_below(&rnd, 4))
			submit_counted(vq, &kicks);
	}
	submit_counted(vq, &kicks);
	ASSERT_THAT(all_used(vq));
	ASSERT_OK(stop(self, TXQ));
	EXPECT_EQ(good, COUNT(TXQ, PACKETS));
	EXPECT_EQ(bytes, COUNT(TXQ, BYTES));
	for (i = 0; i <= VHOST_ALT_DROP_MAX; i++) {
		EXPECT_EQ(want[i], self->q[TXQ].drop[i]) {
			TH_LOG("reason %u", i);
		}
	}
	EXPECT_EQ(n, COUNT(TXQ, PACKETS) + sum_drops(&self->q[TXQ]));
	EXPECT_EQ(kicks, COUNT(TXQ, KICKS));
	EXPECT_GE(COUNT(TXQ, BATCHES) * BATCH, n);
	EXPECT_LE(COUNT(TXQ, BATCHES), n);
	EXPECT_LE(COUNT(TXQ, KICKS_SUPPRESSED), COUNT(TXQ, BATCHES));
	EXPECT_GE(COUNT(TXQ, KICKS_SUPPRESSED) + COUNT(TXQ, KICKS),
		  COUNT(TXQ, BATCHES));
	EXPECT_LE(COUNT(TXQ, RUNS), COUNT(TXQ, KICKS) + COUNT(TXQ, WEIGHT) +
		  COUNT(TXQ, WAKEUPS) + 2);
	EXPECT_GE(COUNT(TXQ, RING_EMPTY), 1);
	always(_metadata, self);
}

TEST_F(counters, receive_adds_up)
{
	unsigned int i, n = env_scaled(2000, 200), taken = 0, posted = 0;
	struct netif_stats old, new;
	struct guest *g = &self->g;
	static struct guest_frame f;
	__u64 rnd = 815, bytes = 0;

	ASSERT_OK(link_stats(g->ifname, &old));
	ASSERT_OK(start(self, RXQ));
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
	ASSERT_OK(stop(self, RXQ));
	ASSERT_OK(link_stats(g->ifname, &new));
	EXPECT_EQ(0, new.tx_dropped - old.tx_dropped);
	EXPECT_EQ(n, new.tx_packets - old.tx_packets);
	EXPECT_EQ(n, COUNT(RXQ, PACKETS));
	EXPECT_EQ(bytes, COUNT(RXQ, BYTES));
	EXPECT_EQ(0, sum_drops(&self->q[RXQ]));
	EXPECT_GE(COUNT(RXQ, BATCHES) * BATCH, n);
	EXPECT_LE(COUNT(RXQ, BATCHES), n);
	EXPECT_EQ(COUNT(RXQ, BATCHES), sum_sizes(&self->q[RXQ]));
	EXPECT_EQ(COUNT(RXQ, BATCHES),
		  COUNT(RXQ, CALLS) + COUNT(RXQ, CALLS_SUPPRESSED));
	EXPECT_LE(COUNT(RXQ, NO_BUFFERS), COUNT(RXQ, RUNS) + n);
	EXPECT_LE(COUNT(RXQ, RUNS), COUNT(RXQ, KICKS) + COUNT(RXQ, WEIGHT) +
		  COUNT(RXQ, WAKEUPS) + 2);
}

/* ---- without the fixture's guest ---- */

#define SIMPLE_START(nl, g, cfg, id)					\
	do {								\
		if (!env_is_ours())					\
			SKIP(return, "vhost_net counts nothing");	\
		ASSERT_OK(nl_open(nl));					\
		ASSERT_OK(guest_start(g, cfg));				\
		ASSERT_OK(nl_newest(nl, id));				\
	} while (0)

/* A chain of more pieces than a message may have, which takes a large ring. */
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

/* A tap without headers behind a guest who was promised the tap's. */
TEST(drop_of_an_odd_packet)
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

/* What the owner was asked is what he has read, and what he has yet to read. */
TEST(iotlb_misses)
{
	struct iotlb_cfg icfg = { .v2 = true, .grain = IOTLB_PAGE };
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
