// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic through the device IOTLB: scattered pages, entries that change, are
 * invalidated and evicted, rings that move, and a VMM that answers each miss.
 */
#include <pthread.h>

#include "iotlb_guest.h"
#include "test.h"

/* Rings of several pages, buffers of many, and a VMM that answers misses. */
FIXTURE(traffic)
{
	struct guest g;
	struct iotlb t;
	struct gmem_region *spare;
};

FIXTURE_VARIANT(traffic)
{
	struct iotlb_cfg iotlb;
	__u64 features;
	unsigned int num;
};

/* Few and large entries, as for a guest whose IOMMU passes all through. */
FIXTURE_VARIANT_ADD(traffic, regions)
{
	.iotlb = { .v2 = false },
	.features = F_MODERN,
	.num = 256,
};

/* No two neighbouring pages are neighbours in memory, not even in a ring. */
FIXTURE_VARIANT_ADD(traffic, scattered)
{
	.iotlb = { .v2 = true, .scatter = true },
	.features = F_MODERN,
	.num = 1024,
};

/* An entry for each page, though neighbours are neighbours in memory. */
FIXTURE_VARIANT_ADD(traffic, pages)
{
	.iotlb = { .v2 = false, .pages = true },
	.features = F_VERSION_1 | F_EVENT_IDX | F_INDIRECT,
	.num = 1024,
};

FIXTURE_VARIANT_ADD(traffic, scattered_flags)
{
	.iotlb = { .v2 = true, .scatter = true },
	.features = F_VERSION_1 | F_MRG_RXBUF | F_INDIRECT,
	.num = 512,
};

FIXTURE_VARIANT_ADD(traffic, in_order)
{
	.iotlb = { .v2 = true, .scatter = true },
	.features = F_MODERN | F_IN_ORDER,
	.num = 1024,
};

FIXTURE_VARIANT_ADD(traffic, packed)
{
	.iotlb = { .v2 = false },
	.features = F_PACKED,
	.num = 256,
};

FIXTURE_VARIANT_ADD(traffic, packed_scattered)
{
	.iotlb = { .v2 = true, .scatter = true },
	.features = F_PACKED,
	.num = 1000,
};

FIXTURE_VARIANT_ADD(traffic, packed_scattered_flags)
{
	.iotlb = { .v2 = true, .scatter = true },
	.features = F_PACKED_BASE | F_INDIRECT,
	.num = 512,
};

FIXTURE_VARIANT_ADD(traffic, packed_in_order)
{
	.iotlb = { .v2 = true, .scatter = true },
	.features = F_PACKED | F_IN_ORDER,
	.num = 1000,
};

#define SLOT		GUEST_BURST_SLOT

FIXTURE_SETUP(traffic)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.tap_flags = IFF_VNET_HDR,
		.num = variant->num,
		.slots = 96,
		.slot_size = SLOT,
		.ind_max = 4,
	};
	struct guest *g = &self->g;

	SETUP_NEEDS(variant->features);
	ASSERT_OK(iotlb_guest_start(&self->t, g, &variant->iotlb, &cfg));
	self->spare = &g->mem.region[g->mem.nregions - 1];
}

FIXTURE_TEARDOWN(traffic)
{
	EXPECT_OK(iotlb_unserve(&self->t));
	iotlb_guest_stop(&self->t, &self->g);
}

static const size_t lengths[] = { 60, 1514, 4083, 4084, 4085, 9000, 16000 };

TEST_F(traffic, transmit)
{
	static const unsigned int pieces[] = { 1, 2, 4, 7 };
	struct guest *g = &self->g;
	unsigned int i, k, seq = 0;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		for (k = 0; k < ARRAY_SIZE(pieces); k++)
			ASSERT_OK_AT(guest_check_tx(g, lengths[i], seq++,
						    pieces[k], false),
				     "%zu bytes in %u", lengths[i], pieces[k]);
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		for (k = 0; k < 3; k++)
			ASSERT_OK_AT(guest_check_tx(g, lengths[i], seq++,
						    pieces[k], true),
				     "%zu bytes in %u, indirect",
				     lengths[i], pieces[k]);
	EXPECT_GT(self->t.misses, 0);
}

