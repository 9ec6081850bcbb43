// SPDX-License-Identifier: GPL-2.0-only
/*
 * Features: what each kernel's vhost_net and vhost_alt offer, and the array of
 * words for features past the first 64. The second word has UDP tunnels, with a
 * header of 24 bytes.
 */
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "child.h"
#include "command.h"
#include "test.h"

/* What vhost_net of every kernel offers, and what was added later. */
#define ALWAYS		(F_REQUIRED | F_LOG_ALL | F_ACCESS_PLATFORM)
#define SINCE_6_12	F_RING_RESET
#define SINCE_6_18	F_IN_ORDER

static bool tun_has_tunnels(void)
{
	int tap = tap_open("probe0", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	int err;

	if (tap < 0)
		return false;
	err = tap_set_offload(tap, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 |
			      TUN_F_UDP_TUNNEL_GSO);
	close(tap);
	return !err;
}

static __u64 expected_word0(void)
{
	__u64 word = ALWAYS;

	if (env_is_ours() || env_kernel_at_least(6, 12))
		word |= SINCE_6_12;
	if (env_is_ours() || env_kernel_at_least(6, 18))
		word |= SINCE_6_18;
	return word;
}

/* No more than is implemented, and no less than vhost_net of any kernel. */
TEST(features_of_this_kernel)
{
	__u64 word = 0;
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	ASSERT_OK(vdev_get_features(fd, &word));
	/* Features that only vhost_alt has may be offered in addition. */
	if (env_is_ours())
		word &= ~F_RING_PACKED;
	EXPECT_EQ(expected_word0(), word);
	EXPECT_EQ(tun_has_tunnels(), vdev_offers2(F2_TUNNEL));
	EXPECT_FALSE(vdev_offers2(~F2_TUNNEL));
	close(fd);
}

TEST(backend_features)
{
	__u64 word = 0;
	int fd = vdev_open();

	ASSERT_GE(fd, 0);
	EXPECT_OK(vdev_cmd(fd, VHOST_GET_BACKEND_FEATURES, &word));
	EXPECT_EQ(BACKEND_F_IOTLB_MSG_V2, word);
	close(fd);
}

FIXTURE(array)
{
	int fd;
	__u64 word[2];	/* what is offered */
};

FIXTURE_SETUP(array)
{
	self->fd = vdev_open();
	ASSERT_GE(self->fd, 0);
	if (!env_is_ours() && !env_kernel_at_least(6, 17))
		SETUP_SKIP("vhost_net of this kernel has no such command");
	ASSERT_OK(vdev_get_features(self->fd, &self->word[0]));
	self->word[1] = tun_has_tunnels() ? F2_TUNNEL : 0;
}

FIXTURE_TEARDOWN(array)
{
	close(self->fd);
}

#define CANARY	0x5a5a5a5a5a5a5a5aULL

/* As many words as requested and no more; the unknown ones are 0. */
TEST_F(array, get)
{
	static const unsigned int counts[] = { 0, 1, 2, 3, 4, 63, 64, 1000 };
	static __u64 a[1002];
	unsigned int i, w, n;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		n = counts[i];
		memset(a, CANARY & 0xff, sizeof(a));
		a[0] = n;
		ASSERT_OK(vdev_cmd(self->fd, VHOST_GET_FEATURES_ARRAY, a));
		EXPECT_EQ(n, a[0]);
		for (w = 0; w < n; w++)
			EXPECT_EQ(w < 2 ? self->word[w] : 0, a[1 + w]);
		EXPECT_EQ(CANARY, a[1 + n]);
	}
}

TEST_F(array, get_out_of_bounds)
{
	__u64 *a = page_end(3 * sizeof(*a));

	ASSERT_NE(NULL, a);
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_GET_FEATURES_ARRAY,
				    BAD_PTR));
	a[0] = 2;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_GET_FEATURES_ARRAY, a));
	a[0] = 3;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_GET_FEATURES_ARRAY, a));
	/* A size in bytes that overflows fails like any that is too large. */
	a[0] = ~0ULL;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_GET_FEATURES_ARRAY, a));
	a[0] = 1ULL << 61;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_GET_FEATURES_ARRAY, a));
	a[2] = 1;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_GET_FEATURES_ARRAY,
				    &a[2]));
	a[2] = 0;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_GET_FEATURES_ARRAY, &a[2]));
}

