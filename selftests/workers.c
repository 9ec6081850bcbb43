// SPDX-License-Identifier: GPL-2.0-only
/*
 * The threads that serve the rings: made, given rings, taken away and freed
 * while traffic runs; whose they are, and that none outlives its owner.
 *
 * In-tree only vhost-scsi has the commands for workers: to vhost_net they are
 * unknown, which is the first test.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "child.h"
#include "test.h"
#include "thread.h"

#define FRAME_LEN	100
#define NOBODY		12345

/* More than any device may have. */
#define MANY		1000

static const unsigned long worker_cmds[] = {
	VHOST_NEW_WORKER, VHOST_FREE_WORKER, VHOST_ATTACH_VRING_WORKER,
	VHOST_GET_VRING_WORKER,
};

static unsigned int count_threads(void)
{
	return threads_of(getpid(), NULL, 0);
}

/* One that has ended stays in /proc for a moment. */
static bool threads_are(unsigned int n)
{
	return wait_until(count_threads() == n);
}

TEST(vhost_net_has_no_worker_commands)
{
	__u32 word[2] = { 0 };
	unsigned int i;
	int fd;

	if (env_is_ours())
		SKIP(return, "vhost_alt has them");
	fd = vdev_open();
	ASSERT_GE(fd, 0);
	for (i = 0; i < ARRAY_SIZE(worker_cmds); i++)
		EXPECT_ERR(EPERM, vdev_cmd(fd, worker_cmds[i], word));
	ASSERT_OK(vdev_set_owner(fd));
	for (i = 0; i < ARRAY_SIZE(worker_cmds); i++) {
		word[0] = 1;
		EXPECT_ERR(ENOTTY, vdev_cmd(fd, worker_cmds[i], word));
		word[0] = NR_VQS;
		EXPECT_ERR(ENOBUFS, vdev_cmd(fd, worker_cmds[i], word));
		EXPECT_ERR(EFAULT, vdev_cmd(fd, worker_cmds[i], BAD_PTR));
	}
	close(fd);
}

/* One thread, which carries the name that tools look for. */
TEST(one_thread_for_a_device)
{
	unsigned int i, n = 5;
	pid_t tid[5];
	int fd[5];

	ASSERT_EQ(0, count_threads());
	for (i = 0; i < n; i++) {
		fd[i] = vdev_open();
		ASSERT_GE(fd[i], 0);
		EXPECT_TRUE(threads_are(i));
		ASSERT_OK(vdev_set_owner(fd[i]));
		EXPECT_TRUE(threads_are(i + 1));
	}
	ASSERT_EQ(n, threads_of(getpid(), tid, n));
	for (i = 0; i < n; i++)
		EXPECT_TRUE(wait_until(thread_state(tid[i]) == 'S'));
	for (i = 0; i < n; i++) {
		close(fd[i]);
		EXPECT_TRUE(threads_are(n - 1 - i));
	}
}

FIXTURE(workers)
{
	struct guest g;
	int fd;
};

FIXTURE_SETUP(workers)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE | F_EVENT_IDX);

	if (!env_is_ours())
		SETUP_SKIP("vhost_net differs: no commands for workers");
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->fd = self->g.dev;
}

FIXTURE_TEARDOWN(workers)
{
	guest_stop(&self->g);
}

TEST_F(workers, not_without_an_owner)
{
	unsigned int i;
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	/* Before anything else about the command is looked at. */
	for (i = 0; i < ARRAY_SIZE(worker_cmds); i++)
		EXPECT_ERR(EINVAL, vdev_cmd(fd, worker_cmds[i], BAD_PTR));
	ASSERT_OK(vdev_set_owner(fd));
	ASSERT_OK(vdev_cmd(fd, VHOST_RESET_OWNER, NULL));
	for (i = 0; i < ARRAY_SIZE(worker_cmds); i++)
		EXPECT_ERR(EINVAL, vdev_cmd(fd, worker_cmds[i], BAD_PTR));
	close(fd);
}

/* Runs in another process: 0, or which command was not refused. */
static int as_stranger(int fd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(worker_cmds); i++)
		if (vdev_cmd(fd, worker_cmds[i], BAD_PTR) != -EPERM)
			return i + 1;
	return 0;
}

