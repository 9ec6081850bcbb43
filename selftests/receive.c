// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host to guest: frames sent into the tap arrive in the receive ring unchanged,
 * once and in order, whatever buffers the guest has posted.
 */
#include "test.h"

FIXTURE(receive)
{
	struct guest g;
};

FIXTURE_VARIANT(receive)
{
	__u64 features;
	__u64 features2;
	int tap_flags;
	bool indirect;
	unsigned int regions;
	__u16 base;
};

FIXTURE_VARIANT_ADD(receive, modern)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(receive, indirect)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(receive, no_event_idx)
{
	.features = F_MODERN_BASE,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(receive, big_buffers)
{
	.features = F_VERSION_1 | F_EVENT_IDX | F_INDIRECT,
	.tap_flags = IFF_VNET_HDR,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(receive, legacy)
{
	.features = F_NOTIFY_ON_EMPTY,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(receive, legacy_mergeable)
{
	.features = F_MRG_RXBUF | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(receive, vhost_header)
{
	.features = F_VHOST_HDR | F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(receive, vhost_header_legacy)
{
	.features = F_VHOST_HDR,
};

FIXTURE_VARIANT_ADD(receive, many_regions)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.regions = 60,
};

FIXTURE_VARIANT_ADD(receive, index_wrap)
{
	.features = F_MODERN,
	.tap_flags = IFF_VNET_HDR,
	.base = 65530,
};

FIXTURE_VARIANT_ADD(receive, tunnel_header)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
	.features2 = F2_TUNNEL,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(receive, in_order)
{
	.features = F_MODERN | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(receive, in_order_big_buffers)
{
	.features = F_VERSION_1 | F_INDIRECT | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(receive, packed)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(receive, packed_indirect)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(receive, packed_no_event_idx)
{
	.features = F_PACKED_BASE,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(receive, packed_big_buffers)
{
	.features = F_VERSION_1 | F_INDIRECT | F_RING_PACKED,
	.tap_flags = IFF_VNET_HDR,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(receive, packed_vhost_header)
{
	.features = F_VHOST_HDR | F_PACKED,
};

FIXTURE_VARIANT_ADD(receive, packed_many_regions)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
	.regions = 60,
};

FIXTURE_VARIANT_ADD(receive, packed_wrap)
{
	.features = F_PACKED,
	.tap_flags = IFF_VNET_HDR,
	.base = 1018,
};

FIXTURE_VARIANT_ADD(receive, packed_in_order)
{
	.features = F_PACKED | F_IN_ORDER,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_SETUP(receive)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.features2 = variant->features2,
		.tap_flags = variant->tap_flags,
		.regions = variant->regions,
		.base = variant->base,
		.num = 1024,
		.ind_max = variant->indirect ? 1024 : 0,
		.slot_size = HDR_LEN_MAX + FRAME_MAX,
		.slots = 64,
	};

	SETUP_NEEDS(variant->features);
	SETUP_NEEDS2(variant->features2);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(receive)
{
	guest_stop(&self->g);
}

/* A frame from a tap has at least a header of 14 bytes, and at most 64 KiB. */
static const size_t sizes[] = {
	15, 16, 17, 18, 59, 60, 61, 64, 127, 128, 256, 511, 1000, 1514, 1518,
	2048, 4083, 4084, 4095, 4096, 4097, 8191, 9014, 16384, 32767, 32768,
	60000, 65535,
};

/* Receive a frame in one sufficient buffer of @nseg segments. */
static int receive_one(struct guest *g, size_t len, __u32 seq,
		       unsigned int nseg, bool indirect)
{
	size_t room = g->hdr_len + len;
	int err;

	err = guest_post(g, room > nseg ? room : nseg, nseg, indirect);
	if (err)
		return err;
	vq_submit(&g->vq[RXQ]);
	return guest_check_rx(g, len, seq);
}

TEST_F(receive, sizes)
{
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = frame_near_page(sizes[i]);
		ASSERT_OK_AT(receive_one(&self->g, len, i, 2,
					 variant->indirect),
			     "frame of %zu bytes", len);
	}
}

TEST_F(receive, chains)
{
	static const unsigned int nseg[] = {
		1, 2, 3, 4, 5, 8, 15, 16, 17, 32, 33, 64, 65, 127, 255, 256,
		257, 512, 1000, 1023, 1024,
	};
	static const size_t len[] = { 15, 64, 1514, 9014, 65535 };
	unsigned int i, n = ARRAY_SIZE(nseg);

	for (i = 0; i < n * ARRAY_SIZE(len); i++) {
		ASSERT_OK_AT(receive_one(&self->g, len[i / n], i, nseg[i % n],
					 variant->indirect),
			     "%zu bytes into %u segments", len[i / n],
			     nseg[i % n]);
	}
}

/* Post buffers before the frames arrive, and after. */
TEST_F(receive, frames_before_buffers)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		if (round & 1)
			ASSERT_EQ(20, guest_refill(g, 20, 2048));
		for (i = 0; i < 20; i++)
			ASSERT_OK(guest_inject(g, 100 + i, i));
		if (!(round & 1))
			ASSERT_EQ(20, guest_refill(g, 20, 2048));
		for (i = 0; i < 20; i++) {
			ASSERT_OK(guest_recv(g, &f));
			ASSERT_EQ(100 + i, f.len);
			ASSERT_THAT(frame_is(f.data, f.len, i));
		}
	}
}

/* Nothing is written past the frame, or past the length in the ring. */
TEST_F(receive, no_stray_writes)
{
	static const size_t len[] = { 15, 60, 100, 1514 };
	unsigned char rest[4096], clean[4096];
	struct guest *g = &self->g;
	struct guest_slot *slot;
	struct vq_used used;
	unsigned int i;

	memset(clean, 0xa5, sizeof(clean));
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		slot = &g->pool[RXQ].slot[g->pool[RXQ].free[g->pool[RXQ].nfree
							    - 1]];
		ASSERT_THAT(gmem_fill(&g->mem, slot->gpa, 0xa5, 4096));
		ASSERT_OK(guest_post(g, 4000, 1, variant->indirect));
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK(guest_inject(g, len[i], i));
		ASSERT_THAT(vq_wait_pop(&g->vq[RXQ], &used));
		ASSERT_EQ(g->hdr_len + len[i], used.len);
		ASSERT_THAT(gmem_read(&g->mem, slot->gpa + used.len, rest,
				      4096 - used.len));
		EXPECT_EQ(0, memcmp(rest, clean, 4096 - used.len));
	}
}

/* As fast as possible, into buffers of random shape. */
TEST_F(receive, stream)
{
	unsigned int total = env_scaled(1000, 200), sent = 0, got = 0;
	__u64 rnd = 1, rnd_len = 2, rnd_cap = 2;
	static struct guest_frame f;
	struct guest *g = &self->g;
	size_t len;

	while (got < total) {
		while (!guest_post(g, 3100, 1 + rnd_below(&rnd, 8),
				   variant->indirect))
			;
		vq_submit(&g->vq[RXQ]);
		while (sent < total && sent - got < 200) {
			len = FRAME_SEQ_MIN + rnd_below(&rnd_len, 3000);
			ASSERT_OK(guest_inject(g, len, sent++));
		}
		len = FRAME_SEQ_MIN + rnd_below(&rnd_cap, 3000);
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_EQ(len, f.len);
		ASSERT_THAT(frame_is(f.data, len, got));
		ASSERT_EQ(1, f.nbufs);
		got++;
	}
}

/* Offloads that the network stack requests reach the guest. */
TEST_F(receive, offloads)
{
	static const size_t len[] = { 100, 1514, 3000, 9014, 65000, 65535 };
	static unsigned char frame[FRAME_MAX];
	static struct guest_frame f;
	struct virtio_net_hdr hdr;
	struct guest *g = &self->g;
	enum frame_kind kind;
	unsigned int i;

	if (!g->pkt_hdr)
		SKIP(return, "no header on this tap");
	for (kind = 0; kind < FRAME_KINDS; kind++) {
		if (kind == FRAME_USO4 && !env_kernel_at_least(6, 2))
			continue;
		for (i = 0; i < ARRAY_SIZE(len); i++) {
			if (kind >= FRAME_TSO4 && len[i] < 2000)
				continue;
			frame_make_kind(frame, len[i], i, kind, &hdr);
			ASSERT_OK(packet_send(g->pkt, &hdr, frame, len[i]));
			ASSERT_OK(guest_post(g, g->hdr_len + len[i], 3,
					     variant->indirect));
			vq_submit(&g->vq[RXQ]);
			ASSERT_OK(guest_recv(g, &f));
			ASSERT_EQ(len[i], f.len);
			EXPECT_EQ(0, memcmp(frame, f.data, len[i]));
			EXPECT_TRUE(frame_same_hdr(&hdr, &f.hdr.hdr)) {
				TH_LOG("%s, %zu bytes", frame_kind_name(kind),
				       len[i]);
			}
		}
	}
}

/* Each byte of the header is defined, whether the tap or vhost makes it. */
TEST_F(receive, header_is_clean)
{
	struct virtio_net_hdr_mrg_rxbuf want = {
		.num_buffers = variant->features & F_MRG_RXBUF ? 1 : 0,
	};
	static struct guest_frame f;
	struct guest *g = &self->g;

	memset(&f, 0xff, sizeof(f));
	ASSERT_EQ(1, guest_refill(g, 1, 2048));
	ASSERT_OK(guest_inject(g, 60, 0));
	ASSERT_OK(guest_recv(g, &f));
	EXPECT_EQ(0, memcmp(&want, &f.hdr, sizeof(want.hdr)));
	if (variant->features & F_MRG_RXBUF)
		EXPECT_EQ(1, f.hdr.num_buffers);
}

/* Without mergeable buffers each packet gets one buffer, sufficient or not. */
FIXTURE(one_buffer)
{
	struct guest g;
};

FIXTURE_VARIANT(one_buffer)
{
	__u64 features;
	int tap_flags;
};

FIXTURE_VARIANT_ADD(one_buffer, version_1)
{
	.features = F_VERSION_1 | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(one_buffer, version_1_vhost_header)
{
	.features = F_VERSION_1 | F_VHOST_HDR,
};

FIXTURE_VARIANT_ADD(one_buffer, legacy)
{
	.features = F_NOTIFY_ON_EMPTY,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(one_buffer, legacy_vhost_header)
{
	.features = F_VHOST_HDR,
};

FIXTURE_VARIANT_ADD(one_buffer, packed)
{
	.features = F_VERSION_1 | F_RING_PACKED,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_SETUP(one_buffer)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = variant->tap_flags,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(one_buffer)
{
	guest_stop(&self->g);
}

/* CVE-2014-0077: a packet too long for its buffer is lost, and no other. */
TEST_F(one_buffer, packet_longer_than_buffer)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		ASSERT_OK(guest_post(g, g->hdr_len + 99, 1, false));
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK(guest_inject(g, 100, 2 * i));
		ASSERT_OK(guest_inject(g, 1514, 2 * i));
		ASSERT_OK(guest_inject(g, 99, 2 * i + 1));
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_EQ(99, f.len);
		ASSERT_THAT(frame_is(f.data, f.len, 2 * i + 1));
	}
}

/* With VERSION_1 each header has this field, even without mergeable buffers. */
TEST_F(one_buffer, num_buffers)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int i;

	if (!(variant->features & F_VERSION_1))
		SKIP(return, "only with VERSION_1");
	if (!env_kernel_at_least(7, 0))
		OURS_ALONE("does not write num_buffers");
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, guest_refill(g, 1, 2048));
		ASSERT_OK(guest_check_rx(g, 60, i));
	}
	ASSERT_EQ(1, guest_refill(g, 1, 2048));
	ASSERT_OK(guest_inject(g, 60, 0));
	ASSERT_OK(guest_recv(g, &f));
	EXPECT_EQ(1, f.hdr.num_buffers);
}

FIXTURE(mergeable)
{
	struct guest g;
};

FIXTURE_VARIANT(mergeable)
{
	size_t buffer;
	unsigned int nseg;
	__u64 features;
};

#define MERGEABLE(len, pieces, feat, name)				\
	FIXTURE_VARIANT_ADD(mergeable, name)				\
	{								\
		.buffer = len,						\
		.nseg = pieces,						\
		.features = F_MRG_RXBUF | F_INDIRECT | (feat),		\
	}

MERGEABLE(64, 1, F_VERSION_1 | F_EVENT_IDX, 64_bytes);
MERGEABLE(65, 1, F_VERSION_1, 65_bytes);
MERGEABLE(128, 2, F_VERSION_1 | F_EVENT_IDX, 128_bytes_in_2);
MERGEABLE(1526, 1, 0, 1526_bytes);
MERGEABLE(1526, 1, F_VERSION_1 | F_VHOST_HDR, 1526_bytes_vhost_header);
MERGEABLE(4096, 4, F_VERSION_1 | F_EVENT_IDX, 4096_bytes_in_4);
MERGEABLE(64, 1, F_VERSION_1 | F_EVENT_IDX | F_IN_ORDER, in_order_64_bytes);
MERGEABLE(4096, 4, F_VERSION_1 | F_IN_ORDER, in_order_4096_bytes_in_4);
MERGEABLE(64, 1, F_VERSION_1 | F_EVENT_IDX | F_RING_PACKED, packed_64_bytes);
MERGEABLE(128, 2, F_VERSION_1 | F_RING_PACKED, packed_128_bytes_in_2);
MERGEABLE(4096, 4, F_VERSION_1 | F_EVENT_IDX | F_RING_PACKED,
	  packed_4096_bytes_in_4);
MERGEABLE(64, 1, F_VERSION_1 | F_EVENT_IDX | F_RING_PACKED | F_IN_ORDER,
	  packed_in_order_64_bytes);

FIXTURE_SETUP(mergeable)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = variant->features & F_VHOST_HDR ? 0 : IFF_VNET_HDR,
		.num = 4096,
		.slots = 2048,
		.slot_size = variant->buffer,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(mergeable)
{
	guest_stop(&self->g);
}

static unsigned int post_all(struct guest *g, size_t len, unsigned int nseg)
{
	unsigned int n = 0;

	while (!guest_post(g, len, nseg, false))
		n++;
	vq_submit(&g->vq[RXQ]);
	return n;
}

/* One buffer for a frame, and up to the number that the largest needs. */
TEST_F(mergeable, num_buffers)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int i, want;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		want = (g->hdr_len + sizes[i] + variant->buffer - 1) /
		       variant->buffer;
		/* More segments: see receive_too_many_tiny_buffers. */
		if (want * variant->nseg > 1024)
			continue;
		post_all(g, variant->buffer, variant->nseg);
		ASSERT_OK(guest_inject(g, sizes[i], i));
		ASSERT_OK_AT(guest_recv(g, &f), "frame of %zu bytes", sizes[i]);
		ASSERT_EQ(sizes[i], f.len);
		EXPECT_TRUE(frame_is(f.data, f.len, i));
		EXPECT_EQ(want, f.nbufs);
		EXPECT_EQ(want, f.hdr.num_buffers);
	}
}

