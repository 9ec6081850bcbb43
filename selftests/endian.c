// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legacy rings in the byte order of the guest, where it is not the host's: the
 * commands, and a big-endian guest that moves packets. Kernels that are built
 * without CONFIG_VHOST_CROSS_ENDIAN_LEGACY do not know the commands.
 */
#include <endian.h>
#include <sys/ioctl.h>

#include "test.h"
#include "vq_split.h"

#define RING		16
#define FRAME_LEN	100

#define BIG		VHOST_VRING_BIG_ENDIAN
#define LITTLE		VHOST_VRING_LITTLE_ENDIAN

/* 1 or 0 as in the kernel's configuration; -1 if it cannot be read. */
static int configured(void)
{
	FILE *f = popen("zcat /proc/config.gz 2>/dev/null", "r");
	int known = -1;
	char line[200];

	while (f && fgets(line, sizeof(line), f)) {
		if (known < 0)
			known = 0;
		if (!strcmp(line, "CONFIG_VHOST_CROSS_ENDIAN_LEGACY=y\n"))
			known = 1;
	}
	if (f)
		pclose(f);
	return known;
}

static int get_endian(int fd, unsigned int ring)
{
	struct vhost_vring_state s = { .index = ring, .num = 77 };
	int err = vdev_cmd(fd, VHOST_GET_VRING_ENDIAN, &s);

	return err ? err : (int)s.num;
}

static int set_endian(int fd, unsigned int ring, __u32 order)
{
	return vdev_set_state(fd, VHOST_SET_VRING_ENDIAN, ring, order);
}

static bool has_endian(void)
{
	int fd = vdev_open(), err;

	if (fd < 0)
		return false;
	vdev_set_owner(fd);
	err = get_endian(fd, 0);
	close(fd);
	return err >= 0;
}

TEST(commands_need_the_kernel_option)
{
	int known = configured(), fd;

	if (known >= 0)
		EXPECT_EQ(known, has_endian());
	if (has_endian())
		SKIP(return, "this kernel has cross-endian rings");
	fd = vdev_open();
	ASSERT_GE(fd, 0);
	ASSERT_OK(vdev_set_owner(fd));
	EXPECT_ERR(ENOTTY, set_endian(fd, 0, LITTLE));
	EXPECT_ERR(ENOTTY, set_endian(fd, 0, 77));
	EXPECT_ERR(ENOBUFS, set_endian(fd, NR_VQS, LITTLE));
	EXPECT_EQ(-ENOTTY, get_endian(fd, 0));
	EXPECT_EQ(-ENOBUFS, get_endian(fd, NR_VQS));
	close(fd);
}

FIXTURE(endian)
{
	struct guest g;
	struct vq *tx, *rx;
};

FIXTURE_VARIANT(endian)
{
	__u64 features;
	int tap_flags;
};

