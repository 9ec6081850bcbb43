// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings whose memory is inaccessible for a while, as when the VMM moves or
 * protects a page. The queue goes on once it is accessible again, at the next
 * kick or by itself. No chain is lost, and none is used twice.
 */
#include <sys/mman.h>

#include "guest_log.h"
#include "iotlb_guest.h"
#include "test.h"
#include "vq_split.h"

#define PAGE		gmem_page()
#define RING		(PAGE / 4)

/*
 * A ring of 1024 entries, more on larger pages, whose areas begin at pages of
 * their own. Of the used ring, the first page has the index, the next ones most
 * entries, and the last one the event index. A packed ring is four pages of
 * descriptors, and the two areas for events.
 */
FIXTURE(away)
{
	struct guest g;
	struct vq *tx, *rx;
	void *page;	/* the one that goes away */
	void *place;	/* where it is meanwhile */
};

FIXTURE_VARIANT(away)
{
	__u64 features;
	enum vq_area area;
	unsigned int page;
};

/* The entries of this index, and those that follow, lie in the second page. */
#define BASE		(RING * 600 / 1024)

/* Packed, they lie in this page. */
#define BASE_PAGE	2

#define AWAY(feat, where, number, name)					\
	FIXTURE_VARIANT_ADD(away, name)					\
	{								\
		.features = F_EVENT_IDX | (feat),			\
		.area = where,						\
		.page = number,						\
	}

AWAY(0, VQ_USED, 1, used_entries);
AWAY(0, VQ_USED, 0, used_index);
AWAY(0, VQ_AVAIL, 0, avail);
AWAY(0, VQ_DESC, 0, desc);
AWAY(F_IN_ORDER, VQ_USED, 0, in_order_index);
AWAY(F_IN_ORDER, VQ_USED, 1, in_order_entries);
AWAY(F_RING_PACKED, VQ_DESC, BASE_PAGE, packed_desc);
AWAY(F_RING_PACKED, VQ_USED, 0, packed_device);
AWAY(F_RING_PACKED | F_IN_ORDER, VQ_DESC, BASE_PAGE, packed_in_order);

FIXTURE_SETUP(away)
{
	static struct vq_ops paged;
	struct guest_cfg cfg = {
		.ops = &paged,
		.features = F_VERSION_1 | F_MRG_RXBUF | variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
		.slots = 16,
		.base = BASE,
	};
	unsigned int i;

	SETUP_NEEDS(variant->features);
	paged = *vq_layout(cfg.features);
	for (i = 0; i < VQ_AREAS; i++)
		paged.align[i] = PAGE;
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->tx = &self->g.vq[TXQ];
	self->rx = &self->g.vq[RXQ];
	self->place = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	ASSERT_NE(MAP_FAILED, self->place);
}

FIXTURE_TEARDOWN(away)
{
	guest_stop(&self->g);
	munmap(self->place, PAGE);
}

#define away_t		FIXTURE_DATA(away)
#define away_variant_t	FIXTURE_VARIANT(away)

static int take_page(away_t *self, const struct vq *vq,
		     const away_variant_t *variant)
{
	self->page = vq->area[variant->area] + variant->page * PAGE;
	return gmem_move(self->page, self->place, PAGE);
}

static int return_page(away_t *self)
{
	return gmem_move(self->place, self->page, PAGE);
}

/* Check whether the device uses chains without the page. */
static bool uses_without(const away_variant_t *variant)
{
	return variant->features & F_RING_PACKED && variant->area == VQ_USED;
}

/* Add a frame to the transmit ring, with number @seq as its cookie. */
static int add_frame(struct guest *g, unsigned int seq)
{
	struct vq *tx = &g->vq[TXQ];
	const struct guest_slot *slot = &g->pool[TXQ].slot[seq];
	unsigned char *buf = gmem_hva(&g->mem, slot->gpa,
				      HDR_LEN_MRG + 60);

	memset(buf, 0, HDR_LEN_MRG);
	frame_make(buf + HDR_LEN_MRG, 60, seq);
	return vq_add_out(tx, slot->gpa, HDR_LEN_MRG + 60, seq);
}

/* A used entry that the device has not written names no chain. */
static void spoil_used(struct vq *vq)
{
	if (!(vq->features & F_RING_PACKED))
		memset(split_used(vq)->ring, 0xff,
		       vq->num * sizeof(*split_used(vq)->ring));
}

/*
 * Bring the transmit ring into the state in which the worker sleeps, and the
 * guest has asked for a call.
 */
static int settle_tx(struct guest *g)
{
	struct vq *tx = &g->vq[TXQ];
	int err;

	/*
	 * The first call after a start is unconditional; get it out of the way.
	 */
	err = guest_check_tx(g, 60, 1, 1, false);
	if (!err)
		err = vdev_rest(g->dev, tx);
	if (err)
		return err;
	spoil_used(tx);
	tx->ops->arm(tx);
	event_count(tx->call);
	return 0;
}

