// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each kind of backend: tap and tun, with one queue or several, macvtap, and a
 * raw packet socket.
 */
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

#include "test.h"

static const size_t sizes[] = { 15, 60, 61, 128, 1000, 1514 };

static void drop_captured(int pkt)
{
	unsigned char junk[64];

	while (packet_recv_now(pkt, NULL, junk, sizeof(junk)) >= 0)
		;
}

/* Check each size both ways, then a burst into the guest. */
static int check_both_ways(struct guest *g)
{
	static struct guest_frame f;
	unsigned int i;
	int err = 0;

	drop_captured(g->pkt);
	for (i = 0; !err && i < ARRAY_SIZE(sizes); i++) {
		err = guest_check_tx(g, sizes[i], i, 2, false);
		guest_refill(g, 1, 2048);
		if (!err)
			err = guest_check_rx(g, sizes[i], i);
		if (err)
			fprintf(stderr, "# at %zu bytes\n", sizes[i]);
	}
	guest_refill(g, 100, 2048);
	for (i = 0; !err && i < 100; i++)
		err = guest_inject(g, 60 + i, i);
	for (i = 0; !err && i < 100; i++) {
		err = guest_recv(g, &f);
		if (!err && !(f.len == 60 + i && frame_is(f.data, f.len, i)))
			err = -EBADMSG;
	}
	return err;
}

FIXTURE(backend)
{
	struct guest g;
};

FIXTURE_VARIANT(backend)
{
	__u64 features;
	int tap_flags;
	bool limit_sndbuf;
};

FIXTURE_VARIANT_ADD(backend, tap)
{
	.features = F_MODERN_BASE | F_VHOST_HDR,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(backend, tap_vnet_hdr)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(backend, tap_vnet_hdr_legacy)
{
	.features = 0,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_VARIANT_ADD(backend, tap_multi_queue)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR | IFF_MULTI_QUEUE,
};

FIXTURE_VARIANT_ADD(backend, tap_one_queue_flag)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR | IFF_ONE_QUEUE,
};

FIXTURE_VARIANT_ADD(backend, tap_packed)
{
	.features = F_PACKED_BASE | F_EVENT_IDX,
	.tap_flags = IFF_VNET_HDR,
};

FIXTURE_SETUP(backend)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = variant->tap_flags,
		.limit_sndbuf = variant->limit_sndbuf,
	};

	SETUP_NEEDS(variant->features & F_RING_PACKED);
	ASSERT_OK(guest_start(&self->g, &cfg));
}

FIXTURE_TEARDOWN(backend)
{
	guest_stop(&self->g);
}

TEST_F(backend, both_ways)
{
	ASSERT_OK(check_both_ways(&self->g));
}

/* The device holds a reference: the tap outlives its opener's descriptor. */
TEST_F(backend, tap_closed_by_its_opener)
{
	struct guest *g = &self->g;

	close(g->tap);
	g->tap = -1;
	ASSERT_OK(check_both_ways(g));
}

/* The send buffer is limited and unlimited in turn while frames are sent. */
TEST_F(backend, sndbuf_changes_under_traffic)
{
	struct guest *g = &self->g;
	unsigned int i;

	if (!env_is_ours() && variant->features & F_VHOST_HDR)
		SKIP(return, "vhost_net differs: stale header in a batch");
	for (i = 0; i < 30; i++) {
		ASSERT_OK(tap_set_sndbuf(g->tap, i & 1 ? 1 << 20 :
					 0x7fffffff));
		ASSERT_OK(guest_check_alive(g, i));
	}
}

/* If only one side expects a header, that costs frames and nothing else. */
TEST_F(backend, header_mismatch)
{
	struct guest *g = &self->g;
	unsigned char frame[100];
	unsigned int i;

	ASSERT_OK(vdev_set_features(g->dev, g->cfg.features ^ F_VHOST_HDR));
	guest_refill(g, 100, 2048);
	for (i = 0; i < 50; i++) {
		ASSERT_OK(guest_inject(g, 100, i));
		frame_make(frame, sizeof(frame), i);
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
	}
	vq_submit(&g->vq[TXQ]);
	OURS_ALONE("a batch with the wrong header may stop the queue");
	ASSERT_OK(guest_reap_all(g));
	ASSERT_OK(guest_set_backend(g, -1));
	/* Start again with the right features, without the garbled frames. */
	guest_stop(g);
	ASSERT_OK(guest_start(g, &(struct guest_cfg){
		.features = variant->features,
		.tap_flags = variant->tap_flags,
	}));
	ASSERT_OK(check_both_ways(g));
}

