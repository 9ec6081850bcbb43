// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: notifications of devices that are opened and closed, of backends and
 * of rings that stop at an error, and which network namespaces get them.
 */
#include "nl_guest.h"
#include "test.h"
#include "vq_split.h"

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

/*
 * Get the next event, which must be the same here and in the initial network
 * namespace.
 */
static int next_event(FIXTURE_DATA(events) *self, int *cmd, __u32 *queue)
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

/* Check that the next event is @cmd of @queue. */
static int expect_event(FIXTURE_DATA(events) *self, int cmd, __u32 queue)
{
	__u32 of;
	int err, what;

	err = next_event(self, &what, &of);
	if (err)
		return err;
	if (what == cmd && of == queue)
		return 0;
	fprintf(stderr, "# event %d, queue %d\n", what, (int)of);
	return -EBADMSG;
}

static int no_event(FIXTURE_DATA(events) *self)
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
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_DEV_OPEN_NTF, NL_NONE));
	EXPECT_EQ(id, NUM(DEV_ID));
	EXPECT_FALSE(HAS(PID));

	ASSERT_OK(guest_set_backend(g, g->tap));
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(expect_event(self, VHOST_ALT_CMD_BACKEND_SET_NTF, i));
		EXPECT_EQ(id, NUM(DEV_ID));
		/* Listeners may be in any pid namespace. */
		EXPECT_FALSE(HAS(PID));
		EXPECT_STREQ(comm, TEXT(COMM));
		EXPECT_STREQ(g->ifname, TEXT(IFNAME));
	}
	/* Setting the same backend again is not notified. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(no_event(self));

	split_avail(vq)->idx += vq->num + 1;
	vq_kick(vq);
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_RING_ERROR_NTF, TXQ));
	EXPECT_EQ(id, NUM(DEV_ID));
	EXPECT_STREQ(g->ifname, TEXT(IFNAME));

	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_BACKEND_REMOVED_NTF, TXQ));
	EXPECT_EQ(id, NUM(DEV_ID));
	EXPECT_STREQ(g->ifname, TEXT(IFNAME));
	/* Nor is removing a backend where there is none. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(no_event(self));

	/*
	 * Closing also removes the other backend; either event may come first.
	 */
	close(g->dev);
	g->dev = -1;
	for (i = 0; i < 2; i++) {
		ASSERT_OK(next_event(self, &cmd, &queue));
		EXPECT_EQ(id, NUM(DEV_ID));
		EXPECT_FALSE(HAS(PID));
		EXPECT_STREQ(comm, TEXT(COMM));
		closed += cmd == VHOST_ALT_CMD_DEV_CLOSE_NTF &&
			  queue == NL_NONE;
		removed += cmd == VHOST_ALT_CMD_BACKEND_REMOVED_NTF &&
			   queue == RXQ;
	}
	EXPECT_EQ(1, closed);
	EXPECT_EQ(1, removed);
	ASSERT_OK(no_event(self));
}

TEST_F(events, reset_owner)
{
	struct guest *g = &self->g;

	ASSERT_OK(guest_open_dev(g));
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_DEV_OPEN_NTF, NL_NONE));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_BACKEND_SET_NTF, RXQ));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_BACKEND_REMOVED_NTF, RXQ));
	ASSERT_OK(no_event(self));
}

/* Both namespaces that see the device learn that a queue changed. */
TEST_F(events, queue_changed)
{
	struct guest *g = &self->g;
	struct nl nl;
	__u32 id;

	ASSERT_OK(guest_open_dev(g));
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_DEV_OPEN_NTF, NL_NONE));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_BACKEND_SET_NTF, RXQ));
	ASSERT_OK(nl_open(&nl));
	ASSERT_OK(nl_newest(&nl, &id));
	ASSERT_OK(nl_set(&nl, id, RXQ, NL_NONE, 7));
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_QUEUE_CHANGED_NTF, RXQ));
	EXPECT_EQ(id, NUM(DEV_ID));
	EXPECT_STREQ(g->ifname, TEXT(IFNAME));
	EXPECT_EQ(0, NUM(BUSYLOOP));
	EXPECT_EQ(7, NUM(MODERATION));
	ASSERT_OK(no_event(self));
	nl_close(&nl);
}

/* Replace the backend of a running queue, first by one that is refused. */
TEST_F(events, backend_replaced)
{
	struct guest *g = &self->g;
	int tap;

	ASSERT_OK(guest_open_dev(g));
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_DEV_OPEN_NTF, NL_NONE));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_BACKEND_SET_NTF, TXQ));
	tap = tap_open("tap7", IFF_TAP | IFF_NO_PI);
	ASSERT_GE(tap, 0);
	EXPECT_ERR(ENOTSOCK, vdev_set_backend(g->dev, TXQ, g->dev));
	ASSERT_OK(no_event(self));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, tap));
	ASSERT_OK(expect_event(self, VHOST_ALT_CMD_BACKEND_SET_NTF, TXQ));
	EXPECT_STREQ("tap7", TEXT(IFNAME));
	ASSERT_OK(no_event(self));
	close(tap);
}

VHOST_TEST_MAIN
