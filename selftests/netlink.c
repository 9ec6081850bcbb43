// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the netlink family says: each attribute against what the test has set up,
 * who may see what, dumps while devices come and go, and notifications.
 */
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include "iotlb.h"
#include "nl.h"
#include "test.h"
#include "thread.h"
#include "vq_split.h"

/* A file of /proc/<pid>/ns that is the initial network namespace. */
static int initial_netns(void)
{
	int fd = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A new network namespace, in which the caller is not. */
static int other_netns(void)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int other = -1;

	if (own >= 0 && !unshare(CLONE_NEWNET)) {
		other = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		if (setns(own, CLONE_NEWNET))
			other = -1;
	}
	close(own);
	return other < 0 ? -EPERM : other;
}

/* What is told of a device, and of its queues, that nobody has touched yet. */
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
	ASSERT_OK(guest_init(&self->g, &cfg));
	ASSERT_OK(nl_open(&self->nl));
	self->g.dev = vdev_open();
	ASSERT_GE(self->g.dev, 0);
	ASSERT_OK(nl_newest(&self->nl, &self->id));
}

FIXTURE_TEARDOWN(device)
{
	nl_close(&self->nl);
	guest_stop(&self->g);
}

/* The device and the queue as they are seen now. */
static int look(FIXTURE_DATA(device) *self, __u32 queue)
{
	if (queue == NL_NONE)
		return nl_dev(&self->nl, self->id, &self->m);
	return nl_queue(&self->nl, self->id, queue, &self->m);
}

#define NUM(name)	(self->m.num[VHOST_ALT_A_ ## name])
#define TEXT(name)	(self->m.text[VHOST_ALT_A_ ## name])
#define HAS(name)	(self->m.has[VHOST_ALT_A_ ## name])