TEST_F(traffic, receive)
{
	static const unsigned int pieces[] = { 1, 3, 4 };
	struct guest *g = &self->g;
	unsigned int i, k, seq = 0;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (k = 0; k < 2 * ARRAY_SIZE(pieces); k++) {
			ASSERT_OK(guest_post(g, SLOT, pieces[k / 2], k & 1));
			vq_submit(&g->vq[RXQ]);
			ASSERT_OK_AT(guest_check_rx(g, lengths[i], seq++),
				     "%zu bytes in %u", lengths[i],
				     pieces[k / 2]);
		}
	}
	EXPECT_GT(self->t.misses, 0);
}

/* Buffers whose size does not divide a page, so that many lie in two. */
TEST_F(traffic, receive_mergeable)
{
	struct guest *g = &self->g;
	static struct guest_frame f;
	unsigned int i, seq, len = 703;

	if (!(variant->features & F_MRG_RXBUF))
		SKIP(return, "without mergeable buffers");
	for (seq = 0; seq < ARRAY_SIZE(lengths); seq++) {
		for (i = 0; !guest_post(g, len, 1 + i % 2, i & 1); i++)
			;
		vq_submit(&g->vq[RXQ]);
		ASSERT_OK(guest_inject(g, lengths[seq], seq));
		ASSERT_OK(guest_recv(g, &f));
		EXPECT_EQ(lengths[seq], f.len);
		EXPECT_TRUE(frame_is(f.data, f.len, seq));
		EXPECT_EQ((lengths[seq] + HDR_LEN_MRG + len - 1) / len,
			  f.nbufs);
	}
}

/* Invalidate one page of the rings or of the buffers, or everything. */
static int invalidate_something(struct iotlb *t, __u64 *rnd)
{
	struct iotlb_region *r = &t->region[rnd_below(rnd, 2)];
	__u64 iova = r->iova + rnd_below(rnd, r->npages) * IOTLB_PAGE;
	int err;

	if (!rnd_below(rnd, 4))
		return iotlb_flush(t);
	pthread_mutex_lock(&t->lock);
	err = iotlb_invalidate(t->g->dev, t->cfg.v2, iova, 1);
	pthread_mutex_unlock(&t->lock);
	return err;
}

TEST_F(traffic, nothing_lost_across_misses)
{
	unsigned int i, n = env_scaled(200, 10);
	struct guest *g = &self->g;
	__u64 rnd = 1;

	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(invalidate_something(&self->t, &rnd));
		ASSERT_OK(guest_burst_send(g, i * GUEST_BURST));
		ASSERT_OK(invalidate_something(&self->t, &rnd));
		ASSERT_OK_AT(guest_burst_take(g, i * GUEST_BURST),
			     "round %u", i);
	}
	EXPECT_FALSE(guest_has_frame(g));
	EXPECT_EQ(0, g->vq[TXQ].bogus + g->vq[RXQ].bogus);
	EXPECT_GE(self->t.misses, n);
	if (env_is_ours())
		EXPECT_GT(vdev_counter(g->dev, "queue1.iotlb_misses"), 0);
}

/* After a stop at any moment the device knows exactly where the rings are. */
static int stop_and_start(struct guest *g, struct iotlb *t)
{
	unsigned int i;
	__u32 base;
	int err;

	err = guest_set_backend(g, -1);
	for (i = 0; !err && i < NR_VQS; i++) {
		err = vdev_get_base(g->dev, i, &base);
		if (!err && base != vq_used_base(&g->vq[i]))
			err = -EPROTO;
		if (!err)
			err = vdev_set_state(g->dev, VHOST_SET_VRING_BASE, i,
					     base);
	}
	if (!err)
		err = iotlb_serve(t);
	if (!err)
		err = iotlb_preload(t);
	if (!err)
		err = guest_set_backend(g, g->tap);
	for (i = 0; i < NR_VQS; i++)
		vq_kick(&g->vq[i]);
	return err;
}

