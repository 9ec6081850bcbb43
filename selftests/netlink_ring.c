// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: the contents of a ring, while it is stopped, while it runs, and when
 * the guest has put nonsense into it.
 */
#include <sys/mman.h>

#include "nl_guest.h"
#include "running_fixture.h"
#include "test.h"
#include "vq_packed.h"
#include "vq_split.h"

TEST_F(running, contents_of_a_stopped_ring)
{
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	static unsigned char frame[1514];
	const struct nl_entry *e;
	struct vring_desc *d;
	unsigned int i, n = 10, head, j;

	if (variant->features & F_RING_PACKED)
		SKIP(return, "contents_of_a_packed_ring has its own layout");
	/* A stopped ring shows exactly what the test has put there. */
	for (i = 0; i < n; i++) {
		frame_make(frame, 60 + i, i);
		ASSERT_OK(guest_send(g, NULL, frame, 60 + i, 1 + i % 3, false));
	}
	vq_submit(vq);
	for (i = 0; i < n; i++)
		ASSERT_OK(guest_capture(g, 60 + i, i));
	ASSERT_OK(vdev_set_backend(g->dev, TXQ, -1));

	ASSERT_OK(nl_ring(&self->nl, self->id, TXQ, n, &self->m));
	EXPECT_EQ(self->id, NUM(DEV_ID));
	EXPECT_EQ(TXQ, NUM(QUEUE));
	EXPECT_STREQ("tx", TEXT(QUEUE_NAME));
	EXPECT_STREQ("split", TEXT(LAYOUT));
	EXPECT_EQ(vq->num, NUM(SIZE));
	EXPECT_EQ(split_avail(vq)->flags, NUM(RING_AVAIL_FLAGS));
	EXPECT_EQ(split_avail(vq)->idx, NUM(RING_AVAIL_IDX));
	EXPECT_EQ(split_used(vq)->flags, NUM(RING_USED_FLAGS));
	EXPECT_EQ(split_used(vq)->idx, NUM(RING_USED_IDX));
	EXPECT_EQ(!!(variant->features & F_EVENT_IDX), HAS(RING_USED_EVENT));
	EXPECT_EQ(!!(variant->features & F_EVENT_IDX), HAS(RING_AVAIL_EVENT));
	if (variant->features & F_EVENT_IDX) {
		EXPECT_EQ(*split_used_event(vq), NUM(RING_USED_EVENT));
		EXPECT_EQ(*split_avail_event(vq), NUM(RING_AVAIL_EVENT));
	}

	ASSERT_EQ(n, self->m.navail);
	ASSERT_EQ(n, self->m.nused);
	for (i = 0; i < n; i++) {
		e = &self->m.avail[i];
		EXPECT_EQ((__u16)(65530 + i), e->num[VHOST_ALT_ENTRY_INDEX]);
		head = split_avail(vq)->ring[(__u16)(65530 + i) % vq->num];
		EXPECT_EQ(head, e->num[VHOST_ALT_ENTRY_ID]);
		ASSERT_EQ(1 + i % 3, e->ndescs);
		for (j = 0; j < e->ndescs; j++) {
			d = &split_desc(vq)[head];
			EXPECT_EQ(head, e->desc[j][VHOST_ALT_DESC_INDEX]);
			EXPECT_EQ(d->addr, e->desc[j][VHOST_ALT_DESC_ADDR]);
			EXPECT_EQ(d->len, e->desc[j][VHOST_ALT_DESC_LEN]);
			EXPECT_EQ(d->flags, e->desc[j][VHOST_ALT_DESC_FLAGS]);
			EXPECT_EQ(d->flags & VRING_DESC_F_NEXT ?
				  d->next : 0,
				  e->desc[j][VHOST_ALT_DESC_NEXT]);
			head = d->next;
		}
		e = &self->m.used[i];
		EXPECT_EQ((__u16)(65530 + i), e->num[VHOST_ALT_ENTRY_INDEX]);
		EXPECT_EQ(split_used(vq)->ring[(__u16)(65530 + i) % vq->num].id,
			  e->num[VHOST_ALT_ENTRY_ID]);
		EXPECT_EQ(0, e->num[VHOST_ALT_ENTRY_LEN]);
		EXPECT_EQ(0, e->ndescs);
	}
}

