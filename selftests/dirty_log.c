// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands of the dirty log, and chains that would fill it with descriptors
 * of length 0.
 */
#include <limits.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "guest_log.h"
#include "raw.h"
#include "test.h"

FIXTURE(command)
{
	struct guest g;
	struct dlog log;
	int fd;
};

/* A running guest, and a log that the device has not been told of. */
FIXTURE_SETUP(command)
{
	struct guest_cfg cfg = {
		.features = F_MODERN,
		.tap_flags = IFF_VNET_HDR,
		.num = 16,
	};

	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_OK(dlog_init(&self->log, &self->g.mem));
	self->fd = self->g.dev;
}

FIXTURE_TEARDOWN(command)
{
	guest_stop(&self->g);
	dlog_free(&self->log);
}

static int set_base(int fd, __u64 base)
{
	return vdev_cmd(fd, VHOST_SET_LOG_BASE, &base);
}

/*
 * A base that is invalid for a log of any length. arm64 ignores the uppermost
 * 8 bits of a user address.
 */
#define NO_LOG		(~0ULL << 55)

TEST_F(command, log_base)
{
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	EXPECT_ERR(EPERM, vdev_cmd(fd, VHOST_SET_LOG_BASE, BAD_PTR));
	ASSERT_OK(vdev_set_owner(fd));
	EXPECT_ERR(EFAULT, vdev_cmd(fd, VHOST_SET_LOG_BASE, BAD_PTR));
	/* Any base is accepted while no ring uses it. */
	EXPECT_OK(set_base(fd, 0));
	EXPECT_OK(set_base(fd, NO_LOG));
	EXPECT_OK(set_base(fd, ULONG_MAX));
	close(fd);

	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_LOG_BASE, BAD_PTR));
	EXPECT_OK(set_base(self->fd, NO_LOG));
	EXPECT_OK(dlog_set_base(self->fd, &self->log));
	EXPECT_OK(guest_check_alive(&self->g, 1));
	EXPECT_TRUE(dlog_is_clean(&self->log));
}

TEST_F(command, log_base_of_a_running_ring)
{
	struct guest *g = &self->g;

	ASSERT_OK(guest_log_on(g, &self->log));
	EXPECT_ERR(EFAULT, set_base(self->fd, NO_LOG));
	EXPECT_ERR(EFAULT, set_base(self->fd, ULONG_MAX));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_LOG_BASE, BAD_PTR));
	/* The old log is still in use. */
	dlog_clear(&self->log);
	EXPECT_OK(guest_check_alive(g, 1));
	EXPECT_TRUE(dlog_is_dirty(&self->log, g->vq[RXQ].gpa[VQ_USED]));
	EXPECT_TRUE(dlog_is_dirty(&self->log, g->vq[TXQ].gpa[VQ_USED]));

	/* LOG_ALL or VHOST_VRING_F_LOG alone is enough for a refusal. */
	ASSERT_OK(vdev_set_features(self->fd, g->cfg.features));
	EXPECT_ERR(EFAULT, set_base(self->fd, NO_LOG));
	ASSERT_OK(guest_log_off(g));
	ASSERT_OK(vdev_set_features(self->fd, g->cfg.features | F_LOG_ALL));
	EXPECT_ERR(EFAULT, set_base(self->fd, NO_LOG));
	ASSERT_OK(vdev_set_features(self->fd, g->cfg.features));
	EXPECT_OK(set_base(self->fd, NO_LOG));
}

/* If the base is invalid for one ring, neither ring's log changes. */
TEST_F(command, log_base_fails_for_all_rings)
{
	struct guest *g = &self->g;

	OURS_ALONE("an idle ring takes a log that another one refuses");
	ASSERT_OK(guest_log_on(g, &self->log));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_ERR(EFAULT, set_base(self->fd, NO_LOG));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, g->tap));
}

