// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device under traffic: overload, changes of backend, stops and starts,
 * owners that are killed and taps that are deleted. No frame that was accepted
 * is lost, no frame arrives twice, and nothing hangs.
 */
#include <linux/if_packet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "child.h"
#include "test.h"
#include "thread.h"
#include "vq_split.h"

#define FRAME_LEN	100

FIXTURE(traffic)
{
	struct guest g;
	int tap2, pkt2;
};

FIXTURE_VARIANT(traffic)
{
	__u64 features;
	bool limit_sndbuf;
};

FIXTURE_VARIANT_ADD(traffic, batched)
{
	.features = F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(traffic, single)
{
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(traffic, in_order)
{
	.features = F_EVENT_IDX | F_IN_ORDER,
};

FIXTURE_VARIANT_ADD(traffic, packed)
{
	.features = F_EVENT_IDX | F_RING_PACKED,
};

FIXTURE_VARIANT_ADD(traffic, packed_single)
{
	.features = F_RING_PACKED,
	.limit_sndbuf = true,
};

FIXTURE_VARIANT_ADD(traffic, packed_in_order)
{
	.features = F_EVENT_IDX | F_RING_PACKED | F_IN_ORDER,
};

/* Open a second tap like the first, for tests that change the backend. */
static int open_second(struct guest *g, int *tap, int *pkt, bool limit)
{
	struct guest other = *g;
	int err;

	other.tap = -1;
	other.pkt = -1;
	other.cfg.limit_sndbuf = limit;
	snprintf(other.ifname, sizeof(other.ifname), "tap1");
	err = guest_open_tap(&other);
	*tap = other.tap;
	*pkt = other.pkt;
	return err;
}

FIXTURE_SETUP(traffic)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | variant->features,
		.tap_flags = IFF_VNET_HDR,
		.limit_sndbuf = variant->limit_sndbuf,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
	ASSERT_OK(open_second(&self->g, &self->tap2, &self->pkt2,
			      variant->limit_sndbuf));
}

FIXTURE_TEARDOWN(traffic)
{
	guest_stop(&self->g);
	close(self->tap2);
	close(self->pkt2);
}

/*
 * Take all frames captured by one socket, and mark each in @seen. Their numbers
 * must increase. Return: -EEXIST for a frame that came twice.
 */
static int collect(struct guest *g, int pkt, unsigned char *seen, __u32 end,
		   __u32 *last)
{
	unsigned char got[FRAME_LEN + 1];
	struct virtio_net_hdr hdr;
	__u32 seq;
	int n;

	while ((n = packet_recv_now(pkt, &hdr, got, sizeof(got))) >= 0) {
		if (n != FRAME_LEN)
			return -EMSGSIZE;
		seq = frame_seq(got);
		if (seq >= end || !frame_is(got, n, seq))
			return -EBADMSG;
		if (seen[seq]++)
			return -EEXIST;
		if (*last != ~0U && seq < *last)
			return -EPROTO;
		*last = seq;
	}
	return n == -EAGAIN ? 0 : n;
}

static unsigned int count_seen(const unsigned char *seen, unsigned int n)
{
	unsigned int i, sum = 0;

	for (i = 0; i < n; i++)
		sum += seen[i];
	return sum;
}

/* Each frame leaves by either tap, once, and in order on each tap. */
TEST_F(traffic, tx_swap_backend)
{
	unsigned int total = env_scaled(6000, 1000), swaps = 0;
	unsigned char *seen = calloc(total, 1);
	__u32 seq = 0, last[2] = { ~0U, ~0U };
	struct guest *g = &self->g;

	ASSERT_NE(NULL, seen);
	while (seq < total - 2) {
		seq = guest_fill_tx(g, FRAME_LEN, seq, total - 2);
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, swaps++ & 1 ? g->tap :
					   self->tap2));
		ASSERT_OK(collect(g, g->pkt, seen, total, &last[0]));
		ASSERT_OK(collect(g, self->pkt2, seen, total, &last[1]));
	}
	ASSERT_OK(guest_reap_all(g));
	/* Make sure that both taps were used, even by a slow worker. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, self->tap2));
	seq = guest_fill_tx(g, FRAME_LEN, seq, total - 1);
	ASSERT_OK(guest_reap_all(g));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	seq = guest_fill_tx(g, FRAME_LEN, seq, total);
	ASSERT_OK(guest_reap_all(g));
	ASSERT_OK(collect(g, g->pkt, seen, total, &last[0]));
	ASSERT_OK(collect(g, self->pkt2, seen, total, &last[1]));
	EXPECT_EQ(total, count_seen(seen, total));
	EXPECT_NE(~0U, last[0]);
	EXPECT_NE(~0U, last[1]);
	free(seen);
}

/* A checksum requested outside of the frame costs that frame only. */
TEST_F(traffic, tx_checksum_outside)
{
	struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	};
	static const __u16 start[] = { FRAME_LEN - 1, FRAME_LEN, 0xffff };
	unsigned char frame[FRAME_LEN];
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("a batch with a bad header stops the queue");
	for (i = 0; i < sizeof(start) / sizeof(*start); i++) {
		hdr.csum_start = start[i];
		frame_make(frame, sizeof(frame), 0);
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
		ASSERT_OK(guest_send(g, &hdr, frame, sizeof(frame), 1, false));
		frame_make(frame, sizeof(frame), 1);
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
		vq_submit(&g->vq[TXQ]);
		ASSERT_OK_AT(guest_capture(g, FRAME_LEN, 0), "at %u", start[i]);
		ASSERT_OK_AT(guest_capture(g, FRAME_LEN, 1), "at %u", start[i]);
		ASSERT_OK(guest_reap_all(g));
	}
	EXPECT_EQ(i, vdev_counter(g->dev, "queue1.drop.header") +
		     vdev_counter(g->dev, "queue1.drop.send"));
}

