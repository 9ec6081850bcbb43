// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest to host: frames of any size, in chains of any shape, arrive on the tap
 * unchanged, once and in order. Frames that are too short do not arrive.
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

FIXTURE(transmit)
{
	struct guest g;
};

FIXTURE_VARIANT(transmit)
{
	__u64 features;
	__u64 features2;
	int tap_flags;
	bool limit_sndbuf;
	bool indirect;
	unsigned int regions;
	__u16 base;
};

FIXTURE_VARIANT_ADD(transmit, modern)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(transmit, indirect)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(transmit, no_event_idx)
{
	.features = F_MODERN_BASE,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(transmit, legacy)
{
	.features = F_NOTIFY_ON_EMPTY,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(transmit, legacy_mergeable)
{
	.features = F_MRG_RXBUF | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(transmit, vhost_header)
{
	.features = F_VHOST_HDR | F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(transmit, vhost_header_legacy)
{
	.features = F_VHOST_HDR,
};

FIXTURE_VARIANT_ADD(transmit, unbatched)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(transmit, unbatched_vhost_header)
{
	.features = F_VHOST_HDR | F_MODERN,
	.limit_sndbuf = true,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(transmit, many_regions)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.regions = 60,
};

FIXTURE_VARIANT_ADD(transmit, index_wrap)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(transmit, tunnel_header)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
	.features2 = F2_TUNNEL,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(transmit, in_order)
{
	.features = F_MODERN | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(transmit, in_order_unbatched)
{
	.features = F_MODERN_BASE | F_INDIRECT | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
	.limit_sndbuf = true,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(transmit, packed)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(transmit, packed_indirect)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(transmit, packed_no_event_idx)
{
	.features = F_PACKED_BASE,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(transmit, packed_vhost_header)
{
	.features = F_VHOST_HDR | F_PACKED,
};

FIXTURE_VARIANT_ADD(transmit, packed_unbatched)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(transmit, packed_many_regions)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
	.regions = 60,
};

FIXTURE_VARIANT_ADD(transmit, packed_wrap)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
	.base = 1018,
};

FIXTURE_VARIANT_ADD(transmit, packed_in_order)
{
	.features = F_PACKED | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(transmit, packed_in_order_unbatched)
{
	.features = F_PACKED | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
	.limit_sndbuf = true,
	.indirect = true,
};

FIXTURE_SETUP(transmit)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.features2 = variant->features2,
		.tap_flags = variant->tap_flags,
		.limit_sndbuf = variant->limit_sndbuf,
		.regions = variant->regions,
		.base = variant->base,
		.num = 1024,
		.ind_max = variant->indirect ? 1024 : 0,
		.slot_size = HDR_LEN_MAX + FRAME_MAX,
		.slots = 64,
	};

	/*
	 * It uses stale bytes of its page as the header that the guest omits.
	 */
	if (!env_is_ours() && !env_kernel_at_least(6, 17) &&
	    variant->features & F_VHOST_HDR && !variant->limit_sndbuf)
		SETUP_SKIP("vhost_net differs: stale header in a batch");
	SETUP_NEEDS(variant->features);
	SETUP_NEEDS2(variant->features2);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(transmit)
{
	guest_stop(&self->g);
}

/* Frames with one byte of payload to 64 KiB, around each limit. */
static const size_t sizes[] = {
	15, 16, 17, 18, 59, 60, 61, 64, 127, 128, 256, 511, 1000, 1514, 1518,
	2048, 3700, 3776, 3840, 4000, 4083, 4084, 4095, 4096, 4097, 8191, 9014,
	16384, 32767, 32768, 60000, 65521, 65535, 65536 + 14,
};

TEST_F(transmit, sizes)
{
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = frame_near_page(sizes[i]);
		ASSERT_OK_AT(guest_check_tx(&self->g, len, i, 2,
					    variant->indirect),
			     "frame of %zu bytes", len);
	}
}

/* All sizes with one kick: small frames go in batches, large ones alone. */
TEST_F(transmit, sizes_in_one_kick)
{
	static unsigned char frame[FRAME_MAX];
	struct guest *g = &self->g;
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = frame_near_page(sizes[i]);
		frame_make(frame, len, i);
		ASSERT_OK(guest_send(g, NULL, frame, len, 2,
				     variant->indirect));
	}
	vq_submit(&g->vq[TXQ]);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = frame_near_page(sizes[i]);
		ASSERT_OK_AT(guest_capture(g, len, i),
			     "frame %u of %zu bytes", i, len);
	}
	EXPECT_OK(guest_reap_all(g));
}

TEST_F(transmit, chains)
{
	static const unsigned int nseg[] = {
		1, 2, 3, 4, 5, 8, 15, 16, 17, 18, 31, 32, 33, 63, 64, 65, 127,
		255, 256, 257, 511, 512, 1000, 1023, 1024,
	};
	static const size_t len[] = { 15, 64, 1514, 9014, 65535 };
	unsigned int i, n = ARRAY_SIZE(nseg);

	for (i = 0; i < n * ARRAY_SIZE(len); i++) {
		ASSERT_OK_AT(guest_check_tx(&self->g, len[i / n], i,
					    nseg[i % n], variant->indirect),
			     "%zu bytes in %u segments", len[i / n],
			     nseg[i % n]);
	}
}

/* As fast as possible, with random sizes and numbers of segments. */
TEST_F(transmit, stream)
{
	unsigned int total = env_scaled(1500, 200), sent = 0, got = 0;
	static unsigned char frame[FRAME_MAX];
	__u64 rnd = 1, rnd_len = 2, rnd_cap = 2;
	struct guest *g = &self->g;
	unsigned int nseg;
	size_t len;

	while (got < total) {
		while (sent < total && sent - got < 48) {
			len = FRAME_SEQ_MIN + rnd_below(&rnd_len, 3000);
			nseg = 1 + rnd_below(&rnd, 8);
			ASSERT_OK(guest_wait_room(g, nseg));
			frame_make(frame, len, sent);
			ASSERT_OK(guest_send(g, NULL, frame, len, nseg,
					     variant->indirect));
			sent++;
			if (!rnd_below(&rnd, 4))
				vq_submit(&g->vq[TXQ]);
		}
		vq_submit(&g->vq[TXQ]);
		len = FRAME_SEQ_MIN + rnd_below(&rnd_cap, 3000);
		ASSERT_OK_AT(guest_capture(g, len, got), "frame %u of %u", got,
			     total);
		got++;
	}
	EXPECT_OK(guest_reap_all(g));
}

/* Offloads that the guest requests reach the network stack. */
TEST_F(transmit, offloads)
{
	static unsigned char frame[FRAME_MAX], back[FRAME_MAX];
	static const size_t len[] = { 100, 1514, 3000, 9014, 65000, 65535 };
	struct virtio_net_hdr hdr, got;
	struct guest *g = &self->g;
	enum frame_kind kind;
	unsigned int i;

	if (!g->pkt_hdr)
		SKIP(return, "no header on this tap");
	for (kind = 0; kind < FRAME_KINDS; kind++) {
		if (kind == FRAME_USO4 && !env_kernel_at_least(6, 2))
			continue;
		for (i = 0; i < ARRAY_SIZE(len); i++) {
			/* A frame that fits one segment arrives without GSO. */
			if (kind >= FRAME_TSO4 && len[i] < 2000)
				continue;
			frame_make_kind(frame, len[i], i, kind, &hdr);
			ASSERT_OK(guest_send(g, &hdr, frame, len[i], 3,
					     variant->indirect));
			vq_submit(&g->vq[TXQ]);
			ASSERT_EQ(len[i], packet_recv(g->pkt, &got, back,
						      sizeof(back))) {
				TH_LOG("%s, %zu bytes", frame_kind_name(kind),
				       len[i]);
			}
			EXPECT_EQ(0, memcmp(frame, back, len[i]));
			EXPECT_TRUE(frame_same_hdr(&hdr, &got)) {
				TH_LOG("%s, %zu bytes: flags %u gso %u/%u "
				       "csum %u+%u",
				       frame_kind_name(kind), len[i],
				       got.flags, got.gso_type, got.gso_size,
				       got.csum_start, got.csum_offset);
			}
			ASSERT_OK(guest_reap_all(g));
		}
	}
}

/* Bytes after which a run ends, so that other queues have their turn. */
#define WEIGHT_BYTES	(512 * 1024)
#define LARGE		60000

/*
 * A run ends with the packet that reaches the weight, though more have been
 * fetched. These come next, in their order. The ring is full before the first
 * run, so no run has a reason to end early.
 */
TEST_F(transmit, weight_of_large_frames)
{
	size_t most = WEIGHT_BYTES + LARGE + self->g.hdr_len;
	static unsigned char frame[FRAME_MAX];
	unsigned int i, n = self->g.cfg.slots;
	struct guest *g = &self->g;
	__u64 runs, bytes;

	OURS_ALONE("counts nothing");
	ASSERT_OK(guest_set_backend(g, -1));
	for (i = 0; i < n; i++) {
		frame_make(frame, LARGE, i);
		ASSERT_OK(guest_send(g, NULL, frame, LARGE, 2,
				     variant->indirect));
	}
	vq_submit(&g->vq[TXQ]);
	runs = vdev_counter(g->dev, "queue1.runs");
	bytes = vdev_counter(g->dev, "queue1.bytes");
	ASSERT_OK(guest_set_backend(g, g->tap));
	for (i = 0; i < n; i++)
		ASSERT_OK_AT(guest_capture(g, LARGE, i), "frame %u", i);
	ASSERT_OK(guest_reap_all(g));
	ASSERT_OK(vdev_rest(g->dev, &g->vq[TXQ]));
	runs = vdev_counter(g->dev, "queue1.runs") - runs;
	bytes = vdev_counter(g->dev, "queue1.bytes") - bytes;
	EXPECT_EQ(n * LARGE, bytes);
	EXPECT_LE(bytes, runs * most);
	/* The next packets are not held up by what was put back. */
	EXPECT_OK(guest_check_tx(g, 100, n, 2, variant->indirect));
}

/*
 * Frames too short for an Ethernet header (CVE-2024-41090/41091,
 * CVE-2026-46320/46321/46322): none may reach the tap, all descriptors come
 * back, and the good frames around them arrive.
 */
FIXTURE(short_frames)
{
	struct guest g;
};

FIXTURE_VARIANT(short_frames)
{
	__u64 features;
	int tap_flags;
	bool limit_sndbuf;
};

FIXTURE_VARIANT_ADD(short_frames, batch)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(short_frames, batch_legacy)
{
	.features = 0,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(short_frames, batch_vhost_header)
{
	.features = F_MODERN_BASE | F_VHOST_HDR,
};

FIXTURE_VARIANT_ADD(short_frames, single)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(short_frames, single_vhost_header)
{
	.features = F_VHOST_HDR,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(short_frames, packed)
{
	.features = F_EVENT_IDX | F_RING_PACKED | F_MODERN_BASE,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(short_frames, packed_in_order)
{
	.features = F_PACKED | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_SETUP(short_frames)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = variant->tap_flags,
		.limit_sndbuf = variant->limit_sndbuf,
	};

	/*
	 * It uses stale bytes of its page as the header that the guest omits.
	 */
	if (!env_is_ours() && !env_kernel_at_least(6, 17) &&
	    variant->features & F_VHOST_HDR && !variant->limit_sndbuf)
		SETUP_SKIP("vhost_net differs: stale header in a batch");
	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(short_frames)
{
	guest_stop(&self->g);
}

static int send_one(struct guest *g, size_t len, __u32 seq)
{
	unsigned char frame[64];

	frame_make(frame, len, seq);
	return guest_send(g, NULL, frame, len, 1, false);
}

/* Send a chain of @len bytes, too short even for the virtio-net header. */
static int send_less_than_header(struct guest *g, size_t len)
{
	size_t whole = g->hdr_len;
	int err;

	g->hdr_len = 0;
	err = send_one(g, len, 0);
	g->hdr_len = whole;
	return err;
}

TEST_F(short_frames, each_length)
{
	struct guest *g = &self->g;
	struct netif_stats before, after;
	size_t len;

	ASSERT_OK(link_stats(g->ifname, &before));
	for (len = 0; len < FRAME_MIN; len++) {
		/* vhost_net refuses a frame of 0 bytes itself. */
		if (!len && !env_is_ours() && variant->features & F_VHOST_HDR)
			continue;
		ASSERT_OK(send_one(g, len, 0));
		vq_submit(&g->vq[TXQ]);
		ASSERT_OK_AT(guest_reap_all(g), "%zu bytes", len);
		ASSERT_OK_AT(guest_check_tx(g, 60, len, 1, false),
			     "after %zu bytes", len);
	}
	ASSERT_OK(link_stats(g->ifname, &after));
	EXPECT_EQ(FRAME_MIN - (env_is_ours() ||
			       !(variant->features & F_VHOST_HDR) ? 0 : 1),
		  after.rx_packets - before.rx_packets);
}

TEST_F(short_frames, among_good_ones)
{
	struct guest *g = &self->g;
	unsigned int i, round;
	size_t len;

	for (round = 0; round < env_scaled(20, 3); round++) {
		for (i = 0; i < 64; i++) {
			len = 1 + i % (FRAME_MIN - 1);
			ASSERT_OK(send_one(g, len, 0));
			ASSERT_OK(send_one(g, 60, i));
		}
		vq_submit(&g->vq[TXQ]);
		for (i = 0; i < 64; i++)
			ASSERT_OK_AT(guest_capture(g, 60, i), "frame %u", i);
		ASSERT_OK(guest_reap_all(g));
	}
}

/* Short frames are dropped by the device, and not left to tun. */
TEST_F(short_frames, tun_never_sees_them)
{
	struct guest *g = &self->g;
	struct netif_stats before, after;
	unsigned int i;

	OURS_ALONE("leaves the check to tun");
	ASSERT_OK(link_stats(g->ifname, &before));
	for (i = 0; i < 5 * FRAME_MIN; i++)
		ASSERT_OK(send_one(g, i % FRAME_MIN, 0));
	vq_submit(&g->vq[TXQ]);
	ASSERT_OK(guest_reap_all(g));
	ASSERT_OK(link_stats(g->ifname, &after));
	EXPECT_EQ(before.rx_packets, after.rx_packets);
	EXPECT_EQ(before.rx_frame, after.rx_frame);
	EXPECT_EQ(before.rx_errors, after.rx_errors);
	EXPECT_EQ(before.rx_dropped, after.rx_dropped);
	EXPECT_EQ(5 * FRAME_MIN, vdev_counter(g->dev, "queue1.drop.short"));
	EXPECT_OK(guest_check_alive(g, 0));
}

TEST_F(short_frames, less_than_a_header)
{
	struct guest *g = &self->g;
	size_t len;

	OURS_ALONE("a chain shorter than its header stops the queue");
	for (len = 1; len < g->hdr_len; len++) {
		ASSERT_OK(send_less_than_header(g, len));
		ASSERT_OK(send_one(g, 60, len));
		vq_submit(&g->vq[TXQ]);
		ASSERT_OK_AT(guest_capture(g, 60, len), "after %zu bytes", len);
		ASSERT_OK(guest_reap_all(g));
	}
}

FIXTURE(tx_ring)
{
	struct guest g;
};

FIXTURE_VARIANT(tx_ring)
{
	unsigned int num;
	bool indirect;
	__u64 features;
};

#define TX_RING(n, ind, feat, name)					\
	FIXTURE_VARIANT_ADD(tx_ring, name)				\
	{								\
		.num = n,						\
		.indirect = ind,					\
		.features = F_MODERN_BASE | F_INDIRECT | (feat),	\
	}

TX_RING(1, false, F_EVENT_IDX, 1);
TX_RING(1, true, 0, 1_indirect);
TX_RING(2, false, F_EVENT_IDX, 2);
TX_RING(4, true, F_EVENT_IDX, 4_indirect);
TX_RING(64, false, 0, 64);
TX_RING(128, true, F_EVENT_IDX, 128_indirect);
TX_RING(4096, false, F_EVENT_IDX, 4096);
TX_RING(32768, false, F_EVENT_IDX, 32768);
TX_RING(1, false, F_EVENT_IDX | F_RING_PACKED, packed_1);
TX_RING(2, true, F_RING_PACKED, packed_2_indirect);
TX_RING(3, false, F_RING_PACKED, packed_3);
TX_RING(100, true, F_EVENT_IDX | F_RING_PACKED, packed_100_indirect);
TX_RING(129, false, F_EVENT_IDX | F_RING_PACKED | F_IN_ORDER,
	packed_129_in_order);
TX_RING(1000, false, F_EVENT_IDX | F_RING_PACKED, packed_1000);
TX_RING(32767, false, F_RING_PACKED, packed_32767);
TX_RING(32768, false, F_EVENT_IDX | F_RING_PACKED, packed_32768);

FIXTURE_SETUP(tx_ring)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = variant->num,
		.ind_max = variant->indirect ? 8 : 0,
		.slot_size = 256,
		/*
		 * Near the end of the ring, and near the wrap of its indices.
		 */
		.base = 65536 - 200,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(tx_ring)
{
	guest_stop(&self->g);
}

/* Fill the ring again and again, past its end and the wrap of its indices. */
TEST_F(tx_ring, rounds)
{
	unsigned int n = variant->num, total = n + 500;
	unsigned int burst, i, sent = 0, nseg = variant->indirect ? 8 : 1;
	static unsigned char frame[FRAME_MAX];
	struct guest *g = &self->g;

	total = env_scaled(total, 600);
	while (sent < total) {
		burst = total - sent < n ? total - sent : n;
		for (i = 0; i < burst; i++) {
			frame_make(frame, 60, sent + i);
			ASSERT_OK(guest_send(g, NULL, frame, 60, nseg,
					     variant->indirect));
		}
		vq_submit(&g->vq[TXQ]);
		for (i = 0; i < burst; i++) {
			ASSERT_OK_AT(guest_capture(g, 60, sent + i), "frame %u",
				     sent + i);
		}
		ASSERT_OK(guest_reap_all(g));
		sent += burst;
	}
	EXPECT_EQ(n, g->vq[TXQ].nfree);
}

/* Repeat a chain that is as long as the ring. */
TEST_F(tx_ring, chain_of_the_whole_ring)
{
	unsigned int i, nseg = variant->num < 1024 ? variant->num : 1024;

	for (i = 0; i < 5; i++)
		ASSERT_OK(guest_check_tx(&self->g, 128, i, nseg, false));
}

/* More frames than 16-bit indices can count; the tap's counter checks them. */
TEST(transmit_past_65536)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
		.slot_size = 128,
		.num = 1024,
	};
	unsigned int total = env_scaled(140000, 2000), i;
	struct netif_stats before, after;
	unsigned char frame[60];
	struct guest g;

	ASSERT_OK(guest_start(&g, &cfg));
	close(g.pkt);
	g.pkt = -1;
	ASSERT_OK(link_stats(g.ifname, &before));
	frame_make(frame, sizeof(frame), 0);
	for (i = 0; i < total; i++) {
		ASSERT_OK(guest_wait_room(&g, 1));
		ASSERT_OK(guest_send(&g, NULL, frame, sizeof(frame), 1, false));
		if (i % 128 == 127)
			vq_submit(&g.vq[TXQ]);
	}
	vq_submit(&g.vq[TXQ]);
	EXPECT_OK(guest_reap_all(&g));
	ASSERT_OK(link_stats(g.ifname, &after));
	EXPECT_EQ(total, after.rx_packets - before.rx_packets);
	guest_stop(&g);
}

/* Let tun hold back up to @frames while the sender announces more. */
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

#define COALESCE_CFG {							\
	.features = F_MODERN,						\
	.tap_flags = IFF_VNET_HDR,					\
	.slot_size = 16384,						\
}

/*
 * A large frame is sent by itself, the small one after it in a batch. If tun
 * were told that more follows the large frame, it would hold it back, and the
 * small one would arrive first, or alone.
 */
TEST(coalescing_keeps_large_and_small_in_order)
{
	struct guest_cfg cfg = COALESCE_CFG;
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
		ASSERT_OK_AT(guest_capture(&g, sizeof(frame), i),
			     "frame %u", i);
		ASSERT_OK_AT(guest_capture(&g, 60, i + 1), "frame %u", i + 1);
		ASSERT_OK(guest_reap_all(&g));
	}
	guest_stop(&g);
}

/* The same without batches, where a chain that is no frame comes last. */
TEST(coalescing_ends_before_a_bad_chain)
{
	struct guest_cfg cfg = COALESCE_CFG;
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
 * Frames that tun holds back take room in its send buffer. If the next one
 * finds no room, nothing would ever make tun pass them on.
 */
TEST(coalescing_with_a_full_send_buffer)
{
	struct guest_cfg cfg = COALESCE_CFG;
	static unsigned char frame[1514];
	struct guest g;
	unsigned int i;

	cfg.limit_sndbuf = true;
	ASSERT_OK(guest_start(&g, &cfg));
	OURS_ALONE("hangs, on every kernel");
	ASSERT_OK(set_coalesce(g.ifname, 64));
	ASSERT_OK(tap_set_sndbuf(g.tap, 8192));
	for (i = 0; i < 40; i++) {
		frame_make(frame, sizeof(frame), i);
		ASSERT_OK(guest_send(&g, NULL, frame, sizeof(frame), 1, false));
	}
	vq_submit(&g.vq[TXQ]);
	for (i = 0; i < 40; i++)
		ASSERT_OK_AT(guest_capture(&g, sizeof(frame), i),
			     "frame %u", i);
	EXPECT_OK(guest_reap_all(&g));
	guest_stop(&g);
}

VHOST_TEST_MAIN