/* Bursts in which a batch has more buffers than frames. */
TEST_F(mergeable, bursts)
{
	unsigned int i, round, n = 100;
	static struct guest_frame f;
	struct guest *g = &self->g;
	size_t len;

	for (round = 0; round < 5; round++) {
		post_all(g, variant->buffer, variant->nseg);
		for (i = 0; i < n; i++)
			ASSERT_OK(guest_inject(g, 18 + i * 9, i));
		for (i = 0; i < n; i++) {
			len = 18 + i * 9;
			ASSERT_OK_AT(guest_recv(g, &f), "frame %u", i);
			ASSERT_EQ(len, f.len);
			ASSERT_THAT(frame_is(f.data, len, i));
		}
	}
}

/* A frame waits until there are enough buffers for it. */
TEST_F(mergeable, waits_for_enough)
{
	unsigned int i, need = (HDR_LEN_MRG + 9014) / variant->buffer + 1;
	static struct guest_frame f;
	struct guest *g = &self->g;

	ASSERT_OK(guest_inject(g, 9014, 7));
	for (i = 0; i < need; i++) {
		ASSERT_FALSE(guest_has_frame(g));
		ASSERT_OK(guest_post(g, variant->buffer, variant->nseg, false));
		vq_publish(&g->vq[RXQ]);
		vq_kick(&g->vq[RXQ]);
		/*
		 * Transmit shares the worker, which must not be busy with this.
		 */
		if (i + 1 < need && i % 32 == 0)
			ASSERT_OK(guest_check_tx(g, 15, 1, 1, false));
	}
	ASSERT_OK(guest_recv(g, &f));
	EXPECT_EQ(need, f.nbufs);
	EXPECT_TRUE(f.len == 9014 && frame_is(f.data, 9014, 7));
}