TEST_F(device, new_one)
{
	ASSERT_OK(look(self, NL_NONE));
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
		ASSERT_OK(look(self, i));
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

static void own_comm(char *comm, size_t len)
{
	FILE *f = fopen("/proc/self/comm", "r");

	comm[0] = 0;
	if (!f)
		return;
	if (fgets(comm, len, f))
		comm[strcspn(comm, "\n")] = 0;
	fclose(f);
}

TEST_F(device, owner)
{
	char comm[32];

	own_comm(comm, sizeof(comm));
	ASSERT_OK(vdev_set_owner(self->g.dev));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_TRUE(HAS(PID));
	EXPECT_EQ(getpid(), NUM(PID));
	EXPECT_STREQ(comm, TEXT(COMM));
	ASSERT_OK(look(self, RXQ));
	EXPECT_EQ(getpid(), NUM(PID));
	EXPECT_STREQ(comm, TEXT(COMM));

	ASSERT_OK(vdev_cmd(self->g.dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_FALSE(HAS(PID));
	EXPECT_FALSE(HAS(COMM));
	EXPECT_EQ(0, self->m.nworkers);
}

TEST_F(device, features)
{
	ASSERT_OK(vdev_set_features(self->g.dev, F_MODERN_BASE | F_EVENT_IDX));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_EQ(F_MODERN_BASE | F_EVENT_IDX, NUM(FEATURES));
	EXPECT_EQ(0, NUM(FEATURES_HI));
	if (vdev_offers2(F2_TUNNEL)) {
		ASSERT_OK(vdev_set_features2(self->g.dev, F_MODERN_BASE,
					     F2_TUNNEL));
		ASSERT_OK(look(self, NL_NONE));
		EXPECT_EQ(F_MODERN_BASE, NUM(FEATURES));
		EXPECT_EQ(F2_TUNNEL, NUM(FEATURES_HI));
	}
	ASSERT_OK(vdev_cmd(self->g.dev, VHOST_SET_BACKEND_FEATURES,
			   &(__u64){ BACKEND_F_IOTLB_MSG_V2 }));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_EQ(BACKEND_F_IOTLB_MSG_V2, NUM(BACKEND_FEATURES));
}

TEST_F(device, regions)
{
	ASSERT_OK(vdev_set_owner(self->g.dev));
	ASSERT_OK(vdev_set_mem(self->g.dev, &self->g.mem));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_EQ(self->g.mem.nregions, NUM(REGIONS));
	EXPECT_EQ(4, NUM(REGIONS));
	ASSERT_OK(vdev_cmd(self->g.dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_EQ(0, NUM(REGIONS));
}

TEST_F(device, iotlb_entries)
{
	static char memory[2][IOTLB_PAGE];
	int dev = self->g.dev;

	ASSERT_OK(vdev_set_owner(dev));
	ASSERT_OK(vdev_set_mem(dev, &self->g.mem));
	ASSERT_OK(vdev_set_features(dev, F_MODERN_BASE | F_ACCESS_PLATFORM));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_TRUE(HAS(IOTLB_ENTRIES));
	EXPECT_EQ(0, NUM(IOTLB_ENTRIES));
	ASSERT_OK(iotlb_update(dev, true, 0, IOTLB_PAGE, memory[0],
			       VHOST_ACCESS_RW));
	ASSERT_OK(iotlb_update(dev, true, 2 * IOTLB_PAGE, IOTLB_PAGE, memory[1],
			       VHOST_ACCESS_RO));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_EQ(2, NUM(IOTLB_ENTRIES));
	ASSERT_OK(iotlb_invalidate(dev, true, 0, IOTLB_PAGE));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_EQ(1, NUM(IOTLB_ENTRIES));
	ASSERT_OK(vdev_set_features(dev, F_MODERN_BASE));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_FALSE(HAS(IOTLB_ENTRIES));
}

#define WORKER(i, name)	(self->m.worker[i].num[VHOST_ALT_WORKER_ ## name])

TEST_F(device, workers)
{
	pid_t tid[4];
	unsigned int id;

	ASSERT_OK(vdev_set_owner(self->g.dev));
	ASSERT_OK(look(self, NL_NONE));
	ASSERT_EQ(1, self->m.nworkers);
	EXPECT_EQ(0, WORKER(0, ID));
	ASSERT_EQ(1, threads_of(getpid(), tid, 4));
	EXPECT_EQ(tid[0], WORKER(0, TID));
	EXPECT_LT(WORKER(0, CPU), sysconf(_SC_NPROCESSORS_CONF));

	ASSERT_OK(vdev_new_worker(self->g.dev, &id));
	ASSERT_OK(look(self, NL_NONE));
	ASSERT_EQ(2, self->m.nworkers);
	EXPECT_EQ(id, WORKER(1, ID));
	EXPECT_NE(WORKER(0, TID), WORKER(1, TID));
	EXPECT_NE(0, thread_state(WORKER(1, TID)));

	ASSERT_OK(look(self, TXQ));
	EXPECT_TRUE(HAS(WORKER_ID));
	EXPECT_EQ(0, NUM(WORKER_ID));
	ASSERT_OK(vdev_attach_worker(self->g.dev, TXQ, id));
	ASSERT_OK(look(self, TXQ));
	EXPECT_EQ(id, NUM(WORKER_ID));
	ASSERT_OK(look(self, RXQ));
	EXPECT_EQ(0, NUM(WORKER_ID));

	ASSERT_OK(vdev_attach_worker(self->g.dev, TXQ, 0));
	ASSERT_OK(vdev_free_worker(self->g.dev, id));
	ASSERT_OK(look(self, NL_NONE));
	EXPECT_EQ(1, self->m.nworkers);
}

static void count_worker(const struct nl_msg *m, void *data)
{
	*(unsigned int *)data += m->nworkers;
}

/* As many as there can be still fit into a message, and into one of a dump. */
TEST_F(device, many_workers)
{
	unsigned int i, id, seen = 0;

	ASSERT_OK(vdev_set_owner(self->g.dev));
	for (i = 1; i < NL_WORKERS; i++)
		ASSERT_OK_AT(vdev_new_worker(self->g.dev, &id), "%u", i);
	ASSERT_OK(look(self, NL_NONE));
	ASSERT_EQ(NL_WORKERS, self->m.nworkers);
	for (i = 0; i < NL_WORKERS; i++)
		ASSERT_THAT_AT(WORKER(i, ID) == i, "worker %u", i);
	self->nl.room = NL_ROOM_LITTLE;
	ASSERT_OK(nl_dump(&self->nl, VHOST_ALT_CMD_DEV_GET, NL_NONE,
			  count_worker, &seen));
	EXPECT_EQ(NL_WORKERS, seen);
}

/* A ring as it is set up, step by step. */
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
		ASSERT_OK(look(self, i));
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
		ASSERT_OK(look(self, i));
		EXPECT_EQ(VHOST_ALT_QUEUE_CALL, NUM(STATE));
		ASSERT_OK(vdev_set_file(g->dev, VHOST_SET_VRING_CALL, i, -1));
		ASSERT_OK(look(self, i));
		EXPECT_EQ(0, NUM(STATE));
	}
}

/* ---- errors ---- */

TEST_F(device, errors_of_requests)
{
	static const int cmds[] = {
		VHOST_ALT_CMD_DEV_GET, VHOST_ALT_CMD_QUEUE_GET,
		VHOST_ALT_CMD_STATS_RESET, VHOST_ALT_CMD_RING_GET,
	};
	struct nl *nl = &self->nl;
	__u32 gone = self->id;
	unsigned int i;

	for (i = 0; i < 4; i++) {
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
	/* What was there is not there any more. */
	close(self->g.dev);
	self->g.dev = -1;
	EXPECT_ERR(ENODEV, nl_dev(nl, gone, &self->m));
	EXPECT_ERR(ENODEV, nl_reset(nl, gone, NL_NONE));
}

TEST_F(device, errors_of_rings)
{
	struct guest *g = &self->g;
	struct nl *nl = &self->nl;

	/* Without an owner, and then without addresses, there is no ring. */
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

/* Memory that is not there is an error of the request, not of the ring. */
TEST_F(device, ring_without_memory)
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
	ASSERT_OK(look(self, TXQ));
	EXPECT_EQ(0, self->m.counter[VHOST_ALT_COUNTER_RING_ERRORS]);
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_BROKEN);
}

/* ---- who may see what ---- */

static int look_plain(FIXTURE_DATA(device) *self, __u32 queue)
{
	struct nl nl;
	int err;

	err = net_admin(false);
	if (err)
		return err;
	err = nl_open(&nl);
	if (!err) {
		err = queue == NL_NONE ?
		      nl_dev(&nl, self->id, &self->m) :
		      nl_queue(&nl, self->id, queue, &self->m);
		nl_close(&nl);
	}
	return net_admin(true) ? -EPERM : err;
}

TEST_F(device, without_privilege)
{
	struct guest *g = &self->g;
	struct nl nl;

	ASSERT_OK(vdev_set_owner(g->dev));
	ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
	ASSERT_OK(vdev_set_vring(g->dev, &g->vq[TXQ], 0));
	ASSERT_OK(look(self, TXQ));
	EXPECT_TRUE(HAS(DESC_ADDR) && HAS(AVAIL_ADDR) && HAS(USED_ADDR));

	ASSERT_OK(look_plain(self, NL_NONE));
	EXPECT_EQ(4, NUM(REGIONS));
	ASSERT_OK(look_plain(self, TXQ));
	EXPECT_FALSE(HAS(DESC_ADDR) || HAS(AVAIL_ADDR) || HAS(USED_ADDR));
	EXPECT_TRUE(HAS(COUNTERS) && HAS(DROPS) && HAS(BATCH_SIZES));
	EXPECT_EQ(g->vq[TXQ].num, NUM(SIZE));

	ASSERT_OK(net_admin(false));
	ASSERT_OK(nl_open(&nl));
	EXPECT_ERR(EPERM, nl_reset(&nl, self->id, NL_NONE));
	EXPECT_ERR(EPERM, nl_reset(&nl, self->id, TXQ));
	EXPECT_ERR(EPERM, nl_ring(&nl, self->id, TXQ, 1, &self->m));
	/* A socket of somebody who may does not help who may not. */
	EXPECT_ERR(EPERM, nl_reset(&self->nl, self->id, NL_NONE));
	EXPECT_ERR(EPERM, nl_ring(&self->nl, self->id, TXQ, 1, &self->m));
	ASSERT_OK(look(self, TXQ));
	EXPECT_FALSE(HAS(DESC_ADDR));
	ASSERT_OK(net_admin(true));
	EXPECT_ERR(0, nl_reset(&self->nl, self->id, NL_NONE));
	nl_close(&nl);
}

static void note_address(const struct nl_msg *m, void *data)
{
	*(bool *)data |= m->has[VHOST_ALT_A_DESC_ADDR];
}

TEST_F(device, dump_without_privilege)
{
	bool seen = false;
	struct nl nl;

	ASSERT_OK(net_admin(false));
	ASSERT_OK(nl_open(&nl));
	ASSERT_OK(nl_dump(&nl, VHOST_ALT_CMD_QUEUE_GET, NL_NONE, note_address,
			  &seen));
	EXPECT_FALSE(seen);
	nl_close(&nl);
	ASSERT_OK(net_admin(true));
	ASSERT_OK(nl_dump(&self->nl, VHOST_ALT_CMD_QUEUE_GET, NL_NONE,
			  note_address, &seen));
	EXPECT_TRUE(seen);
}

/* Its own root may do to a device of a user namespace what it likes. */
static int in_user_namespace(void)
{
	static struct nl_msg m;
	struct nl nl;
	__u32 id;
	int dev;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return 1;
	dev = vdev_open();
	if (dev < 0)
		return 2;
	if (nl_open(&nl) || nl_newest(&nl, &id))
		return 3;
	if (nl_queue(&nl, id, TXQ, &m) || !m.has[VHOST_ALT_A_DESC_ADDR])
		return 4;
	if (nl_reset(&nl, id, NL_NONE))
		return 5;
	/* Of a ring there is nothing yet, which is not EPERM. */
	return nl_ring(&nl, id, TXQ, 1, &m) == -EINVAL ? 0 : 6;
}

TEST_F(device, user_namespace)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(in_user_namespace());
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_THAT(WIFEXITED(status));
	if (WEXITSTATUS(status) == 1)
		SKIP(return, "this kernel lets nobody make a user namespace");
	EXPECT_EQ(0, WEXITSTATUS(status));
}

static void find_id(const struct nl_msg *m, void *data)
{
	__u32 *id = data;

	if (m->num[VHOST_ALT_A_DEV_ID] == id[0])
		id[1]++;
}

/* How often a dump shows the device: for queues it must be twice. */
static int times_seen(struct nl *nl, int cmd, __u32 dev)
{
	__u32 id[2];
	int err;

	do {
		id[0] = dev;
		id[1] = 0;
		err = nl_dump(nl, cmd, NL_NONE, find_id, id);
	} while (err == -EINTR);
	return err ? err : id[1];
}

TEST_F(device, network_namespaces)
{
	int initial = initial_netns(), other = other_netns();
	struct nl top, aside;

	ASSERT_GE(initial, 0);
	ASSERT_GE(other, 0);
	ASSERT_OK(nl_open_in(&top, initial));
	ASSERT_OK(nl_open_in(&aside, other));
	EXPECT_EQ(1, times_seen(&self->nl, VHOST_ALT_CMD_DEV_GET, self->id));
	EXPECT_EQ(2, times_seen(&self->nl, VHOST_ALT_CMD_QUEUE_GET, self->id));
	EXPECT_EQ(1, times_seen(&top, VHOST_ALT_CMD_DEV_GET, self->id));
	EXPECT_EQ(2, times_seen(&top, VHOST_ALT_CMD_QUEUE_GET, self->id));
	EXPECT_EQ(0, times_seen(&aside, VHOST_ALT_CMD_DEV_GET, self->id));
	EXPECT_EQ(0, times_seen(&aside, VHOST_ALT_CMD_QUEUE_GET, self->id));
	EXPECT_OK(nl_dev(&top, self->id, &self->m));
	EXPECT_OK(nl_queue(&top, self->id, TXQ, &self->m));
	EXPECT_OK(nl_reset(&top, self->id, NL_NONE));
	EXPECT_ERR(ENODEV, nl_dev(&aside, self->id, &self->m));
	EXPECT_ERR(ENODEV, nl_queue(&aside, self->id, TXQ, &self->m));
	EXPECT_ERR(ENODEV, nl_reset(&aside, self->id, NL_NONE));
	EXPECT_ERR(ENODEV, nl_ring(&aside, self->id, TXQ, 1, &self->m));
	nl_close(&top);
	nl_close(&aside);
	close(initial);
	close(other);
}

/* A process that goes elsewhere leaves its devices where they were opened. */
TEST_F(device, namespace_of_opener)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct nl nl;

	ASSERT_GE(own, 0);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_OK(vdev_set_owner(self->g.dev));
	ASSERT_OK(nl_open(&nl));
	EXPECT_ERR(ENODEV, nl_dev(&nl, self->id, &self->m));
	EXPECT_OK(nl_dev(&self->nl, self->id, &self->m));
	nl_close(&nl);
	ASSERT_EQ(0, setns(own, CLONE_NEWNET));
	close(own);
}

/* ---- dumps ---- */

#define MANY	200

/* How often each device, or queue, was seen. */
struct census {
	unsigned int ids;
	__u32 id[4 * MANY];
	__u8 seen[4 * MANY][NR_VQS];
	bool strange;
};

static void enroll(const struct nl_msg *m, void *data)
{
	__u32 id = m->num[VHOST_ALT_A_DEV_ID], q = m->num[VHOST_ALT_A_QUEUE];
	struct census *c = data;
	unsigned int i;

	for (i = 0; i < c->ids && c->id[i] != id; i++)
		;
	if (i == 4 * MANY || q >= NR_VQS) {
		c->strange = true;
		return;
	}
	if (i == c->ids)
		c->id[c->ids++] = id;
	c->seen[i][q]++;
}

/* True if there are @n devices, and each has been seen once. */
static bool complete(const struct census *c, unsigned int n, int cmd)
{
	unsigned int i, queues = cmd == VHOST_ALT_CMD_QUEUE_GET;

	for (i = 0; i < c->ids; i++)
		if (c->seen[i][RXQ] != 1 || c->seen[i][TXQ] != queues)
			return false;
	return !c->strange && c->ids == n;
}

TEST_F(device, many)
{
	static const int cmds[] = {
		VHOST_ALT_CMD_DEV_GET, VHOST_ALT_CMD_QUEUE_GET,
	};
	static const size_t rooms[] = { 128 * 1024, 8192 };
	static struct census c;
	int fd[MANY];
	unsigned int i, j;

	for (i = 0; i < MANY; i++) {
		fd[i] = vdev_open();
		ASSERT_GE(fd[i], 0);
	}
	for (i = 0; i < 2; i++) {
		for (j = 0; j < 2; j++) {
			struct nl nl;

			ASSERT_OK(nl_open(&nl));
			nl.room = rooms[j];
			memset(&c, 0, sizeof(c));
			ASSERT_OK(nl_dump(&nl, cmds[i], NL_NONE, enroll, &c));
			EXPECT_TRUE(complete(&c, MANY + 1, cmds[i])) {
				TH_LOG("command %d, room %zu: %u devices",
				       cmds[i], rooms[j], c.ids);
			}
			nl_close(&nl);
		}
	}
	/* Both queues of one device, and none of one that is not there. */
	memset(&c, 0, sizeof(c));
	ASSERT_OK(nl_dump(&self->nl, VHOST_ALT_CMD_QUEUE_GET, self->id, enroll,
			  &c));
	EXPECT_TRUE(complete(&c, 1, VHOST_ALT_CMD_QUEUE_GET));
	EXPECT_EQ(self->id, c.id[0]);
	memset(&c, 0, sizeof(c));
	ASSERT_OK(nl_dump(&self->nl, VHOST_ALT_CMD_QUEUE_GET, 0x7ffffff0,
			  enroll, &c));
	EXPECT_EQ(0, c.ids);
	for (i = 0; i < MANY; i++)
		close(fd[i]);
}

static int stop_churn;

/* Opens and closes devices, some of them with an owner, until told to stop. */
static void *churn(void *data)
{
	int fd[4] = { -1, -1, -1, -1 };
	unsigned int i;

	for (i = 0; !__atomic_load_n(&stop_churn, __ATOMIC_RELAXED); i++) {
		if (fd[i % 4] >= 0)
			close(fd[i % 4]);
		fd[i % 4] = vdev_open();
		if (fd[i % 4] >= 0 && i % 8 == 0)
			vdev_set_owner(fd[i % 4]);
	}
	for (i = 0; i < 4; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return NULL;
}

/* Those that stay are in each dump that was not interrupted, and just once. */
static bool all_there(const struct census *c, const __u32 *id, unsigned int n,
		      int cmd)
{
	unsigned int i, j, queues = cmd == VHOST_ALT_CMD_QUEUE_GET;

	for (i = 0; i < n; i++) {
		for (j = 0; j < c->ids && c->id[j] != id[i]; j++)
			;
		if (j == c->ids || c->seen[j][RXQ] != 1 ||
		    c->seen[j][TXQ] != queues)
			return false;
	}
	return !c->strange;
}

static bool no_doubles(const struct census *c)
{
	unsigned int i;

	for (i = 0; i < c->ids; i++)
		if (c->seen[i][RXQ] > 1 || c->seen[i][TXQ] > 1)
			return false;
	return !c->strange;
}

#define STAYING		40
#define CHURNERS	2

TEST_F(device, dumps_while_devices_come_and_go)
{
	static const int cmds[] = {
		VHOST_ALT_CMD_DEV_GET, VHOST_ALT_CMD_QUEUE_GET,
	};
	unsigned int i, rounds = env_scaled(200, 20), interrupted = 0;
	static struct census c;
	pthread_t thread[CHURNERS];
	int fd[STAYING], err;
	__u32 id[STAYING];
	struct nl nl;

	for (i = 0; i < STAYING; i++) {
		fd[i] = vdev_open();
		ASSERT_GE(fd[i], 0);
		ASSERT_OK(nl_newest(&self->nl, &id[i]));
	}
	ASSERT_OK(nl_open(&nl));
	nl.room = NL_ROOM_LITTLE;
	for (i = 0; i < CHURNERS; i++)
		ASSERT_OK(-pthread_create(&thread[i], NULL, churn, NULL));
	for (i = 0; i < rounds; i++) {
		memset(&c, 0, sizeof(c));
		err = nl_dump(&nl, cmds[i % 2], NL_NONE, enroll, &c);
		if (err == -EINTR)
			interrupted++;
		else
			ASSERT_OK_AT(err, "round %u", i);
		ASSERT_THAT_AT(err ? no_doubles(&c) :
			       all_there(&c, id, STAYING, cmds[i % 2]),
			       "round %u, %s", i, err ? "interrupted" : "whole");
	}
	__atomic_store_n(&stop_churn, 1, __ATOMIC_RELAXED);
	for (i = 0; i < CHURNERS; i++)
		pthread_join(thread[i], NULL);
	TH_LOG("%u of %u dumps interrupted", interrupted, rounds);
	/* Now that it is quiet none is, and there is nobody too many. */
	memset(&c, 0, sizeof(c));
	ASSERT_OK(nl_dump(&nl, VHOST_ALT_CMD_DEV_GET, NL_NONE, enroll, &c));
	EXPECT_TRUE(complete(&c, STAYING + 1, VHOST_ALT_CMD_DEV_GET));
	nl_close(&nl);
	for (i = 0; i < STAYING; i++)
		close(fd[i]);
}

/* ---- a device at work ---- */

FIXTURE(running)
{
	struct nl nl;
	struct guest g;
	__u32 id;
	struct nl_msg m;
};

FIXTURE_VARIANT(running)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(running, flags)
{
	.features = F_MODERN_BASE,
};

FIXTURE_VARIANT_ADD(running, event_idx)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_SETUP(running)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.num = 64,
		.tap_flags = IFF_VNET_HDR,
		.base = 65530,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	ASSERT_OK(nl_open(&self->nl));
	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_OK(nl_newest(&self->nl, &self->id));
}

FIXTURE_TEARDOWN(running)
{
	nl_close(&self->nl);
	guest_stop(&self->g);
}

static int see(FIXTURE_DATA(running) *self, __u32 queue)
{
	if (queue == NL_NONE)
		return nl_dev(&self->nl, self->id, &self->m);
	return nl_queue(&self->nl, self->id, queue, &self->m);
}

TEST_F(running, state)
{
	__u32 want = VHOST_ALT_QUEUE_RUNNING | VHOST_ALT_QUEUE_KICK |
		     VHOST_ALT_QUEUE_CALL;
	__u32 transient = VHOST_ALT_QUEUE_NOTIFY_OFF;
	struct guest *g = &self->g;
	unsigned int i;

	if (variant->features & F_EVENT_IDX) {
		want |= VHOST_ALT_QUEUE_EVENT_IDX;
		/* Who has an event index needs no flag. */
		transient = 0;
	}
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(see(self, i));
		EXPECT_EQ(want, NUM(STATE) & ~transient);
	}
	/* A worker that has nothing to send wants a kick. */
	ASSERT_OK(guest_check_tx(g, 60, 0, 1, false));
	EXPECT_TRUE(wait_until(!see(self, TXQ) && NUM(STATE) == want));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(see(self, TXQ));
	EXPECT_EQ(want & ~VHOST_ALT_QUEUE_RUNNING, NUM(STATE));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(see(self, TXQ));
	EXPECT_EQ(want, NUM(STATE) & ~transient);
}

