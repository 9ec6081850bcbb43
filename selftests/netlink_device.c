// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: the attributes of a device that is set up step by step and does not
 * run yet, and how requests fail.
 */
#include "iotlb.h"
#include "nl_guest.h"
#include "test.h"
#include "thread.h"

FIXTURE(device)
{
	struct nl nl;
	struct guest g;
	__u32 id;
	struct nl_msg m;
};

FIXTURE_SETUP(device)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE,
		.num = 128,
		.base = 7,
		.regions = 3,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	ASSERT_OK(nl_guest_open(&self->g, &cfg, &self->nl, &self->id));
}

FIXTURE_TEARDOWN(device)
{
	nl_close(&self->nl);
	guest_stop(&self->g);
}

TEST_F(device, new_device)
{
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_EQ(self->id, NUM(DEV_ID));
	EXPECT_FALSE(HAS(PID));
	EXPECT_FALSE(HAS(COMM));
	EXPECT_TRUE(HAS(FEATURES));
	EXPECT_EQ(0, NUM(FEATURES));
	EXPECT_TRUE(HAS(FEATURES_HI));
	EXPECT_EQ(0, NUM(FEATURES_HI));
	EXPECT_TRUE(HAS(BACKEND_FEATURES));
	EXPECT_EQ(0, NUM(BACKEND_FEATURES));
	EXPECT_TRUE(HAS(REGIONS));
	EXPECT_EQ(0, NUM(REGIONS));
	EXPECT_FALSE(HAS(IOTLB_ENTRIES));
	EXPECT_EQ(0, self->m.nworkers);
	EXPECT_EQ(NR_VQS, NUM(QUEUES));
	EXPECT_FALSE(HAS(QUEUE));
	EXPECT_FALSE(HAS(COUNTERS));
}

TEST_F(device, new_queue)
{
	static const char * const name[NR_VQS] = { "rx", "tx" };
	unsigned int i, c;

	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(LOOK(i));
		EXPECT_EQ(self->id, NUM(DEV_ID));
		EXPECT_EQ(i, NUM(QUEUE));
		EXPECT_STREQ(name[i], TEXT(QUEUE_NAME));
		EXPECT_STREQ("split", TEXT(LAYOUT));
		EXPECT_TRUE(HAS(STATE));
		EXPECT_EQ(0, NUM(STATE));
		EXPECT_FALSE(HAS(IFNAME));
		EXPECT_FALSE(HAS(IFINDEX));
		EXPECT_FALSE(HAS(WORKER_ID));
		EXPECT_TRUE(HAS(BUSYLOOP));
		EXPECT_EQ(0, NUM(BUSYLOOP));
		EXPECT_EQ(0, NUM(LAST_AVAIL));
		EXPECT_EQ(0, NUM(AVAIL_IDX));
		EXPECT_EQ(0, NUM(LAST_USED));
		EXPECT_EQ(0, NUM(DESC_ADDR));
		EXPECT_TRUE(HAS(COUNTERS));
		EXPECT_TRUE(HAS(DROPS));
		EXPECT_TRUE(HAS(BATCH_SIZES));
		for (c = 0; c <= VHOST_ALT_COUNTER_MAX; c++)
			ASSERT_THAT_AT(!self->m.counter[c], "counter %u", c);
	}
}

