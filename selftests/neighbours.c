// SPDX-License-Identifier: GPL-2.0-only
/*
 * What guests do to each other. A guest that shares its CPU with the vCPU and
 * the worker of a hostile guest gets as much done as beside a program that only
 * computes, with as many threads. Two queues of one worker get equal shares.
 *
 * These tests compare times on one CPU, so they need a machine of their own.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "child.h"
#include "iotlb.h"
#include "raw.h"
#include "test.h"
#include "thread.h"

#define RING		256
#define FRAME_LEN	200
#define BURST		32
#define LONG_CHAIN	1000
#define THREADS_MAX	8

/* Measurements alternate, so that a disturbance from outside affects both. */
#define ROUNDS		21
#define ROUND_MS	200

/* The median of the rounds must be this much at least. */
#define LEAST_PERCENT	25

/* Memory that only the hostile guest uses. */
#define AREA_GPA	0x8000000000ULL
#define AREA_SIZE	0x20000

/* Let this process and its device's workers run on the first CPU only. */
static void pin(void)
{
	pid_t tid[THREADS_MAX];
	unsigned int i, n;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	n = threads_of(getpid(), tid, THREADS_MAX);
	for (i = 0; i < n && i < THREADS_MAX; i++)
		sched_setaffinity(tid[i], sizeof(cpus), &cpus);
}

/* ---- the hostile guest ---- */

/* Offer a descriptor as often as the ring has room, again and again. */
static void transmit_forever(struct guest *g, const struct raw_desc *desc)
{
	struct vq *vq = &g->vq[TXQ];

	do {
		while (raw_offer(vq, desc, 1))
			;
		vq_submit(vq);
	} while (!raw_take_all(vq));
}

/* Offer a table of @n descriptors of @len bytes forever. */
static void chains_forever(struct guest *g, unsigned int n, __u32 len)
{
	struct vring_desc table[LONG_CHAIN];
	struct raw_desc head = {
		.gpa = AREA_GPA,
		.len = n * sizeof(*table),
		.flags = VRING_DESC_F_INDIRECT,
	};
	unsigned int i;

	for (i = 0; i < n; i++)
		table[i] = (struct vring_desc) {
			.addr = AREA_GPA + AREA_SIZE / 2,
			.len = len,
			.flags = i + 1 < n ? VRING_DESC_F_NEXT : 0,
			.next = i + 1,
		};
	if (raw_put_table(&g->vq[TXQ], AREA_GPA, table, n))
		transmit_forever(g, &head);
}

static void long_chains(struct guest *g)
{
	chains_forever(g, LONG_CHAIN, 60);
}

static void empty_descriptors(struct guest *g)
{
	chains_forever(g, LONG_CHAIN, 0);
}

static void useless_buffers(struct guest *g)
{
	struct raw_desc desc = { .gpa = AREA_GPA, .len = 1 };

	transmit_forever(g, &desc);
}

static void largest_frames(struct guest *g)
{
	struct raw_desc desc = { .gpa = AREA_GPA, .len = 65000 };

	transmit_forever(g, &desc);
}

static void kick_storm(struct guest *g)
{
	for (;;) {
		vq_kick(&g->vq[TXQ]);
		vq_kick(&g->vq[RXQ]);
	}
}

/* Move the index back and forth: there is work, then there is none. */
static void index_ping_pong(struct guest *g)
{
	struct raw_desc desc = { .gpa = AREA_GPA, .len = 100 };
	struct vq *vq = &g->vq[TXQ];
	__u16 idx = vq->avail_idx;

	while (raw_offer(vq, &desc, 1))
		;
	for (;;) {
		idx++;
		split_avail(vq)->idx = idx;
		vq_kick(vq);
		split_avail(vq)->idx = idx - 1;
		vq_kick(vq);
	}
}