/* Lose the page while two frames wait, and await @retries retries. */
static int lose_page_tx(away_t *self, const away_variant_t *variant,
			unsigned int retries)
{
	struct guest *g = &self->g;
	int err;

	err = settle_tx(g);
	if (!err)
		err = add_frame(g, 2);
	if (!err)
		err = add_frame(g, 3);
	if (err)
		return err;
	vq_publish(self->tx);
	err = take_page(self, self->tx, variant);
	if (err)
		return err;
	vq_kick(self->tx);
	if (!event_wait(self->tx->err))
		return -ETIMEDOUT;
	event_count(self->tx->err);
	return wait_until(vdev_counter(g->dev, "queue1.retries") >= retries) ?
	       0 : -ETIMEDOUT;
}

/* Each frame leaves once, and comes back once, with a call. */
static int check_sent(struct guest *g, unsigned int first, unsigned int last)
{
	struct vq *tx = &g->vq[TXQ];
	unsigned int i;
	int err;

	for (i = first; i <= last; i++) {
		err = guest_capture(g, 60, i);
		if (err)
			return err;
	}
	if (!vq_wait_called(tx, last))
		return -ETIMEDOUT;
	return tx->bogus || tx->inflight ? -EPROTO : 0;
}

TEST_F(away, transmit_goes_on_by_itself)
{
	struct guest *g = &self->g;

	OURS_ALONE("goes on at the next kick only, and may lose chains");
	ASSERT_OK(lose_page_tx(self, variant, 3));
	ASSERT_OK(return_page(self));
	ASSERT_OK(check_sent(g, 2, 3));
	/* A frame sent a second time would be captured first. */
	ASSERT_OK(guest_check_alive(g, 4));
	EXPECT_EQ(0, event_count(self->tx->err));
	EXPECT_EQ(1, vdev_counter(g->dev, "queue1.ring_errors"));
	EXPECT_EQ(0, vdev_counter(g->dev, "queue0.ring_errors"));
}

/* The error eventfd is signalled once per outage, however often it is tried. */
TEST_F(away, kicks_during_the_outage)
{
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("signals each failure");
	ASSERT_OK(lose_page_tx(self, variant, 1));
	for (i = 0; i < 10; i++) {
		vq_kick(self->tx);
		ASSERT_OK(vdev_rest(g->dev, self->tx));
	}
	EXPECT_EQ(0, event_count(self->tx->err));
	ASSERT_OK(return_page(self));
	vq_kick(self->tx);
	ASSERT_OK(check_sent(g, 2, 3));
	ASSERT_OK(guest_check_alive(g, 4));
	EXPECT_EQ(0, event_count(self->tx->err));
	EXPECT_EQ(1, vdev_counter(g->dev, "queue1.ring_errors"));
	EXPECT_LT(10, vdev_counter(g->dev, "queue1.retries"));
}

/* A second outage is reported as the first one was. */
TEST_F(away, second_outage)
{
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("goes on at the next kick only, and may lose chains");
	for (i = 1; i <= 2; i++) {
		ASSERT_OK(lose_page_tx(self, variant, 0));
		ASSERT_OK(return_page(self));
		ASSERT_OK(check_sent(g, 2, 3));
		EXPECT_EQ(i, vdev_counter(g->dev, "queue1.ring_errors"));
	}
}

TEST_F(away, receive_goes_on_by_itself)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	unsigned int i;

	OURS_ALONE("waits for the next packet or kick, and may lose chains");
	if (uses_without(variant))
		SKIP(return, "only the first run needs the page");
	for (i = 0; i < 8; i++)
		ASSERT_OK(guest_post(g, 2048, 1, false));
	vq_publish(self->rx);
	spoil_used(self->rx);
	ASSERT_OK(take_page(self, self->rx, variant));
	ASSERT_OK(guest_inject(g, 60, 1));
	ASSERT_THAT(event_wait(self->rx->err));
	ASSERT_OK(guest_inject(g, 60, 2));
	ASSERT_THAT(wait_until(vdev_counter(g->dev, "queue0.retries") >= 3));
	ASSERT_OK(return_page(self));
	for (i = 1; i <= 2; i++) {
		ASSERT_OK_AT(guest_recv(g, &f), "%u", i);
		ASSERT_THAT_AT(frame_is(f.data, 60, i), "%u", i);
	}
	EXPECT_EQ(0, self->rx->bogus);
	EXPECT_FALSE(guest_has_frame(g));
	EXPECT_EQ(1, event_count(self->rx->err));
	EXPECT_EQ(1, vdev_counter(g->dev, "queue0.ring_errors"));
	ASSERT_OK(guest_check_alive(g, 3));
}