static int break_ring(struct vq *vq)
{
	split_avail(vq)->idx += vq->num + 1;
	vq_kick(vq);
	/* The eventfd is signalled under the queue's lock, that is, just then. */
	if (!event_wait(vq->err))
		return -ETIMEDOUT;
	event_count(vq->err);
	split_avail(vq)->idx -= vq->num + 1;
	return 0;
}

TEST_F(running, broken)
{
	struct guest *g = &self->g;

	ASSERT_OK(see(self, TXQ));
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_BROKEN);
	ASSERT_OK(break_ring(&g->vq[TXQ]));
	ASSERT_OK(see(self, TXQ));
	EXPECT_TRUE(NUM(STATE) & VHOST_ALT_QUEUE_BROKEN);
	EXPECT_TRUE(NUM(STATE) & VHOST_ALT_QUEUE_RUNNING);
	EXPECT_EQ(1, self->m.counter[VHOST_ALT_COUNTER_RING_ERRORS]);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(see(self, TXQ));
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_BROKEN);
	EXPECT_OK(guest_check_alive(g, 0));
}

/* A queue that is stopped is not in error: there is nothing to see to. */
TEST_F(running, broken_and_stopped)
{
	__u32 either = VHOST_ALT_QUEUE_BROKEN | VHOST_ALT_QUEUE_RUNNING;
	struct guest *g = &self->g;

	ASSERT_OK(break_ring(&g->vq[TXQ]));
	ASSERT_OK(see(self, TXQ));
	EXPECT_EQ(either, NUM(STATE) & either);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(see(self, TXQ));
	EXPECT_EQ(0, NUM(STATE) & either);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(see(self, TXQ));
	EXPECT_EQ(VHOST_ALT_QUEUE_RUNNING, NUM(STATE) & either);
	ASSERT_OK(guest_check_alive(g, 0));

	ASSERT_OK(break_ring(&g->vq[TXQ]));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(see(self, TXQ));
	EXPECT_EQ(0, NUM(STATE) & either);
}

