// SPDX-License-Identifier: GPL-2.0-only
/*
 * Description: the dirty log. A bit for each page that the device has written,
 * for no other, and not for one page less.
 */
#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dlog.h"
#include "iotlb.h"
#include "test.h"
#include "vq_split.h"

/* Each area of a ring has pages of its own, so that it is seen who wrote. */
static struct vq_ops paged_ops;

static const struct vq_ops *paged(void)
{
	enum vq_area area;

	paged_ops = vq_split_ops;
	for (area = 0; area < VQ_AREAS; area++)
		paged_ops.align[area] = DLOG_PAGE;
	return &paged_ops;
}

FIXTURE(command)
{
	struct guest g;
	struct dlog log;
	int fd;
};

/* A guest that runs, with a log that nobody has been told of. */
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

static int log_used(struct guest *g, struct vq *vq, bool on)
{
	vq->log_used = on;
	return vdev_set_addr(g->dev, vq);
}

/* In the order in which QEMU switches the log on, and off. */
static int log_on(struct guest *g, struct dlog *log)
{
	unsigned int i;
	int err;

	err = dlog_set_base(g->dev, log);
	if (!err)
		err = vdev_set_features(g->dev, g->cfg.features | F_LOG_ALL);
	for (i = 0; !err && i < NR_VQS; i++)
		err = log_used(g, &g->vq[i], true);
	return err;
}

static int log_off(struct guest *g)
{
	unsigned int i;
	int err;

	err = vdev_set_features(g->dev, g->cfg.features);
	for (i = 0; !err && i < NR_VQS; i++)
		err = log_used(g, &g->vq[i], false);
	return err;
}

/* No process has memory there, nor at any multiple of what a log is long. */
#define NO_LOG		BIT_ULL(63)

TEST_F(command, log_base)
{
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	EXPECT_ERR(EPERM, vdev_cmd(fd, VHOST_SET_LOG_BASE, BAD_PTR));
	ASSERT_OK(vdev_set_owner(fd));
	EXPECT_ERR(EFAULT, vdev_cmd(fd, VHOST_SET_LOG_BASE, BAD_PTR));
	/* What no ring uses may be anything. */
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

	ASSERT_OK(log_on(g, &self->log));
	EXPECT_ERR(EFAULT, set_base(self->fd, NO_LOG));
	EXPECT_ERR(EFAULT, set_base(self->fd, ULONG_MAX));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_LOG_BASE, BAD_PTR));
	/* The log is where it was. */
	dlog_clear(&self->log);
	EXPECT_OK(guest_check_alive(g, 1));
	EXPECT_TRUE(dlog_is_dirty(&self->log, g->vq[RXQ].gpa[VQ_USED]));
	EXPECT_TRUE(dlog_is_dirty(&self->log, g->vq[TXQ].gpa[VQ_USED]));

	/* One of the two is reason enough. */
	ASSERT_OK(vdev_set_features(self->fd, g->cfg.features));
	EXPECT_ERR(EFAULT, set_base(self->fd, NO_LOG));
	ASSERT_OK(log_off(g));
	ASSERT_OK(vdev_set_features(self->fd, g->cfg.features | F_LOG_ALL));
	EXPECT_ERR(EFAULT, set_base(self->fd, NO_LOG));
	ASSERT_OK(vdev_set_features(self->fd, g->cfg.features));
	EXPECT_OK(set_base(self->fd, NO_LOG));
}

/* One ring that cannot have it is enough, and the other keeps what it had. */
TEST_F(command, log_base_fails_for_all_rings)
{
	struct guest *g = &self->g;

	OURS_ALONE("an idle ring takes a log that another one refuses");
	ASSERT_OK(log_on(g, &self->log));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_ERR(EFAULT, set_base(self->fd, NO_LOG));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, g->tap));
}

TEST_F(command, log_all)
{
	__u64 features = self->g.cfg.features;

	ASSERT_OK(set_base(self->fd, NO_LOG));
	/* What is not offered comes first. */
	EXPECT_ERR(EOPNOTSUPP, vdev_set_features(self->fd, BIT_ULL(63) |
						 F_LOG_ALL));
	EXPECT_ERR(EFAULT, vdev_set_features(self->fd, features | F_LOG_ALL));
	/* Nothing has changed: this would be refused with LOG_ALL. */
	EXPECT_OK(set_base(self->fd, NO_LOG - 1));
	EXPECT_OK(guest_check_alive(&self->g, 1));
	/* A ring that does not run does not mind, until it is to run. */
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
	/* The flags come first; the alignment is looked at without one, too. */
	EXPECT_ERR(EOPNOTSUPP, set_addr(g, used + 2, 2));
	EXPECT_ERR(EINVAL, set_addr(g, used + 2, LOG_USED));
	EXPECT_ERR(EINVAL, set_addr(g, used + 1, 0));
	EXPECT_OK(set_addr(g, used, LOG_USED));
	/* Where there can be no log, while the ring runs. */
	EXPECT_ERR(EINVAL, set_addr(g, ULONG_MAX & ~3UL, LOG_USED));
	EXPECT_OK(guest_check_alive(g, 1));
	EXPECT_TRUE(dlog_is_dirty(&self->log, used));
	EXPECT_OK(set_addr(g, ULONG_MAX & ~3UL, 0));
	EXPECT_OK(guest_check_alive(g, 100));

	/* Without a backend it is found out at the start. */
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_OK(set_addr(g, ULONG_MAX & ~3UL, LOG_USED));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, g->tap));
	EXPECT_OK(set_addr(g, used, LOG_USED));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, g->tap));
	EXPECT_OK(guest_check_alive(g, 200));
}