FIXTURE_VARIANT_ADD(endian, mergeable)
{
	.features = F_MRG_RXBUF,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(endian, legacy)
{
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(endian, header_by_vhost)
{
	.features = F_MRG_RXBUF | F_VHOST_HDR,
};

FIXTURE_SETUP(endian)
{
	struct guest_cfg cfg = {
		.features = variant->features | F_INDIRECT,
		.tap_flags = variant->tap_flags,
		.num = RING,
	};

	if (!has_endian())
		SETUP_SKIP("this kernel has no cross-endian rings");
	/* It takes what is left in its page for a header that was not sent. */
	if (!env_is_ours() && !env_kernel_at_least(6, 17) &&
	    variant->features & F_VHOST_HDR)
		SETUP_SKIP("vhost_net differs: stale header in a batch");
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->tx = &self->g.vq[TXQ];
	self->rx = &self->g.vq[RXQ];
}

FIXTURE_TEARDOWN(endian)
{
	guest_stop(&self->g);
}

TEST_F(endian, commands)
{
	static const __u32 bad[] = { 2, 3, 0x100, 0x01000000, ~0U };
	struct guest *g = &self->g;
	unsigned int i, ring;
	__u32 word[2];

	ASSERT_OK(guest_set_backend(g, -1));
	for (ring = 0; ring < NR_VQS; ring++) {
		EXPECT_EQ(LITTLE, get_endian(g->dev, ring));
		EXPECT_OK(set_endian(g->dev, ring, BIG));
		EXPECT_EQ(BIG, get_endian(g->dev, ring));
		for (i = 0; i < ARRAY_SIZE(bad); i++)
			EXPECT_ERR(EINVAL, set_endian(g->dev, ring, bad[i]));
		EXPECT_EQ(BIG, get_endian(g->dev, ring));
		/* The other ring is not affected. */
		EXPECT_EQ(LITTLE, get_endian(g->dev, !ring));
		EXPECT_OK(set_endian(g->dev, ring, LITTLE));
		EXPECT_EQ(LITTLE, get_endian(g->dev, ring));
	}
	word[0] = NR_VQS;
	EXPECT_ERR(ENOBUFS, vdev_cmd(g->dev, VHOST_SET_VRING_ENDIAN, word));
	EXPECT_ERR(ENOBUFS, vdev_cmd(g->dev, VHOST_GET_VRING_ENDIAN, word));
	EXPECT_ERR(EFAULT, vdev_cmd(g->dev, VHOST_SET_VRING_ENDIAN, BAD_PTR));
	EXPECT_ERR(EFAULT, vdev_cmd(g->dev, VHOST_GET_VRING_ENDIAN, BAD_PTR));
}

TEST_F(endian, set_while_running_is_refused)
{
	struct guest *g = &self->g;
	unsigned int ring;

	for (ring = 0; ring < NR_VQS; ring++) {
		EXPECT_ERR(EBUSY, set_endian(g->dev, ring, BIG));
		EXPECT_ERR(EBUSY, set_endian(g->dev, ring, LITTLE));
		/* EBUSY comes before EINVAL. */
		EXPECT_ERR(EBUSY, set_endian(g->dev, ring, 77));
		EXPECT_EQ(LITTLE, get_endian(g->dev, ring));
	}
	EXPECT_OK(guest_check_alive(g, 0));
}

TEST_F(endian, reset_owner_restores_little_endian)
{
	struct guest *g = &self->g;

	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_OK(set_endian(g->dev, RXQ, BIG));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_RESET_OWNER, NULL));
	ASSERT_OK(vdev_set_owner(g->dev));
	EXPECT_EQ(LITTLE, get_endian(g->dev, RXQ));
	EXPECT_EQ(LITTLE, get_endian(g->dev, TXQ));
}