/* A command for a huge array ends when its process is killed. */
TEST_F(array, get_is_killed)
{
	const size_t size = 128 << 20, last = size / sizeof(__u64) - 1;
	__u64 *a;
	int status;
	pid_t pid;

	OURS_ALONE("a process in this command cannot be killed");
	a = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, a);
	a[0] = last;
	a[3] = CANARY;
	a[last] = CANARY;
	pid = child_fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(vdev_cmd(self->fd, VHOST_GET_FEATURES_ARRAY, a) != 0);
	EXPECT_TRUE(wait_until(!__atomic_load_n(&a[3], __ATOMIC_ACQUIRE)));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	/* The command has not gone on to the end of the array. */
	EXPECT_EQ(CANARY, a[last]);
}

TEST_F(array, set)
{
	unsigned int i, w, n;
	__u64 a[10];

	memset(a, 0, sizeof(a));
	/* Words that are left out are 0. */
	for (n = 0; n < 9; n++) {
		a[0] = n;
		a[1] = F_MODERN;
		EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
	}
	a[0] = 9;
	a[1] = 0;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
	for (w = 0; w < 9; w++) {
		for (i = 0; i < 64; i++) {
			/* These need a log and an IOTLB: tested elsewhere. */
			if (!w && (F_LOG_ALL | F_ACCESS_PLATFORM) & BIT_ULL(i))
				continue;
			a[1 + w] = BIT_ULL(i);
			if (!w && F_RING_PACKED & BIT_ULL(i))
				a[1 + w] |= F_VERSION_1;
			EXPECT_ERR(w < 2 && self->word[w] & BIT_ULL(i) ?
				   0 : EOPNOTSUPP,
				   vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY,
					    a));
		}
		a[1 + w] = 0;
	}
	/* Words past the count are not read. */
	memset(a, 0xff, sizeof(a));
	a[0] = 0;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
	a[0] = 1;
	a[1] = F_MODERN;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
}