/*
 * A frame that needs more tiny buffers than an iovec may have segments. It is
 * lost or arrives complete; its buffers come back, and the queue continues.
 */
TEST(receive_too_many_tiny_buffers)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
		.num = 8192,
		.slot_size = 2048,
	};
	static struct guest_frame f;
	unsigned int i, n = 8000;
	struct guest g;

	OURS_ALONE("the queue stops at a frame of more than 1024 segments");
	ASSERT_OK(guest_start(&g, &cfg));
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_post(&g, 4, 1, false));
	vq_submit(&g.vq[RXQ]);
	ASSERT_OK(guest_inject(&g, 32000, 1));
	for (i = 2; i < 10; i++)
		ASSERT_OK(guest_inject(&g, 60, i));
	for (i = 2; i < 10; i++) {
		ASSERT_OK(guest_recv(&g, &f));
		if (frame_seq(f.data) == 1)
			ASSERT_OK(guest_recv(&g, &f));
		ASSERT_EQ(60, f.len);
		ASSERT_OK(frame_is(f.data, 60, i) ? 0 : 1);
		EXPECT_EQ(18, f.nbufs);
	}
	guest_stop(&g);
}

/* Take frames of @len bytes up to the one with number @seq. */
static int recv_seq(struct guest *g, size_t len, __u32 seq)
{
	static struct guest_frame f;
	int err;

	do {
		err = guest_recv(g, &f);
		if (!err && !(f.len == len && frame_is(f.data, len,
						       frame_seq(f.data))))
			err = -EBADMSG;
	} while (!err && frame_seq(f.data) != seq);
	return err;
}

