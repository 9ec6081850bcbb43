// SPDX-License-Identifier: GPL-2.0-only
/*
 * Description: what went wrong once and has no better place. Each test is named
 * after the failure.
 */
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"
#include "vq_split.h"

#define MODERN_CFG {							\
	.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX | F_INDIRECT, \
	.tap_flags = IFF_VNET_HDR,					\
	.slot_size = 16384,						\
}

/*
 * An eventfd whose counter has overflowed cannot be watched. It is refused, and
 * the kick that was there before still kicks.
 */
TEST(refused_kick_replaces_the_old)
{
	struct guest_cfg cfg = MODERN_CFG;
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
	 * One more, which only the kernel can add: by an interrupt. The guest gets
	 * none meanwhile, so it looks at the ring. The worker calls after that, and
	 * has done so when the next command has had its turn.
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

/* A tap without a device is no backend; the queue goes on with the one it has. */
TEST(refused_backend_stops_the_old)
{
	struct guest_cfg cfg = MODERN_CFG;
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

/*
 * "vhost_net: disable notifications when the vring is empty" (8c2e6b26ffe2,
 * reverted): a guest that is asked for a kick has nothing left in the ring, and
 * what it had is on its way, not in a batch that waits for more.
 */
TEST(kick_wanted_before_the_batch_has_left)
{
	struct guest_cfg cfg = MODERN_CFG;
	unsigned char frame[60], got[61];
	struct virtio_net_hdr hdr;
	unsigned int i, n, round;
	struct guest g;

	if (!env_kernel_at_least(6, 18))
		OURS_ALONE("asks first, then sends the last batch");
	ASSERT_OK(guest_start(&g, &cfg));
	for (round = 0; round < env_scaled(300, 50); round++) {
		n = 1 + round % 70;
		for (i = 0; i < n; i++) {
			frame_make(frame, sizeof(frame), i);
			ASSERT_OK(guest_send(&g, NULL, frame, sizeof(frame), 1,
					     false));
		}
		vq_submit(&g.vq[TXQ]);
		ASSERT_THAT(wait_until(split_kick_is_asked(&g.vq[TXQ])));
		/* All of it is there, without a wait. */
		for (i = 0; i < n; i++) {
			ASSERT_EQ(60, packet_recv_now(g.pkt, &hdr, got,
						      sizeof(got)));
			ASSERT_THAT(frame_is(got, 60, i));
		}
		ASSERT_EQ(n, guest_reap(&g));
	}
	guest_stop(&g);
}

/*
 * CVE-2018-16880: frames of so many buffers, one behind the other, that the heads
 * of a batch are more than it was made for.
 */
TEST(cve_2018_16880_heads_of_a_batch)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
		.num = 16384,
		.slot_size = 64,
	};
	unsigned int i, n, round, frames = 16;
	static struct guest_frame f;
	struct guest g;
	size_t len;

	ASSERT_OK(guest_start(&g, &cfg));
	for (round = 0; round < 5; round++) {
		ASSERT_OK(vdev_set_backend(g.dev, RXQ, -1));
		/* Small ones before, so that the batch is not empty. */
		for (i = 0; i < frames; i++) {
			len = i % 3 ? 60000 - round : 60;
			ASSERT_OK(guest_inject(&g, len, i));
		}
		while (!guest_post(&g, 64, 1, false))
			;
		vq_publish(&g.vq[RXQ]);
		ASSERT_OK(vdev_set_backend(g.dev, RXQ, g.tap));
		for (i = 0; i < frames; i++) {
			len = i % 3 ? 60000 - round : 60;
			n = (HDR_LEN_MRG + len + 63) / 64;
			ASSERT_OK_AT(guest_recv(&g, &f), "frame %u", i);
			ASSERT_EQ(n, f.nbufs);
			ASSERT_THAT(f.len == len && frame_is(f.data, len, i));
		}
	}
	guest_stop(&g);
}

/*
 * CVE-2014-0077: the frame does not fit the one buffer that it may have, and what
 * is behind that buffer is not the device's. CVE-2019-3900: as many of them as
 * the tap holds are discarded, in turns that leave room for others.
 */
