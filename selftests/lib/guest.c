// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "env.h"

/* Start of the buffers, far past the rings, in as many regions as requested. */
#define POOL_GPA	0x4000000000ULL

/* More frames than any test leaves queued for a slow reader of the tap. */
#define TAP_QLEN	2000

/* A limit on the tap's send buffer, with which the device does not batch. */
#define SNDBUF_LIMIT	(64 << 20)

#define DEFAULT_NUM	256
#define DEFAULT_SLOT	2048

#define step(expr) ({							\
	int __err = (expr);						\
									\
	if (__err < 0)							\
		fprintf(stderr, "# %s: %s\n", #expr, strerror(-__err));	\
	__err;								\
})

static size_t hdr_len(const struct guest_cfg *cfg)
{
	if (cfg->features2 & F2_TUNNEL)
		return HDR_LEN_TUNNEL;
	return cfg->features & (F_MRG_RXBUF | F_VERSION_1) ? HDR_LEN_MRG :
							     HDR_LEN_LEGACY;
}

static int pool_init(struct guest *g, struct guest_pool *pool, __u64 gpa)
{
	unsigned int i, n = g->cfg.slots;

	pool->nslots = n;
	pool->slot = calloc(n, sizeof(*pool->slot));
	pool->free = calloc(n, sizeof(*pool->free));
	if (!pool->slot || !pool->free)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		pool->slot[i].gpa = gpa + i * g->cfg.slot_size;
		pool->free[pool->nfree++] = n - 1 - i;
	}
	return 0;
}

static void pool_free(struct guest_pool *pool)
{
	free(pool->slot);
	free(pool->free);
}

static int pool_get(struct guest_pool *pool)
{
	return pool->nfree ? (int)pool->free[--pool->nfree] : -ENOSPC;
}

static void pool_put(struct guest_pool *pool, unsigned int slot)
{
	if (pool->nfree == pool->nslots) {
		fprintf(stderr, "# buffer %u is free already\n", slot);
		abort();
	}
	pool->free[pool->nfree++] = slot;
}

static int add_regions(struct guest *g, size_t all)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t part = (all / g->cfg.regions + page) / page * page;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < g->cfg.regions; i++)
		err = gmem_add(&g->mem, POOL_GPA + i * part, part);
	return err;
}

static int init_pools(struct guest *g)
{
	size_t each = g->cfg.slots * g->cfg.slot_size;
	__u64 gpa = POOL_GPA;
	unsigned int i;
	int err = 0;

	if (g->cfg.one_region)
		gpa = gmem_alloc(&g->mem, each * NR_VQS, 1);
	else
		err = add_regions(g, each * NR_VQS);
	for (i = 0; !err && i < NR_VQS; i++)
		err = pool_init(g, &g->pool[i], gpa + i * each);
	return err;
}

/* Size of both rings and of their indirect tables, and of buffers there. */
static size_t heap_size(const struct guest_cfg *cfg)
{
	size_t ring = 0;
	enum vq_area area;

	for (area = 0; area < VQ_AREAS; area++)
		ring += cfg->ops->size(cfg->num, area) + cfg->ops->align[area];
	ring += (size_t)cfg->num * cfg->ind_max * sizeof(struct vring_desc);
	if (cfg->one_region)
		ring += cfg->slots * cfg->slot_size;
	return (ring + 64) * NR_VQS;
}

static void fill_defaults(struct guest_cfg *cfg)
{
	if (!cfg->ops)
		cfg->ops = vq_layout(cfg->features);
	if (!cfg->num)
		cfg->num = DEFAULT_NUM;
	if (!cfg->slot_size)
		cfg->slot_size = DEFAULT_SLOT;
	if (!cfg->slots)
		cfg->slots = cfg->num;
	if (!cfg->regions)
		cfg->regions = 1;
}

int guest_init(struct guest *g, const struct guest_cfg *cfg)
{
	unsigned int i;
	int err;

	memset(g, 0, sizeof(*g));
	g->cfg = *cfg;
	fill_defaults(&g->cfg);
	g->hdr_len = hdr_len(cfg);
	g->dev = -1;
	g->tap = -1;
	g->pkt = -1;
	snprintf(g->ifname, sizeof(g->ifname), "%s", cfg->ifname ?: "tap0");
	err = gmem_init(&g->mem, heap_size(&g->cfg));
	if (!err)
		err = init_pools(g);
	for (i = 0; !err && i < NR_VQS; i++) {
		err = vq_init(&g->vq[i], g->cfg.ops, &g->mem, g->cfg.num,
			      g->cfg.ind_max, cfg->features);
		g->vq[i].index = i;
		if (!err)
			vq_reset(&g->vq[i], cfg->base);
	}
	return err;
}