/* Frames wait in the ring while there is no backend. */
TEST_F(traffic, tx_remove_backend)
{
	unsigned int total = env_scaled(5000, 1000), waiting;
	unsigned char *seen = calloc(total, 1);
	struct guest *g = &self->g;
	__u32 seq = 0, last = ~0U;

	ASSERT_NE(NULL, seen);
	while (seq < total) {
		seq = guest_fill_tx(g, FRAME_LEN, seq, total);
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
		guest_reap(g);
		ASSERT_OK(collect(g, g->pkt, seen, total, &last));
		/* Exactly the used frames have been sent. */
		waiting = g->vq[TXQ].inflight;
		ASSERT_EQ(seq - waiting, count_seen(seen, total));
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	}
	ASSERT_OK(guest_reap_all(g));
	ASSERT_OK(collect(g, g->pkt, seen, total, &last));
	EXPECT_EQ(total, count_seen(seen, total));
	free(seen);
}

/* Stop and start as QEMU does: the ring continues at the base. */
TEST_F(traffic, tx_stop_and_start)
{
	unsigned int total = env_scaled(5000, 500), round = 0;
	unsigned char *seen = calloc(total, 1);
	struct guest *g = &self->g;
	__u32 seq = 0, last = ~0U, base;
	struct vq *vq = &g->vq[TXQ];

	ASSERT_NE(NULL, seen);
	while (seq < total) {
		seq = guest_fill_tx(g, FRAME_LEN, seq, total);
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
		ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
		guest_reap(g);
		/* All chains that are not used are still available. */
		ASSERT_EQ(vq_used_base(vq), base);
		if (++round & 1)
			ASSERT_OK(vdev_set_vring(g->dev, vq, base));
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	}
	ASSERT_OK(guest_reap_all(g));
	ASSERT_OK(collect(g, g->pkt, seen, total, &last));
	EXPECT_EQ(total, count_seen(seen, total));
	free(seen);
}

/* Frames that the device took from the tap are not lost when it stops. */
TEST_F(traffic, rx_stop_and_start)
{
	unsigned int round, rounds = env_scaled(50, 10), i, want = 0;
	static struct guest_frame f;
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[RXQ];
	__u32 base;

	for (round = 0; round < rounds; round++) {
		guest_refill(g, 7, 2048);
		for (i = 0; i < 40; i++)
			ASSERT_OK(guest_inject(g, FRAME_LEN, round * 40 + i));
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
		ASSERT_OK(vdev_get_base(g->dev, RXQ, &base));
		while (guest_has_frame(g)) {
			ASSERT_OK(guest_recv(g, &f));
			ASSERT_THAT(frame_is(f.data, f.len, want));
			want++;
		}
		ASSERT_EQ(vq_used_base(vq), base);
		if (round & 1)
			ASSERT_OK(vdev_set_vring(g->dev, vq, base));
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, g->tap));
		guest_refill(g, 100, 2048);
		while (want < (round + 1) * 40) {
			ASSERT_OK_AT(guest_recv(g, &f), "frame %u", want);
			ASSERT_THAT_AT(frame_is(f.data, f.len, want),
				       "frame %u", want);
			want++;
		}
	}
}

