// SPDX-License-Identifier: GPL-2.0-only
/*
 * A dirty log that is switched on, off and replaced under traffic, with an
 * IOTLB and without; a model migration; a log that becomes inaccessible.
 */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_log.h"
#include "iotlb.h"
#include "test.h"
#include "vq_split.h"

/* A guest under traffic, with a log that changes. */
FIXTURE(live)
{
	struct guest g;
	struct iotlb t;
	struct dlog log;	/* by guest-physical address */
	struct dlog driver;	/* pages that the driver writes, by IOVA */
	struct dlog_image image;
	bool iotlb;
};

FIXTURE_VARIANT(live)
{
	__u64 features;
	struct iotlb_cfg iotlb;
	__u16 base;
};

#define RING	512

FIXTURE_VARIANT_ADD(live, event_idx)
{
	.features = F_MODERN,
};

FIXTURE_VARIANT_ADD(live, flags)
{
	.features = F_MODERN_BASE | F_INDIRECT,
};

FIXTURE_VARIANT_ADD(live, in_order)
{
	.features = F_MODERN | F_IN_ORDER,
};

/* The guest uses other addresses than the log. */
FIXTURE_VARIANT_ADD(live, iotlb)
{
	.features = F_MODERN | F_ACCESS_PLATFORM,
	.iotlb = { .v2 = true, .scatter = true },
};

FIXTURE_VARIANT_ADD(live, iotlb_flags)
{
	.features = F_MODERN_BASE | F_INDIRECT | F_ACCESS_PLATFORM,
	.iotlb = { .pages = true },
};

/* The second chain takes the last descriptor of a lap. */
FIXTURE_VARIANT_ADD(live, packed)
{
	.features = F_PACKED,
	.base = RING - 2,
};

FIXTURE_VARIANT_ADD(live, packed_flags)
{
	.features = F_PACKED_BASE | F_INDIRECT,
};

FIXTURE_VARIANT_ADD(live, packed_in_order)
{
	.features = F_PACKED | F_IN_ORDER,
};

FIXTURE_VARIANT_ADD(live, packed_iotlb)
{
	.features = F_PACKED | F_ACCESS_PLATFORM,
	.iotlb = { .v2 = true, .scatter = true },
};

#define live_t	FIXTURE_DATA(live)

static const struct gmem *physical(live_t *self)
{
	return self->iotlb ? &self->t.phys : &self->g.mem;
}

FIXTURE_SETUP(live)
{
	struct guest_cfg cfg = {
		.ops = guest_log_paged_ops(variant->features),
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
		.slots = 48,
		.slot_size = GUEST_BURST_SLOT,
		.ind_max = 4,
		.base = variant->base,
	};
	struct guest *g = &self->g;

	SETUP_NEEDS(variant->features);
	SETUP_NO_IN_ORDER_LOG(variant->features);
	self->iotlb = variant->features & F_ACCESS_PLATFORM;
	if (self->iotlb)
		ASSERT_OK(iotlb_guest_start(&self->t, g, &variant->iotlb,
					    &cfg));
	else
		ASSERT_OK(guest_start(g, &cfg));
	ASSERT_OK(dlog_init(&self->log, physical(self)));
	ASSERT_OK(dlog_init(&self->driver, &g->mem));
	ASSERT_OK(dlog_image_init(&self->image, &g->mem));
	guest_log_mark_driver(g, &self->driver);
}

FIXTURE_TEARDOWN(live)
{
	if (self->iotlb)
		iotlb_guest_stop(&self->t, &self->g);
	else
		guest_stop(&self->g);
	dlog_image_free(&self->image);
	dlog_free(&self->driver);
	dlog_free(&self->log);
}

static int restart(live_t *self)
{
	unsigned int i;
	int err = 0;

	/* A change of features may have emptied the device's IOTLB. */
	if (self->iotlb)
		err = iotlb_preload(&self->t);
	if (!err)
		err = guest_set_backend(&self->g, self->g.tap);
	for (i = 0; i < NR_VQS; i++)
		vq_kick(&self->g.vq[i]);
	return err;
}

/*
 * Switch the log on or off, under traffic. vhost_net with an IOTLB is stopped
 * meanwhile: it replaces its IOTLB while the worker is in the middle of a
 * packet, which is then lost.
 */
