// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way in which OpenConnect uses a device, as no VMM does: it is the guest
 * itself. One memory region covers its address space, both rings share their
 * eventfds, which are set after the backend, and that is a tun whose send
 * buffer is limited only then.
 */
#include <stdlib.h>
#include <linux/vhost.h>

#include "test.h"

/* The first page is not part of the region. The size is that of x86-64. */
#define SPACE_START	4096ULL
#define SPACE_SIZE	0x7fffffffe000ULL

/* No process has memory of its own from here on, only the vsyscall page. */
#define KERNEL_START	BIT_ULL(63)

/* OpenConnect's header is the device's. */
#define FEATURES	(F_VERSION_1 | F_EVENT_IDX | F_VHOST_HDR)

#define MTU		1400

static int set_region(int dev, __u64 size)
{
	struct vhost_memory *table;
	int err;

	table = calloc(1, sizeof(*table) + sizeof(*table->regions));
	if (!table)
		return -ENOMEM;
	table->nregions = 1;
	table->regions[0].guest_phys_addr = SPACE_START;
	table->regions[0].userspace_addr = SPACE_START;
	table->regions[0].memory_size = size;
	err = vdev_cmd(dev, VHOST_SET_MEM_TABLE, table);
	free(table);
	return err;
}

/* The start of this process's last mapping; 0 on failure. */
static __u64 last_mapping(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end, last = 0;

	while (f && fscanf(f, "%lx-%lx%*[^\n]", &start, &end) == 2)
		if (start < KERNEL_START)
			last = start;
	if (f)
		fclose(f);
	return last;
}

/*
 * User-mode Linux has a smaller address space, and refuses its last page, which
 * is the vDSO. On arm64 the size depends on the kernel and its pages. Take what
 * lies below the last mapping there.
 */
static int set_whole_space(int dev)
{
	const char *machine = getenv("VHOST_ALT_MACHINE") ?: "";

	if (!strcmp(machine, "qemu"))
		return set_region(dev, SPACE_SIZE);
	return set_region(dev, last_mapping() - SPACE_START);
}

/* Let the guest's addresses be those of this process. */
static void map_identically(struct guest *g)
{
	struct gmem_region *r = &g->mem.region[0];
	__u64 shift = (unsigned long)r->hva - r->gpa;
	unsigned int i, slot;

	r->gpa += shift;
	for (i = 0; i < NR_VQS; i++)
		for (slot = 0; slot < g->pool[i].nslots; slot++)
			g->pool[i].slot[slot].gpa += shift;
}

/* One eventfd for the kicks of both rings, and one for their calls. */
static int share_events(struct vq *to, const struct vq *from)
{
	if (dup2(from->kick, to->kick) < 0 || dup2(from->call, to->call) < 0)
		return -errno;
	return 0;
}

/* The backend comes before the eventfds, so the ring runs without them. */
static int set_ring(struct guest *g, struct vq *vq)
{
	int err;

	err = vdev_set_state(g->dev, VHOST_SET_VRING_NUM, vq->index, vq->num);
	if (!err)
		err = vdev_set_state(g->dev, VHOST_SET_VRING_BASE, vq->index,
				     0);
	if (!err)
		err = vdev_set_addr(g->dev, vq);
	if (!err)
		err = vdev_set_backend(g->dev, vq->index, g->tap);
	if (!err)
		err = vdev_set_file(g->dev, VHOST_SET_VRING_CALL, vq->index,
				    vq->call);
	if (!err)
		err = vdev_set_file(g->dev, VHOST_SET_VRING_KICK, vq->index,
				    vq->kick);
	return err;
}

/* The device is opened and set up in OpenConnect's order. */
static int start_device(struct guest *g)
{
	int err;

	g->dev = vdev_open();
	if (g->dev < 0)
		return g->dev;
	err = vdev_set_owner(g->dev);
	if (!err)
		err = vdev_set_features(g->dev, FEATURES);
	if (!err)
		err = set_whole_space(g->dev);
	if (!err)
		err = set_ring(g, &g->vq[RXQ]);
	if (!err)
		err = set_ring(g, &g->vq[TXQ]);
	return err;
}

/* Send a packet to the host without waiting for it. */
static int send_packet(struct guest *g, size_t len, __u32 seq)
{
	unsigned char packet[MTU];
	int err;

	err = guest_wait_room(g, 1);
	if (err)
		return err;
	frame_make_l3(packet, len, seq);
	err = guest_send(g, NULL, packet, len, 1, false);
	vq_submit(&g->vq[TXQ]);
	return err;
}