/* A table some of which the log cannot reach. */
TEST_F(command, memory_beyond_the_log)
{
	struct guest *g = &self->g;

	ASSERT_OK(log_on(g, &self->log));
	ASSERT_OK(gmem_add(&g->mem, ~0ULL - 2 * DLOG_PAGE + 1, DLOG_PAGE));
	EXPECT_ERR(EFAULT, vdev_set_mem(self->fd, &g->mem));
	EXPECT_OK(guest_check_alive(g, 1));
	ASSERT_OK(log_off(g));
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

/* A command that fails leaves the eventfd that was there. */
TEST_F(command, log_fd_is_signalled)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct guest *g = &self->g;

	ASSERT_GE(event, 0);
	ASSERT_OK(log_on(g, &self->log));
	ASSERT_OK(dlog_set_fd(self->fd, event));
	EXPECT_ERR(EBADF, dlog_set_fd(self->fd, 1 << 20));
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	EXPECT_TRUE(event_wait(event));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_GT(event_count(event), 0);
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, g->tap));

	/* The ring may write a last word after its last frame; stop it. */
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

/* CVE-2015-6252: each new one left the one before it open. */
TEST_F(command, log_fd_leaks_files)
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
	ASSERT_OK(log_on(g, &self->log));
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

/* What was written, against what is said to have been. */
FIXTURE(bits)
{
	struct guest g;
	struct dlog log;
	struct dlog may;	/* all that the device has a reason to write */
	struct dlog driver;	/* pages that the driver writes */
	struct dlog_image image;
	__u16 used[NR_VQS];	/* where the rings were at the last look */
};

FIXTURE_VARIANT(bits)
{
	__u64 features;
	int tap_flags;
	bool limit_sndbuf;
	__u16 base;
};

/* The used ring goes from its first page into its second. */
FIXTURE_VARIANT_ADD(bits, event_idx)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.base = 500,
};

FIXTURE_VARIANT_ADD(bits, flags)
{
	.features = F_VERSION_1 | F_MRG_RXBUF | F_INDIRECT,
	.tap_flags = IFF_VNET_HDR,
	.base = 500,
};

/* From its end to its beginning, and the index too. */
FIXTURE_VARIANT_ADD(bits, wrap)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.base = 65526,
};