/* A ring of 60 in its second lap: five are used, three are yet to be taken. */
TEST(contents_of_a_packed_ring)
{
	struct guest_cfg cfg = {
		.features = F_PACKED, .tap_flags = IFF_VNET_HDR,
		.num = 60, .base = 60 + 57,
	};
	struct vring_packed_desc *d;
	const struct nl_entry *e;
	static struct nl_msg m;
	struct vq *vq;
	struct guest g;
	struct nl nl;
	unsigned int i;
	__u32 id;

	if (!env_is_ours())
		SKIP(return, "vhost_net has no netlink family");
	ASSERT_OK(nl_guest_start(&g, &cfg, &nl, &id));
	vq = &g.vq[TXQ];
	for (i = 0; i < 5; i++)
		ASSERT_OK(guest_check_tx(&g, 60, i, 1, false));
	ASSERT_OK(vdev_set_backend(g.dev, TXQ, -1));
	for (i = 0; i < 3; i++)
		ASSERT_OK(vq_add_out(vq, g.pool[TXQ].slot[i].gpa, 100 + i, i));
	vq_publish(vq);

	ASSERT_OK(nl_queue(&nl, id, TXQ, &m));
	EXPECT_STREQ("packed", m.text[VHOST_ALT_A_LAYOUT]);
	EXPECT_EQ(2, m.num[VHOST_ALT_A_LAST_AVAIL]);
	EXPECT_EQ(2, m.num[VHOST_ALT_A_LAST_USED]);
	EXPECT_EQ(1, m.num[VHOST_ALT_A_AVAIL_WRAP]);
	EXPECT_EQ(1, m.num[VHOST_ALT_A_USED_WRAP]);

	ASSERT_OK(nl_ring(&nl, id, TXQ, 5, &m));
	EXPECT_STREQ("packed", m.text[VHOST_ALT_A_LAYOUT]);
	EXPECT_EQ(packed_driver(vq)->flags,
		  m.num[VHOST_ALT_A_RING_AVAIL_FLAGS]);
	EXPECT_EQ(packed_driver(vq)->off_wrap,
		  m.num[VHOST_ALT_A_RING_USED_EVENT]);
	EXPECT_EQ(packed_device(vq)->flags,
		  m.num[VHOST_ALT_A_RING_USED_FLAGS]);
	EXPECT_EQ(packed_device(vq)->off_wrap,
		  m.num[VHOST_ALT_A_RING_AVAIL_EVENT]);
	ASSERT_EQ(5, m.navail);
	ASSERT_EQ(5, m.nused);
	for (i = 0; i < 5; i++) {
		e = &m.avail[i];
		d = &packed_ring(vq)[2 + i];
		EXPECT_EQ(2 + i, e->num[VHOST_ALT_ENTRY_INDEX]);
		EXPECT_EQ(d->id, e->num[VHOST_ALT_ENTRY_ID]);
		ASSERT_EQ(1, e->ndescs);
		EXPECT_EQ(d->addr, e->desc[0][VHOST_ALT_DESC_ADDR]);
		EXPECT_EQ(d->len, e->desc[0][VHOST_ALT_DESC_LEN]);
		EXPECT_EQ(d->flags, e->desc[0][VHOST_ALT_DESC_FLAGS]);
		e = &m.used[i];
		EXPECT_EQ((57 + i) % 60, e->num[VHOST_ALT_ENTRY_INDEX]);
		EXPECT_EQ(packed_ring(vq)[(57 + i) % 60].id,
			  e->num[VHOST_ALT_ENTRY_ID]);
		EXPECT_EQ(0, e->num[VHOST_ALT_ENTRY_LEN]);
	}
	nl_close(&nl);
	guest_stop(&g);
}

