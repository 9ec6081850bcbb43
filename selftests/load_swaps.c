// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose backends, memory table, tap or file are exchanged many times,
 * by another thread, while frames pass both ways. Each frame arrives once and
 * in order, except for what the exchange itself must lose, which is counted.
 *
 * $VHOST_ALT_SWAPS says how many times.
 */
#include <linux/if_packet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "test.h"

#define FRAME_LEN	100
#define TAPS		2

/* Frames in flight in each direction, so few that no queue drops any. */
#define WINDOW		64

/* More than any run has. */
#define FRAMES_MAX	(16U << 20)

/* What became of the frames of one direction. */
struct record {
	unsigned char *seen;
	__u32 sent, came;
	__u32 last[TAPS];	/* the number after that of the last frame */
	bool gap;		/* the next frame may be a later one */
};

struct swaps {
	struct guest g;
	int tap[TAPS], pkt[TAPS];
	struct record tx, rx;
	unsigned int taps;	/* how many of them are in use */
	size_t len;
	pthread_mutex_t lock;	/* protects all that frames need */
	bool lossy;		/* the tap may be gone */
	__u32 lost;		/* frames to the guest that went with a tap */
	/* The other thread. */
	int (*exchange)(struct swaps *s, unsigned int i);
	unsigned int n;
	__u32 moved;
	int done, err;
};

static unsigned int how_many(void)
{
	const char *text = getenv("VHOST_ALT_SWAPS");

	return text && *text ? strtoul(text, NULL, 0) : env_scaled(100, 10);
}

/* ---- frames, in the thread of the test ---- */

static int record(struct record *r, unsigned int tap, unsigned int taps,
		  __u32 seq)
{
	/* In order. From one tap all of them come, unless it was deleted. */
	if (seq < r->sent && !r->seen[seq] && seq >= r->last[tap] &&
	    (taps > 1 || r->gap || seq == r->last[tap])) {
		r->gap = false;
		r->seen[seq] = 1;
		r->last[tap] = seq + 1;
		r->came++;
		return 0;
	}
	fprintf(stderr, "# frame %u: %u were sent, %u is next\n", seq, r->sent,
		r->last[tap]);
	return -EBADMSG;
}

static int collect(struct swaps *s, unsigned int tap)
{
	static unsigned char got[FRAME_MAX];
	struct virtio_net_hdr hdr;
	int n, err = 0;

	while (!err) {
		n = packet_recv_now(s->pkt[tap], &hdr, got, sizeof(got));
		/* Says once that the interface is down; frames may follow. */
		if (n == -ENETDOWN && s->lossy)
			continue;
		if (n < 0)
			return n == -EAGAIN ? 0 : n;
		if (n != s->len || !frame_is(got, n, frame_seq(got)))
			return -EBADMSG;
		err = record(&s->tx, tap, s->taps, frame_seq(got));
	}
	return err;
}

static int receive(struct swaps *s)
{
	static struct guest_frame f;
	__u32 seq;
	int err = 0;

	while (!err && guest_has_frame(&s->g)) {
		err = guest_recv(&s->g, &f);
		if (err)
			return err;
		seq = frame_seq(f.data);
		if (f.len != s->len || !frame_is(f.data, f.len, seq))
			return -EBADMSG;
		err = record(&s->rx, seq % s->taps, s->taps, seq);
	}
	/* So few that the device has to hold packets, and to put them back. */
	guest_refill(&s->g, 5, 2048);
	return err;
}

/* Send frames to the guest, by turns into all taps. */
static int inject(struct swaps *s)
{
	struct guest *g = &s->g;
	int err = 0;

	while (s->rx.sent - s->rx.came - s->lost < WINDOW) {
		if (s->rx.sent == FRAMES_MAX)
			return -EFBIG;
		g->pkt = s->pkt[s->rx.sent % s->taps];
		err = guest_inject(g, s->len, s->rx.sent);
		if (err)
			break;
		s->rx.sent++;
	}
	return s->lossy ? 0 : err;
}

static int send_some(struct swaps *s)
{
	struct record *tx = &s->tx;
	__u32 from = tx->sent;

	if (from > FRAMES_MAX - WINDOW)
		return -EFBIG;
	if (s->g.vq[TXQ].inflight < WINDOW) {
		tx->sent += WINDOW / 2;
		tx->sent = guest_fill_tx(&s->g, s->len, from, tx->sent);
	}
	return 0;
}