/* Take a frame that has not been taken before. Return: its number. */
static int take_new(struct guest *g, unsigned char *seen, unsigned int n)
{
	static struct guest_frame f;
	int err = guest_recv(g, &f);
	__u32 seq;

	if (err)
		return err;
	seq = frame_seq(f.data);
	if (seq >= n || !frame_is(f.data, f.len, seq))
		return -EBADMSG;
	return seen[seq]++ ? -EEXIST : (int)seq;
}

/* Both taps have frames queued while the receive ring changes between them. */
TEST_F(traffic, rx_swap_backend)
{
	unsigned int n = env_scaled(600, 100), i, total = 2 * n + 2;
	unsigned char *seen = calloc(total, 1);
	struct guest *g = &self->g;
	int tap[2] = { g->tap, self->tap2 };
	int pkt[2] = { g->pkt, self->pkt2 };
	int seq;

	ASSERT_NE(NULL, seen);
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, -1));
	for (i = 0; i < 2 * n; i++) {
		g->pkt = pkt[i & 1];
		ASSERT_OK(guest_inject(g, FRAME_LEN, i));
	}
	for (i = 0; i < n / 10; i++) {
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, tap[i & 1]));
		guest_refill(g, 15, 2048);
		while (guest_has_frame(g))
			ASSERT_LE(0, take_new(g, seen, total));
	}
	/* The rest of each tap, up to a last frame as a mark. */
	for (i = 0; i < 2; i++) {
		ASSERT_OK(vdev_set_backend(g->dev, RXQ, tap[i]));
		g->pkt = pkt[i];
		ASSERT_OK(guest_inject(g, FRAME_LEN, 2 * n + i));
		do {
			guest_refill(g, 15, 2048);
			seq = take_new(g, seen, total);
			ASSERT_LE(0, seq);
		} while (seq != 2 * n + i);
	}
	g->pkt = pkt[0];
	EXPECT_EQ(total, count_seen(seen, total));
	free(seen);
}

/*
 * A host that sends more than the guest takes: the tap drops frames, the ring
 * does not. Frames arrive complete, once and in order; once the guest catches
 * up, all of them arrive again.
 */
TEST_F(traffic, rx_sender_faster_than_guest)
{
	unsigned int i, burst = 3000, round;
	__u32 seq = 0, got, last = 0;
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int frames = 0;
	int bypass = 1;

	/*
	 * Bypass the queueing discipline, which may hold frames back and pass
	 * them to the tap later. An error then means that the tap's queue is
	 * full.
	 */
	ASSERT_EQ(0, setsockopt(g->pkt, SOL_PACKET, PACKET_QDISC_BYPASS,
				&bypass, sizeof(bypass)));
	ASSERT_OK(link_set_qlen(g->ifname, 500));
	for (round = 0; round < 2; round++) {
		guest_refill(g, 256, 2048);
		for (i = 0; i < burst; i++)
			guest_inject(g, FRAME_LEN, ++seq);
		frames = 0;
		/*
		 * At least as many as the tap's queue held; its entries become
		 * free a batch at a time.
		 */
		while (frames < 500 - 16) {
			ASSERT_OK(guest_recv(g, &f));
			got = frame_seq(f.data);
			ASSERT_THAT(frame_is(f.data, f.len, got));
			ASSERT_LT(last, got);
			ASSERT_LE(got, seq);
			last = got;
			frames++;
			guest_refill(g, 1, 2048);
		}
		/* Up to a mark, which is sent when there is room for it. */
		ASSERT_OK(guest_inject(g, FRAME_LEN, ++seq));
		while (last != seq) {
			guest_refill(g, 16, 2048);
			ASSERT_OK(guest_recv(g, &f));
			got = frame_seq(f.data);
			ASSERT_LT(last, got);
			last = got;
		}
	}
	guest_refill(g, 64, 2048);
	for (i = 0; i < 40; i++)
		ASSERT_OK(guest_check_rx(g, FRAME_LEN, i));
}