static int replace_by_copy(void *pointer, size_t size)
{
	void *copy = malloc(size);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, *(void **)pointer, size);
	*(void **)pointer = copy;
	return 0;
}

int guest_unshare_records(struct guest *g)
{
	struct guest_pool *pool;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < NR_VQS; i++) {
		pool = &g->pool[i];
		err = replace_by_copy(&g->vq[i].slot, g->vq[i].num *
				      sizeof(*g->vq[i].slot));
		if (!err)
			err = replace_by_copy(&pool->slot, pool->nslots *
					      sizeof(*pool->slot));
		if (!err)
			err = replace_by_copy(&pool->free, pool->nslots *
					      sizeof(*pool->free));
	}
	return err;
}

static int setup_tap(struct guest *g)
{
	int err = 0;

	if (g->cfg.tap_flags & IFF_VNET_HDR) {
		err = step(tap_set_hdr_len(g->tap, g->hdr_len));
		if (!err)
			err = step(tap_set_offload(g->tap, TUN_F_CSUM |
						   TUN_F_TSO4 | TUN_F_TSO6));
		/* Not all kernels have USO, which has tests of its own. */
		if (!err)
			tap_set_offload(g->tap, TUN_F_CSUM | TUN_F_TSO4 |
					TUN_F_TSO6 | TUN_F_USO4 | TUN_F_USO6);
		if (!err && g->cfg.features2 & F2_TUNNEL)
			err = step(tap_set_offload(g->tap, TUN_F_CSUM |
						   TUN_F_TSO4 | TUN_F_TSO6 |
						   TUN_F_USO4 | TUN_F_USO6 |
						   TUN_F_UDP_TUNNEL_GSO));
	}
	if (!err && g->cfg.limit_sndbuf)
		err = step(tap_set_sndbuf(g->tap, SNDBUF_LIMIT));
	return err;
}

int guest_open_tap(struct guest *g)
{
	int type = g->cfg.tun ? IFF_TUN : IFF_TAP;
	int err;

	g->pkt_hdr = g->cfg.tap_flags & IFF_VNET_HDR;
	g->tap = step(tap_open(g->ifname, type | IFF_NO_PI | g->cfg.tap_flags));
	if (g->tap < 0)
		return g->tap;
	err = setup_tap(g);
	if (!err)
		err = step(link_set_mtu(g->ifname, NETIF_MTU_MAX));
	if (!err)
		err = step(link_set_qlen(g->ifname, TAP_QLEN));
	if (!err)
		err = step(link_up(g->ifname, true));
	if (err)
		return err;
	g->pkt = step(packet_open(g->ifname, g->pkt_hdr));
	return g->pkt < 0 ? g->pkt : 0;
}

static int accept_features(struct guest *g)
{
	if (g->cfg.features2)
		return vdev_set_features2(g->dev, g->cfg.features,
					  g->cfg.features2);
	return vdev_set_features(g->dev, g->cfg.features);
}

int guest_open_dev(struct guest *g)
{
	unsigned int i;
	int err;

	g->dev = step(vdev_open());
	if (g->dev < 0)
		return g->dev;
	err = step(vdev_set_owner(g->dev));
	if (!err)
		err = step(accept_features(g));
	if (!err)
		err = step(vdev_set_mem(g->dev, &g->mem));
	for (i = 0; !err && i < NR_VQS; i++)
		err = step(vdev_set_vring(g->dev, &g->vq[i],
					  vq_base(&g->vq[i])));
	return err;
}

int guest_set_backend(struct guest *g, int backend)
{
	int err;

	err = vdev_set_backend(g->dev, RXQ, backend);
	return err ? err : vdev_set_backend(g->dev, TXQ, backend);
}

void guest_free_buffers(struct guest *g, unsigned int ring)
{
	struct guest_pool *pool = &g->pool[ring];

	for (pool->nfree = 0; pool->nfree < pool->nslots; pool->nfree++)
		pool->free[pool->nfree] = pool->nfree;
}

void guest_reset_ring(struct guest *g, unsigned int ring, __u16 base)
{
	vq_reset(&g->vq[ring], base);
	guest_free_buffers(g, ring);
}