/* The header is the device's, and so is the page that it lies in. */
FIXTURE_VARIANT_ADD(bits, legacy)
{
	.features = F_VHOST_HDR | F_EVENT_IDX | F_INDIRECT,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(bits, in_order)
{
	.features = F_MODERN | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
	.base = 500,
};

#define IN_ORDER_IS_OURS(features)					\
	do {								\
		if (!env_is_ours() && (features) & F_IN_ORDER)		\
			SETUP_SKIP("vhost_net differs: logs more, or less"); \
	} while (0)

static void mark_driver(struct guest *g, struct dlog *driver)
{
	struct guest_pool *pool = &g->pool[TXQ];
	unsigned int i;
	struct vq *vq;

	for (vq = g->vq; vq < g->vq + NR_VQS; vq++) {
		dlog_mark(driver, vq->gpa[VQ_DESC],
			  vq->ops->size(vq->num, VQ_DESC));
		dlog_mark(driver, vq->gpa[VQ_AVAIL],
			  vq->ops->size(vq->num, VQ_AVAIL));
		dlog_mark(driver, vq->ind_gpa, (__u64)vq->num * vq->ind_max *
			  sizeof(struct vring_desc));
	}
	for (i = 0; i < pool->nslots; i++)
		dlog_mark(driver, pool->slot[i].gpa, g->cfg.slot_size);
}

#define SLOT		(4 * DLOG_PAGE)

FIXTURE_SETUP(bits)
{
	struct guest_cfg cfg = {
		.ops = paged(),
		.features = variant->features,
		.tap_flags = variant->tap_flags,
		.limit_sndbuf = variant->limit_sndbuf,
		.base = variant->base,
		.num = 1024,
		.slots = 64,
		.slot_size = SLOT,
		.ind_max = 4,
	};
	struct guest *g = &self->g;

	SETUP_NEEDS(variant->features);
	IN_ORDER_IS_OURS(variant->features);
	ASSERT_OK(guest_start(g, &cfg));
	ASSERT_OK(dlog_init(&self->log, &g->mem));
	ASSERT_OK(dlog_init(&self->may, &g->mem));
	ASSERT_OK(dlog_init(&self->driver, &g->mem));
	ASSERT_OK(dlog_image_init(&self->image, &g->mem));
	mark_driver(g, &self->driver);
	self->used[RXQ] = variant->base;
	self->used[TXQ] = variant->base;
	ASSERT_OK(log_on(g, &self->log));
}

FIXTURE_TEARDOWN(bits)
{
	guest_stop(&self->g);
	dlog_image_free(&self->image);
	dlog_free(&self->driver);
	dlog_free(&self->may);
	dlog_free(&self->log);
}

#define bits_t	FIXTURE_DATA(bits)

/* Stops the rings, for a bit may be set after its page is seen to be written. */
static int stop_and_look(bits_t *self)
{
	bool as_allowed, none_missing;
	struct dlog known;
	int err;

	err = guest_set_backend(&self->g, -1);
	if (!err)
		err = dlog_init(&known, &self->g.mem);
	if (err)
		return err;
	as_allowed = dlog_within(&self->log, &self->may);
	dlog_add(&known, &self->log);
	dlog_add(&known, &self->driver);
	none_missing = dlog_image_same(&self->image, &known);
	dlog_free(&known);
	return as_allowed && none_missing ? 0 : -EBADMSG;
}

/* What the device writes for the entries that were used since the last look. */
static void mark_used(bits_t *self, unsigned int ring)
{
	struct vq *vq = &self->g.vq[ring];
	__u64 gpa = vq->gpa[VQ_USED];
	__u16 i;

	dlog_mark(&self->may, gpa, offsetof(struct vring_used, ring));
	for (i = self->used[ring]; i != vq->used_idx; i++)
		dlog_mark(&self->may, gpa +
			  offsetof(struct vring_used, ring[i & (vq->num - 1)]),
			  sizeof(struct vring_used_elem));
	if (vq->features & F_EVENT_IDX)
		dlog_mark(&self->may, gpa +
			  offsetof(struct vring_used, ring[vq->num]), 2);
}

/* A clean log, and rings that start; what was before is of no interest. */
static int begin(bits_t *self)
{
	int err = guest_set_backend(&self->g, -1);
	unsigned int i;

	dlog_image_all(&self->image);
	dlog_clear(&self->log);
	dlog_clear(&self->may);
	for (i = 0; i < NR_VQS; i++) {
		self->used[i] = self->g.vq[i].used_idx;
		/* A start writes to the flags, or to what counts for them. */
		mark_used(self, i);
	}
	return err ? err : guest_set_backend(&self->g, self->g.tap);
}

/* One packet's buffers: chains of so many segments, all within a slot each. */
struct rx_case {
	unsigned int chains;
	unsigned int nseg;
	__u32 first;		/* bytes of the first segment of each chain */
	__u32 rest;		/* of each other one */
	__u32 offset;		/* of the first one in its page */
	bool indirect;
	size_t len;		/* of the frame */
};

/* Segment @i of chain @chain: the later ones lie before the earlier ones. */
static struct vq_seg segment(struct guest *g, const struct rx_case *c,
			     unsigned int chain, unsigned int i)
{
	__u64 gpa = g->pool[RXQ].slot[chain].gpa;

	return (struct vq_seg) {
		.gpa = gpa + (c->nseg - 1 - i) * DLOG_PAGE + c->offset,
		.len = i ? c->rest : c->first,
	};
}

static int post_case(struct guest *g, const struct rx_case *c)
{
	struct vq_seg seg[4];
	struct vq_chain chain = {
		.seg = seg, .nin = c->nseg, .indirect = c->indirect,
	};
	unsigned int i, k;
	int err = 0;

	for (k = 0; !err && k < c->chains; k++) {
		for (i = 0; i < c->nseg; i++)
			seg[i] = segment(g, c, k, i);
		err = vq_add(&g->vq[RXQ], &chain, k);
	}
	vq_submit(&g->vq[RXQ]);
	return err;
}

/* Reads the frame out of them, and marks what it took. */
static int take_case(bits_t *self, const struct rx_case *c, __u32 seq)
{
	static unsigned char flat[HDR_LEN_MRG + FRAME_MAX];
	size_t done = 0, all = self->g.hdr_len + c->len;
	struct guest *g = &self->g;
	struct vq_used used;
	struct vq_seg seg;
	unsigned int i, k;

	for (k = 0; done < all && k < c->chains; k++) {
		if (!vq_wait_pop(&g->vq[RXQ], &used) || used.cookie != k)
			return -ETIMEDOUT;
		for (i = 0; done < all && i < c->nseg; i++) {
			seg = segment(g, c, k, i);
			if (seg.len > all - done)
				seg.len = all - done;
			gmem_read(&g->mem, seg.gpa, flat + done, seg.len);
			dlog_mark(&self->may, seg.gpa, seg.len);
			done += seg.len;
		}
	}
	mark_used(self, RXQ);
	if (done != all)
		return -EMSGSIZE;
	return frame_is(flat + g->hdr_len, c->len, seq) ? 0 : -EBADMSG;
}

static const struct rx_case rx_cases[] = {
	{ 1, 1, 2048, 0, 0, false, 60 },
	{ 1, 1, 2048, 0, 0, true, 60 },
	/* All of it in one page, and one byte more. */
	{ 1, 1, 4096, 0, 0, false, 4084 },
	{ 1, 1, 4097, 0, 0, false, 4085 },
	{ 1, 1, 8192, 0, 100, false, 4000 },
	/* Room that is not needed stays clean. */
	{ 1, 1, 16384, 0, 0, false, 60 },
	{ 1, 1, 16384, 0, 0, true, 9000 },
	/* The header in a page of its own. */
	{ 1, 2, 12, 4000, 1000, false, 60 },
	{ 1, 2, 12, 4000, 4090, true, 1514 },
	{ 1, 4, 1000, 900, 4000, false, 3600 },
};

TEST_F(bits, receive)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rx_cases); i++) {
		ASSERT_OK(begin(self));
		ASSERT_OK(post_case(g, &rx_cases[i]));
		ASSERT_OK(guest_inject(g, rx_cases[i].len, i));
		ASSERT_OK_AT(take_case(self, &rx_cases[i], i), "case %u", i);
		ASSERT_OK_AT(stop_and_look(self), "case %u", i);
		EXPECT_FALSE(dlog_is_clean(&self->log));
	}
}

