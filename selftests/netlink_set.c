// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: queues that are set to poll, or to let packets gather: which values
 * are accepted, what is shown and reported, and that the queue does so.
 */
#include "nl_guest.h"
#include "stream.h"
#include "test.h"

/* Initial values of rx_moderation and adaptive_poll. */
#define USUAL_US	20
#define USUAL_POLL_US	50

/* ---- settings ---- */

FIXTURE(setting)
{
	struct nl nl, events;
	struct guest g;
	__u32 id;
	struct nl_msg m;
};

FIXTURE_SETUP(setting)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE,
		.no_tap = true,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	ASSERT_OK(nl_guest_open(&self->g, &cfg, &self->nl, &self->id));
	ASSERT_OK(nl_open(&self->events));
	ASSERT_OK(nl_listen(&self->events));
}

FIXTURE_TEARDOWN(setting)
{
	nl_close(&self->events);
	nl_close(&self->nl);
	guest_stop(&self->g);
}

#define SET(queue, busyloop, moderation)				\
	nl_set(&self->nl, self->id, queue, busyloop, moderation)

/* Compare what an answer or an event says with the times; NL_DEFAULT: none. */
static int compare(const struct nl_msg *m, __u32 busyloop, __u32 moderation)
{
	__u32 shown = NL_DEFAULT;

	if (m->has[VHOST_ALT_A_MODERATION])
		shown = m->num[VHOST_ALT_A_MODERATION];
	if (m->num[VHOST_ALT_A_BUSYLOOP] == busyloop && shown == moderation)
		return 0;
	fprintf(stderr, "# busyloop %llu, moderation %d\n",
		m->num[VHOST_ALT_A_BUSYLOOP], shown);
	return -EBADMSG;
}

static int shows(FIXTURE_DATA(setting) *self, __u32 queue, __u32 busyloop,
		 __u32 moderation)
{
	return LOOK(queue) ?: compare(&self->m, busyloop, moderation);
}

/* The next event reports @queue, with these times. */
static int reports(FIXTURE_DATA(setting) *self, __u32 queue, __u32 busyloop,
		   __u32 moderation)
{
	int err = nl_event(&self->events, &self->m);

	if (err)
		return err;
	if (self->m.cmd != VHOST_ALT_CMD_QUEUE_CHANGED_NTF ||
	    NUM(DEV_ID) != self->id || NUM(QUEUE) != queue)
		return -EBADMSG;
	return compare(&self->m, busyloop, moderation);
}

static int reports_nothing(FIXTURE_DATA(setting) *self)
{
	return nl_event_now(&self->events, &self->m) == -EAGAIN ? 0 : -EBADMSG;
}

/* The polling time as the owner sees it; ~0 also means failure. */
static __u32 owners_timeout(int dev, __u32 queue)
{
	struct vhost_vring_state s = { .index = queue };

	if (vdev_cmd(dev, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &s))
		return ~0U;
	return s.num;
}

TEST_F(setting, each_queue)
{
	ASSERT_OK(shows(self, RXQ, 0, NL_DEFAULT));
	ASSERT_OK(shows(self, TXQ, 0, NL_DEFAULT));
	ASSERT_OK(SET(RXQ, 11, 12));
	ASSERT_OK(SET(TXQ, 13, NL_NONE));
	EXPECT_OK(shows(self, RXQ, 11, 12));
	EXPECT_OK(shows(self, TXQ, 13, NL_DEFAULT));
	ASSERT_OK(SET(RXQ, VHOST_ALT_BUSYLOOP_MAX, VHOST_ALT_MODERATION_MAX));
	EXPECT_OK(shows(self, RXQ, VHOST_ALT_BUSYLOOP_MAX,
			VHOST_ALT_MODERATION_MAX));
	ASSERT_OK(SET(RXQ, 0, 0));
	EXPECT_OK(shows(self, RXQ, 0, 0));
	ASSERT_OK(SET(RXQ, NL_NONE, NL_DEFAULT));
	EXPECT_OK(shows(self, RXQ, 0, NL_DEFAULT));
}

/* A transmit queue has no time of moderation, and is left out. */
TEST_F(setting, all_queues)
{
	ASSERT_OK(SET(NL_NONE, 21, 22));
	EXPECT_OK(shows(self, RXQ, 21, 22));
	EXPECT_OK(shows(self, TXQ, 21, NL_DEFAULT));
	ASSERT_OK(SET(NL_NONE, NL_NONE, NL_DEFAULT));
	EXPECT_OK(shows(self, RXQ, 21, NL_DEFAULT));
	EXPECT_OK(shows(self, TXQ, 21, NL_DEFAULT));
}

