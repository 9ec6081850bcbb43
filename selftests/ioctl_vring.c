// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of a ring, other than its backend: what they do, each way in which
 * they fail, which failure comes first, whether they are legal while the ring
 * runs, and that a command that fails changes nothing.
 */
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "command.h"
#include "test.h"

FIXTURE(command)
{
	struct guest g;
	int fd;
};

/* A file with an owner, a guest that does not run yet, and a tap. */
FIXTURE_SETUP(command)
{
	ASSERT_OK(command_guest_init(&self->g));
	self->fd = self->g.dev;
}

FIXTURE_TEARDOWN(command)
{
	guest_stop(&self->g);
}

/* The kernel's configuration has both of these commands, or neither. */
TEST_F(command, vring_endian_both_or_neither)
{
	struct vhost_vring_state s = { .index = 0, .num = 0 };
	int err = vdev_cmd(self->fd, VHOST_GET_VRING_ENDIAN, &s);

	EXPECT_TRUE(!err || err == -ENOTTY);
	EXPECT_ERR(-err, vdev_cmd(self->fd, VHOST_SET_VRING_ENDIAN, &s));
}

TEST_F(command, vring_num)
{
	static const __u32 bad[] = { 0, 3, 5, 6, 255, 0x7fff, 0xffff, 0x10000,
				     0x20000, 0x80000000, ~0U };
	unsigned int i, n;

	for (i = 0; i < NR_VQS; i++)
		for (n = 1; n <= 32768; n *= 2)
			EXPECT_OK(vdev_set_state(self->fd, VHOST_SET_VRING_NUM,
						 i, n));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ERR(EINVAL, vdev_set_state(self->fd,
						  VHOST_SET_VRING_NUM, 0,
						  bad[i]));
}

TEST_F(command, vring_base)
{
	__u32 base;
	__u32 n;

	for (n = 1; n <= 0xffff; n = n * 2 + 1) {
		EXPECT_OK(vdev_set_state(self->fd, VHOST_SET_VRING_BASE, 1, n));
		EXPECT_OK(vdev_get_base(self->fd, 1, &base));
		EXPECT_EQ(n, base);
	}
	EXPECT_ERR(EINVAL, vdev_set_state(self->fd, VHOST_SET_VRING_BASE, 1,
					  0x10000));
	EXPECT_ERR(EINVAL, vdev_set_state(self->fd, VHOST_SET_VRING_BASE, 1,
					  ~0U));
	EXPECT_OK(vdev_get_base(self->fd, 1, &base));
	EXPECT_EQ(0xffff, base);
	EXPECT_OK(vdev_get_base(self->fd, 0, &base));
	EXPECT_EQ(0, base);
}