static const struct rx_case mergeable_cases[] = {
	{ 2, 1, 4096, 0, 0, false, 4085 },
	{ 3, 1, 4096, 0, 0, false, 9000 },
	{ 4, 1, 3000, 0, 2000, false, 9000 },
	{ 8, 2, 200, 3000, 4000, false, 16000 },
	{ 16, 3, 10, 1000, 4090, true, 16000 },
};

TEST_F(bits, receive_mergeable)
{
	struct guest *g = &self->g;
	const struct rx_case *c;
	unsigned int i;

	if (!(variant->features & F_MRG_RXBUF))
		SKIP(return, "without mergeable buffers");
	for (i = 0; i < ARRAY_SIZE(mergeable_cases); i++) {
		c = &mergeable_cases[i];
		ASSERT_OK(begin(self));
		ASSERT_OK(post_case(g, c));
		ASSERT_OK(guest_inject(g, c->len, i));
		ASSERT_OK_AT(take_case(self, c, i), "case %u", i);
		ASSERT_OK_AT(stop_and_look(self), "case %u", i);
		/* What is left over would be the next packet's. */
		vq_reset(&g->vq[RXQ], self->used[RXQ]);
		ASSERT_OK(vdev_set_vring(g->dev, &g->vq[RXQ],
					 self->used[RXQ]));
	}
}

/* Frames that go out: only the used ring is written, entry by entry. */
TEST_F(bits, transmit)
{
	static unsigned char frame[9000];
	struct guest *g = &self->g;
	unsigned int i, round, n;

	for (round = 0; round < 24; round++) {
		n = 1 + round % 5;
		ASSERT_OK(begin(self));
		for (i = 0; i < n; i++) {
			frame_make(frame, sizeof(frame), round * 8 + i);
			ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame),
					     1 + i % 3, i & 1));
		}
		vq_submit(&g->vq[TXQ]);
		for (i = 0; i < n; i++)
			ASSERT_OK(guest_capture(g, sizeof(frame),
						round * 8 + i));
		ASSERT_OK(guest_reap_all(g));
		mark_used(self, TXQ);
		ASSERT_OK_AT(stop_and_look(self), "round %u", round);
		EXPECT_TRUE(dlog_is_dirty(&self->log,
					  g->vq[TXQ].gpa[VQ_USED]));
	}
}

/* Each page of the used ring in its turn. */
TEST_F(bits, whole_used_ring)
{
	unsigned int i, n = self->g.vq[TXQ].num;
	__u64 gpa = self->g.vq[TXQ].gpa[VQ_USED];
	static unsigned char frame[60];
	struct guest *g = &self->g;

	ASSERT_OK(begin(self));
	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_wait_room(g, 1));
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
		if (i % 64 == 63)
			vq_submit(&g->vq[TXQ]);
	}
	ASSERT_OK(guest_reap_all(g));
	mark_used(self, TXQ);
	ASSERT_OK(stop_and_look(self));
	/* In order, a batch has one entry, wherever that is. */
	if (variant->features & F_IN_ORDER)
		return;
	for (i = 0; i < n; i++)
		EXPECT_TRUE(dlog_is_dirty(&self->log, gpa +
			    offsetof(struct vring_used, ring[i])));
}

static int protect_log(bits_t *self, int prot)
{
	struct gmem *mem = &self->g.mem;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < mem->nregions; i++)
		err = dlog_protect(&self->log, &mem->region[i], prot);
	return err;
}

/* The next entries are not in the page of the index. */
static int reach_second_page(struct guest *g)
{
	struct vq *vq = &g->vq[TXQ];
	__u64 index = vq->gpa[VQ_USED], entry;
	unsigned int seq;
	int err = 0;

	for (seq = 0; !err; seq++) {
		entry = index + offsetof(struct vring_used,
					 ring[vq->used_idx & (vq->num - 1)]);
		if (entry / DLOG_PAGE > index / DLOG_PAGE)
			break;
		err = guest_check_tx(g, 60, seq, 1, false);
	}
	return err;
}

/*
 * What the guest sees as used is used, though it could not be logged: it is called
 * for it at once, and it does not come again when the ring goes on.
 */