TEST_F(workers, only_for_the_owners_memory)
{
	int status;
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(as_stranger(self->fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(threads_are(1));
}

TEST_F(workers, bad_arguments)
{
	struct vhost_vring_worker w = { .index = NR_VQS, .worker_id = NOBODY };
	unsigned int i, id;

	for (i = 0; i < ARRAY_SIZE(worker_cmds); i++)
		EXPECT_ERR(EFAULT, vdev_cmd(self->fd, worker_cmds[i], BAD_PTR));
	EXPECT_ERR(ENODEV, vdev_free_worker(self->fd, NOBODY));
	EXPECT_ERR(ENODEV, vdev_free_worker(self->fd, ~0U));
	/* The ring first, then the worker. */
	EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, VHOST_ATTACH_VRING_WORKER, &w));
	EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, VHOST_GET_VRING_WORKER, &w));
	w.index = ~0U;
	EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, VHOST_ATTACH_VRING_WORKER, &w));
	EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, VHOST_GET_VRING_WORKER, &w));
	EXPECT_ERR(ENODEV, vdev_attach_worker(self->fd, TXQ, NOBODY));
	EXPECT_ERR(ENODEV, vdev_attach_worker(self->fd, RXQ, ~0U));
	/* Nothing of it left a trace. */
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_OK(vdev_get_worker(self->fd, i, &id));
		EXPECT_EQ(0, id);
	}
	EXPECT_TRUE(threads_are(1));
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

/* The ring can be read and the rest cannot. */
TEST_F(workers, argument_cut_short)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *p;
	__u32 *word;

	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + page, page));
	word = (__u32 *)(p + page) - 1;
	*word = TXQ;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_ATTACH_VRING_WORKER, word));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_GET_VRING_WORKER, word));
	*word = NR_VQS;
	EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, VHOST_ATTACH_VRING_WORKER,
				     word));
	EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, VHOST_GET_VRING_WORKER, word));
}