/* A ring of VERSION_1 is little-endian, whatever was set. */
TEST_F(endian, version_1_is_always_little_endian)
{
	struct guest_cfg cfg = self->g.cfg;
	struct guest *g = &self->g;
	unsigned int i;

	guest_stop(g);
	cfg.features |= F_VERSION_1;
	ASSERT_OK(guest_init(g, &cfg));
	ASSERT_OK(guest_open_tap(g));
	ASSERT_OK(guest_open_dev(g));
	for (i = 0; i < NR_VQS; i++)
		ASSERT_OK(set_endian(g->dev, i, BIG));
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* ---- a driver of the other byte order ---- */

struct be_ring {
	struct vq *vq;
	__u16 avail, used;
	__u64 gpa;		/* a buffer of a page for each descriptor */
};

#define BUFFER		4096
#define BUFFERS_GPA	0x8000000000ULL

static void be_add(struct be_ring *r, __u32 len, __u16 flags)
{
	struct vring_avail *avail = split_avail(r->vq);
	__u16 id = r->avail & (RING - 1);

	split_desc(r->vq)[id] = (struct vring_desc) {
		.addr = htobe64(r->gpa + id * BUFFER),
		.len = htobe32(len),
		.flags = htobe16(flags),
	};
	avail->ring[id] = htobe16(id);
	r->avail++;
	__atomic_store_n(&avail->idx, htobe16(r->avail), __ATOMIC_RELEASE);
	vq_kick(r->vq);
}

static bool be_has_used(struct be_ring *r)
{
	return be16toh(__atomic_load_n(&split_used(r->vq)->idx,
				       __ATOMIC_ACQUIRE)) != r->used;
}

/* Take the next used entry, which must be of the next chain; its length. */
static int be_take(struct be_ring *r)
{
	__u16 id = r->used & (RING - 1);
	struct vring_used_elem *e = &split_used(r->vq)->ring[id];

	if (!wait_until(be_has_used(r)))
		return -ETIMEDOUT;
	r->used++;
	return be32toh(e->id) == id ? (int)be32toh(e->len) : -EPROTO;
}

static int be_start(struct guest *g, struct be_ring *r)
{
	unsigned int i;
	int err;

	err = guest_set_backend(g, -1);
	if (!err)
		err = gmem_add(&g->mem, BUFFERS_GPA, NR_VQS * RING * BUFFER);
	if (!err)
		err = vdev_set_mem(g->dev, &g->mem);
	for (i = 0; !err && i < NR_VQS; i++) {
		vq_reset(&g->vq[i], 0);
		r[i] = (struct be_ring) {
			.vq = &g->vq[i],
			.gpa = BUFFERS_GPA + i * RING * BUFFER,
		};
		err = set_endian(g->dev, i, BIG);
		if (!err)
			err = vdev_set_vring(g->dev, &g->vq[i], 0);
	}
	return err ? err : guest_set_backend(g, g->tap);
}

static void be_put_frame(struct guest *g, struct be_ring *r, __u32 seq)
{
	unsigned char buf[HDR_LEN_MRG + FRAME_LEN] = { 0 };
	__u64 gpa = r->gpa + (r->avail & (RING - 1)) * BUFFER;

	frame_make(buf + g->hdr_len, FRAME_LEN, seq);
	gmem_write(&g->mem, gpa, buf, g->hdr_len + FRAME_LEN);
	be_add(r, g->hdr_len + FRAME_LEN, 0);
}

/* Three times around the ring, so that a wrong index shows. */
TEST_F(endian, big_transmit)
{
	struct be_ring ring[NR_VQS];
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(be_start(g, ring));
	for (i = 0; i < 3 * RING; i++) {
		be_put_frame(g, &ring[TXQ], i);
		ASSERT_OK_AT(guest_capture(g, FRAME_LEN, i), "frame %u", i);
		ASSERT_EQ(0, be_take(&ring[TXQ]));
	}
}

TEST_F(endian, big_transmit_in_one_kick)
{
	struct be_ring ring[NR_VQS];
	struct guest *g = &self->g;
	unsigned int i;

	ASSERT_OK(be_start(g, ring));
	for (i = 0; i < RING; i++)
		be_put_frame(g, &ring[TXQ], i);
	for (i = 0; i < RING; i++) {
		ASSERT_OK_AT(guest_capture(g, FRAME_LEN, i), "frame %u", i);
		ASSERT_EQ(0, be_take(&ring[TXQ]));
	}
}

/* Header and two parts of a frame in a table of their own. */
TEST_F(endian, big_transmit_from_table)
{
	unsigned char buf[HDR_LEN_MRG + FRAME_LEN] = { 0 };
	struct be_ring ring[NR_VQS], *r = &ring[TXQ];
	struct guest *g = &self->g;
	struct vring_desc t[3];
	__u64 gpa, at = 0;
	unsigned int i;

	ASSERT_OK(be_start(g, ring));
	gpa = r->gpa + sizeof(t);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		t[i] = (struct vring_desc) {
			.addr = htobe64(gpa + at),
			.len = htobe32(i ? FRAME_LEN / 2 : g->hdr_len),
			.flags = htobe16(i < 2 ? F_NEXT : 0),
			.next = htobe16(i + 1),
		};
		at += be32toh(t[i].len);
	}
	frame_make(buf + g->hdr_len, FRAME_LEN, 9);
	ASSERT_THAT(gmem_write(&g->mem, r->gpa, t, sizeof(t)));
	ASSERT_THAT(gmem_write(&g->mem, gpa, buf, at));
	be_add(r, sizeof(t), F_IND);
	ASSERT_OK(guest_capture(g, FRAME_LEN, 9));
	ASSERT_EQ(0, be_take(r));
}

