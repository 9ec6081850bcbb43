// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every command: what it does, each way in which it fails, which failure comes
 * first, when it is allowed, and that a command that fails changes nothing.
 */
#include <limits.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "test.h"

#define RING		16

/* Commands that begin with a ring's number. */
static const unsigned long ring_cmds[] = {
	VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE,
	VHOST_GET_VRING_BASE, VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
	VHOST_SET_VRING_ERR, VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
	VHOST_GET_VRING_BUSYLOOP_TIMEOUT,
};

/* Commands of the owner alone. */
static const unsigned long owner_cmds[] = {
	VHOST_RESET_OWNER, VHOST_SET_MEM_TABLE, VHOST_SET_VRING_NUM,
	VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE, VHOST_GET_VRING_BASE,
	VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
	VHOST_SET_VRING_BUSYLOOP_TIMEOUT, VHOST_GET_VRING_BUSYLOOP_TIMEOUT,
	VHOST_SET_VRING_ENDIAN, VHOST_GET_VRING_ENDIAN,
	VHOST_SET_LOG_BASE, VHOST_SET_LOG_FD,
};

FIXTURE(command)
{
	struct guest g;
	int fd;
};

/* A file with an owner, a guest that is not started, and a tap. */
FIXTURE_SETUP(command)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF,
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
	};

	ASSERT_OK(guest_init(&self->g, &cfg));
	ASSERT_OK(netns_enter());
	ASSERT_OK(guest_open_tap(&self->g));
	self->fd = vdev_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_OK(vdev_set_owner(self->fd));
	self->g.dev = self->fd;
}

FIXTURE_TEARDOWN(command)
{
	guest_stop(&self->g);
}

/* From where the fixture is to a running guest. */
static int bring_up(struct guest *g)
{
	unsigned int i;
	int err;

	err = vdev_set_features(g->dev, g->cfg.features);
	if (!err)
		err = vdev_set_mem(g->dev, &g->mem);
	for (i = 0; !err && i < NR_VQS; i++)
		err = vdev_set_vring(g->dev, &g->vq[i], 0);
	return err ? err : guest_set_backend(g, g->tap);
}

TEST_F(command, open_is_independent)
{
	__u32 base;
	int other;

	ASSERT_OK(vdev_set_state(self->fd, VHOST_SET_VRING_BASE, 0, 5));
	other = vdev_open();
	ASSERT_GE(other, 0);
	ASSERT_OK(vdev_set_owner(other));
	ASSERT_OK(vdev_get_base(other, 0, &base));
	EXPECT_EQ(0, base);
	ASSERT_OK(vdev_get_base(self->fd, 0, &base));
	EXPECT_EQ(5, base);
	close(other);
}

TEST_F(command, get_features)
{
	__u64 features = 0;

	ASSERT_OK(vdev_get_features(self->fd, &features));
	EXPECT_EQ(F_REQUIRED, features & F_REQUIRED);
	if (env_is_ours() || env_kernel_at_least(6, 12))
		EXPECT_TRUE(features & F_RING_RESET);
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_GET_FEATURES, BAD_PTR));
}

TEST_F(command, set_features)
{
	__u64 offered = 0, bit;
	unsigned int i;
	int fd;

	ASSERT_OK(vdev_get_features(self->fd, &offered));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_FEATURES, BAD_PTR));
	EXPECT_OK(vdev_set_features(self->fd, 0));
	for (i = 0; i < 64; i++) {
		bit = BIT_ULL(i);
		/* These two want a log, and a memory map of their own. */
		if (bit == F_LOG_ALL || bit == F_ACCESS_PLATFORM)
			continue;
		EXPECT_ERR(offered & bit ? 0 : EOPNOTSUPP,
			   vdev_set_features(self->fd, bit));
		EXPECT_ERR(offered & bit ? 0 : EOPNOTSUPP,
			   vdev_set_features(self->fd, F_VERSION_1 | bit));
	}
	/* Nobody needs to own the file for this. */
	fd = vdev_open();
	ASSERT_GE(fd, 0);
	EXPECT_OK(vdev_get_features(fd, &bit));
	EXPECT_OK(vdev_set_features(fd, F_REQUIRED));
	EXPECT_ERR(EOPNOTSUPP, vdev_set_features(fd, BIT_ULL(63)));
	close(fd);
}

