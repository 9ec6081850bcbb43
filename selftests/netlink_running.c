// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: the attributes of a device that runs: the state and the indices of
 * its queues, its worker, its backends, and misses of the device IOTLB.
 */
#include <net/if.h>
#include <sys/mman.h>

#include "guest_log.h"
#include "iotlb.h"
#include "nl_guest.h"
#include "raw.h"
#include "running_fixture.h"
#include "test.h"

TEST_F(running, state)
{
	__u32 want = VHOST_ALT_QUEUE_RUNNING | VHOST_ALT_QUEUE_KICK |
		     VHOST_ALT_QUEUE_CALL;
	__u32 transient = VHOST_ALT_QUEUE_NOTIFY_OFF | VHOST_ALT_QUEUE_QUEUED;
	struct guest *g = &self->g;
	unsigned int i;

	/* A run may have switched kicks off. */
	if (variant->features & F_EVENT_IDX) {
		want |= VHOST_ALT_QUEUE_EVENT_IDX;
		/* With an event index, only a packed ring's first run does. */
		if (!(variant->features & F_RING_PACKED))
			transient = VHOST_ALT_QUEUE_QUEUED;
	}
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(LOOK(i));
		EXPECT_EQ(want, NUM(STATE) & ~transient);
	}
	/* A worker with nothing to send asks for a kick. */
	ASSERT_OK(guest_check_tx(g, 60, 0, 1, false));
	EXPECT_TRUE(wait_until(!LOOK(TXQ) && NUM(STATE) == want));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_EQ(want & ~VHOST_ALT_QUEUE_RUNNING, NUM(STATE));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_EQ(want, NUM(STATE) & ~transient);
}

/* The time since the last run grows while the queue rests. */
TEST_F(running, last_run)
{
	struct guest *g = &self->g;
	__u64 began, ms;

	ASSERT_OK(vdev_rest(g->dev, &g->vq[TXQ]));
	began = env_now_ms();
	ASSERT_OK(guest_check_tx(g, 60, 0, 1, false));
	ASSERT_OK(vdev_rest(g->dev, &g->vq[TXQ]));
	ASSERT_OK(LOOK(TXQ));
	ASSERT_TRUE(HAS(LAST_RUN));
	ms = NUM(LAST_RUN);
	/* A tick may be as long as 10 ms. */
	EXPECT_LE(ms, env_now_ms() - began + 10);
	EXPECT_TRUE(wait_until(!LOOK(TXQ) && NUM(LAST_RUN) > ms));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_FALSE(HAS(LAST_RUN));
}

static int break_ring(struct vq *vq)
{
	raw_break_ring(vq);
	vq_kick(vq);
	/*
	 * The eventfd is signalled under the lock that marks the ring broken.
	 */
	if (!event_wait(vq->err))
		return -ETIMEDOUT;
	event_count(vq->err);
	raw_mend_ring(vq);
	return 0;
}

TEST_F(running, broken_ring)
{
	struct guest *g = &self->g;

	ASSERT_OK(LOOK(TXQ));
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_BROKEN);
	ASSERT_OK(break_ring(&g->vq[TXQ]));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_TRUE(NUM(STATE) & VHOST_ALT_QUEUE_BROKEN);
	EXPECT_TRUE(NUM(STATE) & VHOST_ALT_QUEUE_RUNNING);
	EXPECT_EQ(1, self->m.counter[VHOST_ALT_COUNTER_RING_ERRORS]);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_BROKEN);
	EXPECT_OK(guest_check_alive(g, 0));
}

/* A ring whose memory is inaccessible is shown as faulted meanwhile. */
TEST_F(running, faulted_ring)
{
	struct guest *g = &self->g;
	struct gmem_region *r = &g->mem.region[0];
	void *place;

	place = mmap(NULL, r->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_NE(MAP_FAILED, place);
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(gmem_move(r->hva, place, r->size));
	vq_kick(&g->vq[TXQ]);
	ASSERT_THAT(event_wait(g->vq[TXQ].err));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_TRUE(NUM(STATE) & VHOST_ALT_QUEUE_FAULTED);
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_BROKEN);
	EXPECT_EQ(1, self->m.counter[VHOST_ALT_COUNTER_RING_ERRORS]);
	ASSERT_OK(gmem_move(place, r->hva, r->size));
	EXPECT_TRUE(wait_until(!LOOK(TXQ) &&
			       !(NUM(STATE) & VHOST_ALT_QUEUE_FAULTED)));
	EXPECT_NE(0, self->m.counter[VHOST_ALT_COUNTER_RETRIES]);
	EXPECT_OK(guest_check_alive(g, 0));
}

