// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens when memory runs out, or a copy to or from user memory fails, at
 * each place of each command in turn: it fails with an errno that is documented,
 * changes nothing, leaks nothing, and the device works on. The same for the
 * worker in the middle of packets. Wants CONFIG_FAULT_INJECTION.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "iotlb.h"
#include "test.h"
#include "thread.h"

/* No command has as many places where it can fail: then something loops. */
#define FAULTS_MAX	500

/* A bit for each page up to the highest address of guest memory. */
#define LOG_SIZE	(16 << 20)

static const char * const kinds[] = {
	"failslab", "fail_page_alloc", "fail_usercopy",
};

/* The number of @what in the debugfs directory of each kind that has one. */
static void set_knob(const char *what, const char *value)
{
	char path[128];
	unsigned int i;
	FILE *f;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s",
			 kinds[i], what);
		f = fopen(path, "w");
		if (!f)
			continue;
		fputs(value, f);
		fclose(f);
	}
}

/*
 * Allocations that may sleep can fail too, pages one by one as well; and each
 * failure leaves no trace in the log, where there are to be only those of bugs.
 */
static void set_knobs(void)
{
	/* The namespace's own view of /sys comes without it. */
	if (access("/sys/kernel/debug/failslab", F_OK))
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	set_knob("verbose", "0");
	set_knob("ignore-gfp-wait", "N");
	set_knob("min-order", "0");
}

/* Opens the knob of one thread: the @n-th chance to fail is taken. */
static int knob_open(pid_t tid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", tid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int knob_arm(int knob, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(knob, text, len, 0) == len ? 0 : -errno;
}

/* How many more chances it would have taken: 0 if the failure happened. */
static unsigned int knob_disarm(int knob)
{
	char text[16] = "";

	/* What is left may be the copy of this very number. */
	if (pread(knob, text, sizeof(text) - 1, 0) <= 0)
		return 1;
	knob_arm(knob, 0);
	return strtoul(text, NULL, 10);
}

FIXTURE(fault)
{
	struct guest g;
	int tap2;
	int knob;
	int fd;		/* of a device that @g does not use */
	__u32 worker;	/* that has been made */
	void *log;
};

FIXTURE_SETUP(fault)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX |
			    F_INDIRECT,
		.tap_flags = IFF_VNET_HDR,
		.num = 64,
		.ind_max = 8,
		/* One piece each, so that a table is no small allocation. */
		.regions = 8,
	};

	self->knob = knob_open(gettid());
	ASSERT_GE(self->knob, 0);
	set_knobs();
	self->fd = -1;
	self->log = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			 MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->log);
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->tap2 = tap_open("tap1", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	ASSERT_GE(self->tap2, 0);
	ASSERT_OK(tap_set_hdr_len(self->tap2, self->g.hdr_len));
	ASSERT_OK(link_up("tap1", true));
}

FIXTURE_TEARDOWN(fault)
{
	guest_stop(&self->g);
	close(self->tap2);
	close(self->knob);
}

/*
 * A command, and what makes it undone when it has succeeded; both return 0 or a
 * negative errno.
 */
struct command {
	int (*run)(FIXTURE_DATA(fault) *self);
	int (*undo)(FIXTURE_DATA(fault) *self);
	/* An errno that is documented, beside ENOMEM and EFAULT. */
	int errnum;
	/* Looks whether the failure has changed anything. */
	int (*check)(FIXTURE_DATA(fault) *self);
};

static bool documented(const struct command *c, int err)
{
	return err == -ENOMEM || err == -EFAULT ||
	       (c->errnum && err == -c->errnum);
}

/*
 * Lets the command fail at its first place, its second, and so on until it has
 * no more of them. After each the device works: what failed has changed nothing.
 * How many places there were, or a negative errno.
 */
static int fail_everywhere(FIXTURE_DATA(fault) *self, const struct command *c)
{
	unsigned int n, left;
	int err;

	for (n = 1; n < FAULTS_MAX; n++) {
		err = knob_arm(self->knob, n);
		if (err)
			return err;
		err = c->run(self);
		left = knob_disarm(self->knob);
		if (err && (left || !documented(c, err))) {
			fprintf(stderr, "# fault %u, %staken: %s\n", n,
				left ? "not " : "", strerror(-err));
			return err;
		}
		/* A failure may be one that there is a way around. */
		if (!err)
			err = c->undo(self);
		else
			err = c->check ? c->check(self) : 0;
		if (!err)
			err = guest_check_alive(&self->g, n);
		if (err) {
			fprintf(stderr, "# after fault %u\n", n);
			return err;
		}
		if (left)
			return n - 1;
	}
	return -ELOOP;
}

