// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worker threads and the owner of the device: they belong to its process
 * and its cgroup, and none of them outlives it.
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "child.h"
#include "test.h"
#include "thread.h"

#define FRAME_LEN	100

/* CVE-2024-42135, with several workers. */
TEST(owner_killed_with_several_workers)
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
		/* This process keeps the file open. */
		dev = vdev_open();
		ASSERT_GE(dev, 0);
		pid = child_fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			if (guest_start(&g, &cfg) || vdev_spread_rings(g.dev) ||
			    vdev_set_owner(dev) || vdev_spread_rings(dev))
				_exit(1);
			guest_load_forever(&g, FRAME_LEN, ready);
		}
		ASSERT_THAT(event_wait(ready));
		ASSERT_EQ(6, threads_of(pid, NULL, 0));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_ERR(EPERM, vdev_free_worker(dev, 0));
		close(dev);
		EXPECT_TRUE(wait_until(!threads_of(pid, NULL, 0)));
		close(ready);
	}
	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_OK(guest_check_alive(&g, 0));
	guest_stop(&g);
}

/*
 * A process that shares the owner's memory outlives the owner. The device
 * belongs to it as well. Workers that were threads of the owner have ended with
 * it; new ones take over.
 */
struct heir {
	struct guest g;
	int ready;	/* signalled when the owner may be killed */
	int dead;	/* signalled when it has been killed */
	int told;	/* result: HEIR_OK, or the number of the failed step */
};

#define HEIR_OK		1

static int inherit(struct guest *g)
{
	unsigned int id;

	/* These kicks may be handled late, or never. */
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
	static long double stack[16 << 10];	/* aligned like a stack */
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

TEST(owner_killed_memory_survives)
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
	/* The heir may need a whole deadline of its own. */
	ASSERT_THAT(event_wait(h.told) || event_wait(h.told));
	EXPECT_EQ(HEIR_OK, event_count(h.told));
	EXPECT_TRUE(wait_until(!threads_of(pid, NULL, 0)));
}

/* ---- threads of the owner or of the kernel ---- */

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
	/* EBUSY takes precedence over EINVAL and EFAULT. */
	EXPECT_ERR(EBUSY, set_fork(self->fd, 2));
	EXPECT_ERR(EBUSY, vdev_cmd(self->fd, VHOST_SET_FORK_FROM_OWNER,
				   BAD_PTR));
	EXPECT_EQ(VHOST_FORK_OWNER_KTHREAD, get_fork(self->fd));
	/* Resetting the owner restores the default. */
	ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_EQ(VHOST_FORK_OWNER_TASK, get_fork(self->fd));
	EXPECT_OK(set_fork(self->fd, VHOST_FORK_OWNER_TASK));
}

/* Before 6.12 both kinds are kernel threads: see compat.h. */
TEST_F(fork_from_owner, first_thread)
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
		EXPECT_TRUE(threads_wait(0));
	}
}

/* Further workers are of the same kind as the first. */
TEST_F(fork_from_owner, further_threads)
{
	bool can_fork = env_kernel_at_least(6, 12);
	unsigned int i, id;
	pid_t tid[3];
	__u8 fork;

	OURS_ALONE("no commands for workers");
	for (fork = 0; fork < 2; fork++) {
		ASSERT_OK(set_fork(self->fd, fork));
		ASSERT_OK(vdev_set_owner(self->fd));
		for (i = 0; i < 2; i++)
			ASSERT_OK(vdev_new_worker(self->fd, &id));
		ASSERT_EQ(3, threads_of(getpid(), tid, 3));
		for (i = 0; i < 3; i++)
			EXPECT_EQ(fork && can_fork,
				  thread_in(tid[i], getpid()));
		ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
		EXPECT_TRUE(threads_wait(0));
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

/* CVE-2024-42135 for both kinds: the thread ends with its owner. */
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

/* Check whether the threads are in the same cgroup as this process. */
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

/* The threads are charged to the owner's cgroup. */
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
		EXPECT_TRUE(threads_wait(2));
		EXPECT_TRUE(in_my_cgroup());
	}
	close(fd);
	EXPECT_TRUE(cgroup_leave(dir));
}