TEST_F(endian, big_receive)
{
	unsigned char buf[HDR_LEN_MRG + FRAME_LEN];
	struct be_ring ring[NR_VQS], *r = &ring[RXQ];
	struct guest *g = &self->g;
	unsigned int i;
	__u64 gpa;

	ASSERT_OK(be_start(g, ring));
	for (i = 0; i < 3 * RING; i++) {
		gpa = r->gpa + (r->avail & (RING - 1)) * BUFFER;
		be_add(r, BUFFER, VRING_DESC_F_WRITE);
		ASSERT_OK(guest_inject(g, FRAME_LEN, i));
		ASSERT_EQ(g->hdr_len + FRAME_LEN, be_take(r));
		ASSERT_THAT(gmem_read(&g->mem, gpa, buf, sizeof(buf)));
		ASSERT_THAT(frame_is(buf + g->hdr_len, FRAME_LEN, i));
		/* The count of buffers is in the guest's byte order, too. */
		if (variant->features & F_MRG_RXBUF)
			ASSERT_EQ(1, buf[10] << 8 | buf[11]);
	}
}

/* The flags: no call when the guest wants none, and kicks are asked for. */
TEST_F(endian, big_flags)
{
	struct be_ring ring[NR_VQS], *r = &ring[TXQ];
	struct guest *g = &self->g;

	ASSERT_OK(be_start(g, ring));
	be_put_frame(g, r, 1);
	ASSERT_OK(guest_capture(g, FRAME_LEN, 1));
	ASSERT_EQ(0, be_take(r));
	EXPECT_TRUE(event_wait(r->vq->call));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	event_count(r->vq->call);
	split_avail(r->vq)->flags = htobe16(VRING_AVAIL_F_NO_INTERRUPT);
	be_put_frame(g, r, 2);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(guest_capture(g, FRAME_LEN, 2));
	ASSERT_EQ(0, be_take(r));
	ASSERT_THAT(wait_until(!(*(volatile __u16 *)&split_used(r->vq)->flags &
				 htobe16(VRING_USED_F_NO_NOTIFY))));
	/* Once the ring is stopped, the worker is done with it. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	EXPECT_EQ(0, event_count(r->vq->call));
}

/* A header that asks for a checksum; guest and tap agree on big-endian. */
TEST_F(endian, big_header)
{
	static unsigned char buf[HDR_LEN_MRG + BUFFER], got[BUFFER];
	struct virtio_net_hdr hdr, wire, seen;
	struct be_ring ring[NR_VQS], *r = &ring[TXQ];
	struct guest *g = &self->g;
	int be = 1, len = 1000;

	if (!(variant->tap_flags & IFF_VNET_HDR))
		SKIP(return, "no header on this tap");
	if (ioctl(g->tap, TUNSETVNETBE, &be))
		SKIP(return, "tun of this kernel has no big-endian headers");
	ASSERT_OK(be_start(g, ring));
	frame_make_kind(buf + g->hdr_len, len, 3, FRAME_CSUM, &hdr);
	wire = hdr;
	wire.hdr_len = htobe16(hdr.hdr_len);
	wire.gso_size = htobe16(hdr.gso_size);
	wire.csum_start = htobe16(hdr.csum_start);
	wire.csum_offset = htobe16(hdr.csum_offset);
	memcpy(buf, &wire, sizeof(wire));
	ASSERT_THAT(gmem_write(&g->mem, r->gpa, buf, g->hdr_len + len));
	be_add(r, g->hdr_len + len, 0);
	ASSERT_EQ(len, packet_recv(g->pkt, &seen, got, sizeof(got)));
	EXPECT_EQ(0, memcmp(buf + g->hdr_len, got, len));
	EXPECT_TRUE(frame_same_hdr(&hdr, &seen));
	EXPECT_EQ(0, be_take(r));
}

VHOST_TEST_MAIN
