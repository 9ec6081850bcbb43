// SPDX-License-Identifier: GPL-2.0-only
/*
 * Busy polling, QEMU's poll-us=: a worker that looks for more before it sleeps.
 * The tests check that everything arrives, that no queue starves meanwhile, and
 * that the worker sleeps in the end, but not how long it looks.
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "child.h"
#include "test.h"
#include "thread.h"

#define FRAME_LEN	100

/* A value that is used in practice, in microseconds. */
#define USUAL		200

/* A test that waited for this repeatedly would take too long. */
#define LONG		10000000

FIXTURE(busyloop)
{
	struct guest g;
	pid_t tid;
};

FIXTURE_VARIANT(busyloop)
{
	__u64 features;
	__u32 timeout[NR_VQS];
};

FIXTURE_VARIANT_ADD(busyloop, both)
{
	.features = F_EVENT_IDX,
	.timeout = { USUAL, USUAL },
};

FIXTURE_VARIANT_ADD(busyloop, both_by_flags)
{
	.timeout = { 50, 50 },
};

FIXTURE_VARIANT_ADD(busyloop, receive)
{
	.features = F_EVENT_IDX,
	.timeout = { USUAL, 0 },
};

FIXTURE_VARIANT_ADD(busyloop, transmit)
{
	.features = F_EVENT_IDX,
	.timeout = { 0, USUAL },
};

FIXTURE_VARIANT_ADD(busyloop, tenths_of_a_second)
{
	.features = F_EVENT_IDX,
	.timeout = { 100000, 100000 },
};

FIXTURE_VARIANT_ADD(busyloop, in_order)
{
	.features = F_EVENT_IDX | F_IN_ORDER,
	.timeout = { USUAL, USUAL },
};

FIXTURE_VARIANT_ADD(busyloop, packed)
{
	.features = F_EVENT_IDX | F_RING_PACKED,
	.timeout = { USUAL, USUAL },
};

FIXTURE_VARIANT_ADD(busyloop, packed_by_flags)
{
	.features = F_RING_PACKED,
	.timeout = { 50, 50 },
};

FIXTURE_VARIANT_ADD(busyloop, packed_in_order)
{
	.features = F_EVENT_IDX | F_RING_PACKED | F_IN_ORDER,
	.timeout = { USUAL, USUAL },
};

static int set_timeouts(int fd, const __u32 *timeout)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < NR_VQS; i++)
		err = vdev_set_state(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, i,
				     timeout[i]);
	return err;
}

static int set_both(int fd, __u32 timeout)
{
	__u32 both[NR_VQS] = { timeout, timeout };

	return set_timeouts(fd, both);
}

/* ~0 also means failure: the caller knows what it has set. */
static __u32 get_timeout(int fd, unsigned int ring)
{
	struct vhost_vring_state s = { .index = ring, .num = 77 };

	if (vdev_cmd(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &s) ||
	    s.index != ring)
		return ~0U;
	return s.num;
}

FIXTURE_SETUP(busyloop)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | variant->features,
		.tap_flags = IFF_VNET_HDR,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_OK(set_timeouts(self->g.dev, variant->timeout));
	ASSERT_EQ(1, threads_of(getpid(), &self->tid, 1));
}

FIXTURE_TEARDOWN(busyloop)
{
	guest_stop(&self->g);
}

