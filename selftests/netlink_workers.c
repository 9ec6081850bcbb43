// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: requests that divide the queues of a device among two workers, or
 * have them share one, while traffic runs: what is accepted, shown and
 * reported, that no frame is lost, and that the threads come and go.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "child.h"
#include "nl_guest.h"
#include "test.h"
#include "thread.h"

#define SHARED		1
#define SPLIT		NR_VQS

#define FRAME_LEN	100

FIXTURE(sharing)
{
	struct nl nl, events;
	struct guest g;
	__u32 id;
	struct nl_msg m;
};

FIXTURE_VARIANT(sharing)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(sharing, split)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(sharing, packed)
{
	.features = F_PACKED_BASE | F_EVENT_IDX,
};

FIXTURE_SETUP(sharing)
{
	struct guest_cfg cfg = GUEST_CFG(variant->features);

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	ASSERT_OK(nl_guest_start(&self->g, &cfg, &self->nl, &self->id));
	ASSERT_OK(nl_open(&self->events));
	ASSERT_OK(nl_listen(&self->events));
}

FIXTURE_TEARDOWN(sharing)
{
	nl_close(&self->events);
	nl_close(&self->nl);
	guest_stop(&self->g);
	EXPECT_OK(env_set_parameter("rxtx_workers", 0));
}

#define SET(workers)	nl_set_workers(&self->nl, self->id, workers)

/* The next event of the device reports @workers, or an error. */
static int reports(FIXTURE_DATA(sharing) *self, __u32 workers, __u32 error)
{
	int err;

	do {
		err = nl_event(&self->events, &self->m);
		if (err)
			return err;
	} while (self->m.cmd != VHOST_ALT_CMD_WORKERS_CHANGED_NTF);
	if (NUM(DEV_ID) == self->id && NUM(WORKERS) == workers &&
	    NUM(ERROR) == error && !HAS(WORKERS_PENDING))
		return 0;
	fprintf(stderr, "# device %llu, workers %llu, error %llu\n",
		NUM(DEV_ID), NUM(WORKERS), NUM(ERROR));
	return -EBADMSG;
}

static int reports_nothing(FIXTURE_DATA(sharing) *self)
{
	return nl_event_now(&self->events, &self->m) == -EAGAIN ? 0 : -EBADMSG;
}

/* Request @workers and wait until that many serve the queues. */
static int set_and_wait(FIXTURE_DATA(sharing) *self, __u32 workers)
{
	int err = SET(workers) ?: reports(self, workers, 0) ?: LOOK(NL_NONE);

	if (!err && (NUM(WORKERS) != workers || HAS(WORKERS_PENDING)))
		err = -EBADMSG;
	return err;
}

/* The id of the worker that serves a queue, or -1; its thread goes to @tid. */
static int worker_of(FIXTURE_DATA(sharing) *self, __u32 queue, pid_t *tid)
{
	unsigned int i;
	int id;

	if (LOOK(queue) || !HAS(WORKER_ID))
		return -1;
	id = NUM(WORKER_ID);
	if (LOOK(NL_NONE))
		return -1;
	for (i = 0; i < self->m.nworkers; i++) {
		if (WORKER(i, ID) != id)
			continue;
		*tid = WORKER(i, TID);
		return id;
	}
	return -1;
}

/* ---- threads ---- */

/* The new thread is like the first one, and ends. */
TEST_F(sharing, threads)
{
	struct guest *g = &self->g;
	pid_t rx = 0, tx = 0, first;
	char name[32];

	snprintf(name, sizeof(name), "vhost-%d-tx", getpid());
	ASSERT_EQ(0, worker_of(self, RXQ, &first));
	ASSERT_EQ(0, worker_of(self, TXQ, &tx));
	EXPECT_EQ(first, tx);
	ASSERT_OK(set_and_wait(self, SPLIT));
	EXPECT_EQ(0, worker_of(self, RXQ, &rx));
	EXPECT_EQ(NR_VQS + 1, worker_of(self, TXQ, &tx));
	EXPECT_EQ(first, rx);
	EXPECT_NE(first, tx);
	EXPECT_NE(0, tx);
	EXPECT_EQ(2, self->m.nworkers);
	EXPECT_TRUE(thread_named(name));
	EXPECT_EQ(thread_in(first, getpid()), thread_in(tx, getpid()));
	EXPECT_OK(guest_check_alive(g, 0));
	ASSERT_OK(set_and_wait(self, SHARED));
	EXPECT_EQ(1, self->m.nworkers);
	EXPECT_EQ(0, worker_of(self, RXQ, &rx));
	EXPECT_EQ(0, worker_of(self, TXQ, &tx));
	EXPECT_EQ(first, tx);
	EXPECT_TRUE(threads_wait(1));
	EXPECT_FALSE(thread_named(name));
	EXPECT_OK(guest_check_alive(g, 100));
}

