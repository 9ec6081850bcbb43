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
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

#define MODERN_CFG {							\
	.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX | F_INDIRECT, \
	.tap_flags = IFF_VNET_HDR,					\
	.slot_size = 16384,						\
}

/* Lets tun gather up to @frames that are said to be followed by more. */
static int set_coalesce(const char *ifname, unsigned int frames)
{
	struct ethtool_coalesce coalesce = {
		.cmd = ETHTOOL_SCOALESCE,
		.rx_max_coalesced_frames = frames,
	};
	struct ifreq ifr = { .ifr_data = (void *)&coalesce };
	int fd, err;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	strncpy(ifr.ifr_name, ifname, IFNAMSIZ - 1);
	err = ioctl(fd, SIOCETHTOOL, &ifr) ? -errno : 0;
	close(fd);
	return err;
}

/*
 * A large frame goes by itself, a small one behind it in a batch. If tun is
 * told that more follows the large one, it keeps it, and the small one arrives
 * first, or alone.
 */
TEST(large_frame_held_back_by_a_batch)
{
	struct guest_cfg cfg = MODERN_CFG;
	static unsigned char frame[9014];
	struct guest g;
	unsigned int i;

	ASSERT_OK(guest_start(&g, &cfg));
	ASSERT_OK(set_coalesce(g.ifname, 16));
	for (i = 0; i < 20; i += 2) {
		frame_make(frame, sizeof(frame), i);
		ASSERT_OK(guest_send(&g, NULL, frame, sizeof(frame), 1, false));
		frame_make(frame, 60, i + 1);
		ASSERT_OK(guest_send(&g, NULL, frame, 60, 1, false));
		vq_submit(&g.vq[TXQ]);
		ASSERT_OK_AT(guest_capture(&g, sizeof(frame), i), "frame %u", i);
		ASSERT_OK_AT(guest_capture(&g, 60, i + 1), "frame %u", i + 1);
		ASSERT_OK(guest_reap_all(&g));
	}
	guest_stop(&g);
}

/* The same by itself, where what follows is no frame at all. */
TEST(last_frame_held_back_by_a_bad_chain)
{
	struct guest_cfg cfg = MODERN_CFG;
	unsigned char frame[60];
	struct guest g;

	cfg.limit_sndbuf = true;
	ASSERT_OK(guest_start(&g, &cfg));
	ASSERT_OK(set_coalesce(g.ifname, 16));
	OURS_ALONE("a chain shorter than its header stops the queue");
	frame_make(frame, sizeof(frame), 1);
	ASSERT_OK(guest_send(&g, NULL, frame, sizeof(frame), 1, false));
	/* Less than an Ethernet header. */
	ASSERT_OK(guest_send(&g, NULL, frame, 4, 1, false));
	vq_submit(&g.vq[TXQ]);
	ASSERT_OK(guest_capture(&g, sizeof(frame), 1));
	ASSERT_OK(guest_reap_all(&g));
	guest_stop(&g);
}

/*
 * An eventfd whose counter has overflowed cannot be watched. It is refused, and
 * the kick that was there before still kicks.
 */
TEST(refused_kick_replaces_the_old)
{
	struct guest_cfg cfg = MODERN_CFG;
	__u64 most = ULLONG_MAX - 1;
	struct guest g;
	int fd;

	OURS_ALONE("the command fails, but the old kick is gone");
	ASSERT_OK(guest_start(&g, &cfg));
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(sizeof(most), write(fd, &most, sizeof(most)));
	/* One more, which only the kernel can add: by an interrupt. */
	ASSERT_OK(vdev_set_file(g.dev, VHOST_SET_VRING_CALL, TXQ, fd));
	ASSERT_OK(guest_check_tx(&g, 60, 1, 1, false));
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

VHOST_TEST_MAIN