TEST_F(command, bad_features_change_nothing)
{
	struct guest *g = &self->g;

	ASSERT_OK(bring_up(g));
	EXPECT_ERR(EOPNOTSUPP, vdev_set_features(self->fd, BIT_ULL(63)));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_FEATURES, BAD_PTR));
	EXPECT_OK(guest_check_alive(g, 0));
	/* The same again while it runs is legal. */
	EXPECT_OK(vdev_set_features(self->fd, g->cfg.features));
	EXPECT_OK(guest_check_alive(g, 100));
}

TEST_F(command, backend_features)
{
	__u64 offered = ~0ULL, bit;
	unsigned int i;

	EXPECT_OK(vdev_cmd(self->fd, VHOST_GET_BACKEND_FEATURES, &offered));
	EXPECT_EQ(0, offered & ~BACKEND_F_IOTLB_MSG_V2);
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_GET_BACKEND_FEATURES,
				    BAD_PTR));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_BACKEND_FEATURES,
				    BAD_PTR));
	for (i = 0; i < 64; i++) {
		bit = BIT_ULL(i);
		EXPECT_ERR(offered & bit ? 0 : EOPNOTSUPP,
			   vdev_cmd(self->fd, VHOST_SET_BACKEND_FEATURES,
				    &bit));
	}
	bit = 0;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_BACKEND_FEATURES, &bit));
}

TEST_F(command, backend_features_need_no_owner)
{
	int fd = vdev_open();
	__u64 word;

	ASSERT_GE(fd, 0);
	EXPECT_OK(vdev_cmd(fd, VHOST_GET_BACKEND_FEATURES, &word));
	word = 0;
	EXPECT_OK(vdev_cmd(fd, VHOST_SET_BACKEND_FEATURES, &word));
	close(fd);
}

TEST_F(command, owner_once)
{
	EXPECT_ERR(EBUSY, vdev_set_owner(self->fd));
	EXPECT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_ERR(EPERM, vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_OK(vdev_set_owner(self->fd));
	EXPECT_ERR(EBUSY, vdev_set_owner(self->fd));
}

TEST_F(command, nothing_before_owner)
{
	struct vhost_vring_file file = { .index = 0, .fd = -1 };
	unsigned int i;
	int fd;

	fd = vdev_open();
	ASSERT_GE(fd, 0);
	/* Before anything else about the command is looked at. */
	for (i = 0; i < ARRAY_SIZE(owner_cmds); i++)
		EXPECT_ERR(EPERM, vdev_cmd(fd, owner_cmds[i], BAD_PTR));
	EXPECT_ERR(EPERM, vdev_cmd(fd, _IO(VHOST_VIRTIO, 0x7f), BAD_PTR));
	EXPECT_ERR(EPERM, vdev_cmd(fd, VHOST_NET_SET_BACKEND, &file));
	/* This one reads its argument first. */
	EXPECT_ERR(EFAULT, vdev_cmd(fd, VHOST_NET_SET_BACKEND, BAD_PTR));
	close(fd);
}

/* Runs in another process: 0, or the line of what went wrong. */
static int as_stranger(int fd)
{
	struct vhost_vring_file file = { .index = 0, .fd = -1 };
	__u64 features;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(owner_cmds); i++)
		if (vdev_cmd(fd, owner_cmds[i], BAD_PTR) != -EPERM)
			return 1;
	if (vdev_cmd(fd, VHOST_NET_SET_BACKEND, &file) != -EPERM)
		return 2;
	if (vdev_set_owner(fd) != -EBUSY)
		return 3;
	if (vdev_get_features(fd, &features))
		return 4;
	return 0;
}

TEST_F(command, only_for_the_owners_memory)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(as_stranger(self->fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_OK(vdev_set_state(self->fd, VHOST_SET_VRING_NUM, 0, 8));
}

TEST_F(command, argument_then_index)
{
	__u32 word[8] = { NR_VQS };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ring_cmds); i++) {
		EXPECT_ERR(EFAULT, vdev_cmd(self->fd, ring_cmds[i], BAD_PTR));
		word[0] = NR_VQS;
		EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, ring_cmds[i], word));
		word[0] = ~0U;
		EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, ring_cmds[i], word));
	}
}

