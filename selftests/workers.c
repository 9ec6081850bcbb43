// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worker threads: created, attached to rings and freed while traffic runs.
 *
 * In-tree only vhost-scsi has the commands for workers. vhost_net does not know
 * them, which is the first test.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "test.h"
#include "thread.h"

#define FRAME_LEN	100
#define NO_WORKER	12345

/* One for each ring, besides the first. */
#define MAX_NEW		NR_VQS

static const unsigned long worker_cmds[] = {
	VHOST_NEW_WORKER, VHOST_FREE_WORKER, VHOST_ATTACH_VRING_WORKER,
	VHOST_GET_VRING_WORKER,
};

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

/* Each device has one thread at first, with the name that tools look for. */
TEST(one_thread_for_a_device)
{
	unsigned int i, n = 5;
	pid_t tid[5];
	int fd[5];

	ASSERT_EQ(0, threads_own());
	for (i = 0; i < n; i++) {
		fd[i] = vdev_open();
		ASSERT_GE(fd[i], 0);
		EXPECT_TRUE(threads_wait(i));
		ASSERT_OK(vdev_set_owner(fd[i]));
		EXPECT_TRUE(threads_wait(i + 1));
	}
	ASSERT_EQ(n, threads_of(getpid(), tid, n));
	for (i = 0; i < n; i++)
		EXPECT_TRUE(wait_until(thread_state(tid[i]) == 'S'));
	for (i = 0; i < n; i++) {
		close(fd[i]);
		EXPECT_TRUE(threads_wait(n - 1 - i));
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

TEST_F(workers, commands_need_an_owner)
{
	unsigned int i;
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	/* The owner is checked before anything else. */
	for (i = 0; i < ARRAY_SIZE(worker_cmds); i++)
		EXPECT_ERR(EINVAL, vdev_cmd(fd, worker_cmds[i], BAD_PTR));
	ASSERT_OK(vdev_set_owner(fd));
	ASSERT_OK(vdev_cmd(fd, VHOST_RESET_OWNER, NULL));
	for (i = 0; i < ARRAY_SIZE(worker_cmds); i++)
		EXPECT_ERR(EINVAL, vdev_cmd(fd, worker_cmds[i], BAD_PTR));
	close(fd);
}

/* In another process. Return: 0, or 1 + the index of a command not refused. */
static int as_stranger(int fd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(worker_cmds); i++)
		if (vdev_cmd(fd, worker_cmds[i], BAD_PTR) != -EPERM)
			return i + 1;
	return 0;
}

TEST_F(workers, other_processes_are_refused)
{
	int status;
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(as_stranger(self->fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(threads_wait(1));
}

TEST_F(workers, bad_arguments)
{
	struct vhost_vring_worker w = {
		.index = NR_VQS,
		.worker_id = NO_WORKER,
	};
	unsigned int i, id;

	for (i = 0; i < ARRAY_SIZE(worker_cmds); i++)
		EXPECT_ERR(EFAULT, vdev_cmd(self->fd, worker_cmds[i], BAD_PTR));
	EXPECT_ERR(ENODEV, vdev_free_worker(self->fd, NO_WORKER));
	EXPECT_ERR(ENODEV, vdev_free_worker(self->fd, ~0U));
	/* The ring is checked before the worker. */
	EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, VHOST_ATTACH_VRING_WORKER, &w));
	EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, VHOST_GET_VRING_WORKER, &w));
	w.index = ~0U;
	EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, VHOST_ATTACH_VRING_WORKER, &w));
	EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, VHOST_GET_VRING_WORKER, &w));
	EXPECT_ERR(ENODEV, vdev_attach_worker(self->fd, TXQ, NO_WORKER));
	EXPECT_ERR(ENODEV, vdev_attach_worker(self->fd, RXQ, ~0U));
	/* Nothing has changed. */
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_OK(vdev_get_worker(self->fd, i, &id));
		EXPECT_EQ(0, id);
	}
	EXPECT_TRUE(threads_wait(1));
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