TEST_F(traffic, stop_and_start_with_misses_pending)
{
	unsigned int i, n = env_scaled(40, 5);
	struct guest *g = &self->g;
	__u64 rnd = 2;

	if (variant->features & F_IN_ORDER)
		OURS_ALONE("it starts at the descriptor of the index's number");
	for (i = 0; i < n; i++) {
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(invalidate_something(&self->t, &rnd));
		/* In half of the rounds, misses are unanswered at the stop. */
		if (i & 1)
			ASSERT_OK(iotlb_unserve(&self->t));
		ASSERT_OK(guest_burst_send(g, i * GUEST_BURST));
		if (!(i & 1))
			ASSERT_OK(iotlb_unserve(&self->t));
		ASSERT_OK_AT(stop_and_start(g, &self->t), "round %u", i);
		ASSERT_OK_AT(guest_burst_take(g, i * GUEST_BURST),
			     "round %u", i);
	}
}

/* Fill the IOTLB with entries that nothing uses. */
static int fill_up(struct iotlb *t)
{
	unsigned int i, n = iotlb_max_entries();
	int err = 0;

	pthread_mutex_lock(&t->lock);
	for (i = 0; !err && i < n; i++)
		err = iotlb_update(t->g->dev, t->cfg.v2, i * 2 * IOTLB_PAGE,
				   IOTLB_PAGE, t->phys.region[0].hva,
				   VHOST_ACCESS_RW);
	pthread_mutex_unlock(&t->lock);
	return err;
}

/* Each entry that the rings need evicts another. */
TEST_F(traffic, iotlb_full_of_other_entries)
{
	struct guest *g = &self->g;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ASSERT_OK(guest_burst_post(g));
		ASSERT_OK(fill_up(&self->t));
		ASSERT_OK(guest_burst_send(g, i * GUEST_BURST));
		if (i & 1)
			ASSERT_OK(fill_up(&self->t));
		ASSERT_OK_AT(guest_burst_take(g, i * GUEST_BURST),
			     "round %u", i);
	}
}

static bool all_bytes(const unsigned char *p, int byte)
{
	unsigned int i;

	for (i = 0; i < IOTLB_PAGE; i++)
		if (p[i] != byte)
			return false;
	return true;
}

#define GONE	0xee

/* Mark a page that the device was told to forget and nobody else uses. */
static unsigned char *mark_gone(unsigned char *page)
{
	if (page)
		memset(page, GONE, IOTLB_PAGE);
	return page;
}

struct sender {
	struct guest *g;
	pthread_t thread;
	bool stop;
};

static void *send_frames(void *arg)
{
	struct sender *s = arg;
	unsigned int i;

	/* Some frames find the tap full. It does not matter which. */
	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		for (i = 0; i < 16; i++)
			guest_inject(s->g, 1000, i);
		env_pause();
	}
	return NULL;
}

static int stop_sender(struct sender *s)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	return -pthread_join(s->thread, NULL);
}

/* Post receive buffer @slot: less than a page, at a page's beginning. */
static int post_page(struct guest *g, unsigned int slot)
{
	return vq_add_in(&g->vq[RXQ], g->pool[RXQ].slot[slot].gpa, 2048, slot);
}

/* Take @n frames and offer their buffers again. */
static int pass_frames(struct guest *g, unsigned int n)
{
	struct vq *vq = &g->vq[RXQ];
	struct vq_used used;
	int err = 0;

	while (!err && n--) {
		if (!vq_wait_pop(vq, &used))
			return -ETIMEDOUT;
		if (used.cookie == VQ_BOGUS)
			return -EPROTO;
		err = post_page(g, used.cookie);
		vq_submit(vq);
	}
	return err;
}