/* Indices over the wrap of 16 bits, and as the ring itself has them. */
TEST_F(running, indices)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	unsigned int i;
	__u32 base;

	for (i = 0; i < 10; i++)
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
	/* A guest sees what is used before the worker is done with it. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(see(self, TXQ));
	EXPECT_EQ((65530 + 10) & 0xffff, NUM(LAST_AVAIL));
	EXPECT_EQ(vq->avail_idx, NUM(AVAIL_IDX));
	EXPECT_EQ(split_used_idx(vq), NUM(LAST_USED));
	EXPECT_EQ((65530 + 10) & 0xffff, NUM(LAST_USED));
	ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
	EXPECT_EQ(base, NUM(LAST_AVAIL));
}

TEST_F(running, worker_works)
{
	__u64 runs, runtime;

	ASSERT_OK(see(self, NL_NONE));
	runs = WORKER(0, RUNS);
	runtime = WORKER(0, RUNTIME);
	ASSERT_OK(guest_check_alive(&self->g, 0));
	ASSERT_OK(see(self, NL_NONE));
	EXPECT_GT(WORKER(0, RUNS), runs);
	EXPECT_GE(WORKER(0, RUNTIME), runtime);
	/* On a coarse clock a run may take no time, but not many. */
	while (WORKER(0, RUNTIME) == runtime) {
		ASSERT_OK(guest_check_alive(&self->g, 0));
		ASSERT_OK(see(self, NL_NONE));
	}
}