TEST_F(command, log_all)
{
	__u64 features = self->g.cfg.features;

	ASSERT_OK(set_base(self->fd, NO_LOG));
	/* Features that are not offered are checked first. */
	EXPECT_ERR(EOPNOTSUPP, vdev_set_features(self->fd, BIT_ULL(63) |
						 F_LOG_ALL));
	EXPECT_ERR(EFAULT, vdev_set_features(self->fd, features | F_LOG_ALL));
	/* Nothing has changed: with LOG_ALL this would be refused. */
	EXPECT_OK(set_base(self->fd, NO_LOG - 1));
	EXPECT_OK(guest_check_alive(&self->g, 1));
	/* A stopped ring accepts it, but cannot be started. */
	ASSERT_OK(guest_set_backend(&self->g, -1));
	EXPECT_OK(vdev_set_features(self->fd, features | F_LOG_ALL));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, RXQ, self->g.tap));
	EXPECT_OK(dlog_set_base(self->fd, &self->log));
	EXPECT_OK(guest_set_backend(&self->g, self->g.tap));
	EXPECT_OK(guest_check_alive(&self->g, 100));
}

static int set_addr(struct guest *g, __u64 log, unsigned int flags)
{
	struct vq *vq = &g->vq[TXQ];
	struct vhost_vring_addr a = {
		.index = TXQ,
		.flags = flags,
		.desc_user_addr = (unsigned long)vq->area[VQ_DESC],
		.avail_user_addr = (unsigned long)vq->area[VQ_AVAIL],
		.used_user_addr = (unsigned long)vq->area[VQ_USED],
		.log_guest_addr = log,
	};

	return vdev_cmd(g->dev, VHOST_SET_VRING_ADDR, &a);
}

#define LOG_USED	BIT_ULL(VHOST_VRING_F_LOG)

TEST_F(command, used_log)
{
	__u64 used = self->g.vq[TXQ].gpa[VQ_USED];
	struct guest *g = &self->g;
	unsigned int bit;

	ASSERT_OK(dlog_set_base(self->fd, &self->log));
	for (bit = 1; bit < 32; bit++)
		EXPECT_ERR(EOPNOTSUPP, set_addr(g, used, BIT_ULL(bit)));
	/*
	 * Flags are checked first; the alignment is checked without any, too.
	 */
	EXPECT_ERR(EOPNOTSUPP, set_addr(g, used + 2, 2));
	EXPECT_ERR(EINVAL, set_addr(g, used + 2, LOG_USED));
	EXPECT_ERR(EINVAL, set_addr(g, used + 1, 0));
	EXPECT_OK(set_addr(g, used, LOG_USED));
	/* An address without a log, while the ring runs. */
	EXPECT_ERR(EINVAL, set_addr(g, ULONG_MAX & ~3UL, LOG_USED));
	EXPECT_OK(guest_check_alive(g, 1));
	EXPECT_TRUE(dlog_is_dirty(&self->log, used));
	EXPECT_OK(set_addr(g, ULONG_MAX & ~3UL, 0));
	EXPECT_OK(guest_check_alive(g, 100));

	/* Without a backend, starting the ring fails. */
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_OK(set_addr(g, ULONG_MAX & ~3UL, LOG_USED));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, g->tap));
	EXPECT_OK(set_addr(g, used, LOG_USED));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, g->tap));
	EXPECT_OK(guest_check_alive(g, 200));
}

/* A memory table with a region past the end of the log. */
TEST_F(command, memory_beyond_the_log)
{
	struct guest *g = &self->g;

	ASSERT_OK(guest_log_on(g, &self->log));
	ASSERT_OK(gmem_add(&g->mem, ~0ULL - 2 * gmem_page() + 1, gmem_page()));
	EXPECT_ERR(EFAULT, vdev_set_mem(self->fd, &g->mem));
	EXPECT_OK(guest_check_alive(g, 1));
	ASSERT_OK(guest_log_off(g));
	EXPECT_OK(vdev_set_mem(self->fd, &g->mem));
	EXPECT_OK(guest_check_alive(g, 100));
	EXPECT_ERR(EFAULT, vdev_set_features(self->fd,
					     g->cfg.features | F_LOG_ALL));
}