TEST_F(setting, what_is_absent_stays)
{
	ASSERT_OK(SET(RXQ, 31, 32));
	ASSERT_OK(SET(RXQ, 33, NL_NONE));
	EXPECT_OK(shows(self, RXQ, 33, 32));
	ASSERT_OK(SET(RXQ, NL_NONE, 34));
	EXPECT_OK(shows(self, RXQ, 33, 34));
	ASSERT_OK(SET(RXQ, NL_NONE, NL_DEFAULT));
	EXPECT_OK(shows(self, RXQ, 33, NL_DEFAULT));
}

/* The owner's command writes the same number. */
TEST_F(setting, last_polling_time_counts)
{
	int dev = self->g.dev;

	ASSERT_OK(SET(TXQ, 41, NL_NONE));
	ASSERT_OK(vdev_set_owner(dev));
	EXPECT_EQ(41, owners_timeout(dev, TXQ));
	ASSERT_OK(vdev_set_state(dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, TXQ,
				 42));
	EXPECT_OK(shows(self, TXQ, 42, NL_DEFAULT));
	ASSERT_OK(SET(TXQ, 43, NL_NONE));
	EXPECT_EQ(43, owners_timeout(dev, TXQ));
	/* The owner may set more than a request. */
	ASSERT_OK(vdev_set_state(dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, TXQ,
				 VHOST_ALT_BUSYLOOP_MAX + 1));
	EXPECT_OK(shows(self, TXQ, VHOST_ALT_BUSYLOOP_MAX + 1, NL_DEFAULT));
}

/* Both times belong to the queue and its owner, not to a run of the ring. */
TEST_F(setting, forgotten_with_the_owner)
{
	struct guest *g = &self->g;

	ASSERT_OK(vdev_set_owner(g->dev));
	ASSERT_OK(SET(NL_NONE, 51, 52));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_RESET_OWNER, NULL));
	EXPECT_OK(shows(self, RXQ, 0, NL_DEFAULT));
	EXPECT_OK(shows(self, TXQ, 0, NL_DEFAULT));
	/* A new owner gets what was set before. */
	ASSERT_OK(SET(RXQ, 53, 54));
	ASSERT_OK(vdev_set_owner(g->dev));
	EXPECT_OK(shows(self, RXQ, 53, 54));
	EXPECT_EQ(53, owners_timeout(g->dev, RXQ));
}

#define SET_ADAPTIVE(queue, us)						\
	nl_set_adaptive_poll(&self->nl, self->id, queue, us)

/* The time of adaptive polling that is shown; NL_DEFAULT: none. */
static __u32 adaptive_shown(FIXTURE_DATA(setting) *self, __u32 queue)
{
	if (LOOK(queue))
		return 0;
	return HAS(ADAPTIVE_POLL) ? NUM(ADAPTIVE_POLL) : NL_DEFAULT;
}

