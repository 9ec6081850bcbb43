// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: devices whose owner is stopped, some of them in the middle of a
 * command, are shown like any other. The order of events is what counts: a
 * reader is through while all devices are still stuck.
 */
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"
#include "nl_guest.h"
#include "raw.h"
#include "test.h"
#include "thread.h"
#include "vq_split.h"

#define STUCK		50
#define STACK_SIZE	16384

/* Frames that are available in the ring of a stopped owner. */
#define FRAMES		3
#define BASE		65530

/* Guest memory that is not there until the test provides it. */
#define SLOW_GPA	0x8000000000ULL

enum { NOT_YET, IN_COMMAND, RETURNED };

/* Shared with the child processes. */
struct shared {
	int error;			/* of the owner's preparations */
	bool ready;			/* they are done */
	int kick;			/* of the guest, in the owner */
	pid_t pid[STUCK];		/* the processes that give commands */
	int state[STUCK];
	struct {
		int devs, queues;	/* in dumps */
		int err;
		const char *step;	/* that failed, or NULL */
		__u64 dump_ms, ms, family_ms;
	} seen;
};

FIXTURE(stuck)
{
	struct shared *s;
	struct nl nl;
	struct nl_msg m;
	pid_t owner;
	int go;		/* closed to let the commands begin */
};

FIXTURE_SETUP(stuck)
{
	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	self->go = -1;
	self->s = mmap(NULL, sizeof(*self->s), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->s);
	ASSERT_OK(nl_open(&self->nl));
}

static void release(FIXTURE_DATA(stuck) *self)
{
	if (self->go >= 0)
		close(self->go);
	self->go = -1;
	if (self->owner > 0)
		kill(self->owner, SIGCONT);
}

FIXTURE_TEARDOWN(stuck)
{
	unsigned int i;

	release(self);
	for (i = 0; i < STUCK && self->s->pid[i]; i++)
		wait_until(self->s->state[i] == RETURNED);
	if (self->owner > 0) {
		kill(self->owner, SIGKILL);
		waitpid(self->owner, NULL, 0);
	}
	nl_close(&self->nl);
	munmap(self->s, sizeof(*self->s));
}

/* ---- the owner ---- */

struct command {
	struct shared *s;
	unsigned int i;
	int dev;
	int go;
};

/*
 * A process of its own, which is not stopped with the owner, but has its
 * address space: a command that replaces a kick waits for the worker.
 */
static int replace_kick(void *arg)
{
	struct vhost_vring_file file = { .index = TXQ, .fd = -1 };
	struct command *c = arg;
	char byte;

	if (read(c->go, &byte, 1) < 0)
		return 1;
	c->s->state[c->i] = IN_COMMAND;
	ioctl(c->dev, VHOST_SET_VRING_KICK, &file);
	c->s->state[c->i] = RETURNED;
	return 0;
}

static int open_one(struct command *c)
{
	int err, kick = eventfd(0, EFD_CLOEXEC);
	char *stack = malloc(STACK_SIZE);
	pid_t pid;

	if (kick < 0 || !stack)
		return -ENOMEM;
	c->dev = vdev_open();
	if (c->dev < 0)
		return c->dev;
	err = vdev_set_owner(c->dev);
	if (!err)
		err = vdev_set_file(c->dev, VHOST_SET_VRING_KICK, TXQ, kick);
	if (err)
		return err;
	eventfd_write(kick, 1);
	pid = clone(replace_kick, stack + STACK_SIZE, CLONE_VM | CLONE_FILES,
		    c);
	if (pid < 0)
		return -errno;
	c->s->pid[c->i] = pid;
	return 0;
}

static void own_many(struct shared *s, int go)
{
	static struct command command[STUCK];
	unsigned int i;

	for (i = 0; !s->error && i < STUCK; i++) {
		command[i] = (struct command){ .s = s, .i = i, .go = go };
		s->error = open_one(&command[i]);
	}
}

static void own_guest(struct shared *s)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE,
		.num = 64,
		.tap_flags = IFF_VNET_HDR,
		.base = BASE,
	};
	static unsigned char frame[60];
	static struct guest g;
	unsigned int i;

	s->error = guest_start(&g, &cfg);
	if (!s->error)
		s->error = vdev_rest(g.dev, &g.vq[TXQ]);
	for (i = 0; !s->error && i < FRAMES; i++) {
		frame_make(frame, sizeof(frame), i);
		s->error = guest_send(&g, NULL, frame, sizeof(frame), 1, false);
	}
	vq_publish(&g.vq[TXQ]);
	s->kick = g.vq[TXQ].kick;
}

