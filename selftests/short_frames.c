// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit frames too short for an Ethernet header (CVE-2024-41090/41091,
 * CVE-2026-46320/46321/46322): none may reach the tap, each descriptor comes back, and the
 * good frames around them arrive.
 */
#include "test.h"

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
	.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(short_frames, batch_legacy)
{
	.features = 0,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(short_frames, batch_vhost_header)
{
	.features = F_VERSION_1 | F_MRG_RXBUF | F_VHOST_HDR,
};

FIXTURE_VARIANT_ADD(short_frames, single)
{
	.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(short_frames, single_vhost_header)
{
	.features = F_VHOST_HDR,
	.limit_sndbuf = true,
};

FIXTURE_SETUP(short_frames)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = variant->tap_flags,
		.limit_sndbuf = variant->limit_sndbuf,
	};

	/* It takes what is left in its page for the header that nobody sent. */
	if (!env_is_ours() && !env_kernel_at_least(6, 17) &&
	    variant->features & F_VHOST_HDR && !variant->limit_sndbuf)
		SETUP_SKIP("vhost_net differs: stale header in a batch");
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

/* A chain of @len bytes that is not even a header. */
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
		/* Nothing at all behind the header is refused by all. */
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

/* Refused here, and not left to tun. */
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

VHOST_TEST_MAIN