static int is_packet(const void *data, size_t got, size_t len, __u32 seq)
{
	unsigned char packet[MTU];

	frame_make_l3(packet, len, seq);
	return got == len && !memcmp(data, packet, len) ? 0 : -EBADMSG;
}

static int capture_packet(struct guest *g, size_t len, __u32 seq)
{
	unsigned char packet[MTU + 1];
	int n = packet_recv(g->pkt, NULL, packet, sizeof(packet));

	return n < 0 ? n : is_packet(packet, n, len, seq);
}

static int inject_packet(struct guest *g, size_t len, __u32 seq)
{
	unsigned char packet[MTU];

	frame_make_l3(packet, len, seq);
	return packet_send(g->pkt, NULL, packet, len);
}

static int recv_packet(struct guest *g, size_t len, __u32 seq)
{
	static struct guest_frame f;
	int err = guest_recv(g, &f);

	return err ? err : is_packet(f.data, f.len, len, seq);
}

/* From a bare IP header to the MTU, in no order. */
static size_t packet_len(unsigned int seq)
{
	return 20 + seq * 37 % (MTU - 20 + 1);
}

FIXTURE(openconnect)
{
	struct guest g;
};

FIXTURE_VARIANT(openconnect)
{
	unsigned int num;
};

/* The sizes for --queue-len 32 and 256. */
FIXTURE_VARIANT_ADD(openconnect, ring_of_32)
{
	.num = 32,
};

FIXTURE_VARIANT_ADD(openconnect, ring_of_256)
{
	.num = 256,
};

FIXTURE_SETUP(openconnect)
{
	struct guest_cfg cfg = {
		.features = FEATURES,
		.num = variant->num,
		.tun = true,
		.one_region = true,
	};
	struct guest *g = &self->g;

	ASSERT_OK(guest_init(g, &cfg));
	map_identically(g);
	ASSERT_OK(share_events(&g->vq[TXQ], &g->vq[RXQ]));
	ASSERT_OK(netns_enter());
	ASSERT_OK(guest_open_tap(g));
	ASSERT_OK(start_device(g));
}

FIXTURE_TEARDOWN(openconnect)
{
	guest_stop(&self->g);
}

/* Single packets and as many as the ring holds, many times around it. */
TEST_F(openconnect, both_ways)
{
	unsigned int i, burst, seq = 0, rounds = env_scaled(20, 4);
	unsigned int max = variant->num - 1;
	struct guest *g = &self->g;

	ASSERT_OK(tap_set_sndbuf(g->tap, MTU * 2 * variant->num));
	while (rounds--) {
		burst = rounds & 1 ? 1 : max;
		guest_refill(g, max, g->hdr_len + MTU);
		for (i = seq; i < seq + burst; i++) {
			ASSERT_OK_AT(send_packet(g, packet_len(i), i), "%u", i);
			ASSERT_OK_AT(inject_packet(g, packet_len(i + 7), i),
				     "%u", i);
		}
		for (i = seq; i < seq + burst; i++) {
			ASSERT_OK_AT(capture_packet(g, packet_len(i), i), "%u",
				     i);
			ASSERT_OK_AT(recv_packet(g, packet_len(i + 7), i), "%u",
				     i);
		}
		seq += burst;
	}
	EXPECT_OK(guest_reap_all(g));
}

/* The send buffer changes while packets wait for it. */
TEST_F(openconnect, sndbuf_changes_under_traffic)
{
	unsigned int i, round, seq = 0, rounds = env_scaled(30, 6);
	unsigned int max = variant->num - 1;
	struct guest *g = &self->g;

	ASSERT_OK(tap_set_sndbuf(g->tap, MTU * 2 * variant->num));
	for (round = 0; round < rounds; round++) {
		for (i = seq; i < seq + max; i++) {
			ASSERT_OK_AT(send_packet(g, packet_len(i), i), "%u", i);
			if (i % 4 == round % 4)
				ASSERT_OK(tap_set_sndbuf(g->tap,
							 MTU * (2 + i % 64)));
		}
		for (i = seq; i < seq + max; i++)
			ASSERT_OK_AT(capture_packet(g, packet_len(i), i), "%u",
				     i);
		seq += max;
	}
	EXPECT_OK(guest_reap_all(g));
}

VHOST_TEST_MAIN