TEST_F(command, vring_addr)
{
	const struct vhost_vring_addr good = {
		.index = 0,
		.desc_user_addr = 0x1000, .avail_user_addr = 0x2000,
		.used_user_addr = 0x3000, .log_guest_addr = 0x4000,
	};
	struct vhost_vring_addr a;
	unsigned int flag;

	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &good));
	for (flag = 1; flag < 32; flag++) {
		a = good;
		a.flags = 1U << flag;
		EXPECT_ERR(EOPNOTSUPP,
			   vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	}
	/* Flags before alignment. */
	a.used_user_addr = 1;
	EXPECT_ERR(EOPNOTSUPP, vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	a = good;
	a.avail_user_addr += 1;
	EXPECT_ERR(EINVAL, vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	a.avail_user_addr += 1;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	a = good;
	a.used_user_addr += 2;
	EXPECT_ERR(EINVAL, vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	a = good;
	a.log_guest_addr += 2;
	EXPECT_ERR(EINVAL, vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	a = good;
	a.desc_user_addr += 1;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
}

TEST_F(command, vring_addr_while_running)
{
	struct guest *g = &self->g;
	struct vhost_vring_addr a = {
		.index = TXQ,
		.desc_user_addr = ~0ULL << 12, .avail_user_addr = ~0ULL << 12,
		.used_user_addr = ~0ULL << 12,
	};

	ASSERT_OK(command_guest_run(g));
	EXPECT_ERR(EINVAL, vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	a.index = RXQ;
	EXPECT_ERR(EINVAL, vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	EXPECT_OK(guest_check_alive(g, 0));
	EXPECT_OK(vdev_set_addr(self->fd, &g->vq[TXQ]));
	EXPECT_OK(vdev_set_addr(self->fd, &g->vq[RXQ]));
	EXPECT_OK(guest_check_alive(g, 100));
}

TEST_F(command, vring_num_and_base_while_running)
{
	struct guest *g = &self->g;
	__u32 before, base;
	unsigned int i;

	ASSERT_OK(command_guest_run(g));
	ASSERT_OK(guest_check_alive(g, 0));
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(vdev_get_base(self->fd, i, &before));
		EXPECT_ERR(EBUSY, vdev_set_state(self->fd, VHOST_SET_VRING_NUM,
						 i, RING));
		/* EBUSY comes before EINVAL. */
		EXPECT_ERR(EBUSY, vdev_set_state(self->fd, VHOST_SET_VRING_NUM,
						 i, 0));
		EXPECT_ERR(EBUSY, vdev_set_state(self->fd, VHOST_SET_VRING_BASE,
						 i, 0));
		EXPECT_ERR(EBUSY, vdev_set_state(self->fd, VHOST_SET_VRING_BASE,
						 i, ~0U));
		ASSERT_OK(vdev_get_base(self->fd, i, &base));
		EXPECT_EQ(before, base);
	}
	EXPECT_OK(guest_check_alive(g, 100));
	/* Stopping one ring allows them for that one only. */
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_OK(vdev_set_state(self->fd, VHOST_SET_VRING_NUM, TXQ, RING));
	EXPECT_ERR(EBUSY, vdev_set_state(self->fd, VHOST_SET_VRING_NUM, RXQ,
					 RING));
}

TEST_F(command, vring_files)
{
	static const unsigned long cmds[] = {
		VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR,
	};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int event = eventfd(0, EFD_CLOEXEC);
	unsigned int i, ring;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		for (ring = 0; ring < NR_VQS; ring++) {
			EXPECT_OK(vdev_set_file(self->fd, cmds[i], ring,
						event));
			EXPECT_OK(vdev_set_file(self->fd, cmds[i], ring,
						event));
			EXPECT_ERR(EINVAL, vdev_set_file(self->fd, cmds[i],
							 ring, null));
			EXPECT_ERR(EBADF, vdev_set_file(self->fd, cmds[i],
							ring, 9999));
			EXPECT_ERR(EBADF, vdev_set_file(self->fd, cmds[i],
							ring, -2));
			EXPECT_OK(vdev_set_file(self->fd, cmds[i], ring, -1));
			EXPECT_OK(vdev_set_file(self->fd, cmds[i], ring, -1));
		}
	}
	close(event);
	close(null);
}

TEST_F(command, bad_files_change_nothing)
{
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(command_guest_run(g));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_ERR(EBADF, vdev_set_file(self->fd, VHOST_SET_VRING_KICK,
						i, 9999));
		EXPECT_ERR(EBADF, vdev_set_file(self->fd, VHOST_SET_VRING_CALL,
						i, 9999));
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, 9999));
	}
	EXPECT_OK(guest_check_alive(g, 0));
}

/* QEMU does this at every mask and unmask of an MSI-X vector. */
TEST_F(command, call_and_kick_while_running)
{
	struct guest *g = &self->g;
	unsigned int i, round;
	int old;

	ASSERT_OK(command_guest_run(g));
	for (round = 0; round < 10; round++) {
		for (i = 0; i < NR_VQS; i++) {
			old = g->vq[i].call;
			g->vq[i].call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
			ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_CALL,
						i, g->vq[i].call));
			close(old);
			old = g->vq[i].kick;
			g->vq[i].kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
			ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK,
						i, g->vq[i].kick));
			close(old);
		}
		ASSERT_OK_AT(guest_check_alive(g, round), "round %u", round);
	}
}

/* A kick that was signalled before its eventfd was set is not lost. */
TEST_F(command, kick_signalled_before_it_is_set)
{
	struct guest *g = &self->g;
	unsigned char frame[60];

	ASSERT_OK(command_guest_run(g));
	ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK, TXQ, -1));
	frame_make(frame, sizeof(frame), 1);
	ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
	vq_publish(&g->vq[TXQ]);
	vq_kick(&g->vq[TXQ]);
	ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK, TXQ,
				g->vq[TXQ].kick));
	EXPECT_OK(guest_capture(g, sizeof(frame), 1));
	EXPECT_OK(guest_reap_all(g));
}

/* Reset one ring while the other runs on (VIRTIO_F_RING_RESET). */
TEST_F(command, ring_reset)
{
	struct guest *g = &self->g;
	__u32 base;

	ASSERT_OK(command_guest_run(g));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	ASSERT_OK(vdev_get_base(self->fd, TXQ, &base));
	EXPECT_EQ(g->vq[TXQ].avail_idx, base);
	vq_reset(&g->vq[TXQ], 0);
	ASSERT_OK(vdev_set_vring(self->fd, &g->vq[TXQ], 0));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, g->tap));
	EXPECT_OK(guest_check_alive(g, 100));
}