TEST_F(running, number_of_entries)
{
	static const struct { __u32 ask, get; } c[] = {
		{ 1, 1 }, { NL_NONE, 16 }, { 64, 64 },
	};
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ASSERT_OK(nl_ring(&self->nl, self->id, TXQ, c[i].ask,
				  &self->m));
		EXPECT_EQ(c[i].get, self->m.navail);
		EXPECT_EQ(c[i].get, self->m.nused);
	}
}

/*
 * A worker that polls holds the queue nearly all the time. That must not keep
 * out a netlink request, nor a command of the owner.
 */
TEST_F(running, requests_while_the_worker_polls)
{
	unsigned int i, n = 20;
	struct guest *g = &self->g;
	__u32 us = 10 * 1000 * 1000, base;

	ASSERT_OK(vdev_set_state(g->dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, TXQ,
				 us));
	for (i = 0; i < n; i++) {
		/* From here on the worker polls. */
		ASSERT_OK(guest_check_tx(g, 60, i, 1, false));
		ASSERT_OK_AT(nl_reset(&self->nl, self->id, TXQ), "%u", i);
		ASSERT_OK_AT(nl_ring(&self->nl, self->id, TXQ, 1, &self->m),
			     "%u", i);
		ASSERT_OK(vdev_get_base(g->dev, TXQ, &base));
	}
}

/* Received lengths are shown, and a request changes nothing in the ring. */
TEST_F(running, contents_of_the_receive_ring)
{
	struct guest *g = &self->g;
	static struct guest_frame f;
	unsigned int i;

	/* Four buffers are left in the end. */
	ASSERT_EQ(12, guest_refill(g, 12, 2048));
	for (i = 0; i < 8; i++) {
		ASSERT_OK(nl_ring(&self->nl, self->id, RXQ, 4, &self->m));
		ASSERT_OK(guest_inject(g, 100 + i, i));
		ASSERT_OK(guest_recv(g, &f));
		ASSERT_THAT(frame_is(f.data, f.len, i));
	}
	ASSERT_OK(nl_ring(&self->nl, self->id, RXQ, 4, &self->m));
	ASSERT_EQ(4, self->m.nused);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(g->hdr_len + 104 + i,
			  self->m.used[i].num[VHOST_ALT_ENTRY_LEN]);
		ASSERT_EQ(1, self->m.avail[i].ndescs);
		EXPECT_EQ(2048, self->m.avail[i].desc[0][VHOST_ALT_DESC_LEN]);
		EXPECT_EQ(VRING_DESC_F_WRITE, ~PACKED_MARKS &
			  self->m.avail[i].desc[0][VHOST_ALT_DESC_FLAGS]);
	}
	EXPECT_OK(guest_check_alive(g, 0));
}

/* Chains that loop and heads that are out of range do no harm. */
TEST_F(running, ring_with_loops_and_bad_heads)
{
	struct vq *vq = &self->g.vq[TXQ];
	unsigned int i;

	if (variant->features & F_RING_PACKED)
		SKIP(return, "a packed descriptor names no other one");
	ASSERT_OK(vdev_set_backend(self->g.dev, TXQ, -1));
	for (i = 0; i < vq->num; i++) {
		split_desc(vq)[i].flags = VRING_DESC_F_NEXT;
		split_desc(vq)[i].next = i % 3 ? i : vq->num + i;
		split_avail(vq)->ring[i] = i % 5 ? i : vq->num + i;
	}
	ASSERT_OK(nl_ring(&self->nl, self->id, TXQ, 64, &self->m));
	ASSERT_EQ(64, self->m.navail);
	for (i = 0; i < 64; i++) {
		const struct nl_entry *e = &self->m.avail[i];
		__u64 id = e->num[VHOST_ALT_ENTRY_ID];

		EXPECT_EQ(id >= vq->num ? 0 : id % 3 ? NL_DESCS : 1,
			  e->ndescs);
	}
}

/*
 * A request used to make the worker run the queue, which took up entries for
 * which the guest had sent no kick: a lost kick could not be seen.
 */