TEST_F(array, set_out_of_bounds)
{
	__u64 *a = page_end(3 * sizeof(*a));

	ASSERT_NE(NULL, a);
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY,
				    BAD_PTR));
	a[0] = 2;
	a[1] = F_MODERN;
	a[2] = 0;
	EXPECT_OK(vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
	a[0] = 3;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
	/* EFAULT comes before EOPNOTSUPP. */
	a[1] = BIT_ULL(63);
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
	a[0] = ~0ULL;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
	a[0] = 2;
	EXPECT_ERR(EOPNOTSUPP, vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
	/* Of unknown words, the first that is not 0 ends the command. */
	a = page_end(4 * sizeof(*a));
	ASSERT_NE(NULL, a);
	a[0] = 100;
	a[1] = 0;
	a[2] = 0;
	a[3] = 1;
	EXPECT_ERR(EOPNOTSUPP, vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
	a[3] = 0;
	EXPECT_ERR(EFAULT, vdev_cmd(self->fd, VHOST_SET_FEATURES_ARRAY, a));
}

/* With a running guest: a failure changes nothing, a success is legal. */
TEST_F(array, while_running)
{
	struct guest_cfg cfg = {
		.features = F_MODERN, .tap_flags = IFF_VNET_HDR,
	};
	__u64 bad[4] = { 3, 0, 0, 1 }, word = BIT_ULL(63), good[2];
	struct guest g;

	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_ERR(EOPNOTSUPP, vdev_cmd(g.dev, VHOST_SET_FEATURES_ARRAY, bad));
	EXPECT_ERR(EOPNOTSUPP, vdev_set_features2(g.dev, word, 0));
	EXPECT_ERR(EOPNOTSUPP, vdev_set_features2(g.dev, 0, word));
	EXPECT_ERR(EFAULT, vdev_cmd(g.dev, VHOST_SET_FEATURES_ARRAY, BAD_PTR));
	EXPECT_OK(guest_check_alive(&g, 0));
	good[0] = 1;
	good[1] = F_MODERN;
	EXPECT_OK(vdev_cmd(g.dev, VHOST_SET_FEATURES_ARRAY, good));
	EXPECT_OK(guest_check_alive(&g, 100));
	guest_stop(&g);
}

/* The array sets the same features as SET_FEATURES. */
TEST_F(array, same_as_set_features)
{
	struct guest_cfg cfg = {
		.features = F_NOTIFY_ON_EMPTY, .tap_flags = IFF_VNET_HDR,
	};
	__u64 modern[2] = { 1, F_MODERN };
	struct guest g;

	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_OK(guest_check_alive(&g, 0));
	/* From a header of 10 bytes to one of 12. */
	ASSERT_OK(guest_set_backend(&g, -1));
	ASSERT_OK(vdev_cmd(g.dev, VHOST_SET_FEATURES_ARRAY, modern));
	g.cfg.features = F_MODERN;
	g.vq[RXQ].features = F_MODERN;
	g.vq[TXQ].features = F_MODERN;
	g.hdr_len = HDR_LEN_MRG;
	ASSERT_OK(tap_set_hdr_len(g.tap, HDR_LEN_MRG));
	ASSERT_OK(guest_set_backend(&g, g.tap));
	EXPECT_OK(guest_check_alive(&g, 100));
	guest_stop(&g);
}

/* ---- the header with tunnels ---- */

FIXTURE(tunnel)
{
	struct guest g;
};

FIXTURE_VARIANT(tunnel)
{
	__u64 features;
	__u64 features2;
	bool limit_sndbuf;
};

FIXTURE_VARIANT_ADD(tunnel, both)
{
	.features = F_MODERN,
	.features2 = F2_TUNNEL,
};

FIXTURE_VARIANT_ADD(tunnel, single)
{
	.features = F_MODERN,
	.features2 = F2_TUNNEL,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(tunnel, guest_only)
{
	.features = F_MODERN,
	.features2 = F2_GUEST_TUNNEL,
};

FIXTURE_VARIANT_ADD(tunnel, host_only_one_buffer)
{
	.features = F_VERSION_1,
	.features2 = F2_HOST_TUNNEL,
};

FIXTURE_VARIANT_ADD(tunnel, header_by_vhost)
{
	.features = F_MODERN | F_VHOST_HDR,
	.features2 = F2_TUNNEL,
};

FIXTURE_SETUP(tunnel)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.features2 = variant->features2,
		.tap_flags = variant->features & F_VHOST_HDR ? 0 : IFF_VNET_HDR,
		.limit_sndbuf = variant->limit_sndbuf,
		.slot_size = HDR_LEN_MAX + FRAME_MAX,
		.slots = 64,
	};

	SETUP_NEEDS2(variant->features2);
	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_EQ(HDR_LEN_TUNNEL, self->g.hdr_len);
}

FIXTURE_TEARDOWN(tunnel)
{
	guest_stop(&self->g);
}

static const size_t sizes[] = {
	15, 60, 61, 100, 1514, 4083, 4084, 4096, 9014, 32768, 65535,
};

TEST_F(tunnel, frames_both_ways)
{
	struct guest *g = &self->g;
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		len = frame_near_page(sizes[i]);
		ASSERT_OK_AT(guest_check_tx(g, len, i, 2, false),
			     "%zu bytes out", len);
		ASSERT_OK(guest_post(g, g->hdr_len + len, 3, false));
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK_AT(guest_check_rx(g, len, i), "%zu bytes in", len);
	}
}

/* The number of buffers is at its usual place, and the rest is zero. */
TEST_F(tunnel, header_has_no_stale_bytes)
{
	unsigned char want[HDR_LEN_TUNNEL] = { [10] = 1 };
	static struct guest_frame f;
	struct guest *g = &self->g;

	if (variant->features & F_VHOST_HDR)
		OURS_ALONE("makes only the first 12 bytes of the header");
	memset(&f, 0xff, sizeof(f));
	gmem_fill(&g->mem, g->pool[RXQ].slot[0].gpa, 0xff, 4096);
	ASSERT_EQ(1, guest_refill(g, 1, 2048));
	ASSERT_OK(guest_inject(g, 60, 0));
	ASSERT_OK(guest_recv(g, &f));
	EXPECT_EQ(60, f.len);
	EXPECT_EQ(0, memcmp(want, f.whole_hdr, sizeof(want)));
}