/* A number that falls to nothing is worth a look. */
static void told(const char *name, unsigned int n)
{
	fprintf(stderr, "# %s: %u places to fail\n", name, n);
}

#define EXPECT_FAULTS(...)						\
	do {								\
		const struct command __c = { __VA_ARGS__ };		\
		int __n = fail_everywhere(self, &__c);			\
									\
		ASSERT_OK(__n < 0 ? __n : 0);				\
		EXPECT_LT(0, __n);					\
		told(_metadata->name, __n);				\
	} while (0)

static unsigned int count_threads(void)
{
	return threads_of(getpid(), NULL, 0);
}

static int nothing(FIXTURE_DATA(fault) *self)
{
	return 0;
}

static int close_fd(FIXTURE_DATA(fault) *self)
{
	close(self->fd);
	self->fd = -1;
	return 0;
}

static int run_open(FIXTURE_DATA(fault) *self)
{
	self->fd = vdev_open();
	return self->fd < 0 ? self->fd : 0;
}

TEST_F(fault, open)
{
	EXPECT_FAULTS(run_open, close_fd);
}

static int run_set_owner(FIXTURE_DATA(fault) *self)
{
	return vdev_set_owner(self->fd);
}

static int reopen(FIXTURE_DATA(fault) *self)
{
	close_fd(self);
	return run_open(self);
}

TEST_F(fault, set_owner)
{
	unsigned int threads = count_threads();

	ASSERT_OK(run_open(self));
	EXPECT_FAULTS(run_set_owner, reopen);
	close_fd(self);
	/* No worker stays behind that belongs to nobody. */
	EXPECT_TRUE(wait_until(count_threads() == threads));
}

/* A file with an owner, that no guest uses. */
static int open_owned(FIXTURE_DATA(fault) *self)
{
	int err = run_open(self);

	return err ? err : vdev_set_owner(self->fd);
}

static int reopen_owned(FIXTURE_DATA(fault) *self)
{
	close_fd(self);
	return open_owned(self);
}

/* The same where the worker is the kernel's thread and joins the owner's cgroups. */
static int reopen_for_kthread(FIXTURE_DATA(fault) *self)
{
	__u8 fork = VHOST_FORK_OWNER_KTHREAD;
	int err = reopen(self);

	return err ? err : vdev_cmd(self->fd, VHOST_SET_FORK_FROM_OWNER, &fork);
}

TEST_F(fault, set_owner_kthread)
{
	unsigned int threads = count_threads();
	int err = reopen_for_kthread(self);

	/* One that it does not know is refused to who is not the owner. */
	if (err == -EPERM)
		OURS_ALONE("has no such command in this kernel");
	ASSERT_OK(err);
	EXPECT_FAULTS(run_set_owner, reopen_for_kthread);
	close_fd(self);
	EXPECT_TRUE(wait_until(count_threads() == threads));
}

/* This many are there in all: the first one, and what has been made. */
static int run_new_worker(FIXTURE_DATA(fault) *self)
{
	struct vhost_worker_state s = { 0 };

	return vdev_cmd(self->fd, VHOST_NEW_WORKER, &s);
}

TEST_F(fault, new_worker)
{
	unsigned int threads;

	OURS_ALONE("has no commands for workers");
	ASSERT_OK(open_owned(self));
	threads = count_threads();
	EXPECT_FAULTS(run_new_worker, reopen_owned);
	ASSERT_OK(reopen_owned(self));
	EXPECT_TRUE(wait_until(count_threads() == threads));
	close_fd(self);
}

