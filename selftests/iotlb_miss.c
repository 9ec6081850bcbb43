// SPDX-License-Identifier: GPL-2.0-only
/*
 * Misses of the device IOTLB: when a ring asks for a translation, when it asks
 * again, what becomes of the miss when a ring stops, and what happens where an
 * entry is evicted or forbids the access.
 */
#include "iotlb_guest.h"
#include "test.h"

FIXTURE(miss)
{
	struct guest g;
	struct iotlb t;
	int fd;
};

FIXTURE_VARIANT(miss)
{
	__u64 features;
	bool v2;
};

FIXTURE_VARIANT_ADD(miss, v1)
{
	.v2 = false,
};

FIXTURE_VARIANT_ADD(miss, v2)
{
	.v2 = true,
};

FIXTURE_VARIANT_ADD(miss, packed)
{
	.features = F_RING_PACKED,
	.v2 = true,
};

FIXTURE_VARIANT_ADD(miss, packed_in_order)
{
	.features = F_RING_PACKED | F_IN_ORDER,
	.v2 = true,
};

FIXTURE_SETUP(miss)
{
	SETUP_NEEDS(variant->features);
	ASSERT_OK(iotlb_guest_idle(&self->t, &self->g, variant->features,
				   variant->v2));
	self->fd = self->g.dev;
}

FIXTURE_TEARDOWN(miss)
{
	guest_stop(&self->g);
	iotlb_free(&self->t);
}

/* QEMU sends one page of each used ring before it starts the rings. */
TEST_F(miss, start_needs_the_used_ring)
{
	struct guest *g = &self->g;

	EXPECT_ERR(EFAULT, vdev_set_backend(g->dev, RXQ, g->tap));
	EXPECT_ERR(EFAULT, vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(iotlb_preload(&self->t));
	EXPECT_OK(guest_set_backend(g, g->tap));
	/* And again: a stop and a start without a message in between. */
	EXPECT_OK(guest_set_backend(g, -1));
	EXPECT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_set_backend(g, -1));
	ASSERT_OK(iotlb_flush(&self->t));
	EXPECT_ERR(EFAULT, vdev_set_backend(g->dev, TXQ, g->tap));
}

/* A ring has at most one miss queued, however often it is kicked. */
TEST_F(miss, miss_is_queued_once)
{
	struct vq *vq = &self->g.vq[TXQ];
	struct vhost_iotlb_msg msg;
	unsigned int i;

	OURS_ALONE("each kick queues a miss of its own");
	ASSERT_OK(iotlb_start_rings(&self->t));
	ASSERT_OK(vq_add_out(vq, self->g.pool[TXQ].slot[0].gpa, 100, 0));
	vq_publish(vq);
	for (i = 0; i < 50; i++) {
		vq_kick(vq);
		/* Removing the kick waits for the worker. */
		ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK, TXQ,
					-1));
		ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK, TXQ,
					vq->kick));
	}
	/*
	 * The last eventfd was readable when it was set, so the worker may yet
	 * run for it, and would ask again. Removing it waits for that run.
	 */
	ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK, TXQ, -1));
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	EXPECT_EQ(0, iotlb_read_all(self->fd, variant->v2));
	/* A miss that was read and not answered is reported again. */
	ASSERT_OK(vdev_set_file(self->fd, VHOST_SET_VRING_KICK, TXQ, vq->kick));
	vq_kick(vq);
	EXPECT_OK(iotlb_wait(self->fd, variant->v2, &msg));
}

/* The answer may come before the miss is read. */
TEST_F(miss, update_before_the_miss_is_read)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	unsigned char frame[60];

	OURS_ALONE("only a miss that was read is answered");
	ASSERT_OK(iotlb_start_rings(&self->t));
	frame_make(frame, sizeof(frame), 7);
	ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
	vq_publish(vq);
	vq_kick(vq);
	ASSERT_THAT(wait_until(iotlb_readable(self->fd)));
	ASSERT_OK(iotlb_answer(&self->t, g->pool[TXQ].slot[0].gpa));
	EXPECT_OK(guest_capture(g, sizeof(frame), 7));
	EXPECT_OK(guest_reap_all(g));
}

