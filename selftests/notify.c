// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kicks and calls: when they are sent, and when they are not. Stopping a ring
 * waits for its worker, so what has not happened by then does not happen.
 */
#include <poll.h>

#include "test.h"

FIXTURE(notify)
{
	struct guest g;
	struct vq *vq;
};

FIXTURE_VARIANT(notify)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(notify, flags)
{
	.features = 0,
};

FIXTURE_VARIANT_ADD(notify, flags_on_empty)
{
	.features = F_NOTIFY_ON_EMPTY,
};

FIXTURE_VARIANT_ADD(notify, event_idx)
{
	.features = F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(notify, event_idx_on_empty)
{
	.features = F_EVENT_IDX | F_NOTIFY_ON_EMPTY,
};

FIXTURE_VARIANT_ADD(notify, in_order)
{
	.features = F_EVENT_IDX | F_IN_ORDER,
};

FIXTURE_VARIANT_ADD(notify, packed_flags)
{
	.features = F_RING_PACKED,
};

FIXTURE_VARIANT_ADD(notify, packed_flags_on_empty)
{
	.features = F_RING_PACKED | F_NOTIFY_ON_EMPTY,
};

FIXTURE_VARIANT_ADD(notify, packed_event_idx)
{
	.features = F_RING_PACKED | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(notify, packed_in_order)
{
	.features = F_RING_PACKED | F_EVENT_IDX | F_IN_ORDER,
};

FIXTURE_SETUP(notify)
{
	struct guest_cfg cfg = {
		.features = F_VERSION_1 | F_MRG_RXBUF | variant->features,
		.tap_flags = IFF_VNET_HDR,
	};

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->vq = &self->g.vq[TXQ];
}

FIXTURE_TEARDOWN(notify)
{
	guest_stop(&self->g);
}

static int send_frames(struct guest *g, unsigned int n)
{
	unsigned char frame[60];
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		frame_make(frame, sizeof(frame), i);
		err = guest_send(g, NULL, frame, sizeof(frame), 1, false);
		if (err)
			return err;
	}
	vq_publish(&g->vq[TXQ]);
	vq_kick(&g->vq[TXQ]);
	for (i = 0; i < n; i++) {
		err = guest_capture(g, sizeof(frame), i);
		if (err)
			return err;
	}
	return 0;
}

/* Wait for the worker by stopping its ring, and start it again. */
static int settle(struct guest *g)
{
	int err = vdev_set_backend(g->dev, TXQ, -1);

	return err ? err : vdev_set_backend(g->dev, TXQ, g->tap);
}

/*
 * Send one frame and wait for its call, which may come long after the used
 * entry: it must not be taken for an unwanted one later.
 */
static int send_and_wait_call(struct guest *g)
{
	struct vq *vq = &g->vq[TXQ];
	int err;

	vq->ops->arm(vq);
	err = send_frames(g, 1);
	if (!err && !event_wait(vq->call))
		err = -ETIMEDOUT;
	event_count(vq->call);
	return err ? err : guest_reap_all(g);
}

TEST_F(notify, call_when_wanted)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		self->vq->ops->arm(self->vq);
		ASSERT_OK(send_frames(g, 3));
		ASSERT_THAT_AT(event_wait(self->vq->call), "round %u", i);
		event_count(self->vq->call);
		ASSERT_OK(guest_reap_all(g));
	}
}

TEST_F(notify, no_call_when_unwanted)
{
	struct guest *g = &self->g;
	struct vq *vq = self->vq;

	/* The first call after a start is not compared with anything. */
	ASSERT_OK(send_frames(g, 1));
	ASSERT_OK(guest_reap_all(g));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	event_count(vq->call);
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(send_and_wait_call(g));

	vq_refuse(vq);
	ASSERT_OK(send_frames(g, 100));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	EXPECT_EQ(100, guest_reap(g));
	/* With NOTIFY_ON_EMPTY an empty ring calls nevertheless. */
	EXPECT_EQ(!!(variant->features & F_NOTIFY_ON_EMPTY),
		  !!event_count(vq->call));
}