TEST(cve_2014_0077_cve_2019_3900_discarded_frames)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
	};
	unsigned char rest[2048], clean[2048];
	unsigned int i, n = 1500;
	struct guest_slot *slot;
	struct guest g;

	ASSERT_OK(guest_start(&g, &cfg));
	ASSERT_OK(vdev_set_backend(g.dev, RXQ, -1));
	slot = &g.pool[RXQ].slot[0];
	memset(clean, 0xa5, sizeof(clean));
	ASSERT_THAT(gmem_fill(&g.mem, slot->gpa, 0xa5, sizeof(rest)));
	ASSERT_OK(guest_post(&g, 100, 1, false));
	ASSERT_EQ(100, slot->len);
	vq_publish(&g.vq[RXQ]);
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_inject(&g, 1514, i));
	ASSERT_OK(vdev_set_backend(g.dev, RXQ, g.tap));
	ASSERT_OK(guest_check_tx(&g, 60, 1, 1, false));
	/* One that fits, behind them all. */
	ASSERT_OK(guest_check_rx(&g, 60, n));
	ASSERT_THAT(gmem_read(&g.mem, slot->gpa, rest, sizeof(rest)));
	EXPECT_EQ(0, memcmp(rest + 100, clean, sizeof(rest) - 100));
	if (env_is_ours()) {
		EXPECT_EQ(n, vdev_counter(g.dev, "queue0.drop.no_room"));
		EXPECT_LT(0, vdev_counter(g.dev, "queue0.weight"));
	}
	guest_stop(&g);
}

/*
 * Seen in Linux 7.2: where the header cannot be written, for the frame's first
 * buffer ends in memory that is not there, the buffers were lost to the guest.
 */
#define HOLE_GPA	0x8000000000ULL
#define HOLE_SIZE	0x10000

static int header_into_a_hole(struct guest *g, unsigned int before)
{
	struct vq *rx = &g->vq[RXQ];
	struct vq_used used;
	int err;

	err = vq_add_in(rx, HOLE_GPA + HOLE_SIZE - before, 2048, 0);
	if (err)
		return err;
	vq_submit(rx);
	err = guest_inject(g, 60, 1);
	if (err)
		return err;
	if (!vq_wait_pop(rx, &used))
		return -ETIMEDOUT;
	return used.cookie == VQ_BOGUS || used.len ? -EPROTO : 0;
}

static int start_with_hole(struct guest *g, __u64 features)
{
	struct guest_cfg cfg = {
		.features = features,
		.tap_flags = features & F_VHOST_HDR ? 0 : IFF_VNET_HDR,
	};
	void *p;
	int err;

	err = guest_start(g, &cfg);
	if (!err)
		err = gmem_add(&g->mem, HOLE_GPA, 2 * HOLE_SIZE);
	if (!err)
		err = vdev_set_mem(g->dev, &g->mem);
	if (err)
		return err;
	p = gmem_hva(&g->mem, HOLE_GPA + HOLE_SIZE, HOLE_SIZE);
	return munmap(p, HOLE_SIZE) ? -errno : 0;
}

TEST(header_copy_failure_loses_buffers)
{
	static const __u64 features[] = {
		F_VERSION_1 | F_MRG_RXBUF, F_VERSION_1,
		F_VERSION_1 | F_MRG_RXBUF | F_VHOST_HDR, F_VHOST_HDR,
	};
	unsigned int i, before;
	struct guest g;

	OURS_ALONE("a buffer that cannot be written stops the queue");
	for (i = 0; i < ARRAY_SIZE(features); i++) {
		ASSERT_OK(start_with_hole(&g, features[i]));
		for (before = 0; before < g.hdr_len; before++) {
			ASSERT_OK_AT(header_into_a_hole(&g, before),
				     "features %u, %u bytes", i, before);
			/* It has cost that frame, and the queue goes on. */
			ASSERT_EQ(1, guest_refill(&g, 1, 2048));
			ASSERT_OK(guest_check_rx(&g, 60, 2));
		}
		EXPECT_EQ(0, event_count(g.vq[RXQ].err));
		guest_stop(&g);
	}
}

/* Files that a command takes over are given back with the next, or the last. */
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

/* CVE-2015-6252 was this for SET_LOG_FD, which is tested with the log. */
TEST(eventfds_are_given_back)
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
	/* The last of each ring, and what others have opened meanwhile. */
	EXPECT_TRUE(wait_until(open_files() < before + n / 4));
	close(dev);
}

VHOST_TEST_MAIN