/* ---- the contents of a ring ---- */

TEST_F(running, ring)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	static unsigned char frame[1514];
	const struct nl_entry *e;
	struct vring_desc *d;
	unsigned int i, n = 10, head, j;

	/* Stopped, a ring shows just what the test has put there. */
	for (i = 0; i < n; i++) {
		frame_make(frame, 60 + i, i);
		ASSERT_OK(guest_send(g, NULL, frame, 60 + i, 1 + i % 3, false));
	}
	vq_submit(vq);
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_capture(g, 60 + i, i));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));

	ASSERT_OK(nl_ring(&self->nl, self->id, TXQ, n, &self->m));
	EXPECT_EQ(self->id, NUM(DEV_ID));
	EXPECT_EQ(TXQ, NUM(QUEUE));
	EXPECT_STREQ("tx", TEXT(QUEUE_NAME));
	EXPECT_STREQ("split", TEXT(LAYOUT));
	EXPECT_EQ(vq->num, NUM(SIZE));
	EXPECT_EQ(split_avail(vq)->flags, NUM(RING_AVAIL_FLAGS));
	EXPECT_EQ(split_avail(vq)->idx, NUM(RING_AVAIL_IDX));
	EXPECT_EQ(split_used(vq)->flags, NUM(RING_USED_FLAGS));
	EXPECT_EQ(split_used(vq)->idx, NUM(RING_USED_IDX));
	EXPECT_EQ(!!(variant->features & F_EVENT_IDX), HAS(RING_USED_EVENT));
	EXPECT_EQ(!!(variant->features & F_EVENT_IDX), HAS(RING_AVAIL_EVENT));
	if (variant->features & F_EVENT_IDX) {
		EXPECT_EQ(*split_used_event(vq), NUM(RING_USED_EVENT));
		EXPECT_EQ(*split_avail_event(vq), NUM(RING_AVAIL_EVENT));
	}

	ASSERT_EQ(n, self->m.navail);
	ASSERT_EQ(n, self->m.nused);
	for (i = 0; i < n; i++) {
		e = &self->m.avail[i];
		EXPECT_EQ((__u16)(65530 + i), e->num[VHOST_ALT_ENTRY_INDEX]);
		head = split_avail(vq)->ring[(__u16)(65530 + i) % vq->num];
		EXPECT_EQ(head, e->num[VHOST_ALT_ENTRY_ID]);
		ASSERT_EQ(1 + i % 3, e->ndescs);
		for (j = 0; j < e->ndescs; j++) {
			d = &split_desc(vq)[head];
			EXPECT_EQ(head, e->desc[j][VHOST_ALT_DESC_INDEX]);
			EXPECT_EQ(d->addr, e->desc[j][VHOST_ALT_DESC_ADDR]);
			EXPECT_EQ(d->len, e->desc[j][VHOST_ALT_DESC_LEN]);
			EXPECT_EQ(d->flags, e->desc[j][VHOST_ALT_DESC_FLAGS]);
			if (d->flags & VRING_DESC_F_NEXT) {
				EXPECT_EQ(d->next,
					  e->desc[j][VHOST_ALT_DESC_NEXT]);
			}
			head = d->next;
		}
		e = &self->m.used[i];
		EXPECT_EQ((__u16)(65530 + i), e->num[VHOST_ALT_ENTRY_INDEX]);
		EXPECT_EQ(split_used(vq)->ring[(__u16)(65530 + i) % vq->num].id,
			  e->num[VHOST_ALT_ENTRY_ID]);
		EXPECT_EQ(0, e->num[VHOST_ALT_ENTRY_LEN]);
		EXPECT_EQ(0, e->ndescs);
	}
}