TEST_F(bits, used_index_is_seen_but_not_logged)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	__u64 used = vq->gpa[VQ_USED];
	static unsigned char frame[60];
	unsigned int i;

	OURS_ALONE("what cannot be logged is not, and nobody is told");
	/* Without event indices the first that is written is in this page too. */
	if (!(variant->features & F_EVENT_IDX))
		SKIP(return, "without the event index");
	ASSERT_OK(reach_second_page(g));
	ASSERT_OK(vdev_rest(g->dev, vq));
	/* No more is to be done to log the other pages. */
	dlog_clear(&self->log);
	dlog_mark(&self->log, used + DLOG_PAGE,
		  vq->ops->size(vq->num, VQ_USED) - DLOG_PAGE);
	ASSERT_OK(protect_log(self, PROT_READ));
	vq->ops->arm(vq);
	event_count(vq->call);

	for (i = 0; i < 2; i++) {
		frame_make(frame, sizeof(frame), i);
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
		vq_publish(vq);
		vq_kick(vq);
		if (!i)
			ASSERT_THAT(event_wait(vq->err));
		ASSERT_THAT_AT(event_wait(vq->call), "%u", i);
		event_count(vq->call);
		ASSERT_OK(protect_log(self, PROT_READ | PROT_WRITE));
		ASSERT_EQ(1, guest_reap(g));
		vq->ops->arm(vq);
		ASSERT_OK(vdev_set_addr(g->dev, vq));
		ASSERT_OK(guest_capture(g, sizeof(frame), i));
	}
}

/* The word that asks for a kick is in the last page, alone. */
TEST_F(bits, avail_event)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	unsigned int i;
	__u64 gpa;

	if (!(variant->features & F_EVENT_IDX))
		SKIP(return, "without the event index");
	gpa = vq->gpa[VQ_USED] + offsetof(struct vring_used, ring[vq->num]);
	for (i = 0; i < 5; i++) {
		dlog_clear(&self->log);
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
		ASSERT_THAT(wait_until(split_kick_is_asked(vq)));
		EXPECT_TRUE(wait_until(dlog_is_dirty(&self->log, gpa)));
	}
}

TEST_F(bits, nothing_when_off)
{
	struct guest *g = &self->g;

	ASSERT_OK(guest_check_alive(g, 1));
	ASSERT_OK(log_off(g));
	/* No call needed in between: what was under way is over. */
	dlog_clear(&self->log);
	ASSERT_OK(guest_check_alive(g, 100));
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_TRUE(dlog_is_clean(&self->log));
}

/* The two halves of a log are switched apart. */
TEST_F(bits, used_ring_alone)
{
	struct guest *g = &self->g;

	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_OK(vdev_set_features(g->dev, g->cfg.features));
	ASSERT_OK(begin(self));
	ASSERT_OK(guest_check_alive(g, 1));
	mark_used(self, RXQ);
	mark_used(self, TXQ);
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_TRUE(dlog_within(&self->log, &self->may));
	EXPECT_TRUE(dlog_is_dirty(&self->log, g->vq[RXQ].gpa[VQ_USED]));
	EXPECT_TRUE(dlog_is_dirty(&self->log, g->vq[TXQ].gpa[VQ_USED]));
}

TEST_F(bits, buffers_alone)
{
	struct guest *g = &self->g;
	const struct rx_case *c = &rx_cases[4];
	unsigned int i;

	ASSERT_OK(guest_set_backend(g, -1));
	for (i = 0; i < NR_VQS; i++) {
		g->vq[i].log_used = false;
		ASSERT_OK(vdev_set_addr(g->dev, &g->vq[i]));
	}
	ASSERT_OK(begin(self));
	ASSERT_OK(guest_check_tx(g, 1000, 1, 2, false));
	ASSERT_OK(post_case(g, c));
	ASSERT_OK(guest_inject(g, c->len, 2));
	dlog_clear(&self->may);
	self->used[RXQ] = g->vq[RXQ].used_idx + 1;
	ASSERT_OK(take_case(self, c, 2));
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_FALSE(dlog_is_clean(&self->log));
	EXPECT_FALSE(dlog_is_dirty(&self->log, g->vq[RXQ].gpa[VQ_USED]));
	EXPECT_FALSE(dlog_is_dirty(&self->log, g->vq[TXQ].gpa[VQ_USED]));
	EXPECT_TRUE(dlog_within(&self->log, &self->may));
}

/* A log that comes, goes and changes under traffic. */
FIXTURE(live)
{
	struct guest g;
	struct iotlb t;
	struct dlog log;	/* of what is guest-physical to the device */
	struct dlog driver;	/* pages that the driver writes, by its names */
	struct dlog_image image;
	bool iotlb;
};

FIXTURE_VARIANT(live)
{
	__u64 features;
	struct iotlb_cfg iotlb;
};

FIXTURE_VARIANT_ADD(live, event_idx)
{
	.features = F_MODERN,
};

FIXTURE_VARIANT_ADD(live, flags)
{
	.features = F_VERSION_1 | F_MRG_RXBUF | F_INDIRECT,
};

FIXTURE_VARIANT_ADD(live, in_order)
{
	.features = F_MODERN | F_IN_ORDER,
};

