// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let memory run out, or a copy from or to user memory fail, for the worker in
 * the middle of packets, at each place in turn. At most that packet is dropped,
 * and counted; every other one is passed on once, and every chain is used once.
 * The rings go on by themselves. Needs CONFIG_FAULT_INJECTION.
 */
#include <unistd.h>

#include "dlog.h"
#include "fault.h"
#include "iotlb.h"
#include "test.h"
#include "thread.h"

static int worker_knob(void)
{
	pid_t tid;

	return threads_of(getpid(), &tid, 1) ? fault_knob_open(tid) : -ESRCH;
}

/* Frames that are sent in batches, and frames that are sent alone. */
static const struct {
	size_t len;
	unsigned int nseg;
	bool indirect;
} mix[] = {
	{ 60, 1, false }, { 1000, 3, false },
	{ 1900, 4, true }, { 14, 2, false },
};

#define MIX		(sizeof(mix) / sizeof(*mix))

static int send_mix(struct guest *g)
{
	static unsigned char frame[2048];
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < MIX; i++) {
		frame_make(frame, mix[i].len, i);
		err = guest_send(g, NULL, frame, mix[i].len, mix[i].nseg,
				 mix[i].indirect);
	}
	vq_submit(&g->vq[TXQ]);
	return err;
}

/*
 * Check that captured frames are complete and in order, and that none comes
 * twice. Return: their number, or -EBADMSG.
 */
static int captured(struct guest *g)
{
	unsigned char got[2049];
	struct virtio_net_hdr hdr;
	unsigned int i = 0;
	int n, count = 0;

	while ((n = packet_recv_now(g->pkt, &hdr, got, sizeof(got))) >= 0) {
		for (; i < MIX; i++)
			if (n == mix[i].len && frame_is(got, n, i))
				break;
		if (i++ == MIX)
			return -EBADMSG;
		count++;
	}
	return n == -EAGAIN ? count : n;
}

/*
 * The same for received frames, of which there must be @count. One too many
 * takes the place of one that the caller expects next.
 */
static int check_received(struct guest *g, unsigned int count)
{
	static struct guest_frame f;
	unsigned int i = 0;
	int err;

	while (count--) {
		err = guest_recv(g, &f);
		if (err)
			return err;
		for (; i < MIX; i++)
			if (f.len == mix[i].len && frame_is(f.data, f.len, i))
				break;
		if (i++ == MIX)
			return -EBADMSG;
	}
	return 0;
}

/* A guest whose worker has faults injected. */
FIXTURE(worker_fault)
{
	struct guest g;
	struct iotlb t;
	bool translated;
};

FIXTURE_VARIANT(worker_fault)
{
	__u64 features;
	bool limit_sndbuf;
};

FIXTURE_VARIANT_ADD(worker_fault, plain)
{
	.features = F_EVENT_IDX,
};