TEST_F(setting, adaptive_polling)
{
	EXPECT_EQ(NL_DEFAULT, adaptive_shown(self, RXQ));
	ASSERT_OK(SET_ADAPTIVE(RXQ, 71));
	EXPECT_EQ(71, adaptive_shown(self, RXQ));
	EXPECT_EQ(NL_DEFAULT, adaptive_shown(self, TXQ));
	ASSERT_OK(SET_ADAPTIVE(NL_NONE, VHOST_ALT_ADAPTIVE_POLL_MAX));
	EXPECT_EQ(VHOST_ALT_ADAPTIVE_POLL_MAX, adaptive_shown(self, RXQ));
	EXPECT_EQ(VHOST_ALT_ADAPTIVE_POLL_MAX, adaptive_shown(self, TXQ));
	ASSERT_OK(SET_ADAPTIVE(TXQ, NL_DEFAULT));
	EXPECT_EQ(NL_DEFAULT, adaptive_shown(self, TXQ));
	/* Other times are not touched, nor do they touch this one. */
	EXPECT_OK(shows(self, TXQ, 0, NL_DEFAULT));
	ASSERT_OK(SET(NL_NONE, 72, 73));
	EXPECT_EQ(VHOST_ALT_ADAPTIVE_POLL_MAX, adaptive_shown(self, RXQ));
	ASSERT_OK(vdev_set_owner(self->g.dev));
	ASSERT_OK(vdev_cmd(self->g.dev, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(NL_DEFAULT, adaptive_shown(self, RXQ));
}

TEST_F(setting, errors_of_adaptive_polling)
{
	ASSERT_OK(SET_ADAPTIVE(TXQ, 81));
	EXPECT_ERR(ERANGE,
		   SET_ADAPTIVE(TXQ, VHOST_ALT_ADAPTIVE_POLL_MAX + 1));
	EXPECT_EQ(VHOST_ALT_A_ADAPTIVE_POLL, self->nl.bad);
	EXPECT_ERR(EINVAL, SET_ADAPTIVE(TXQ, NL_BOTH));
	EXPECT_EQ(VHOST_ALT_A_ADAPTIVE_POLL_DEFAULT, self->nl.bad);
	EXPECT_EQ(81, adaptive_shown(self, TXQ));
	/* One event, of the request that succeeded. */
	ASSERT_OK(nl_event(&self->events, &self->m));
	EXPECT_EQ(81, NUM(ADAPTIVE_POLL));
	EXPECT_OK(reports_nothing(self));
}

/* ---- errors ---- */

static const struct bad_request {
	const char *name;
	__u32 queue, busyloop, moderation;
	int err;
	unsigned int bad;	/* attribute that is named */
} bad_requests[] = {
	{ "nothing", RXQ, NL_NONE, NL_NONE, EINVAL, 0 },
	{ "nothing for all queues", NL_NONE, NL_NONE, NL_NONE, EINVAL, 0 },
	{ "polling for too long", RXQ, VHOST_ALT_BUSYLOOP_MAX + 1, 9, ERANGE,
	  VHOST_ALT_A_BUSYLOOP },
	{ "polling for hours", NL_NONE, 0x80000000, NL_DEFAULT, ERANGE,
	  VHOST_ALT_A_BUSYLOOP },
	{ "gathering for too long", RXQ, 9, VHOST_ALT_MODERATION_MAX + 1,
	  ERANGE, VHOST_ALT_A_MODERATION },
	{ "gathering for an hour", NL_NONE, 9, 0x80000000, ERANGE,
	  VHOST_ALT_A_MODERATION },
	{ "unknown queue", NR_VQS, 9, 9, ENOBUFS, VHOST_ALT_A_QUEUE },
	{ "queue number of 32 bits", 0x80000000, 9, NL_NONE, ENOBUFS,
	  VHOST_ALT_A_QUEUE },
	{ "a time and the default", RXQ, 9, NL_BOTH, EINVAL,
	  VHOST_ALT_A_MODERATION_DEFAULT },
	{ "both for all queues", NL_NONE, 9, NL_BOTH, EINVAL,
	  VHOST_ALT_A_MODERATION_DEFAULT },
	{ "transmit queue that gathers", TXQ, 9, 9, EOPNOTSUPP,
	  VHOST_ALT_A_MODERATION },
	{ "default of a transmit queue", TXQ, 9, NL_DEFAULT, EOPNOTSUPP,
	  VHOST_ALT_A_MODERATION_DEFAULT },
};

/* A request that fails names the attribute, and changes and reports nothing. */
TEST_F(setting, errors)
{
	const struct bad_request *r;
	unsigned int i;

	ASSERT_OK(SET(RXQ, 61, 62));
	ASSERT_OK(SET(TXQ, 63, NL_NONE));
	ASSERT_OK(reports(self, RXQ, 61, 62));
	ASSERT_OK(reports(self, TXQ, 63, NL_DEFAULT));
	for (i = 0; i < ARRAY_SIZE(bad_requests); i++) {
		r = &bad_requests[i];
		ASSERT_THAT_AT(SET(r->queue, r->busyloop, r->moderation) ==
			       -r->err, "%s", r->name);
		ASSERT_THAT_AT(self->nl.bad == r->bad, "%s: %u", r->name,
			       self->nl.bad);
		ASSERT_OK_AT(shows(self, RXQ, 61, 62), "%s", r->name);
		ASSERT_OK_AT(shows(self, TXQ, 63, NL_DEFAULT), "%s", r->name);
	}
	EXPECT_OK(reports_nothing(self));
}

TEST_F(setting, unknown_devices)
{
	EXPECT_ERR(EINVAL, nl_set(&self->nl, NL_NONE, RXQ, 9, 9));
	EXPECT_EQ(VHOST_ALT_A_DEV_ID, self->nl.bad);
	EXPECT_ERR(ERANGE, nl_set(&self->nl, 0, RXQ, 9, 9));
	EXPECT_EQ(VHOST_ALT_A_DEV_ID, self->nl.bad);
	EXPECT_ERR(ENODEV, nl_set(&self->nl, 0x7ffffff0, RXQ, 9, 9));
	EXPECT_EQ(VHOST_ALT_A_DEV_ID, self->nl.bad);
	close(self->g.dev);
	self->g.dev = -1;
	EXPECT_ERR(ENODEV, SET(RXQ, 9, 9));
}

/* ---- events ---- */

TEST_F(setting, changes_are_reported)
{
	char comm[32];

	own_comm(comm, sizeof(comm));
	ASSERT_OK(vdev_set_owner(self->g.dev));
	ASSERT_OK(SET(RXQ, 71, 72));
	ASSERT_OK(reports(self, RXQ, 71, 72));
	EXPECT_STREQ(comm, TEXT(COMM));
	EXPECT_STREQ("rx", TEXT(QUEUE_NAME));
	EXPECT_FALSE(HAS(PID));
	/* What changes nothing is no event, whatever queue it is for. */
	ASSERT_OK(SET(RXQ, 71, 72));
	ASSERT_OK(SET(NL_NONE, NL_NONE, 72));
	ASSERT_OK(reports_nothing(self));
	ASSERT_OK(SET(NL_NONE, 71, NL_NONE));
	ASSERT_OK(reports(self, TXQ, 71, NL_DEFAULT));
	ASSERT_OK(SET(NL_NONE, 73, NL_DEFAULT));
	ASSERT_OK(reports(self, RXQ, 73, NL_DEFAULT));
	ASSERT_OK(reports(self, TXQ, 73, NL_DEFAULT));
	ASSERT_OK(vdev_set_state(self->g.dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
				 TXQ, 74));
	EXPECT_OK(reports_nothing(self));
}

/* ---- queues that run ---- */

FIXTURE(effect)
{
	struct nl nl;
	struct guest g;
	__u32 id;
	__u32 seq;
};

FIXTURE_VARIANT(effect)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(effect, split)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(effect, packed)
{
	.features = F_PACKED_BASE | F_EVENT_IDX,
};

FIXTURE_SETUP(effect)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	self->seq = 0;
	ASSERT_OK(env_set_parameter("adaptive_poll", 0));
	ASSERT_OK(nl_guest_start(&self->g, &cfg, &self->nl, &self->id));
}

FIXTURE_TEARDOWN(effect)
{
	EXPECT_OK(env_set_parameter("adaptive_poll", USUAL_POLL_US));
	EXPECT_OK(env_set_parameter("rx_moderation", USUAL_US));
	nl_close(&self->nl);
	guest_stop(&self->g);
}

/* Pass frames through @queue until a counter grows. */
static int pass_until_more(struct guest *g, __u32 *seq, __u32 queue,
			   const char *counter)
{
	__u64 before = vdev_counter(g->dev, counter), end = env_deadline();
	int err = 0;

	if (queue == RXQ)
		return stream_pass_until_more(g, seq, counter, before);
	while (!err && vdev_counter(g->dev, counter) == before) {
		err = guest_check_tx(g, STREAM_LEN, *seq, 1, false);
		if (!env_left_ms(end))
			return -ETIMEDOUT;
	}
	return err;
}

TEST_F(effect, polls)
{
	static const char * const polls[] = {
		"queue0.busy_polls", "queue1.busy_polls",
	};
	struct guest *g = &self->g;
	__u64 before;
	unsigned int i;

	ASSERT_OK(guest_check_alive(g, 0));
	for (i = 0; i < NR_VQS; i++)
		ASSERT_EQ(0, vdev_counter(g->dev, polls[i]));
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(SET(i, 1000, NL_NONE));
		ASSERT_OK_AT(pass_until_more(g, &self->seq, i, polls[i]),
			     "%u", i);
		/* The other one does not. */
		ASSERT_EQ(0, vdev_counter(g->dev, polls[!i]));
		ASSERT_OK(stream_restart(g));
		ASSERT_OK_AT(pass_until_more(g, &self->seq, i, polls[i]),
			     "%u", i);
		ASSERT_OK(SET(i, 0, NL_NONE));
		ASSERT_OK(stream_restart(g));
		before = vdev_counter(g->dev, polls[i]);
		ASSERT_OK(stream_pass_frames(g, &self->seq, 64));
		ASSERT_OK(guest_check_alive(g, 0));
		ASSERT_EQ(before, vdev_counter(g->dev, polls[i]));
		ASSERT_OK(nl_reset(&self->nl, self->id, NL_NONE));
	}
}