TEST_F(tunnel, num_buffers)
{
	unsigned int i, n, size = 256;
	static struct guest_frame f;
	struct guest *g = &self->g;

	if (!(variant->features & F_MRG_RXBUF))
		SKIP(return, "only with mergeable buffers");
	for (i = 0; i < 10; i++) {
		while (!guest_post(g, size, 1, false))
			;
		vq_submit(&g->vq[RXQ]);
		n = (HDR_LEN_TUNNEL + 60 + i * 300 + size - 1) / size;
		ASSERT_OK(guest_inject(g, 60 + i * 300, i));
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_EQ(n, f.nbufs);
		ASSERT_THAT(frame_is(f.data, 60 + i * 300, i));
	}
}

/* A chain shorter than the header is not a packet. */
TEST_F(tunnel, chain_shorter_than_header)
{
	struct guest *g = &self->g;
	size_t whole = g->hdr_len, len;
	unsigned char zero[HDR_LEN_TUNNEL] = { 0 };

	OURS_ALONE("a chain shorter than its header stops the queue");
	for (len = 1; len <= whole; len++) {
		g->hdr_len = 0;
		ASSERT_OK(guest_send(g, NULL, zero, len, 1, false));
		g->hdr_len = whole;
		vq_submit(&g->vq[TXQ]);
		ASSERT_OK(guest_reap_all(g));
	}
	EXPECT_OK(guest_check_alive(g, 0));
}

/* Set ring and tap back to the header without tunnels. */
static int forget_tunnels(struct guest *g)
{
	int err = 0;

	g->hdr_len = HDR_LEN_MRG;
	if (g->cfg.features & F_VHOST_HDR)
		return 0;
	/* With tunnel offloads tun would write past a shorter header. */
	err = tap_set_offload(g->tap, 0);
	return err ? err : tap_set_hdr_len(g->tap, HDR_LEN_MRG);
}

/* SET_FEATURES has only the first word, and sets the second to 0. */
TEST_F(tunnel, set_features_clears_tunnels)
{
	struct guest *g = &self->g;

	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_OK(vdev_set_features(g->dev, variant->features));
	ASSERT_OK(forget_tunnels(g));
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 100));
}

/* So does an array of one word. */
TEST_F(tunnel, array_of_one_word_clears_tunnels)
{
	__u64 array[2] = { 1, variant->features };
	struct guest *g = &self->g;

	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_OK(vdev_cmd(g->dev, VHOST_SET_FEATURES_ARRAY, array));
	ASSERT_OK(forget_tunnels(g));
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 100));
}

/* ---- a packet in a tunnel ---- */

#define INNER_LEN	4000
#define OUTER_UDP	34	/* after Ethernet and IPv4 */
#define INNER_NET	(OUTER_UDP + 8 + 8 + 14)
#define INNER_TCP	(INNER_NET + 20)
#define TUNNEL_LEN	(INNER_TCP + 20 + INNER_LEN)
#define TUNNEL_MSS	1000