TEST_F(workers, new_and_free)
{
	unsigned int id[3], i, again;

	for (i = 0; i < 3; i++) {
		ASSERT_OK(vdev_new_worker(self->fd, &id[i]));
		EXPECT_NE(0, id[i]);
		EXPECT_TRUE(threads_are(i + 2));
	}
	EXPECT_NE(id[0], id[1]);
	EXPECT_NE(id[1], id[2]);
	EXPECT_NE(id[0], id[2]);
	EXPECT_OK(vdev_free_worker(self->fd, id[1]));
	EXPECT_ERR(ENODEV, vdev_free_worker(self->fd, id[1]));
	EXPECT_ERR(ENODEV, vdev_attach_worker(self->fd, TXQ, id[1]));
	EXPECT_TRUE(threads_are(3));
	/* A number that is free may be given again, one in use may not. */
	ASSERT_OK(vdev_new_worker(self->fd, &again));
	EXPECT_NE(id[0], again);
	EXPECT_NE(id[2], again);
	EXPECT_NE(0, again);
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

TEST_F(workers, free_wants_it_unused)
{
	struct guest *g = &self->g;
	unsigned int id, seen;

	EXPECT_ERR(EBUSY, vdev_free_worker(self->fd, 0));
	ASSERT_OK(vdev_new_worker(self->fd, &id));
	ASSERT_OK(vdev_attach_worker(self->fd, RXQ, id));
	EXPECT_OK(vdev_get_worker(self->fd, RXQ, &seen));
	EXPECT_EQ(id, seen);
	EXPECT_OK(vdev_get_worker(self->fd, TXQ, &seen));
	EXPECT_EQ(0, seen);
	EXPECT_ERR(EBUSY, vdev_free_worker(self->fd, 0));
	EXPECT_ERR(EBUSY, vdev_free_worker(self->fd, id));
	EXPECT_OK(guest_check_alive(g, 0));
	/* The first is no other than those made later. */
	ASSERT_OK(vdev_attach_worker(self->fd, TXQ, id));
	EXPECT_OK(vdev_free_worker(self->fd, 0));
	EXPECT_ERR(ENODEV, vdev_attach_worker(self->fd, RXQ, 0));
	EXPECT_TRUE(threads_are(1));
	EXPECT_OK(guest_check_alive(g, 100));
	/* The same again is nothing new. */
	EXPECT_OK(vdev_attach_worker(self->fd, TXQ, id));
	EXPECT_OK(guest_check_alive(g, 200));
}

/* Without a backend, without a kick, and then with both. */
TEST_F(workers, attach_before_the_ring_is_set_up)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE | F_EVENT_IDX);
	struct guest *g = &self->g;
	unsigned int id, i;

	guest_stop(g);
	ASSERT_OK(guest_init(g, &cfg));
	ASSERT_OK(guest_open_tap(g));
	g->dev = vdev_open();
	ASSERT_GE(g->dev, 0);
	ASSERT_OK(vdev_set_owner(g->dev));
	ASSERT_OK(vdev_new_worker(g->dev, &id));
	ASSERT_OK(vdev_attach_worker(g->dev, TXQ, id));
	ASSERT_OK(vdev_attach_worker(g->dev, RXQ, id));
	ASSERT_OK(vdev_free_worker(g->dev, 0));
	ASSERT_OK(vdev_set_features(g->dev, cfg.features));
	ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
	for (i = 0; i < NR_VQS; i++)
		ASSERT_OK(vdev_set_vring(g->dev, &g->vq[i], 0));
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* Only the thread that has the ring is woken for it. */
TEST_F(workers, the_attached_one_works)
{
	unsigned long before[2], after[2];
	struct guest *g = &self->g;
	pid_t tid[2], first;
	unsigned int id, i;

	ASSERT_EQ(1, threads_of(getpid(), &first, 1));
	ASSERT_OK(vdev_new_worker(self->fd, &id));
	ASSERT_EQ(2, threads_of(getpid(), tid, 2));
	if (tid[1] == first) {
		tid[1] = tid[0];
		tid[0] = first;
	}
	/* Both rings to the second: the first one sleeps on. */
	ASSERT_OK(vdev_attach_worker(self->fd, RXQ, id));
	ASSERT_OK(vdev_attach_worker(self->fd, TXQ, id));
	ASSERT_THAT(wait_until(thread_rests(tid[0])));
	before[0] = thread_switches(tid[0]);
	before[1] = thread_switches(tid[1]);
	for (i = 0; i < 5; i++)
		ASSERT_OK(guest_check_alive(g, i * 100));
	/* A thread that rests has been counted for all that it did. */
	ASSERT_THAT(wait_until(thread_rests(tid[0]) && thread_rests(tid[1])));
	after[0] = thread_switches(tid[0]);
	after[1] = thread_switches(tid[1]);
	EXPECT_EQ(before[0], after[0]);
	EXPECT_LT(before[1], after[1]);
	/* One each: both work. */
	ASSERT_OK(vdev_attach_worker(self->fd, RXQ, 0));
	before[0] = thread_switches(tid[0]);
	before[1] = thread_switches(tid[1]);
	for (i = 0; i < 5; i++)
		ASSERT_OK(guest_check_alive(g, i * 100));
	EXPECT_TRUE(wait_until(thread_switches(tid[0]) > before[0]));
	EXPECT_TRUE(wait_until(thread_switches(tid[1]) > before[1]));
}

/* Rings go from worker to worker under load: all arrives, once and in order. */
TEST_F(workers, attach_while_running)
{
	unsigned int total = env_scaled(3000, 500), round = 0;
	__u32 out = 0, in = 0, seen_out = 0, seen_in = 0;
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int id[3] = { 0 };

	ASSERT_OK(vdev_new_worker(self->fd, &id[1]));
	ASSERT_OK(vdev_new_worker(self->fd, &id[2]));
	while (seen_in < total || seen_out < total) {
		guest_refill(g, 256, 2048);
		out = guest_fill_tx(g, FRAME_LEN, out, out + 40 < total ? out + 40 : total);
		ASSERT_OK(vdev_attach_worker(self->fd, TXQ, id[round % 3]));
		while (in < total && in - seen_in < 40)
			ASSERT_OK(guest_inject(g, FRAME_LEN, in++));
		ASSERT_OK(vdev_attach_worker(self->fd, RXQ, id[round / 2 % 3]));
		while (seen_out < out)
			ASSERT_OK_AT(guest_capture(g, FRAME_LEN, seen_out++),
				     "frame %u out", seen_out);
		while (seen_in < in) {
			guest_refill(g, 256, 2048);
			ASSERT_OK_AT(guest_recv(g, &f), "frame %u in", seen_in);
			ASSERT_THAT(frame_is(f.data, f.len, seen_in));
			seen_in++;
		}
		round++;
	}
	EXPECT_OK(guest_reap_all(g));
}

