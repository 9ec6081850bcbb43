// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: namespaces of devices and readers. A device does not keep its
 * network namespace alive, and a reader sees pids of its own pid namespace.
 */
#include <net/if.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"
#include "nl_guest.h"
#include "test.h"

/* ---- network namespaces ---- */

FIXTURE(netns)
{
	struct nl here, top;
	struct nl_msg m;
	int own;	/* the namespace of this process */
	int dev;
	__u32 id;
};

FIXTURE_SETUP(netns)
{
	int initial;

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	self->dev = -1;
	self->own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_GE(self->own, 0);
	initial = initial_netns();
	ASSERT_GE(initial, 0);
	ASSERT_OK(nl_open(&self->here));
	ASSERT_OK(nl_open_in(&self->top, initial));
	close(initial);
}

FIXTURE_TEARDOWN(netns)
{
	nl_close(&self->here);
	nl_close(&self->top);
	close(self->own);
	if (self->dev >= 0)
		close(self->dev);
}

/*
 * Open the device in a new network namespace. Return: a descriptor of that, or
 * a negative errno.
 */
static int open_elsewhere(FIXTURE_DATA(netns) *self)
{
	int other;

	if (unshare(CLONE_NEWNET))
		return -errno;
	other = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	self->dev = vdev_open();
	if (setns(self->own, CLONE_NEWNET) || other < 0)
		return -EPERM;
	return self->dev < 0 ? self->dev : other;
}

static void count_dev(const struct nl_msg *m, void *data)
{
	__u32 *id = data;

	id[1] += m->num[VHOST_ALT_A_DEV_ID] == id[0];
}

/* Count in a dump of queues, which reads all of a device. */
static int times_seen(struct nl *nl, __u32 dev)
{
	__u32 id[2];
	int err;

	do {
		id[0] = dev;
		id[1] = 0;
		err = nl_dump(nl, VHOST_ALT_CMD_QUEUE_GET, NL_NONE, count_dev,
			      id);
	} while (err == -EINTR);
	return err ? err : id[1];
}

/*
 * An open device used to keep its namespace, with all interfaces in it, for as
 * long as the file was open anywhere: the veth's end here stayed.
 */
TEST_F(netns, ends_before_its_device)
{
	int err = link_add_veth("nsa0", "nsa1"), other;

	if (err == -EOPNOTSUPP)
		SKIP(return, "this kernel has no veth");
	ASSERT_OK(err);
	other = open_elsewhere(self);
	ASSERT_GE(other, 0);
	ASSERT_OK(nl_newest(&self->top, &self->id));
	ASSERT_OK(link_move("nsa1", other));
	ASSERT_OK(vdev_set_owner(self->dev));
	close(other);
	/* The end of a namespace takes its end of the veth, and so this one. */
	EXPECT_TRUE(wait_until(!if_nametoindex("nsa0")));

	EXPECT_OK(nl_dev(&self->top, self->id, &self->m));
	EXPECT_EQ(getpid(), NUM(PID));
	EXPECT_EQ(NR_VQS, times_seen(&self->top, self->id));
	EXPECT_OK(nl_reset(&self->top, self->id, NL_NONE));
	EXPECT_ERR(ENODEV, nl_dev(&self->here, self->id, &self->m));
	EXPECT_EQ(0, times_seen(&self->here, self->id));

	/* The device goes on, and tells those that can see it of its end. */
	ASSERT_OK(nl_listen(&self->top));
	EXPECT_OK(vdev_cmd(self->dev, VHOST_RESET_OWNER, NULL));
	close(self->dev);
	self->dev = -1;
	do {
		ASSERT_OK(nl_event(&self->top, &self->m));
	} while (self->m.cmd != VHOST_ALT_CMD_DEV_CLOSE_NTF ||
		 NUM(DEV_ID) != self->id);
	EXPECT_ERR(ENODEV, nl_dev(&self->top, self->id, &self->m));
}

/* ---- pid namespaces ---- */

/* What a reader in a pid namespace of its own reports. */
struct report {
	const char *failure;
	pid_t outside;		/* the reader's pid in the test's namespace */
	__u32 id;		/* of the reader's own device */
	bool done;
	bool end;
};

FIXTURE(pidns)
{
	struct nl nl;
	struct nl_msg m;
	struct report *r;
	pid_t maker;
	int dev;
	__u32 id;
};