static int live_switch(live_t *self, struct dlog *log)
{
	bool stop = self->iotlb && !env_is_ours();
	int err = 0;

	if (stop)
		err = guest_set_backend(&self->g, -1);
	if (!err)
		err = log ? guest_log_on(&self->g, log) :
			    guest_log_off(&self->g);
	if (!err && stop)
		err = restart(self);
	return err;
}

/* Copy all dirty pages to the image. Return: how many. */
static unsigned int copy_dirty(live_t *self)
{
	const struct gmem_region *r;
	unsigned int n = 0;
	__u64 addr, gpa;

	for (r = self->g.mem.region;
	     r < self->g.mem.region + self->g.mem.nregions; r++) {
		for (addr = r->gpa; addr < r->gpa + r->size;
		     addr += DLOG_PAGE) {
			gpa = self->iotlb ? iotlb_gpa(&self->t, addr) : addr;
			if (!dlog_take(&self->log, gpa))
				continue;
			dlog_image_page(&self->image, addr);
			n++;
		}
	}
	return n;
}

/*
 * A migration: switch the log on, copy all memory, then copy dirty pages while
 * the guest works. In the end both sides have the same contents.
 */
TEST_F(live, migration)
{
	unsigned int i, n = env_scaled(60, 6);
	struct guest *g = &self->g;
	unsigned int copied = 0;

	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_burst_send(g, 0));
	ASSERT_OK(live_switch(self, &self->log));
	dlog_image_all(&self->image);
	ASSERT_OK(guest_burst_take(g, 0));
	for (i = 1; i < n; i++) {
		ASSERT_OK(guest_burst_post(g));
		copied += copy_dirty(self);
		ASSERT_OK(guest_burst_send(g, i * GUEST_BURST));
		copied += copy_dirty(self);
		ASSERT_OK_AT(guest_burst_take(g, i * GUEST_BURST),
			     "round %u", i);
	}
	/* At last, stop the rings with frames in flight. */
	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_burst_send(g, i * GUEST_BURST));
	ASSERT_OK(guest_set_backend(g, -1));
	copied += copy_dirty(self);
	EXPECT_GT(copied, 0);
	EXPECT_TRUE(dlog_image_same(&self->image, &self->driver));

	/* The migration fails after all: the guest continues here. */
	ASSERT_OK(guest_log_off(g));
	ASSERT_OK(restart(self));
	EXPECT_OK(guest_burst_take(g, i * GUEST_BURST));
}

/* On and off under traffic: each takes effect before the command returns. */
TEST_F(live, on_and_off)
{
	unsigned int i, n = env_scaled(30, 4);
	struct guest *g = &self->g;
	__u32 seq = 0;

	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(guest_burst_send(g, seq));
		ASSERT_OK(live_switch(self, &self->log));
		dlog_clear(&self->log);
		dlog_image_all(&self->image);
		ASSERT_OK_AT(guest_burst_take(g, seq), "round %u", i);
		seq += GUEST_BURST;
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(guest_burst_send(g, seq));
		ASSERT_OK(guest_set_backend(g, -1));
		copy_dirty(self);
		ASSERT_THAT(dlog_image_same(&self->image, &self->driver));
		ASSERT_OK(restart(self));
		ASSERT_OK(live_switch(self, NULL));
		dlog_clear(&self->log);
		ASSERT_OK_AT(guest_burst_take(g, seq), "round %u", i);
		seq += GUEST_BURST;
		ASSERT_THAT(dlog_is_clean(&self->log));
	}
}

/*
 * Replace the log under traffic: the old one is not written after the command.
 */
TEST_F(live, log_is_replaced)
{
	unsigned int i, n = env_scaled(30, 4);
	struct guest *g = &self->g;
	struct dlog other, *log[2] = { &self->log, &other };
	__u32 seq = 0;

	ASSERT_OK(dlog_init(&other, physical(self)));
	ASSERT_OK(live_switch(self, &other));
	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(guest_burst_send(g, seq));
		ASSERT_OK(dlog_set_base(g->dev, log[i & 1]));
		dlog_clear(log[!(i & 1)]);
		ASSERT_OK_AT(guest_burst_take(g, seq), "round %u", i);
		seq += GUEST_BURST;
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(guest_burst_send(g, seq));
		ASSERT_OK_AT(guest_burst_take(g, seq), "round %u", i);
		seq += GUEST_BURST;
		EXPECT_TRUE(dlog_is_clean(log[!(i & 1)]));
		EXPECT_FALSE(dlog_is_clean(log[i & 1]));
	}
	ASSERT_OK(live_switch(self, NULL));
	dlog_free(&other);
	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_burst_send(g, seq));
	ASSERT_OK(guest_burst_take(g, seq));
}