/* A worker may be freed as soon as its ring has gone, whatever it was at. */
TEST_F(workers, free_while_running)
{
	unsigned int total = env_scaled(2000, 300), id, last = 0;
	struct guest *g = &self->g;
	__u32 out = 0, seen = 0;

	while (out < total) {
		ASSERT_OK(vdev_new_worker(self->fd, &id));
		out = guest_fill_tx(g, FRAME_LEN, out, out + 50 < total ? out + 50 : total);
		EXPECT_ERR(EBUSY, vdev_free_worker(self->fd, last));
		ASSERT_OK(vdev_attach_worker(self->fd, TXQ, id));
		ASSERT_OK(vdev_attach_worker(self->fd, RXQ, id));
		ASSERT_OK(vdev_free_worker(self->fd, last));
		last = id;
		while (seen < out)
			ASSERT_OK_AT(guest_capture(g, FRAME_LEN, seen++),
				     "frame %u", seen);
	}
	EXPECT_OK(guest_reap_all(g));
	EXPECT_TRUE(threads_are(1));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* The tap wakes the worker that the ring has now, also after its swap. */
TEST_F(workers, attach_between_backends)
{
	struct guest *g = &self->g;
	unsigned int id[2] = { 0 }, i;

	ASSERT_OK(vdev_new_worker(self->fd, &id[1]));
	for (i = 0; i < 10; i++) {
		ASSERT_OK(guest_set_backend(g, -1));
		ASSERT_OK(vdev_attach_worker(self->fd, RXQ, id[i & 1]));
		ASSERT_OK(guest_set_backend(g, g->tap));
		ASSERT_OK(vdev_attach_worker(self->fd, TXQ, id[i & 1]));
		ASSERT_OK_AT(guest_check_alive(g, i), "round %u", i);
	}
}

/* As many as it gives, freed in another order, and all over again. */
TEST_F(workers, many)
{
	unsigned int id[MANY], n, i, round, limit = 0;
	int err;

	for (round = 0; round < 2; round++) {
		err = 0;
		for (n = 0; n < MANY; n++) {
			err = vdev_new_worker(self->fd, &id[n]);
			if (err)
				break;
		}
		/* There is a limit, for these are threads. */
		ASSERT_LT(n, MANY);
		ASSERT_GE(n, 8);
		EXPECT_ERR(ENOSPC, err);
		EXPECT_TRUE(threads_are(n + 1));
		if (round)
			EXPECT_EQ(limit, n);
		limit = n;
		ASSERT_OK(vdev_attach_worker(self->fd, TXQ, id[n - 1]));
		ASSERT_OK(guest_check_alive(&self->g, round));
		ASSERT_OK(vdev_attach_worker(self->fd, TXQ, 0));
		for (i = 0; i < n; i += 2)
			ASSERT_OK(vdev_free_worker(self->fd, id[i]));
		for (i = 1; i < n; i += 2)
			ASSERT_OK(vdev_free_worker(self->fd, id[i]));
		EXPECT_TRUE(threads_are(1));
	}
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

/* One hundred in turn: what a worker costs is given back. */
TEST_F(workers, a_hundred_in_turn)
{
	unsigned int i, id, n = env_scaled(100, 20);

	for (i = 0; i < n; i++) {
		ASSERT_OK(vdev_new_worker(self->fd, &id));
		ASSERT_OK(vdev_attach_worker(self->fd, i & 1, id));
		ASSERT_OK(vdev_attach_worker(self->fd, i & 1, 0));
		ASSERT_OK(vdev_free_worker(self->fd, id));
	}
	EXPECT_TRUE(threads_are(1));
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

static int spread_rings(int fd)
{
	unsigned int id, i;
	int err = 0;

	for (i = 0; !err && i < NR_VQS; i++) {
		err = vdev_new_worker(fd, &id);
		if (!err)
			err = vdev_attach_worker(fd, i, id);
	}
	/* And one that has none. */
	return err ? err : vdev_new_worker(fd, &id);
}

TEST_F(workers, close_with_several)
{
	struct guest *g = &self->g;

	ASSERT_OK(spread_rings(self->fd));
	ASSERT_OK(guest_check_alive(g, 0));
	guest_fill_tx(g, FRAME_LEN, 0, 200);
	EXPECT_TRUE(threads_are(4));
	close(g->dev);
	g->dev = -1;
	EXPECT_TRUE(threads_are(0));
}

TEST_F(workers, reset_owner_with_several)
{
	struct guest *g = &self->g;
	unsigned int i, id;

	ASSERT_OK(spread_rings(self->fd));
	guest_fill_tx(g, FRAME_LEN, 0, 200);
	ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_TRUE(threads_are(0));
	ASSERT_OK(vdev_set_owner(self->fd));
	EXPECT_TRUE(threads_are(1));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_OK(vdev_get_worker(self->fd, i, &id));
		EXPECT_EQ(0, id);
	}
	EXPECT_ERR(ENODEV, vdev_attach_worker(self->fd, TXQ, 1));
}

/* CVE-2024-42135, where the owner has more than one of them. */
TEST(owner_killed_with_several)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE | F_EVENT_IDX);
	unsigned int round;
	struct guest g;
	int ready, status, dev;
	pid_t pid;

	if (!env_is_ours())
		SKIP(return, "vhost_net differs: no commands for workers");
	for (round = 0; round < env_scaled(4, 2); round++) {
		ready = eventfd(0, EFD_NONBLOCK);
		/* Somebody else has the file still. */
		dev = vdev_open();
		ASSERT_GE(dev, 0);
		pid = child_fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			if (guest_start(&g, &cfg) || spread_rings(g.dev) ||
			    vdev_set_owner(dev) || spread_rings(dev))
				_exit(1);
			guest_load_forever(&g, FRAME_LEN, ready);
		}
		ASSERT_THAT(event_wait(ready));
		ASSERT_EQ(8, threads_of(pid, NULL, 0));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_ERR(EPERM, vdev_free_worker(dev, 3));
		close(dev);
		EXPECT_TRUE(wait_until(!threads_of(pid, NULL, 0)));
		close(ready);
	}
	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_OK(guest_check_alive(&g, 0));
	guest_stop(&g);
}