FIXTURE_SETUP(pidns)
{
	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	self->r = mmap(NULL, sizeof(*self->r), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->r);
	ASSERT_OK(nl_open(&self->nl));
	self->dev = vdev_open();
	ASSERT_GE(self->dev, 0);
	ASSERT_OK(vdev_set_owner(self->dev));
	ASSERT_OK(nl_newest(&self->nl, &self->id));
}

FIXTURE_TEARDOWN(pidns)
{
	self->r->end = true;
	if (self->maker > 0)
		waitpid(self->maker, NULL, 0);
	nl_close(&self->nl);
	close(self->dev);
	munmap(self->r, sizeof(*self->r));
}

/* Check that a thread id is one of this process, in its own pid namespace. */
static bool own_thread(pid_t tid)
{
	return !syscall(SYS_tgkill, getpid(), tid, 0);
}

/* The device of a process that this namespace does not see. */
static const char *look_outside(struct nl *nl, __u32 id)
{
	static struct nl_msg m;

	if (nl_dev(nl, id, &m))
		return "DEV_GET of the device outside";
	if (m.has[VHOST_ALT_A_PID])
		return "pid of an owner outside";
	if (!m.has[VHOST_ALT_A_COMM])
		return "no comm of an owner outside";
	if (m.nworkers != 1 || m.worker[0].num[VHOST_ALT_WORKER_TID])
		return "thread id of a worker outside";
	if (nl_queue(nl, id, TXQ, &m))
		return "QUEUE_GET of the device outside";
	return m.has[VHOST_ALT_A_PID] ? "pid in a queue outside" : NULL;
}

static const char *look_inside(struct nl *nl, struct report *r)
{
	static struct nl_msg m;
	int dev = vdev_open();
	__u32 tid;

	if (dev < 0 || vdev_set_owner(dev) || nl_newest(nl, &r->id))
		return "no own device";
	if (nl_dev(nl, r->id, &m))
		return "DEV_GET of the own device";
	if (m.num[VHOST_ALT_A_PID] != getpid())
		return "own pid";
	tid = m.worker[0].num[VHOST_ALT_WORKER_TID];
	/* Kernel threads are in the initial pid namespace only. */
	if (tid && !own_thread(tid))
		return "thread id of the own worker";
	if (!tid && env_kernel_at_least(6, 12))
		return "no thread id of the own worker";
	if (nl_queue(nl, r->id, TXQ, &m))
		return "QUEUE_GET of the own device";
	return m.num[VHOST_ALT_A_PID] == getpid() ? NULL : "pid in a queue";
}

static void read_in_namespace(struct report *r, __u32 id)
{
	struct nl nl;

	if (getpid() != 1)
		r->failure = "not in a new pid namespace";
	else if (nl_open(&nl))
		r->failure = "nl_open";
	else
		r->failure = look_outside(&nl, id) ?: look_inside(&nl, r);
	r->done = true;
	wait_until(r->end);
	_exit(0);
}

/* Fork a process that forks the reader: only children change namespace. */
static pid_t start_reader(struct report *r, __u32 id)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	if (unshare(CLONE_NEWPID)) {
		r->failure = "this kernel has no pid namespaces";
		r->done = true;
		_exit(1);
	}
	/* Not child_fork(), which compares pids of a single namespace. */
	pid = fork();
	if (!pid)
		read_in_namespace(r, id);
	r->outside = pid;
	waitpid(pid, NULL, 0);
	_exit(0);
}

/*
 * All readers used to be told pids of the initial pid namespace, which mean
 * other processes in their own.
 */
TEST_F(pidns, pids_are_the_readers)
{
	struct report *r = self->r;

	self->maker = start_reader(r, self->id);
	ASSERT_GT(self->maker, 0);
	ASSERT_THAT(wait_until(r->done));
	ASSERT_EQ(NULL, r->failure) {
		TH_LOG("%s", r->failure);
	}
	/* From here both are visible, and have the numbers of here. */
	ASSERT_THAT(wait_until(r->outside));
	ASSERT_OK(nl_dev(&self->nl, self->id, &self->m));
	EXPECT_EQ(getpid(), NUM(PID));
	EXPECT_NE(0, WORKER(0, TID));
	ASSERT_OK(nl_dev(&self->nl, r->id, &self->m));
	EXPECT_EQ(r->outside, NUM(PID));
	EXPECT_NE(0, WORKER(0, TID));
	ASSERT_OK(nl_queue(&self->nl, r->id, TXQ, &self->m));
	EXPECT_EQ(r->outside, NUM(PID));
}

VHOST_TEST_MAIN