/* Replace the flags of a descriptor, unless the device was faster. */
static void replace_flags(struct vring_packed_desc *desc, __u16 old, __u16 new)
{
	__atomic_compare_exchange_n(&desc->flags, &old, new, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* The same in a packed ring: withdraw the descriptor, and offer it again. */
static void flags_ping_pong(struct guest *g)
{
	struct raw_desc desc = { .gpa = AREA_GPA, .len = 100 };
	struct vq *vq = &g->vq[TXQ];
	struct vq_used used;
	__u16 on, off;

	while (raw_offer(vq, &desc, 1)) {
		on = vq->head_flags;
		off = on ^ PACKED_MARKS;
		vq_publish(vq);
		do {
			vq_kick(vq);
			replace_flags(packed_ring(vq) + vq->head, on, off);
			vq_kick(vq);
			replace_flags(packed_ring(vq) + vq->head, off, on);
		} while (!vq_pop(vq, &used));
	}
}

/* Receive large frames into buffers of one byte. */
static void tiny_buffers(struct guest *g)
{
	struct raw_desc desc = {
		.gpa = AREA_GPA, .len = 1, .flags = VRING_DESC_F_WRITE,
	};
	struct vq *vq = &g->vq[RXQ];
	struct vq_used used;
	unsigned int i;

	for (;;) {
		for (i = 0; i < 4; i++)
			guest_inject(g, 60000, 0);
		while (vq_pop(vq, &used))
			;
		while (raw_offer(vq, &desc, 1))
			;
		vq_submit(vq);
	}
}

static int start_hostile(struct guest *g, __u64 features)
{
	struct guest_cfg cfg = {
		.features = features,
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
	};
	int err = guest_init(g, &cfg);

	snprintf(g->ifname, sizeof(g->ifname), "bad0");
	if (!err)
		err = gmem_add(&g->mem, AREA_GPA, AREA_SIZE);
	if (!err)
		err = guest_open_tap(g);
	if (!err)
		err = guest_open_dev(g);
	return err ?: guest_set_backend(g, g->tap);
}

/* Invalidate all translations while frames from many pages are sent. */
static void iotlb_thrash(__u64 features, int ready)
{
	struct guest_cfg cfg = {
		.features = features & F_PACKED_BASE,
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
	};
	struct iotlb_cfg iotlb = { .v2 = true, .pages = true };
	static struct guest g;
	static struct iotlb t;

	if (iotlb_guest_start(&t, &g, &iotlb, &cfg))
		_exit(1);
	close(g.pkt);
	pin();
	event_signal(ready);
	for (;;) {
		guest_fill_tx(&g, 1000, 0, RING);
		iotlb_flush(&t);
		sched_yield();
	}
}

/* ---- the measurement ---- */

FIXTURE(neighbour)
{
	struct guest g;
	int ready;
};

FIXTURE_VARIANT(neighbour)
{
	void (*act)(struct guest *g);	/* NULL: iotlb_thrash */
	unsigned int threads;		/* its own, and its workers */
	__u64 features;			/* of both guests */
};

#define HOSTILE(layout, feat, name)					\
	FIXTURE_VARIANT_ADD(neighbour, layout ## name)			\
	{								\
		.act = name, .threads = 2, .features = feat,		\
	}

HOSTILE(, F_MODERN, long_chains);
HOSTILE(packed_, F_PACKED, long_chains);
HOSTILE(, F_MODERN, empty_descriptors);
HOSTILE(packed_, F_PACKED, empty_descriptors);
HOSTILE(, F_MODERN, useless_buffers);
HOSTILE(packed_, F_PACKED, useless_buffers);
HOSTILE(, F_MODERN, largest_frames);
HOSTILE(packed_, F_PACKED, largest_frames);
HOSTILE(, F_MODERN, kick_storm);
HOSTILE(packed_, F_PACKED, kick_storm);
HOSTILE(, F_MODERN, index_ping_pong);
HOSTILE(packed_, F_PACKED, flags_ping_pong);
HOSTILE(, F_MODERN, tiny_buffers);
HOSTILE(packed_, F_PACKED, tiny_buffers);

/* Its server is a thread too. */
FIXTURE_VARIANT_ADD(neighbour, iotlb)
{
	.act = NULL, .threads = 3, .features = F_MODERN,
};

FIXTURE_VARIANT_ADD(neighbour, packed_iotlb)
{
	.act = NULL, .threads = 3, .features = F_PACKED,
};

FIXTURE_SETUP(neighbour)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
	};

	SETUP_NEEDS(cfg.features);
	ASSERT_OK(guest_init(&self->g, &cfg));
	snprintf(self->g.ifname, sizeof(self->g.ifname), "good0");
	ASSERT_OK(guest_open_tap(&self->g));
	ASSERT_OK(guest_open_dev(&self->g));
	ASSERT_OK(guest_set_backend(&self->g, self->g.tap));
	/* Nobody reads what is sent. */
	close(self->g.pkt);
	self->g.pkt = -1;
	pin();
	self->ready = eventfd(0, EFD_NONBLOCK);
}

FIXTURE_TEARDOWN(neighbour)
{
	guest_stop(&self->g);
	close(self->ready);
}

static void *spin(void *arg)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
	return NULL;
}