int guest_restart(struct guest *g)
{
	unsigned int i;
	int err;

	for (i = 0; i < NR_VQS; i++) {
		err = vdev_set_backend(g->dev, i, -1);
		if (err)
			return err;
		guest_reset_ring(g, i, 0);
		err = vdev_set_vring(g->dev, &g->vq[i], vq_base(&g->vq[i]));
		if (err)
			return err;
	}
	return guest_set_backend(g, g->tap);
}

int guest_start(struct guest *g, const struct guest_cfg *cfg)
{
	int err;

	err = step(guest_init(g, cfg));
	if (!err)
		err = step(netns_enter());
	if (!err && !cfg->no_tap)
		err = guest_open_tap(g);
	if (!err)
		err = guest_open_dev(g);
	if (!err && !cfg->no_tap)
		err = step(guest_set_backend(g, g->tap));
	return err;
}

void guest_stop(struct guest *g)
{
	unsigned int i;

	if (g->dev >= 0)
		close(g->dev);
	if (g->pkt >= 0)
		close(g->pkt);
	if (g->tap >= 0)
		close(g->tap);
	for (i = 0; i < NR_VQS; i++) {
		vq_free(&g->vq[i]);
		pool_free(&g->pool[i]);
	}
	gmem_free(&g->mem);
	g->dev = -1;
	g->pkt = -1;
	g->tap = -1;
}

/* Offset at which segment @i of @n begins. */
static __u32 cut(const struct guest *g, __u32 len, unsigned int i,
		 unsigned int n)
{
	if (i == n)
		return len;
	if (n == 2 && len > g->hdr_len)
		return i * g->hdr_len;
	return (__u64)len * i / n;
}

/* Place segments in reverse, so that only the chain tells their order. */
static void lay_out(const struct guest *g, const struct guest_slot *slot,
		    struct vq_seg *seg)
{
	unsigned int i;
	__u32 from, to;

	for (i = 0; i < slot->nseg; i++) {
		from = cut(g, slot->len, i, slot->nseg);
		to = cut(g, slot->len, i + 1, slot->nseg);
		seg[i].gpa = slot->gpa + slot->len - to;
		seg[i].len = to - from;
	}
}

/* The most segments that any test uses for a buffer. */
#define MAX_SEGS	2048

static int add_slot(struct guest *g, unsigned int ring, int id, bool indirect)
{
	const struct guest_slot *slot = &g->pool[ring].slot[id];
	struct vq_seg seg[MAX_SEGS];
	struct vq_chain chain = {
		.seg = seg,
		.nout = ring == TXQ ? slot->nseg : 0,
		.nin = ring == TXQ ? 0 : slot->nseg,
		.indirect = indirect,
	};
	int err;

	lay_out(g, slot, seg);
	err = vq_add(&g->vq[ring], &chain, id);
	if (err)
		pool_put(&g->pool[ring], id);
	return err;
}

static int new_slot(struct guest *g, unsigned int ring, size_t len,
		    unsigned int nseg)
{
	int id;

	if (len > g->cfg.slot_size || nseg > MAX_SEGS)
		return -EMSGSIZE;
	id = pool_get(&g->pool[ring]);
	if (id < 0)
		return id;
	g->pool[ring].slot[id].len = len;
	g->pool[ring].slot[id].nseg = nseg;
	return id;
}

/* Copy between a flat buffer and the segments of a slot, in chain order. */
static void copy_slot(struct guest *g, const struct guest_slot *slot,
		      void *flat, __u32 len, bool to_guest)
{
	struct vq_seg seg[MAX_SEGS];
	unsigned char *p = flat;
	unsigned int i;
	__u32 n;

	lay_out(g, slot, seg);
	for (i = 0; i < slot->nseg && len; i++) {
		n = seg[i].len < len ? seg[i].len : len;
		if (to_guest)
			gmem_write(&g->mem, seg[i].gpa, p, n);
		else
			gmem_read(&g->mem, seg[i].gpa, p, n);
		p += n;
		len -= n;
	}
}

int guest_send(struct guest *g, const struct virtio_net_hdr *hdr,
	       const void *frame, size_t len, unsigned int nseg, bool indirect)
{
	static unsigned char flat[HDR_LEN_MAX + FRAME_MAX];
	int id;

	id = new_slot(g, TXQ, g->hdr_len + len, nseg);
	if (id < 0)
		return id;
	memset(flat, 0, g->hdr_len);
	if (hdr)
		memcpy(flat, hdr, sizeof(*hdr));
	memcpy(flat + g->hdr_len, frame, len);
	copy_slot(g, &g->pool[TXQ].slot[id], flat, g->hdr_len + len, true);
	return add_slot(g, TXQ, id, indirect);
}