/* To another worker, back to the first, and away with the other. */
static int run_use_worker(FIXTURE_DATA(fault) *self)
{
	struct vhost_vring_worker v = { .index = TXQ };
	struct vhost_worker_state s = { .worker_id = self->worker };
	int err;

	v.worker_id = self->worker;
	err = vdev_cmd(self->g.dev, VHOST_ATTACH_VRING_WORKER, &v);
	if (!err)
		err = vdev_cmd(self->g.dev, VHOST_GET_VRING_WORKER, &v);
	v.worker_id = 0;
	if (!err)
		err = vdev_cmd(self->g.dev, VHOST_ATTACH_VRING_WORKER, &v);
	if (!err)
		err = vdev_cmd(self->g.dev, VHOST_FREE_WORKER, &s);
	return err;
}

static int another_worker(FIXTURE_DATA(fault) *self)
{
	struct vhost_worker_state s = { 0 };
	int err = vdev_cmd(self->g.dev, VHOST_NEW_WORKER, &s);

	self->worker = s.worker_id;
	return err;
}

TEST_F(fault, use_worker)
{
	OURS_ALONE("has no commands for workers");
	ASSERT_OK(another_worker(self));
	EXPECT_FAULTS(run_use_worker, another_worker);
}

static int set_mem(FIXTURE_DATA(fault) *self)
{
	return vdev_set_mem(self->g.dev, &self->g.mem);
}

/* A table in which the rings are, but no buffers: it would be noticed. */
static int run_set_small_mem(FIXTURE_DATA(fault) *self)
{
	struct gmem mem = self->g.mem;

	mem.nregions = 1;
	return vdev_set_mem(self->g.dev, &mem);
}

TEST_F(fault, set_mem_table)
{
	EXPECT_FAULTS(run_set_small_mem, set_mem);
}

static int run_set_mem(FIXTURE_DATA(fault) *self)
{
	return set_mem(self);
}

TEST_F(fault, set_same_mem_table)
{
	EXPECT_FAULTS(run_set_mem, nothing);
}

static int run_get_features(FIXTURE_DATA(fault) *self)
{
	__u64 features;

	return vdev_get_features(self->g.dev, &features);
}

TEST_F(fault, get_features)
{
	EXPECT_FAULTS(run_get_features, nothing);
}

/* Without event index, which the guest relies on, it would soon stand still. */
static int run_set_features(FIXTURE_DATA(fault) *self)
{
	return vdev_set_features(self->g.dev,
				 self->g.cfg.features & ~F_EVENT_IDX);
}

static int set_features(FIXTURE_DATA(fault) *self)
{
	return vdev_set_features(self->g.dev, self->g.cfg.features);
}

TEST_F(fault, set_features)
{
	EXPECT_FAULTS(run_set_features, set_features);
}

/* Both words, there and back. */
static int run_features_array(FIXTURE_DATA(fault) *self)
{
	struct {
		__u64 count, words[2];
	} array = { .count = 2 };
	int err;

	err = vdev_cmd(self->g.dev, VHOST_GET_FEATURES_ARRAY, &array);
	array.words[0] = self->g.cfg.features;
	array.words[1] = 0;
	if (!err)
		err = vdev_cmd(self->g.dev, VHOST_SET_FEATURES_ARRAY, &array);
	return err;
}

TEST_F(fault, features_array)
{
	if (!env_is_ours() && !env_kernel_at_least(6, 17))
		OURS_ALONE("has no array of features before 6.17");
	EXPECT_FAULTS(run_features_array, nothing);
}

/*
 * Without memory for an IOTLB the device goes on without one, so that it takes
 * no message.
 */
static int run_set_iotlb(FIXTURE_DATA(fault) *self)
{
	return vdev_set_features(self->fd, F_VERSION_1 | F_ACCESS_PLATFORM);
}

static int has_no_iotlb(FIXTURE_DATA(fault) *self)
{
	int err = iotlb_update(self->fd, false, 0, 4096, NULL, VHOST_ACCESS_RW);

	return err == -EFAULT ? 0 : err ?: -EPROTO;
}

TEST_F(fault, set_access_platform)
{
	ASSERT_OK(open_owned(self));
	EXPECT_FAULTS(run_set_iotlb, reopen_owned, 0, has_no_iotlb);
	close_fd(self);
}

static int run_iotlb_update(FIXTURE_DATA(fault) *self)
{
	return iotlb_update(self->fd, false, 0x10000, 4096,
			    self->g.mem.region[0].hva, VHOST_ACCESS_RW);
}

