// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest to guest, and guest to container: what the host forwards through a
 * bridge keeps its content and its offloads, or is segmented where the other
 * side wants that. The frames are broadcasts, so the host clones them.
 */
#include "bridge.h"
#include "test.h"

/* Frames on their way at once. */
#define BURST		24

FIXTURE(forward)
{
	struct guest from;
	struct guest to;
	int veth;	/* packet socket at the container's end */
};

FIXTURE_VARIANT(forward)
{
	__u64 features;
	bool segments;	/* the second guest takes no offloads */
};

FIXTURE_VARIANT_ADD(forward, offloads)
{
	.features = F_MODERN,
};

FIXTURE_VARIANT_ADD(forward, segments)
{
	.features = F_MODERN,
	.segments = true,
};

FIXTURE_VARIANT_ADD(forward, packed)
{
	.features = F_PACKED,
};

FIXTURE_SETUP(forward)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = 1024,
		.slot_size = HDR_LEN_MAX + FRAME_MAX,
		.slots = BURST,
	};

	SETUP_NEEDS(variant->features);
	self->veth = bridge_open();
	if (self->veth == -EOPNOTSUPP)
		SETUP_SKIP("no bridge in this kernel");
	ASSERT_GE(self->veth, 0);
	ASSERT_OK(guest_start(&self->from, &cfg));
	ASSERT_OK(bridge_add(self->from.ifname));
	cfg.ifname = "tap1";
	cfg.slot_size = 4096;
	cfg.slots = 1024;
	ASSERT_OK(guest_start(&self->to, &cfg));
	if (variant->segments)
		ASSERT_OK(tap_set_offload(self->to.tap, 0));
	ASSERT_OK(bridge_add(self->to.ifname));
}

FIXTURE_TEARDOWN(forward)
{
	guest_stop(&self->to);
	guest_stop(&self->from);
	bridge_close(self->veth);
}

static const size_t lengths[] = { 100, 1400, 3000, 9014, 32000, 65000, 65535 };

/* Make frame @seq. Return: its length; 0 if this kernel lacks its kind. */
static size_t make(unsigned char *frame, __u32 seq, struct virtio_net_hdr *hdr)
{
	enum frame_kind kind = seq % FRAME_KINDS;
	size_t len = lengths[seq / FRAME_KINDS % ARRAY_SIZE(lengths)];

	if (kind == FRAME_USO4 && !env_kernel_at_least(6, 2))
		return 0;
	/* A frame that fits one segment arrives without GSO. */
	if (kind >= FRAME_TSO4 && len < 2000)
		len = 2000;
	frame_make_kind(frame, len, seq, kind, hdr);
	return len;
}

static int send_burst(struct guest *g, __u32 seq)
{
	static unsigned char frame[FRAME_MAX];
	struct virtio_net_hdr hdr;
	unsigned int i;
	size_t len;
	int err;

	for (i = 0; i < BURST; i++) {
		len = make(frame, seq + i, &hdr);
		if (!len)
			continue;
		err = guest_send(g, &hdr, frame, len, 2, false);
		if (err)
			return err;
	}
	vq_submit(&g->vq[TXQ]);
	return guest_reap_all(g);
}

/* Take frame @seq at the container's end, as the guest sent it. */
static int take_at_veth(int veth, __u32 seq)
{
	static unsigned char frame[FRAME_MAX], got[FRAME_MAX];
	struct virtio_net_hdr want, hdr;
	size_t len = make(frame, seq, &want);
	int n;

	if (!len)
		return 0;
	n = packet_recv(veth, &hdr, got, sizeof(got));
	if (n < 0)
		return n;
	return n == len && !memcmp(frame, got, len) &&
	       frame_same_hdr(&want, &hdr) ? 0 : -EBADMSG;
}

/* The same at the other guest. */
static int take_whole(struct guest *g, __u32 seq)
{
	static unsigned char frame[FRAME_MAX];
	static struct guest_frame f;
	struct virtio_net_hdr want;
	size_t len = make(frame, seq, &want);
	int err;

	if (!len)
		return 0;
	err = guest_recv(g, &f);
	if (err)
		return err;
	return f.len == len && !memcmp(frame, f.data, len) &&
	       frame_same_hdr(&want, (void *)&f.hdr) ? 0 : -EBADMSG;
}

/* Compare all but the headers of a frame with what the guest sent. */
static bool same_payload(const struct guest_frame *f, size_t head,
			 const unsigned char *payload)
{
	return f->len > head && !f->hdr.hdr.flags && !f->hdr.hdr.gso_type &&
	       !memcmp(f->data + head, payload, f->len - head);
}

/* Take frame @seq at a guest without offloads: as segments, with checksums. */
static int take_segments(struct guest *g, __u32 seq)
{
	static unsigned char frame[FRAME_MAX];
	static struct guest_frame f;
	struct virtio_net_hdr hdr;
	size_t len = make(frame, seq, &hdr), head, at;
	int err;

	head = hdr.gso_type ? hdr.hdr_len :
	       hdr.flags ? hdr.csum_start + 8 : FRAME_MIN;
	for (at = head; at < len; at += f.len - head) {
		err = guest_recv(g, &f);
		if (err)
			return err;
		if (f.len - head > len - at || !same_payload(&f, head,
							     frame + at))
			return -EBADMSG;
		if (hdr.gso_type && f.len > head + hdr.gso_size)
			return -EBADMSG;
	}
	return 0;
}

TEST_F(forward, bursts)
{
	unsigned int rounds = env_scaled(12, 3), round, i;
	__u32 seq = 0;

	for (round = 0; round < rounds; round++, seq += BURST) {
		guest_refill(&self->to, 1024, 4000);
		ASSERT_OK(send_burst(&self->from, seq));
		for (i = 0; i < BURST; i++) {
			ASSERT_OK_AT(take_at_veth(self->veth, seq + i),
				     "frame %u at the veth", seq + i);
			ASSERT_OK_AT(variant->segments ?
				     take_segments(&self->to, seq + i) :
				     take_whole(&self->to, seq + i),
				     "frame %u at the guest", seq + i);
			guest_refill(&self->to, 1024, 4000);
		}
	}
}

VHOST_TEST_MAIN
