// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways to wait other than for a wake-up: a worker that lets packets gather, and
 * one that polls. The tests check that every frame arrives, whatever happens
 * meanwhile, and which queues are left out, but not how fast frames come.
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "child.h"
#include "stream.h"
#include "test.h"

/* The longest time to wait in that way, so that events fall into it. */
#define LONGEST_US	1000

/**
 * struct way - a way to wait
 * @parameter: for how long the worker does; 0: not at all
 * @usual: initial value of the parameter
 * @trials: counts how often the worker tries that
 * @waits: counts how often it does. Of polls, the trials count: no poll lasts
 *	where the test is ready to run on the same CPU, as on a loaded host.
 */
struct way {
	const char *parameter;
	unsigned int usual;
	const char *trials;
	const char *waits;
};

static const struct way looks = {
	.parameter = "rx_moderation",
	.usual = 20,
	.trials = "queue0.trials",
	.waits = "queue0.looks",
};

static const struct way polls = {
	.parameter = "adaptive_poll",
	.usual = 50,
	.trials = "queue0.poll_trials",
	.waits = "queue0.poll_trials",
};

FIXTURE(waiting)
{
	struct guest g;
	const struct way *way;
	__u32 seq;
};

FIXTURE_VARIANT(waiting)
{
	const struct way *way;
	__u64 features;
};