/* A message that could not be read may look like one that is too short. */
TEST_F(fault, iotlb_update)
{
	ASSERT_OK(open_owned(self));
	ASSERT_OK(run_set_iotlb(self));
	EXPECT_FAULTS(run_iotlb_update, nothing, EINVAL);
	close_fd(self);
}

static int run_iotlb_invalidate(FIXTURE_DATA(fault) *self)
{
	return iotlb_invalidate(self->fd, false, 0x10000, 4096);
}

TEST_F(fault, iotlb_invalidate)
{
	ASSERT_OK(open_owned(self));
	ASSERT_OK(run_set_iotlb(self));
	EXPECT_FAULTS(run_iotlb_invalidate, run_iotlb_update, EINVAL);
	close_fd(self);
}

/* A guest that waits for an entry of the IOTLB; nobody answers. */
FIXTURE(miss)
{
	struct guest g;
	struct iotlb t;
};

FIXTURE_SETUP(miss)
{
	struct guest_cfg cfg = {
		.features = F_MRG_RXBUF,
		.tap_flags = IFF_VNET_HDR,
		.num = 64,
	};
	struct iotlb_cfg iotlb = { .v2 = true };

	ASSERT_OK(iotlb_guest_start(&self->t, &self->g, &iotlb, &cfg));
	ASSERT_OK(iotlb_unserve(&self->t));
	ASSERT_OK(iotlb_flush(&self->t));
	set_knobs();
}

FIXTURE_TEARDOWN(miss)
{
	iotlb_guest_stop(&self->t, &self->g);
}

/* What could not be delivered can be read once more. */
TEST_F(miss, read)
{
	struct pollfd pfd = { .fd = self->g.dev, .events = POLLIN };
	int knob = knob_open(gettid()), err;
	struct vhost_iotlb_msg msg;
	unsigned int n, left = 0;

	OURS_ALONE("a message that cannot be delivered is lost");
	ASSERT_GE(knob, 0);
	vq_kick(&self->g.vq[TXQ]);
	for (n = 1; !left && n < FAULTS_MAX; n++) {
		ASSERT_EQ(1, poll(&pfd, 1, env_left_ms(env_deadline())));
		ASSERT_OK(knob_arm(knob, n));
		err = iotlb_read(self->g.dev, true, &msg);
		left = knob_disarm(knob);
		if (left)
			ASSERT_OK(err);
		else
			EXPECT_ERR(EFAULT, err);
	}
	EXPECT_LT(2, n);
	told("miss.read", n - 2);
	close(knob);
}

/* The commands around the dirty log, and what switches it on. */
static int run_set_log(FIXTURE_DATA(fault) *self)
{
	struct vq vq = self->g.vq[TXQ];
	__u64 base = (unsigned long)self->log;
	int err, fd = vq.err;

	err = vdev_cmd(self->g.dev, VHOST_SET_LOG_BASE, &base);
	if (!err)
		err = vdev_cmd(self->g.dev, VHOST_SET_LOG_FD, &fd);
	if (!err)
		err = vdev_set_features(self->g.dev,
					self->g.cfg.features | F_LOG_ALL);
	vq.log_used = true;
	return err ? err : vdev_set_addr(self->g.dev, &vq);
}

static int unset_log(FIXTURE_DATA(fault) *self)
{
	int err = set_features(self), fd = -1;

	if (!err)
		err = vdev_set_addr(self->g.dev, &self->g.vq[TXQ]);
	return err ? err : vdev_cmd(self->g.dev, VHOST_SET_LOG_FD, &fd);
}

TEST_F(fault, set_log)
{
	EXPECT_FAULTS(run_set_log, unset_log);
}

static int run_settings(FIXTURE_DATA(fault) *self)
{
	struct vhost_vring_state s = { .index = TXQ };
	__u64 features = BACKEND_F_IOTLB_MSG_V2;
	int dev = self->g.dev, err;

	err = vdev_cmd(dev, VHOST_SET_BACKEND_FEATURES, &features);
	if (!err)
		err = vdev_cmd(dev, VHOST_GET_BACKEND_FEATURES, &features);
	if (!err)
		err = vdev_cmd(dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &s);
	if (!err)
		err = vdev_cmd(dev, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &s);
	return err;
}