/* With a limited send buffer, a send that fails may succeed later. */
FIXTURE_VARIANT_ADD(worker_fault, single)
{
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(worker_fault, in_order)
{
	.features = F_EVENT_IDX | F_IN_ORDER,
};

FIXTURE_VARIANT_ADD(worker_fault, logged)
{
	.features = F_LOG_ALL,
};

FIXTURE_VARIANT_ADD(worker_fault, iotlb)
{
	.features = F_EVENT_IDX | F_ACCESS_PLATFORM,
};

FIXTURE_VARIANT_ADD(worker_fault, packed)
{
	.features = F_EVENT_IDX | F_RING_PACKED,
};

FIXTURE_VARIANT_ADD(worker_fault, packed_single)
{
	.features = F_RING_PACKED,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(worker_fault, packed_in_order)
{
	.features = F_EVENT_IDX | F_RING_PACKED | F_IN_ORDER,
};

FIXTURE_VARIANT_ADD(worker_fault, packed_logged)
{
	.features = F_RING_PACKED | F_LOG_ALL,
};

FIXTURE_VARIANT_ADD(worker_fault, packed_iotlb)
{
	.features = F_EVENT_IDX | F_RING_PACKED | F_ACCESS_PLATFORM,
};

/*
 * Give the log page tables and pages. Without them, ARCH=um crashes if the
 * kernel accesses the log while an allocation for them fails.
 */
static void touch_log(const struct guest *g, unsigned char *log)
{
	const struct gmem_region *r;
	__u64 at, end;
	unsigned int i;

	for (i = 0; i < g->mem.nregions; i++) {
		r = &g->mem.region[i];
		end = (r->gpa + r->size - 1) / DLOG_PAGE / 8;
		for (at = r->gpa / DLOG_PAGE / 8; at < end; at += DLOG_PAGE)
			log[at] = 0;
		log[end] = 0;
	}
}

static int start_logged(struct guest *g, const struct guest_cfg *cfg)
{
	struct guest_cfg mine = *cfg;
	unsigned char *log;
	__u64 base;
	int err;

	mine.features &= ~F_LOG_ALL;
	err = guest_start(g, &mine);
	if (err || mine.features == cfg->features)
		return err;
	log = fault_map_log();
	base = (unsigned long)log;
	touch_log(g, log);
	g->vq[RXQ].log_used = true;
	g->vq[TXQ].log_used = true;
	err = vdev_cmd(g->dev, VHOST_SET_LOG_BASE, &base);
	if (!err)
		err = vdev_set_features(g->dev, cfg->features);
	/* With new addresses the rings are logged too. */
	return err ? err : guest_restart(g);
}

FIXTURE_SETUP(worker_fault)
{
	struct iotlb_cfg iotlb = { .v2 = true, .scatter = true };
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_INDIRECT |
			    variant->features,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = variant->limit_sndbuf,
		.num = 64,
		.ind_max = 8,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net differs: faults lose descriptors");
	fault_set_knobs();
	self->translated = cfg.features & F_ACCESS_PLATFORM;
	if (self->translated)
		ASSERT_OK(iotlb_guest_start(&self->t, &self->g, &iotlb, &cfg));
	else
		ASSERT_OK(start_logged(&self->g, &cfg));
}

FIXTURE_TEARDOWN(worker_fault)
{
	if (self->translated)
		iotlb_guest_stop(&self->t, &self->g);
	else
		guest_stop(&self->g);
}

/*
 * A frame that cannot be copied or sent is dropped and its buffer is used; a
 * ring that cannot be read or written goes on by itself.
 */
TEST_F(worker_fault, transmit)
{
	struct guest *g = &self->g;
	unsigned int n, left = 0;
	__u64 sent, dropped;
	int worker, count;

	worker = worker_knob();
	ASSERT_LE(0, worker);
	for (n = 1; !left && n < FAULTS_MAX; n++) {
		sent = vdev_counter(g->dev, "queue1.packets");
		dropped = vdev_counter_sum(g->dev, "queue1.drop.");
		ASSERT_OK(fault_knob_arm(worker, n));
		ASSERT_OK(send_mix(g));
		ASSERT_OK_AT(guest_reap_all(g), "fault %u", n);
		left = fault_knob_disarm(worker);
		sent = vdev_counter(g->dev, "queue1.packets") - sent;
		dropped = vdev_counter_sum(g->dev, "queue1.drop.") - dropped;
		EXPECT_EQ(MIX, sent + dropped);
		/* tun does not report a frame that it drops in a batch. */
		count = captured(g);
		ASSERT_THAT_AT(count <= sent && MIX - count <= 1,
			       "fault %u: %llu sent, %d captured", n, sent,
			       count);
		ASSERT_OK_AT(guest_check_alive(g, n), "fault %u", n);
	}
	EXPECT_LT(2, n);
	EXPECT_NE(0, left);
	fault_report("transmit", n - 2);
	close(worker);
}

/* Packets dropped; drops of chains do not count, as the packet waits. */
static __u64 lost_packets(const struct guest *g)
{
	return vdev_counter(g->dev, "queue0.drop.no_room") +
	       vdev_counter(g->dev, "queue0.drop.receive") +
	       vdev_counter(g->dev, "queue0.drop.write");
}

static __u64 received_packets(const struct guest *g)
{
	return vdev_counter(g->dev, "queue0.packets");
}

/* The same for receive, with frames that need several buffers. */
TEST_F(worker_fault, receive)
{
	struct guest *g = &self->g;
	unsigned int n, i, left = 0;
	__u64 received, lost;
	int worker;

	worker = worker_knob();
	ASSERT_LE(0, worker);
	for (n = 1; !left && n < FAULTS_MAX; n++) {
		received = received_packets(g);
		lost = lost_packets(g);
		guest_refill(g, 64, 256);
		ASSERT_OK(fault_knob_arm(worker, n));
		for (i = 0; i < MIX; i++)
			ASSERT_OK(guest_inject(g, mix[i].len, i));
		ASSERT_THAT_AT(wait_until(received_packets(g) +
					  lost_packets(g) - received - lost >=
					  MIX), "fault %u", n);
		left = fault_knob_disarm(worker);
		lost = lost_packets(g) - lost;
		EXPECT_GE(1, lost);
		ASSERT_OK_AT(check_received(g, MIX - lost), "fault %u", n);
		ASSERT_OK_AT(guest_check_alive(g, n), "fault %u", n);
	}
	EXPECT_LT(2, n);
	EXPECT_NE(0, left);
	fault_report("receive", n - 2);
	close(worker);
}

/* Let all page allocations of the worker fail, or no longer. */
static int starve(pid_t tid, bool on)
{
	char path[64];
	FILE *f;

	fault_set_knob("task-filter", "Y");
	fault_set_knob("times", "-1");
	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/probability",
		 "fail_page_alloc");
	f = fopen(path, "w");
	if (!f)
		return -errno;
	fputs(on ? "100" : "0", f);
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/make-it-fail", tid);
	f = fopen(path, "w");
	if (!f)
		return -errno;
	fputs(on ? "1" : "0", f);
	fclose(f);
	return 0;
}

static bool reaped_or_retries(struct guest *g, unsigned int retries)
{
	guest_reap(g);
	return !g->vq[TXQ].inflight ||
	       vdev_counter(g->dev, "queue1.retries") >= retries;
}

/* Frames for which there is no memory wait until there is some. */
TEST_F(worker_fault, transmit_without_memory)
{
	struct guest *g = &self->g;
	unsigned int i;
	pid_t tid;

	ASSERT_EQ(1, threads_of(getpid(), &tid, 1));
	ASSERT_OK(starve(tid, true));
	/*
	 * The rest of a page that is in use already may last for some rounds.
	 * A frame that waits is not sent by the first retries either.
	 */
	for (i = 0; i < 100; i++) {
		ASSERT_OK(send_mix(g));
		ASSERT_THAT_AT(wait_until(reaped_or_retries(g, 3)),
			       "round %u", i);
		if (g->vq[TXQ].inflight)
			break;
		ASSERT_EQ(MIX, captured(g));
	}
	EXPECT_GT(100, i);
	ASSERT_OK(starve(tid, false));
	ASSERT_OK(guest_reap_all(g));
	EXPECT_EQ(MIX, captured(g));
	EXPECT_EQ(0, vdev_counter_sum(g->dev, "queue1.drop."));
	EXPECT_EQ(0, vdev_counter(g->dev, "queue1.ring_errors"));
	EXPECT_OK(guest_check_alive(g, 0));
}

FAULT_TEST_MAIN