/* Start the owner and wait until it is prepared. */
static int start_owner(FIXTURE_DATA(stuck) *self, bool many)
{
	struct shared *s = self->s;
	int go[2];

	if (pipe(go))
		return -errno;
	self->owner = child_fork();
	if (!self->owner) {
		close(go[1]);
		if (many)
			own_many(s, go[0]);
		else
			own_guest(s);
		s->ready = true;
		for (;;)
			pause();
	}
	close(go[0]);
	self->go = go[1];
	if (!wait_until(s->ready))
		return -ETIMEDOUT;
	return s->error;
}

/* Stop the owner; its workers stop with it if they are its threads. */
static int stop_owner(FIXTURE_DATA(stuck) *self)
{
	int status;

	if (kill(self->owner, SIGSTOP) ||
	    waitpid(self->owner, &status, WUNTRACED) != self->owner)
		return -errno;
	return WIFSTOPPED(status) ? 0 : -ESRCH;
}

static bool worker_can_be_stopped(FIXTURE_DATA(stuck) *self)
{
	pid_t tid;

	return threads_of(self->owner, &tid, 1) && thread_in(tid, self->owner);
}

/* ---- the reader ---- */

struct ids {
	__u32 id[STUCK];
	int n;
};

static void take_id(const struct nl_msg *m, void *data)
{
	struct ids *ids = data;

	if (ids->n < STUCK)
		ids->id[ids->n] = m->num[VHOST_ALT_A_DEV_ID];
	ids->n++;
}

static void count_msg(const struct nl_msg *m, void *data)
{
	++*(int *)data;
}

static void count_split(const struct nl_msg *m, void *data)
{
	*(int *)data += m->num[VHOST_ALT_A_WORKERS] == NR_VQS;
}

/* Count the devices whose queues do not share a worker. */
static int split_devices(struct nl *nl)
{
	int n = 0, err;

	err = nl_dump(nl, VHOST_ALT_CMD_DEV_GET, NL_NONE, count_split, &n);
	return err ?: n;
}

static int read_one(struct shared *s, struct nl *nl, __u32 id)
{
	static struct nl_msg m;
	int err;

	s->seen.step = "DEV_GET";
	err = nl_dev(nl, id, &m);
	if (err)
		return err;
	s->seen.step = "QUEUE_GET";
	err = nl_queue(nl, id, TXQ, &m);
	if (err)
		return err;
	s->seen.step = "counter of the kick";
	if (m.counter[VHOST_ALT_COUNTER_KICKS] != 1)
		return -EBADMSG;
	s->seen.step = "QUEUE_SET";
	err = nl_set(nl, id, NL_NONE, 7, 8);
	if (err)
		return err;
	s->seen.step = "QUEUE_GET after QUEUE_SET";
	err = nl_queue(nl, id, RXQ, &m);
	if (err)
		return err;
	s->seen.step = "times after QUEUE_SET";
	if (m.num[VHOST_ALT_A_BUSYLOOP] != 7 ||
	    m.num[VHOST_ALT_A_MODERATION] != 8)
		return -EBADMSG;
	s->seen.step = "WORKERS_SET";
	err = nl_set_workers(nl, id, NR_VQS);
	if (err)
		return err;
	s->seen.step = "DEV_GET after WORKERS_SET";
	err = nl_dev(nl, id, &m);
	if (err)
		return err;
	s->seen.step = "request for workers";
	if (m.num[VHOST_ALT_A_WORKERS_PENDING] != NR_VQS)
		return -EBADMSG;
	s->seen.step = "STATS_RESET";
	err = nl_reset(nl, id, NL_NONE);
	if (err)
		return err;
	s->seen.step = "QUEUE_GET after STATS_RESET";
	err = nl_queue(nl, id, TXQ, &m);
	if (err)
		return err;
	s->seen.step = "counter after STATS_RESET";
	if (m.counter[VHOST_ALT_COUNTER_KICKS])
		return -EBADMSG;
	/* The command in progress keeps the ring's addresses for itself. */
	s->seen.step = "RING_GET: EBUSY";
	return nl_ring(nl, id, TXQ, 1, &m) == -EBUSY ? 0 : -EBADMSG;
}

/* Register a family, by loading a module, if run_tests has found one. */
static int register_family(struct shared *s)
{
	const char *command = getenv("VHOST_ALT_FAMILY");
	__u64 begin = env_now_ms();
	int status;

	s->seen.step = "registering a family";
	if (!command)
		return 0;
	status = system(command);
	s->seen.family_ms = env_now_ms() - begin;
	if (status)
		return -EIO;
	return system("rmmod team") ? -EIO : 0;
}