/* The index can be read and the rest cannot: EFAULT, after ENOBUFS. */
TEST_F(command, argument_cut_short)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *p;
	unsigned int i;
	__u32 *word;

	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + page, page));
	word = (__u32 *)(p + page) - 1;
	for (i = 0; i < ARRAY_SIZE(ring_cmds); i++) {
		*word = 1;
		EXPECT_ERR(EFAULT, vdev_cmd(self->fd, ring_cmds[i], word));
		*word = NR_VQS;
		EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, ring_cmds[i], word));
	}
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_NET_SET_BACKEND, word));
}

/* An unknown command is taken for a ring's. */
TEST_F(command, unknown)
{
	static const unsigned long unknown[] = {
		_IO(VHOST_VIRTIO, 0x7f), _IOW(VHOST_VIRTIO, 0x40, __u32),
		_IOR(VHOST_VIRTIO, 0x70, __u32), _IO('Z', 0x10), 0,
		/* The right number with the wrong size. */
		_IOW(VHOST_VIRTIO, 0x10, __u64[4]),
	};
	__u32 word[8] = { 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		word[0] = 0;
		EXPECT_ERR(ENOTTY, vdev_cmd(self->fd, unknown[i], word));
		word[0] = 1;
		EXPECT_ERR(ENOTTY, vdev_cmd(self->fd, unknown[i], word));
		word[0] = 2;
		EXPECT_ERR(ENOBUFS, vdev_cmd(self->fd, unknown[i], word));
		EXPECT_ERR(EFAULT, vdev_cmd(self->fd, unknown[i], BAD_PTR));
	}
}

/* Known or not is the kernel's choice at its build, and of both the same. */
TEST_F(command, vring_endian_both_or_neither)
{
	struct vhost_vring_state s = { .index = 0, .num = 0 };
	int err = vdev_cmd(self->fd, VHOST_GET_VRING_ENDIAN, &s);

	EXPECT_TRUE(!err || err == -ENOTTY);
	EXPECT_ERR(-err, vdev_cmd(self->fd, VHOST_SET_VRING_ENDIAN, &s));
}

static struct vhost_memory *mem_table(unsigned int n)
{
	struct vhost_memory *t;
	unsigned int i;

	t = calloc(1, sizeof(*t) + n * sizeof(*t->regions));
	if (!t)
		return NULL;
	t->nregions = n;
	for (i = 0; i < n; i++) {
		t->regions[i].guest_phys_addr = (i + 1) * 0x10000ULL;
		t->regions[i].memory_size = 0x1000;
		t->regions[i].userspace_addr = 0x10000000ULL + i * 0x1000;
	}
	return t;
}

TEST_F(command, mem_table)
{
	unsigned int max = env_max_regions();
	struct vhost_memory *t = mem_table(max + 1);

	ASSERT_NE(NULL, t);
	EXPECT_ERR(E2BIG, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	t->nregions = max;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	t->nregions = 0;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	/* What is wrong first counts: padding, then the number. */
	t->padding = 1;
	t->nregions = ~0U;
	EXPECT_ERR(EOPNOTSUPP, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	t->padding = 0;
	EXPECT_ERR(E2BIG, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	free(t);
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, BAD_PTR));
}

TEST_F(command, mem_table_cut_short)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct vhost_memory *t;
	unsigned char *p;

	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + page, page));
	t = (void *)(p + page - sizeof(*t));
	memset(t, 0, sizeof(*t));
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	t->nregions = 1;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
}

TEST_F(command, mem_table_bad_regions)
{
	struct vhost_memory *t = mem_table(2);
	struct vhost_memory_region *r;

	ASSERT_NE(NULL, t);
	r = &t->regions[1];
	r->memory_size = 0;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	r->memory_size = ~0ULL;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	r->guest_phys_addr = ~0ULL;
	r->memory_size = 2;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	r->memory_size = 1;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	free(t);
}