/* At its cgroup's limit an owner gets no more threads; it keeps the others. */
TEST(cgroup_limits_threads)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE | F_EVENT_IDX);
	struct guest g;
	char dir[100];
	unsigned int id;
	int fd, err;

	/* Kernel threads are not counted when they are created. */
	if (!env_kernel_at_least(6, 12))
		SKIP(return, "workers are kernel threads here");
	err = cgroup_enter(dir, sizeof(dir));
	if (err)
		SKIP(return, "no cgroup2 here: %s", strerror(-err));
	err = cgroup_write(CGROUP_ROOT, "cgroup.subtree_control", "+pids");
	ASSERT_OK(guest_start(&g, &cfg));
	fd = vdev_open();
	ASSERT_GE(fd, 0);
	if (!err)
		err = cgroup_write(dir, "pids.max", "2");
	if (!err) {
		EXPECT_ERR(ENOMEM, vdev_set_owner(fd));
		if (env_is_ours())
			EXPECT_ERR(ENOMEM, vdev_new_worker(g.dev, &id));
		EXPECT_TRUE(threads_wait(1));
		EXPECT_OK(guest_check_alive(&g, 0));
		EXPECT_OK(cgroup_write(dir, "pids.max", "max"));
		EXPECT_OK(vdev_set_owner(fd));
	}
	close(fd);
	guest_stop(&g);
	EXPECT_TRUE(cgroup_leave(dir));
	if (err)
		SKIP(return, "no limit on threads here: %s", strerror(-err));
}

/* Check whether a thread, or this process, may run on the first CPU only. */
static bool only_first_cpu(pid_t tid)
{
	cpu_set_t set;

	if (sched_getaffinity(tid, sizeof(set), &set))
		return false;
	return CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set);
}

/* Check the threads of two workers of either kind. */
static void check_cpus(struct __test_metadata *_metadata)
{
	unsigned int i, n, id;
	pid_t tid[2];
	int fd, err;
	__u8 fork;

	for (fork = 0; fork < 2; fork++) {
		fd = vdev_open();
		ASSERT_GE(fd, 0);
		err = set_fork(fd, fork);
		/* An earlier vhost_net has one kind. */
		if (err != -EPERM)
			ASSERT_OK(err);
		ASSERT_OK(vdev_set_owner(fd));
		if (env_is_ours())
			ASSERT_OK(vdev_new_worker(fd, &id));
		n = threads_of(getpid(), tid, 2);
		ASSERT_EQ(env_is_ours() ? 2 : 1, n);
		for (i = 0; i < n; i++)
			EXPECT_TRUE(only_first_cpu(tid[i]));
		close(fd);
		EXPECT_TRUE(threads_wait(0));
	}
}

/* The owner's cpuset holds for its threads, those of the kernel included. */
TEST(threads_stay_in_the_owners_cpuset)
{
	char dir[100];
	int err;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "only one processor here");
	err = cgroup_enter(dir, sizeof(dir));
	if (err)
		SKIP(return, "no cgroup2 here: %s", strerror(-err));
	err = cgroup_write(CGROUP_ROOT, "cgroup.subtree_control", "+cpuset");
	if (!err)
		err = cgroup_write(dir, "cpuset.cpus", "0");
	if (!err) {
		EXPECT_TRUE(only_first_cpu(0));
		check_cpus(_metadata);
	}
	EXPECT_TRUE(cgroup_leave(dir));
	if (err)
		SKIP(return, "no cpuset here: %s", strerror(-err));
}

/* ---- the limit of the owner's user ---- */

#define TENANT		4711	/* a user id that nothing else has */
#define TENANT_FILES	8
#define TENANT_LIMIT	6	/* processes and threads, at most */

FIXTURE(user_limit)
{
	int fd[TENANT_FILES];
};

FIXTURE_VARIANT(user_limit)
{
	__u8 fork;
	bool namespace;	/* the limit is that of a user namespace */
};

FIXTURE_VARIANT_ADD(user_limit, kernel_threads)
{
	.fork = VHOST_FORK_OWNER_KTHREAD,
};

FIXTURE_VARIANT_ADD(user_limit, own_threads)
{
	.fork = VHOST_FORK_OWNER_TASK,
};

FIXTURE_VARIANT_ADD(user_limit, kernel_threads_in_namespace)
{
	.fork = VHOST_FORK_OWNER_KTHREAD,
	.namespace = true,
};

FIXTURE_VARIANT_ADD(user_limit, own_threads_in_namespace)
{
	.fork = VHOST_FORK_OWNER_TASK,
	.namespace = true,
};

FIXTURE_SETUP(user_limit)
{
	unsigned int i;

	if (!env_is_ours())
		SETUP_SKIP("vhost_net differs: it never charges kernel threads");
	for (i = 0; i < TENANT_FILES; i++) {
		self->fd[i] = vdev_open();
		ASSERT_GE(self->fd[i], 0);
		ASSERT_OK(set_fork(self->fd[i], variant->fork));
	}
}