TEST_F(device, owner)
{
	char comm[32];

	own_comm(comm, sizeof(comm));
	ASSERT_OK(vdev_set_owner(self->g.dev));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_TRUE(HAS(PID));
	EXPECT_EQ(getpid(), NUM(PID));
	EXPECT_STREQ(comm, TEXT(COMM));
	ASSERT_OK(LOOK(RXQ));
	EXPECT_EQ(getpid(), NUM(PID));
	EXPECT_STREQ(comm, TEXT(COMM));

	ASSERT_OK(vdev_cmd(self->g.dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_FALSE(HAS(PID));
	EXPECT_FALSE(HAS(COMM));
	EXPECT_EQ(0, self->m.nworkers);
}

TEST_F(device, features)
{
	ASSERT_OK(vdev_set_features(self->g.dev, F_MODERN_BASE | F_EVENT_IDX));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_EQ(F_MODERN_BASE | F_EVENT_IDX, NUM(FEATURES));
	EXPECT_EQ(0, NUM(FEATURES_HI));
	if (vdev_offers2(F2_TUNNEL)) {
		ASSERT_OK(vdev_set_features2(self->g.dev, F_MODERN_BASE,
					     F2_TUNNEL));
		ASSERT_OK(LOOK(NL_NONE));
		EXPECT_EQ(F_MODERN_BASE, NUM(FEATURES));
		EXPECT_EQ(F2_TUNNEL, NUM(FEATURES_HI));
	}
	ASSERT_OK(vdev_cmd(self->g.dev, VHOST_SET_BACKEND_FEATURES,
			   &(__u64){ BACKEND_F_IOTLB_MSG_V2 }));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_EQ(BACKEND_F_IOTLB_MSG_V2, NUM(BACKEND_FEATURES));
}

TEST_F(device, regions)
{
	ASSERT_OK(vdev_set_owner(self->g.dev));
	ASSERT_OK(vdev_set_mem(self->g.dev, &self->g.mem));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_EQ(self->g.mem.nregions, NUM(REGIONS));
	EXPECT_EQ(4, NUM(REGIONS));
	ASSERT_OK(vdev_cmd(self->g.dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_EQ(0, NUM(REGIONS));
}

/* An IOTLB entry, which need not be a page. */
#define ENTRY	4096

TEST_F(device, iotlb_entries)
{
	static char memory[2][ENTRY];
	int dev = self->g.dev;

	ASSERT_OK(vdev_set_owner(dev));
	ASSERT_OK(vdev_set_mem(dev, &self->g.mem));
	ASSERT_OK(vdev_set_features(dev, F_MODERN_BASE | F_ACCESS_PLATFORM));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_TRUE(HAS(IOTLB_ENTRIES));
	EXPECT_EQ(0, NUM(IOTLB_ENTRIES));
	ASSERT_OK(iotlb_update(dev, true, 0, ENTRY, memory[0],
			       VHOST_ACCESS_RW));
	ASSERT_OK(iotlb_update(dev, true, 2 * ENTRY, ENTRY, memory[1],
			       VHOST_ACCESS_RO));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_EQ(2, NUM(IOTLB_ENTRIES));
	ASSERT_OK(iotlb_invalidate(dev, true, 0, ENTRY));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_EQ(1, NUM(IOTLB_ENTRIES));
	ASSERT_OK(vdev_set_features(dev, F_MODERN_BASE));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_FALSE(HAS(IOTLB_ENTRIES));
}

TEST_F(device, workers)
{
	pid_t tid[4];
	unsigned int id;

	ASSERT_OK(vdev_set_owner(self->g.dev));
	ASSERT_OK(LOOK(NL_NONE));
	ASSERT_EQ(1, self->m.nworkers);
	EXPECT_EQ(0, WORKER(0, ID));
	ASSERT_EQ(1, threads_of(getpid(), tid, 4));
	EXPECT_EQ(tid[0], WORKER(0, TID));
	EXPECT_LT(WORKER(0, CPU), sysconf(_SC_NPROCESSORS_CONF));

	ASSERT_OK(vdev_new_worker(self->g.dev, &id));
	ASSERT_OK(LOOK(NL_NONE));
	ASSERT_EQ(2, self->m.nworkers);
	EXPECT_EQ(id, WORKER(1, ID));
	EXPECT_NE(WORKER(0, TID), WORKER(1, TID));
	EXPECT_NE(0, thread_state(WORKER(1, TID)));

	ASSERT_OK(LOOK(TXQ));
	EXPECT_TRUE(HAS(WORKER_ID));
	EXPECT_EQ(0, NUM(WORKER_ID));
	ASSERT_OK(vdev_attach_worker(self->g.dev, TXQ, id));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_EQ(id, NUM(WORKER_ID));
	ASSERT_OK(LOOK(RXQ));
	EXPECT_EQ(0, NUM(WORKER_ID));

	ASSERT_OK(vdev_attach_worker(self->g.dev, TXQ, 0));
	ASSERT_OK(vdev_free_worker(self->g.dev, id));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_EQ(1, self->m.nworkers);
}

static void count_worker(const struct nl_msg *m, void *data)
{
	*(unsigned int *)data += m->nworkers;
}

/* The largest possible number fits into a message, and into one of a dump. */
TEST_F(device, many_workers)
{
	unsigned int i, id, seen = 0;

	ASSERT_OK(vdev_set_owner(self->g.dev));
	/* One by request, and the owner's. */
	ASSERT_OK(nl_set_workers(&self->nl, self->id, NR_VQS));
	ASSERT_THAT(wait_until(!LOOK(NL_NONE) && self->m.nworkers == 2));
	for (i = 2; i < NL_WORKERS; i++)
		ASSERT_OK_AT(vdev_new_worker(self->g.dev, &id), "%u", i);
	EXPECT_ERR(ENOSPC, vdev_new_worker(self->g.dev, &id));
	ASSERT_OK(LOOK(NL_NONE));
	ASSERT_EQ(NL_WORKERS, self->m.nworkers);
	for (i = 0; i < NL_WORKERS; i++)
		ASSERT_THAT_AT(WORKER(i, ID) == i, "worker %u", i);
	self->nl.room = NL_ROOM_LITTLE;
	ASSERT_OK(nl_dump(&self->nl, VHOST_ALT_CMD_DEV_GET, NL_NONE,
			  count_worker, &seen));
	EXPECT_EQ(NL_WORKERS, seen);
}

/* Each setting of a ring shows as soon as it is made. */
TEST_F(device, queue_settings)
{
	struct guest *g = &self->g;
	struct vq *vq;
	unsigned int i;

	ASSERT_OK(vdev_set_owner(g->dev));
	ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
	for (i = 0; i < NR_VQS; i++) {
		vq = &g->vq[i];
		ASSERT_OK(vdev_set_vring(g->dev, vq, g->cfg.base));
		ASSERT_OK(vdev_set_state(g->dev,
					 VHOST_SET_VRING_BUSYLOOP_TIMEOUT, i,
					 11 + i));
		ASSERT_OK(LOOK(i));
		EXPECT_EQ(vq->num, NUM(SIZE));
		EXPECT_EQ(11 + i, NUM(BUSYLOOP));
		EXPECT_EQ((unsigned long)vq->area[VQ_DESC], NUM(DESC_ADDR));
		EXPECT_EQ((unsigned long)vq->area[VQ_AVAIL], NUM(AVAIL_ADDR));
		EXPECT_EQ((unsigned long)vq->area[VQ_USED], NUM(USED_ADDR));
		EXPECT_EQ(g->cfg.base, NUM(LAST_AVAIL));
		EXPECT_EQ(g->cfg.base, NUM(AVAIL_IDX));
		EXPECT_EQ(VHOST_ALT_QUEUE_KICK | VHOST_ALT_QUEUE_CALL,
			  NUM(STATE));
		ASSERT_OK(vdev_set_file(g->dev, VHOST_SET_VRING_KICK, i, -1));
		ASSERT_OK(LOOK(i));
		EXPECT_EQ(VHOST_ALT_QUEUE_CALL, NUM(STATE));
		ASSERT_OK(vdev_set_file(g->dev, VHOST_SET_VRING_CALL, i, -1));
		ASSERT_OK(LOOK(i));
		EXPECT_EQ(0, NUM(STATE));
	}
}

TEST_F(device, request_errors)
{
	static const int cmds[] = {
		VHOST_ALT_CMD_DEV_GET, VHOST_ALT_CMD_QUEUE_GET,
		VHOST_ALT_CMD_STATS_RESET, VHOST_ALT_CMD_RING_GET,
		VHOST_ALT_CMD_QUEUE_SET,
	};
	struct nl *nl = &self->nl;
	__u32 gone = self->id;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		EXPECT_ERR(EINVAL, nl_ask(nl, cmds[i], NL_NONE, 0, NL_NONE,
					  NULL));
		EXPECT_ERR(ENODEV, nl_ask(nl, cmds[i], 0x7ffffff0, 0, NL_NONE,
					  NULL));
		EXPECT_NE(0, nl_ask(nl, cmds[i], 0, 0, NL_NONE, NULL));
	}
	EXPECT_ERR(EINVAL, nl_queue(nl, self->id, NL_NONE, &self->m));
	EXPECT_ERR(ENOBUFS, nl_queue(nl, self->id, NR_VQS, &self->m));
	EXPECT_ERR(ENOBUFS, nl_queue(nl, self->id, 0x80000000, &self->m));
	EXPECT_ERR(ENOBUFS, nl_reset(nl, self->id, NR_VQS));
	EXPECT_ERR(EINVAL, nl_ring(nl, self->id, NL_NONE, 1, &self->m));
	EXPECT_ERR(ENOBUFS, nl_ring(nl, self->id, NR_VQS, 1, &self->m));
	EXPECT_ERR(EOPNOTSUPP, nl_ask(nl, VHOST_ALT_CMD_DEV_OPEN_NTF, self->id,
				      NL_NONE, NL_NONE, NULL));
	EXPECT_ERR(EOPNOTSUPP, nl_ask(nl, VHOST_ALT_CMD_MAX + 1, self->id,
				      NL_NONE, NL_NONE, NULL));
	/* A device that was closed is gone. */
	close(self->g.dev);
	self->g.dev = -1;
	EXPECT_ERR(ENODEV, nl_dev(nl, gone, &self->m));
	EXPECT_ERR(ENODEV, nl_reset(nl, gone, NL_NONE));
}

TEST_F(device, ring_request_errors)
{
	struct guest *g = &self->g;
	struct nl *nl = &self->nl;

	/* No owner, and then no addresses, means no ring. */
	EXPECT_ERR(EINVAL, nl_ring(nl, self->id, TXQ, 1, &self->m));
	ASSERT_OK(vdev_set_owner(g->dev));
	EXPECT_ERR(EINVAL, nl_ring(nl, self->id, TXQ, 1, &self->m));
	ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
	ASSERT_OK(vdev_set_vring(g->dev, &g->vq[TXQ], 0));
	EXPECT_ERR(0, nl_ring(nl, self->id, TXQ, 1, &self->m));
	EXPECT_ERR(0, nl_ring(nl, self->id, TXQ, NL_ENTRIES, &self->m));
	EXPECT_EQ(-ERANGE, nl_ring(nl, self->id, TXQ, 0, &self->m));
	EXPECT_EQ(-ERANGE, nl_ring(nl, self->id, TXQ, NL_ENTRIES + 1,
				   &self->m));
}

/* Unmapped memory fails the request; it does not break the ring. */
TEST_F(device, ring_in_unmapped_memory)
{
	struct vhost_vring_addr a = {
		.index = TXQ,
		.desc_user_addr = 0x1000,
		.avail_user_addr = 0x2000,
		.used_user_addr = 0x3000,
	};
	struct guest *g = &self->g;

	ASSERT_OK(vdev_set_owner(g->dev));
	ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
	ASSERT_OK(vdev_set_vring(g->dev, &g->vq[TXQ], 0));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_SET_VRING_ADDR, &a));
	EXPECT_ERR(EFAULT, nl_ring(&self->nl, self->id, TXQ, 1, &self->m));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_EQ(0, self->m.counter[VHOST_ALT_COUNTER_RING_ERRORS]);
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_BROKEN);
}

VHOST_TEST_MAIN