/*
 * A process that shares the owner's memory survives it: to him the device belongs
 * as well. Its threads, if they were the owner's, have gone with their process; new
 * ones do their work.
 */
struct heir {
	struct guest g;
	int ready;	/* the owner may die */
	int dead;	/* he has */
	int told;	/* what has become of it: 1, or more for what failed */
};

#define HEIR_OK		1

static int inherit(struct guest *g)
{
	unsigned int id;

	/* Nobody answers that, or it is answered late. */
	vq_kick(&g->vq[TXQ]);
	vq_kick(&g->vq[RXQ]);
	if (guest_set_backend(g, -1))
		return 2;
	if (vdev_new_worker(g->dev, &id))
		return 3;
	if (vdev_attach_worker(g->dev, TXQ, id) ||
	    vdev_attach_worker(g->dev, RXQ, id))
		return 4;
	if (guest_set_backend(g, g->tap))
		return 5;
	if (guest_check_alive(g, 100))
		return 6;
	if (vdev_free_worker(g->dev, 0))
		return 7;
	if (guest_check_alive(g, 200))
		return 8;
	return close(g->dev) ? 9 : HEIR_OK;
}

static int heir_main(void *arg)
{
	struct heir *h = arg;
	__u64 result = 10;

	if (event_wait(h->dead))
		result = inherit(&h->g);
	if (write(h->told, &result, sizeof(result)) != sizeof(result))
		return 1;
	return 0;
}

static void owner_with_heir(struct heir *h)
{
	static long double stack[16 << 10];	/* aligned as a stack is */
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE | F_EVENT_IDX);

	if (guest_start(&h->g, &cfg) || guest_check_alive(&h->g, 0))
		_exit(1);
	if (clone(heir_main, stack + ARRAY_SIZE(stack), CLONE_VM | CLONE_FILES |
		  CLONE_FS, h) < 0)
		_exit(2);
	event_signal(h->ready);
	for (;;)
		pause();
}

TEST(owner_killed_memory_lives_on)
{
	struct heir h = {
		.ready = eventfd(0, EFD_NONBLOCK),
		.dead = eventfd(0, EFD_NONBLOCK),
		.told = eventfd(0, EFD_NONBLOCK),
	};
	int status;
	pid_t pid;

	if (!env_is_ours())
		SKIP(return, "vhost_net differs: no commands for workers");
	pid = child_fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		owner_with_heir(&h);
	ASSERT_THAT(event_wait(h.ready));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	event_signal(h.dead);
	/* What he waits for he waits for as long as this does. */
	ASSERT_THAT(event_wait(h.told) || event_wait(h.told));
	EXPECT_EQ(HEIR_OK, event_count(h.told));
	EXPECT_TRUE(wait_until(!threads_of(pid, NULL, 0)));
}