TEST_F(running, lost_kick_stays_lost)
{
	bool packed = variant->features & F_RING_PACKED;
	static unsigned char frame[60];
	struct guest *g = &self->g;
	struct vq *vq = &g->vq[TXQ];
	__u64 runs, wakeups, kicks, last;
	unsigned int i, n = 20;

	ASSERT_OK(vdev_rest(g->dev, vq));
	frame_make(frame, sizeof(frame), 0);
	ASSERT_OK(guest_send(g, NULL, frame, sizeof(frame), 1, false));
	vq_publish(vq);
	ASSERT_OK(LOOK(TXQ));
	runs = self->m.counter[VHOST_ALT_COUNTER_RUNS];
	wakeups = self->m.counter[VHOST_ALT_COUNTER_WAKEUPS];
	kicks = self->m.counter[VHOST_ALT_COUNTER_KICKS];
	last = NUM(LAST_AVAIL);
	for (i = 0; i < n; i++) {
		ASSERT_OK(nl_ring(&self->nl, self->id, TXQ, 1, &self->m));
		EXPECT_EQ(packed, !HAS(RING_AVAIL_IDX));
		if (packed)
			continue;
		EXPECT_EQ(65531, NUM(RING_AVAIL_IDX));
		EXPECT_EQ(65530, NUM(RING_USED_IDX));
	}
	/* A worker that was woken would have finished when this returns. */
	ASSERT_OK(vdev_set_file(g->dev, VHOST_SET_VRING_CALL, TXQ, vq->call));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_EQ(runs, self->m.counter[VHOST_ALT_COUNTER_RUNS]);
	EXPECT_EQ(wakeups, self->m.counter[VHOST_ALT_COUNTER_WAKEUPS]);
	EXPECT_EQ(kicks, self->m.counter[VHOST_ALT_COUNTER_KICKS]);
	EXPECT_EQ(last, NUM(LAST_AVAIL));
	EXPECT_EQ(0, vq_count_used(vq));
	vq_kick(vq);
	EXPECT_OK(guest_capture(g, sizeof(frame), 0));
}

/* Check whether a page of this process is in its page tables. */
static bool is_present(const void *p)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry = 0;
	ssize_t n;

	n = pread(fd, &entry, sizeof(entry),
		  (unsigned long)p / page * sizeof(entry));
	close(fd);
	return n == sizeof(entry) && entry >> 63;
}

/*
 * A request used to fault pages in, as its worker's accesses do. Where a fault
 * waits, as for the source of a migration, the request waited too.
 */
TEST_F(running, ring_that_is_not_present)
{
	size_t page = sysconf(_SC_PAGESIZE), size = self->g.mem.region[0].size;
	struct guest *g = &self->g;
	void *heap = g->mem.region[0].hva;
	void *avail = g->vq[TXQ].area[VQ_AVAIL];

	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_OK(nl_ring(&self->nl, self->id, TXQ, 1, &self->m));
	ASSERT_THAT(is_present(avail));
	/* The contents stay in the file. */
	ASSERT_EQ(0, madvise(heap, (size + page - 1) / page * page,
			     MADV_DONTNEED));
	ASSERT_FALSE(is_present(avail));
	EXPECT_ERR(EFAULT, nl_ring(&self->nl, self->id, TXQ, 1, &self->m));
	EXPECT_FALSE(is_present(avail));
	ASSERT_OK(LOOK(TXQ));
	EXPECT_FALSE(NUM(STATE) & VHOST_ALT_QUEUE_BROKEN);
	EXPECT_EQ(0, self->m.counter[VHOST_ALT_COUNTER_RING_ERRORS]);

	ASSERT_OK(guest_set_backend(g, g->tap));
	ASSERT_OK(guest_check_alive(g, 0));
	ASSERT_OK(guest_set_backend(g, -1));
	ASSERT_EQ(0, mprotect(heap, size, PROT_NONE));
	EXPECT_ERR(EFAULT, nl_ring(&self->nl, self->id, TXQ, 1, &self->m));
	ASSERT_EQ(0, mprotect(heap, size, PROT_READ | PROT_WRITE));
	ASSERT_OK(guest_set_backend(g, g->tap));
	EXPECT_OK(guest_check_alive(g, 4));
}

VHOST_TEST_MAIN