/* Each thread works for its own queue only. */
TEST_F(sharing, only_the_queues_own_worker_wakes)
{
	struct guest *g = &self->g;
	unsigned long before;
	pid_t rx, tx;
	unsigned int i;

	ASSERT_OK(set_and_wait(self, SPLIT));
	ASSERT_LE(0, worker_of(self, RXQ, &rx));
	ASSERT_LE(0, worker_of(self, TXQ, &tx));
	ASSERT_THAT(wait_until(thread_rests(rx) && thread_rests(tx)));
	before = thread_switches(rx);
	for (i = 0; i < 5; i++)
		ASSERT_OK(guest_check_tx(g, FRAME_LEN, i, 1, false));
	ASSERT_THAT(wait_until(thread_rests(rx) && thread_rests(tx)));
	EXPECT_EQ(before, thread_switches(rx));
	before = thread_switches(tx);
	ASSERT_OK(set_and_wait(self, SHARED));
	ASSERT_OK(guest_check_alive(g, 0));
	EXPECT_TRUE(wait_until(!thread_state(tx)));
	EXPECT_OK(set_and_wait(self, SPLIT));
	EXPECT_OK(guest_check_alive(g, 10));
}

/* What changes nothing is accepted, and is no event. */
TEST_F(sharing, again)
{
	pid_t first, tx;

	ASSERT_OK(SET(SHARED));
	ASSERT_OK(set_and_wait(self, SPLIT));
	ASSERT_LE(0, worker_of(self, TXQ, &first));
	ASSERT_OK(SET(SPLIT));
	ASSERT_OK(set_and_wait(self, SHARED));
	ASSERT_OK(set_and_wait(self, SPLIT));
	ASSERT_LE(0, worker_of(self, TXQ, &tx));
	EXPECT_NE(first, tx);
	EXPECT_OK(reports_nothing(self));
}

/* ---- traffic ---- */

struct traffic {
	__u32 out, in, seen_out, seen_in, total;
};

/* Send up to 40 frames each way, and no more than are to be sent in all. */
static int send_both(struct guest *g, struct traffic *t)
{
	__u32 end = t->out + 40 < t->total ? t->out + 40 : t->total;
	int err = 0;

	guest_refill(g, 256, 2048);
	t->out = guest_fill_tx(g, FRAME_LEN, t->out, end);
	while (!err && t->in < t->total && t->in - t->seen_in < 40)
		err = guest_inject(g, FRAME_LEN, t->in++);
	return err;
}

/* Take all of them. */
static int take_both(struct guest *g, struct traffic *t)
{
	static struct guest_frame f;
	int err = 0;

	while (!err && t->seen_out < t->out)
		err = guest_capture(g, FRAME_LEN, t->seen_out++);
	while (!err && t->seen_in < t->in) {
		guest_refill(g, 256, 2048);
		err = guest_recv(g, &f);
		if (!err && !frame_is(f.data, f.len, t->seen_in++))
			err = -EBADMSG;
	}
	return err;
}

