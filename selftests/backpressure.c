// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tap that stops its sender while its ring is full (IFF_BACKPRESSURE, Linux
 * 7.3). The device empties that ring, so it has to wake the sender.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "test.h"

#ifndef IFF_BACKPRESSURE
#define IFF_BACKPRESSURE	0x0080
#endif

FIXTURE(backpressure)
{
	struct guest g;
	unsigned int frames;	/* a full ring, and some that wait for it */
};

FIXTURE_VARIANT(backpressure)
{
	unsigned int ring;
	int flags;
	__u64 features;
};

/* More than two batches of the device. */
FIXTURE_VARIANT_ADD(backpressure, usual)
{
	.ring = 200,
	.flags = IFF_VNET_HDR,
	.features = F_MODERN_BASE | F_EVENT_IDX,
};

/* One batch takes more than half of it. */
FIXTURE_VARIANT_ADD(backpressure, short_ring)
{
	.ring = 100,
	.flags = IFF_VNET_HDR,
	.features = F_MODERN_BASE,
};

/* One batch empties it. */
FIXTURE_VARIANT_ADD(backpressure, tiny_ring)
{
	.ring = 16,
	.flags = IFF_VNET_HDR,
	.features = F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(backpressure, vhost_header)
{
	.ring = 200,
	.features = F_MODERN_BASE | F_EVENT_IDX | F_VHOST_HDR,
};

static bool tun_has_backpressure(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	unsigned int features = 0;

	if (fd < 0)
		return false;
	if (ioctl(fd, TUNGETFEATURES, &features))
		features = 0;
	close(fd);
	return features & IFF_BACKPRESSURE;
}

FIXTURE_SETUP(backpressure)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = variant->flags | IFF_BACKPRESSURE,
	};

	if (!tun_has_backpressure())
		SETUP_SKIP("tun of this kernel has no IFF_BACKPRESSURE");
	self->frames = variant->ring + variant->ring / 2;
	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_OK(vdev_set_backend(self->g.dev, RXQ, -1));
	ASSERT_OK(link_set_qlen(self->g.ifname, variant->ring));
}

FIXTURE_TEARDOWN(backpressure)
{
	guest_stop(&self->g);
}

/* The queueing discipline keeps the frames for which the ring has no room. */
static int send_frames(struct guest *g, __u32 seq, unsigned int n)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < n; i++)
		err = guest_inject(g, 64 + (seq + i) % 128, seq + i);
	return err;
}

/* Receive the frames in their order, with a buffer for each. */
static int receive_frames(struct guest *g, __u32 seq, unsigned int n)
{
	static struct guest_frame f;
	unsigned int i;
	size_t len;
	int err;

	for (i = 0; i < n; i++) {
		len = 64 + (seq + i) % 128;
		if (guest_refill(g, 1, 2048) != 1)
			return -ENOSPC;
		err = guest_recv(g, &f);
		if (!err && (f.len != len || !frame_is(f.data, len, seq + i)))
			err = -EBADMSG;
		if (err) {
			fprintf(stderr, "# frame %u of %u\n", i, n);
			return err;
		}
	}
	return 0;
}

static __u64 dropped(struct guest *g)
{
	struct netif_stats stats;

	return link_stats(g->ifname, &stats) ? ~0ULL : stats.tx_dropped;
}

TEST_F(backpressure, sender_goes_on)
{
	struct guest *g = &self->g;
	unsigned int round, n = self->frames;

	for (round = 0; round < 4; round++) {
		ASSERT_OK_AT(send_frames(g, round * n, n), "round %u", round);
		/* Without backpressure, the ring would not take as many. */
		ASSERT_EQ(0, dropped(g));
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
		ASSERT_OK_AT(receive_frames(g, round * n, n), "round %u",
			     round);
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
	}
	EXPECT_EQ(0, dropped(g));
}

/*
 * The device takes frames off the ring, of which the guest has a buffer for
 * one, and puts the others back. The sender must not have filled their place.
 */
TEST_F(backpressure, frames_put_back_keep_their_place)
{
	struct guest *g = &self->g;
	unsigned int i, n = self->frames;

	OURS_ALONE("it wakes the sender for frames that it puts back");
	ASSERT_OK(send_frames(g, 0, n));
	for (i = 0; i < 8; i++) {
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
		ASSERT_OK_AT(receive_frames(g, i, 1), "round %u", i);
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
	}
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
	ASSERT_OK(receive_frames(g, i, n - i));
	EXPECT_EQ(0, dropped(g));
}

#define PAGE		gmem_page()
#define LOST_RING	16

static int start_paged(struct guest *g)
{
	static struct vq_ops paged;
	struct guest_cfg cfg = {
		.ops = &paged,
		.features = F_MODERN_BASE | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR | IFF_BACKPRESSURE,
		.num = PAGE / 4,
		.slots = 64,
		.base = PAGE * 600 / 4096,
	};
	int err;

	/* The next used entries lie in the second page. */
	paged = vq_split_ops;
	paged.align[VQ_USED] = PAGE;
	err = guest_start(g, &cfg);
	return err ?: link_set_qlen(g->ifname, LOST_RING);
}

/*
 * The ring fails after all packets of the tap have been delivered. No run takes
 * another packet off the tap, so stopping the queue has to wake the sender.
 */
TEST(sender_goes_on_after_a_failed_ring)
{
	struct guest g;
	void *page;

	if (!tun_has_backpressure())
		SKIP(return, "tun of this kernel has no IFF_BACKPRESSURE");
	OURS_ALONE("takes more packets, which are lost with the ring");
	ASSERT_OK(start_paged(&g));
	ASSERT_OK(vdev_set_backend(g.dev, RXQ, -1));
	ASSERT_OK(send_frames(&g, 0, LOST_RING + 8));
	ASSERT_EQ(32, guest_refill(&g, 32, 2048));
	page = g.vq[RXQ].area[VQ_USED] + PAGE;
	ASSERT_EQ(0, munmap(page, PAGE));
	ASSERT_OK(vdev_set_backend(g.dev, RXQ, g.tap));
	ASSERT_THAT(event_wait(g.vq[RXQ].err));
	ASSERT_OK(vdev_set_backend(g.dev, RXQ, -1));
	ASSERT_EQ(page, mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED |
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_OK(guest_restart(&g));
	/* The first ones were lost with the ring. */
	EXPECT_OK(receive_frames(&g, LOST_RING, 8));
	guest_stop(&g);
}

VHOST_TEST_MAIN