/* The ring's number can be read, the rest of the argument cannot. */
TEST_F(workers, partly_readable_argument)
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
	unsigned int id[2], i, again;

	for (i = 0; i < 2; i++) {
		ASSERT_OK(vdev_new_worker(self->fd, &id[i]));
		EXPECT_NE(0, id[i]);
		EXPECT_TRUE(threads_wait(i + 2));
	}
	EXPECT_NE(id[0], id[1]);
	EXPECT_OK(vdev_free_worker(self->fd, id[0]));
	EXPECT_ERR(ENODEV, vdev_free_worker(self->fd, id[0]));
	EXPECT_ERR(ENODEV, vdev_attach_worker(self->fd, TXQ, id[0]));
	EXPECT_TRUE(threads_wait(2));
	/* An id may be reused once it is free. */
	ASSERT_OK(vdev_new_worker(self->fd, &again));
	EXPECT_NE(id[1], again);
	EXPECT_NE(0, again);
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

TEST_F(workers, free_fails_while_attached)
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
	/* The first worker is treated like any other. */
	ASSERT_OK(vdev_attach_worker(self->fd, TXQ, id));
	EXPECT_OK(vdev_free_worker(self->fd, 0));
	EXPECT_ERR(ENODEV, vdev_attach_worker(self->fd, RXQ, 0));
	EXPECT_TRUE(threads_wait(1));
	EXPECT_OK(guest_check_alive(g, 100));
	/* Attaching to the same worker again changes nothing. */
	EXPECT_OK(vdev_attach_worker(self->fd, TXQ, id));
	EXPECT_OK(guest_check_alive(g, 200));
}

/* Attach while there is neither a backend nor a kick, then start the rings. */
TEST_F(workers, attach_before_setup)
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

/* A ring's work wakes only the thread that the ring is attached to. */
TEST_F(workers, only_the_attached_worker_wakes)
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
	/* Both rings to the second worker: the first one stays asleep. */
	ASSERT_OK(vdev_attach_worker(self->fd, RXQ, id));
	ASSERT_OK(vdev_attach_worker(self->fd, TXQ, id));
	ASSERT_THAT(wait_until(thread_rests(tid[0])));
	before[0] = thread_switches(tid[0]);
	before[1] = thread_switches(tid[1]);
	for (i = 0; i < 5; i++)
		ASSERT_OK(guest_check_alive(g, i * 100));
	/* The counts are final once both threads rest. */
	ASSERT_THAT(wait_until(thread_rests(tid[0]) && thread_rests(tid[1])));
	after[0] = thread_switches(tid[0]);
	after[1] = thread_switches(tid[1]);
	EXPECT_EQ(before[0], after[0]);
	EXPECT_LT(before[1], after[1]);
	/* One ring each: both threads work. */
	ASSERT_OK(vdev_attach_worker(self->fd, RXQ, 0));
	before[0] = thread_switches(tid[0]);
	before[1] = thread_switches(tid[1]);
	for (i = 0; i < 5; i++)
		ASSERT_OK(guest_check_alive(g, i * 100));
	EXPECT_TRUE(wait_until(thread_switches(tid[0]) > before[0]));
	EXPECT_TRUE(wait_until(thread_switches(tid[1]) > before[1]));
}

/* Rings of both layouts, under load. */
FIXTURE(loaded)
{
	struct guest g;
	int fd;
};

FIXTURE_VARIANT(loaded)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(loaded, split)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(loaded, packed)
{
	.features = F_PACKED_BASE | F_EVENT_IDX,
};

FIXTURE_SETUP(loaded)
{
	struct guest_cfg cfg = GUEST_CFG(variant->features);

	if (!env_is_ours())
		SETUP_SKIP("vhost_net differs: no commands for workers");
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->fd = self->g.dev;
}

FIXTURE_TEARDOWN(loaded)
{
	guest_stop(&self->g);
}