/* One thread of the owner moves the rings about while another works. */
struct mover {
	int fd;
	atomic_bool stop;
	atomic_uint rounds;
	int err;
};

static void *move_rings(void *arg)
{
	struct mover *m = arg;
	unsigned int id, i = 0;

	while (!m->err && !atomic_load(&m->stop)) {
		m->err = vdev_new_worker(m->fd, &id);
		if (!m->err)
			m->err = vdev_attach_worker(m->fd, i & 1, id);
		if (!m->err)
			m->err = vdev_attach_worker(m->fd, i & 1, 0);
		if (!m->err)
			m->err = vdev_free_worker(m->fd, id);
		i++;
		atomic_fetch_add(&m->rounds, 1);
	}
	return NULL;
}

TEST_F(workers, moved_meanwhile)
{
	unsigned int i, n = env_scaled(200, 20);
	struct mover m = { .fd = self->fd };
	struct guest *g = &self->g;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, move_rings, &m));
	for (i = 0; i < n || !atomic_load(&m.rounds); i++) {
		ASSERT_OK_AT(guest_check_alive(g, i * 10), "round %u", i);
		if (i % 8 == 0) {
			ASSERT_OK(guest_set_backend(g, -1));
			ASSERT_OK(guest_set_backend(g, g->tap));
		}
	}
	atomic_store(&m.stop, true);
	pthread_join(thread, NULL);
	EXPECT_OK(m.err);
	EXPECT_TRUE(threads_are(1));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* ---- whose thread it is ---- */

FIXTURE(fork_from_owner)
{
	int fd;
};

FIXTURE_SETUP(fork_from_owner)
{
	__u8 value;

	self->fd = vdev_open();
	ASSERT_GE(self->fd, 0);
	if (!env_is_ours() &&
	    vdev_cmd(self->fd, VHOST_GET_FORK_FROM_OWNER, &value) == -EPERM)
		SETUP_SKIP("vhost_net of this kernel has no such command");
}

FIXTURE_TEARDOWN(fork_from_owner)
{
	close(self->fd);
}

static int set_fork(int fd, __u8 value)
{
	return vdev_cmd(fd, VHOST_SET_FORK_FROM_OWNER, &value);
}

static int get_fork(int fd)
{
	__u8 value = 0xff;
	int err = vdev_cmd(fd, VHOST_GET_FORK_FROM_OWNER, &value);

	return err ? err : value;
}

TEST_F(fork_from_owner, values)
{
	EXPECT_EQ(VHOST_FORK_OWNER_TASK, get_fork(self->fd));
	EXPECT_OK(set_fork(self->fd, VHOST_FORK_OWNER_KTHREAD));
	EXPECT_EQ(VHOST_FORK_OWNER_KTHREAD, get_fork(self->fd));
	EXPECT_ERR(EINVAL, set_fork(self->fd, 2));
	EXPECT_ERR(EINVAL, set_fork(self->fd, 0xff));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_FORK_FROM_OWNER,
				    BAD_PTR));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_GET_FORK_FROM_OWNER,
				    BAD_PTR));
	EXPECT_EQ(VHOST_FORK_OWNER_KTHREAD, get_fork(self->fd));
	EXPECT_OK(set_fork(self->fd, VHOST_FORK_OWNER_TASK));
	EXPECT_EQ(VHOST_FORK_OWNER_TASK, get_fork(self->fd));
}

TEST_F(fork_from_owner, only_before_the_owner)
{
	ASSERT_OK(set_fork(self->fd, VHOST_FORK_OWNER_KTHREAD));
	ASSERT_OK(vdev_set_owner(self->fd));
	EXPECT_ERR(EBUSY, set_fork(self->fd, VHOST_FORK_OWNER_TASK));
	/* Busy before bad. */
	EXPECT_ERR(EBUSY, set_fork(self->fd, 2));
	EXPECT_ERR(EBUSY, vdev_cmd(self->fd, VHOST_SET_FORK_FROM_OWNER,
				   BAD_PTR));
	EXPECT_EQ(VHOST_FORK_OWNER_KTHREAD, get_fork(self->fd));
	/* With its owner all is forgotten. */
	ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(VHOST_FORK_OWNER_TASK, get_fork(self->fd));
	EXPECT_OK(set_fork(self->fd, VHOST_FORK_OWNER_TASK));
}