/* Two files on two queues of one tap, which QEMU calls queue pairs. */
/* A change to a backend that cannot be used leaves the old one in place. */
TEST_F(backend, failed_change_keeps_backend)
{
	struct guest *g = &self->g;
	int dead = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	unsigned int i;

	ASSERT_GE(dead, 0);
	for (i = 0; i < 3; i++) {
		EXPECT_ERR(EINVAL, vdev_set_backend(g->dev, RXQ, dead));
		EXPECT_ERR(EINVAL, vdev_set_backend(g->dev, TXQ, dead));
		ASSERT_OK_AT(guest_check_alive(g, i), "round %u", i);
	}
	/* A queue that did not run does not run afterwards. */
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_ERR(EINVAL, vdev_set_backend(g->dev, TXQ, dead));
	EXPECT_OK(vdev_set_state(g->dev, VHOST_SET_VRING_NUM, TXQ,
				 g->vq[TXQ].num));
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, i));
	close(dead);
}

TEST(multi_queue_pairs)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR | IFF_MULTI_QUEUE,
	};
	struct guest a, b;
	unsigned int i;

	ASSERT_OK(guest_start(&a, &cfg));
	ASSERT_OK(guest_init(&b, &cfg));
	b.tap = tap_open(a.ifname, IFF_TAP | IFF_NO_PI | cfg.tap_flags);
	ASSERT_GE(b.tap, 0);
	ASSERT_OK(tap_set_hdr_len(b.tap, b.hdr_len));
	ASSERT_OK(guest_open_dev(&b));
	ASSERT_OK(guest_set_backend(&b, b.tap));
	b.pkt = dup(a.pkt);
	b.pkt_hdr = true;
	for (i = 0; i < 50; i++) {
		ASSERT_OK(guest_check_tx(&a, 60 + i, i, 1, false));
		ASSERT_OK(guest_check_tx(&b, 80 + i, i, 1, false));
	}
	/* The stack may choose either queue, unless one is detached. */
	guest_refill(&a, 200, 2048);
	guest_refill(&b, 200, 2048);
	ASSERT_OK(tap_set_queue(b.tap, false));
	for (i = 0; i < 20; i++)
		ASSERT_OK(guest_check_rx(&a, 60 + i, i));
	ASSERT_OK(tap_set_queue(b.tap, true));
	ASSERT_OK(tap_set_queue(a.tap, false));
	for (i = 0; i < 20; i++)
		ASSERT_OK(guest_check_rx(&b, 60 + i, i));
	/* A file with a detached queue has no device, so that sending fails. */
	OURS_ALONE("a batch that fails loses its descriptors");
	for (i = 0; i < 20; i++) {
		unsigned char frame[60];

		frame_make(frame, sizeof(frame), i);
		ASSERT_OK(guest_send(&a, NULL, frame, sizeof(frame), 1, false));
	}
	vq_submit(&a.vq[TXQ]);
	ASSERT_OK(guest_reap_all(&a));
	ASSERT_OK(tap_set_queue(a.tap, true));
	drop_captured(a.pkt);
	ASSERT_OK(guest_check_tx(&a, 60, 1, 1, false));
	guest_stop(&b);
	guest_stop(&a);
}

/*
 * L3: packets without an Ethernet header. One by one, since tun treats the
 * packets of a batch as Ethernet frames, even if it was opened as IFF_TUN.
 */
TEST(tun)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = true,
		.tun = true,
	};
	unsigned char packet[1500], back[2048];
	static struct guest_frame f;
	struct virtio_net_hdr hdr;
	struct guest g;
	size_t len;
	int n;

	ASSERT_OK(guest_start(&g, &cfg));
	for (len = 20; len <= sizeof(packet); len += 37) {
		frame_make_l3(packet, len, len);
		ASSERT_OK(guest_send(&g, NULL, packet, len, 2, false));
		vq_submit(&g.vq[TXQ]);
		n = packet_recv(g.pkt, &hdr, back, sizeof(back));
		ASSERT_EQ(len, n);
		EXPECT_EQ(0, memcmp(packet, back, len));
		ASSERT_OK(guest_reap_all(&g));

		guest_refill(&g, 1, 2048);
		memset(&hdr, 0, sizeof(hdr));
		ASSERT_OK(packet_send(g.pkt, &hdr, packet, len));
		ASSERT_OK(guest_recv(&g, &f));
		ASSERT_EQ(len, f.len);
		EXPECT_EQ(0, memcmp(packet, f.data, len));
	}
	guest_stop(&g);
}

