// SPDX-License-Identifier: GPL-2.0-only
#include "card.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "env.h"
#include "sender.h"

/* A driver gives memory in pages, and posts no smaller receive buffers. */
#define PIECE		4096
#define RX_BUF_MIN	1536

/* Larger frames are left to the host to segment. */
#define FRAME_WHOLE_MAX	9014
/* The same if the host's MTU is the usual one. */
#define SEGMENTS_MIN	1514

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static enum frame_kind choose_kind(const struct card_cfg *cfg)
{
	if (cfg->size > (cfg->segments ? SEGMENTS_MIN : FRAME_WHOLE_MAX))
		return FRAME_TSO4;
	return cfg->ipv4 ? FRAME_CSUM : FRAME_PLAIN;
}

/* A frame to another station, so that the host's stack drops it early. */
static void make_frame(struct card *c)
{
	enum frame_kind kind = choose_kind(&c->cfg);

	frame_make_kind(c->frame, c->cfg.size, 1, kind, &c->hdr);
	c->frame[0] = 0x02;
	/* It is sent as if its checksum were complete. */
	if (kind == FRAME_CSUM)
		memset(&c->hdr, 0, sizeof(c->hdr));
}

static __u64 buffer_gpa(const struct card *c, unsigned int i)
{
	return c->g.pool[c->ring].slot[i].gpa;
}

/* Offer buffer @i, with a frame to transmit, or to receive into. */
static int offer(struct card *c, unsigned int i)
{
	struct vq_seg seg[FRAME_MAX / PIECE + 2];
	struct vq_chain chain = { .seg = seg };
	size_t at, len = c->buf_len;
	unsigned int n = 0;

	for (at = 0; at < len; at += PIECE) {
		seg[n].gpa = buffer_gpa(c, i) + at;
		seg[n++].len = min_size(len - at, PIECE);
	}
	if (c->ring == TXQ)
		chain.nout = n;
	else
		chain.nin = n;
	chain.indirect = c->cfg.indirect && n > 1;
	return vq_add(&c->g.vq[c->ring], &chain, i);
}

static void submit(struct card *c)
{
	struct vq *vq = &c->g.vq[c->ring];

	vq_publish(vq);
	c->kicks += vq_kick_if_wanted(vq);
}

/* Every buffer holds the frame from the start; later only the ring changes. */
static int fill_buffers(struct card *c)
{
	unsigned int i;
	__u64 gpa;

	for (i = 0; i < c->nbufs; i++) {
		gpa = buffer_gpa(c, i);
		if (!gmem_fill(&c->g.mem, gpa, 0, c->g.hdr_len) ||
		    !gmem_write(&c->g.mem, gpa, &c->hdr, sizeof(c->hdr)) ||
		    !gmem_write(&c->g.mem, gpa + c->g.hdr_len, c->frame,
				c->cfg.size))
			return -EFAULT;
	}
	return 0;
}

static int offer_all(struct card *c)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < c->nbufs; i++)
		err = offer(c, i);
	if (!err)
		submit(c);
	return err;
}

static void choose_sizes(struct card *c, struct guest_cfg *g)
{
	size_t whole = HDR_LEN_MRG + c->cfg.size;

	c->buf_len = whole;
	if (c->ring == RXQ && c->buf_len < RX_BUF_MIN)
		c->buf_len = RX_BUF_MIN;
	if (c->ring == RXQ && c->buf_len > PIECE)
		c->buf_len = PIECE;
	c->pieces = (c->buf_len + PIECE - 1) / PIECE;
	c->nbufs = c->cfg.num / (c->cfg.indirect ? 1 : c->pieces);
	g->num = c->cfg.num;
	g->slots = c->nbufs;
	g->slot_size = (c->buf_len + PIECE - 1) / PIECE * PIECE;
	g->ind_max = c->cfg.indirect ? c->pieces : 0;
}

