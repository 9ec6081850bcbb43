// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of a ring in the packed layout: features that choose it, sizes and
 * bases that it allows, and when they are judged.
 */
#include "command.h"
#include "test.h"
#include "vq_packed.h"

#define NUM	100		/* no power of two */
#define FRESH	0x80008000	/* the base of a ring that was never used */

/* A guest with packed rings that does not run yet. */
FIXTURE(packed)
{
	struct guest g;
	struct vq *tx;
	int fd;
};

FIXTURE_SETUP(packed)
{
	struct guest_cfg cfg = {
		.features = F_PACKED,
		.tap_flags = IFF_VNET_HDR,
		.num = NUM,
	};
	struct guest *g = &self->g;

	SETUP_NEEDS(F_RING_PACKED);
	ASSERT_OK(guest_init(g, &cfg));
	ASSERT_OK(netns_enter());
	ASSERT_OK(guest_open_tap(g));
	ASSERT_OK(guest_open_dev(g));
	self->fd = g->dev;
	self->tx = &g->vq[TXQ];
}

FIXTURE_TEARDOWN(packed)
{
	guest_stop(&self->g);
}

static int set_num(int fd, __u32 num)
{
	return vdev_set_state(fd, VHOST_SET_VRING_NUM, TXQ, num);
}

static int set_base(int fd, __u32 base)
{
	return vdev_set_state(fd, VHOST_SET_VRING_BASE, TXQ, base);
}

static int start(struct guest *g)
{
	return vdev_set_backend(g->dev, TXQ, g->tap);
}

static int stop(struct guest *g)
{
	return vdev_set_backend(g->dev, TXQ, -1);
}

static __u32 base_of(int fd)
{
	__u32 base = 0;

	return vdev_get_base(fd, TXQ, &base) ? 0xdead : base;
}

/* A legacy driver has no packed ring. */
TEST_F(packed, needs_version_1)
{
	EXPECT_ERR(EOPNOTSUPP, vdev_set_features(self->fd, F_RING_PACKED));
	EXPECT_ERR(EOPNOTSUPP, vdev_set_features(self->fd, F_PACKED &
						 ~F_VERSION_1));
	/* Nothing has changed: the size is none of a split ring. */
	EXPECT_OK(set_num(self->fd, NUM));
	ASSERT_OK(guest_set_backend(&self->g, self->g.tap));
	EXPECT_OK(guest_check_alive(&self->g, 0));
}

TEST_F(packed, layout_is_fixed_while_running)
{
	struct guest *g = &self->g;

	ASSERT_OK(start(g));
	EXPECT_ERR(EBUSY, vdev_set_features(self->fd, F_MODERN));
	EXPECT_OK(vdev_set_features(self->fd, F_PACKED));
	EXPECT_OK(guest_check_tx(g, 60, 1, 1, false));
	ASSERT_OK(stop(g));
	EXPECT_OK(vdev_set_features(self->fd, F_MODERN));
	EXPECT_OK(vdev_set_features(self->fd, F_PACKED));
}

TEST_F(packed, num)
{
	static const __u32 good[] = { 1, 2, 3, 255, 1000, 32767, 32768 };
	static const __u32 bad[] = { 0, 32769, 0xffff, 0x10000, ~0U };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT_OK(set_num(self->fd, good[i]));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ERR(EINVAL, set_num(self->fd, bad[i]));
	EXPECT_OK(set_num(self->fd, NUM));
	ASSERT_OK(start(&self->g));
	EXPECT_ERR(EBUSY, set_num(self->fd, NUM));
	EXPECT_ERR(EBUSY, set_num(self->fd, 0));
	EXPECT_ERR(EBUSY, set_base(self->fd, FRESH));
	EXPECT_OK(guest_check_tx(&self->g, 60, 1, 1, false));
}

/* Any base can be set; whether there is such a position depends on the size. */
TEST_F(packed, base_is_judged_at_the_start)
{
	static const __u32 bad[] = {
		0x8000 + NUM,			/* beyond the ring */
		0x7fff,
		0x80008000 + NUM,
		(0x8000 + NUM) << 16 | 0x8001,
		0x80068005,			/* used before available */
		0x00048005,			/* more than a lap apart */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_OK(set_base(self->fd, bad[i]));
		EXPECT_EQ(bad[i], base_of(self->fd));
		EXPECT_ERR(EINVAL, start(&self->g));
		EXPECT_EQ(bad[i], base_of(self->fd));
	}
	ASSERT_OK(set_base(self->fd, FRESH));
	ASSERT_OK(start(&self->g));
	EXPECT_OK(guest_check_tx(&self->g, 60, 1, 1, false));
}