/* What the guest calls its memory is not what the log calls it. */
FIXTURE_VARIANT_ADD(live, iotlb)
{
	.features = F_MODERN | F_ACCESS_PLATFORM,
	.iotlb = { .v2 = true, .scatter = true },
};

FIXTURE_VARIANT_ADD(live, iotlb_flags)
{
	.features = F_VERSION_1 | F_MRG_RXBUF | F_INDIRECT | F_ACCESS_PLATFORM,
	.iotlb = { .grain = IOTLB_PAGE },
};

#define live_t	FIXTURE_DATA(live)

static const struct gmem *physical(live_t *self)
{
	return self->iotlb ? &self->t.phys : &self->g.mem;
}

FIXTURE_SETUP(live)
{
	struct guest_cfg cfg = {
		.ops = paged(),
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = 512,
		.slots = 48,
		.slot_size = GUEST_BURST_SLOT,
		.ind_max = 4,
	};
	struct guest *g = &self->g;

	SETUP_NEEDS(variant->features);
	IN_ORDER_IS_OURS(variant->features);
	self->iotlb = variant->features & F_ACCESS_PLATFORM;
	if (self->iotlb)
		ASSERT_OK(iotlb_guest_start(&self->t, g, &variant->iotlb, &cfg));
	else
		ASSERT_OK(guest_start(g, &cfg));
	ASSERT_OK(dlog_init(&self->log, physical(self)));
	ASSERT_OK(dlog_init(&self->driver, &g->mem));
	ASSERT_OK(dlog_image_init(&self->image, &g->mem));
	mark_driver(g, &self->driver);
}

FIXTURE_TEARDOWN(live)
{
	if (self->iotlb)
		iotlb_guest_stop(&self->t, &self->g);
	else
		guest_stop(&self->g);
	dlog_image_free(&self->image);
	dlog_free(&self->driver);
	dlog_free(&self->log);
}

static int restart(live_t *self)
{
	unsigned int i;
	int err = 0;

	/* A change of features may have made the device forget. */
	if (self->iotlb)
		err = iotlb_preload(&self->t);
	if (!err)
		err = guest_set_backend(&self->g, self->g.tap);
	for (i = 0; i < NR_VQS; i++)
		vq_kick(&self->g.vq[i]);
	return err;
}

/*
 * Under traffic, but for vhost_net behind an IOMMU: it replaces its IOTLB while
 * the worker is in the middle of a packet, which is lost then.
 */
static int live_switch(live_t *self, struct dlog *log)
{
	bool stop = self->iotlb && !env_is_ours();
	int err = 0;

	if (stop)
		err = guest_set_backend(&self->g, -1);
	if (!err)
		err = log ? log_on(&self->g, log) : log_off(&self->g);
	if (!err && stop)
		err = restart(self);
	return err;
}

/* What the log says is brought over: how many pages. */
static unsigned int copy_dirty(live_t *self)
{
	const struct gmem_region *r;
	unsigned int n = 0;
	__u64 addr, gpa;

	for (r = self->g.mem.region;
	     r < self->g.mem.region + self->g.mem.nregions; r++) {
		for (addr = r->gpa; addr < r->gpa + r->size;
		     addr += DLOG_PAGE) {
			gpa = self->iotlb ? iotlb_gpa(&self->t, addr) : addr;
			if (!dlog_take(&self->log, gpa))
				continue;
			dlog_image_page(&self->image, addr);
			n++;
		}
	}
	return n;
}

/*
 * A migration: the log is switched on, all memory is copied, and from then on
 * what is dirty, while the guest works. In the end both sides are the same.
 */
TEST_F(live, migration)
{
	unsigned int i, n = env_scaled(60, 6);
	struct guest *g = &self->g;
	unsigned int copied = 0;

	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_burst_send(g, 0));
	ASSERT_OK(live_switch(self, &self->log));
	dlog_image_all(&self->image);
	ASSERT_OK(guest_burst_take(g, 0));
	for (i = 1; i < n; i++) {
		ASSERT_OK(guest_burst_post(g));
		copied += copy_dirty(self);
		ASSERT_OK(guest_burst_send(g, i * GUEST_BURST));
		copied += copy_dirty(self);
		ASSERT_OK_AT(guest_burst_take(g, i * GUEST_BURST),
			     "round %u", i);
	}
	/* The last moment: something is on its way, and the rings stop. */
	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_burst_send(g, i * GUEST_BURST));
	ASSERT_OK(guest_set_backend(g, -1));
	copied += copy_dirty(self);
	EXPECT_GT(copied, 0);
	EXPECT_TRUE(dlog_image_same(&self->image, &self->driver));

	/* It did not work after all, and the guest goes on here. */
	ASSERT_OK(log_off(g));
	ASSERT_OK(restart(self));
	EXPECT_OK(guest_burst_take(g, i * GUEST_BURST));
}