TEST_F(running, ring_counts)
{
	static const struct { __u32 ask, get; } c[] = {
		{ 1, 1 }, { NL_NONE, 16 }, { 64, 64 },
	};
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ASSERT_OK(nl_ring(&self->nl, self->id, TXQ, c[i].ask, &self->m));
		EXPECT_EQ(c[i].get, self->m.navail);
		EXPECT_EQ(c[i].get, self->m.nused);
	}
}

/*
 * A worker that polls has the queue nearly always, which keeps nobody away: neither
 * who asks, nor the owner.
 */
TEST_F(running, asked_while_the_worker_polls)
{
	unsigned int i, n = 20;
	struct guest *g = &self->g;
	__u32 us = 10 * 1000 * 1000, base;

	ASSERT_OK(vdev_set_state(g->dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, TXQ,
				 us));
	for (i = 0; i < n; i++) {
		/* From here on it polls. */
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
		ASSERT_OK_AT(nl_reset(&self->nl, self->id, TXQ), "%u", i);
		ASSERT_OK_AT(nl_ring(&self->nl, self->id, TXQ, 1, &self->m),
			     "%u", i);
		ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
	}
}

/* What was received says so, and a look changes nothing. */
TEST_F(running, ring_of_receive)
{
	struct guest *g = &self->g;
	static struct guest_frame f;
	unsigned int i;

	guest_refill(g, 8, 2048);
	for (i = 0; i < 8; i++) {
		ASSERT_OK(nl_ring(&self->nl, self->id, RXQ, 4, &self->m));
		ASSERT_OK(guest_inject(g, 100 + i, i));
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(frame_is(f.data, f.len, i));
	}
	ASSERT_OK(nl_ring(&self->nl, self->id, RXQ, 4, &self->m));
	ASSERT_EQ(4, self->m.nused);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(g->hdr_len + 104 + i,
			  self->m.used[i].num[VHOST_ALT_ENTRY_LEN]);
		ASSERT_EQ(1, self->m.avail[i].ndescs);
		EXPECT_EQ(2048, self->m.avail[i].desc[0][VHOST_ALT_DESC_LEN]);
		EXPECT_EQ(VRING_DESC_F_WRITE,
			  self->m.avail[i].desc[0][VHOST_ALT_DESC_FLAGS]);
	}
	EXPECT_OK(guest_check_alive(g, 0));
}