/* Put @new in the place of a buffer's page. The old page goes to @new. */
static int change_page(struct iotlb *t, __u64 iova, unsigned char **new)
{
	unsigned char **page = iotlb_page(t, iova);
	unsigned char *old = *page;
	int err;

	pthread_mutex_lock(&t->lock);
	*page = *new;
	err = iotlb_invalidate(t->g->dev, t->cfg.v2, iova, IOTLB_PAGE);
	pthread_mutex_unlock(&t->lock);
	*new = old;
	return err;
}

/*
 * Buffers change their pages under traffic. As soon as the invalidation
 * returns, the old page is no longer written.
 */
TEST_F(traffic, no_write_after_invalidate)
{
	unsigned int i, slot, written = 0, n = env_scaled(300, 30);
	struct guest *g = &self->g;
	struct sender sender = { .g = g };
	unsigned char *spare;
	__u64 rnd = 3;

	spare = *iotlb_page(&self->t, self->spare->gpa);
	for (i = 0; i < 16; i++)
		ASSERT_OK(post_page(g, i));
	vq_submit(&g->vq[RXQ]);
	ASSERT_EQ(0, pthread_create(&sender.thread, NULL, send_frames,
				    &sender));
	for (i = 0; i < n; i++) {
		/* The device does not know the spare page yet. */
		memset(spare, 0x11, IOTLB_PAGE);
		slot = rnd_below(&rnd, 16);
		ASSERT_OK(change_page(&self->t, g->pool[RXQ].slot[slot].gpa,
				      &spare));
		written += !all_bytes(spare, 0x11);
		mark_gone(spare);
		ASSERT_OK(pass_frames(g, 1 + rnd_below(&rnd, 20)));
		ASSERT_THAT_AT(all_bytes(spare, GONE), "round %u", i);
	}
	ASSERT_OK(stop_sender(&sender));
	ASSERT_OK(guest_set_backend(g, -1));
	EXPECT_TRUE(all_bytes(spare, GONE));
	/* The pages were really in use. */
	EXPECT_GT(written, 0);
}

/* Asking for a kick is the last thing that a worker writes before it sleeps. */
static bool transmit_sleeps(struct guest *g)
{
	return vq_kick_is_asked(&g->vq[TXQ]);
}

/* Move a page of the used ring while nobody writes to it. */
static int check_moved(struct iotlb *t, struct gmem_region *spare,
		       int (*forget)(struct iotlb *t, __u64 iova))
{
	__u64 iova = t->g->vq[TXQ].gpa[VQ_USED];
	unsigned char *old;
	int err;

	err = guest_check_alive(t->g, 1);
	if (err)
		return err;
	if (!wait_until(transmit_sleeps(t->g)))
		return -ETIMEDOUT;
	old = iotlb_move(t, iova, spare, 0);
	if (!old)
		return -ENOMEM;
	err = forget(t, iova);
	if (err)
		return err;
	mark_gone(old);
	err = guest_check_alive(t->g, 100);
	if (err)
		return err;
	return all_bytes(old, GONE) ? 0 : -EBADMSG;
}

static int forget_page(struct iotlb *t, __u64 iova)
{
	return iotlb_invalidate(t->g->dev, t->cfg.v2, iova, 1);
}

TEST_F(traffic, ring_moved_by_invalidate)
{
	ASSERT_OK(check_moved(&self->t, self->spare, forget_page));
}

/* Send the new page over the old one, which is not invalidated. */
static int replace_page(struct iotlb *t, __u64 iova)
{
	return iotlb_update(t->g->dev, t->cfg.v2, iova & ~(IOTLB_PAGE - 1),
			    IOTLB_PAGE, *iotlb_page(t, iova), VHOST_ACCESS_RW);
}