TEST_F(command, mem_table_while_running)
{
	struct guest *g = &self->g;
	struct vhost_memory *t;

	ASSERT_OK(bring_up(g));
	EXPECT_OK(vdev_set_mem(self->fd, &g->mem));
	EXPECT_OK(guest_check_alive(g, 0));
	/* One that fails leaves the old one in force. */
	t = mem_table(2);
	ASSERT_NE(NULL, t);
	t->regions[1].memory_size = 0;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	t->regions[1].memory_size = 0x1000;
	t->regions[1].userspace_addr = ~0ULL - 0x2000;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	t->padding = 1;
	EXPECT_ERR(EOPNOTSUPP, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	EXPECT_OK(guest_check_alive(g, 100));
	free(t);
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

	ASSERT_OK(bring_up(g));
	EXPECT_ERR(EINVAL, vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	a.index = RXQ;
	EXPECT_ERR(EINVAL, vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	EXPECT_OK(guest_check_alive(g, 0));
	EXPECT_OK(vdev_set_addr(self->fd, &g->vq[TXQ]));
	EXPECT_OK(vdev_set_addr(self->fd, &g->vq[RXQ]));
	EXPECT_OK(guest_check_alive(g, 100));
}

TEST_F(command, not_while_running)
{
	struct guest *g = &self->g;
	__u32 before, base;
	unsigned int i;

	ASSERT_OK(bring_up(g));
	ASSERT_OK(guest_check_alive(g, 0));
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(vdev_get_base(self->fd, i, &before));
		EXPECT_ERR(EBUSY, vdev_set_state(self->fd, VHOST_SET_VRING_NUM,
						 i, RING));
		/* Busy before bad. */
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
	/* One ring that stops frees that one alone. */
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

	ASSERT_OK(bring_up(g));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_ERR(EBADF, vdev_set_file(self->fd, VHOST_SET_VRING_KICK,
						i, 9999));
		EXPECT_ERR(EBADF, vdev_set_file(self->fd, VHOST_SET_VRING_CALL,
						i, 9999));
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, 9999));
	}
	EXPECT_OK(guest_check_alive(g, 0));
}

/* As QEMU does at every mask and unmask of an MSI-X vector. */
TEST_F(command, call_and_kick_while_running)
{
	struct guest *g = &self->g;
	unsigned int i, round;
	int old;

	ASSERT_OK(bring_up(g));
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

/* A kick that came before the eventfd was bound is not lost. */
TEST_F(command, kick_before_bind)
{
	struct guest *g = &self->g;
	unsigned char frame[60];

	ASSERT_OK(bring_up(g));
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

TEST_F(command, backend_errors)
{
	struct guest *g = &self->g;
	int file, udp, raw, event, i;

	file = open("/dev/null", O_RDWR | O_CLOEXEC);
	event = eventfd(0, EFD_CLOEXEC);
	udp = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 255);
	EXPECT_ERR(ENOBUFS, vdev_set_backend(self->fd, NR_VQS, g->tap));
	EXPECT_ERR(ENOBUFS, vdev_set_backend(self->fd, ~0U, -1));
	/* The ring is looked at before the descriptor. */
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, 0, g->tap));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, 0, 9999));
	ASSERT_OK(bring_up(g));
	ASSERT_OK(guest_set_backend(g, -1));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, file));
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, event));
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, udp));
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, 9999));
		EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i, -2));
		/* CVE-2020-10942: raw, but not a packet socket. */
		if (raw >= 0)
			EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, i,
							      raw));
	}
	EXPECT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
	/* It has one already: the same again is nothing new. */
	EXPECT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 100));
}

/* A tun file that is no interface yet has a socket all the same. */
TEST_F(command, backend_unattached_tun)
{
	struct guest *g = &self->g;
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	ASSERT_GE(tun, 0);
	ASSERT_OK(bring_up(g));
	ASSERT_OK(guest_set_backend(g, -1));
	/* Accepted or refused, the queue can be had afterwards. */
	guest_set_backend(g, tun);
	guest_set_backend(g, -1);
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
	close(tun);
}