/* A stopped queue does not show as broken: there is nothing left to repair. */
TEST_F(running, broken_ring_that_is_stopped)
{
	__u32 either = VHOST_ALT_QUEUE_BROKEN | VHOST_ALT_QUEUE_RUNNING;
	struct guest *g = &self->g;

	ASSERT_OK(break_ring(&g->vq[TXQ]));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_EQ(either, NUM(STATE) & either);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_EQ(0, NUM(STATE) & either);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_EQ(VHOST_ALT_QUEUE_RUNNING, NUM(STATE) & either);
	ASSERT_OK(guest_check_alive(g, 0));

	ASSERT_OK(break_ring(&g->vq[TXQ]));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_EQ(0, NUM(STATE) & either);
}

/* The indices are those in the ring, past its end or the wrap of 16 bits. */
TEST_F(running, indices)
{
	bool packed = variant->features & F_RING_PACKED;
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	unsigned int i, end = (65530 + 10) % (packed ? vq->num : 1 << 16);
	__u32 base;

	for (i = 0; i < 10; i++)
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
	/* The guest sees used entries before the worker finishes its run. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_EQ(end, NUM(LAST_AVAIL));
	EXPECT_EQ(end, NUM(AVAIL_IDX));
	EXPECT_EQ(end, NUM(LAST_USED));
	EXPECT_EQ(packed, HAS(AVAIL_WRAP));
	EXPECT_EQ(packed, HAS(USED_WRAP));
	if (packed) {
		EXPECT_EQ(vq->avail_wrap, NUM(AVAIL_WRAP));
		EXPECT_EQ(vq->used_wrap, NUM(USED_WRAP));
	}
	ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
	EXPECT_EQ(vq_base(vq), base);
}

TEST_F(running, worker_runs_and_runtime)
{
	__u64 runs, runtime;

	ASSERT_OK(LOOK(NL_NONE));
	runs = WORKER(0, RUNS);
	runtime = WORKER(0, RUNTIME);
	ASSERT_OK(guest_check_alive(&self->g, 0));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_GT(WORKER(0, RUNS), runs);
	EXPECT_GE(WORKER(0, RUNTIME), runtime);
	/* On a coarse clock one run may take no time, but many together do. */
	while (WORKER(0, RUNTIME) == runtime) {
		ASSERT_OK(guest_check_alive(&self->g, 0));
		ASSERT_OK(LOOK(NL_NONE));
	}
}

static int named(FIXTURE_DATA(running) *self, const char *name)
{
	unsigned int i;

	for (i = 0; i < NR_VQS; i++) {
		if (LOOK(i) || strcmp(name, TEXT(IFNAME)) ||
		    HAS(IFNAME) != !!*name)
			return -EBADMSG;
	}
	return 0;
}

TEST_F(running, interface_of_a_tap)
{
	struct guest *g = &self->g;

	ASSERT_OK(named(self, g->ifname));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_FALSE(HAS(IFNAME));
	ASSERT_OK(LOOK(RXQ));
	EXPECT_STREQ(g->ifname, TEXT(IFNAME));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
	EXPECT_OK(named(self, ""));
}

TEST_F(running, interface_index)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(LOOK(i));
		EXPECT_TRUE(HAS(IFINDEX));
		EXPECT_EQ(if_nametoindex(g->ifname), NUM(IFINDEX));
		ASSERT_OK(vdev_set_backend(g->dev, i, -1));
		ASSERT_OK(LOOK(i));
		EXPECT_FALSE(HAS(IFINDEX));
	}
}

TEST_F(running, interface_of_a_tun)
{
	int tun = tap_open("tun7", IFF_TUN | IFF_NO_PI);

	ASSERT_GE(tun, 0);
	ASSERT_OK(guest_set_backend(&self->g, tun));
	EXPECT_OK(named(self, "tun7"));
	close(tun);
}