TEST_F(command, log_fd)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	ASSERT_GE(event, 0);
	EXPECT_ERR(EPERM, vdev_cmd(fd, VHOST_SET_LOG_FD, BAD_PTR));
	EXPECT_ERR(EPERM, dlog_set_fd(fd, -1));
	close(fd);

	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_LOG_FD, BAD_PTR));
	EXPECT_ERR(EBADF, dlog_set_fd(self->fd, -2));
	EXPECT_ERR(EBADF, dlog_set_fd(self->fd, 1 << 20));
	EXPECT_ERR(EINVAL, dlog_set_fd(self->fd, self->g.tap));
	EXPECT_OK(dlog_set_fd(self->fd, -1));
	EXPECT_OK(dlog_set_fd(self->fd, event));
	EXPECT_OK(dlog_set_fd(self->fd, event));
	EXPECT_OK(dlog_set_fd(self->fd, -1));
	EXPECT_OK(dlog_set_fd(self->fd, -1));
	EXPECT_OK(dlog_set_fd(self->fd, event));
	EXPECT_OK(guest_check_alive(&self->g, 1));
	/* Nothing was logged. */
	EXPECT_EQ(0, event_count(event));
	close(event);
}

/* A failed command leaves the old eventfd in place. */
TEST_F(command, log_fd_is_signalled)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct guest *g = &self->g;

	ASSERT_GE(event, 0);
	ASSERT_OK(guest_log_on(g, &self->log));
	ASSERT_OK(dlog_set_fd(self->fd, event));
	EXPECT_ERR(EBADF, dlog_set_fd(self->fd, 1 << 20));
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	EXPECT_TRUE(event_wait(event));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_GT(event_count(event), 0);
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, g->tap));

	/* Stop the ring, which may still write a word after its last frame. */
	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_OK(dlog_set_fd(self->fd, -1));
	event_count(event);
	ASSERT_OK(guest_set_backend(g, g->tap));
	ASSERT_OK(guest_check_alive(g, 100));
	EXPECT_EQ(0, event_count(event));
	close(event);
}

static unsigned long open_files(void)
{
	unsigned long n = 0;
	FILE *f = fopen("/proc/sys/fs/file-nr", "r");

	if (!f)
		return 0;
	if (fscanf(f, "%lu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* CVE-2015-6252: each new eventfd left the previous file open. */
TEST_F(command, log_fd_leaks_no_files)
{
	unsigned int i, n = env_scaled(3000, 300);
	unsigned long before;
	int event;

	before = open_files();
	ASSERT_GT(before, 0);
	for (i = 0; i < n; i++) {
		event = eventfd(0, EFD_CLOEXEC);
		ASSERT_GE(event, 0);
		ASSERT_OK(dlog_set_fd(self->fd, event));
		close(event);
	}
	EXPECT_TRUE(wait_until(open_files() < before + n / 2));
}

TEST_F(command, reset_owner_forgets_the_log)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_GE(event, 0);
	ASSERT_OK(guest_log_on(g, &self->log));
	ASSERT_OK(dlog_set_fd(self->fd, event));
	ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	dlog_clear(&self->log);
	event_count(event);
	ASSERT_OK(vdev_set_owner(self->fd));
	ASSERT_OK(vdev_set_features(self->fd, g->cfg.features));
	ASSERT_OK(vdev_set_mem(self->fd, &g->mem));
	for (i = 0; i < NR_VQS; i++) {
		g->vq[i].log_used = false;
		vq_reset(&g->vq[i], 0);
		ASSERT_OK(vdev_set_vring(self->fd, &g->vq[i], 0));
	}
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 1));
	EXPECT_TRUE(dlog_is_clean(&self->log));
	EXPECT_EQ(0, event_count(event));
	close(event);
}

#define EMPTIES_MAX	4000