/* On and off, each time under traffic: what counts is when the call returns. */
TEST_F(live, on_and_off)
{
	unsigned int i, n = env_scaled(30, 4);
	struct guest *g = &self->g;
	__u32 seq = 0;

	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(guest_burst_send(g, seq));
		ASSERT_OK(live_switch(self, &self->log));
		dlog_clear(&self->log);
		dlog_image_all(&self->image);
		ASSERT_OK_AT(guest_burst_take(g, seq), "round %u", i);
		seq += GUEST_BURST;
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(guest_burst_send(g, seq));
		ASSERT_OK(guest_set_backend(g, -1));
		copy_dirty(self);
		ASSERT_THAT(dlog_image_same(&self->image, &self->driver));
		ASSERT_OK(restart(self));
		ASSERT_OK(live_switch(self, NULL));
		dlog_clear(&self->log);
		ASSERT_OK_AT(guest_burst_take(g, seq), "round %u", i);
		seq += GUEST_BURST;
		ASSERT_THAT(dlog_is_clean(&self->log));
	}
}

/* From one log to another while it runs: the old one may go at once. */
TEST_F(live, log_is_replaced)
{
	unsigned int i, n = env_scaled(30, 4);
	struct guest *g = &self->g;
	struct dlog other, *log[2] = { &self->log, &other };
	__u32 seq = 0;

	ASSERT_OK(dlog_init(&other, physical(self)));
	ASSERT_OK(live_switch(self, &other));
	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(guest_burst_send(g, seq));
		ASSERT_OK(dlog_set_base(g->dev, log[i & 1]));
		dlog_clear(log[!(i & 1)]);
		ASSERT_OK_AT(guest_burst_take(g, seq), "round %u", i);
		seq += GUEST_BURST;
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(guest_burst_send(g, seq));
		ASSERT_OK_AT(guest_burst_take(g, seq), "round %u", i);
		seq += GUEST_BURST;
		EXPECT_TRUE(dlog_is_clean(log[!(i & 1)]));
		EXPECT_FALSE(dlog_is_clean(log[i & 1]));
	}
	ASSERT_OK(live_switch(self, NULL));
	dlog_free(&other);
	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_burst_send(g, seq));
	ASSERT_OK(guest_burst_take(g, seq));
}

/* Buffers alone, so that no word for the used ring can stand in for theirs. */
TEST_F(live, log_fd_is_signalled_for_buffers)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct guest *g = &self->g;

	if (self->iotlb)
		OURS_ALONE("never for buffers that an IOTLB translates");
	ASSERT_GE(event, 0);
	ASSERT_OK(dlog_set_fd(g->dev, event));
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	ASSERT_OK(vdev_set_features(g->dev, g->cfg.features | F_LOG_ALL));
	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_burst_send(g, 0));
	EXPECT_TRUE(event_wait(event));
	ASSERT_OK(guest_burst_take(g, 0));
	close(event);
}

/* A second name for memory that the device writes by the first. */
#define ALIAS_GPA	0x9000000000ULL

TEST_F(live, memory_has_two_names)
{
	const struct gmem *mem = physical(self);
	struct gmem both = { .nregions = mem->nregions + 1 };
	struct gmem_region *alias, *first;
	struct guest *g = &self->g;
	struct dlog log;
	unsigned int n = 0;
	__u64 off;

	if (!self->iotlb)
		OURS_ALONE("without an IOTLB only the name in the descriptor");
	both.region = calloc(both.nregions, sizeof(*both.region));
	ASSERT_NE(NULL, both.region);
	memcpy(both.region, mem->region, mem->nregions * sizeof(*both.region));
	/* The second one holds the buffers. */
	first = &both.region[1];
	alias = &both.region[mem->nregions];
	*alias = *first;
	alias->gpa = ALIAS_GPA;
	ASSERT_OK(dlog_init(&log, &both));
	ASSERT_OK(vdev_set_mem(g->dev, &both));
	ASSERT_OK(live_switch(self, &log));
	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_burst_send(g, 0));
	ASSERT_OK(guest_burst_take(g, 0));
	ASSERT_OK(guest_set_backend(g, -1));
	for (off = 0; off < first->size; off += DLOG_PAGE) {
		ASSERT_EQ(dlog_is_dirty(&log, first->gpa + off),
			  dlog_is_dirty(&log, alias->gpa + off));
		n += dlog_is_dirty(&log, alias->gpa + off);
	}
	EXPECT_GT(n, 0);
	dlog_free(&log);
	free(both.region);
}

/* Makes the bits of the region of @gpa accessible, or not. */
static int protect_log_of(live_t *self, __u64 gpa, int prot)
{
	const struct gmem *mem = physical(self);
	unsigned int i;

	if (self->iotlb)
		gpa = iotlb_gpa(&self->t, gpa);
	for (i = 0; i < mem->nregions; i++)
		if (gpa >= mem->region[i].gpa &&
		    gpa - mem->region[i].gpa < mem->region[i].size)
			return dlog_protect(&self->log, &mem->region[i], prot);
	return -ENOENT;
}

/*
 * A log that is not there when it is needed. The ring stops and says so; the
 * other one, and the guest's life after that, are as they were.
 */