/* One buffer at a time, for many frames in the tap's queue. */
TEST_F(traffic, rx_guest_slower_than_tap)
{
	unsigned int i, n = env_scaled(500, 100);
	static struct guest_frame f;
	struct guest *g = &self->g;

	for (i = 0; i < n; i++)
		ASSERT_OK(guest_inject(g, FRAME_LEN, i));
	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_post(g, 2048, 1, false));
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK_AT(guest_recv(g, &f), "frame %u", i);
		ASSERT_THAT_AT(frame_is(f.data, f.len, i), "frame %u", i);
	}
}

/* Both rings at once. */
TEST_F(traffic, both_ways)
{
	unsigned int total = env_scaled(2000, 500);
	__u32 out = 0, in = 0, seen_out = 0, seen_in = 0, end;
	static struct guest_frame f;
	struct guest *g = &self->g;

	while (seen_in < total || seen_out < total) {
		guest_refill(g, 256, 2048);
		end = out + 64 < total ? out + 64 : total;
		out = guest_fill_tx(g, FRAME_LEN, out, end);
		while (in < total && in - seen_in < 128)
			ASSERT_OK(guest_inject(g, FRAME_LEN, in++));
		while (seen_out < out)
			ASSERT_OK(guest_capture(g, FRAME_LEN, seen_out++));
		while (seen_in < in) {
			guest_refill(g, 256, 2048);
			ASSERT_OK(guest_recv(g, &f));
			ASSERT_THAT(frame_is(f.data, f.len, seen_in));
			seen_in++;
		}
	}
	EXPECT_OK(guest_reap_all(g));
}

/*
 * A tap that is deleted under load (3c4cea8fa7f7: sendmsg() fails with a full
 * batch): all descriptors come back.
 */