/* Start a guest without a tap, and open @pkt on the other end of a veth. */
static int start_on_veth(struct guest *g, const struct guest_cfg *cfg)
{
	struct guest_cfg mine = *cfg;
	int err;

	mine.no_tap = true;
	err = guest_start(g, &mine);
	/* May be left by a failed test. Macvtaps on it are deleted with it. */
	link_del("v0");
	if (!err)
		err = link_add_veth("v0", "v1");
	if (!err)
		err = link_up("v0", true);
	if (!err)
		err = link_up("v1", true);
	if (err)
		return err;
	g->pkt = packet_open("v1", false);
	return g->pkt < 0 ? g->pkt : 0;
}

FIXTURE(other)
{
	struct guest g;
};

FIXTURE_VARIANT(other)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(other, vhost_header)
{
	.features = F_MODERN_BASE | F_EVENT_IDX | F_VHOST_HDR,
};

FIXTURE_VARIANT_ADD(other, vhost_header_legacy)
{
	.features = F_VHOST_HDR,
};

FIXTURE_VARIANT_ADD(other, packed)
{
	.features = F_PACKED_BASE | F_EVENT_IDX | F_VHOST_HDR,
};

FIXTURE_SETUP(other)
{
	struct guest_cfg cfg = { .features = variant->features };
	int err;

	err = start_on_veth(&self->g, &cfg);
	if (err == -EOPNOTSUPP)
		SETUP_SKIP("this kernel has no veth");
	ASSERT_OK(err);
}

FIXTURE_TEARDOWN(other)
{
	guest_stop(&self->g);
	link_del("v0");
}

TEST_F(other, packet_socket)
{
	struct guest *g = &self->g;
	int raw = packet_open("v0", false);

	ASSERT_GE(raw, 0);
	ASSERT_OK(guest_set_backend(g, raw));
	ASSERT_OK(check_both_ways(g));
	/* It keeps working after its opener closed it. */
	close(raw);
	ASSERT_OK(check_both_ways(g));
	ASSERT_OK(guest_set_backend(g, -1));
}

/* A frame that is too long for its buffer is dropped. */
/*
 * The device of a packet socket may refuse frames for a while: here the peer of
 * a veth has a smaller MTU. The frames wait, and the worker sleeps meanwhile.
 */
TEST_F(other, packet_socket_refuses_frames)
{
	struct guest *g = &self->g;
	int raw = packet_open("v0", false);
	unsigned char frame[200];
	unsigned int i;

	OURS_ALONE("tries again at once, indefinitely");
	ASSERT_GE(raw, 0);
	ASSERT_OK(guest_set_backend(g, raw));
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	ASSERT_OK(link_set_mtu("v1", 68));
	for (i = 0; i < 8; i++) {
		frame_make(frame, sizeof(frame), i);
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
	}
	vq_submit(&g->vq[TXQ]);
	ASSERT_THAT(wait_until(vdev_counter(g->dev, "queue1.retries") >= 5));
	EXPECT_LE(5, vdev_counter(g->dev, "queue1.socket_full"));
	EXPECT_EQ(0, vdev_counter(g->dev, "queue1.drop.send"));
	ASSERT_OK(link_set_mtu("v1", 1500));
	for (i = 0; i < 8; i++)
		ASSERT_OK_AT(guest_capture(g, sizeof(frame), i), "frame %u", i);
	EXPECT_OK(guest_reap_all(g));
	EXPECT_EQ(0, vdev_counter(g->dev, "queue1.ring_errors"));
	close(raw);
}

TEST_F(other, packet_socket_too_small_buffers)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	int raw = packet_open("v0", false);

	if (variant->features & F_MRG_RXBUF)
		SKIP(return, "only without mergeable buffers");
	ASSERT_GE(raw, 0);
	ASSERT_OK(guest_set_backend(g, raw));
	guest_refill(g, 1, g->hdr_len + 100);
	ASSERT_OK(guest_inject(g, 1000, 1));
	ASSERT_OK(guest_inject(g, 100, 2));
	ASSERT_OK(guest_recv(g, &f));
	EXPECT_EQ(100, f.len);
	EXPECT_TRUE(frame_is(f.data, f.len, 2));
	close(raw);
}