TEST_F(fault, settings)
{
	EXPECT_FAULTS(run_settings, nothing);
}

static int run_set_backends(FIXTURE_DATA(fault) *self)
{
	return vdev_set_backend(self->g.dev, TXQ, self->tap2);
}

static int set_backends(FIXTURE_DATA(fault) *self)
{
	return guest_set_backend(&self->g, self->g.tap);
}

TEST_F(fault, set_backend)
{
	EXPECT_FAULTS(run_set_backends, set_backends);
}

static int run_set_rx_backend(FIXTURE_DATA(fault) *self)
{
	return vdev_set_backend(self->g.dev, RXQ, self->tap2);
}

TEST_F(fault, set_rx_backend)
{
	EXPECT_FAULTS(run_set_rx_backend, set_backends);
}

/* The commands of an idle ring, in the order in which QEMU sends them. */
static int run_set_vring(FIXTURE_DATA(fault) *self)
{
	return vdev_set_vring(self->fd, &self->g.vq[TXQ], 0);
}

TEST_F(fault, set_vring)
{
	ASSERT_OK(run_open(self));
	ASSERT_OK(vdev_set_owner(self->fd));
	EXPECT_FAULTS(run_set_vring, nothing);
	close_fd(self);
}

/* A running ring's, away from where they are and back. */
static int run_set_events(FIXTURE_DATA(fault) *self)
{
	static const unsigned long cmds[] = {
		VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR,
	};
	const struct vq *vq = &self->g.vq[TXQ];
	const int fds[] = { vq->kick, vq->call, vq->err };
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < 3; i++)
		err = vdev_set_file(self->g.dev, cmds[i], TXQ, fds[i]);
	return err;
}

TEST_F(fault, set_events)
{
	EXPECT_FAULTS(run_set_events, nothing);
}

static int run_get_base(FIXTURE_DATA(fault) *self)
{
	__u32 base;

	return vdev_get_base(self->g.dev, TXQ, &base);
}

TEST_F(fault, get_base)
{
	EXPECT_FAULTS(run_get_base, nothing);
}

/* All buffers of a ring are the guest's own again. */
static void take_all_back(struct guest_pool *pool)
{
	for (pool->nfree = 0; pool->nfree < pool->nslots; pool->nfree++)
		pool->free[pool->nfree] = pool->nfree;
}

/* Everything anew, on rings that begin from nothing. */
static int restart(struct guest *g)
{
	unsigned int i;
	int err;

	for (i = 0; i < NR_VQS; i++) {
		err = vdev_set_backend(g->dev, i, -1);
		if (err)
			return err;
		vq_reset(&g->vq[i], 0);
		take_all_back(&g->pool[i]);
		err = vdev_set_vring(g->dev, &g->vq[i], 0);
		if (err)
			return err;
	}
	return guest_set_backend(g, g->tap);
}

static int run_reset_owner(FIXTURE_DATA(fault) *self)
{
	return vdev_cmd(self->g.dev, VHOST_RESET_OWNER, NULL);
}

static int own_again(FIXTURE_DATA(fault) *self)
{
	struct guest *g = &self->g;
	int err;

	err = vdev_set_owner(g->dev);
	if (!err)
		err = set_features(self);
	if (!err)
		err = set_mem(self);
	return err ? err : restart(g);
}

TEST_F(fault, reset_owner)
{
	const struct command c = { run_reset_owner, own_again };
	int n = fail_everywhere(self, &c);

	/* It may well have no place where it can fail. */
	ASSERT_OK(n < 0 ? n : 0);
	told("reset_owner", n);
}

static int worker_knob(void)
{
	pid_t tid;

	return threads_of(getpid(), &tid, 1) ? knob_open(tid) : -ESRCH;
}

/* The sum of all counters whose names begin like this. */
static __u64 sum_counters(int dev, const char *prefix)
{
	char line[128];
	__u64 sum = 0;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", dev);
	f = fopen(line, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, prefix, strlen(prefix)))
			sum += strtoull(strchr(line, ':') + 1, NULL, 10);
	fclose(f);
	return sum;
}

static __u64 errors_of(const struct guest *g)
{
	return vdev_counter(g->dev, "queue0.ring_errors") +
	       vdev_counter(g->dev, "queue1.ring_errors");
}