/* Log buffers only, so that no signal is due to the used ring. */
TEST_F(live, log_fd_is_signalled_for_buffers)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct guest *g = &self->g;

	if (self->iotlb)
		OURS_ALONE("sends no signal for buffers in an IOTLB");
	ASSERT_GE(event, 0);
	ASSERT_OK(dlog_set_fd(g->dev, event));
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	ASSERT_OK(vdev_set_features(g->dev, g->cfg.features | F_LOG_ALL));
	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_burst_send(g, 0));
	EXPECT_TRUE(event_wait(event));
	ASSERT_OK(guest_burst_take(g, 0));
	close(event);
}

/* A second guest-physical address of memory that the device writes. */
#define ALIAS_GPA	0x9000000000ULL

TEST_F(live, memory_has_two_addresses)
{
	const struct gmem *mem = physical(self);
	struct gmem both = { .nregions = mem->nregions + 1 };
	struct gmem_region *alias, *first;
	struct guest *g = &self->g;
	struct dlog log;
	unsigned int n = 0;
	__u64 off;

	if (!self->iotlb)
		OURS_ALONE("without an IOTLB logs only the address used");
	both.region = calloc(both.nregions, sizeof(*both.region));
	ASSERT_NE(NULL, both.region);
	memcpy(both.region, mem->region, mem->nregions * sizeof(*both.region));
	/* The second one holds the buffers. */
	first = &both.region[1];
	alias = &both.region[mem->nregions];
	*alias = *first;
	alias->gpa = ALIAS_GPA;
	ASSERT_OK(dlog_init(&log, &both));
	ASSERT_OK(vdev_set_mem(g->dev, &both));
	ASSERT_OK(live_switch(self, &log));
	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_burst_send(g, 0));
	ASSERT_OK(guest_burst_take(g, 0));
	ASSERT_OK(guest_set_backend(g, -1));
	for (off = 0; off < first->size; off += DLOG_PAGE) {
		ASSERT_EQ(dlog_is_dirty(&log, first->gpa + off),
			  dlog_is_dirty(&log, alias->gpa + off));
		n += dlog_is_dirty(&log, alias->gpa + off);
	}
	EXPECT_GT(n, 0);
	dlog_free(&log);
	free(both.region);
}

/* Set the protection of the log for the region of @gpa. */
static int protect_log_of(live_t *self, __u64 gpa, int prot)
{
	const struct gmem *mem = physical(self);
	unsigned int i;

	if (self->iotlb)
		gpa = iotlb_gpa(&self->t, gpa);
	for (i = 0; i < mem->nregions; i++)
		if (gpa >= mem->region[i].gpa &&
		    gpa - mem->region[i].gpa < mem->region[i].size)
			return dlog_protect(&self->log, &mem->region[i], prot);
	return -ENOENT;
}

/*
 * A log that is not mapped when it is needed: the ring stops and reports an
 * error, and the other ring continues.
 */
TEST_F(live, log_is_not_mapped)
{
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("ignores a log that it cannot write");
	/*
	 * LOG_ALL only: the log of a used ring is checked when the ring starts.
	 */
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	ASSERT_OK(vdev_set_features(g->dev, g->cfg.features | F_LOG_ALL));
	ASSERT_OK(protect_log_of(self, g->pool[RXQ].slot[0].gpa, PROT_NONE));
	event_count(g->vq[RXQ].err);
	ASSERT_OK(guest_burst_post(g));
	ASSERT_OK(guest_inject(g, 60, 1));
	ASSERT_THAT(event_wait(g->vq[RXQ].err));
	EXPECT_EQ(1, vdev_counter(g->dev, "queue0.ring_errors"));
	for (i = 0; i < 8; i++)
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
	EXPECT_EQ(0, vdev_counter(g->dev, "queue1.ring_errors"));
}

/* Add and publish a frame in the first buffer. */
static int add_frame(struct guest *g, unsigned int cookie)
{
	struct vq *vq = &g->vq[TXQ];
	int err;

	err = vq_add_out(vq, g->pool[TXQ].slot[0].gpa, g->hdr_len + 60, cookie);
	vq_publish(vq);
	return err;
}

