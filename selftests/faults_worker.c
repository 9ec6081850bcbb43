// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let memory run out, or a copy from or to user memory fail, for the worker in
 * the middle of packets, at each place in turn. The packet is dropped or the
 * ring stops, nothing leaks, and the rings can be started again. Needs
 * CONFIG_FAULT_INJECTION.
 */
#include <unistd.h>

#include "fault.h"
#include "iotlb.h"
#include "test.h"
#include "thread.h"

static int worker_knob(void)
{
	pid_t tid;

	return threads_of(getpid(), &tid, 1) ? fault_knob_open(tid) : -ESRCH;
}

/* The sum of all counters whose names begin with @prefix. */
static __u64 sum_counters(int dev, const char *prefix)
{
	char line[128];
	__u64 sum = 0;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", dev);
	f = fopen(line, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, prefix, strlen(prefix)))
			sum += strtoull(strchr(line, ':') + 1, NULL, 10);
	fclose(f);
	return sum;
}

static __u64 errors_of(const struct guest *g)
{
	return vdev_counter(g->dev, "queue0.ring_errors") +
	       vdev_counter(g->dev, "queue1.ring_errors");
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

/* Check that captured frames are complete. Any of those sent may be missing. */
static int check_captured(struct guest *g)
{
	unsigned char got[2049];
	struct virtio_net_hdr hdr;
	unsigned int i;
	int n;

	while ((n = packet_recv_now(g->pkt, &hdr, got, sizeof(got))) >= 0) {
		for (i = 0; i < MIX; i++)
			if (n == mix[i].len && frame_is(got, n, i))
				break;
		if (i == MIX)
			return -EBADMSG;
	}
	return n == -EAGAIN ? 0 : n;
}

static bool sent(struct guest *g, __u64 errors)
{
	guest_reap(g);
	return !g->vq[TXQ].inflight || errors_of(g) != errors;
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

static int start_logged(struct guest *g, const struct guest_cfg *cfg)
{
	struct guest_cfg mine = *cfg;
	__u64 base;
	void *log;
	int err;

	mine.features &= ~F_LOG_ALL;
	err = guest_start(g, &mine);
	if (err || mine.features == cfg->features)
		return err;
	log = fault_map_log();
	base = (unsigned long)log;
	g->vq[RXQ].log_used = true;
	g->vq[TXQ].log_used = true;
	err = vdev_cmd(g->dev, VHOST_SET_LOG_BASE, &base);
	return err ? err : vdev_set_features(g->dev, cfg->features);
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
 * ring that cannot be read or written stops. Nothing waits indefinitely.
 */
TEST_F(worker_fault, transmit)
{
	struct guest *g = &self->g;
	unsigned int n, left = 0;
	__u64 errors;
	int worker;

	worker = worker_knob();
	ASSERT_LE(0, worker);
	for (n = 1; !left && n < FAULTS_MAX; n++) {
		errors = errors_of(g);
		ASSERT_OK(fault_knob_arm(worker, n));
		ASSERT_OK(send_mix(g));
		ASSERT_OK_AT(wait_until(sent(g, errors)) ? 0 : -ETIMEDOUT,
			     "fault %u", n);
		left = fault_knob_disarm(worker);
		ASSERT_OK_AT(guest_restart(g), "fault %u", n);
		ASSERT_OK_AT(check_captured(g), "fault %u", n);
		ASSERT_OK_AT(guest_check_alive(g, n), "fault %u", n);
	}
	EXPECT_LT(2, n);
	EXPECT_NE(0, left);
	fault_report("transmit", n - 2);
	close(worker);
}

static bool received(struct guest *g, __u64 errors, __u64 before)
{
	return errors_of(g) != errors ||
	       sum_counters(g->dev, "queue0.packets") +
	       sum_counters(g->dev, "queue0.drop.") - before >= MIX;
}

/* Remove frames that a stopped queue has left in the tap. */
static int drain_tap(struct guest *g)
{
	unsigned char junk[4096];

	while (read(g->tap, junk, sizeof(junk)) >= 0)
		;
	return errno == EAGAIN ? 0 : -errno;
}

/* The same for receive, with frames that need several buffers. */
TEST_F(worker_fault, receive)
{
	struct guest *g = &self->g;
	unsigned int n, i, left = 0;
	__u64 errors, before;
	int worker;

	worker = worker_knob();
	ASSERT_LE(0, worker);
	for (n = 1; !left && n < FAULTS_MAX; n++) {
		errors = errors_of(g);
		before = sum_counters(g->dev, "queue0.packets") +
			 sum_counters(g->dev, "queue0.drop.");
		guest_refill(g, 64, 256);
		ASSERT_OK(fault_knob_arm(worker, n));
		for (i = 0; i < MIX; i++)
			ASSERT_OK(guest_inject(g, mix[i].len, i));
		ASSERT_OK_AT(wait_until(received(g, errors, before)) ? 0 :
			     -ETIMEDOUT, "fault %u", n);
		left = fault_knob_disarm(worker);
		ASSERT_OK_AT(vdev_set_backend(g->dev, RXQ, -1), "fault %u", n);
		ASSERT_OK_AT(drain_tap(g), "fault %u", n);
		ASSERT_OK_AT(guest_restart(g), "fault %u", n);
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

/* Frames for which there is no memory are dropped and counted. */
TEST_F(worker_fault, transmit_without_memory)
{
	struct guest *g = &self->g;
	unsigned int i;
	pid_t tid;

	if (variant->limit_sndbuf)
		SKIP(return, "a full socket waits for memory");
	ASSERT_EQ(1, threads_of(getpid(), &tid, 1));
	ASSERT_OK(starve(tid, true));
	/*
	 * The rest of a page that is in use already may last for some rounds.
	 */
	for (i = 0; i < 100 &&
	     !vdev_counter(g->dev, "queue1.drop.memory"); i++) {
		ASSERT_OK(send_mix(g));
		ASSERT_OK_AT(guest_reap_all(g), "round %u", i);
		ASSERT_OK(check_captured(g));
	}
	ASSERT_OK(starve(tid, false));
	EXPECT_NE(0, vdev_counter(g->dev, "queue1.drop.memory"));
	EXPECT_OK(guest_check_alive(g, 0));
}

FAULT_TEST_MAIN