static void compute(unsigned int threads, int ready)
{
	pthread_t thread;

	while (--threads)
		pthread_create(&thread, NULL, spin, NULL);
	event_signal(ready);
	spin(NULL);
}

static void be_hostile(const FIXTURE_VARIANT(neighbour) *variant, int ready)
{
	void (*act)(struct guest *g) = variant->act;
	static struct guest g;

	if (!act)
		iotlb_thrash(variant->features, ready);
	if (start_hostile(&g, variant->features))
		_exit(1);
	if (act != tiny_buffers)
		close(g.pkt);
	pin();
	event_signal(ready);
	act(&g);
	_exit(1);
}

/* Send bursts for a while. Return: how many frames, or a negative errno. */
static int work(struct guest *g)
{
	__u64 end = env_now_ms() + ROUND_MS;
	int n, sent = 0;

	while (env_left_ms(end)) {
		guest_fill_tx(g, FRAME_LEN, 0, BURST);
		while (g->vq[TXQ].inflight) {
			if (!vq_wait(&g->vq[TXQ]))
				return -ETIMEDOUT;
			n = guest_reap(g);
			if (n < 0)
				return n;
			sent += n;
		}
	}
	return sent;
}

/* Work beside a hostile guest, or beside a program that computes. */
static int work_beside(FIXTURE_DATA(neighbour) *self,
		       const FIXTURE_VARIANT(neighbour) *variant, bool hostile)
{
	int status, n;
	pid_t pid;

	event_count(self->ready);
	pid = child_fork();
	if (pid < 0)
		return -errno;
	if (!pid && hostile)
		be_hostile(variant, self->ready);
	if (!pid)
		compute(variant->threads, self->ready);
	if (!event_wait(self->ready))
		return -ETIMEDOUT;
	n = work(&self->g);
	/* It must not have ended by itself. */
	if (waitpid(pid, &status, WNOHANG))
		return -ECHILD;
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return n;
}