/*
 * Have the device use what @add offers, and a frame, while the page cannot be
 * logged, so that the ring stops.
 */
static int lose_log_after(live_t *self, int (*add)(struct guest *g),
			  unsigned int cookie)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	int err;

	err = guest_log_used(g, vq, false);
	/*
	 * By then the device has resolved all parts of the ring that it needs.
	 */
	if (!err && !wait_until(vq_kick_is_asked(vq)))
		err = -ETIMEDOUT;
	if (!err)
		err = vdev_rest(g->dev, vq);
	if (err)
		return err;
	dlog_clear(&self->log);
	vq->ops->arm(vq);
	event_count(vq->call);
	err = add ? add(g) : 0;
	if (!err)
		err = add_frame(g, cookie);
	if (!err)
		err = protect_log_of(self, vq->gpa[VQ_USED], PROT_NONE);
	/* Make the device check the ring. */
	if (!err)
		err = guest_log_used(g, vq, true);
	if (!err && !event_wait(vq->err))
		err = -ETIMEDOUT;
	event_count(vq->err);
	return err;
}

static int lose_log(live_t *self, unsigned int cookie)
{
	return lose_log_after(self, NULL, cookie);
}

/*
 * When the log is accessible again, or no longer needed, the guest is called:
 * it asked for a call before the ring stopped, and does not ask again.
 */
TEST_F(live, guest_is_called_after_the_log_was_lost)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	unsigned int i;

	OURS_ALONE("ignores a log that it cannot write");
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	/*
	 * The first call after a start is unconditional; get it out of the way.
	 */
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	for (i = 0; i < 4; i += 2) {
		ASSERT_OK_AT(lose_log(self, i), "%u", i);
		if (!i)
			ASSERT_OK(protect_log_of(self, vq->gpa[VQ_USED],
						 PROT_READ | PROT_WRITE));
		ASSERT_OK(guest_log_used(g, vq, !i));
		ASSERT_OK(add_frame(g, i + 1));
		vq_kick(vq);
		ASSERT_THAT_AT(vq_wait_called(vq, i + 1), "%u", i);
		EXPECT_EQ(0, vq->bogus);
		EXPECT_EQ(0, vq->inflight);
	}
	ASSERT_OK(protect_log_of(self, vq->gpa[VQ_USED],
				 PROT_READ | PROT_WRITE));
}

/*
 * Find what the device writes when it uses the @n-th descriptor from the next
 * one on: the used index or, in the packed layout, that descriptor.
 */
static __u64 used_gpa(live_t *self, unsigned int n)
{
	struct vq *vq = &self->g.vq[TXQ];
	__u64 gpa = vq->gpa[VQ_USED];

	if (vq->features & F_RING_PACKED)
		gpa = vq->gpa[VQ_DESC] + (vq->used_idx + n) % vq->num *
		      sizeof(struct vring_packed_desc);
	return self->iotlb ? iotlb_gpa(&self->t, gpa) : gpa;
}

/*
 * Check that the frame that waits is sent and used once, with a call, and that
 * what the device has written becomes dirty in @log. A packed ring's guest may
 * see the descriptor before that.
 */
static int goes_on(live_t *self, const struct dlog *log, unsigned int cookie)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	__u64 gpa = used_gpa(self, 0);
	struct virtio_net_hdr hdr;
	unsigned char frame[64];

	if (!vq_wait_called(vq, cookie))
		return -ETIMEDOUT;
	if (vq->bogus || vq->inflight)
		return -EPROTO;
	if (packet_recv(g->pkt, &hdr, frame, sizeof(frame)) != 60)
		return -EBADMSG;
	return wait_until(dlog_is_dirty(log, gpa)) ? 0 : -ENODATA;
}

/* Once the log can be written, the ring goes on by itself. */
TEST_F(live, log_comes_back)
{
	struct guest *g = &self->g;
	__u64 used = g->vq[TXQ].gpa[VQ_USED];

	OURS_ALONE("ignores a log that it cannot write");
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	ASSERT_OK(lose_log(self, 2));
	ASSERT_THAT(wait_until(vdev_counter(g->dev, "queue1.retries") >= 3));
	EXPECT_EQ(1, g->vq[TXQ].inflight);
	ASSERT_OK(protect_log_of(self, used, PROT_READ | PROT_WRITE));
	EXPECT_OK(goes_on(self, &self->log, 2));
	EXPECT_EQ(1, vdev_counter(g->dev, "queue1.ring_errors"));
	EXPECT_OK(guest_check_tx(g, 60, 3, 1, false));
}