/* Frames arrive once and in order, however often the queues are divided. */
TEST_F(sharing, frames_arrive)
{
	struct traffic t = { .total = env_scaled(6000, 1000) };
	unsigned int round = 0;

	while (t.seen_in < t.total || t.seen_out < t.total) {
		ASSERT_OK(send_both(&self->g, &t));
		ASSERT_OK(SET(round++ % 2 ? SHARED : SPLIT));
		ASSERT_OK_AT(take_both(&self->g, &t), "round %u", round);
	}
	EXPECT_OK(guest_reap_all(&self->g));
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

/* The same with each change done before the next, and half sent after it. */
TEST_F(sharing, frames_arrive_after_each_change)
{
	unsigned int i, n = env_scaled(100, 20);
	struct traffic t = { .total = ~0U };

	for (i = 0; i < n; i++) {
		ASSERT_OK(send_both(&self->g, &t));
		ASSERT_OK_AT(set_and_wait(self, i % 2 ? SHARED : SPLIT),
			     "round %u", i);
		ASSERT_OK_AT(take_both(&self->g, &t), "round %u", i);
		ASSERT_OK(send_both(&self->g, &t));
		ASSERT_OK_AT(take_both(&self->g, &t), "round %u", i);
	}
	EXPECT_OK(guest_reap_all(&self->g));
}

/* ---- refusals ---- */

TEST_F(sharing, refused)
{
	struct nl *nl = &self->nl;
	__u32 bad[] = { 0, NR_VQS + 1, 0x80000000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERR(ERANGE, SET(bad[i]));
		EXPECT_EQ(VHOST_ALT_A_WORKERS, nl->bad);
	}
	EXPECT_ERR(EINVAL, SET(NL_NONE));
	EXPECT_ERR(EINVAL, nl_set_workers(nl, NL_NONE, SPLIT));
	EXPECT_EQ(VHOST_ALT_A_DEV_ID, nl->bad);
	EXPECT_ERR(ERANGE, nl_set_workers(nl, 0, SPLIT));
	EXPECT_ERR(ENODEV, nl_set_workers(nl, 0x7ffffff0, SPLIT));
	ASSERT_OK(net_admin(false));
	EXPECT_ERR(EPERM, SET(SPLIT));
	ASSERT_OK(net_admin(true));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_EQ(SHARED, NUM(WORKERS));
	EXPECT_FALSE(HAS(WORKERS_PENDING));
	ASSERT_OK(vdev_cmd(self->g.dev, VHOST_RESET_OWNER, NULL));
	EXPECT_ERR(EINVAL, SET(SPLIT));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_FALSE(HAS(WORKERS));
	EXPECT_TRUE(threads_wait(0));
	ASSERT_OK(vdev_set_owner(self->g.dev));
	EXPECT_OK(set_and_wait(self, SPLIT));
}

/* An owner that creates, attaches or frees workers keeps what it has. */
TEST_F(sharing, refused_for_an_owner_with_workers)
{
	int dev = self->g.dev;
	unsigned int id;

	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_FALSE(HAS(WORKERS_MANAGED));
	ASSERT_OK(vdev_new_worker(dev, &id));
	EXPECT_EQ(1, id);
	EXPECT_ERR(EEXIST, SET(SPLIT));
	ASSERT_OK(vdev_free_worker(dev, id));
	EXPECT_ERR(EEXIST, SET(SHARED));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_TRUE(HAS(WORKERS_MANAGED));
	ASSERT_OK(vdev_cmd(dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(vdev_set_owner(dev));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_FALSE(HAS(WORKERS_MANAGED));
	ASSERT_OK(set_and_wait(self, SPLIT));
	ASSERT_OK(vdev_cmd(dev, VHOST_RESET_OWNER, NULL));
	EXPECT_TRUE(threads_wait(0));
	ASSERT_OK(vdev_set_owner(dev));
	ASSERT_OK(vdev_attach_worker(dev, TXQ, 0));
	EXPECT_ERR(EEXIST, SET(SPLIT));
	EXPECT_TRUE(threads_wait(1));
}

/* The owner may take over: it finds the workers and the limit that it knows. */
TEST_F(sharing, owner_takes_over)
{
	struct guest *g = &self->g;
	unsigned int i, id, one_more;

	ASSERT_OK(set_and_wait(self, SPLIT));
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(vdev_new_worker(g->dev, &id));
		EXPECT_EQ(i + 1, id);
	}
	EXPECT_ERR(ENOSPC, vdev_new_worker(g->dev, &one_more));
	EXPECT_ERR(EEXIST, SET(SHARED));
	EXPECT_TRUE(threads_wait(NR_VQS + 2));
	EXPECT_ERR(EBUSY, vdev_free_worker(g->dev, NR_VQS + 1));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(vdev_attach_worker(g->dev, TXQ, id));
	EXPECT_TRUE(threads_wait(NR_VQS + 1));
	EXPECT_ERR(ENODEV, vdev_free_worker(g->dev, NR_VQS + 1));
	EXPECT_OK(guest_check_alive(g, 100));
}

/* Workers that the module's parameter made stay, and serve again. */
TEST_F(sharing, workers_of_the_parameter)
{
	struct guest *g = &self->g;
	pid_t first, tx;

	ASSERT_OK(env_set_parameter("rxtx_workers", 1));
	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(vdev_set_owner(g->dev));
	ASSERT_OK(LOOK(NL_NONE));
	EXPECT_EQ(SPLIT, NUM(WORKERS));
	ASSERT_EQ(1, worker_of(self, TXQ, &first));
	ASSERT_OK(set_and_wait(self, SHARED));
	EXPECT_EQ(2, self->m.nworkers);
	EXPECT_EQ(0, worker_of(self, TXQ, &tx));
	ASSERT_OK(set_and_wait(self, SPLIT));
	EXPECT_EQ(1, worker_of(self, TXQ, &tx));
	EXPECT_EQ(first, tx);
	EXPECT_OK(reports_nothing(self));
}

/* ---- the end of the owner ---- */

/* Requests are in progress while the file is closed, or the owner is reset. */
TEST_F(sharing, owner_leaves)
{
	unsigned int i, n = env_scaled(200, 20);
	int dev = self->g.dev;
	__u32 id;

	ASSERT_OK(vdev_cmd(dev, VHOST_RESET_OWNER, NULL));
	for (i = 0; i < n; i++) {
		ASSERT_OK(vdev_set_owner(dev));
		ASSERT_OK(SET(SPLIT));
		if (i % 3)
			ASSERT_OK(SET(SHARED));
		ASSERT_OK(vdev_cmd(dev, VHOST_RESET_OWNER, NULL));
		dev = vdev_open();
		ASSERT_GE(dev, 0);
		ASSERT_OK(nl_newest(&self->nl, &id));
		ASSERT_OK(vdev_set_owner(dev));
		ASSERT_OK(nl_set_workers(&self->nl, id, SPLIT));
		close(dev);
		dev = self->g.dev;
	}
	EXPECT_TRUE(threads_wait(0));
}

/* Start an owner with traffic, in a process of its own. */
static pid_t start_owner(__u64 features, int ready)
{
	struct guest_cfg cfg = GUEST_CFG(features);
	static struct guest g;
	pid_t pid = child_fork();

	if (pid)
		return pid;
	cfg.ifname = "tap7";
	if (guest_start(&g, &cfg))
		_exit(1);
	guest_load_forever(&g, FRAME_LEN, ready);
	_exit(2);
}

/* The owner is killed while its workers come and go. */
TEST_F(sharing, owner_killed)
{
	int status, err = 0, ready = eventfd(0, EFD_NONBLOCK);
	unsigned int i, n = env_scaled(10, 3), round = 0;
	pid_t pid;
	__u32 id;

	for (i = 0; i < n; i++) {
		pid = start_owner(variant->features, ready);
		ASSERT_GT(pid, 0);
		ASSERT_THAT(event_wait(ready));
		ASSERT_OK(nl_newest(&self->nl, &id));
		while (!err) {
			err = nl_set_workers(&self->nl, id,
					     round % 2 ? SHARED : SPLIT);
			if (round++ % 50 == 20 + i)
				ASSERT_EQ(0, kill(pid, SIGKILL));
		}
		EXPECT_TRUE(err == -ENODEV || err == -EINVAL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(wait_until(!threads_of(pid, NULL, 0)));
		event_count(ready);
		err = 0;
	}
	close(ready);
}

/* Check whether the device is split, or, unless @done, will be. */
static bool is_split(FIXTURE_DATA(sharing) *self, __u32 id, bool done)
{
	if (nl_dev(&self->nl, id, &self->m))
		return false;
	return done ? NUM(WORKERS) == SPLIT && !HAS(WORKERS_PENDING) :
		      NUM(WORKERS_PENDING) == SPLIT;
}

/* A stopped owner does not hold up a request, which is done later. */
TEST_F(sharing, owner_stopped)
{
	int status, ready = eventfd(0, EFD_NONBLOCK);
	bool own_thread;
	pid_t pid, tid;
	__u32 id;

	pid = start_owner(variant->features, ready);
	ASSERT_GT(pid, 0);
	ASSERT_THAT(event_wait(ready));
	ASSERT_OK(nl_newest(&self->nl, &id));
	ASSERT_EQ(1, threads_of(pid, &tid, 1));
	own_thread = thread_in(tid, pid);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_OK(nl_set_workers(&self->nl, id, SPLIT));
	EXPECT_TRUE(own_thread ? is_split(self, id, false) :
		    wait_until(is_split(self, id, true)));
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_TRUE(wait_until(is_split(self, id, true)));
	ASSERT_EQ(2, threads_of(pid, NULL, 0));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(wait_until(!threads_of(pid, NULL, 0)));
	close(ready);
}

/* ---- the limit of the owner's user ---- */

#define TENANT		4712	/* a user id that nothing else has */

FIXTURE(limit)
{
	struct nl nl, events;
	__u32 id;
	struct nl_msg m;
	int dev;
};

FIXTURE_VARIANT(limit)
{
	__u8 fork;
	unsigned int more;	/* threads that the user may have after all */
};

FIXTURE_VARIANT_ADD(limit, kernel_threads)
{
	.fork = VHOST_FORK_OWNER_KTHREAD,
};

FIXTURE_VARIANT_ADD(limit, own_threads)
{
	.fork = VHOST_FORK_OWNER_TASK,
};

FIXTURE_VARIANT_ADD(limit, kernel_threads_within)
{
	.fork = VHOST_FORK_OWNER_KTHREAD,
	.more = 1,
};

FIXTURE_VARIANT_ADD(limit, own_threads_within)
{
	.fork = VHOST_FORK_OWNER_TASK,
	.more = 1,
};

FIXTURE_SETUP(limit)
{
	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	self->dev = vdev_open();
	ASSERT_GE(self->dev, 0);
	ASSERT_OK(vdev_cmd(self->dev, VHOST_SET_FORK_FROM_OWNER,
			   &variant->fork));
	ASSERT_OK(nl_open(&self->nl));
	ASSERT_OK(nl_newest(&self->nl, &self->id));
	ASSERT_OK(nl_open(&self->events));
	ASSERT_OK(nl_listen(&self->events));
}

FIXTURE_TEARDOWN(limit)
{
	nl_close(&self->events);
	nl_close(&self->nl);
	close(self->dev);
}

/*
 * Own the device as a user that may have @limit processes and threads. A
 * process that has ended may still be charged for a while, so each test has a
 * user of its own.
 */
static pid_t start_tenant(int dev, uid_t user, rlim_t limit, int ready)
{
	struct rlimit r = { .rlim_cur = limit, .rlim_max = limit };
	pid_t pid = child_fork();

	if (pid)
		return pid;
	if (setgid(user) || setuid(user) || setrlimit(RLIMIT_NPROC, &r) ||
	    vdev_set_owner(dev))
		_exit(1);
	event_signal(ready);
	for (;;)
		pause();
}

/* A process and two workers are within a limit of 3, and beyond one of 2. */
TEST_F(limit, holds)
{
	uid_t user = TENANT + 2 * variant->fork + variant->more;
	int ready = eventfd(0, EFD_NONBLOCK);
	pid_t pid;

	pid = start_tenant(self->dev, user, 2 + variant->more, ready);
	ASSERT_GT(pid, 0);
	ASSERT_THAT(event_wait(ready));
	ASSERT_OK(nl_set_workers(&self->nl, self->id, SPLIT));
	ASSERT_OK(nl_event(&self->events, &self->m));
	EXPECT_EQ(VHOST_ALT_CMD_WORKERS_CHANGED_NTF, self->m.cmd);
	EXPECT_EQ(variant->more ? 0 : ENOMEM, NUM(ERROR));
	EXPECT_EQ(variant->more ? SPLIT : SHARED, NUM(WORKERS));
	EXPECT_FALSE(HAS(WORKERS_PENDING));
	EXPECT_EQ(1 + variant->more, threads_of(pid, NULL, 0));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	close(ready);
}

VHOST_TEST_MAIN