/* A stop does not wait for an answer, and loses nothing. */
TEST_F(miss, stop_with_a_miss_outstanding)
{
	struct guest *g = &self->g;
	static struct guest_frame f;
	struct vhost_iotlb_msg msg;
	unsigned char frame[60];
	unsigned int i;
	__u32 base;

	ASSERT_OK(iotlb_start_rings(&self->t));
	frame_make(frame, sizeof(frame), 9);
	ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
	vq_submit(&g->vq[TXQ]);
	ASSERT_OK(guest_post(g, 2048, 1, false));
	vq_submit(&g->vq[RXQ]);
	ASSERT_OK(guest_inject(g, 60, 10));
	/* One of the two misses is read, one is not, in any order. */
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	ASSERT_OK(guest_set_backend(g, -1));
	for (i = 0; i < NR_VQS; i++) {
		EXPECT_EQ(0, vq_count_used(&g->vq[i]));
		ASSERT_OK(vdev_get_base(g->dev, i, &base));
		EXPECT_EQ(vq_used_base(&g->vq[i]), base);
	}

	ASSERT_OK(iotlb_serve(&self->t));
	ASSERT_OK(guest_set_backend(g, g->tap));
	vq_kick(&g->vq[TXQ]);
	EXPECT_OK(guest_capture(g, sizeof(frame), 9));
	EXPECT_OK(guest_reap_all(g));
	ASSERT_OK(guest_recv(g, &f));
	EXPECT_TRUE(f.len == 60 && frame_is(f.data, 60, 10));
	EXPECT_OK(iotlb_unserve(&self->t));
}

/* Removing a ring's backend cancels its miss. */
TEST_F(miss, misses_are_cancelled_with_the_backend)
{
	struct vq *vq = &self->g.vq[TXQ];
	struct vhost_iotlb_msg msg;

	/* The miss of a start that failed. */
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	ASSERT_THAT(wait_until(iotlb_readable(self->fd)));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_FALSE(iotlb_readable(self->fd));
	EXPECT_ERR(EAGAIN, iotlb_read(self->fd, variant->v2, &msg));
	/* The miss of a worker that has found a frame. */
	ASSERT_OK(iotlb_start_rings(&self->t));
	ASSERT_OK(vq_add_out(vq, self->g.pool[TXQ].slot[0].gpa, 100, 0));
	vq_publish(vq);
	vq_kick(vq);
	ASSERT_THAT(wait_until(iotlb_readable(self->fd)));
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, -1));
	EXPECT_FALSE(iotlb_readable(self->fd));
	EXPECT_ERR(EAGAIN, iotlb_read(self->fd, variant->v2, &msg));
	/* The next start asks for the frame again. */
	ASSERT_OK(vdev_set_backend(self->fd, TXQ, self->g.tap));
	vq_kick(vq);
	ASSERT_OK(iotlb_wait(self->fd, variant->v2, &msg));
	EXPECT_EQ(self->g.pool[TXQ].slot[0].gpa, msg.iova);
}

/* Send a frame each way, and wait until both rings miss its buffer. */
static int make_both_miss(struct iotlb *t)
{
	struct guest *g = t->g;
	unsigned char frame[60];
	int err;

	frame_make(frame, sizeof(frame), 9);
	err = guest_send(g, NULL, frame, sizeof(frame), 1, false);
	if (!err)
		err = guest_post(g, 2048, 1, false);
	if (!err)
		err = guest_inject(g, sizeof(frame), 10);
	vq_submit(&g->vq[TXQ]);
	vq_submit(&g->vq[RXQ]);
	if (err)
		return err;
	return wait_until(vdev_counter(g->dev, "queue0.iotlb_misses") &&
			  vdev_counter(g->dev, "queue1.iotlb_misses")) ?
	       0 : -ETIMEDOUT;
}

/* Take the frame that make_both_miss() has sent through ring @ring. */
static int take_frame_of(struct guest *g, unsigned int ring)
{
	static struct guest_frame f;
	int err;

	if (ring == TXQ) {
		err = guest_capture(g, 60, 9);
		return err ? err : guest_reap_all(g);
	}
	err = guest_recv(g, &f);
	if (err)
		return err;
	return f.len == 60 && frame_is(f.data, 60, 10) ? 0 : -EBADMSG;
}