FIXTURE_TEARDOWN(user_limit)
{
	unsigned int i;

	for (i = 0; i < TENANT_FILES; i++)
		close(self->fd[i]);
}

/* Limit the processes of the user, which has no more than this one. */
static int limit_processes(rlim_t limit, bool namespace)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NPROC, &r))
		return -errno;
	r.rlim_cur = limit;
	if (setrlimit(RLIMIT_NPROC, &r))
		return -errno;
	if (!namespace)
		return 0;
	/* The present limit becomes that of the namespace. */
	if (unshare(CLONE_NEWUSER))
		return -errno;
	r.rlim_cur = r.rlim_max;
	return setrlimit(RLIMIT_NPROC, &r) ? -errno : 0;
}

/* Create as many more workers as possible. Return: 0 or another error. */
static int use_up(const int *fd)
{
	unsigned int i, id;
	int err;

	for (i = 0; i < TENANT_FILES; i++) {
		err = vdev_set_owner(fd[i]);
		if (err == -EBUSY)
			err = 0;
		while (!err)
			err = vdev_new_worker(fd[i], &id);
		if (err != -ENOMEM && err != -ENOSPC)
			return err;
	}
	return 0;
}

static int reset_owners(const int *fd)
{
	unsigned int i;
	int err;

	for (i = 0; i < TENANT_FILES; i++) {
		err = vdev_cmd(fd[i], VHOST_RESET_OWNER, NULL);
		if (err && err != -EPERM)
			return err;
	}
	return 0;
}

/* Check whether the user may have @n more processes at once. */
static bool room_for(unsigned int n)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(n > 1 && !room_for(n - 1));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* In a process of its own. Return: 0, or the number of the failed step. */
static int as_tenant(const int *fd, __u8 fork, bool namespace)
{
	unsigned int round, i;
	int err;

	if (setgid(TENANT) || setuid(TENANT))
		return 1;
	if (limit_processes(TENANT_LIMIT, namespace))
		return 2;
	for (round = 0; round < 3; round++) {
		/* A process that has ended may still be charged for a while. */
		wait_until((err = use_up(fd)) ||
			   threads_of(getpid(), NULL, 0) >= TENANT_LIMIT - 1);
		if (err)
			return 3;
		if (!threads_wait(TENANT_LIMIT - 1))
			return 4;
		if (room_for(1))
			return 5;
		if (reset_owners(fd) || !threads_wait(0))
			return 6;
		/* All that was charged has been returned. */
		if (!wait_until(room_for(TENANT_LIMIT - 1)))
			return 7;
		for (i = 0; i < TENANT_FILES; i++)
			if (set_fork(fd[i], fork))
				return 8;
	}
	return 0;
}

/* Workers count as processes of the owner's user. */
TEST_F(user_limit, holds_for_workers)
{
	int status;
	pid_t pid = child_fork();

	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(as_tenant(self->fd, variant->fork, variant->namespace));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_THAT(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/* As for processes, the limit is not one for root. */
TEST_F(user_limit, does_not_hold_for_root)
{
	unsigned int i;

	ASSERT_OK(limit_processes(1, false));
	for (i = 0; i < TENANT_FILES; i++)
		EXPECT_OK(vdev_set_owner(self->fd[i]));
	EXPECT_TRUE(threads_wait(TENANT_FILES));
}

static atomic_uint alarms, alarms_in_round;

/* A signal after 1 ms, or later the more have been @seen in this round. */
static void set_alarm(unsigned int seen)
{
	struct itimerval in = {
		.it_value.tv_usec = 1000U << (seen < 9 ? seen : 9),
	};

	setitimer(ITIMER_REAL, &in, NULL);
}

static void on_alarm(int sig)
{
	atomic_fetch_add(&alarms, 1);
	set_alarm(atomic_fetch_add(&alarms_in_round, 1));
}

/*
 * A signal while a thread is created must not look like a lack of memory. The
 * creation begins anew, so signals must not come faster than a slow machine
 * creates threads.
 */
TEST(signals_during_thread_creation)
{
	struct itimerval never = { 0 };
	struct sigaction sa = {
		.sa_handler = on_alarm,
		.sa_flags = SA_RESTART,
	};
	unsigned int i, id, n = env_scaled(500, 50);
	int fd;

	if (env_kernel_at_least(6, 12))
		OURS_ALONE("fails with ENOMEM");
	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	for (i = 0; i < n || !atomic_load(&alarms); i++) {
		atomic_store(&alarms_in_round, 0);
		set_alarm(0);
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