TEST_F(busyloop, timeout_may_have_any_value)
{
	static const __u32 values[] = {
		0, 1, 50, 0x7fffffff, 0x80000000, 0xfffffffe,
	};
	struct guest *g = &self->g;
	unsigned int i, ring;
	__u32 word[2];

	/* The rings are stopped, so that nothing polls for the largest. */
	ASSERT_OK(guest_set_backend(g, -1));
	for (ring = 0; ring < NR_VQS; ring++) {
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			EXPECT_OK(vdev_set_state(g->dev,
						 VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
						 ring, values[i]));
			EXPECT_EQ(values[i], get_timeout(g->dev, ring));
		}
		EXPECT_OK(vdev_set_state(g->dev,
					 VHOST_SET_VRING_BUSYLOOP_TIMEOUT, ring,
					 ring + 5));
	}
	/* Each ring has its own. */
	EXPECT_EQ(5, get_timeout(g->dev, 0));
	EXPECT_EQ(6, get_timeout(g->dev, 1));
	for (i = 0; i < 2; i++) {
		unsigned long cmd = i ? VHOST_SET_VRING_BUSYLOOP_TIMEOUT :
					VHOST_GET_VRING_BUSYLOOP_TIMEOUT;

		word[0] = NR_VQS;
		EXPECT_ERR(ENOBUFS, vdev_cmd(g->dev, cmd, word));
		EXPECT_ERR(EFAULT, vdev_cmd(g->dev, cmd, BAD_PTR));
	}
}

TEST_F(busyloop, timeout_may_change_while_running)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < NR_VQS; i++)
		EXPECT_EQ(variant->timeout[i], get_timeout(g->dev, i));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(set_both(g->dev, 0));
	ASSERT_OK(guest_check_alive(g, 100));
	ASSERT_OK(set_both(g->dev, 30));
	ASSERT_OK(guest_check_alive(g, 200));
	/* The timeout outlives the backend, but not the owner. */
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_EQ(30, get_timeout(g->dev, RXQ));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(vdev_set_owner(g->dev));
	EXPECT_EQ(0, get_timeout(g->dev, RXQ));
	EXPECT_EQ(0, get_timeout(g->dev, TXQ));
}

/* One at a time, each frame finds the worker awake, asleep, or in between. */
TEST_F(busyloop, frame_by_frame)
{
	unsigned int i, n = env_scaled(500, 50);
	struct guest *g = &self->g;

	for (i = 0; i < n; i++) {
		ASSERT_OK_AT(guest_check_tx(g, FRAME_LEN, i, 1 + i % 3, false),
			     "frame %u", i);
		guest_refill(g, 1 + i % 5, 2048);
		ASSERT_OK_AT(guest_check_rx(g, FRAME_LEN, i), "frame %u", i);
	}
	EXPECT_TRUE(wait_until(thread_rests(self->tid)));
}

/* Bursts both ways. The driver kicks only when it is asked to. */
TEST_F(busyloop, bursts)
{
	unsigned int total = env_scaled(3000, 500), i;
	__u32 out = 0, in = 0, seen_out = 0, seen_in = 0;
	unsigned char frame[FRAME_LEN];
	static struct guest_frame f;
	struct guest *g = &self->g;

	while (seen_in < total || seen_out < total) {
		for (i = 0; i < 33 && out < total; i++, out++) {
			ASSERT_OK(guest_wait_room(g, 1));
			frame_make(frame, FRAME_LEN, out);
			ASSERT_OK(guest_send(g, NULL, frame, FRAME_LEN, 1,
					     false));
		}
		vq_submit(&g->vq[TXQ]);
		guest_refill(g, 64, 2048);
		while (in < total && in - seen_in < 50)
			ASSERT_OK(guest_inject(g, FRAME_LEN, in++));
		while (seen_out < out)
			ASSERT_OK_AT(guest_capture(g, FRAME_LEN, seen_out++),
				     "frame %u out", seen_out);
		while (seen_in < in) {
			guest_refill(g, 64, 2048);
			ASSERT_OK_AT(guest_recv(g, &f), "frame %u in", seen_in);
			ASSERT_THAT(frame_is(f.data, f.len, seen_in));
			seen_in++;
		}
	}
	EXPECT_OK(guest_reap_all(g));
	EXPECT_TRUE(wait_until(thread_rests(self->tid)));
}

/* The worker polls where it may, and counts how often it does. */
TEST_F(busyloop, polls_are_counted)
{
	static const char * const polls[] = {
		"queue0.busy_polls", "queue1.busy_polls",
	};
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("counts nothing");
	ASSERT_OK(guest_check_alive(g, 0));
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_THAT(variant->timeout[i] ?
			    wait_until(vdev_counter(g->dev, polls[i])) :
			    !vdev_counter(g->dev, polls[i]));
	}
}