static int turn(struct swaps *s, bool more)
{
	unsigned int i;
	int err = 0;

	pthread_mutex_lock(&s->lock);
	guest_reap(&s->g);
	if (more)
		err = send_some(s);
	if (!err)
		err = receive(s);
	if (!err && more)
		err = inject(s);
	for (i = 0; !err && i < s->taps; i++)
		err = collect(s, i);
	__atomic_store_n(&s->moved, s->tx.came + s->rx.came, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* ---- the other thread ---- */

static bool has_moved(struct swaps *s, __u32 from)
{
	return __atomic_load_n(&s->moved, __ATOMIC_ACQUIRE) != from ||
	       __atomic_load_n(&s->err, __ATOMIC_ACQUIRE);
}

/* Exchange, then let frames pass, and so on. */
static void *exchange_all(void *arg)
{
	struct swaps *s = arg;
	unsigned int i;
	__u32 from;
	int err = 0;

	for (i = 0; !err && i < s->n; i++) {
		err = s->exchange(s, i);
		from = __atomic_load_n(&s->moved, __ATOMIC_ACQUIRE);
		if (!err && !wait_until(has_moved(s, from)))
			err = -ETIMEDOUT;
		if (!err)
			err = __atomic_load_n(&s->err, __ATOMIC_ACQUIRE);
	}
	if (err)
		fprintf(stderr, "# exchange %u: %s\n", i, strerror(-err));
	__atomic_store_n(&s->done, 1, __ATOMIC_RELEASE);
	return (void *)(long)err;
}

/* Run traffic while the other thread exchanges something. */
static int run(struct swaps *s, int (*exchange)(struct swaps *s,
						unsigned int i))
{
	pthread_t thread;
	void *result;
	int err = 0;

	s->exchange = exchange;
	s->n = how_many();
	if (pthread_create(&thread, NULL, exchange_all, s))
		return -EAGAIN;
	while (!err && !__atomic_load_n(&s->done, __ATOMIC_ACQUIRE)) {
		err = turn(s, true);
		env_pause();
	}
	__atomic_store_n(&s->err, err, __ATOMIC_RELEASE);
	pthread_join(thread, &result);
	return err ?: (int)(long)result;
}

/* Take the frames in flight: each tap delivers its own while it is backend. */
static bool all_came(struct swaps *s, int *err)
{
	static unsigned int i;

	if (s->taps > 1)
		*err = vdev_set_backend(s->g.dev, RXQ, s->tap[i++ % TAPS]);
	if (!*err)
		*err = turn(s, false);
	return *err || (!s->g.vq[TXQ].inflight &&
			s->rx.came + s->lost == s->rx.sent);
}

static int finish(struct swaps *s)
{
	int err = 0;

	if (!wait_until(all_came(s, &err)))
		err = -ETIMEDOUT;
	fprintf(stderr, "# %u exchanges; frames: %u of %u out, %u of %u in\n",
		s->n, s->tx.came, s->tx.sent, s->rx.came, s->rx.sent);
	return err;
}

/* ---- what is exchanged ---- */

FIXTURE(swaps)
{
	struct swaps s;
};

FIXTURE_VARIANT(swaps)
{
	__u64 features;
	bool limit_sndbuf;
};

FIXTURE_VARIANT_ADD(swaps, batched)
{
	.features = F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(swaps, single)
{
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(swaps, packed)
{
	.features = F_EVENT_IDX | F_RING_PACKED,
};

FIXTURE_VARIANT_ADD(swaps, packed_single)
{
	.features = F_RING_PACKED,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(swaps, packed_in_order)
{
	.features = F_EVENT_IDX | F_RING_PACKED | F_IN_ORDER,
};

/* Open a tap, and the host's end of it. */
static int open_tap(struct swaps *s, unsigned int i)
{
	struct guest other = s->g;
	int bypass = 1, err;

	snprintf(other.ifname, sizeof(other.ifname), "swap%u", i);
	err = guest_open_tap(&other);
	s->tap[i] = other.tap;
	s->pkt[i] = other.pkt;
	/* A queueing discipline may hold frames back. */
	if (!err && setsockopt(other.pkt, SOL_PACKET, PACKET_QDISC_BYPASS,
			       &bypass, sizeof(bypass)))
		err = -errno;
	return err;
}

FIXTURE_SETUP(swaps)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE | variant->features,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = variant->limit_sndbuf,
		.no_tap = true,
		.one_region = true,
	};
	struct swaps *s = &self->s;
	unsigned int i;

	SETUP_NEEDS(variant->features);
	memset(s, 0, sizeof(*s));
	s->len = FRAME_LEN;
	s->taps = TAPS;
	pthread_mutex_init(&s->lock, NULL);
	s->tx.seen = calloc(FRAMES_MAX, 1);
	s->rx.seen = calloc(FRAMES_MAX, 1);
	ASSERT_NE(NULL, s->tx.seen);
	ASSERT_NE(NULL, s->rx.seen);
	ASSERT_OK(guest_start(&s->g, &cfg));
	s->g.pkt_hdr = true;
	for (i = 0; i < TAPS; i++)
		ASSERT_OK(open_tap(s, i));
	ASSERT_OK(guest_set_backend(&s->g, s->tap[0]));
}

FIXTURE_TEARDOWN(swaps)
{
	struct swaps *s = &self->s;
	unsigned int i;

	/* It is that of one of the taps. */
	s->g.pkt = -1;
	guest_stop(&s->g);
	for (i = 0; i < TAPS; i++) {
		close(s->tap[i]);
		close(s->pkt[i]);
	}
	free(s->tx.seen);
	free(s->rx.seen);
}

static int swap_backends(struct swaps *s, unsigned int i)
{
	return guest_set_backend(&s->g, s->tap[(i + 1) % TAPS]);
}

TEST_F_TIMEOUT(swaps, backends, 1800)
{
	struct swaps *s = &self->s;

	ASSERT_OK(run(s, swap_backends));
	ASSERT_OK(finish(s));
	EXPECT_EQ(s->tx.sent, s->tx.came);
}

/* Another device goes on where this one was stopped. */
static int migrate(struct swaps *s, unsigned int i)
{
	struct guest *g = &s->g;
	int old = g->dev, dev = vdev_open();
	__u32 base[NR_VQS];
	unsigned int q;
	int err;

	if (dev < 0)
		return dev;
	err = vdev_set_owner(dev);
	if (!err)
		err = vdev_set_features(dev, g->cfg.features);
	if (!err)
		err = vdev_set_mem(dev, &g->mem);
	if (!err)
		err = guest_set_backend(g, -1);
	for (q = 0; !err && q < NR_VQS; q++) {
		err = vdev_get_base(old, q, &base[q]);
		if (!err)
			err = vdev_set_vring(dev, &g->vq[q], base[q]);
	}
	g->dev = dev;
	if (!err)
		err = guest_set_backend(g, s->tap[i % TAPS]);
	close(old);
	return err;
}

TEST_F_TIMEOUT(swaps, migrations, 1800)
{
	struct swaps *s = &self->s;

	ASSERT_OK(run(s, migrate));
	ASSERT_OK(finish(s));
	EXPECT_EQ(s->tx.sent, s->tx.came);
}

/* Cut the guest's only region into @n. */
static int set_regions(struct swaps *s, unsigned int n)
{
	const struct gmem_region *all = &s->g.mem.region[0];
	struct gmem_region *piece = calloc(n, sizeof(*piece));
	struct gmem mem = { .region = piece, .nregions = n };
	size_t each = all->size / n;
	unsigned int i;
	int err;

	if (!piece)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		piece[i].gpa = all->gpa + i * each;
		piece[i].hva = all->hva + i * each;
		piece[i].size = i + 1 < n ? each : all->size - i * each;
	}
	err = vdev_set_mem(s->g.dev, &mem);
	free(piece);
	return err;
}

static int swap_tables(struct swaps *s, unsigned int i)
{
	return set_regions(s, i & 1 ? 1 : env_max_regions());
}

/* Long frames lie in several of the many regions. */
TEST_F_TIMEOUT(swaps, memory_tables, 1800)
{
	struct swaps *s = &self->s;

	s->taps = 1;
	s->len = 2000;
	ASSERT_EQ(1, s->g.mem.nregions);
	ASSERT_LE(2048, s->g.cfg.slot_size);
	ASSERT_OK(run(s, swap_tables));
	ASSERT_OK(finish(s));
	EXPECT_EQ(s->tx.sent, s->tx.came);
}

/*
 * Delete the tap while frames pass, and go on with a new one. With it, the last
 * frames sent to the guest are lost, and some consecutive frames of the guest.
 */
static int delete_tap(struct swaps *s, unsigned int i)
{
	int old = s->tap[0];
	int err = link_del("swap0");

	pthread_mutex_lock(&s->lock);
	if (!err)
		err = guest_set_backend(&s->g, -1);
	close(old);
	if (!err)
		err = receive(s);
	if (!err)
		err = collect(s, 0);
	close(s->pkt[0]);
	/* Nothing has been lost before the last that came. */
	s->lost = s->rx.sent - s->rx.came;
	s->rx.last[0] = s->rx.sent;
	s->tx.gap = true;
	if (!err)
		err = open_tap(s, 0);
	if (!err)
		err = guest_set_backend(&s->g, s->tap[0]);
	pthread_mutex_unlock(&s->lock);
	return err;
}

TEST_F_TIMEOUT(swaps, deleted_taps, 1800)
{
	struct swaps *s = &self->s;
	__u64 drops;

	OURS_ALONE("a batch that fails loses its descriptors");
	s->taps = 1;
	s->lossy = true;
	ASSERT_OK(run(s, delete_tap));
	s->lossy = false;
	ASSERT_OK(finish(s));
	drops = vdev_counter_sum(s->g.dev, "queue1.drop.");
	TH_LOG("frames lost: %u in; %u out, of which %llu were refused",
	       s->lost, s->tx.sent - s->tx.came, drops);
	/* tun takes some from a batch although the interface is down. */
	EXPECT_LE(drops, s->tx.sent - s->tx.came);
	if (variant->limit_sndbuf)
		EXPECT_EQ(drops, s->tx.sent - s->tx.came);
	EXPECT_EQ(s->tx.sent, vdev_counter(s->g.dev, "queue1.packets") + drops);
}

VHOST_TEST_MAIN
