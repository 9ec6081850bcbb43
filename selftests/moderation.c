// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive moderation: a worker that lets packets gather instead of being woken
 * by each. The tests check that every frame arrives, whatever happens while
 * frames gather, and which queues are left out, but not how fast frames come.
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "child.h"
#include "stream.h"
#include "test.h"

/* The longest time for which packets may gather: events shall fall into it. */
#define LONGEST_US	1000
#define USUAL_US	20

FIXTURE(moderation)
{
	struct guest g;
	__u32 seq;
};

FIXTURE_VARIANT(moderation)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(moderation, split)
{
	.features = F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(moderation, packed)
{
	.features = F_EVENT_IDX | F_RING_PACKED,
};

FIXTURE_SETUP(moderation)
{
	struct guest_cfg cfg = {
		.features = variant->features | F_VERSION_1 | F_MRG_RXBUF,
		.tap_flags = IFF_VNET_HDR,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net is woken by each packet");
	self->seq = 0;
	ASSERT_OK(env_set_parameter("rx_moderation", LONGEST_US));
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(moderation)
{
	EXPECT_OK(env_set_parameter("rx_moderation", USUAL_US));
	guest_stop(&self->g);
}

static struct guest_frame frame;

#define LOOKS	"queue0.looks"

static __u64 count_looks(const struct guest *g)
{
	return vdev_counter(g->dev, LOOKS);
}

/*
 * Send bursts until the queue looks for packets. The backend is set anew, so
 * that it knows nothing of earlier trials, which all fail: to look takes it
 * longer than to be woken.
 */
static int pass_until_it_looks(struct guest *g, __u32 *seq)
{
	__u64 before = count_looks(g);

	return stream_restart(g) ?:
	       stream_pass_until_more(g, seq, LOOKS, before);
}

/* Looks are tried, they fail, and are tried again; nothing is lost. */
TEST_F(moderation, every_frame_arrives)
{
	unsigned int i, n = env_scaled(1000, 300);
	struct guest *g = &self->g;

	ASSERT_OK(pass_until_it_looks(g, &self->seq));
	EXPECT_NE(0, vdev_counter(g->dev, "queue0.trials"));
	for (i = 0; i < n; i++)
		ASSERT_OK_AT(stream_pass(g, &self->seq), "burst %u", i);
	EXPECT_NE(0, vdev_counter(g->dev, "queue0.look_packets"));
}

/* The rings stop before the guest has seen the last burst. */
TEST_F(moderation, backend_is_removed_while_frames_gather)
{
	unsigned int round, rounds = env_scaled(8, 2);
	struct guest *g = &self->g;

	for (round = 0; round < rounds; round++) {
		ASSERT_OK(pass_until_it_looks(g, &self->seq));
		ASSERT_OK(stream_send(g, self->seq));
		ASSERT_OK(guest_set_backend(g, -1));
		ASSERT_OK(guest_set_backend(g, g->tap));
		ASSERT_OK_AT(stream_take(g, self->seq), "round %u", round);
		self->seq += STREAM_BURST;
	}
}

/* The timer must not queue work on a worker that is gone. */
TEST_F(moderation, worker_is_replaced_while_frames_gather)
{
	unsigned int round, id, next, rounds = env_scaled(20, 5);
	struct guest *g = &self->g;

	ASSERT_OK(vdev_new_worker(g->dev, &id));
	ASSERT_OK(vdev_attach_worker(g->dev, RXQ, id));
	for (round = 0; round < rounds; round++, id = next) {
		/* It takes longer than frames gather. */
		ASSERT_OK(vdev_new_worker(g->dev, &next));
		ASSERT_OK(pass_until_it_looks(g, &self->seq));
		guest_refill(g, STREAM_BURST, 2048);
		ASSERT_OK(guest_inject(g, STREAM_LEN, self->seq));
		ASSERT_OK(vdev_attach_worker(g->dev, RXQ, next));
		ASSERT_OK(vdev_free_worker(g->dev, id));
		ASSERT_OK_AT(guest_recv(g, &frame), "round %u", round);
		self->seq++;
	}
}

/* Frames that gather when moderation ends arrive like the others. */
TEST_F(moderation, parameter_changes_while_frames_gather)
{
	unsigned int round, rounds = env_scaled(20, 5);
	struct guest *g = &self->g;

	for (round = 0; round < rounds; round++) {
		ASSERT_OK(pass_until_it_looks(g, &self->seq));
		ASSERT_OK(stream_send(g, self->seq));
		ASSERT_OK(env_set_parameter("rx_moderation", 0));
		ASSERT_OK_AT(stream_take(g, self->seq), "round %u", round);
		self->seq += STREAM_BURST;
		ASSERT_OK(env_set_parameter("rx_moderation", LONGEST_US));
	}
}

/* The timer must not outlive the device, nor the worker. */
TEST_F(moderation, device_is_closed_while_frames_gather)
{
	unsigned int round, rounds = env_scaled(20, 5);
	struct guest_cfg cfg = self->g.cfg;
	struct guest *g = &self->g;

	for (round = 0; round < rounds; round++) {
		ASSERT_OK(pass_until_it_looks(g, &self->seq));
		guest_refill(g, STREAM_BURST, 2048);
		ASSERT_OK(guest_inject(g, STREAM_LEN, self->seq));
		guest_stop(g);
		ASSERT_OK_AT(guest_start(g, &cfg), "round %u", round);
	}
	ASSERT_OK(stream_pass(g, &self->seq));
}

/* Have frames gather again and again. Signal @ready each time. */
static void gather_until_killed(struct guest_cfg cfg, int ready)
{
	static struct guest g;
	__u32 seq = 0;

	cfg.ifname = "tap1";
	if (guest_start(&g, &cfg))
		_exit(1);
	while (!pass_until_it_looks(&g, &seq))
		event_signal(ready);
	_exit(2);
}

TEST_F(moderation, owner_is_killed_while_frames_gather)
{
	unsigned int round, rounds = env_scaled(8, 2);
	int ready = eventfd(0, EFD_NONBLOCK), status;
	pid_t pid;

	for (round = 0; round < rounds; round++) {
		pid = child_fork();
		ASSERT_GE(pid, 0);
		if (!pid)
			gather_until_killed(self->g.cfg, ready);
		EXPECT_TRUE(event_wait(ready));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		event_count(ready);
	}
	close(ready);
	ASSERT_OK(stream_pass(&self->g, &self->seq));
}

TEST_F(moderation, none_if_the_parameter_is_0)
{
	ASSERT_OK(env_set_parameter("rx_moderation", 0));
	ASSERT_OK(stream_pass_frames(&self->g, &self->seq, STREAM_ENOUGH));
	EXPECT_EQ(0, count_looks(&self->g));
	ASSERT_OK(env_set_parameter("rx_moderation", LONGEST_US));
	ASSERT_OK(pass_until_it_looks(&self->g, &self->seq));
}

static int set_polling(const struct guest *g, __u32 us)
{
	return vdev_set_state(g->dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, RXQ,
			      us);
}

/* The owner has said how long the worker is to look for packets. */
TEST_F(moderation, none_with_a_polling_time)
{
	ASSERT_OK(set_polling(&self->g, 1));
	ASSERT_OK(stream_pass_frames(&self->g, &self->seq, STREAM_ENOUGH));
	EXPECT_EQ(0, count_looks(&self->g));
	ASSERT_OK(set_polling(&self->g, 0));
	ASSERT_OK(pass_until_it_looks(&self->g, &self->seq));
}

/* A short queue would lose what gathers. */
TEST_F(moderation, none_on_a_short_queue)
{
	ASSERT_OK(link_set_qlen(self->g.ifname, 255));
	ASSERT_OK(stream_pass_frames(&self->g, &self->seq, STREAM_ENOUGH));
	EXPECT_EQ(0, count_looks(&self->g));
	ASSERT_OK(link_set_qlen(self->g.ifname, 256));
	ASSERT_OK(pass_until_it_looks(&self->g, &self->seq));
}

VHOST_TEST_MAIN