TEST_F(command, bad_rings_change_nothing)
{
	struct guest *g = &self->g;
	struct vhost_vring_addr a;
	unsigned int i;
	__u32 base;

	ASSERT_OK(command_guest_run(g));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(guest_set_backend(g, -1));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_ERR(EINVAL, vdev_set_state(self->fd, VHOST_SET_VRING_NUM,
						  i, 0));
		EXPECT_ERR(EINVAL, vdev_set_state(self->fd, VHOST_SET_VRING_NUM,
						  i, RING - 1));
		EXPECT_ERR(EINVAL, vdev_set_state(self->fd,
						  VHOST_SET_VRING_BASE, i,
						  0x10000));
		a = (struct vhost_vring_addr) {
			.index = i, .flags = 2,
			.desc_user_addr = 0x1000, .avail_user_addr = 0x2000,
			.used_user_addr = 0x3000,
		};
		EXPECT_ERR(EOPNOTSUPP,
			   vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
		a.flags = 0;
		a.avail_user_addr++;
		EXPECT_ERR(EINVAL,
			   vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
		ASSERT_OK(vdev_get_base(self->fd, i, &base));
		EXPECT_EQ(g->vq[i].used_idx, base);
	}
	/* The ring has its old size, place and base. */
	ASSERT_OK(guest_set_backend(g, g->tap));
	for (i = 0; i < 2 * RING; i++)
		ASSERT_OK_AT(guest_check_alive(g, i * 10), "round %u", i);
}

/* A running ring is busy before the rest of the argument is read. */
TEST_F(command, busy_before_unreadable)
{
	static const unsigned long cmds[] = {
		VHOST_SET_VRING_NUM, VHOST_SET_VRING_BASE,
	};
	unsigned int i;
	__u32 *word;

	word = page_end(sizeof(*word));
	ASSERT_NE(NULL, word);
	*word = TXQ;
	ASSERT_OK(command_guest_run(&self->g));
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_ERR(EBUSY, vdev_cmd(self->fd, cmds[i], word));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, word));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_VRING_KICK, word));
	ASSERT_OK(guest_set_backend(&self->g, -1));
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_ERR(EFAULT, vdev_cmd(self->fd, cmds[i], word));
}

/* Copy memory to a new place, which is returned; NULL on failure. */
static void *move_away(void *from, size_t size)
{
	void *to = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (to == MAP_FAILED)
		return NULL;
	memcpy(to, from, size);
	return to;
}

/* Rings move in the owner's memory, as when the guest hotplugs memory. */
TEST_F(command, ring_moves_while_running)
{
	struct guest *g = &self->g;
	unsigned int i, area, round;
	size_t size;

	ASSERT_OK(command_guest_run(g));
	for (round = 0; round < 5; round++) {
		ASSERT_OK_AT(guest_check_alive(g, round * 10), "round %u",
			     round);
		for (i = 0; i < NR_VQS; i++) {
			/* Stopped, it is not written while it is copied. */
			ASSERT_OK(vdev_set_backend(self->fd, i, -1));
			for (area = 0; area < VQ_AREAS; area++) {
				size = g->cfg.ops->size(RING, area);
				g->vq[i].area[area] =
					move_away(g->vq[i].area[area], size);
				ASSERT_NE(NULL, g->vq[i].area[area]);
			}
			if (round & 1)
				ASSERT_OK(vdev_set_addr(self->fd, &g->vq[i]));
			ASSERT_OK(vdev_set_backend(self->fd, i, g->tap));
			if (!(round & 1))
				ASSERT_OK(vdev_set_addr(self->fd, &g->vq[i]));
		}
	}
	EXPECT_OK(guest_check_alive(g, 100));
}

/* Only the newest eventfd is signalled. */
TEST_F(command, err_replaced_while_running)
{
	struct guest *g = &self->g;
	struct vq *tx = &g->vq[TXQ];
	int old = tx->err;

	ASSERT_OK(command_guest_run(g));
	tx->err = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_GE(tx->err, 0);
	ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_ERR, TXQ, tx->err));
	/* More entries than the ring can hold. */
	tx->avail_idx += RING + 1;
	vq_publish(tx);
	vq_kick(tx);
	EXPECT_TRUE(event_wait(tx->err));
	EXPECT_EQ(0, event_count(old));
	close(old);
}

/*
 * An eventfd whose counter has overflowed cannot be watched. It is refused, and
 * the previous kick eventfd still works.
 */