int guest_reap(struct guest *g)
{
	struct vq *vq = &g->vq[TXQ];
	struct vq_used used;
	int n = 0;

	while (vq_pop(vq, &used)) {
		if (used.cookie == VQ_BOGUS || used.len)
			return -EPROTO;
		pool_put(&g->pool[TXQ], used.cookie);
		n++;
	}
	return n;
}

int guest_reap_all(struct guest *g)
{
	struct vq *vq = &g->vq[TXQ];
	int n = 0;

	while (vq->inflight) {
		if (!vq_wait(vq))
			return -ETIMEDOUT;
		n = guest_reap(g);
		if (n < 0)
			return n;
	}
	return vq->ops->has_used(vq) ? -EPROTO : 0;
}

int guest_wait_room(struct guest *g, unsigned int ndesc)
{
	struct vq *vq = &g->vq[TXQ];
	int n;

	n = guest_reap(g);
	while (n >= 0 && (!g->pool[TXQ].nfree || vq->nfree < ndesc)) {
		vq_submit(vq);
		if (!vq_wait(vq))
			return -ETIMEDOUT;
		n = guest_reap(g);
	}
	return n < 0 ? n : 0;
}

int guest_post(struct guest *g, size_t len, unsigned int nseg, bool indirect)
{
	int id = new_slot(g, RXQ, len, nseg);

	if (id < 0)
		return id;
	return add_slot(g, RXQ, id, indirect);
}

unsigned int guest_refill(struct guest *g, unsigned int max, size_t len)
{
	unsigned int n = 0;

	while (n < max && !guest_post(g, len, 1, false))
		n++;
	vq_submit(&g->vq[RXQ]);
	return n;
}

bool guest_has_frame(struct guest *g)
{
	return g->vq[RXQ].ops->has_used(&g->vq[RXQ]);
}

/* Append one used receive buffer to @flat. Return: its length. */
static int take_buffer(struct guest *g, unsigned char *flat, size_t room)
{
	struct guest_slot *slot;
	struct vq_used used;

	if (!vq_wait_pop(&g->vq[RXQ], &used)) {
		fprintf(stderr, "# no frame: used %u, available %u\n",
			g->vq[RXQ].used_idx, g->vq[RXQ].avail_idx);
		vdev_report(g->dev);
		return -ETIMEDOUT;
	}
	if (used.cookie == VQ_BOGUS)
		return -EPROTO;
	slot = &g->pool[RXQ].slot[used.cookie];
	if (used.len > slot->len || used.len > room)
		return -EPROTO;
	copy_slot(g, slot, flat, used.len, false);
	pool_put(&g->pool[RXQ], used.cookie);
	return used.len;
}

int guest_recv(struct guest *g, struct guest_frame *f)
{
	static unsigned char flat[HDR_LEN_MAX + FRAME_MAX];
	size_t len = 0;
	int n;

	f->nbufs = 0;
	f->hdr.num_buffers = 1;
	do {
		/* Buffers that come back empty are not part of the frame. */
		do
			n = take_buffer(g, flat + len, sizeof(flat) - len);
		while (!n && !len);
		if (n < 0)
			return n;
		len += n;
		/* Even the header may be split into segments of one byte. */
		if (g->cfg.features & F_MRG_RXBUF && len >= HDR_LEN_MRG)
			memcpy(&f->hdr, flat, HDR_LEN_MRG);
	} while (++f->nbufs < f->hdr.num_buffers ||
		 (g->cfg.features & F_MRG_RXBUF && len < HDR_LEN_MRG));
	if (len < g->hdr_len)
		return -EPROTO;
	memcpy(f->whole_hdr, flat, g->hdr_len);
	f->len = len - g->hdr_len;
	memcpy(f->data, flat + g->hdr_len, f->len);
	return 0;
}

int guest_capture(struct guest *g, size_t len, __u32 seq)
{
	static unsigned char got[FRAME_MAX + 1];
	struct virtio_net_hdr hdr;
	int n;

	n = packet_recv(g->pkt, g->pkt_hdr ? &hdr : NULL, got, sizeof(got));
	if (n < 0)
		return n;
	return n == len && frame_is(got, len, seq) ? 0 : -EBADMSG;
}

int guest_check_tx(struct guest *g, size_t len, __u32 seq, unsigned int nseg,
		   bool indirect)
{
	static unsigned char frame[FRAME_MAX];
	int err;

	err = guest_wait_room(g, indirect ? 1 : nseg);
	if (err)
		return err;
	frame_make(frame, len, seq);
	err = guest_send(g, NULL, frame, len, nseg, indirect);
	if (err)
		return err;
	vq_submit(&g->vq[TXQ]);
	err = guest_capture(g, len, seq);
	return err ? err : guest_reap_all(g);
}