/* Before 6.4 or so the kernel lends no thread to a module: both are its own. */
TEST_F(fork_from_owner, whose_thread)
{
	bool can_fork = env_kernel_at_least(6, 12);
	pid_t tid;
	__u8 fork;

	for (fork = 0; fork < 2; fork++) {
		ASSERT_OK(set_fork(self->fd, fork));
		ASSERT_OK(vdev_set_owner(self->fd));
		ASSERT_EQ(1, threads_of(getpid(), &tid, 1));
		EXPECT_EQ(fork && can_fork, thread_in(tid, getpid()));
		ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
		EXPECT_TRUE(threads_are(0));
	}
}

/* Further ones are of the first one's kind. */
TEST_F(fork_from_owner, whose_further_threads)
{
	bool can_fork = env_kernel_at_least(6, 12);
	unsigned int i, id;
	pid_t tid[4];
	__u8 fork;

	OURS_ALONE("no commands for workers");
	for (fork = 0; fork < 2; fork++) {
		ASSERT_OK(set_fork(self->fd, fork));
		ASSERT_OK(vdev_set_owner(self->fd));
		for (i = 0; i < 3; i++)
			ASSERT_OK(vdev_new_worker(self->fd, &id));
		ASSERT_EQ(4, threads_of(getpid(), tid, 4));
		for (i = 0; i < 4; i++)
			EXPECT_EQ(fork && can_fork,
				  thread_in(tid[i], getpid()));
		ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
		EXPECT_TRUE(threads_are(0));
	}
}

TEST_F(fork_from_owner, both_kinds_work)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE | F_EVENT_IDX);
	struct guest g;
	unsigned int i;
	__u8 fork;

	for (fork = 0; fork < 2; fork++) {
		ASSERT_OK(guest_init(&g, &cfg));
		ASSERT_OK(guest_open_tap(&g));
		g.dev = vdev_open();
		ASSERT_GE(g.dev, 0);
		ASSERT_OK(set_fork(g.dev, fork));
		ASSERT_OK(vdev_set_owner(g.dev));
		ASSERT_OK(vdev_set_features(g.dev, cfg.features));
		ASSERT_OK(vdev_set_mem(g.dev, &g.mem));
		for (i = 0; i < NR_VQS; i++)
			ASSERT_OK(vdev_set_vring(g.dev, &g.vq[i], 0));
		ASSERT_OK(guest_set_backend(&g, g.tap));
		EXPECT_OK(guest_check_alive(&g, 0));
		guest_stop(&g);
	}
}

/* CVE-2024-42135 for either kind: the thread goes with its owner. */
TEST_F(fork_from_owner, owner_killed)
{
	int status, ready = eventfd(0, EFD_NONBLOCK);
	__u8 fork_it;
	pid_t pid;

	for (fork_it = 0; fork_it < 2; fork_it++) {
		ASSERT_OK(set_fork(self->fd, fork_it));
		pid = child_fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			if (vdev_set_owner(self->fd))
				_exit(1);
			event_signal(ready);
			pause();
		}
		ASSERT_THAT(event_wait(ready));
		event_count(ready);
		EXPECT_EQ(1, threads_of(pid, NULL, 0));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_ERR(EBUSY, vdev_set_owner(self->fd));
		close(self->fd);
		EXPECT_TRUE(wait_until(!threads_of(pid, NULL, 0)));
		self->fd = vdev_open();
		ASSERT_GE(self->fd, 0);
	}
	close(ready);
}

/* ---- accounting ---- */