static int read_all(struct shared *s)
{
	__u64 begin = env_now_ms();
	static struct ids ids;
	struct nl nl;
	int err, i;

	s->seen.step = "nl_open";
	err = nl_open(&nl);
	if (err)
		return err;
	s->seen.step = "dump of devices";
	err = nl_dump(&nl, VHOST_ALT_CMD_DEV_GET, NL_NONE, take_id, &ids);
	if (err)
		return err;
	s->seen.devs = ids.n;
	s->seen.step = "dump of queues";
	err = nl_dump(&nl, VHOST_ALT_CMD_QUEUE_GET, NL_NONE, count_msg,
		      &s->seen.queues);
	s->seen.dump_ms = env_now_ms() - begin;
	for (i = 0; !err && i < ids.n && i < STUCK; i++)
		err = read_one(s, &nl, ids.id[i]);
	if (!err)
		err = register_family(s);
	if (!err)
		s->seen.step = NULL;
	return err;
}

/* A process of its own: the test must go on if the reader gets stuck too. */
static pid_t start_reader(struct shared *s)
{
	pid_t pid = child_fork();
	__u64 begin;

	if (pid)
		return pid;
	begin = env_now_ms();
	s->seen.err = read_all(s);
	s->seen.ms = env_now_ms() - begin - s->seen.family_ms;
	_exit(0);
}

static bool all_in(struct shared *s, int state)
{
	unsigned int i;

	for (i = 0; i < STUCK; i++)
		if (s->state[i] != state)
			return false;
	return true;
}

/* Check whether all commands sleep uninterruptibly, as for the worker. */
static bool all_sleep(struct shared *s)
{
	unsigned int i;

	for (i = 0; i < STUCK; i++)
		if (s->state[i] != IN_COMMAND || thread_state(s->pid[i]) != 'D')
			return false;
	return true;
}

/*
 * A reader used to wait for the mutex of each device, with the lock of all
 * generic netlink families held: one stopped owner stopped every reader, and
 * registering a family too.
 */
TEST_F(stuck, many_devices_in_a_command)
{
	struct shared *s = self->s;
	pid_t reader;
	bool through;

	ASSERT_OK(start_owner(self, true));
	if (!worker_can_be_stopped(self))
		SKIP(return, "this kernel's workers do not stop with the owner");
	ASSERT_OK(stop_owner(self));
	close(self->go);
	self->go = -1;
	ASSERT_THAT(wait_until(all_sleep(s)));

	reader = start_reader(s);
	ASSERT_GT(reader, 0);
	through = wait_until(waitpid(reader, NULL, WNOHANG) == reader);
	EXPECT_TRUE(through) {
		TH_LOG("the reader is stuck: %s", s->seen.step);
	}
	EXPECT_TRUE(all_in(s, IN_COMMAND));
	release(self);
	EXPECT_TRUE(wait_until(all_in(s, RETURNED)));
	EXPECT_TRUE(wait_until(split_devices(&self->nl) == STUCK));
	if (!through)
		waitpid(reader, NULL, 0);
	EXPECT_OK(s->seen.err);
	EXPECT_EQ(NULL, s->seen.step) {
		TH_LOG("%s", s->seen.step);
	}
	EXPECT_EQ(STUCK, s->seen.devs);
	EXPECT_EQ(STUCK * NR_VQS, s->seen.queues);
	fprintf(stderr,
		"# %u stuck devices: two dumps in %llu ms, all requests in %llu ms, family registered in %llu ms\n",
		STUCK, s->seen.dump_ms, s->seen.ms, s->seen.family_ms);
}

/* Kick in the place of the owner, which is stopped. */
static int kick_for_owner(FIXTURE_DATA(stuck) *self)
{
	int pidfd = syscall(SYS_pidfd_open, self->owner, 0);
	int fd = syscall(SYS_pidfd_getfd, pidfd, self->s->kick, 0);

	if (fd < 0)
		return -errno;
	event_signal(fd);
	close(fd);
	return close(pidfd) ? -errno : 0;
}

/*
 * The contents of a ring used to be read by its worker, so a stopped one showed
 * nothing.
 */