/* The call comes with the used entry that the event index names, not before. */
TEST_F(notify, call_at_the_event_index)
{
	struct guest *g = &self->g;
	struct vq *vq = self->vq;
	unsigned int i;

	if (!(variant->features & F_EVENT_IDX) ||
	    variant->features & F_NOTIFY_ON_EMPTY)
		SKIP(return, "only with the event index");
	ASSERT_OK(send_and_wait_call(g));
	vq_call_at(vq, 9);
	for (i = 0; i < 9; i++)
		ASSERT_OK(send_frames(g, 1));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	EXPECT_EQ(9, guest_reap(g));
	EXPECT_EQ(0, event_count(vq->call));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	/* A start forgets the last call, so send another frame. */
	ASSERT_OK(send_frames(g, 1));
	EXPECT_TRUE(event_wait(vq->call));
	EXPECT_OK(guest_reap_all(g));
}

/* An idle worker has asked for a kick. */
TEST_F(notify, idle_worker_asks_for_a_kick)
{
	struct guest *g = &self->g;
	struct vq *vq = self->vq;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		ASSERT_OK(send_frames(g, 1 + i % 3));
		ASSERT_OK(guest_reap_all(g));
		ASSERT_THAT(wait_until(vq_kick_is_asked(vq)));
	}
}

/* The driver kicks only when it is asked to, and nothing gets stuck. */
TEST_F(notify, no_kick_is_missed)
{
	unsigned int i, n = env_scaled(2000, 100);
	struct guest *g = &self->g;
	unsigned char frame[60];

	for (i = 0; i < n; i++) {
		frame_make(frame, sizeof(frame), i);
		ASSERT_OK(guest_wait_room(g, 1));
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
		vq_submit(self->vq);
		ASSERT_OK_AT(guest_capture(g, sizeof(frame), i), "frame %u", i);
	}
	EXPECT_OK(guest_reap_all(g));
}

/* The same for receive, where the guest runs out of buffers repeatedly. */
TEST_F(notify, no_refill_is_missed)
{
	unsigned int i, n = env_scaled(1000, 100);
	static struct guest_frame f;
	struct guest *g = &self->g;

	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_inject(g, 60, i));
		ASSERT_OK(guest_post(g, 2048, 1, false));
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK_AT(guest_recv(g, &f), "frame %u", i);
		ASSERT_THAT(frame_is(f.data, f.len, i));
	}
}

/* Without a call eventfd the device keeps working, and sends no calls. */
TEST_F(notify, no_call_eventfd)
{
	struct guest *g = &self->g;
	struct vq *vq = self->vq;

	ASSERT_OK(vdev_set_file(g->dev, VHOST_SET_VRING_CALL, TXQ, -1));
	ASSERT_OK(send_frames(g, 5));
	ASSERT_OK(settle(g));
	EXPECT_EQ(5, guest_reap(g));
	EXPECT_EQ(0, event_count(vq->call));
	ASSERT_OK(vdev_set_file(g->dev, VHOST_SET_VRING_CALL, TXQ, vq->call));
	EXPECT_OK(guest_check_alive(g, 0));
}

/*
 * Send frames while there is no call eventfd. The ring's lock is held from the
 * used entries to the call, so the next command waits for that.
 */
static int send_without_eventfd(struct guest *g, unsigned int n)
{
	struct vq *vq = &g->vq[TXQ];
	int err;

	err = vdev_set_file(g->dev, VHOST_SET_VRING_CALL, TXQ, -1);
	if (!err)
		err = send_frames(g, n);
	if (err)
		return err;
	/* Waiting for the call would say that none is wanted afterwards. */
	return wait_until((guest_reap(g), !vq->inflight)) ? 0 : -ETIMEDOUT;
}

static int set_call(struct guest *g)
{
	return vdev_set_file(g->dev, VHOST_SET_VRING_CALL, TXQ,
			     g->vq[TXQ].call);
}

/* An interrupt that falls due without a call eventfd waits for one. */
TEST_F(notify, call_waits_for_eventfd)
{
	struct guest *g = &self->g;
	struct vq *vq = self->vq;
	unsigned int i;

	OURS_ALONE("an interrupt without a call eventfd is lost");
	ASSERT_OK(send_and_wait_call(g));
	for (i = 0; i < 5; i++) {
		vq->ops->arm(vq);
		ASSERT_OK(send_without_eventfd(g, 3));
		EXPECT_EQ(0, event_count(vq->call));
		ASSERT_OK(set_call(g));
		ASSERT_EQ(1, event_count(vq->call));
		/* It is delivered once. */
		ASSERT_OK(set_call(g));
		ASSERT_EQ(0, event_count(vq->call));
	}
	EXPECT_OK(guest_check_alive(g, 0));
}