/* From frames that go in batches to such as go alone. */
static const struct {
	size_t len;
	unsigned int nseg;
	bool indirect;
} mix[] = {
	{ 60, 1, false }, { 1000, 3, false }, { 1900, 4, true }, { 14, 2, false },
};

#define MIX		(sizeof(mix) / sizeof(*mix))

static int send_mix(struct guest *g)
{
	static unsigned char frame[2048];
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < MIX; i++) {
		frame_make(frame, mix[i].len, i);
		err = guest_send(g, NULL, frame, mix[i].len, mix[i].nseg,
				 mix[i].indirect);
	}
	vq_submit(&g->vq[TXQ]);
	return err;
}

/* What has come out of the tap is whole; it may be any part of what was sent. */
static int check_captured(struct guest *g)
{
	unsigned char got[2049];
	struct virtio_net_hdr hdr;
	unsigned int i;
	int n;

	while ((n = packet_recv_now(g->pkt, &hdr, got, sizeof(got))) >= 0) {
		for (i = 0; i < MIX; i++)
			if (n == mix[i].len && frame_is(got, n, i))
				break;
		if (i == MIX)
			return -EBADMSG;
	}
	return n == -EAGAIN ? 0 : n;
}

static bool sent(struct guest *g, __u64 errors)
{
	guest_reap(g);
	return !g->vq[TXQ].inflight || errors_of(g) != errors;
}

/* A guest whose worker is to fail. */
FIXTURE(worker_fault)
{
	struct guest g;
	struct iotlb t;
	bool translated;
};

FIXTURE_VARIANT(worker_fault)
{
	__u64 features;
	bool limit_sndbuf;
};

FIXTURE_VARIANT_ADD(worker_fault, plain)
{
	.features = F_EVENT_IDX,
};

