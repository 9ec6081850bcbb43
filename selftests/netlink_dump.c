// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: dumps of many devices, whole and filtered, and while devices are
 * opened and closed.
 */
#include <pthread.h>

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

#define MANY	200

/* How often each device, or each of its queues, was seen. */
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

TEST_F(device, dump_of_many_devices)
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
	/*
	 * Both queues of one device, and none of a device that does not exist.
	 */
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

/* Open and close devices, some with an owner, until told to stop. */
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

/*
 * Each device that stays open is in each dump that was not interrupted, exactly
 * once.
 */
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

TEST_F(device, dumps_while_devices_open_and_close)
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
			       "round %u, %s", i,
			       err ? "interrupted" : "whole");
	}
	__atomic_store_n(&stop_churn, 1, __ATOMIC_RELAXED);
	for (i = 0; i < CHURNERS; i++)
		pthread_join(thread[i], NULL);
	TH_LOG("%u of %u dumps interrupted", interrupted, rounds);
	/* Nothing changes now: the dump is complete, and has no others. */
	memset(&c, 0, sizeof(c));
	ASSERT_OK(nl_dump(&nl, VHOST_ALT_CMD_DEV_GET, NL_NONE, enroll, &c));
	EXPECT_TRUE(complete(&c, STAYING + 1, VHOST_ALT_CMD_DEV_GET));
	nl_close(&nl);
	for (i = 0; i < STAYING; i++)
		close(fd[i]);
}

VHOST_TEST_MAIN
