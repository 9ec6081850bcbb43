// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let memory run out, or a copy from or to user memory fail, at each place of
 * each command in turn. The command fails with a documented errno, changes
 * nothing and leaks nothing, and the device keeps working. Needs
 * CONFIG_FAULT_INJECTION.
 */
#include <poll.h>
#include <unistd.h>

#include "fault.h"
#include "iotlb.h"
#include "test.h"
#include "thread.h"

FIXTURE(fault)
{
	struct guest g;
	int tap2;
	int knob;
	int fd;		/* a device that @g does not use */
	__u32 worker;	/* id of a worker that a test has created */
	void *log;
};

FIXTURE_VARIANT(fault)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(fault, split)
{
	.features = F_MODERN,
};

FIXTURE_VARIANT_ADD(fault, packed)
{
	.features = F_PACKED,
};

FIXTURE_SETUP(fault)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = 64,
		.ind_max = 8,
		/* Several, so that a memory table is not a small allocation. */
		.regions = 8,
	};

	SETUP_NEEDS(variant->features);
	self->knob = fault_knob_open(gettid());
	ASSERT_GE(self->knob, 0);
	fault_set_knobs();
	self->fd = -1;
	self->log = fault_map_log();
	ASSERT_NE(NULL, self->log);
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
 * A command, and a function that undoes it after a success. All return 0 or a
 * negative errno.
 */
struct command {
	int (*run)(FIXTURE_DATA(fault) *self);
	int (*undo)(FIXTURE_DATA(fault) *self);
	/* A documented errno in addition to ENOMEM and EFAULT, or 0. */
	int errnum;
	/* Checks that a failure has changed nothing; may be NULL. */
	int (*check)(FIXTURE_DATA(fault) *self);
};

static bool documented(const struct command *c, int err)
{
	return err == -ENOMEM || err == -EFAULT ||
	       (c->errnum && err == -c->errnum);
}

/*
 * Let the command fail at its first place, its second, and so on until there
 * are no more. After each failure check that the device works, as nothing has
 * changed. Return: the number of places, or a negative errno.
 */
static int fail_everywhere(FIXTURE_DATA(fault) *self, const struct command *c)
{
	unsigned int n, left;
	int err;

	for (n = 1; n < FAULTS_MAX; n++) {
		err = fault_knob_arm(self->knob, n);
		if (err)
			return err;
		err = c->run(self);
		left = fault_knob_disarm(self->knob);
		if (err && (left || !documented(c, err))) {
			fprintf(stderr, "# fault %u%s: %s\n", n,
				left ? " (not injected)" : "", strerror(-err));
			return err;
		}
		/* The command may have succeeded in spite of the fault. */
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

#define EXPECT_FAULTS(...)						\
	do {								\
		const struct command __c = { __VA_ARGS__ };		\
		int __n = fail_everywhere(self, &__c);			\
									\
		ASSERT_OK(__n < 0 ? __n : 0);				\
		EXPECT_LT(0, __n);					\
		fault_report(_metadata->name, __n);			\
	} while (0)

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
	unsigned int threads = threads_own();

	ASSERT_OK(run_open(self));
	EXPECT_FAULTS(run_set_owner, reopen);
	close_fd(self);
	/* No worker is left over. */
	EXPECT_TRUE(wait_until(threads_own() == threads));
}

/* Open a device and own it; no guest uses it. */
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

/*
 * The same, for a worker that is a kernel thread and joins the owner's cgroups.
 */
static int reopen_for_kthread(FIXTURE_DATA(fault) *self)
{
	__u8 fork = VHOST_FORK_OWNER_KTHREAD;
	int err = reopen(self);

	return err ? err : vdev_cmd(self->fd, VHOST_SET_FORK_FROM_OWNER, &fork);
}

TEST_F(fault, set_owner_kthread)
{
	unsigned int threads = threads_own();
	int err = reopen_for_kthread(self);

	/* Before SET_OWNER, unknown commands fail with EPERM. */
	if (err == -EPERM)
		OURS_ALONE("has no such command in this kernel");
	ASSERT_OK(err);
	EXPECT_FAULTS(run_set_owner, reopen_for_kthread);
	close_fd(self);
	EXPECT_TRUE(wait_until(threads_own() == threads));
}

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
	threads = threads_own();
	EXPECT_FAULTS(run_new_worker, reopen_owned);
	ASSERT_OK(reopen_owned(self));
	EXPECT_TRUE(wait_until(threads_own() == threads));
	close_fd(self);
}