int card_start(struct card *c, const struct card_cfg *cfg)
{
	struct guest_cfg g = GUEST_CFG(F_MODERN);
	int err;

	/* vhost_net has split rings only, and is measured with them. */
	if (cfg->packed && vdev_offers(F_RING_PACKED))
		g.features |= F_RING_PACKED;
	g.regions = cfg->regions;
	memset(c, 0, sizeof(*c));
	c->cfg = *cfg;
	c->ring = cfg->flow == FLOW_TX ? TXQ : RXQ;
	c->frame = malloc(FRAME_MAX);
	if (!c->frame || cfg->size > FRAME_MAX)
		return -ENOMEM;
	make_frame(c);
	choose_sizes(c, &g);
	err = guest_start(&c->g, &g);
	if (err)
		return err;
	/* A capturing socket would slow down each frame. */
	close(c->g.pkt);
	c->g.pkt = sender_open(c->g.ifname);
	if (c->g.pkt < 0)
		return c->g.pkt;
	return c->ring == TXQ ? fill_buffers(c) : offer_all(c);
}

void card_stop(struct card *c)
{
	guest_stop(&c->g);
	free(c->frame);
}

/* Ask for a call when the device has used @n more, not before. */
static void arm_after(struct card *c, unsigned int n)
{
	struct vq *vq = &c->g.vq[c->ring];
	unsigned int each = 1;

	/* Events of a packed ring count descriptors. */
	if (vq->features & F_RING_PACKED && !c->cfg.indirect)
		each = c->pieces;
	vq_call_at(vq, (n - 1) * each);
}

/* Sleep until the device has used @n more than were taken back. */
static int wait_used(struct card *c, unsigned int n)
{
	struct vq *vq = &c->g.vq[c->ring];
	struct pollfd p = { .fd = vq->call, .events = POLLIN };
	__u64 deadline = env_deadline();

	while (vq_count_used(vq) < n) {
		arm_after(c, n);
		if (vq_count_used(vq) >= n)
			break;
		if (poll(&p, 1, env_left_ms(deadline)) != 1)
			return -ETIMEDOUT;
		c->calls += event_count(vq->call);
	}
	return 0;
}

static int transmit(struct card *c, unsigned int n, __u64 *ns)
{
	struct vq *vq = &c->g.vq[TXQ];
	struct vq_used used;
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		err = offer(c, i);
		if (err)
			return err;
	}
	arm_after(c, n);
	*ns = now_ns();
	submit(c);
	err = wait_used(c, n);
	*ns = now_ns() - *ns;
	c->calls += event_count(vq->call);
	for (i = 0; !err && i < n; i++)
		if (!vq_pop(vq, &used) || used.cookie == VQ_BOGUS)
			err = -EPROTO;
	return err;
}

/* Take one buffer back and offer it again. */
static int recycle(struct card *c, __u32 *len)
{
	struct vq *vq = &c->g.vq[RXQ];
	struct vq_used used;

	if (!vq_pop(vq, &used) || used.cookie == VQ_BOGUS)
		return -EPROTO;
	*len += used.len;
	return offer(c, used.cookie);
}

static int receive(struct card *c, unsigned int n, __u64 *ns)
{
	size_t whole = c->g.hdr_len + c->cfg.size;
	unsigned int each = (whole + c->buf_len - 1) / c->buf_len;
	struct vq *vq = &c->g.vq[RXQ];
	__u32 len = 0;
	unsigned int i;
	int err;

	/* As in an idle driver, the first frame interrupts. */
	arm_after(c, 1);
	*ns = now_ns();
	err = sender_send(c->g.pkt, &c->hdr, c->frame, c->cfg.size, n);
	if (c->cfg.flow == FLOW_RX_LATE)
		*ns = now_ns();
	if (!err)
		err = wait_used(c, n * each);
	*ns = now_ns() - *ns;
	c->calls += event_count(vq->call);
	for (i = 0; !err && i < n * each; i++)
		err = recycle(c, &len);
	if (err)
		return err;
	submit(c);
	return len == n * whole ? 0 : -EBADMSG;
}

int card_move(struct card *c, unsigned int max, __u64 *ns)
{
	unsigned int most = c->ring == TXQ ? c->nbufs : CARD_BURST;
	unsigned int n = min_size(max, most);
	int err;

	err = c->ring == TXQ ? transmit(c, n, ns) : receive(c, n, ns);
	return err ? err : n;
}