/* QEMU asserts that letting go succeeds, whatever state the ring is in. */
TEST_F(command, backend_can_always_go)
{
	EXPECT_ERR(ENOBUFS, vdev_set_backend(self->fd, NR_VQS, -1));
	OURS_ALONE("wants an accessible ring to let go of the backend");
	EXPECT_OK(vdev_set_backend(self->fd, RXQ, -1));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, -1));
}

/* A ring that is not mapped is found when the backend comes. */
TEST_F(command, backend_wants_mapped_ring)
{
	struct guest *g = &self->g;
	struct vhost_vring_addr a = {
		.index = TXQ,
		.desc_user_addr = 0x1000, .avail_user_addr = 0x1000,
		.used_user_addr = 0x1000,
	};

	ASSERT_OK(bring_up(g));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	ASSERT_OK(vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, g->tap));
	a.desc_user_addr = ~0ULL << 12;
	ASSERT_OK(vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, &a));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, g->tap));
	ASSERT_OK(vdev_set_addr(self->fd, &g->vq[TXQ]));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
}

TEST_F(command, reset_owner_resets_all)
{
	struct guest *g = &self->g;
	__u32 base;

	ASSERT_OK(bring_up(g));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	EXPECT_ERR(EPERM, vdev_set_backend(self->fd, TXQ, -1));
	ASSERT_OK(vdev_set_owner(self->fd));
	ASSERT_OK(vdev_get_base(self->fd, TXQ, &base));
	EXPECT_EQ(0, base);
	/* No ring, no memory. */
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, g->tap));
	vq_reset(&g->vq[RXQ], 0);
	vq_reset(&g->vq[TXQ], 0);
	ASSERT_OK(bring_up(g));
	EXPECT_OK(guest_check_alive(g, 100));
}

/* Another process may have the file next. */
TEST_F(command, reset_owner_passes_on)
{
	int status;
	pid_t pid;

	ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(vdev_set_owner(self->fd) ? 1 : 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* Its memory is gone, its ownership is not. */
	EXPECT_ERR(EBUSY, vdev_set_owner(self->fd));
	EXPECT_ERR(EPERM, vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
}

/* One ring reset while the other goes on (VIRTIO_F_RING_RESET). */
TEST_F(command, ring_reset)
{
	struct guest *g = &self->g;
	__u32 base;

	ASSERT_OK(bring_up(g));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	ASSERT_OK(vdev_get_base(self->fd, TXQ, &base));
	EXPECT_EQ(g->vq[TXQ].avail_idx, base);
	vq_reset(&g->vq[TXQ], 0);
	ASSERT_OK(vdev_set_vring(self->fd, &g->vq[TXQ], 0));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, g->tap));
	EXPECT_OK(guest_check_alive(g, 100));
}

/* ---- what fails changes nothing ---- */

TEST_F(command, bad_rings_change_nothing)
{
	struct guest *g = &self->g;
	struct vhost_vring_addr a;
	unsigned int i;
	__u32 base;

	ASSERT_OK(bring_up(g));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(guest_set_backend(g, -1));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_ERR(EINVAL, vdev_set_state(self->fd, VHOST_SET_VRING_NUM,
						  i, 0));
		EXPECT_ERR(EINVAL, vdev_set_state(self->fd, VHOST_SET_VRING_NUM,
						  i, RING - 1));
		EXPECT_ERR(EINVAL, vdev_set_state(self->fd, VHOST_SET_VRING_BASE,
						  i, 0x10000));
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
	/* With the size, the place and the base that it had. */
	ASSERT_OK(guest_set_backend(g, g->tap));
	for (i = 0; i < 2 * RING; i++)
		ASSERT_OK_AT(guest_check_alive(g, i * 10), "round %u", i);
}

TEST_F(command, bad_tables_change_nothing)
{
	struct vhost_memory *t = mem_table(2);
	struct guest *g = &self->g;

	ASSERT_NE(NULL, t);
	ASSERT_OK(bring_up(g));
	ASSERT_OK(guest_set_backend(g, -1));
	t->regions[1].memory_size = 0;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	t->padding = 1;
	EXPECT_ERR(EOPNOTSUPP, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	t->padding = 0;
	t->nregions = ~0U;
	EXPECT_ERR(E2BIG, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, t));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_MEM_TABLE, BAD_PTR));
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
	free(t);
}