/* Attach to another worker, then to the first again, and free the other. */
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

/* A table without the buffers, so that it would show if it took effect. */
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

/* Without the event index the guest would hang, so a change would show. */
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

/* Read both words, then set them. */
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
 * If there is no memory for an IOTLB, the device continues without one, and
 * refuses messages.
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

/* EINVAL: a message that cannot be read looks like one that is too short. */
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

/* A guest that waits for an IOTLB entry, which never comes. */
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
	fault_set_knobs();
}

FIXTURE_TEARDOWN(miss)
{
	iotlb_guest_stop(&self->t, &self->g);
}

/* A message that could not be delivered can be read again. */
TEST_F(miss, read)
{
	struct pollfd pfd = { .fd = self->g.dev, .events = POLLIN };
	int knob = fault_knob_open(gettid()), err;
	struct vhost_iotlb_msg msg;
	unsigned int n, left = 0;

	OURS_ALONE("a message that cannot be delivered is lost");
	ASSERT_GE(knob, 0);
	vq_kick(&self->g.vq[TXQ]);
	for (n = 1; !left && n < FAULTS_MAX; n++) {
		ASSERT_EQ(1, poll(&pfd, 1, env_left_ms(env_deadline())));
		ASSERT_OK(fault_knob_arm(knob, n));
		err = iotlb_read(self->g.dev, true, &msg);
		left = fault_knob_disarm(knob);
		if (left)
			ASSERT_OK(err);
		else
			EXPECT_ERR(EFAULT, err);
	}
	EXPECT_LT(2, n);
	fault_report("miss.read", n - 2);
	close(knob);
}

/*
 * An update that fails leaves the entries that it overlaps: the rings go on,
 * although there is no server to answer a miss.
 */
TEST_F(miss, failed_update_keeps_entries)
{
	int knob = fault_knob_open(gettid()), err;
	__u64 iova = self->g.vq[TXQ].gpa[VQ_USED] / IOTLB_PAGE * IOTLB_PAGE;
	const void *user = *iotlb_page(&self->t, iova);
	struct guest *g = &self->g;
	unsigned int n, left = 0;

	ASSERT_GE(knob, 0);
	ASSERT_OK(iotlb_answer_all(&self->t));
	ASSERT_OK(guest_check_alive(g, 0));
	for (n = 1; !left && n < FAULTS_MAX; n++) {
		ASSERT_OK(fault_knob_arm(knob, n));
		err = iotlb_update(g->dev, true, iova, IOTLB_PAGE, user,
				   VHOST_ACCESS_RW);
		left = fault_knob_disarm(knob);
		if (left)
			ASSERT_OK(err);
		/* A success has replaced more than the page. */
		if (!err)
			ASSERT_OK(iotlb_answer_all(&self->t));
		ASSERT_OK_AT(guest_check_alive(g, n), "fault %u", n);
	}
	EXPECT_LT(2, n);
	fault_report("miss.failed_update_keeps_entries", n - 2);
	close(knob);
}

/* Set up the dirty log and switch it on. */
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

/* Set up an idle ring, in the order in which QEMU does. */
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

/* Set all eventfds of a running ring again. */
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
	return err ? err : guest_restart(g);
}

TEST_F(fault, reset_owner)
{
	const struct command c = { run_reset_owner, own_again };
	int n = fail_everywhere(self, &c);

	/* Unlike other commands it may have no place where it can fail. */
	ASSERT_OK(n < 0 ? n : 0);
	fault_report("reset_owner", n);
}

FAULT_TEST_MAIN
