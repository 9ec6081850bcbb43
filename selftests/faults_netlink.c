// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let memory run out, or a copy from or to user memory fail, at each place of
 * each netlink request in turn, and at each place of the commands that send
 * notifications. The request fails with a documented errno, and the next one
 * gets the right answer; the device keeps working and can be closed. Needs
 * CONFIG_FAULT_INJECTION.
 */
#include <unistd.h>

#include "fault.h"
#include "nl_guest.h"
#include "test.h"

#define RING		64

FIXTURE(fault_nl)
{
	struct nl nl;
	struct nl asker;	/* for requests beside events */
	struct guest g;
	__u32 id;
	struct nl_msg m;
	int knob;
	__u64 packets;		/* as the test knows them, since a reset */
	unsigned int seen;	/* messages of a dump */
	int fd;
};

FIXTURE_SETUP(fault_nl)
{
	struct guest_cfg cfg = {
		.features = F_MODERN,
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
		.ind_max = 4,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	self->fd = -1;
	self->knob = fault_knob_open(gettid());
	ASSERT_GE(self->knob, 0);
	fault_set_knobs();
	ASSERT_OK(nl_guest_start(&self->g, &cfg, &self->nl, &self->id));
	ASSERT_OK(nl_open(&self->asker));
	ASSERT_OK(guest_check_alive(&self->g, 0));
	ASSERT_OK(nl_queue(&self->nl, self->id, TXQ, &self->m));
	self->packets = self->m.counter[VHOST_ALT_COUNTER_PACKETS];
}

/* Closing waits for requests in progress: one that failed must not be one. */
FIXTURE_TEARDOWN(fault_nl)
{
	__u32 id;

	guest_stop(&self->g);
	EXPECT_ERR(ENODEV, nl_newest(&self->nl, &id));
	nl_close(&self->nl);
	nl_close(&self->asker);
	close(self->knob);
}

struct request {
	int (*ask)(FIXTURE_DATA(fault_nl) *self);
	/* Check a good answer. */
	bool (*check)(FIXTURE_DATA(fault_nl) *self);
};

/*
 * ENOBUFS: the answer did not fit into the socket for lack of memory. EMSGSIZE:
 * a part of a dump found no memory to grow into.
 */
static bool documented(int err)
{
	return err == -ENOMEM || err == -EFAULT || err == -ENOBUFS ||
	       err == -EMSGSIZE;
}

/* A socket may have the rest of an answer, or an error to report. */
static int new_socket(FIXTURE_DATA(fault_nl) *self)
{
	nl_close(&self->nl);
	return nl_open(&self->nl);
}

static int ask_well(FIXTURE_DATA(fault_nl) *self, const struct request *r)
{
	int err = r->ask(self);

	if (!err && !r->check(self))
		err = -EBADMSG;
	return err;
}

static int fail_everywhere(FIXTURE_DATA(fault_nl) *self,
			   const struct request *r)
{
	unsigned int n, left;
	int err;

	for (n = 1; n < FAULTS_MAX; n++) {
		err = fault_knob_arm(self->knob, n);
		if (err)
			return err;
		err = r->ask(self);
		left = fault_knob_disarm(self->knob);
		if (err && (left || !documented(err))) {
			fprintf(stderr, "# fault %u%s: %s\n", n,
				left ? " (not injected)" : "", strerror(-err));
			return err;
		}
		if (!err && !r->check(self))
			err = -EBADMSG;
		else
			err = new_socket(self);
		if (!err)
			err = ask_well(self, r);
		if (err) {
			fprintf(stderr, "# after fault %u: %s\n", n,
				strerror(-err));
			return err;
		}
		if (left)
			return n - 1;
	}
	return -ELOOP;
}

#define EXPECT_FAULTS(...)						\
	do {								\
		const struct request __r = { __VA_ARGS__ };		\
		int __n = fail_everywhere(self, &__r);			\
									\
		ASSERT_OK(__n < 0 ? __n : 0);				\
		EXPECT_LT(0, __n);					\
		fault_report(_metadata->name, __n);			\
		EXPECT_OK(guest_check_alive(&self->g, __n));		\
	} while (0)

static int ask_dev(FIXTURE_DATA(fault_nl) *self)
{
	return nl_dev(&self->nl, self->id, &self->m);
}

static bool is_our_dev(FIXTURE_DATA(fault_nl) *self)
{
	return self->m.num[VHOST_ALT_A_DEV_ID] == self->id &&
	       self->m.num[VHOST_ALT_A_PID] == getpid() &&
	       self->m.num[VHOST_ALT_A_QUEUES] == NR_VQS &&
	       self->m.nworkers;
}

TEST_F(fault_nl, dev)
{
	EXPECT_FAULTS(ask_dev, is_our_dev);
}

static int ask_queue(FIXTURE_DATA(fault_nl) *self)
{
	return nl_queue(&self->nl, self->id, TXQ, &self->m);
}

static bool is_our_queue(FIXTURE_DATA(fault_nl) *self)
{
	return self->m.num[VHOST_ALT_A_DEV_ID] == self->id &&
	       self->m.num[VHOST_ALT_A_QUEUE] == TXQ &&
	       self->m.counter[VHOST_ALT_COUNTER_PACKETS] == self->packets;
}

TEST_F(fault_nl, queue)
{
	EXPECT_FAULTS(ask_queue, is_our_queue);
}

static int ask_ring(FIXTURE_DATA(fault_nl) *self)
{
	return nl_ring(&self->nl, self->id, TXQ, 16, &self->m);
}

static bool is_our_ring(FIXTURE_DATA(fault_nl) *self)
{
	return self->m.navail == 16 && self->m.nused == 16 &&
	       self->m.avail[0].ndescs == 1;
}

/* Entries whose descriptors could not be read are an answer too. */
static bool is_a_ring(FIXTURE_DATA(fault_nl) *self)
{
	return self->m.num[VHOST_ALT_A_DEV_ID] == self->id;
}

TEST_F(fault_nl, ring)
{
	EXPECT_FAULTS(ask_ring, is_a_ring);
	ASSERT_OK(ask_ring(self));
	EXPECT_TRUE(is_our_ring(self));
}

static void count_msg(const struct nl_msg *m, void *data)
{
	FIXTURE_DATA(fault_nl) *self = data;

	if (m->num[VHOST_ALT_A_DEV_ID] == self->id)
		self->seen++;
}

static int ask_all_devs(FIXTURE_DATA(fault_nl) *self)
{
	self->seen = 0;
	return nl_dump(&self->nl, VHOST_ALT_CMD_DEV_GET, NL_NONE, count_msg,
		       self);
}

static bool has_one(FIXTURE_DATA(fault_nl) *self)
{
	return self->seen == 1;
}

TEST_F(fault_nl, dump_devs)
{
	EXPECT_FAULTS(ask_all_devs, has_one);
}

static int ask_all_queues(FIXTURE_DATA(fault_nl) *self)
{
	self->seen = 0;
	return nl_dump(&self->nl, VHOST_ALT_CMD_QUEUE_GET, NL_NONE, count_msg,
		       self);
}

static bool has_all_queues(FIXTURE_DATA(fault_nl) *self)
{
	return self->seen == NR_VQS;
}

TEST_F(fault_nl, dump_queues)
{
	EXPECT_FAULTS(ask_all_queues, has_all_queues);
}

static int ask_our_queues(FIXTURE_DATA(fault_nl) *self)
{
	self->seen = 0;
	return nl_dump(&self->nl, VHOST_ALT_CMD_QUEUE_GET, self->id, count_msg,
		       self);
}

TEST_F(fault_nl, dump_queues_of_one)
{
	EXPECT_FAULTS(ask_our_queues, has_all_queues);
}

static int ask_reset(FIXTURE_DATA(fault_nl) *self)
{
	return nl_reset(&self->nl, self->id, NL_NONE);
}

/* Without faults: a socket with an error to report would spoil the next one. */
static bool is_reset(FIXTURE_DATA(fault_nl) *self)
{
	return !new_socket(self) && !ask_queue(self) &&
	       !self->m.counter[VHOST_ALT_COUNTER_PACKETS];
}

TEST_F(fault_nl, reset)
{
	EXPECT_FAULTS(ask_reset, is_reset);
}

static int ask_set(FIXTURE_DATA(fault_nl) *self)
{
	return nl_set(&self->nl, self->id, NL_NONE, 7, 8);
}

static bool is_set(FIXTURE_DATA(fault_nl) *self)
{
	return !new_socket(self) && !ask_queue(self) &&
	       self->m.num[VHOST_ALT_A_BUSYLOOP] == 7 &&
	       !nl_queue(&self->nl, self->id, RXQ, &self->m) &&
	       self->m.num[VHOST_ALT_A_MODERATION] == 8;
}

TEST_F(fault_nl, set)
{
	EXPECT_FAULTS(ask_set, is_set);
}

/* ---- commands that send notifications, which may be lost ---- */

static int run_backends(FIXTURE_DATA(fault_nl) *self)
{
	int err = guest_set_backend(&self->g, -1);

	return err ?: guest_set_backend(&self->g, self->g.tap);
}

static int run_set(FIXTURE_DATA(fault_nl) *self)
{
	static __u32 us;

	us = !us;
	return nl_set(&self->asker, self->id, NL_NONE, us, us);
}

static int run_open(FIXTURE_DATA(fault_nl) *self)
{
	int fd = vdev_open();

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Take all that has come: only what was sent, whole. */
static int take_events(FIXTURE_DATA(fault_nl) *self)
{
	int err;

	do {
		err = nl_event_now(&self->nl, &self->m);
		if (err == -ENOBUFS)
			err = 0;
	} while (!err);
	return err == -EAGAIN ? 0 : err;
}

static int fail_notifying(FIXTURE_DATA(fault_nl) *self,
			  int (*run)(FIXTURE_DATA(fault_nl) *self))
{
	unsigned int n, left = 0;
	int err = nl_listen(&self->nl);

	for (n = 1; !err && !left && n < FAULTS_MAX; n++) {
		err = fault_knob_arm(self->knob, n);
		if (err)
			break;
		err = run(self);
		left = fault_knob_disarm(self->knob);
		if (err && (left || !documented(err)))
			break;
		/* Whatever has failed: both rings run again. */
		err = guest_set_backend(&self->g, self->g.tap);
		if (!err)
			err = take_events(self);
		if (!err)
			err = guest_check_alive(&self->g, n);
		if (err)
			fprintf(stderr, "# after fault %u\n", n);
	}
	return err ?: (int)n - 2;
}

TEST_F(fault_nl, backend_with_listener)
{
	int n = fail_notifying(self, run_backends);

	ASSERT_LT(0, n);
	fault_report(_metadata->name, n);
}

/* Without a listener the request needs less memory. */
TEST_F(fault_nl, set_with_listener)
{
	int n = fail_notifying(self, run_set);

	ASSERT_LT(0, n);
	fault_report(_metadata->name, n);
}

TEST_F(fault_nl, open_with_listener)
{
	int n = fail_notifying(self, run_open);

	ASSERT_LT(0, n);
	fault_report(_metadata->name, n);
}

FAULT_TEST_MAIN