int guest_inject(struct guest *g, size_t len, __u32 seq)
{
	static unsigned char frame[FRAME_MAX];
	struct virtio_net_hdr hdr = { 0 };

	frame_make(frame, len, seq);
	return packet_send(g->pkt, g->pkt_hdr ? &hdr : NULL, frame, len);
}

int guest_check_rx(struct guest *g, size_t len, __u32 seq)
{
	static struct guest_frame f;
	int err;

	err = guest_inject(g, len, seq);
	if (!err)
		err = guest_recv(g, &f);
	if (err)
		return err;
	return f.len == len && frame_is(f.data, len, seq) ? 0 : -EBADMSG;
}

static const size_t burst_len[] = { 60, 1514, 4083, 4084, 9000, 16000 };

#define BURST_LENS	(sizeof(burst_len) / sizeof(*burst_len))

static size_t tx_len(unsigned int i)
{
	return burst_len[i % BURST_LENS];
}

static size_t rx_len(unsigned int i)
{
	return tx_len(i + BURST_LENS / 2);
}

int guest_burst_post(struct guest *g)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < GUEST_BURST; i++)
		err = guest_post(g, GUEST_BURST_SLOT, 1 + i % 3,
				 g->cfg.ind_max && i & 1);
	vq_submit(&g->vq[RXQ]);
	return err;
}

int guest_burst_send(struct guest *g, __u32 seq)
{
	static unsigned char frame[GUEST_BURST_SLOT];
	unsigned int i;
	int err;

	for (i = 0; i < GUEST_BURST; i++) {
		frame_make(frame, tx_len(i), seq + i);
		err = guest_send(g, NULL, frame, tx_len(i), 1 + i % 3,
				 g->cfg.ind_max && i & 1);
		if (err)
			return err;
		vq_submit(&g->vq[TXQ]);
		err = guest_inject(g, rx_len(i), seq + i);
		if (err)
			return err;
	}
	return 0;
}

int guest_burst_take(struct guest *g, __u32 seq)
{
	static struct guest_frame f;
	unsigned int i;
	int err;

	for (i = 0; i < GUEST_BURST; i++) {
		err = guest_capture(g, tx_len(i), seq + i);
		if (!err)
			err = guest_recv(g, &f);
		if (err)
			return err;
		if (f.len != rx_len(i) || !frame_is(f.data, f.len, seq + i))
			return -EBADMSG;
	}
	return guest_reap_all(g);
}

/* More than one batch of the device, and both sides of a small ring's wrap. */
#define ALIVE_FRAMES	16

int guest_check_alive(struct guest *g, __u32 seq)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ALIVE_FRAMES; i++)
		err = guest_check_tx(g, 64 + i, seq + i, 1, false);
	if (err)
		fprintf(stderr, "# transmit failed: %s\n", strerror(-err));
	for (i = 0; !err && i < ALIVE_FRAMES; i++) {
		guest_refill(g, 1, g->cfg.slot_size);
		err = guest_check_rx(g, 64 + i, seq + i);
	}
	if (err)
		fprintf(stderr, "# frame %u: %s\n", i, strerror(-err));
	return err;
}

__u32 guest_fill_tx(struct guest *g, size_t len, __u32 seq, __u32 end)
{
	guest_reap(g);
	return guest_send_frames(g, len, seq, end);
}

__u32 guest_send_frames(struct guest *g, size_t len, __u32 seq, __u32 end)
{
	unsigned char frame[FRAME_MAX];

	while (seq != end) {
		frame_make(frame, len, seq);
		if (guest_send(g, NULL, frame, len, 1, false))
			break;
		seq++;
	}
	vq_submit(&g->vq[TXQ]);
	return seq;
}

void guest_load_forever(struct guest *g, size_t len, int ready)
{
	unsigned char junk[FRAME_MAX];
	struct virtio_net_hdr hdr;
	static struct guest_frame f;

	for (;;) {
		guest_refill(g, 256, 2048);
		guest_fill_tx(g, len, 0, 64);
		guest_inject(g, len, 0);
		while (packet_recv_now(g->pkt, &hdr, junk, sizeof(junk)) >= 0)
			;
		while (guest_has_frame(g))
			guest_recv(g, &f);
		event_signal(ready);
	}
}