TEST_F(traffic, tap_deleted)
{
	struct guest *g = &self->g;
	struct vq *tx = &g->vq[TXQ];
	__u32 seq = 0;

	guest_refill(g, 256, 2048);
	seq = guest_fill_tx(g, FRAME_LEN, seq, 256);
	ASSERT_OK(link_del(g->ifname));
	ASSERT_OK(vdev_set_backend(g->dev, RXQ, self->tap2));
	OURS_ALONE("a batch that fails loses its descriptors");
	while (seq < 2000) {
		ASSERT_OK(guest_wait_room(g, 1));
		seq = guest_fill_tx(g, FRAME_LEN, seq, 2000);
	}
	EXPECT_OK(guest_reap_all(g));
	EXPECT_EQ(tx->num, tx->nfree);
	/* Continue with the other tap. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, self->tap2));
	close(g->pkt);
	g->pkt = dup(self->pkt2);
	while (packet_recv_now(g->pkt, NULL, (unsigned char[64]){ 0 }, 64) >= 0)
		;
	EXPECT_OK(guest_check_alive(g, 0));
}

/* The same repeatedly, while the device is sending. */
TEST_F(traffic, tap_deleted_and_recreated)
{
	unsigned int round, rounds = env_scaled(20, 3);
	struct guest *g = &self->g;
	__u32 seq;

	for (round = 0; round < rounds; round++) {
		seq = guest_fill_tx(g, FRAME_LEN, 0, 256);
		ASSERT_OK(link_del(g->ifname));
		ASSERT_OK(guest_set_backend(g, -1));
		close(g->tap);
		close(g->pkt);
		g->pkt = -1;
		ASSERT_OK(guest_open_tap(g));
		/* vhost_net has lost descriptors by now: start again. */
		guest_reset_ring(g, TXQ, 0);
		ASSERT_OK(vdev_set_vring(g->dev, &g->vq[TXQ],
					 vq_base(&g->vq[TXQ])));
		ASSERT_OK(guest_set_backend(g, g->tap));
		ASSERT_OK(guest_check_alive(g, round + seq));
	}
}

TEST_F(traffic, tap_down)
{
	struct guest *g = &self->g;
	__u32 seq = 0;

	ASSERT_OK(link_up(g->ifname, false));
	while (seq < 1000) {
		ASSERT_OK(guest_wait_room(g, 1));
		seq = guest_fill_tx(g, FRAME_LEN, seq, 1000);
	}
	ASSERT_OK(guest_reap_all(g));
	ASSERT_OK(link_up(g->ifname, true));
	/* The old socket reports once that its device went down. */
	close(g->pkt);
	g->pkt = packet_open(g->ifname, true);
	ASSERT_GE(g->pkt, 0);
	EXPECT_OK(guest_check_alive(g, 0));
}

TEST_F(traffic, reset_owner_under_load)
{
	struct guest *g = &self->g;
	unsigned int i, round;

	for (round = 0; round < env_scaled(8, 2); round++) {
		guest_refill(g, 256, 2048);
		for (i = 0; i < 20; i++)
			guest_inject(g, FRAME_LEN, i);
		guest_fill_tx(g, FRAME_LEN, 0, 256);
		ASSERT_OK(vdev_cmd(g->dev, VHOST_RESET_OWNER, NULL));
		guest_stop(g);
		ASSERT_OK(guest_init(g, &(struct guest_cfg){
			.features = F_VERSION_1 | F_MRG_RXBUF,
			.tap_flags = IFF_VNET_HDR,
		}));
		ASSERT_OK(guest_open_tap(g));
		ASSERT_OK(guest_open_dev(g));
		ASSERT_OK(guest_set_backend(g, g->tap));
	}
	EXPECT_OK(guest_check_alive(g, 0));
}

/* CVE-2023-1838: the file of a descriptor changes while it is looked up. */
struct flip {
	int fd, with[2];
	atomic_bool stop;
};

static void *flip_file(void *arg)
{
	struct flip *flip = arg;
	unsigned int i = 0;

	while (!atomic_load(&flip->stop))
		dup2(flip->with[i++ & 1], flip->fd);
	return NULL;
}

TEST_F(traffic, backend_fd_replaced_during_lookup)
{
	struct flip flip = {
		.fd = dup(self->g.tap),
		.with = { self->g.tap, eventfd(0, EFD_CLOEXEC) },
	};
	unsigned int i, ok = 0, refused = 0;
	struct guest *g = &self->g;
	pthread_t thread;
	int err;

	ASSERT_EQ(0, pthread_create(&thread, NULL, flip_file, &flip));
	for (i = 0; i < env_scaled(2000, 200); i++) {
		err = vdev_set_backend(g->dev, TXQ, flip.fd);
		if (!err)
			ok++;
		else if (err == -ENOTSOCK)
			refused++;
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	}
	atomic_store(&flip.stop, true);
	pthread_join(thread, NULL);
	EXPECT_EQ(i, ok + refused);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	EXPECT_OK(guest_check_alive(g, 0));
	close(flip.fd);
	close(flip.with[1]);
}

/* CVE-2024-42135: the worker ends with its owner, and releases everything. */
TEST(owner_killed_under_load)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | F_EVENT_IDX,
		.tap_flags = IFF_VNET_HDR,
	};
	unsigned int round, i;
	struct guest g;
	int ready, status;
	pid_t pid;

	for (round = 0; round < env_scaled(4, 2); round++) {
		ready = eventfd(0, EFD_NONBLOCK);
		pid = child_fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			if (guest_start(&g, &cfg))
				_exit(1);
			guest_load_forever(&g, FRAME_LEN, ready);
		}
		for (i = 0; i < 5; i++) {
			ASSERT_THAT(event_wait(ready));
			event_count(ready);
		}
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_TRUE(wait_until(!threads_of(pid, NULL, 0)));
		close(ready);
	}
	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_OK(guest_check_alive(&g, 0));
	guest_stop(&g);
}