FIXTURE_VARIANT_ADD(waiting, looks)
{
	.way = &looks,
	.features = F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(waiting, looks_packed)
{
	.way = &looks,
	.features = F_EVENT_IDX | F_RING_PACKED,
};

FIXTURE_VARIANT_ADD(waiting, polls)
{
	.way = &polls,
	.features = F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(waiting, polls_packed)
{
	.way = &polls,
	.features = F_EVENT_IDX | F_RING_PACKED,
};

FIXTURE_SETUP(waiting)
{
	struct guest_cfg cfg = {
		.features = variant->features | F_VERSION_1 | F_MRG_RXBUF,
		.tap_flags = IFF_VNET_HDR,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net is woken by each packet");
	self->seq = 0;
	self->way = variant->way;
	ASSERT_OK(env_set_parameter(looks.parameter, 0));
	ASSERT_OK(env_set_parameter(polls.parameter, 0));
	ASSERT_OK(env_set_parameter(self->way->parameter, LONGEST_US));
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(waiting)
{
	EXPECT_OK(env_set_parameter(looks.parameter, looks.usual));
	EXPECT_OK(env_set_parameter(polls.parameter, polls.usual));
	guest_stop(&self->g);
}

static struct guest_frame frame;

static __u64 count_waits(const struct guest *g, const struct way *way)
{
	return vdev_counter(g->dev, way->waits);
}

/*
 * Send bursts until the queue waits in that way. The backend is set anew, so
 * that it knows nothing of earlier trials, most of which fail: to look takes it
 * longer than to be woken, and no sender waits, so polls gain nothing.
 */
static int pass_until_it_waits(struct guest *g, const struct way *way,
			       __u32 *seq)
{
	__u64 before = count_waits(g, way);

	return stream_restart(g) ?:
	       stream_pass_until_more(g, seq, way->waits, before);
}

#define PASS_UNTIL_IT_WAITS()						\
	pass_until_it_waits(&self->g, self->way, &self->seq)

/* It is tried, fails or not, and is tried again; nothing is lost. */
TEST_F(waiting, every_frame_arrives)
{
	unsigned int i, n = env_scaled(1000, 300);
	struct guest *g = &self->g;

	ASSERT_OK(PASS_UNTIL_IT_WAITS());
	EXPECT_NE(0, vdev_counter(g->dev, self->way->trials));
	for (i = 0; i < n; i++)
		ASSERT_OK_AT(stream_pass(g, &self->seq), "burst %u", i);
	if (self->way == &looks)
		EXPECT_NE(0, vdev_counter(g->dev, "queue0.look_packets"));
}

/* The rings stop before the guest has seen the last burst. */
TEST_F(waiting, backend_is_removed_while_it_waits)
{
	unsigned int round, rounds = env_scaled(8, 2);
	struct guest *g = &self->g;

	for (round = 0; round < rounds; round++) {
		ASSERT_OK(PASS_UNTIL_IT_WAITS());
		ASSERT_OK(stream_send(g, self->seq));
		ASSERT_OK(guest_set_backend(g, -1));
		ASSERT_OK(guest_set_backend(g, g->tap));
		ASSERT_OK_AT(stream_take(g, self->seq), "round %u", round);
		self->seq += STREAM_BURST;
	}
}

/* No timer must queue work on a worker that is gone, nor may a poll go on. */
TEST_F(waiting, worker_is_replaced_while_it_waits)
{
	unsigned int round, id, next, rounds = env_scaled(20, 5);
	struct guest *g = &self->g;

	ASSERT_OK(vdev_new_worker(g->dev, &id));
	ASSERT_OK(vdev_attach_worker(g->dev, RXQ, id));
	for (round = 0; round < rounds; round++, id = next) {
		/* It takes longer than frames gather. */
		ASSERT_OK(vdev_new_worker(g->dev, &next));
		ASSERT_OK(PASS_UNTIL_IT_WAITS());
		guest_refill(g, STREAM_BURST, 2048);
		ASSERT_OK(guest_inject(g, STREAM_LEN, self->seq));
		ASSERT_OK(vdev_attach_worker(g->dev, RXQ, next));
		ASSERT_OK(vdev_free_worker(g->dev, id));
		ASSERT_OK_AT(guest_recv(g, &frame), "round %u", round);
		self->seq++;
	}
}

/* Frames that come when that ends arrive like the others. */
TEST_F(waiting, parameter_changes_while_it_waits)
{
	unsigned int round, rounds = env_scaled(20, 5);
	struct guest *g = &self->g;

	for (round = 0; round < rounds; round++) {
		ASSERT_OK(PASS_UNTIL_IT_WAITS());
		ASSERT_OK(stream_send(g, self->seq));
		ASSERT_OK(env_set_parameter(self->way->parameter, 0));
		ASSERT_OK_AT(stream_take(g, self->seq), "round %u", round);
		self->seq += STREAM_BURST;
		ASSERT_OK(env_set_parameter(self->way->parameter, LONGEST_US));
	}
}

/* Neither may outlive the device, nor the worker. */
TEST_F(waiting, device_is_closed_while_it_waits)
{
	unsigned int round, rounds = env_scaled(20, 5);
	struct guest_cfg cfg = self->g.cfg;
	struct guest *g = &self->g;

	for (round = 0; round < rounds; round++) {
		ASSERT_OK(PASS_UNTIL_IT_WAITS());
		guest_refill(g, STREAM_BURST, 2048);
		ASSERT_OK(guest_inject(g, STREAM_LEN, self->seq));
		guest_stop(g);
		ASSERT_OK_AT(guest_start(g, &cfg), "round %u", round);
	}
	ASSERT_OK(stream_pass(g, &self->seq));
}

/* Have it wait again and again. Signal @ready each time. */
static void wait_until_killed(struct guest_cfg cfg, const struct way *way,
			      int ready)
{
	static struct guest g;
	__u32 seq = 0;

	cfg.ifname = "tap1";
	if (guest_start(&g, &cfg))
		_exit(1);
	while (!pass_until_it_waits(&g, way, &seq))
		event_signal(ready);
	_exit(2);
}

TEST_F(waiting, owner_is_killed_while_it_waits)
{
	unsigned int round, rounds = env_scaled(8, 2);
	int ready = eventfd(0, EFD_NONBLOCK), status;
	pid_t pid;

	for (round = 0; round < rounds; round++) {
		pid = child_fork();
		ASSERT_GE(pid, 0);
		if (!pid)
			wait_until_killed(self->g.cfg, self->way, ready);
		EXPECT_TRUE(event_wait(ready));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		event_count(ready);
	}
	close(ready);
	ASSERT_OK(stream_pass(&self->g, &self->seq));
}

TEST_F(waiting, none_if_the_parameter_is_0)
{
	ASSERT_OK(env_set_parameter(self->way->parameter, 0));
	ASSERT_OK(stream_pass_frames(&self->g, &self->seq, STREAM_ENOUGH));
	EXPECT_EQ(0, count_waits(&self->g, self->way));
	ASSERT_OK(env_set_parameter(self->way->parameter, LONGEST_US));
	ASSERT_OK(PASS_UNTIL_IT_WAITS());
}

static int set_polling(const struct guest *g, __u32 us)
{
	return vdev_set_state(g->dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, RXQ,
			      us);
}

/* The owner has said how long the worker is to poll. */
TEST_F(waiting, none_with_a_polling_time)
{
	ASSERT_OK(set_polling(&self->g, 1));
	ASSERT_OK(stream_pass_frames(&self->g, &self->seq, STREAM_ENOUGH));
	EXPECT_EQ(0, vdev_counter(self->g.dev, self->way->trials));
	ASSERT_OK(set_polling(&self->g, 0));
	ASSERT_OK(PASS_UNTIL_IT_WAITS());
}

/* A short queue would lose what gathers. */
TEST_F(waiting, none_on_a_short_queue)
{
	if (self->way != &looks)
		SKIP(return, "nothing gathers while it polls");
	ASSERT_OK(link_set_qlen(self->g.ifname, 255));
	ASSERT_OK(stream_pass_frames(&self->g, &self->seq, STREAM_ENOUGH));
	EXPECT_EQ(0, count_waits(&self->g, self->way));
	ASSERT_OK(link_set_qlen(self->g.ifname, 256));
	ASSERT_OK(PASS_UNTIL_IT_WAITS());
}

/* A transmit queue polls, too, instead of asking for a kick. */
TEST_F(waiting, transmit_queues_poll)
{
	__u64 end = env_deadline();
	struct guest *g = &self->g;

	if (self->way != &polls)
		SKIP(return, "nothing gathers in a transmit queue");
	while (!vdev_counter(g->dev, "queue1.poll_trials")) {
		ASSERT_OK(guest_check_tx(g, STREAM_LEN, self->seq++, 1, false));
		ASSERT_NE(0, env_left_ms(end));
	}
	EXPECT_EQ(0, vdev_counter(g->dev, "queue0.poll_trials"));
	EXPECT_OK(guest_check_alive(g, 0));
}

VHOST_TEST_MAIN