/*
 * A chain of more segments than an iovec may have is useless after other
 * chains, too. The device must return it even if no packet would begin in it.
 */
FIXTURE(long_chain)
{
	struct guest g;
};

FIXTURE_VARIANT(long_chain)
{
	__u64 features;
	bool indirect;
};

FIXTURE_VARIANT_ADD(long_chain, direct)
{
	.features = F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(long_chain, indirect)
{
	.features = F_EVENT_IDX | F_INDIRECT,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(long_chain, in_order)
{
	.features = F_INDIRECT | F_IN_ORDER,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(long_chain, packed_direct)
{
	.features = F_EVENT_IDX | F_RING_PACKED,
};

FIXTURE_VARIANT_ADD(long_chain, packed_indirect)
{
	.features = F_EVENT_IDX | F_INDIRECT | F_RING_PACKED,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(long_chain, packed_in_order)
{
	.features = F_INDIRECT | F_IN_ORDER | F_RING_PACKED,
	.indirect = true,
};

FIXTURE_SETUP(long_chain)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE | variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = 2048,
		.slots = 64,
		.slot_size = 8192,
		.ind_max = variant->indirect ? 1100 : 0,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(long_chain)
{
	guest_stop(&self->g);
}

TEST_F(long_chain, after_a_small_buffer)
{
	struct guest *g = &self->g;
	__u32 seq;

	OURS_ALONE("the queue stops at a chain of more than 1024 segments");
	ASSERT_OK(guest_post(g, 2048, 1, false));
	ASSERT_OK(guest_post(g, 4400, 1100, variant->indirect));
	ASSERT_EQ(32, guest_refill(g, 32, 2048));
	/*
	 * None fits into the first buffer alone; the first frame may be lost.
	 */
	for (seq = 1; seq <= 4; seq++)
		ASSERT_OK(guest_inject(g, 4096, seq));
	EXPECT_OK(recv_seq(g, 4096, 2));
}

/*
 * CVE-2014-0077, mergeable: header and frame in buffers of a few bytes, so that
 * num_buffers is written into two of them.
 */
TEST(receive_header_in_pieces)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
		.num = 1024,
		.slot_size = 64,
	};
	unsigned int size, i;
	struct guest g;

	ASSERT_OK(guest_start(&g, &cfg));
	for (size = 1; size <= 13; size++) {
		for (i = 0; i < 100; i++)
			ASSERT_OK(guest_post(&g, size, 1, false));
		vq_submit(&g.vq[RXQ]);
		ASSERT_OK_AT(guest_check_rx(&g, 60, size),
			     "buffers of %u bytes", size);
		/*
		 * Start again: buffers that are left cannot be taken back.
		 */
		ASSERT_OK(vdev_set_backend(g.dev, RXQ, -1));
		guest_stop(&g);
		ASSERT_OK(guest_start(&g, &cfg));
	}
	guest_stop(&g);
}

VHOST_TEST_MAIN