/* The owner is killed, and another process still has the file. */
TEST(owner_killed_file_survives)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF,
		.tap_flags = IFF_VNET_HDR,
	};
	struct guest g;
	int ready, status, dev;
	pid_t pid;

	dev = vdev_open();
	ASSERT_GE(dev, 0);
	ready = eventfd(0, EFD_NONBLOCK);
	pid = child_fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		if (guest_init(&g, &cfg) || netns_enter() ||
		    guest_open_tap(&g))
			_exit(1);
		g.dev = dev;
		if (vdev_set_owner(dev) ||
		    vdev_set_features(dev, cfg.features) ||
		    vdev_set_mem(dev, &g.mem) ||
		    vdev_set_vring(dev, &g.vq[RXQ], 0) ||
		    vdev_set_vring(dev, &g.vq[TXQ], 0) ||
		    guest_set_backend(&g, g.tap))
			_exit(2);
		guest_load_forever(&g, FRAME_LEN, ready);
	}
	ASSERT_THAT(event_wait(ready));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_ERR(EBUSY, vdev_set_owner(dev));
	EXPECT_ERR(EPERM, vdev_set_backend(dev, TXQ, -1));
	close(dev);
	close(ready);
	ASSERT_OK(guest_start(&g, &cfg));
	EXPECT_OK(guest_check_alive(&g, 0));
	guest_stop(&g);
}

/* Open and close, with and without an owner, many times. */
TEST(open_and_close)
{
	unsigned int i;
	int fd;

	for (i = 0; i < env_scaled(300, 20); i++) {
		fd = vdev_open();
		ASSERT_GE(fd, 0);
		if (i & 1)
			ASSERT_OK(vdev_set_owner(fd));
		close(fd);
	}
}

#define SMALL_RING	16

/* Fill everything that the device must not read yet with nonsense. */
static void spoil(struct vq *vq)
{
	unsigned int i, n = SMALL_RING - vq->inflight;

	for (i = 0; i < n; i++)
		split_avail(vq)->ring[(vq->avail_idx + i) & (SMALL_RING - 1)] =
			0xffff;
	for (i = 0; i < SMALL_RING; i++)
		if (!vq->slot[i].busy)
			split_write(vq, i, ~0ULL, ~0U, VRING_DESC_F_NEXT |
				    VRING_DESC_F_INDIRECT, 0xffff);
}

/*
 * Entries past the published index, in the ring of heads and in the descriptor
 * table, do not belong to the device yet, whatever was there before. Guests
 * lost their network after one ping with a patch that fetched descriptors in
 * batches.
 */
TEST(entries_past_the_avail_index_are_ignored)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN);
	unsigned int i, n, round, seq = 0;
	unsigned char frame[60];
	struct guest g;

	cfg.num = SMALL_RING;
	ASSERT_OK(guest_start(&g, &cfg));
	for (round = 0; round < env_scaled(500, 100); round++) {
		n = 1 + round % SMALL_RING;
		for (i = 0; i < n; i++) {
			spoil(&g.vq[TXQ]);
			frame_make(frame, sizeof(frame), seq + i);
			ASSERT_OK(guest_send(&g, NULL, frame, sizeof(frame), 1,
					     false));
			/* Some by themselves, some a few at a time. */
			if (round % 3 || i & 1)
				vq_submit(&g.vq[TXQ]);
		}
		vq_submit(&g.vq[TXQ]);
		for (i = 0; i < n; i++)
			ASSERT_OK_AT(guest_capture(&g, sizeof(frame), seq + i),
				     "frame %u", seq + i);
		ASSERT_OK(guest_reap_all(&g));
		spoil(&g.vq[RXQ]);
		ASSERT_OK(guest_post(&g, 2048, 1, false));
		spoil(&g.vq[RXQ]);
		vq_submit(&g.vq[RXQ]);
		ASSERT_OK_AT(guest_check_rx(&g, 60, round), "round %u", round);
		seq += n;
	}
	EXPECT_EQ(0, g.vq[TXQ].bogus);
	EXPECT_EQ(0, event_count(g.vq[TXQ].err));
	guest_stop(&g);
}

/* One frame out, one back, past the end of the ring and of the indices. */
TEST(ping_across_the_wrap_of_ring_and_index)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN);
	unsigned int i;
	struct guest g;

	cfg.num = SMALL_RING;
	cfg.base = 65536 - SMALL_RING - 3;
	ASSERT_OK(guest_start(&g, &cfg));
	for (i = 0; i < 5 * SMALL_RING; i++) {
		guest_refill(&g, SMALL_RING, 2048);
		ASSERT_OK_AT(guest_check_tx(&g, 98, i, 2, false), "ping %u", i);
		ASSERT_OK_AT(guest_check_rx(&g, 98, i), "ping %u", i);
	}
	guest_stop(&g);
}

VHOST_TEST_MAIN