/*
 * Stop ring @stop: the miss of the other ring is still queued, or comes again.
 * Answer it.
 */
static int stop_one_of_two(struct iotlb *t, unsigned int stop)
{
	unsigned int goes_on = !stop;
	struct vhost_iotlb_msg msg;
	struct guest *g = t->g;
	int err;

	err = vdev_set_backend(g->dev, stop, -1);
	if (!err)
		err = iotlb_wait(g->dev, t->cfg.v2, &msg);
	/* A late kick may make the ring ask twice. */
	for (; !err; err = iotlb_read(g->dev, t->cfg.v2, &msg))
		if (msg.iova != g->pool[goes_on].slot[0].gpa)
			return -EPROTO;
	if (err != -EAGAIN)
		return err;
	err = iotlb_answer(t, g->pool[goes_on].slot[0].gpa);
	return err ? err : take_frame_of(g, goes_on);
}

static int restart_one_of_two(struct iotlb *t, unsigned int ring)
{
	struct guest *g = t->g;
	int err;

	err = iotlb_answer(t, g->pool[ring].slot[0].gpa);
	if (!err)
		err = vdev_set_backend(g->dev, ring, g->tap);
	vq_kick(&g->vq[ring]);
	return err ? err : take_frame_of(g, ring);
}

#define NEEDS_MISS_PER_RING						\
	OURS_ALONE("the other ring's miss is dropped, and it asks no more")

TEST_F(miss, stopping_receive_keeps_the_miss_of_transmit)
{
	NEEDS_MISS_PER_RING;
	ASSERT_OK(iotlb_start_rings(&self->t));
	ASSERT_OK(make_both_miss(&self->t));
	ASSERT_OK(stop_one_of_two(&self->t, RXQ));
	EXPECT_OK(restart_one_of_two(&self->t, RXQ));
}

TEST_F(miss, stopping_transmit_keeps_the_miss_of_receive)
{
	NEEDS_MISS_PER_RING;
	ASSERT_OK(iotlb_start_rings(&self->t));
	ASSERT_OK(make_both_miss(&self->t));
	ASSERT_OK(stop_one_of_two(&self->t, TXQ));
	EXPECT_OK(restart_one_of_two(&self->t, TXQ));
}

/* Read until a miss of each ring has come. */
static int read_both(struct iotlb *t)
{
	struct vhost_iotlb_msg msg;
	bool seen[NR_VQS] = { 0 };
	unsigned int i;
	int err = 0;

	while (!err && !(seen[RXQ] && seen[TXQ])) {
		err = iotlb_wait(t->g->dev, t->cfg.v2, &msg);
		for (i = 0; !err && i < NR_VQS; i++)
			seen[i] |= msg.iova == t->g->pool[i].slot[0].gpa;
	}
	return err;
}

/* Misses that were read before one ring stops are answered after it. */
TEST_F(miss, answer_after_the_other_ring_has_stopped)
{
	unsigned int stop;

	NEEDS_MISS_PER_RING;
	ASSERT_OK(iotlb_start_rings(&self->t));
	for (stop = 0; stop < NR_VQS; stop++) {
		ASSERT_OK(make_both_miss(&self->t));
		ASSERT_OK(read_both(&self->t));
		ASSERT_OK(vdev_set_backend(self->fd, stop, -1));
		ASSERT_OK(iotlb_answer(&self->t,
				       self->g.pool[!stop].slot[0].gpa));
		ASSERT_OK_AT(take_frame_of(&self->g, !stop), "without %u",
			     stop);
		ASSERT_OK(restart_one_of_two(&self->t, stop));
		ASSERT_OK(iotlb_flush(&self->t));
		ASSERT_OK(guest_set_backend(&self->g, -1));
		ASSERT_OK(iotlb_start_rings(&self->t));
	}
}

