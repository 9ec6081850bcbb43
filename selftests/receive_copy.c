// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets reach the guest through tun's recvmsg(), or are copied off the tap's
 * ring. Both ways give the guest the same bytes in the same buffers, and the
 * tap the same counters.
 */
#include <net/if.h>

#include "bridge.h"
#include "dlog.h"
#include "test.h"
#include "xdp.h"

/* What arrived by one of the ways. */
struct arrival {
	struct guest_frame *frame;
	unsigned int count;
	struct netif_stats stats;
	__u64 packets, bytes;
};

FIXTURE(copy)
{
	struct guest g;
	struct dlog log;
	struct arrival way[2];
};

FIXTURE_VARIANT(copy)
{
	__u64 features;
	__u64 features2;
	unsigned int nseg;	/* segments of a buffer */
	size_t size;		/* bytes in a buffer */
	bool indirect;
};

FIXTURE_VARIANT_ADD(copy, one_piece)
{
	.features = F_MODERN,
	.nseg = 1,
	.size = 66000,
};

FIXTURE_VARIANT_ADD(copy, header_apart)
{
	.features = F_MODERN,
	.nseg = 2,
	.size = 66000,
};

FIXTURE_VARIANT_ADD(copy, many_pieces)
{
	.features = F_MODERN,
	.nseg = 7,
	.size = 66000,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(copy, mergeable)
{
	.features = F_MODERN,
	.nseg = 1,
	.size = 1526,
};

FIXTURE_VARIANT_ADD(copy, mergeable_odd)
{
	.features = F_MODERN,
	.nseg = 3,
	.size = 1001,
};

FIXTURE_VARIANT_ADD(copy, logged)
{
	.features = F_MODERN | F_LOG_ALL,
	.nseg = 1,
	.size = 2048,
};

FIXTURE_VARIANT_ADD(copy, legacy)
{
	.features = F_EVENT_IDX | F_INDIRECT,
	.nseg = 1,
	.size = 66000,
};

FIXTURE_VARIANT_ADD(copy, legacy_in_pieces)
{
	.features = F_EVENT_IDX | F_INDIRECT,
	.nseg = 3,
	.size = 66000,
	.indirect = true,
};

FIXTURE_VARIANT_ADD(copy, tunnel_header)
{
	.features = F_MODERN,
	.features2 = F2_GUEST_TUNNEL,
	.nseg = 1,
	.size = 66000,
};

FIXTURE_VARIANT_ADD(copy, packed)
{
	.features = F_PACKED,
	.nseg = 3,
	.size = 1001,
};

FIXTURE_VARIANT_ADD(copy, packed_logged)
{
	.features = F_PACKED | F_LOG_ALL,
	.nseg = 1,
	.size = 2048,
};

FIXTURE_SETUP(copy)
{
	struct guest_cfg cfg = {
		.features = variant->features & ~F_LOG_ALL,
		.features2 = variant->features2,
		.tap_flags = IFF_VNET_HDR,
		.num = 256,
		.slot_size = 68 * 1024,
		.slots = 128,
		.ind_max = 8,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has one way only");
	SETUP_NEEDS2(variant->features2);
	ASSERT_OK(guest_start(&self->g, &cfg));
	if (!(variant->features & F_LOG_ALL))
		return;
	ASSERT_OK(dlog_init(&self->log, &self->g.mem));
	ASSERT_OK(dlog_set_base(self->g.dev, &self->log));
	ASSERT_OK(vdev_set_features(self->g.dev, variant->features));
}

FIXTURE_TEARDOWN(copy)
{
	EXPECT_OK(env_set_parameter("rx_copy", 1));
	guest_stop(&self->g);
	if (variant->features & F_LOG_ALL)
		dlog_free(&self->log);
	free(self->way[0].frame);
	free(self->way[1].frame);
}

#define copy_t		FIXTURE_DATA(copy)
#define copy_variant_t	FIXTURE_VARIANT(copy)

/* Keep the buffers topped up, as a driver does. */
static int post(struct guest *g, const copy_variant_t *variant)
{
	while (!guest_post(g, variant->size, variant->nseg, variant->indirect))
		;
	vq_submit(&g->vq[RXQ]);
	return 0;
}

#define KEEP	256

static int take(struct guest *g, struct arrival *way)
{
	struct guest_frame *f;

	if (!way->frame)
		way->frame = calloc(KEEP, sizeof(*way->frame));
	if (!way->frame || way->count == KEEP)
		return -ENOMEM;
	f = &way->frame[way->count++];
	/* What the device does not write must not differ either. */
	memset(f, 0x5a, sizeof(*f));
	return guest_recv(g, f);
}

static const size_t lengths[] = {
	14, 15, 21, 22, 60, 61, 63, 64, 65, 100, 127, 128, 241, 255, 256, 257,
	270, 1000, 1514, 1515, 3000, 4095, 4096, 9014, 20000, 65000, 65535,
};

/* Pass frames of all kinds and lengths by one of the ways. */
static int pass_all(copy_t *self, const copy_variant_t *variant, bool copied)
{
	static unsigned char frame[FRAME_MAX];
	struct arrival *way = &self->way[copied];
	struct guest *g = &self->g;
	struct virtio_net_hdr hdr;
	enum frame_kind kind;
	unsigned int i;
	int err;

	err = env_set_parameter("rx_copy", copied);
	for (kind = 0; !err && kind < FRAME_KINDS; kind++) {
		if (kind == FRAME_USO4 && !env_kernel_at_least(6, 2))
			continue;
		for (i = 0; !err && i < ARRAY_SIZE(lengths); i++) {
			if (kind == FRAME_CSUM && lengths[i] < 100)
				continue;
			if (kind >= FRAME_TSO4 && lengths[i] < 2000)
				continue;
			frame_make_kind(frame, lengths[i], i, kind, &hdr);
			post(g, variant);
			err = packet_send(g->pkt, &hdr, frame, lengths[i]);
			if (!err)
				err = take(g, way);
		}
	}
	return err ? err : vdev_set_backend(g->dev, RXQ, -1) ?:
			   link_stats(g->ifname, &way->stats) ?:
			   vdev_set_backend(g->dev, RXQ, g->tap);
}

/* Return: 0 if frame @i is the same by both ways. */
static int same_frame(const copy_t *self, unsigned int i)
{
	const struct guest_frame *a = &self->way[0].frame[i];
	const struct guest_frame *b = &self->way[1].frame[i];

	if (a->len != b->len || a->nbufs != b->nbufs)
		return -EMSGSIZE;
	if (memcmp(a->whole_hdr, b->whole_hdr, self->g.hdr_len))
		return -EPROTO;
	return memcmp(a->data, b->data, a->len) ? -EBADMSG : 0;
}

TEST_F(copy, same_as_recvmsg)
{
	struct netif_stats before, *a = &self->way[0].stats,
			   *b = &self->way[1].stats;
	unsigned int i;

	ASSERT_OK(link_stats(self->g.ifname, &before));
	ASSERT_OK(pass_all(self, variant, false));
	ASSERT_OK(pass_all(self, variant, true));
	ASSERT_EQ(self->way[0].count, self->way[1].count);
	for (i = 0; i < self->way[0].count; i++)
		ASSERT_OK_AT(same_frame(self, i), "frame %u", i);
	EXPECT_EQ(a->tx_packets - before.tx_packets,
		  b->tx_packets - a->tx_packets);
	EXPECT_EQ(self->way[0].count, b->tx_packets - a->tx_packets);
	EXPECT_EQ(before.tx_dropped, b->tx_dropped);
	EXPECT_EQ(2 * self->way[0].count,
		  vdev_counter(self->g.dev, "queue0.packets"));
}

#define VLAN_TAG_LEN	4

/*
 * Make a frame with a VLAN tag. The host takes the tag out of a frame that it
 * receives and keeps it beside, so what it forwards to the tap has it there.
 */
static size_t make_tagged(unsigned char *frame, size_t len, __u32 seq,
			  enum frame_kind kind, struct virtio_net_hdr *hdr)
{
	static const unsigned char tag[VLAN_TAG_LEN] = { 0x81, 0x00, 0x20, 5 };
	const size_t at = 2 * ETH_ALEN;

	frame_make_kind(frame, len, seq, kind, hdr);
	memmove(frame + at + sizeof(tag), frame + at, len - at);
	memcpy(frame + at, tag, sizeof(tag));
	if (hdr->flags)
		hdr->csum_start += sizeof(tag);
	if (hdr->gso_type)
		hdr->hdr_len += sizeof(tag);
	return len + sizeof(tag);
}

/* Pass tagged frames of all kinds by one of the ways. */
static int pass_tagged(copy_t *self, const copy_variant_t *variant, int veth,
		       bool copied)
{
	static unsigned char frame[FRAME_MAX + VLAN_TAG_LEN];
	static const size_t lens[] = { 60, 100, 1514, 3000, 9014, 65000 };
	struct arrival *way = &self->way[copied];
	struct virtio_net_hdr hdr;
	enum frame_kind kind;
	unsigned int i;
	size_t len;
	int err;

	err = env_set_parameter("rx_copy", copied);
	for (kind = 0; !err && kind <= FRAME_TSO6; kind++) {
		for (i = 0; !err && i < ARRAY_SIZE(lens); i++) {
			if (lens[i] < (kind >= FRAME_TSO4 ? 2000 : 100 * kind))
				continue;
			len = make_tagged(frame, lens[i], i, kind, &hdr);
			post(&self->g, variant);
			err = packet_send(veth, &hdr, frame, len);
			if (!err)
				err = take(&self->g, way);
			if (!err && way->frame[way->count - 1].len != len)
				err = -EMSGSIZE;
		}
	}
	return err;
}

TEST_F(copy, vlan_tags)
{
	unsigned int i;
	int veth;

	veth = bridge_open();
	if (veth == -EOPNOTSUPP)
		SKIP(return, "no bridge in this kernel");
	ASSERT_GE(veth, 0);
	EXPECT_OK(bridge_add(self->g.ifname));
	EXPECT_OK(pass_tagged(self, variant, veth, false));
	EXPECT_OK(pass_tagged(self, variant, veth, true));
	bridge_close(veth);
	ASSERT_EQ(self->way[0].count, self->way[1].count);
	for (i = 0; i < self->way[0].count; i++)
		ASSERT_OK_AT(same_frame(self, i), "frame %u", i);
}

/* A stream of frames, many of them in each batch, arrives complete. */
TEST_F(copy, bursts)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int round, i, len;

	for (round = 0; round < env_scaled(30, 10); round++) {
		post(g, variant);
		for (i = 0; i < 20; i++) {
			len = lengths[4 + (i + round) % 14];
			ASSERT_OK(guest_inject(g, len, i));
		}
		for (i = 0; i < 20; i++) {
			len = lengths[4 + (i + round) % 14];
			ASSERT_OK_AT(guest_recv(g, &f), "frame %u", i);
			ASSERT_EQ(len, f.len);
			ASSERT_THAT(frame_is(f.data, len, i));
			post(g, variant);
		}
	}
}

/*
 * The tap changes the size of its header under traffic. Frames may get lost, as
 * with recvmsg(), but none arrives shifted. With the right size, all arrive.
 */
TEST_F(copy, header_size_changes)
{
	int wrong = self->g.hdr_len == 10 ? 12 : 10, right = self->g.hdr_len;
	static struct guest_frame f;
	struct guest *g = &self->g;
	__u64 lost, got;
	unsigned int i;

	post(g, variant);
	ASSERT_OK(guest_check_rx(g, 60, 0));
	for (i = 0; i < 10; i++) {
		got = vdev_counter(g->dev, "queue0.packets");
		lost = vdev_counter(g->dev, "queue0.drop.receive");
		ASSERT_OK(tap_set_hdr_len(g->tap, i & 1 ? right : wrong));
		post(g, variant);
		ASSERT_OK(guest_inject(g, 60, i));
		ASSERT_THAT(wait_until(vdev_counter(g->dev, "queue0.packets") +
				       vdev_counter(g->dev,
						    "queue0.drop.receive") ==
				       got + lost + 1));
		if (vdev_counter(g->dev, "queue0.packets") == got) {
			EXPECT_FALSE(i & 1);
			continue;
		}
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_EQ(60, f.len);
		ASSERT_THAT(frame_is(f.data, 60, i));
	}
}

/* The device is deleted while packets wait: each arrives whole, or is lost. */
TEST_F(copy, device_is_deleted)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int i;

	post(g, variant);
	for (i = 0; i < 10; i++) {
		ASSERT_OK(guest_inject(g, 60, i));
		ASSERT_OK(guest_recv(g, &f));
	}
	for (i = 0; i < 10; i++)
		ASSERT_OK(guest_inject(g, 60, i));
	ASSERT_OK(link_del(g->ifname));
	while (guest_has_frame(g)) {
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_EQ(60, f.len);
	}
	EXPECT_OK(vdev_set_backend(g->dev, RXQ, -1));
}

/* XDP frames in the tap's ring, among skbs. */
TEST_F(copy, xdp_frames)
{
	static unsigned char frame[FRAME_MAX];
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int i;
	int prog, ret;
	size_t len;

	prog = xdp_load_redirect(if_nametoindex(g->ifname));
	if (prog < 0)
		SKIP(return, "no BPF: %s", strerror(-prog));
	post(g, variant);
	for (i = 0; i < 20; i++) {
		len = lengths[i % 14];
		frame_make(frame, len, i);
		ret = xdp_run(prog, frame, len);
		if (ret == -EINVAL && !i)
			SKIP(return, "no XDP frames on this kernel");
		ASSERT_OK(ret);
		ASSERT_OK(guest_inject(g, 60, 100 + i));
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_EQ(len, f.len);
		ASSERT_THAT(frame_is(f.data, f.len, i));
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(frame_is(f.data, 60, 100 + i));
		post(g, variant);
	}
	close(prog);
}

VHOST_TEST_MAIN