/* A chain without end, and heads that are none, end somewhere. */
TEST_F(running, ring_of_a_bad_guest)
{
	struct vq *vq = &self->g.vq[TXQ];
	unsigned int i;

	ASSERT_OK(vdev_set_backend(self->g.dev, TXQ, -1));
	for (i = 0; i < vq->num; i++) {
		split_desc(vq)[i].flags = VRING_DESC_F_NEXT;
		split_desc(vq)[i].next = i % 3 ? i : vq->num + i;
		split_avail(vq)->ring[i] = i % 5 ? i : vq->num + i;
	}
	ASSERT_OK(nl_ring(&self->nl, self->id, TXQ, 64, &self->m));
	ASSERT_EQ(64, self->m.navail);
	for (i = 0; i < 64; i++) {
		const struct nl_entry *e = &self->m.avail[i];
		__u64 id = e->num[VHOST_ALT_ENTRY_ID];

		EXPECT_EQ(id >= vq->num ? 0 : id % 3 ? NL_DESCS : 1,
			  e->ndescs);
	}
}

/* ---- backends ---- */

static int named(FIXTURE_DATA(running) *self, const char *name)
{
	unsigned int i;

	for (i = 0; i < NR_VQS; i++) {
		if (see(self, i) || strcmp(name, TEXT(IFNAME)) ||
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
	ASSERT_OK(see(self, TXQ));
	EXPECT_FALSE(HAS(IFNAME));
	ASSERT_OK(see(self, RXQ));
	EXPECT_STREQ(g->ifname, TEXT(IFNAME));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
	EXPECT_OK(named(self, ""));
}

TEST_F(running, interface_index)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(see(self, i));
		EXPECT_TRUE(HAS(IFINDEX));
		EXPECT_EQ(if_nametoindex(g->ifname), NUM(IFINDEX));
		ASSERT_OK(vdev_set_backend(g->dev, i, -1));
		ASSERT_OK(see(self, i));
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

/* ---- the device IOTLB ---- */

/* The guest anew, behind an IOMMU; its device knows where the used rings begin. */
static int iotlb_guest(FIXTURE_DATA(running) *self, struct iotlb *t)
{
	struct iotlb_cfg icfg = { .v2 = true, .grain = IOTLB_PAGE };
	struct guest *g = &self->g;
	struct guest_cfg cfg = {
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
	ASSERT_OK(see(self, TXQ));
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_IOTLB_MISS);
	/* The guest's addresses are what the owner gave. */
	EXPECT_EQ(g->vq[TXQ].gpa[VQ_DESC], NUM(DESC_ADDR));
	EXPECT_EQ(g->vq[TXQ].gpa[VQ_AVAIL], NUM(AVAIL_ADDR));
	EXPECT_EQ(g->vq[TXQ].gpa[VQ_USED], NUM(USED_ADDR));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(iotlb_wait(g->dev, true, &miss));
	ASSERT_OK(see(self, TXQ));
	EXPECT_TRUE(NUM(STATE) & VHOST_ALT_QUEUE_IOTLB_MISS);
	/* A ring whose place is not known cannot be shown. */
	EXPECT_NE(0, nl_ring(&self->nl, self->id, TXQ, 1, &self->m));
	ASSERT_OK(iotlb_answer(&t, miss.iova));
	ASSERT_OK(iotlb_serve(&t));
	EXPECT_TRUE(wait_until(!see(self, TXQ) &&
			       !(NUM(STATE) & VHOST_ALT_QUEUE_IOTLB_MISS)));
	ASSERT_OK(iotlb_unserve(&t));
	ASSERT_OK(guest_set_backend(g, -1));
	iotlb_free(&t);
}

/* A ring that is stopped waits for nothing, whether it has been heard or not. */
TEST_F(running, iotlb_miss_of_a_stopped_ring)
{
	struct vhost_iotlb_msg miss;
	struct guest *g = &self->g;
	struct iotlb t;
	bool heard;
	int i;

	ASSERT_OK(iotlb_guest(self, &t));
	for (i = 0; i < 2; i++) {
		heard = i;
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
		ASSERT_THAT(wait_until(!see(self, TXQ) &&
				       NUM(STATE) & VHOST_ALT_QUEUE_IOTLB_MISS));
		if (heard)
			ASSERT_OK(iotlb_wait(g->dev, true, &miss));
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
		ASSERT_OK(see(self, TXQ));
		EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_IOTLB_MISS) {
			TH_LOG("heard: %d", heard);
		}
	}
	iotlb_free(&t);
}

/* ---- notifications ---- */

FIXTURE(events)
{
	struct nl here, top, aside;
	struct guest g;
	struct nl_msg m;
};

FIXTURE_SETUP(events)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE,
		.no_tap = true,
	};
	int initial, other;

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	initial = initial_netns();
	other = other_netns();
	ASSERT_GE(initial, 0);
	ASSERT_GE(other, 0);
	ASSERT_OK(guest_init(&self->g, &cfg));
	ASSERT_OK(guest_open_tap(&self->g));
	ASSERT_OK(nl_open(&self->here));
	ASSERT_OK(nl_open_in(&self->top, initial));
	ASSERT_OK(nl_open_in(&self->aside, other));
	ASSERT_OK(nl_listen(&self->here));
	ASSERT_OK(nl_listen(&self->top));
	ASSERT_OK(nl_listen(&self->aside));
	close(initial);
	close(other);
}