/* An owner who fails to become one again is one still. */
TEST_F(command, refused_owner_changes_nothing)
{
	struct guest *g = &self->g;

	ASSERT_OK(bring_up(g));
	EXPECT_ERR(EBUSY, vdev_set_owner(self->fd));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* ---- which failure comes first ---- */

/* Who runs is busy, before the rest of the argument is read. */
TEST_F(command, busy_before_unreadable)
{
	static const unsigned long cmds[] = {
		VHOST_SET_VRING_NUM, VHOST_SET_VRING_BASE,
	};
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *p;
	unsigned int i;
	__u32 *word;

	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, munmap(p + page, page));
	word = (__u32 *)(p + page) - 1;
	*word = TXQ;
	ASSERT_OK(bring_up(&self->g));
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_ERR(EBUSY, vdev_cmd(self->fd, cmds[i], word));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_VRING_ADDR, word));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_VRING_KICK, word));
	ASSERT_OK(guest_set_backend(&self->g, -1));
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_ERR(EFAULT, vdev_cmd(self->fd, cmds[i], word));
}

/* Not the owner, no such ring, no ring there, no socket: in this order. */
TEST_F(command, backend_order)
{
	struct guest *g = &self->g;
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	EXPECT_ERR(EPERM, vdev_set_backend(fd, NR_VQS, 9999));
	EXPECT_ERR(EPERM, vdev_set_backend(fd, ~0U, -1));
	close(fd);
	EXPECT_ERR(ENOBUFS, vdev_set_backend(self->fd, NR_VQS, 9999));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, 9999));
	ASSERT_OK(bring_up(g));
	EXPECT_ERR(ENOTSOCK, vdev_set_backend(self->fd, TXQ, 9999));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* A ring that is all there is of no use without a memory table. */
TEST_F(command, backend_wants_memory)
{
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(vdev_set_features(self->fd, g->cfg.features));
	for (i = 0; i < NR_VQS; i++) {
		ASSERT_OK(vdev_set_vring(self->fd, &g->vq[i], 0));
		EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, i, g->tap));
	}
	ASSERT_OK(vdev_set_mem(self->fd, &g->mem));
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* ---- what is legal while running ---- */

TEST_F(command, questions_while_running)
{
	struct guest *g = &self->g;
	__u64 word = 0;
	unsigned int i;
	__u32 base;

	ASSERT_OK(bring_up(g));
	ASSERT_OK(guest_check_alive(g, 0));
	EXPECT_OK(vdev_get_features(self->fd, &word));
	EXPECT_OK(vdev_cmd(self->fd, VHOST_GET_BACKEND_FEATURES, &word));
	word = 0;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_BACKEND_FEATURES, &word));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_OK(vdev_get_base(self->fd, i, &base));
		/* Receive may have fetched buffers beyond those that it used. */
		EXPECT_GE(g->vq[i].inflight,
			  (__u16)(g->vq[i].avail_idx - base));
	}
	EXPECT_OK(guest_check_alive(g, 100));
}

/* From flags to the event index and back, as no driver does. */
TEST_F(command, features_while_running)
{
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(bring_up(g));
	for (i = 0; i < 10; i++) {
		ASSERT_OK(guest_set_backend(g, -1));
		g->vq[TXQ].features ^= F_EVENT_IDX;
		g->vq[RXQ].features ^= F_EVENT_IDX;
		ASSERT_OK(guest_set_backend(g, g->tap));
		ASSERT_OK(vdev_set_features(self->fd, g->vq[TXQ].features));
		/* The worker may have begun under the rule before. */
		vq_kick(&g->vq[TXQ]);
		vq_kick(&g->vq[RXQ]);
		ASSERT_OK(guest_set_backend(g, -1));
		ASSERT_OK(guest_set_backend(g, g->tap));
		ASSERT_OK_AT(guest_check_alive(g, i * 10), "round %u", i);
	}
}