/* A thread that competes with the device for the packets of its socket. */
struct rival {
	pthread_t thread;
	int fd;
	bool stop;
};

static void *read_packets(void *data)
{
	struct rival *r = data;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		drop_captured(r->fd);
		sched_yield();
	}
	return NULL;
}

static int take_all(struct guest *g)
{
	static struct guest_frame f;
	int err = 0;

	while (!err && guest_has_frame(g))
		err = guest_recv(g, &f);
	guest_refill(g, 256, 2048);
	return err;
}

/* A packet that the other reader took is not counted as a lack of room. */
TEST_F(other, packet_socket_with_two_readers)
{
	unsigned int i, n = env_scaled(5000, 1000);
	struct guest *g = &self->g;
	struct rival rival = { 0 };
	int raw;

	raw = packet_open("v0", false);
	ASSERT_GE(raw, 0);
	ASSERT_OK(guest_set_backend(g, raw));
	rival.fd = dup(raw);
	ASSERT_GE(rival.fd, 0);
	ASSERT_EQ(0, pthread_create(&rival.thread, NULL, read_packets, &rival));
	for (i = 0; i < n; i++) {
		if (i % 32 == 0)
			ASSERT_OK(take_all(g));
		ASSERT_OK(guest_inject(g, 60, i));
	}
	__atomic_store_n(&rival.stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(rival.thread, NULL));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
	EXPECT_EQ(0, vdev_counter(g->dev, "queue0.drop.no_room"));
	drop_captured(raw);
	ASSERT_OK(take_all(g));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, raw));
	EXPECT_OK(guest_check_rx(g, 60, n));
	close(rival.fd);
	close(raw);
}

TEST_F(other, macvtap)
{
	struct guest *g = &self->g;
	int tap, err;

	err = link_add_macvtap("mvt0", "v0");
	if (err == -EOPNOTSUPP)
		SKIP(return, "this kernel has no macvtap");
	ASSERT_OK(err);
	ASSERT_OK(link_up("mvt0", true));
	tap = macvtap_open("mvt0");
	ASSERT_GE(tap, 0);
	/*
	 * By default a macvtap uses a header of 12 bytes, and segments by
	 * itself.
	 */
	if (variant->features & F_VHOST_HDR)
		ASSERT_OK(macvtap_set_flags(tap, IFF_TAP | IFF_NO_PI));
	ASSERT_OK(guest_set_backend(g, tap));
	ASSERT_OK(check_both_ways(g));
	ASSERT_OK(guest_set_backend(g, -1));
	close(tap);
}

TEST_F(other, macvtap_vnet_hdr)
{
	struct guest *g = &self->g;
	int tap, err;

	err = link_add_macvtap("mvt0", "v0");
	if (err == -EOPNOTSUPP)
		SKIP(return, "this kernel has no macvtap");
	ASSERT_OK(err);
	ASSERT_OK(link_up("mvt0", true));
	tap = macvtap_open("mvt0");
	ASSERT_GE(tap, 0);
	ASSERT_OK(vdev_set_features(g->dev, variant->features & ~F_VHOST_HDR));
	ASSERT_OK(macvtap_set_flags(tap, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR));
	ASSERT_OK(tap_set_hdr_len(tap, g->hdr_len));
	ASSERT_OK(guest_set_backend(g, tap));
	ASSERT_OK(check_both_ways(g));
	ASSERT_OK(guest_set_backend(g, -1));
	close(tap);
}

/* Change between kinds of backend with the same rings. */
TEST_F(other, change_of_kind)
{
	struct guest *g = &self->g;
	int raw = packet_open("v0", false);
	int tap, veth = g->pkt, host_end;
	unsigned int i;

	ASSERT_GE(raw, 0);
	tap = tap_open("tap0", IFF_TAP | IFF_NO_PI);
	ASSERT_GE(tap, 0);
	ASSERT_OK(tap_set_sndbuf(tap, 1 << 20));
	ASSERT_OK(link_up("tap0", true));
	host_end = packet_open("tap0", false);
	ASSERT_GE(host_end, 0);
	for (i = 0; i < 10; i++) {
		g->pkt = i & 1 ? veth : host_end;
		ASSERT_OK(guest_set_backend(g, i & 1 ? raw : tap));
		ASSERT_OK(check_both_ways(g));
	}
	g->pkt = veth;
	close(host_end);
	close(tap);
	close(raw);
}

VHOST_TEST_MAIN