/* A socket that takes no more now may take it later. */
FIXTURE_VARIANT_ADD(worker_fault, single)
{
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(worker_fault, in_order)
{
	.features = F_EVENT_IDX | F_IN_ORDER,
};

FIXTURE_VARIANT_ADD(worker_fault, logged)
{
	.features = F_LOG_ALL,
};

FIXTURE_VARIANT_ADD(worker_fault, iotlb)
{
	.features = F_EVENT_IDX | F_ACCESS_PLATFORM,
};

static int start_logged(struct guest *g, const struct guest_cfg *cfg)
{
	struct guest_cfg mine = *cfg;
	__u64 base;
	void *log;
	int err;

	mine.features &= ~F_LOG_ALL;
	err = guest_start(g, &mine);
	if (err || mine.features == cfg->features)
		return err;
	log = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		   MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	base = (unsigned long)log;
	g->vq[RXQ].log_used = true;
	g->vq[TXQ].log_used = true;
	err = vdev_cmd(g->dev, VHOST_SET_LOG_BASE, &base);
	return err ? err : vdev_set_features(g->dev, cfg->features);
}

FIXTURE_SETUP(worker_fault)
{
	struct iotlb_cfg iotlb = { .v2 = true, .scatter = true };
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_INDIRECT |
			    variant->features,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = variant->limit_sndbuf,
		.num = 64,
		.ind_max = 8,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net differs: a packet that fails loses descriptors");
	set_knobs();
	self->translated = cfg.features & F_ACCESS_PLATFORM;
	if (self->translated)
		ASSERT_OK(iotlb_guest_start(&self->t, &self->g, &iotlb, &cfg));
	else
		ASSERT_OK(start_logged(&self->g, &cfg));
}

FIXTURE_TEARDOWN(worker_fault)
{
	if (self->translated)
		iotlb_guest_stop(&self->t, &self->g);
	else
		guest_stop(&self->g);
}

/*
 * A frame that cannot be copied or sent is dropped and given back, and a ring
 * that cannot be read or written stops: nothing waits for ever.
 */
TEST_F(worker_fault, transmit)
{
	struct guest *g = &self->g;
	unsigned int n, left = 0;
	__u64 errors;
	int worker;

	worker = worker_knob();
	ASSERT_LE(0, worker);
	for (n = 1; !left && n < FAULTS_MAX; n++) {
		errors = errors_of(g);
		ASSERT_OK(knob_arm(worker, n));
		ASSERT_OK(send_mix(g));
		ASSERT_OK_AT(wait_until(sent(g, errors)) ? 0 : -ETIMEDOUT,
			     "fault %u", n);
		left = knob_disarm(worker);
		ASSERT_OK_AT(restart(g), "fault %u", n);
		ASSERT_OK_AT(check_captured(g), "fault %u", n);
		ASSERT_OK_AT(guest_check_alive(g, n), "fault %u", n);
	}
	EXPECT_LT(2, n);
	EXPECT_NE(0, left);
	told("transmit", n - 2);
	close(worker);
}

static bool received(struct guest *g, __u64 errors, __u64 before)
{
	return errors_of(g) != errors ||
	       sum_counters(g->dev, "queue0.packets") +
	       sum_counters(g->dev, "queue0.drop.") - before >= MIX;
}

/* What a queue that stopped has left in the tap would be taken for later frames. */
static int drain_tap(struct guest *g)
{
	unsigned char junk[4096];

	while (read(g->tap, junk, sizeof(junk)) >= 0)
		;
	return errno == EAGAIN ? 0 : -errno;
}

/* The same for what comes in, over several buffers too. */
TEST_F(worker_fault, receive)
{
	struct guest *g = &self->g;
	unsigned int n, i, left = 0;
	__u64 errors, before;
	int worker;

	worker = worker_knob();
	ASSERT_LE(0, worker);
	for (n = 1; !left && n < FAULTS_MAX; n++) {
		errors = errors_of(g);
		before = sum_counters(g->dev, "queue0.packets") +
			 sum_counters(g->dev, "queue0.drop.");
		guest_refill(g, 64, 256);
		ASSERT_OK(knob_arm(worker, n));
		for (i = 0; i < MIX; i++)
			ASSERT_OK(guest_inject(g, mix[i].len, i));
		ASSERT_OK_AT(wait_until(received(g, errors, before)) ? 0 :
			     -ETIMEDOUT, "fault %u", n);
		left = knob_disarm(worker);
		ASSERT_OK_AT(vdev_set_backend(g->dev, RXQ, -1), "fault %u", n);
		ASSERT_OK_AT(drain_tap(g), "fault %u", n);
		ASSERT_OK_AT(restart(g), "fault %u", n);
		ASSERT_OK_AT(guest_check_alive(g, n), "fault %u", n);
	}
	EXPECT_LT(2, n);
	EXPECT_NE(0, left);
	told("receive", n - 2);
	close(worker);
}

/* Pages run out for the worker alone, all of them, until further notice. */
static int starve(pid_t tid, bool on)
{
	char path[64];
	FILE *f;

	set_knob("task-filter", "Y");
	set_knob("times", "-1");
	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/probability",
		 "fail_page_alloc");
	f = fopen(path, "w");
	if (!f)
		return -errno;
	fputs(on ? "100" : "0", f);
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/make-it-fail", tid);
	f = fopen(path, "w");
	if (!f)
		return -errno;
	fputs(on ? "1" : "0", f);
	fclose(f);
	return 0;
}

/* Frames for which there is no memory are dropped, and counted as such. */
TEST_F(worker_fault, transmit_without_memory)
{
	struct guest *g = &self->g;
	unsigned int i;
	pid_t tid;

	if (variant->limit_sndbuf)
		SKIP(return, "a full socket waits for memory");
	ASSERT_EQ(1, threads_of(getpid(), &tid, 1));
	ASSERT_OK(starve(tid, true));
	/* What is left of the page in use may last for a while. */
	for (i = 0; i < 100 &&
	     !vdev_counter(g->dev, "queue1.drop.memory"); i++) {
		ASSERT_OK(send_mix(g));
		ASSERT_OK_AT(guest_reap_all(g), "round %u", i);
		ASSERT_OK(check_captured(g));
	}
	ASSERT_OK(starve(tid, false));
	EXPECT_NE(0, vdev_counter(g->dev, "queue1.drop.memory"));
	EXPECT_OK(guest_check_alive(g, 0));
}

int main(int argc, char **argv)
{
	if (access("/proc/self/fail-nth", W_OK)) {
		puts("TAP version 13\n1..0 # SKIP this kernel has no CONFIG_FAULT_INJECTION");
		return KSFT_SKIP;
	}
	return test_main(argc, argv);
}
