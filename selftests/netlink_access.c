// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: access rights of a client without privilege, of the root of a user
 * namespace, and of clients in other network namespaces.
 */
#include <sched.h>
#include <sys/wait.h>

#include "nl_guest.h"
#include "test.h"

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

/* Call nl_look() without CAP_NET_ADMIN. */
static int look_unprivileged(FIXTURE_DATA(device) *self, __u32 queue)
{
	struct nl nl;
	int err;

	err = net_admin(false);
	if (err)
		return err;
	err = nl_open(&nl);
	if (!err) {
		err = nl_look(&nl, self->id, queue, &self->m);
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
	ASSERT_OK(LOOK(TXQ));
	EXPECT_TRUE(HAS(DESC_ADDR) && HAS(AVAIL_ADDR) && HAS(USED_ADDR));

	ASSERT_OK(look_unprivileged(self, NL_NONE));
	EXPECT_EQ(4, NUM(REGIONS));
	ASSERT_OK(look_unprivileged(self, TXQ));
	EXPECT_FALSE(HAS(DESC_ADDR) || HAS(AVAIL_ADDR) || HAS(USED_ADDR));
	EXPECT_TRUE(HAS(COUNTERS) && HAS(DROPS) && HAS(BATCH_SIZES));
	EXPECT_EQ(g->vq[TXQ].num, NUM(SIZE));

	ASSERT_OK(net_admin(false));
	ASSERT_OK(nl_open(&nl));
	EXPECT_ERR(EPERM, nl_reset(&nl, self->id, NL_NONE));
	EXPECT_ERR(EPERM, nl_reset(&nl, self->id, TXQ));
	EXPECT_ERR(EPERM, nl_ring(&nl, self->id, TXQ, 1, &self->m));
	EXPECT_ERR(EPERM, nl_set(&nl, self->id, RXQ, 7, 8));
	EXPECT_ERR(EPERM, nl_set(&nl, self->id, NL_NONE, 7, NL_NONE));
	EXPECT_ERR(EPERM, nl_set_workers(&nl, self->id, NR_VQS));
	/*
	 * A socket opened with the privilege does not help after dropping it.
	 */
	EXPECT_ERR(EPERM, nl_reset(&self->nl, self->id, NL_NONE));
	EXPECT_ERR(EPERM, nl_ring(&self->nl, self->id, TXQ, 1, &self->m));
	EXPECT_ERR(EPERM, nl_set(&self->nl, self->id, RXQ, 7, 8));
	EXPECT_ERR(EPERM, nl_set_workers(&self->nl, self->id, NR_VQS));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_FALSE(HAS(WORKERS_PENDING));
	ASSERT_OK(LOOK(RXQ));
	EXPECT_EQ(0, NUM(BUSYLOOP));
	EXPECT_FALSE(HAS(MODERATION));
	ASSERT_OK(LOOK(TXQ));
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

/* The root of a user namespace has all privileges over its own devices. */
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
	if (nl_set(&nl, id, NL_NONE, 7, 8))
		return 6;
	/* There is no ring to show yet, but the error is not EPERM. */
	return nl_ring(&nl, id, TXQ, 1, &m) == -EINVAL ? 0 : 7;
}

TEST_F(device, root_of_a_user_namespace)
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
		SKIP(return, "this kernel allows no user namespaces");
	EXPECT_EQ(0, WEXITSTATUS(status));
}

static void find_id(const struct nl_msg *m, void *data)
{
	__u32 *id = data;

	if (m->num[VHOST_ALT_A_DEV_ID] == id[0])
		id[1]++;
}

/* How often a dump shows the device: once, or twice in a dump of queues. */
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
	EXPECT_OK(nl_set(&top, self->id, RXQ, 7, 8));
	EXPECT_ERR(ENODEV, nl_dev(&aside, self->id, &self->m));
	EXPECT_ERR(ENODEV, nl_queue(&aside, self->id, TXQ, &self->m));
	EXPECT_ERR(ENODEV, nl_reset(&aside, self->id, NL_NONE));
	EXPECT_ERR(ENODEV, nl_ring(&aside, self->id, TXQ, 1, &self->m));
	EXPECT_ERR(ENODEV, nl_set(&aside, self->id, RXQ, 9, 9));
	ASSERT_OK(LOOK(RXQ));
	EXPECT_EQ(7, NUM(BUSYLOOP));
	EXPECT_EQ(8, NUM(MODERATION));
	nl_close(&top);
	nl_close(&aside);
	close(initial);
	close(other);
}

/* A device stays in the namespace where it was opened, whatever its owner's. */
TEST_F(device, stays_in_the_namespace_of_its_opener)
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

VHOST_TEST_MAIN