TEST_F(live, log_is_not_mapped)
{
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("what cannot be logged is not, and nobody is told");
	/* Of the used ring it is known before the rings start. */
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	ASSERT_OK(vdev_set_features(g->dev, g->cfg.features | F_LOG_ALL));
	ASSERT_OK(protect_log_of(self, g->pool[RXQ].slot[0].gpa, PROT_NONE));
	event_count(g->vq[RXQ].err);
	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_inject(g, 60, 1));
	ASSERT_THAT(event_wait(g->vq[RXQ].err));
	EXPECT_EQ(1, vdev_counter(g->dev, "queue0.ring_errors"));
	for (i = 0; i < 8; i++)
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
	EXPECT_EQ(0, vdev_counter(g->dev, "queue1.ring_errors"));
}

/* Adds the frame that is in the first buffer. */
static int add_frame(struct guest *g, unsigned int cookie)
{
	struct vq *vq = &g->vq[TXQ];
	int err;

	err = vq_add_out(vq, g->pool[TXQ].slot[0].gpa, g->hdr_len + 60, cookie);
	vq_publish(vq);
	return err;
}

/* A frame is given back, but not its page to the log, and the ring stops. */
static int lose_log(live_t *self, unsigned int cookie)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	int err;

	err = log_used(g, vq, false);
	/* All of the ring that is needed for that is known then. */
	if (!err && !wait_until(split_kick_is_asked(vq)))
		err = -ETIMEDOUT;
	if (!err)
		err = vdev_rest(g->dev, vq);
	if (err)
		return err;
	dlog_clear(&self->log);
	vq->ops->arm(vq);
	event_count(vq->call);
	err = add_frame(g, cookie);
	if (!err)
		err = protect_log_of(self, vq->gpa[VQ_USED], PROT_NONE);
	/* This makes the device look. */
	if (!err)
		err = log_used(g, vq, true);
	if (!err && !event_wait(vq->err))
		err = -ETIMEDOUT;
	event_count(vq->err);
	return err;
}

/*
 * When the log is there again, or not needed any more, the guest is called: it has
 * not changed its wish since before the ring stopped.
 */
TEST_F(live, guest_is_called_after_the_log_was_lost)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	unsigned int i;

	OURS_ALONE("what cannot be logged is not, and nobody is told");
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	/* The first call of all is one to be on the safe side. */
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	for (i = 0; i < 4; i += 2) {
		ASSERT_OK_AT(lose_log(self, i), "%u", i);
		if (!i)
			ASSERT_OK(protect_log_of(self, vq->gpa[VQ_USED],
						 PROT_READ | PROT_WRITE));
		ASSERT_OK(log_used(g, vq, !i));
		ASSERT_OK(add_frame(g, i + 1));
		vq_kick(vq);
		ASSERT_THAT_AT(vq_wait_called(vq, i + 1), "%u", i);
		EXPECT_EQ(0, vq->bogus);
		EXPECT_EQ(0, vq->inflight);
	}
	ASSERT_OK(protect_log_of(self, vq->gpa[VQ_USED],
				 PROT_READ | PROT_WRITE));
}

/* A chain of @n descriptors of nothing, and behind them one with room. */
static int post_empties(struct guest *g, unsigned int n, __u32 len, __u64 table)
{
	struct vring_desc *d = split_desc(&g->vq[RXQ]);
	__u64 gpa = g->pool[RXQ].slot[0].gpa;
	struct vq *vq = &g->vq[RXQ];
	static __u16 id[4096];
	unsigned int i;

	if (table)
		d = gmem_hva(&g->mem, table, (n + 1) * sizeof(*d));
	if (!d || !split_claim(vq, table ? 1 : n + 1, id))
		return -ENOSPC;
	for (i = 0; i <= n; i++)
		d[table ? i : id[i]] = (struct vring_desc) {
			.addr = gpa,
			.len = i < n ? 0 : len,
			.flags = VRING_DESC_F_WRITE |
				 (i < n ? VRING_DESC_F_NEXT : 0),
			.next = table ? i + 1 : id[i + 1],
		};
	if (table)
		split_write(vq, id[0], table, (n + 1) * sizeof(*d),
			    VRING_DESC_F_INDIRECT, 0);
	split_offer(vq, id[0], table ? 1 : n + 1, 0);
	return 0;
}

FIXTURE(empties)
{
	struct guest g;
	struct dlog log;
	__u64 table;
};

FIXTURE_SETUP(empties)
{
	struct guest_cfg cfg = {
		.features = F_MODERN,
		.tap_flags = IFF_VNET_HDR,
		.num = 4096,
		.slots = 64,
		.slot_size = 2048,
	};

	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_OK(dlog_init(&self->log, &self->g.mem));
	ASSERT_OK(log_on(&self->g, &self->log));
	/* Nothing is sent before the tables have done their work. */
	self->table = self->g.pool[TXQ].slot[0].gpa;
}

FIXTURE_TEARDOWN(empties)
{
	guest_stop(&self->g);
	dlog_free(&self->log);
}

/* CVE-2019-14835: a log has no room for descriptors that take none elsewhere. */
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

/* More than fit into any array; whether that is a chain is not the point. */
TEST_F(empties, in_a_longer_chain)
{
	struct guest *g = &self->g;
	struct vq_used used;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ASSERT_OK(post_empties(g, 4000, 2048, i & 1 ? self->table : 0));
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

/* A few from each of the buffers of one frame. */
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