FIXTURE_TEARDOWN(events)
{
	nl_close(&self->here);
	nl_close(&self->top);
	nl_close(&self->aside);
	guest_stop(&self->g);
}

/* What the next event is, which must be the same here and in the initial one. */
static int told_of(FIXTURE_DATA(events) *self, int *cmd, __u32 *queue)
{
	static const char * const name[NR_VQS] = { "rx", "tx" };
	static struct nl_msg other;
	struct nl_msg *m = &self->m;
	int err;

	err = nl_event(&self->here, m);
	if (!err)
		err = nl_event(&self->top, &other);
	if (err)
		return err;
	*cmd = m->cmd;
	*queue = HAS(QUEUE) ? NUM(QUEUE) : NL_NONE;
	if (memcmp(m, &other, sizeof(other)) || HAS(QUEUE) != HAS(QUEUE_NAME))
		return -EBADMSG;
	if (HAS(QUEUE) && (*queue >= NR_VQS ||
			   strcmp(TEXT(QUEUE_NAME), name[*queue])))
		return -EBADMSG;
	return 0;
}

/* The next event must be this one. */
static int told(FIXTURE_DATA(events) *self, int cmd, __u32 queue)
{
	__u32 of;
	int err, what;

	err = told_of(self, &what, &of);
	if (err)
		return err;
	if (what == cmd && of == queue)
		return 0;
	fprintf(stderr, "# event %d, queue %d\n", what, (int)of);
	return -EBADMSG;
}

static int told_nothing(FIXTURE_DATA(events) *self)
{
	if (nl_event_now(&self->here, &self->m) != -EAGAIN ||
	    nl_event_now(&self->top, &self->m) != -EAGAIN ||
	    nl_event_now(&self->aside, &self->m) != -EAGAIN)
		return -EBADMSG;
	return 0;
}

TEST_F(events, life_of_a_device)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	unsigned int i, closed = 0, removed = 0;
	__u32 id, queue;
	char comm[32];
	struct nl nl;
	int cmd;

	own_comm(comm, sizeof(comm));
	ASSERT_OK(guest_open_dev(g));
	ASSERT_OK(nl_open(&nl));
	ASSERT_OK(nl_newest(&nl, &id));
	nl_close(&nl);
	ASSERT_OK(told(self, VHOST_ALT_CMD_DEV_OPEN_NTF, NL_NONE));
	EXPECT_EQ(id, NUM(DEV_ID));
	EXPECT_FALSE(HAS(PID));

	ASSERT_OK(guest_set_backend(g, g->tap));
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(told(self, VHOST_ALT_CMD_BACKEND_SET_NTF, i));
		EXPECT_EQ(id, NUM(DEV_ID));
		EXPECT_EQ(getpid(), NUM(PID));
		EXPECT_STREQ(comm, TEXT(COMM));
		EXPECT_STREQ(g->ifname, TEXT(IFNAME));
	}
	/* The same one again is no news. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(told_nothing(self));

	split_avail(vq)->idx += vq->num + 1;
	vq_kick(vq);
	ASSERT_OK(told(self, VHOST_ALT_CMD_RING_ERROR_NTF, TXQ));
	EXPECT_EQ(id, NUM(DEV_ID));
	EXPECT_STREQ(g->ifname, TEXT(IFNAME));

	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(told(self, VHOST_ALT_CMD_BACKEND_REMOVED_NTF, TXQ));
	EXPECT_EQ(id, NUM(DEV_ID));
	EXPECT_STREQ(g->ifname, TEXT(IFNAME));
	/* Nor is it that there is none where none was. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(told_nothing(self));

	/* Closing takes the other one away, before or after it is told. */
	close(g->dev);
	g->dev = -1;
	for (i = 0; i < 2; i++) {
		ASSERT_OK(told_of(self, &cmd, &queue));
		EXPECT_EQ(id, NUM(DEV_ID));
		EXPECT_EQ(getpid(), NUM(PID));
		closed += cmd == VHOST_ALT_CMD_DEV_CLOSE_NTF &&
			  queue == NL_NONE;
		removed += cmd == VHOST_ALT_CMD_BACKEND_REMOVED_NTF &&
			   queue == RXQ;
	}
	EXPECT_EQ(1, closed);
	EXPECT_EQ(1, removed);
	ASSERT_OK(told_nothing(self));
}

TEST_F(events, reset_owner)
{
	struct guest *g = &self->g;

	ASSERT_OK(guest_open_dev(g));
	ASSERT_OK(told(self, VHOST_ALT_CMD_DEV_OPEN_NTF, NL_NONE));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
	ASSERT_OK(told(self, VHOST_ALT_CMD_BACKEND_SET_NTF, RXQ));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(told(self, VHOST_ALT_CMD_BACKEND_REMOVED_NTF, RXQ));
	ASSERT_OK(told_nothing(self));
}

/* Another backend in a running queue's place, and one that cannot be had. */
TEST_F(events, other_backend)
{
	struct guest *g = &self->g;
	int tap;

	ASSERT_OK(guest_open_dev(g));
	ASSERT_OK(told(self, VHOST_ALT_CMD_DEV_OPEN_NTF, NL_NONE));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(told(self, VHOST_ALT_CMD_BACKEND_SET_NTF, TXQ));
	tap = tap_open("tap7", IFF_TAP | IFF_NO_PI);
	ASSERT_GE(tap, 0);
	EXPECT_ERR(ENOTSOCK, vdev_set_backend(g->dev, TXQ, g->dev));
	ASSERT_OK(told_nothing(self));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, tap));
	ASSERT_OK(told(self, VHOST_ALT_CMD_BACKEND_SET_NTF, TXQ));
	EXPECT_STREQ("tap7", TEXT(IFNAME));
	ASSERT_OK(told_nothing(self));
	close(tap);
}

VHOST_TEST_MAIN