/* The worker also sleeps with packets but no buffers, and the reverse. */
TEST_F(busyloop, sleeps_with_packets_or_buffers_waiting)
{
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(guest_check_alive(g, 0));
	EXPECT_TRUE(wait_until(thread_rests(self->tid)));
	for (i = 0; i < 5; i++)
		ASSERT_OK(guest_inject(g, FRAME_LEN, i));
	EXPECT_TRUE(wait_until(thread_rests(self->tid)));
	guest_refill(g, 100, 2048);
	EXPECT_TRUE(wait_until(thread_rests(self->tid)));
	ASSERT_OK(guest_check_tx(g, FRAME_LEN, 1, 1, false));
	EXPECT_TRUE(wait_until(thread_rests(self->tid)));
}

TEST_F(busyloop, backend_is_removed_and_set)
{
	unsigned int round, rounds = env_scaled(50, 10);
	struct guest *g = &self->g;
	unsigned char frame[FRAME_LEN];

	for (round = 0; round < rounds; round++) {
		frame_make(frame, FRAME_LEN, round);
		guest_refill(g, 4, 2048);
		ASSERT_OK(guest_wait_room(g, 1));
		ASSERT_OK(guest_send(g, NULL, frame, FRAME_LEN, 1, false));
		vq_submit(&g->vq[TXQ]);
		ASSERT_OK(guest_set_backend(g, -1));
		ASSERT_OK(set_both(g->dev, round % 3 * 500));
		ASSERT_OK(guest_set_backend(g, g->tap));
		ASSERT_OK_AT(guest_capture(g, FRAME_LEN, round), "round %u",
			     round);
		ASSERT_OK_AT(guest_check_rx(g, FRAME_LEN, round), "round %u",
			     round);
	}
	EXPECT_OK(guest_reap_all(g));
}

/* Timeouts that no test could wait for. */
FIXTURE(long_polls)
{
	struct guest g;
	pid_t tid;
};

FIXTURE_SETUP(long_polls)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net differs: holds the ring while it polls");
	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_EQ(1, threads_of(getpid(), &self->tid, 1));
	ASSERT_OK(set_both(self->g.dev, LONG));
}

FIXTURE_TEARDOWN(long_polls)
{
	guest_stop(&self->g);
}

/*
 * Both rings have one worker. If one had to wait until the other has polled,
 * the test would take too long.
 */
TEST_F(long_polls, rings_do_not_starve_each_other)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < 40; i++) {
		ASSERT_OK_AT(guest_check_tx(g, FRAME_LEN, i, 1, false),
			     "frame %u", i);
		guest_refill(g, 1, 2048);
		ASSERT_OK_AT(guest_check_rx(g, FRAME_LEN, i), "frame %u", i);
	}
}

/* How often each queue has polled, and how long. */
struct polling {
	__u64 polls[NR_VQS];
	__u64 ns[NR_VQS];
};

static void read_polling(const struct guest *g, struct polling *p)
{
	char name[32];
	unsigned int i;

	for (i = 0; i < NR_VQS; i++) {
		snprintf(name, sizeof(name), "queue%u.busy_polls", i);
		p->polls[i] = vdev_counter(g->dev, name);
		snprintf(name, sizeof(name), "queue%u.busy_ns", i);
		p->ns[i] = vdev_counter(g->dev, name);
	}
}

/*
 * Have both queues poll at the same time, and check whether one of them polls
 * while the other waits: then each round of the two takes as long as a run may
 * poll.
 *
 * A queue goes to sleep when the processor is needed for something else, so the
 * caller tries again.
 */