TEST_F(traffic, ring_moved_by_update)
{
	OURS_ALONE("an update leaves in place what it overlaps");
	ASSERT_OK(check_moved(&self->t, self->spare, replace_page));
}

/* A new IOTLB is empty, also if the rings run. */
static int set_features(struct iotlb *t, __u64 iova)
{
	return vdev_set_features(t->g->dev, t->g->cfg.features);
}

TEST_F(traffic, ring_moved_by_set_features)
{
	ASSERT_OK(check_moved(&self->t, self->spare, set_features));
}

/* The ring moves to other IOVAs; nothing is written where it was. */
TEST_F(traffic, ring_moved_by_set_addr)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	enum vq_area area;
	struct vq new;
	__u64 gpa = self->spare->gpa;
	void *old = vq->area[VQ_USED];
	size_t size, rest;

	ASSERT_OK(guest_check_alive(g, 1));
	ASSERT_THAT(wait_until(transmit_sleeps(g)));
	new = *vq;
	for (area = 0; area < VQ_AREAS; area++) {
		size = vq->ops->size(vq->num, area);
		new.gpa[area] = gpa;
		new.area[area] = gmem_hva(&g->mem, gpa, size);
		ASSERT_NE(NULL, new.area[area]);
		memcpy(new.area[area], vq->area[area], size);
		gpa = (gpa + size + 15) & ~15ULL;
	}
	ASSERT_OK(vdev_set_addr(g->dev, &new));
	size = vq->ops->size(vq->num, VQ_USED);
	memset(old, GONE, size);
	*vq = new;
	ASSERT_OK(guest_check_alive(g, 100));
	for (rest = 0; rest < size; rest++)
		ASSERT_EQ(GONE, ((unsigned char *)old)[rest]);
}

/* A ring that grows reaches pages that it did not have before. */
TEST_F(traffic, ring_grown_by_set_num)
{
	static const unsigned char frame[60];
	struct guest *g = &self->g;
	unsigned int i, num = variant->num;
	struct vq *vq = &g->vq[TXQ];

	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	for (i = 0; i < 2; i++) {
		vq->num = i ? num : 8;
		vq_reset(vq, 0);
		ASSERT_OK(vdev_set_vring(g->dev, vq, vq_base(vq)));
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
		ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));
	}
	/* Once around the ring, so that each entry is used. */
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, g->tap));
	for (i = 0; i < num; i++) {
		ASSERT_OK(guest_wait_room(g, 1));
		ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
		vq_submit(vq);
	}
	ASSERT_OK(guest_reap_all(g));
}

/* From IOVAs to guest-physical addresses and back, while the rings are idle. */
TEST_F(traffic, iommu_off_and_on)
{
	struct guest *g = &self->g;
	__u64 features = g->cfg.features;
	unsigned int round, i;
	bool on;

	if (!env_is_ours() && iotlb_outlives_features())
		SKIP(return, "vhost_net of this kernel keeps its IOTLB");
	for (round = 0; round < 4; round++) {
		ASSERT_OK_AT(guest_check_alive(g, round), "round %u", round);
		ASSERT_OK(guest_set_backend(g, -1));
		on = round & 1;
		g->cfg.features = on ? features : features & ~F_ACCESS_PLATFORM;
		ASSERT_OK(vdev_set_features(g->dev, g->cfg.features));
		ASSERT_OK(vdev_set_mem(g->dev, on ? &self->t.phys : &g->mem));
		for (i = 0; i < NR_VQS; i++) {
			g->vq[i].features = g->cfg.features;
			vq_reset(&g->vq[i], 0);
			ASSERT_OK(vdev_set_vring(g->dev, &g->vq[i],
						 vq_base(&g->vq[i])));
		}
		if (on)
			ASSERT_OK(iotlb_preload(&self->t));
		ASSERT_OK(guest_set_backend(g, g->tap));
	}
}

VHOST_TEST_MAIN