/* Copies what lies there to another place; NULL if that fails. */
static void *move_away(void *from, size_t size)
{
	void *to = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (to == MAP_FAILED)
		return NULL;
	memcpy(to, from, size);
	return to;
}

/* Rings that move in the owner's memory, as at a hotplug of the guest's. */
TEST_F(command, ring_moves_while_running)
{
	struct guest *g = &self->g;
	unsigned int i, area, round;
	size_t size;

	ASSERT_OK(bring_up(g));
	for (round = 0; round < 5; round++) {
		ASSERT_OK_AT(guest_check_alive(g, round * 10), "round %u",
			     round);
		for (i = 0; i < NR_VQS; i++) {
			/* Nothing is written to it while it is copied. */
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

/* Buffers are where the newest table says; the former place may be gone. */
TEST_F(command, memory_moves_while_running)
{
	struct guest *g = &self->g;
	struct gmem_region *r = &g->mem.region[1];
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned int round;
	void *old, *new;

	ASSERT_OK(bring_up(g));
	for (round = 0; round < 10; round++) {
		ASSERT_OK_AT(guest_check_alive(g, round * 10), "round %u",
			     round);
		/* With the page behind it that the library keeps free. */
		new = mmap(NULL, r->size + page, PROT_READ | PROT_WRITE,
			   MAP_SHARED, r->fd, 0);
		ASSERT_NE(MAP_FAILED, new);
		old = r->hva;
		r->hva = new;
		ASSERT_OK(vdev_set_mem(self->fd, &g->mem));
		ASSERT_EQ(0, munmap(old, r->size + page));
	}
	EXPECT_OK(guest_check_alive(g, 200));
}

/* The newest eventfd is told, and no other. */
TEST_F(command, err_while_running)
{
	struct guest *g = &self->g;
	struct vq *tx = &g->vq[TXQ];
	int old = tx->err;

	ASSERT_OK(bring_up(g));
	tx->err = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_GE(tx->err, 0);
	ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_ERR, TXQ, tx->err));
	/* More than the ring can hold. */
	tx->avail_idx += RING + 1;
	vq_publish(tx);
	vq_kick(tx);
	EXPECT_TRUE(event_wait(tx->err));
	EXPECT_EQ(0, event_count(old));
	close(old);
}

/* ---- who may ---- */

static void *num_from_thread(void *arg)
{
	long err = vdev_set_state(*(int *)arg, VHOST_SET_VRING_NUM, 0, RING);

	return (void *)err;
}

/* The memory counts, not the thread. */
TEST_F(command, any_thread_of_the_owner)
{
	pthread_t thread;
	void *err;

	ASSERT_EQ(0, pthread_create(&thread, NULL, num_from_thread, &self->fd));
	ASSERT_EQ(0, pthread_join(thread, &err));
	EXPECT_EQ(NULL, err);
}

static int ask_as_stranger(int fd)
{
	__u64 word = 0;

	if (vdev_get_features(fd, &word))
		return 1;
	if (vdev_set_features(fd, F_VERSION_1 | F_MRG_RXBUF))
		return 2;
	if (vdev_cmd(fd, VHOST_GET_BACKEND_FEATURES, &word))
		return 3;
	word = 0;
	if (vdev_cmd(fd, VHOST_SET_BACKEND_FEATURES, &word))
		return 4;
	return vdev_cmd(fd, _IO(VHOST_VIRTIO, 0x7f), BAD_PTR) == -EPERM ? 0 : 5;
}

/* Features are nobody's own. */
TEST_F(command, features_are_for_strangers_too)
{
	int status;
	pid_t pid;

	ASSERT_OK(bring_up(&self->g));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(ask_as_stranger(self->fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

/* ---- the file ---- */

TEST_F(command, seeking_means_nothing)
{
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	EXPECT_EQ(0, lseek(self->fd, 100, SEEK_SET));
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_END));
}

/* QEMU and DPDK tell kernel vhost by the number of its driver. */
TEST_F(command, is_a_misc_device)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(10, major(st.st_rdev));
}

/* ---- programs of 32 bits ---- */

#ifdef __x86_64__

#define NR32_GETPID	20
#define NR32_IOCTL	54

/* A system call as a program of 32 bits makes it. */
static int call32(unsigned int nr, unsigned int a, unsigned int b,
		  unsigned int c)
{
	long ret = nr;

	asm volatile("int $0x80" : "+a" (ret)
		     : "b" ((long)a), "c" ((long)b), "d" ((long)c)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static bool is_user_mode_linux(void)
{
	char line[200] = "";
	bool found = false;
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		found |= !!strstr(line, "User Mode Linux");
	if (f)
		fclose(f);
	return found;
}

/* Not every kernel takes such calls. */
static bool has_call32(void)
{
	int status = -1;
	pid_t pid;

	/* It would make them of the host. */
	if (is_user_mode_linux())
		return false;
	pid = fork();
	if (!pid)
		_exit(call32(NR32_GETPID, 0, 0, 0) != getpid());
	return waitpid(pid, &status, 0) == pid && !status;
}

static int cmd32(int fd, unsigned long cmd, void *arg)
{
	return call32(NR32_IOCTL, fd, cmd, (unsigned long)arg);
}

TEST_F(command, compat)
{
	struct vhost_vring_state *s;
	struct vhost_vring_file *f;
	struct guest *g = &self->g;
	__u64 *word;
	__u32 base;

	if (!has_call32())
		SKIP(return, "no calls of 32 bits here");
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, word);
	EXPECT_OK(cmd32(self->fd, VHOST_GET_FEATURES, word));
	EXPECT_EQ(F_REQUIRED, *word & F_REQUIRED);
	*word = BIT_ULL(63);
	EXPECT_ERR(EOPNOTSUPP, cmd32(self->fd, VHOST_SET_FEATURES, word));
	EXPECT_ERR(EFAULT, cmd32(self->fd, VHOST_SET_FEATURES, BAD_PTR));
	EXPECT_ERR(EBUSY, cmd32(self->fd, VHOST_SET_OWNER, NULL));
	ASSERT_OK(bring_up(g));
	ASSERT_OK(guest_set_backend(g, -1));
	s = (void *)word;
	*s = (struct vhost_vring_state) { .index = RXQ, .num = 3 };
	EXPECT_OK(cmd32(self->fd, VHOST_SET_VRING_BASE, s));
	EXPECT_OK(vdev_get_base(self->fd, RXQ, &base));
	EXPECT_EQ(3, base);
	s->num = 0;
	EXPECT_OK(cmd32(self->fd, VHOST_SET_VRING_BASE, s));
	s->index = NR_VQS;
	EXPECT_ERR(ENOBUFS, cmd32(self->fd, VHOST_SET_VRING_BASE, s));
	s->index = 0;
	EXPECT_ERR(ENOTTY, cmd32(self->fd, _IO(VHOST_VIRTIO, 0x7f), s));
	f = (void *)word;
	*f = (struct vhost_vring_file) { .index = RXQ, .fd = g->tap };
	EXPECT_OK(cmd32(self->fd, VHOST_NET_SET_BACKEND, f));
	f->index = TXQ;
	EXPECT_OK(cmd32(self->fd, VHOST_NET_SET_BACKEND, f));
	EXPECT_OK(guest_check_alive(g, 0));
}

#endif

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
	 * meanwhile, so it watches the ring. The worker calls after that, and has
	 * done so once the next command has run.
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

/* A tun file without an interface is refused; the queue keeps its backend. */
TEST(refused_backend_keeps_the_previous)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN);
	struct guest g;
	int tun;

	ASSERT_OK(guest_start(&g, &cfg));
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	ASSERT_GE(tun, 0);
	EXPECT_ERR(EINVAL, vdev_set_backend(g.dev, RXQ, tun));
	EXPECT_ERR(EINVAL, vdev_set_backend(g.dev, TXQ, tun));
	ASSERT_OK(guest_check_alive(&g, 1));
	close(tun);
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
	/* The last of each ring, and files that others have opened meanwhile. */
	EXPECT_TRUE(wait_until(open_files() < before + n / 4));
	close(dev);
}

VHOST_TEST_MAIN