static bool polling_is_shared(struct guest *g)
{
	enum { ROUNDS = 20, READS = 50, RUN_NS = 200000 };
	struct polling start, now;
	__u64 rx, tx, ns, rounds = 0;
	unsigned int i;

	if (guest_check_alive(g, 0))
		return false;
	read_polling(g, &start);
	for (i = 0; i < READS && rounds < ROUNDS; i++) {
		read_polling(g, &now);
		rx = now.polls[RXQ] - start.polls[RXQ];
		tx = now.polls[TXQ] - start.polls[TXQ];
		rounds = rx < tx ? rx : tx;
	}
	ns = now.ns[RXQ] - start.ns[RXQ] + now.ns[TXQ] - start.ns[TXQ];
	return rounds >= ROUNDS && ns < rounds * RUN_NS / 2;
}

/*
 * A queue ends its poll when the other one waits for the worker, even if that
 * was woken before it. Otherwise the one that runs first polls for as long as a
 * run may take, and the other one checks once in between.
 */
TEST_F(long_polls, rings_share_the_time)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs a second processor to poll on");
	EXPECT_TRUE(wait_until(polling_is_shared(&self->g)));
}

/* Commands do not wait for the end of a poll, and neither does close. */
TEST_F(long_polls, commands_do_not_wait)
{
	struct guest *g = &self->g;
	__u32 base;
	unsigned int i;

	ASSERT_OK(set_both(g->dev, ~0U));
	for (i = 0; i < 20; i++) {
		ASSERT_OK(guest_check_alive(g, i));
		ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
		ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
		ASSERT_OK(guest_set_backend(g, -1));
		ASSERT_OK(guest_set_backend(g, g->tap));
	}
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(set_both(g->dev, 0));
	EXPECT_TRUE(wait_until(thread_rests(self->tid)));
	ASSERT_OK(set_both(g->dev, ~0U));
	ASSERT_OK(guest_check_alive(g, 0));
}

/* Each ring polls on its own thread. */
TEST_F(long_polls, two_workers)
{
	struct guest *g = &self->g;
	unsigned int id, i;

	ASSERT_OK(vdev_new_worker(g->dev, &id));
	ASSERT_OK(vdev_attach_worker(g->dev, RXQ, id));
	for (i = 0; i < 30; i++) {
		ASSERT_OK_AT(guest_check_alive(g, i * 10), "round %u", i);
		/* Move it between workers, both of which may be polling. */
		if (i % 5 == 0)
			ASSERT_OK(vdev_attach_worker(g->dev, RXQ,
						     i % 2 ? id : 0));
	}
}

/*
 * While the worker polls it asks for no kick, and finds new frames without one.
 * On a single processor it would yield to the process that makes them.
 */
TEST_F(long_polls, finds_more_without_a_kick)
{
	unsigned int i, kicks = 0, n = env_scaled(2000, 200);
	struct guest *g = &self->g;
	unsigned char frame[FRAME_LEN];
	__u64 hits = 0;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs another processor to poll on");
	for (i = 0; i < n || !hits; i++) {
		frame_make(frame, FRAME_LEN, i);
		ASSERT_OK(guest_wait_room(g, 1));
		ASSERT_OK(guest_send(g, NULL, frame, FRAME_LEN, 1, false));
		vq_publish(&g->vq[TXQ]);
		kicks += vq_kick_if_wanted(&g->vq[TXQ]);
		ASSERT_OK_AT(guest_capture(g, FRAME_LEN, i), "frame %u", i);
		hits = vdev_counter(g->dev, "queue1.busy_hits");
	}
	EXPECT_LT(kicks, i);
}

/* The threads are gone after their owner was killed. */
TEST(owner_killed_while_polling)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
	};
	int status, ready = eventfd(0, EFD_NONBLOCK);
	struct guest g;
	pid_t pid;

	pid = child_fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		if (guest_start(&g, &cfg) ||
		    set_both(g.dev, env_is_ours() ? LONG : 100000) ||
		    guest_check_alive(&g, 0))
			_exit(1);
		event_signal(ready);
		pause();
	}
	ASSERT_THAT(event_wait(ready));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_TRUE(wait_until(!threads_of(pid, NULL, 0)));
	close(ready);
}

VHOST_TEST_MAIN