/* Another worker takes over the retries. */
TEST_F(away, worker_changes_during_the_outage)
{
	struct guest *g = &self->g;

	OURS_ALONE("goes on at the next kick only, and may lose chains");
	ASSERT_OK(lose_page_tx(self, variant, 2));
	ASSERT_OK(vdev_spread_rings(g->dev));
	ASSERT_OK(return_page(self));
	ASSERT_OK(check_sent(g, 2, 3));
	ASSERT_OK(guest_check_alive(g, 4));
}

/*
 * If the queue is stopped meanwhile, nothing is held: it continues with the
 * oldest chain that the guest does not know to be used.
 */
TEST_F(away, stop_during_the_outage)
{
	struct guest *g = &self->g;
	struct virtio_net_hdr hdr;
	unsigned char junk[64];
	__u32 base;

	OURS_ALONE("may lose chains");
	if (uses_without(variant))
		SKIP(return, "the frames are used before the ring fails");
	ASSERT_OK(lose_page_tx(self, variant, 1));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(return_page(self));
	ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
	EXPECT_EQ(vq_used_base(self->tx), base);
	EXPECT_EQ(0, vq_count_used(self->tx));
	/* Frames that were sent, but could not be completed, are sent again. */
	while (packet_recv_now(g->pkt, &hdr, junk, sizeof(junk)) >= 0)
		;
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(check_sent(g, 2, 3));
	ASSERT_OK(guest_check_alive(g, 4));
}

/* If the page is back by then, a stop leaves nothing to be repeated. */
TEST_F(away, stop_after_the_outage)
{
	struct guest *g = &self->g;
	bool read_fails = variant->area != VQ_USED;
	__u32 base;

	OURS_ALONE("may lose chains");
	ASSERT_OK(lose_page_tx(self, variant, 4));
	ASSERT_OK(return_page(self));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
	EXPECT_EQ(vq_used_base(self->tx), base);
	if (!read_fails)
		EXPECT_EQ(2, vq_count_used(self->tx));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	ASSERT_OK(check_sent(g, 2, 3));
	ASSERT_OK(guest_check_alive(g, 4));
}

/*
 * A page of the transmit ring is away, and an IOTLB entry for a buffer is
 * missing as well: this is one outage, however often the ring is tried.
 */
static void check_miss(struct __test_metadata *_metadata, __u64 features,
		       enum vq_area area, unsigned int number)
{
	const struct iotlb_cfg iotlb = { .v2 = true, .pages = true };
	const struct guest_cfg cfg = {
		.ops = guest_log_paged_ops(features),
		.features = features | F_ACCESS_PLATFORM,
		.tap_flags = IFF_VNET_HDR,
		.num = PAGE / 8,
		.slots = 48,
		/* Packed, the second frame ends the first page. */
		.base = PAGE / sizeof(struct vring_packed_desc) - 2,
	};
	static struct guest g;
	static struct iotlb t;
	struct vq *tx = &g.vq[TXQ];
	void *page, *place;

	OURS_ALONE("signals each failure");
	place = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_NE(MAP_FAILED, place);
	ASSERT_OK(iotlb_guest_start(&t, &g, &iotlb, &cfg));
	ASSERT_OK(guest_check_tx(&g, 60, 1, 1, false));
	ASSERT_OK(vdev_rest(g.dev, tx));
	ASSERT_OK(iotlb_unserve(&t));
	ASSERT_OK(iotlb_answer_all(&t));
	page = *iotlb_page(&t, tx->gpa[area] + number * PAGE);
	event_count(tx->err);
	ASSERT_OK(add_frame(&g, 2));
	ASSERT_OK(iotlb_invalidate(g.dev, true, g.pool[TXQ].slot[2].gpa &
				   ~(PAGE - 1ULL), PAGE));
	ASSERT_OK(gmem_move(page, place, PAGE));
	vq_publish(tx);
	vq_kick(tx);
	ASSERT_THAT(wait_until(vdev_counter(g.dev, "queue1.retries") >= 5));
	EXPECT_EQ(1, event_count(tx->err));
	EXPECT_EQ(1, vdev_counter(g.dev, "queue1.ring_errors"));
	ASSERT_OK(gmem_move(place, page, PAGE));
	ASSERT_OK(iotlb_answer_all(&t));
	EXPECT_TRUE(vq_wait_pop(tx, &(struct vq_used){ 0 }));
	iotlb_guest_stop(&t, &g);
}

/* The page in which the device asks for kicks; the event index is its last. */
TEST(miss_during_the_outage)
{
	check_miss(_metadata, F_MODERN, VQ_USED, 1);
}

TEST(miss_during_the_outage_of_a_packed_ring)
{
	check_miss(_metadata, F_PACKED, VQ_USED, 0);
}