static int write_to(const char *dir, const char *file, const char *text)
{
	char path[200];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int write_pid(const char *dir, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return write_to(dir, "cgroup.procs", text);
}

/* Compares where this process and its devices' threads are accounted. */
static bool in_my_cgroup(void)
{
	char mine[200], its[200];
	unsigned int i, n;
	pid_t tid[8];

	n = threads_of(getpid(), tid, 8);
	if (!n || !thread_cgroup(getpid(), mine, sizeof(mine)))
		return false;
	for (i = 0; i < n && i < 8; i++)
		if (!thread_cgroup(tid[i], its, sizeof(its)) ||
		    strcmp(mine, its))
			return false;
	return true;
}

#define CGROUP_ROOT	"/tmp/vhost_cgroup"

/* A cgroup of this process alone; 0 or a negative errno. */
static int cgroup_enter(char *dir, size_t len)
{
	mkdir(CGROUP_ROOT, 0755);
	if (mount("none", CGROUP_ROOT, "cgroup2", 0, NULL))
		return -errno;
	snprintf(dir, len, CGROUP_ROOT "/vhost-%d", getpid());
	return mkdir(dir, 0755) ? -errno : write_pid(dir, getpid());
}

/* True if nobody is left behind in it. */
static bool cgroup_leave(const char *dir)
{
	bool empty;

	write_pid(CGROUP_ROOT, getpid());
	empty = wait_until(!rmdir(dir));
	umount(CGROUP_ROOT);
	rmdir(CGROUP_ROOT);
	return empty;
}

/* Whoever owns the device pays for its threads. */
TEST(threads_are_in_the_owners_cgroup)
{
	char dir[100], line[200];
	unsigned int id;
	int fd, err;

	err = cgroup_enter(dir, sizeof(dir));
	if (err)
		SKIP(return, "no cgroup2 here: %s", strerror(-err));
	ASSERT_THAT(thread_cgroup(getpid(), line, sizeof(line)));
	ASSERT_THAT(strstr(line, strrchr(dir, '/')));
	fd = vdev_open();
	ASSERT_GE(fd, 0);
	ASSERT_OK(vdev_set_owner(fd));
	EXPECT_TRUE(in_my_cgroup());
	if (env_is_ours()) {
		EXPECT_OK(vdev_new_worker(fd, &id));
		EXPECT_TRUE(threads_are(2));
		EXPECT_TRUE(in_my_cgroup());
	}
	close(fd);
	EXPECT_TRUE(cgroup_leave(dir));
}

/* An owner who may have no more threads gets none, and keeps what he has. */
TEST(no_more_threads_in_the_cgroup)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE | F_EVENT_IDX);
	struct guest g;
	char dir[100];
	unsigned int id;
	int fd, err;

	/* Threads of the kernel are not counted while they are made. */
	if (!env_kernel_at_least(6, 12))
		SKIP(return, "threads are the kernel's here");
	err = cgroup_enter(dir, sizeof(dir));
	if (err)
		SKIP(return, "no cgroup2 here: %s", strerror(-err));
	err = write_to(CGROUP_ROOT, "cgroup.subtree_control", "+pids");
	ASSERT_OK(guest_start(&g, &cfg));
	fd = vdev_open();
	ASSERT_GE(fd, 0);
	if (!err)
		err = write_to(dir, "pids.max", "2");
	if (!err) {
		EXPECT_ERR(ENOMEM, vdev_set_owner(fd));
		if (env_is_ours())
			EXPECT_ERR(ENOMEM, vdev_new_worker(g.dev, &id));
		EXPECT_TRUE(threads_are(1));
		EXPECT_OK(guest_check_alive(&g, 0));
		EXPECT_OK(write_to(dir, "pids.max", "max"));
		EXPECT_OK(vdev_set_owner(fd));
	}
	close(fd);
	guest_stop(&g);
	EXPECT_TRUE(cgroup_leave(dir));
	if (err)
		SKIP(return, "no limit of threads here: %s", strerror(-err));
}

static atomic_uint alarms;

static void on_alarm(int sig)
{
	atomic_fetch_add(&alarms, 1);
}

/* A signal that comes while a thread is made is no lack of memory. */
TEST(signals_while_threads_are_made)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	unsigned int i, id, n = env_scaled(500, 50);
	int fd;

	if (env_kernel_at_least(6, 12))
		OURS_ALONE("takes it for one");
	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	for (i = 0; i < n || !atomic_load(&alarms); i++) {
		fd = vdev_open();
		ASSERT_GE(fd, 0);
		ASSERT_OK_AT(vdev_set_owner(fd), "round %u", i);
		if (env_is_ours())
			ASSERT_OK_AT(vdev_new_worker(fd, &id), "round %u", i);
		close(fd);
	}
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
}

VHOST_TEST_MAIN
