/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's network card that carries one flow of equal frames: what a driver
 * does for each of them is as little as can be, since it is not what counts.
 */
#ifndef BENCH_CARD_H
#define BENCH_CARD_H

#include <stdbool.h>
#include <stddef.h>

#include "guest.h"

/* Frames that the far side of the tap sends at once. */
#define CARD_BURST	64

enum card_flow {
	FLOW_TX,
	/* The worker may interrupt the far side, and does: packet by packet. */
	FLOW_RX,
	/*
	 * The worker comes when the burst is there, as far as the machine has
	 * one processor. What the far side takes is not in the time.
	 */
	FLOW_RX_LATE,
	FLOWS
};

struct card_cfg {
	enum card_flow flow;
	size_t size;		/* of a frame, without virtio-net header */
	unsigned int num;	/* entries of the ring */
	bool indirect;		/* tables for frames of several pieces */
};

struct card {
	struct card_cfg cfg;
	struct guest g;
	unsigned int ring;	/* where the frames go */
	unsigned int pieces;	/* of a transmitted frame */
	unsigned int nbufs;	/* in flight when the ring is full */
	size_t buf_len;
	unsigned char *frame;	/* what the far side sends */
	struct virtio_net_hdr hdr;
	__u64 kicks;
	__u64 calls;
};

int card_start(struct card *c, const struct card_cfg *cfg);
void card_stop(struct card *c);

/*
 * Moves some frames, at most @max: as many as the ring holds to transmit, a
 * burst to receive. How many, or a negative errno; @ns is the time from the
 * first to the last, without what prepares the ring.
 */
int card_move(struct card *c, unsigned int max, __u64 *ns);

#endif