/* When there is no room, the oldest entry is evicted, and no other. */
TEST_F(miss, oldest_entry_is_evicted)
{
	void *user = self->t.phys.region[0].hva;
	__u64 used = self->g.vq[TXQ].gpa[VQ_USED];
	unsigned int i, n = iotlb_max_entries();

	ASSERT_OK(iotlb_answer(&self->t, used));
	for (i = 1; i < n; i++)
		ASSERT_OK_AT(iotlb_update(self->fd, variant->v2,
					  i * 2 * IOTLB_PAGE, IOTLB_PAGE, user,
					  VHOST_ACCESS_RW), "entry %u", i);
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, self->g.tap));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, -1));
	ASSERT_OK(iotlb_update(self->fd, variant->v2, n * 2 * IOTLB_PAGE,
			       IOTLB_PAGE, user, VHOST_ACCESS_RW));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	ASSERT_OK(iotlb_answer(&self->t, used));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, self->g.tap));
}

static int map_slot(struct iotlb *t, unsigned int ring, unsigned int slot,
		    __u8 perm)
{
	__u64 iova = t->g->pool[ring].slot[slot].gpa & ~(IOTLB_PAGE - 1);

	return iotlb_update(t->g->dev, t->cfg.v2, iova, IOTLB_PAGE,
			    *iotlb_page(t, iova), perm);
}

/* A buffer that the device may only read is not written. */
TEST_F(miss, receive_into_a_read_only_buffer)
{
	struct guest *g = &self->g;
	__u64 iova = g->pool[RXQ].slot[0].gpa;
	unsigned char *page = *iotlb_page(&self->t, iova);
	unsigned int i;

	ASSERT_OK(iotlb_start_rings(&self->t));
	ASSERT_OK(map_slot(&self->t, RXQ, 0, VHOST_ACCESS_RO));
	memset(page, 0x5a, IOTLB_PAGE);
	ASSERT_OK(vq_add_in(&g->vq[RXQ], iova, 1024, 0));
	vq_publish(&g->vq[RXQ]);
	vq_kick(&g->vq[RXQ]);
	ASSERT_OK(guest_inject(g, 60, 1));
	if (env_is_ours())
		EXPECT_TRUE(vq_wait(&g->vq[RXQ]));
	ASSERT_OK(guest_set_backend(g, -1));
	for (i = 0; i < IOTLB_PAGE && page[i] == 0x5a; i++)
		;
	EXPECT_EQ(IOTLB_PAGE, i);
}

/* The guest's mistake costs it that one chain. */
TEST_F(miss, wrong_permission_costs_one_chain)
{
	struct guest *g = &self->g;
	unsigned char frame[60];
	struct vq_used used;

	OURS_ALONE("the queue stops at a buffer without permission");
	ASSERT_OK(iotlb_start_rings(&self->t));
	ASSERT_OK(map_slot(&self->t, TXQ, 0, VHOST_ACCESS_WO));
	ASSERT_OK(vq_add_out(&g->vq[TXQ], g->pool[TXQ].slot[0].gpa, 100, 77));
	vq_submit(&g->vq[TXQ]);
	ASSERT_THAT(vq_wait_pop(&g->vq[TXQ], &used));
	EXPECT_EQ(77, used.cookie);
	EXPECT_EQ(0, used.len);
	EXPECT_EQ(1, vdev_counter(g->dev, "queue1.drop.chain_address"));

	ASSERT_OK(map_slot(&self->t, TXQ, 0, VHOST_ACCESS_RO));
	frame_make(frame, sizeof(frame), 3);
	ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
	vq_submit(&g->vq[TXQ]);
	EXPECT_OK(guest_capture(g, sizeof(frame), 3));
	EXPECT_OK(guest_reap_all(g));
}

/* A ring does not start if the device may not write its used ring. */
TEST_F(miss, start_with_a_read_only_used_ring)
{
	__u64 used = self->g.vq[TXQ].gpa[VQ_USED] & ~(IOTLB_PAGE - 1);

	OURS_ALONE("the used ring is written nevertheless");
	ASSERT_OK(iotlb_update(self->fd, variant->v2, used, IOTLB_PAGE,
			       *iotlb_page(&self->t, used), VHOST_ACCESS_RO));
	EXPECT_ERR(EFAULT, vdev_set_backend(self->fd, TXQ, self->g.tap));
	ASSERT_OK(iotlb_answer(&self->t, used));
	EXPECT_OK(vdev_set_backend(self->fd, TXQ, self->g.tap));
}

VHOST_TEST_MAIN