TEST_F(running, interface_of_a_macvtap)
{
	int err, tap;

	err = link_add_macvtap("mvt0", self->g.ifname);
	if (err == -EOPNOTSUPP)
		SKIP(return, "this kernel has no macvtap");
	ASSERT_OK(err);
	ASSERT_OK(link_up("mvt0", true));
	tap = macvtap_open("mvt0");
	ASSERT_GE(tap, 0);
	ASSERT_OK(macvtap_set_flags(tap, IFF_TAP | IFF_NO_PI));
	ASSERT_OK(guest_set_backend(&self->g, tap));
	EXPECT_OK(named(self, "mvt0"));
	ASSERT_OK(guest_set_backend(&self->g, -1));
	close(tap);
	link_del("mvt0");
}

TEST_F(running, interface_of_a_packet_socket)
{
	int err = link_add_veth("ve0", "ve1"), fd;

	if (err == -EOPNOTSUPP)
		SKIP(return, "this kernel has no veth");
	ASSERT_OK(err);
	ASSERT_OK(link_up("ve0", true));
	fd = packet_open("ve0", false);
	ASSERT_GE(fd, 0);
	ASSERT_OK(guest_set_backend(&self->g, fd));
	EXPECT_OK(named(self, "ve0"));
	ASSERT_OK(guest_set_backend(&self->g, -1));
	close(fd);
	link_del("ve0");
}

/*
 * Start the guest again, behind an IOMMU. Its device has translations only for
 * the beginnings of the used rings.
 */
static int iotlb_guest(FIXTURE_DATA(running) *self, struct iotlb *t)
{
	struct iotlb_cfg icfg = { .v2 = true, .pages = true };
	struct guest *g = &self->g;
	struct guest_cfg cfg = {
		/* The translations are for no other area. */
		.ops = guest_log_paged_ops(g->cfg.features),
		.features = g->cfg.features | F_ACCESS_PLATFORM,
		.no_tap = true,
	};
	int err;

	guest_stop(g);
	err = guest_init(g, &cfg);
	if (!err)
		err = guest_open_dev(g);
	if (!err)
		err = nl_newest(&self->nl, &self->id);
	if (!err)
		err = iotlb_init(t, g, &icfg);
	if (!err)
		err = guest_open_tap(g);
	return err ? err : iotlb_preload(t);
}

TEST_F(running, iotlb_miss)
{
	struct vhost_iotlb_msg miss;
	struct guest *g = &self->g;
	struct iotlb t;

	ASSERT_OK(iotlb_guest(self, &t));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_IOTLB_MISS);
	/* The addresses are the guest's, as the owner has given them. */
	EXPECT_EQ(g->vq[TXQ].gpa[VQ_DESC], NUM(DESC_ADDR));
	EXPECT_EQ(g->vq[TXQ].gpa[VQ_AVAIL], NUM(AVAIL_ADDR));
	EXPECT_EQ(g->vq[TXQ].gpa[VQ_USED], NUM(USED_ADDR));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(iotlb_wait(g->dev, true, &miss));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_TRUE(NUM(STATE) & VHOST_ALT_QUEUE_IOTLB_MISS);
	/* What has no translation cannot be shown: here, the descriptors. */
	if (!nl_ring(&self->nl, self->id, TXQ, 1, &self->m))
		EXPECT_EQ(0, self->m.avail[0].ndescs);
	ASSERT_OK(iotlb_answer(&t, miss.iova));
	ASSERT_OK(iotlb_serve(&t));
	EXPECT_TRUE(wait_until(!LOOK(TXQ) &&
			       !(NUM(STATE) & VHOST_ALT_QUEUE_IOTLB_MISS)));
	ASSERT_OK(iotlb_unserve(&t));
	ASSERT_OK(guest_set_backend(g, -1));
	iotlb_free(&t);
}

/* A stopped ring has no miss pending, whether the miss was read or not. */
TEST_F(running, iotlb_miss_of_a_stopped_ring)
{
	struct vhost_iotlb_msg miss;
	struct guest *g = &self->g;
	struct iotlb t;
	bool was_read;
	int i;

	ASSERT_OK(iotlb_guest(self, &t));
	for (i = 0; i < 2; i++) {
		was_read = i;
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
		ASSERT_THAT(wait_until(!LOOK(TXQ) && NUM(STATE) &
				       VHOST_ALT_QUEUE_IOTLB_MISS));
		if (was_read)
			ASSERT_OK(iotlb_wait(g->dev, true, &miss));
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
		ASSERT_OK(LOOK(TXQ));
		EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_IOTLB_MISS) {
			TH_LOG("read: %d", was_read);
		}
	}
	iotlb_free(&t);
}

VHOST_TEST_MAIN