/* Move rings between workers: frames arrive once and in order. */
TEST_F(loaded, attach_while_running)
{
	unsigned int total = env_scaled(3000, 500), round = 0;
	__u32 out = 0, in = 0, seen_out = 0, seen_in = 0, end;
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int id[3] = { 0 };

	ASSERT_OK(vdev_new_worker(self->fd, &id[1]));
	ASSERT_OK(vdev_new_worker(self->fd, &id[2]));
	while (seen_in < total || seen_out < total) {
		guest_refill(g, 256, 2048);
		end = out + 40 < total ? out + 40 : total;
		out = guest_fill_tx(g, FRAME_LEN, out, end);
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

/* A worker can be freed as soon as its rings are attached elsewhere. */
TEST_F(loaded, free_while_running)
{
	unsigned int total = env_scaled(2000, 300), id, last = 0;
	struct guest *g = &self->g;
	__u32 out = 0, seen = 0, end;

	while (out < total) {
		ASSERT_OK(vdev_new_worker(self->fd, &id));
		end = out + 50 < total ? out + 50 : total;
		out = guest_fill_tx(g, FRAME_LEN, out, end);
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
	EXPECT_TRUE(threads_wait(1));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* The tap wakes the ring's current worker, also after a change of backend. */
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

/* There is a limit, as each worker is a thread. It depends on the rings. */
TEST_F(workers, up_to_the_limit)
{
	unsigned int id[MAX_NEW], one_more, i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < MAX_NEW; i++)
			ASSERT_OK(vdev_new_worker(self->fd, &id[i]));
		EXPECT_ERR(ENOSPC, vdev_new_worker(self->fd, &one_more));
		EXPECT_TRUE(threads_wait(MAX_NEW + 1));
		/* It is the same for workers that serve a ring. */
		for (i = 0; i < NR_VQS; i++)
			ASSERT_OK(vdev_attach_worker(self->fd, i, id[i]));
		EXPECT_ERR(ENOSPC, vdev_new_worker(self->fd, &one_more));
		ASSERT_OK(guest_check_alive(&self->g, round));
		for (i = 0; i < NR_VQS; i++)
			ASSERT_OK(vdev_attach_worker(self->fd, i, 0));
		for (i = 0; i < MAX_NEW; i++)
			ASSERT_OK(vdev_free_worker(self->fd,
						   id[(i + round) % MAX_NEW]));
		EXPECT_TRUE(threads_wait(1));
	}
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

/* A worker's resources are released when it is freed. */
TEST_F(workers, many_in_turn)
{
	unsigned int i, id, n = env_scaled(100, 20);

	for (i = 0; i < n; i++) {
		ASSERT_OK(vdev_new_worker(self->fd, &id));
		ASSERT_OK(vdev_attach_worker(self->fd, i & 1, id));
		ASSERT_OK(vdev_attach_worker(self->fd, i & 1, 0));
		ASSERT_OK(vdev_free_worker(self->fd, id));
	}
	EXPECT_TRUE(threads_wait(1));
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

TEST_F(workers, close_with_several_workers)
{
	struct guest *g = &self->g;

	ASSERT_OK(vdev_spread_rings(self->fd));
	ASSERT_OK(guest_check_alive(g, 0));
	guest_fill_tx(g, FRAME_LEN, 0, 200);
	EXPECT_TRUE(threads_wait(3));
	close(g->dev);
	g->dev = -1;
	EXPECT_TRUE(threads_wait(0));
}

TEST_F(workers, reset_owner_with_several_workers)
{
	struct guest *g = &self->g;
	unsigned int i, id;

	ASSERT_OK(vdev_spread_rings(self->fd));
	guest_fill_tx(g, FRAME_LEN, 0, 200);
	ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_TRUE(threads_wait(0));
	ASSERT_OK(vdev_set_owner(self->fd));
	EXPECT_TRUE(threads_wait(1));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_OK(vdev_get_worker(self->fd, i, &id));
		EXPECT_EQ(0, id);
	}
	EXPECT_ERR(ENODEV, vdev_attach_worker(self->fd, TXQ, 1));
}

/* One thread of the owner moves the rings while another uses them. */
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

TEST_F(workers, attach_by_another_thread)
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
	EXPECT_TRUE(threads_wait(1));
	EXPECT_OK(guest_check_alive(g, 0));
}

VHOST_TEST_MAIN
