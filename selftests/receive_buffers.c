// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive at the limits of the guest's buffers: frames of more buffers than fit
 * a batch, frames for which the buffer is too small, and buffers that cannot be
 * written; rings of all sizes.
 */
#include <sys/mman.h>

#include "test.h"

FIXTURE(heads)
{
	struct guest g;
};

FIXTURE_VARIANT(heads)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(heads, split)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(heads, packed)
{
	.features = F_PACKED_BASE | F_EVENT_IDX,
};

FIXTURE_SETUP(heads)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = 16384,
		.slot_size = 64,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(heads)
{
	guest_stop(&self->g);
}

/*
 * CVE-2018-16880: one frame after another takes so many buffers that the heads
 * of a batch are more than there is room for.
 */
TEST_F(heads, cve_2018_16880_heads_of_a_batch)
{
	unsigned int i, n, round, frames = 16;
	struct guest *g = &self->g;
	static struct guest_frame f;
	size_t len;

	for (round = 0; round < 5; round++) {
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
		/* Small frames in between, so that the batch is not empty. */
		for (i = 0; i < frames; i++) {
			len = i % 3 ? 60000 - round : 60;
			ASSERT_OK(guest_inject(g, len, i));
		}
		while (!guest_post(g, 64, 1, false))
			;
		vq_publish(&g->vq[RXQ]);
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
		for (i = 0; i < frames; i++) {
			len = i % 3 ? 60000 - round : 60;
			n = (HDR_LEN_MRG + len + 63) / 64;
			ASSERT_OK_AT(guest_recv(g, &f), "frame %u", i);
			ASSERT_EQ(n, f.nbufs);
			ASSERT_THAT(f.len == len && frame_is(f.data, len, i));
		}
	}
}

FIXTURE(discards)
{
	struct guest g;
};

FIXTURE_VARIANT(discards)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(discards, split)
{
	.features = F_VERSION_1 | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(discards, packed)
{
	.features = F_VERSION_1 | F_EVENT_IDX | F_RING_PACKED,
};

FIXTURE_SETUP(discards)
{
	struct guest_cfg cfg = GUEST_CFG(variant->features);

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(discards)
{
	guest_stop(&self->g);
}

/*
 * CVE-2014-0077: the frame does not fit the one buffer it may have, and memory
 * after that buffer is not the device's to write. CVE-2019-3900: as many of
 * them as the tap holds are discarded, in runs that give other queues a turn.
 */
TEST_F(discards, cve_2014_0077_cve_2019_3900_discarded_frames)
{
	unsigned char rest[2048], clean[2048];
	unsigned int i, n = 1500;
	struct guest *g = &self->g;
	struct guest_slot *slot;

	ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
	slot = &g->pool[RXQ].slot[0];
	memset(clean, 0xa5, sizeof(clean));
	ASSERT_THAT(gmem_fill(&g->mem, slot->gpa, 0xa5, sizeof(rest)));
	ASSERT_OK(guest_post(g, 100, 1, false));
	ASSERT_EQ(100, slot->len);
	vq_publish(&g->vq[RXQ]);
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_inject(g, 1514, i));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	/* One that fits, after all the others. */
	ASSERT_OK(guest_check_rx(g, 60, n));
	ASSERT_THAT(gmem_read(&g->mem, slot->gpa, rest, sizeof(rest)));
	EXPECT_EQ(0, memcmp(rest + 100, clean, sizeof(rest) - 100));
	if (env_is_ours()) {
		EXPECT_EQ(n, vdev_counter(g->dev, "queue0.drop.no_room"));
		EXPECT_LT(0, vdev_counter(g->dev, "queue0.weight"));
	}
}

#define HOLE_GPA	0x8000000000ULL
#define HOLE_SIZE	0x10000

/* A buffer with only its first @before bytes writable. */
static int receive_into_hole(struct guest *g, unsigned int before)
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

/*
 * The header cannot be written in full, since the frame's first buffer ends in
 * memory that is not mapped. vhost_net of Linux 7.2 then loses the buffers.
 */
TEST(unwritable_header_gives_buffers_back)
{
	static const __u64 features[] = {
		F_VERSION_1 | F_MRG_RXBUF, F_VERSION_1,
		F_VERSION_1 | F_MRG_RXBUF | F_VHOST_HDR, F_VHOST_HDR,
		F_PACKED_BASE, F_VERSION_1 | F_RING_PACKED,
	};
	unsigned int i, before;
	struct guest g;

	OURS_ALONE("a buffer that cannot be written stops the queue");
	for (i = 0; i < ARRAY_SIZE(features); i++) {
		ASSERT_OK(start_with_hole(&g, features[i]));
		for (before = 0; before < g.hdr_len; before++) {
			ASSERT_OK_AT(receive_into_hole(&g, before),
				     "features %u, %u bytes", i, before);
			/* It costs that frame, and the queue continues. */
			ASSERT_EQ(1, guest_refill(&g, 1, 2048));
			ASSERT_OK(guest_check_rx(&g, 60, 2));
		}
		EXPECT_EQ(0, event_count(g.vq[RXQ].err));
		guest_stop(&g);
	}
}

/* Rings of many sizes, past their end and the wrap of their indices. */
FIXTURE(rx_ring)
{
	struct guest g;
};

FIXTURE_VARIANT(rx_ring)
{
	unsigned int num;
	__u64 features;
};

#define RX_RING(n, feat, name)						\
	FIXTURE_VARIANT_ADD(rx_ring, name)				\
	{								\
		.num = n,						\
		.features = F_MODERN_BASE | F_INDIRECT | (feat),	\
	}

RX_RING(1, F_EVENT_IDX, 1);
RX_RING(2, 0, 2);
RX_RING(4, F_EVENT_IDX, 4);
RX_RING(64, 0, 64);
RX_RING(128, F_EVENT_IDX, 128);
RX_RING(4096, F_EVENT_IDX, 4096);
RX_RING(32768, F_EVENT_IDX, 32768);
RX_RING(1, F_EVENT_IDX | F_RING_PACKED, packed_1);
RX_RING(3, F_RING_PACKED, packed_3);
RX_RING(100, F_EVENT_IDX | F_RING_PACKED, packed_100);
RX_RING(129, F_EVENT_IDX | F_RING_PACKED | F_IN_ORDER, packed_129_in_order);
RX_RING(32767, F_EVENT_IDX | F_RING_PACKED, packed_32767);
RX_RING(32768, F_RING_PACKED, packed_32768);

FIXTURE_SETUP(rx_ring)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = variant->num,
		.slot_size = 128,
		/*
		 * Near the end of the ring, and near the wrap of its indices.
		 */
		.base = 65536 - 200,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(rx_ring)
{
	guest_stop(&self->g);
}

TEST_F(rx_ring, rounds)
{
	unsigned int total = env_scaled(2000, 600), n = variant->num;
	unsigned int i, burst, got = 0;
	static struct guest_frame f;
	struct guest *g = &self->g;

	while (got < total) {
		guest_refill(g, n, 128);
		burst = total - got < 500 ? total - got : 500;
		burst = burst < n ? burst : n;
		for (i = 0; i < burst; i++)
			ASSERT_OK(guest_inject(g, 60, got + i));
		for (i = 0; i < burst; i++, got++) {
			ASSERT_OK(guest_recv(g, &f));
			ASSERT_EQ(60, f.len);
			ASSERT_THAT(frame_is(f.data, 60, got));
		}
	}
}

VHOST_TEST_MAIN