static int compare_longs(const void *a, const void *b)
{
	const long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * A kernel may be unable to preempt a worker, so its steps must be short.
 * Medians of 60 to 90 % were measured for long chains and large frames, here
 * and with vhost_net, and more than 100 % for everything else.
 */
TEST_F_TIMEOUT(neighbour, costs_no_more_than_a_hog, 600)
{
	long percent[ROUNDS];
	unsigned int round;
	int hostile, hog;

	for (round = 0; round < ROUNDS; round++) {
		hostile = work_beside(self, variant, true);
		ASSERT_LT(0, hostile);
		hog = work_beside(self, variant, false);
		ASSERT_LT(0, hog);
		percent[round] = 100L * hostile / hog;
	}
	qsort(percent, ROUNDS, sizeof(*percent), compare_longs);
	TH_LOG("%ld %% of the frames beside a hog (%ld to %ld)",
	       percent[ROUNDS / 2], percent[0], percent[ROUNDS - 1]);
	EXPECT_LE(LEAST_PERCENT, percent[ROUNDS / 2]);
}

/* ---- two queues of one worker ---- */

#define SHARED_RING	16384

/* A run of a queue, after which the other queue has its turn. */
#define RUN_MAX		256

/* Attempts to see both queues in the middle of their work. */
#define ATTEMPTS	50

/* Packets of both queues, which are not taken back. */
struct progress {
	unsigned int rx, tx;
};

static struct progress progress_of(struct guest *g)
{
	return (struct progress){
		vq_count_used(&g->vq[RXQ]), vq_count_used(&g->vq[TXQ]),
	};
}

static bool both_work(struct progress p)
{
	return p.rx && p.tx && p.rx < SHARED_RING && p.tx < SHARED_RING;
}

/* Give both queues as much work as their rings hold. */
static int load_both(struct guest *g)
{
	static const unsigned char frame[FRAME_LEN];
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < SHARED_RING; i++)
		err = guest_inject(g, FRAME_LEN, i);
	for (i = 0; !err && i < SHARED_RING; i++)
		err = guest_post(g, g->cfg.slot_size, 1, false);
	for (i = 0; !err && i < SHARED_RING; i++)
		err = guest_send(g, NULL, frame, FRAME_LEN, 1, false);
	vq_publish(&g->vq[RXQ]);
	vq_publish(&g->vq[TXQ]);
	vq_kick(&g->vq[RXQ]);
	vq_kick(&g->vq[TXQ]);
	return err;
}

static bool all_done(struct guest *g)
{
	struct progress p = progress_of(g);

	return p.rx == SHARED_RING && p.tx == SHARED_RING;
}

/* Find how far each queue gets while both have something to do. */
static int compare_queues(struct guest *g, struct progress *both)
{
	struct progress from = { 0 }, to = { 0 }, p;
	int err = load_both(g);

	if (err)
		return err;
	do {
		sched_yield();
		p = progress_of(g);
		if (both_work(p))
			to = p;
		if (both_work(p) && !from.rx)
			from = p;
	} while (p.rx < SHARED_RING && p.tx < SHARED_RING);
	both->rx = to.rx - from.rx;
	both->tx = to.tx - from.tx;
	if (!wait_until(all_done(g)))
		return -ETIMEDOUT;
	return guest_restart(g);
}

FIXTURE(queues)
{
	struct guest g;
};

FIXTURE_VARIANT(queues)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(queues, split)
{
	.features = F_MODERN_BASE,
};

FIXTURE_VARIANT_ADD(queues, packed)
{
	.features = F_PACKED_BASE,
};

FIXTURE_SETUP(queues)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = SHARED_RING,
		.slot_size = 512,
		.no_tap = true,
	};
	struct guest *g = &self->g;

	SETUP_NEEDS(cfg.features);
	ASSERT_OK(guest_start(g, &cfg));
	ASSERT_OK(guest_open_tap(g));
	ASSERT_OK(link_set_qlen(g->ifname, SHARED_RING));
	ASSERT_OK(guest_set_backend(g, g->tap));
}

FIXTURE_TEARDOWN(queues)
{
	guest_stop(&self->g);
}

TEST_F(queues, share_a_worker)
{
	struct progress both = { 0 };
	unsigned int i;

	for (i = 0; i < ATTEMPTS && both.rx + both.tx < SHARED_RING / 4; i++)
		ASSERT_OK(compare_queues(&self->g, &both));
	TH_LOG("%u frames in, %u out", both.rx, both.tx);
	ASSERT_LE(SHARED_RING / 4, both.rx + both.tx);
	EXPECT_LE(both.rx, both.tx + both.tx / 10 + RUN_MAX);
	EXPECT_LE(both.tx, both.rx + both.rx / 10 + RUN_MAX);
}

VHOST_TEST_MAIN