/* More than a page of descriptors. */
#define PIECES		300

/* Add a frame of that many pieces, in the second buffer. */
static int add_pieces(struct guest *g)
{
	__u64 gpa = g->pool[TXQ].slot[1].gpa;
	struct vq_seg seg[PIECES];
	unsigned int i;

	for (i = 0; i < PIECES; i++)
		seg[i] = (struct vq_seg){ .gpa = gpa + i, .len = 1 };
	return vq_add(&g->vq[TXQ],
		      &(struct vq_chain){ .seg = seg, .nout = PIECES }, PIECES);
}

/* Used descriptors that lie far apart become dirty, each in its page. */
TEST_F(live, log_of_distant_descriptors_comes_back)
{
	struct guest *g = &self->g;
	__u64 first, second;
	struct vq_used used;

	OURS_ALONE("ignores a log that it cannot write");
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	first = used_gpa(self, 0);
	second = used_gpa(self, PIECES);
	ASSERT_OK(lose_log_after(self, add_pieces, 2));
	ASSERT_OK(protect_log_of(self, g->vq[TXQ].gpa[VQ_USED],
				 PROT_READ | PROT_WRITE));
	ASSERT_THAT(vq_wait_pop(&g->vq[TXQ], &used));
	EXPECT_EQ(PIECES, used.cookie);
	ASSERT_THAT(vq_wait_pop(&g->vq[TXQ], &used));
	EXPECT_EQ(2, used.cookie);
	EXPECT_TRUE(wait_until(dlog_is_dirty(&self->log, first) &&
			       dlog_is_dirty(&self->log, second)));
	EXPECT_EQ(1, vdev_counter(g->dev, "queue1.ring_errors"));
}

/* Packets wait while their buffers cannot be logged: one outage, none lost. */
TEST_F(live, receive_waits_for_the_log)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	struct vq *rx = &g->vq[RXQ];
	unsigned int i;
	__u64 buffer;

	OURS_ALONE("ignores a log that it cannot write");
	buffer = g->pool[RXQ].slot[0].gpa;
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	ASSERT_OK(vdev_set_features(g->dev, g->cfg.features | F_LOG_ALL));
	ASSERT_NE(0, guest_refill(g, 16, 2000));
	ASSERT_OK(protect_log_of(self, buffer, PROT_NONE));
	event_count(rx->err);
	for (i = 0; i < 5; i++) {
		ASSERT_OK(guest_inject(g, 60, i));
		ASSERT_THAT(wait_until(vdev_counter(g->dev, "queue0.retries") >
				       i));
	}
	EXPECT_EQ(1, event_count(rx->err));
	EXPECT_EQ(1, vdev_counter(g->dev, "queue0.ring_errors"));
	EXPECT_EQ(0, vdev_counter(g->dev, "queue0.packets"));
	ASSERT_OK(protect_log_of(self, buffer, PROT_READ | PROT_WRITE));
	for (i = 0; i < 5; i++) {
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT_AT(frame_is(f.data, 60, i), "frame %u", i);
	}
	EXPECT_EQ(0, vdev_counter(g->dev, "queue0.drop.write"));
}

/* Another log takes the place of one that cannot be written. */
TEST_F(live, new_log_in_place_of_a_lost_one)
{
	struct guest *g = &self->g;
	struct dlog other;

	OURS_ALONE("ignores a log that it cannot write");
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	ASSERT_OK(guest_check_tx(g, 60, 1, 1, false));
	ASSERT_OK(lose_log(self, 2));
	ASSERT_OK(dlog_init(&other, self->log.mem));
	ASSERT_OK(dlog_set_base(g->dev, &other));
	EXPECT_OK(goes_on(self, &other, 2));
	EXPECT_OK(guest_check_tx(g, 60, 3, 1, false));
	ASSERT_OK(protect_log_of(self, g->vq[TXQ].gpa[VQ_USED],
				 PROT_READ | PROT_WRITE));
	ASSERT_OK(dlog_set_base(g->dev, &self->log));
	dlog_free(&other);
}

VHOST_TEST_MAIN