/* An idle worker that is to poll for an hour stops when it is told to. */
TEST_F(effect, polls_no_more)
{
	struct guest *g = &self->g;
	__u64 before;

	ASSERT_OK(vdev_set_state(g->dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, TXQ,
				 0xfffffffe));
	ASSERT_OK(guest_check_tx(g, STREAM_LEN, 0, 1, false));
	ASSERT_THAT(wait_until(vdev_counter(g->dev, "queue1.busy_polls")));
	ASSERT_OK(SET(TXQ, 0, NL_NONE));
	EXPECT_OK(vdev_rest(g->dev, &g->vq[TXQ]));
	before = vdev_counter(g->dev, "queue1.busy_polls");
	EXPECT_OK(vdev_rest(g->dev, &g->vq[TXQ]));
	EXPECT_EQ(before, vdev_counter(g->dev, "queue1.busy_polls"));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* The queue's own time comes before the module's parameter, on and off. */
TEST_F(effect, gathers)
{
	struct guest *g = &self->g;
	__u64 looks;

	ASSERT_OK(env_set_parameter("rx_moderation", 0));
	ASSERT_OK(SET(RXQ, NL_NONE, VHOST_ALT_MODERATION_MAX));
	ASSERT_OK(pass_until_more(g, &self->seq, RXQ, "queue0.looks"));
	ASSERT_OK(stream_restart(g));
	ASSERT_OK(pass_until_more(g, &self->seq, RXQ, "queue0.looks"));

	ASSERT_OK(env_set_parameter("rx_moderation", VHOST_ALT_MODERATION_MAX));
	ASSERT_OK(SET(RXQ, NL_NONE, 0));
	ASSERT_OK(stream_restart(g));
	looks = vdev_counter(g->dev, "queue0.looks");
	ASSERT_OK(stream_pass_frames(g, &self->seq, STREAM_ENOUGH));
	EXPECT_EQ(looks, vdev_counter(g->dev, "queue0.looks"));
	ASSERT_OK(SET(RXQ, NL_NONE, NL_DEFAULT));
	ASSERT_OK(pass_until_more(g, &self->seq, RXQ, "queue0.looks"));

	ASSERT_OK(env_set_parameter("rx_moderation", 0));
	ASSERT_OK(stream_restart(g));
	looks = vdev_counter(g->dev, "queue0.looks");
	ASSERT_OK(stream_pass_frames(g, &self->seq, STREAM_ENOUGH));
	EXPECT_EQ(looks, vdev_counter(g->dev, "queue0.looks"));
}

/* The queue's own time comes before the module's parameter, for both queues. */
TEST_F(effect, tries_to_poll)
{
	static const char * const trials[] = {
		"queue0.poll_trials", "queue1.poll_trials",
	};
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(env_set_parameter("rx_moderation", 0));
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(SET_ADAPTIVE(i, VHOST_ALT_ADAPTIVE_POLL_MAX));
		ASSERT_OK_AT(pass_until_more(g, &self->seq, i, trials[i]),
			     "%u", i);
		ASSERT_OK(SET_ADAPTIVE(i, 0));
	}
	ASSERT_OK(env_set_parameter("adaptive_poll", 1000));
	ASSERT_OK(stream_restart(g));
	ASSERT_OK(nl_reset(&self->nl, self->id, NL_NONE));
	ASSERT_OK(stream_pass_frames(g, &self->seq, STREAM_ENOUGH));
	for (i = 0; i < STREAM_ENOUGH; i++)
		ASSERT_OK(guest_check_tx(g, STREAM_LEN, i, 1, false));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_EQ(0, vdev_counter(g->dev, trials[i]));
		ASSERT_OK(SET_ADAPTIVE(i, NL_DEFAULT));
		ASSERT_OK(pass_until_more(g, &self->seq, i, trials[i]));
	}
}

/* Every frame arrives, however the times change meanwhile. */
TEST_F(effect, frames_arrive_while_times_change)
{
	static const __u32 busyloop[] = { 0, 50, 0, 1000, 1 };
	static const __u32 moderation[] = { 1000, NL_DEFAULT, 0, 20 };
	unsigned int i, n = env_scaled(1000, 300);
	struct guest *g = &self->g;

	for (i = 0; i < n; i++) {
		ASSERT_OK(SET(NL_NONE, busyloop[i % ARRAY_SIZE(busyloop)],
			      moderation[i % ARRAY_SIZE(moderation)]));
		ASSERT_OK_AT(stream_pass(g, &self->seq), "burst %u", i);
	}
	ASSERT_OK(guest_check_alive(g, 0));
}

VHOST_TEST_MAIN