/* A command that fails does not consume the interrupt. */
TEST_F(notify, call_waits_for_success)
{
	struct guest *g = &self->g;
	struct vq *vq = self->vq;

	OURS_ALONE("an interrupt without a call eventfd is lost");
	vq->ops->arm(vq);
	ASSERT_OK(send_without_eventfd(g, 1));
	EXPECT_ERR(EINVAL, vdev_set_file(g->dev, VHOST_SET_VRING_CALL, TXQ,
					 g->tap));
	EXPECT_ERR(EBADF, vdev_set_file(g->dev, VHOST_SET_VRING_CALL, TXQ,
					1000));
	EXPECT_OK(vdev_set_file(g->dev, VHOST_SET_VRING_CALL, TXQ, -1));
	ASSERT_OK(set_call(g));
	EXPECT_EQ(1, event_count(vq->call));
}

/* An interrupt that the guest does not want does not wait either. */
TEST_F(notify, unwanted_call_does_not_wait)
{
	struct guest *g = &self->g;
	struct vq *vq = self->vq;

	if (variant->features & F_NOTIFY_ON_EMPTY)
		SKIP(return, "an empty ring is always reported");
	ASSERT_OK(send_and_wait_call(g));
	vq_refuse(vq);
	ASSERT_OK(send_without_eventfd(g, 10));
	ASSERT_OK(set_call(g));
	EXPECT_EQ(0, event_count(vq->call));
}

/* What was due before a stop is not delivered afterwards. */
TEST_F(notify, stop_cancels_waiting_call)
{
	struct guest *g = &self->g;
	struct vq *vq = self->vq;

	vq->ops->arm(vq);
	ASSERT_OK(send_without_eventfd(g, 3));
	ASSERT_OK(settle(g));
	ASSERT_OK(set_call(g));
	EXPECT_EQ(0, event_count(vq->call));
	EXPECT_OK(guest_check_alive(g, 0));
}

/* An eventfd whose counter is full must not block the worker. */
TEST_F(notify, call_eventfd_is_full)
{
	struct guest *g = &self->g;
	__u64 full = ~0ULL - 1;

	ASSERT_EQ(sizeof(full), write(self->vq->call, &full, sizeof(full)));
	ASSERT_OK(send_frames(g, 5));
	ASSERT_OK(settle(g));
	EXPECT_EQ(5, guest_reap(g));
	event_count(self->vq->call);
	EXPECT_OK(guest_check_alive(g, 0));
}

/*
 * A guest that is asked for a kick has nothing left in the ring, and what it
 * had is on its way, not in a batch that waits for more. See 8c2e6b26ffe2
 * ("vhost_net: disable notifications when the vring is empty", reverted).
 */
TEST(kick_is_asked_for_after_the_batch_is_sent)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN);
	unsigned char frame[60], got[61];
	struct virtio_net_hdr hdr;
	unsigned int i, n, round;
	struct guest g;

	if (!env_kernel_at_least(6, 18))
		OURS_ALONE("asks first, then sends the last batch");
	ASSERT_OK(guest_start(&g, &cfg));
	for (round = 0; round < env_scaled(300, 50); round++) {
		n = 1 + round % 70;
		for (i = 0; i < n; i++) {
			frame_make(frame, sizeof(frame), i);
			ASSERT_OK(guest_send(&g, NULL, frame, sizeof(frame), 1,
					     false));
		}
		vq_submit(&g.vq[TXQ]);
		ASSERT_THAT(wait_until(vq_kick_is_asked(&g.vq[TXQ])));
		/* All frames are there, without a wait. */
		for (i = 0; i < n; i++) {
			ASSERT_EQ(60, packet_recv_now(g.pkt, &hdr, got,
						      sizeof(got)));
			ASSERT_THAT(frame_is(got, 60, i));
		}
		ASSERT_EQ(n, guest_reap(&g));
	}
	guest_stop(&g);
}

VHOST_TEST_MAIN