/* The page with the descriptor for which the device would ask for a kick. */
TEST(miss_before_the_descriptors_that_are_away)
{
	check_miss(_metadata, F_PACKED, VQ_DESC, 1);
}

/* All memory of the guest is unmapped, and mapped again. */
FIXTURE(unmapped)
{
	struct guest g;
	void *place;	/* where it is meanwhile */
};

FIXTURE_VARIANT(unmapped)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(unmapped, split)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(unmapped, packed)
{
	.features = F_PACKED_BASE | F_EVENT_IDX,
};

FIXTURE_SETUP(unmapped)
{
	struct guest_cfg cfg = GUEST_CFG(variant->features);

	SETUP_NEEDS(variant->features);
	ASSERT_OK(guest_start(&self->g, &cfg));
	self->place = mmap(NULL, self->g.mem.region[0].size, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->place);
}

FIXTURE_TEARDOWN(unmapped)
{
	munmap(self->place, self->g.mem.region[0].size);
	guest_stop(&self->g);
}

TEST_F(unmapped, both_rings_go_on)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	struct gmem_region *r = &g->mem.region[0];
	struct vq *tx = &g->vq[TXQ];

	OURS_ALONE("may lose chains");
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(gmem_move(r->hva, self->place, r->size));
	vq_kick(tx);
	ASSERT_OK(vdev_rest(g->dev, tx));
	ASSERT_OK(guest_inject(g, 60, 50));
	EXPECT_TRUE(event_wait(g->vq[RXQ].err));
	ASSERT_OK(gmem_move(self->place, r->hva, r->size));
	vq_kick(tx);
	guest_refill(g, 1, 2048);
	ASSERT_OK(guest_recv(g, &f));
	ASSERT_THAT(frame_is(f.data, 60, 50));
	ASSERT_OK(guest_check_alive(g, 100));
}

/* Check whether a timer of the module is pending: here, a retry. */
static bool retry_pending(void)
{
	FILE *f = fopen("/proc/timer_list", "r");
	bool found = false;
	char line[128];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, "[vhost_alt]");
	fclose(f);
	return found;
}

/*
 * Unmap the memory until the retries of both rings are so far apart that one is
 * still pending when the caller goes on.
 */
static int unmap_for_long(struct guest *g, void *place)
{
	const struct gmem_region *r = &g->mem.region[0];
	int err;

	err = guest_check_alive(g, 0) ?: gmem_move(r->hva, place, r->size);
	if (err)
		return err;
	vq_kick(&g->vq[TXQ]);
	err = guest_inject(g, 60, 50);
	if (err)
		return err;
	return wait_until(vdev_counter(g->dev, "queue0.retries") >= 6 &&
			  vdev_counter(g->dev, "queue1.retries") >= 6 &&
			  retry_pending()) ? 0 : -ETIMEDOUT;
}

/* A ring that is stopped is not tried again. */
TEST_F(unmapped, stop_cancels_retries)
{
	struct guest *g = &self->g;

	OURS_ALONE("does not try again by itself");
	ASSERT_OK(unmap_for_long(g, self->place));
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_FALSE(retry_pending());
}

/* A retry would use freed memory. */
TEST_F(unmapped, close_cancels_retries)
{
	struct guest *g = &self->g;

	OURS_ALONE("does not try again by itself");
	ASSERT_OK(unmap_for_long(g, self->place));
	ASSERT_OK(close(g->dev));
	g->dev = -1;
	EXPECT_FALSE(retry_pending());
}

/* Once the rings have moved, their former worker may be freed. */
TEST_F(unmapped, retries_leave_the_former_worker)
{
	static struct guest_frame f;
	struct guest *g = &self->g;
	struct gmem_region *r = &g->mem.region[0];
	__u64 rx, tx;

	OURS_ALONE("does not try again by itself");
	ASSERT_OK(unmap_for_long(g, self->place));
	ASSERT_OK(vdev_spread_rings(g->dev));
	ASSERT_OK(vdev_free_worker(g->dev, 0));
	/* From here on, only timers have the rings tried again. */
	ASSERT_OK(vdev_rest(g->dev, &g->vq[RXQ]));
	ASSERT_OK(vdev_rest(g->dev, &g->vq[TXQ]));
	rx = vdev_counter(g->dev, "queue0.retries");
	tx = vdev_counter(g->dev, "queue1.retries");
	ASSERT_THAT(wait_until(vdev_counter(g->dev, "queue0.retries") > rx));
	ASSERT_THAT(wait_until(vdev_counter(g->dev, "queue1.retries") > tx));
	ASSERT_OK(gmem_move(self->place, r->hva, r->size));
	guest_refill(g, 1, 2048);
	ASSERT_OK(guest_recv(g, &f));
	ASSERT_THAT(frame_is(f.data, 60, 50));
	ASSERT_OK(guest_check_alive(g, 100));
}

VHOST_TEST_MAIN