static void put16(unsigned char *p, __u16 v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static __u32 sum16(const unsigned char *p, size_t len, __u32 sum)
{
	for (; len > 1; p += 2, len -= 2)
		sum += p[0] << 8 | p[1];
	return sum;
}

static __u16 fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put_ipv4(unsigned char *p, size_t len, unsigned char protocol)
{
	static const unsigned char addr[8] = { 10, 0, 0, 1, 10, 0, 0, 2 };

	memset(p, 0, 20);
	p[0] = 0x45;
	put16(p + 2, len);
	p[8] = 64;
	p[9] = protocol;
	memcpy(p + 12, addr, sizeof(addr));
	put16(p + 10, ~fold(sum16(p, 20, 0)));
}

/*
 * VXLAN around TCP over IPv4; inner checksum and segmentation are left to do.
 */
static void make_tunnel_frame(unsigned char *p)
{
	unsigned char *tcp = p + INNER_TCP;
	unsigned int i, tcp_len = 20 + INNER_LEN;

	memset(p, 0, TUNNEL_LEN);
	memset(p, 0xff, 6);
	/* A bridge forwards no frame without a source address. */
	p[6] = 2;
	put16(p + 12, 0x0800);
	put_ipv4(p + 14, TUNNEL_LEN - 14, 17);
	put16(p + OUTER_UDP, 1234);
	put16(p + OUTER_UDP + 2, 4789);
	put16(p + OUTER_UDP + 4, TUNNEL_LEN - OUTER_UDP);
	p[OUTER_UDP + 8] = 0x08;
	memset(p + INNER_NET - 14, 0xff, 6);
	put16(p + INNER_NET - 2, 0x0800);
	put_ipv4(p + INNER_NET, 20 + tcp_len, 6);
	put16(tcp, 1);
	put16(tcp + 2, 2);
	tcp[12] = 0x50;
	tcp[13] = 0x10;
	put16(tcp + 16, fold(sum16(p + INNER_NET + 12, 8, 6 + tcp_len)));
	for (i = 0; i < INNER_LEN; i++)
		tcp[20 + i] = i * 7;
}

static void make_tunnel_hdr(unsigned char *hdr)
{
	struct virtio_net_hdr plain = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		/* TCP in a tunnel over UDP over IPv4. */
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | 0x20,
		.hdr_len = INNER_TCP + 20,
		.gso_size = TUNNEL_MSS,
		.csum_start = INNER_TCP,
		.csum_offset = 16,
	};
	__u16 outer = OUTER_UDP, inner = INNER_NET;

	memset(hdr, 0, HDR_LEN_TUNNEL);
	memcpy(hdr, &plain, sizeof(plain));
	memcpy(hdr + 20, &outer, 2);
	memcpy(hdr + 22, &inner, 2);
}

/* From one guest to the other, unsegmented and with the same header. */
TEST_F(tunnel, gso_from_guest_to_guest)
{
	static unsigned char frame[HDR_LEN_TUNNEL + TUNNEL_LEN];
	struct guest *g = &self->g, h;
	struct guest_cfg cfg = g->cfg;
	static struct guest_frame f;
	struct vq_used used;
	__u64 gpa = 0x8000000000ULL;
	int err;

	if (variant->features2 != F2_TUNNEL || variant->features & F_VHOST_HDR)
		SKIP(return, "needs tunnels both ways");
	err = link_add_bridge("br0");
	if (err)
		SKIP(return, "no bridge here: %s", strerror(-err));
	cfg.ifname = "tap1";
	ASSERT_OK(guest_start(&h, &cfg));
	ASSERT_OK(link_set_mtu("br0", 1500));
	ASSERT_OK(link_set_bridge(g->ifname, "br0"));
	ASSERT_OK(link_set_bridge(h.ifname, "br0"));
	ASSERT_OK(link_up("br0", true));

	ASSERT_OK(gmem_add(&g->mem, gpa, 0x10000));
	ASSERT_OK(vdev_set_mem(g->dev, &g->mem));
	make_tunnel_hdr(frame);
	make_tunnel_frame(frame + HDR_LEN_TUNNEL);
	ASSERT_THAT(gmem_write(&g->mem, gpa, frame, sizeof(frame)));
	ASSERT_EQ(1, guest_refill(&h, 1, 8192));
	ASSERT_OK(vq_add_out(&g->vq[TXQ], gpa, sizeof(frame), 0));
	vq_submit(&g->vq[TXQ]);
	ASSERT_OK(guest_recv(&h, &f));
	ASSERT_EQ(TUNNEL_LEN, f.len);
	EXPECT_EQ(0, memcmp(frame + HDR_LEN_TUNNEL, f.data, TUNNEL_LEN));
	/* All but the count of buffers is the same, and hdr_len is a hint. */
	f.whole_hdr[10] = 0;
	memcpy(f.whole_hdr + 2, frame + 2, 2);
	EXPECT_EQ(0, memcmp(frame, f.whole_hdr, HDR_LEN_TUNNEL));
	EXPECT_TRUE(vq_wait_pop(&g->vq[TXQ], &used));

	guest_stop(&h);
	EXPECT_OK(link_del("br0"));
}

VHOST_TEST_MAIN