/* The base is exact after a stop, and the ring continues from it. */
TEST_F(packed, base_after_a_stop)
{
	struct guest *g = &self->g;
	unsigned int i;
	__u32 base;

	for (i = 0; i < 3 * NUM; i++) {
		ASSERT_OK(start(g));
		ASSERT_OK(guest_check_tx(g, 60, i, 1 + i % 3, false));
		ASSERT_OK(stop(g));
		base = base_of(self->fd);
		ASSERT_EQ(vq_base(self->tx), base);
		ASSERT_OK(set_base(self->fd, 0x12345678));
		ASSERT_OK(set_base(self->fd, base));
	}
}

/* DPDK sets the available half of a fresh ring only. */
TEST_F(packed, fresh_without_used_half)
{
	struct guest *g = &self->g;

	ASSERT_OK(set_base(self->fd, 0x8000));
	EXPECT_EQ(0x8000, base_of(self->fd));
	ASSERT_OK(start(g));
	EXPECT_EQ(FRESH, base_of(self->fd));
	EXPECT_OK(guest_check_tx(g, 60, 1, 1, false));
	EXPECT_OK(stop(g));
	EXPECT_EQ(vq_base(self->tx), base_of(self->fd));
}

/*
 * Another device has taken three chains and used none. They stay where they
 * are, and later ones are used before them.
 */
TEST_F(packed, chains_in_flight_at_the_start)
{
	struct guest *g = &self->g;
	__u64 gpa = g->pool[TXQ].slot[0].gpa;
	struct vq *tx = self->tx;
	struct vq_used used;
	unsigned int i;

	for (i = 0; i < 3; i++)
		ASSERT_OK(vq_add_out(tx, gpa, HDR_LEN_MRG + 60, i));
	vq_publish(tx);
	ASSERT_OK(set_base(self->fd, 0x80008003));
	ASSERT_OK(start(g));
	for (i = 3; i < 3 * NUM; i++) {
		ASSERT_OK(vq_add_out(tx, gpa, HDR_LEN_MRG + 60, i));
		vq_submit(tx);
		ASSERT_THAT(vq_wait_pop(tx, &used));
		ASSERT_EQ(i, used.cookie);
	}
	EXPECT_EQ(3, tx->inflight);
	EXPECT_EQ(0, tx->bogus);
}

/* All that is set before the features counts for the layout they choose. */
TEST_F(packed, set_before_the_features)
{
	struct guest *g = &self->g;

	ASSERT_OK(set_base(self->fd, FRESH));
	ASSERT_OK(vdev_set_features(self->fd, F_MODERN));
	/* No size and no base of a split ring. */
	EXPECT_ERR(EINVAL, set_num(self->fd, NUM));
	EXPECT_ERR(EINVAL, set_base(self->fd, FRESH));
	EXPECT_ERR(EINVAL, start(g));
	EXPECT_OK(set_num(self->fd, 64));
	EXPECT_ERR(EINVAL, start(g));
	EXPECT_OK(set_base(self->fd, 0));
	EXPECT_OK(start(g));
	ASSERT_OK(stop(g));

	/* From split to packed: a position of the second lap. */
	ASSERT_OK(vdev_set_features(self->fd, F_PACKED));
	EXPECT_EQ(0, base_of(self->fd));
	self->tx->num = 64;
	vq_reset(self->tx, 64);
	EXPECT_EQ(0, vq_base(self->tx));
	ASSERT_OK(start(g));
	EXPECT_OK(guest_check_tx(g, 60, 1, 1, false));
}

/* A reset returns to the split layout, like all else. */
TEST_F(packed, reset_owner)
{
	struct guest *g = &self->g;

	ASSERT_OK(start(g));
	ASSERT_OK(vdev_cmd(self->fd, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(vdev_set_owner(self->fd));
	EXPECT_ERR(EINVAL, set_num(self->fd, NUM));
	EXPECT_EQ(0, base_of(self->fd));
}

VHOST_TEST_MAIN