/* Post a chain of @n descriptors of length 0 and one of @len bytes. */
static int post_empties(struct guest *g, unsigned int n, __u32 len, __u64 table)
{
	static struct vring_desc d[EMPTIES_MAX + 1];
	static struct vq_seg seg[EMPTIES_MAX + 1];
	const struct raw_desc whole = { table, (n + 1) * sizeof(*d), F_IND };
	const struct vq_chain chain = { .seg = seg, .nin = n + 1 };
	__u64 gpa = g->pool[RXQ].slot[0].gpa;
	struct vq *vq = &g->vq[RXQ];
	unsigned int i;

	for (i = 0; i <= n; i++) {
		seg[i] = (struct vq_seg){ gpa, i < n ? 0 : len };
		d[i] = (struct vring_desc) {
			.addr = gpa,
			.len = seg[i].len,
			.flags = F_WRITE | (i < n ? F_NEXT : 0),
			.next = i + 1,
		};
	}
	if (!table)
		return vq_add(vq, &chain, 0);
	return raw_put_table(vq, table, d, n + 1) && raw_offer(vq, &whole, 1) ?
	       0 : -ENOSPC;
}

FIXTURE(empties)
{
	struct guest g;
	struct dlog log;
	__u64 table;
};

FIXTURE_VARIANT(empties)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(empties, split)
{
	.features = F_MODERN,
};

FIXTURE_VARIANT_ADD(empties, packed)
{
	.features = F_PACKED,
};

FIXTURE_SETUP(empties)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = 4096,
		.slots = 64,
		.slot_size = 2048,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_OK(dlog_init(&self->log, &self->g.mem));
	ASSERT_OK(guest_log_on(&self->g, &self->log));
	/* Safe to use for tables: nothing is sent while they are in use. */
	self->table = self->g.pool[TXQ].slot[0].gpa;
}

FIXTURE_TEARDOWN(empties)
{
	guest_stop(&self->g);
	dlog_free(&self->log);
}

/*
 * CVE-2019-14835: descriptors of length 0 overflowed the array of log entries.
 */
TEST_F(empties, in_one_chain)
{
	struct guest *g = &self->g;
	struct vq_used used;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		dlog_clear(&self->log);
		ASSERT_OK(post_empties(g, 1000, 2048, i & 1 ? self->table : 0));
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK(guest_inject(g, 60, i));
		ASSERT_THAT(vq_wait_pop(&g->vq[RXQ], &used));
		EXPECT_EQ(60 + HDR_LEN_MRG, used.len);
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
		EXPECT_TRUE(dlog_is_dirty(&self->log,
					  g->pool[RXQ].slot[0].gpa));
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
	}
	EXPECT_OK(guest_check_alive(g, 100));
}

/* More than any array holds; the device may also refuse such a chain. */
TEST_F(empties, in_a_longer_chain)
{
	struct guest *g = &self->g;
	struct vq_used used;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ASSERT_OK(post_empties(g, EMPTIES_MAX, 2048,
				       i & 1 ? self->table : 0));
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK(guest_inject(g, 60, i));
		ASSERT_THAT(vq_wait_pop(&g->vq[RXQ], &used));
		if (used.len)
			continue;
		ASSERT_OK(post_empties(g, 0, 2048, 0));
		vq_submit(&g->vq[RXQ]);
		ASSERT_THAT(vq_wait_pop(&g->vq[RXQ], &used));
		EXPECT_EQ(60 + HDR_LEN_MRG, used.len);
	}
	EXPECT_OK(guest_check_alive(g, 100));
}

/* Some in each of the buffers of one frame. */
TEST_F(empties, in_many_chains)
{
	struct guest *g = &self->g;
	struct vq_used used;
	unsigned int i, k;

	for (i = 0; i < 4; i++) {
		for (k = 0; k < 9; k++)
			ASSERT_OK(post_empties(g, 400, 8,
					       i & 1 ? self->table : 0));
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK(guest_inject(g, 60, i));
		for (k = 0; k < 9; k++) {
			ASSERT_THAT(vq_wait_pop(&g->vq[RXQ], &used));
			EXPECT_EQ(8, used.len);
		}
	}
	EXPECT_OK(guest_check_alive(g, 100));
}

VHOST_TEST_MAIN
