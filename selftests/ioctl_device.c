// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of the device as a whole, its features and its memory table: what
 * they do, each way in which they fail, and that a command that fails changes
 * nothing.
 */
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
		/* These two need a log, and a memory map of their own. */
		if (bit == F_LOG_ALL || bit == F_ACCESS_PLATFORM)
			continue;
		/* Virtio 1.2, 6: legacy drivers have no packed rings. */
		EXPECT_ERR(offered & bit && bit != F_RING_PACKED ? 0 :
			   EOPNOTSUPP, vdev_set_features(self->fd, bit));
		EXPECT_ERR(offered & bit ? 0 : EOPNOTSUPP,
			   vdev_set_features(self->fd, F_VERSION_1 | bit));
	}
	/* This needs no owner. */
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

	ASSERT_OK(command_guest_run(g));
	EXPECT_ERR(EOPNOTSUPP, vdev_set_features(self->fd, BIT_ULL(63)));
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_FEATURES, BAD_PTR));
	EXPECT_OK(guest_check_alive(g, 0));
	/* Setting the same again while it runs is legal. */
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
	/* The first error counts: padding, then the number. */
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
	struct vhost_memory *t;

	t = page_end(sizeof(*t));
	ASSERT_NE(NULL, t);
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

	ASSERT_OK(command_guest_run(g));
	EXPECT_OK(vdev_set_mem(self->fd, &g->mem));
	EXPECT_OK(guest_check_alive(g, 0));
	/* A table that is refused leaves the old one in force. */
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

TEST_F(command, bad_tables_change_nothing)
{
	struct vhost_memory *t = mem_table(2);
	struct guest *g = &self->g;

	ASSERT_NE(NULL, t);
	ASSERT_OK(command_guest_run(g));
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

TEST_F(command, get_commands_while_running)
{
	struct guest *g = &self->g;
	__u64 word = 0;
	unsigned int i;
	__u32 base;

	ASSERT_OK(command_guest_run(g));
	ASSERT_OK(guest_check_alive(g, 0));
	EXPECT_OK(vdev_get_features(self->fd, &word));
	EXPECT_OK(vdev_cmd(self->fd, VHOST_GET_BACKEND_FEATURES, &word));
	word = 0;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_BACKEND_FEATURES, &word));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_OK(vdev_get_base(self->fd, i, &base));
		/* Receive may have fetched more buffers than it used. */
		EXPECT_GE(g->vq[i].inflight,
			  (__u16)(g->vq[i].avail_idx - base));
	}
	EXPECT_OK(guest_check_alive(g, 100));
}

/* From flags to the event index and back, which no driver does. */
TEST_F(command, features_while_running)
{
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(command_guest_run(g));
	for (i = 0; i < 10; i++) {
		ASSERT_OK(guest_set_backend(g, -1));
		g->vq[TXQ].features ^= F_EVENT_IDX;
		g->vq[RXQ].features ^= F_EVENT_IDX;
		ASSERT_OK(guest_set_backend(g, g->tap));
		ASSERT_OK(vdev_set_features(self->fd, g->vq[TXQ].features));
		/* The worker may have started under the previous features. */
		vq_kick(&g->vq[TXQ]);
		vq_kick(&g->vq[RXQ]);
		ASSERT_OK(guest_set_backend(g, -1));
		ASSERT_OK(guest_set_backend(g, g->tap));
		ASSERT_OK_AT(guest_check_alive(g, i * 10), "round %u", i);
	}
}

/* Buffers are where the newest table says. Their old place may be unmapped. */
TEST_F(command, memory_moves_while_running)
{
	struct guest *g = &self->g;
	struct gmem_region *r = &g->mem.region[1];
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned int round;
	void *old, *new;

	ASSERT_OK(command_guest_run(g));
	for (round = 0; round < 10; round++) {
		ASSERT_OK_AT(guest_check_alive(g, round * 10), "round %u",
			     round);
		/* With the page after it that the library keeps unmapped. */
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

VHOST_TEST_MAIN