TEST_F(stuck, ring_of_a_stopped_owner)
{
	unsigned int i;
	__u32 id;

	ASSERT_OK(start_owner(self, false));
	ASSERT_OK(nl_newest(&self->nl, &id));
	ASSERT_OK(stop_owner(self));
	for (i = 0; i < 2; i++) {
		ASSERT_OK(nl_ring(&self->nl, id, TXQ, 1, &self->m));
		EXPECT_EQ((BASE + FRAMES) & 0xffff, NUM(RING_AVAIL_IDX));
		EXPECT_EQ(BASE, NUM(RING_USED_IDX));
	}
	ASSERT_OK(nl_queue(&self->nl, id, TXQ, &self->m));
	EXPECT_EQ(BASE, NUM(LAST_AVAIL));
	EXPECT_EQ(0, self->m.counter[VHOST_ALT_COUNTER_PACKETS]);
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_QUEUED);

	if (!worker_can_be_stopped(self))
		SKIP(return, "this kernel's workers do not stop with the owner");
	ASSERT_OK(kick_for_owner(self));
	ASSERT_OK(nl_queue(&self->nl, id, TXQ, &self->m));
	EXPECT_TRUE(NUM(STATE) & VHOST_ALT_QUEUE_QUEUED);
	release(self);
	EXPECT_TRUE(wait_until(!nl_queue(&self->nl, id, TXQ, &self->m) &&
			       !(NUM(STATE) & VHOST_ALT_QUEUE_QUEUED)));
}

/* ---- a run that does not end ---- */

static int userfaultfd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	return ioctl(fd, UFFDIO_API, &api) ? -errno : fd;
}

static int add_slow_memory(struct guest *g, int uffd)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int err = gmem_add(&g->mem, SLOW_GPA, gmem_page());

	if (err)
		return err;
	reg.range.start = (unsigned long)gmem_hva(&g->mem, SLOW_GPA, 1);
	reg.range.len = gmem_page();
	if (ioctl(uffd, UFFDIO_REGISTER, &reg))
		return -errno;
	return vdev_set_mem(g->dev, &g->mem);
}

static int provide_slow_memory(struct guest *g, int uffd)
{
	struct uffdio_zeropage zero = {
		.range.start = (unsigned long)gmem_hva(&g->mem, SLOW_GPA, 1),
		.range.len = gmem_page(),
	};

	return ioctl(uffd, UFFDIO_ZEROPAGE, &zero) ? -errno : 0;
}

/* A process of its own, as it may get stuck. */
static pid_t start_setter(__u32 id)
{
	static struct nl_msg m;
	pid_t pid = child_fork();
	struct nl nl;
	int err;

	if (pid)
		return pid;
	err = nl_open(&nl) ?: nl_set(&nl, id, NL_NONE, 7, 8) ?:
	      nl_queue(&nl, id, TXQ, &m);
	if (err || m.num[VHOST_ALT_A_BUSYLOOP] != 7)
		_exit(1);
	err = nl_set_workers(&nl, id, NR_VQS) ?: nl_dev(&nl, id, &m);
	_exit(err || m.num[VHOST_ALT_A_WORKERS_PENDING] != NR_VQS ? 2 : 0);
}

/* The owner delays a run, in which the worker holds the queue's mutex. */
TEST_F(stuck, queue_in_a_run)
{
	static const struct raw_desc slow = { .gpa = SLOW_GPA, .len = 100 };
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE);
	static struct guest g;
	int uffd, status = -1;
	struct vq_used used;
	pid_t setter;
	__u32 id;

	if (access("/proc/sys/vm/unprivileged_userfaultfd", F_OK))
		SKIP(return, "this kernel has no userfaultfd()");
	uffd = userfaultfd();
	ASSERT_GE(uffd, 0);
	ASSERT_OK(guest_start(&g, &cfg));
	ASSERT_OK(nl_newest(&self->nl, &id));
	ASSERT_OK(add_slow_memory(&g, uffd));
	ASSERT_THAT(raw_offer(&g.vq[TXQ], &slow, 1));
	vq_submit(&g.vq[TXQ]);
	ASSERT_THAT(event_wait(uffd));

	setter = start_setter(id);
	ASSERT_GT(setter, 0);
	EXPECT_TRUE(wait_until(waitpid(setter, &status, WNOHANG) == setter));
	EXPECT_EQ(0, vq_count_used(&g.vq[TXQ]));
	ASSERT_OK(provide_slow_memory(&g, uffd));
	if (status == -1)
		waitpid(setter, &status, 0);
	EXPECT_EQ(0, status);
	EXPECT_TRUE(wait_until(vq_count_used(&g.vq[TXQ]) == 1));
	EXPECT_TRUE(vq_pop(&g.vq[TXQ], &used));
	/* It was sent, and is all zero. */
	EXPECT_ERR(EBADMSG, guest_capture(&g, 64, 0));
	EXPECT_TRUE(wait_until(split_devices(&self->nl) == 1));
	EXPECT_OK(guest_check_alive(&g, 0));
	guest_stop(&g);
	close(uffd);
}

VHOST_TEST_MAIN