TEST(refused_kick_keeps_the_previous)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN);
	__u64 most = ULLONG_MAX - 1;
	unsigned char frame[60];
	struct guest g;
	int fd;

	OURS_ALONE("the command fails, but the old kick is gone");
	ASSERT_OK(guest_start(&g, &cfg));
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(sizeof(most), write(fd, &most, sizeof(most)));
	/*
	 * Only the kernel can add one more: by a call. The guest gets no calls
	 * meanwhile, so it watches the ring. The worker calls after the used
	 * entry is there, and has done so once the next command has run.
	 */
	ASSERT_OK(vdev_set_file(g.dev, VHOST_SET_VRING_CALL, TXQ, fd));
	frame_make(frame, sizeof(frame), 1);
	ASSERT_OK(guest_send(&g, NULL, frame, sizeof(frame), 1, false));
	vq_submit(&g.vq[TXQ]);
	ASSERT_OK(guest_capture(&g, sizeof(frame), 1));
	ASSERT_THAT(wait_until(g.vq[TXQ].ops->has_used(&g.vq[TXQ])));
	ASSERT_EQ(1, guest_reap(&g));
	ASSERT_OK(vdev_set_file(g.dev, VHOST_SET_VRING_CALL, TXQ,
				g.vq[TXQ].call));

	EXPECT_ERR(EINVAL, vdev_set_file(g.dev, VHOST_SET_VRING_KICK, TXQ, fd));
	ASSERT_OK(guest_check_tx(&g, 60, 2, 1, false));
	close(fd);
	guest_stop(&g);
}

/* The number of open files on this machine; 0 if it cannot be read. */
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

/*
 * An eventfd is released when the next one replaces it, or at close. For
 * SET_LOG_FD this was CVE-2015-6252, which is tested with the dirty log.
 */
TEST(replaced_eventfds_are_released)
{
	static const unsigned long cmds[] = {
		VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
	};
	unsigned int i, c, n = 2000;
	unsigned long before;
	int dev, fd;

	dev = vdev_open();
	ASSERT_GE(dev, 0);
	ASSERT_OK(vdev_set_owner(dev));
	before = open_files();
	ASSERT_LT(0, before);
	for (i = 0; i < n; i++) {
		fd = eventfd(0, EFD_CLOEXEC);
		ASSERT_GE(fd, 0);
		for (c = 0; c < ARRAY_SIZE(cmds); c++)
			ASSERT_OK(vdev_set_file(dev, cmds[c], i & 1, fd));
		close(fd);
	}
	/* Those set last, and files that others have opened meanwhile. */
	EXPECT_TRUE(wait_until(open_files() < before + n / 4));
	close(dev);
}

/* ---- descriptors that are not aligned ---- */

#define DESC_BYTES	sizeof(struct vring_desc)

/* Leave room to move the table of descriptors. */
static size_t padded_size(unsigned int num, enum vq_area area)
{
	return vq_split_ops.size(num, area) +
	       (area == VQ_DESC ? DESC_BYTES : 0);
}

static int start_shifted(struct guest *g, const struct guest_cfg *cfg,
			 unsigned int shift)
{
	int err = guest_init(g, cfg);
	unsigned int i;

	for (i = 0; i < NR_VQS; i++) {
		g->vq[i].area[VQ_DESC] += shift;
		g->vq[i].gpa[VQ_DESC] += shift;
	}
	if (!err)
		err = guest_open_tap(g);
	if (!err)
		err = guest_open_dev(g);
	return err ? err : guest_set_backend(g, g->tap);
}

/* The table may begin at any address, and on any processor. */
TEST(descriptors_at_any_address)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE | F_EVENT_IDX);
	struct vq_ops padded = vq_split_ops;
	unsigned int shift, i;
	struct guest g;

	padded.size = padded_size;
	cfg.ops = &padded;
	ASSERT_OK(netns_enter());
	for (shift = 1; shift < DESC_BYTES; shift++) {
		ASSERT_OK(start_shifted(&g, &cfg, shift));
		ASSERT_OK_AT(guest_check_alive(&g, 0), "shift %u", shift);
		/* Chains, and frames that are fetched together. */
		ASSERT_OK(guest_check_tx(&g, 1000, 100, 5, false));
		ASSERT_EQ(120, guest_fill_tx(&g, 1000, 101, 120));
		for (i = 101; i < 120; i++)
			ASSERT_OK_AT(guest_capture(&g, 1000, i),
				     "shift %u, frame %u", shift, i);
		guest_stop(&g);
	}
}

VHOST_TEST_MAIN
