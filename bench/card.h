/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's network card that carries one flow of equal frames. The driver does
 * as little as possible for each of them, since it is not what is measured.
 */
#ifndef BENCH_CARD_H
#define BENCH_CARD_H

#include <stdbool.h>
#include <stddef.h>

#include "guest.h"
#include "sender.h"

/* Frames that the sender on the tap's other side sends at once. */
#define CARD_BURST	SENDER_BURST

enum card_flow {
	FLOW_TX,
	/* The worker may preempt the sender, and does, packet by packet. */
	FLOW_RX,
	/*
	 * On a single processor the worker runs once the burst is there. The
	 * sender's time is not counted.
	 */
	FLOW_RX_LATE,
	FLOWS
};

struct card_cfg {
	enum card_flow flow;
	size_t size;		/* of a frame, without virtio-net header */
	unsigned int num;	/* entries of the ring */
	bool indirect;		/* tables, for frames of several pieces */
	bool packed;		/* packed rings, where the device has them */
	unsigned int regions;	/* memory regions that hold the buffers */
	bool ipv4;		/* UDP packets, not of an unknown protocol */
	bool segments;		/* frames of more than an MTU are segmented */
};

struct card {
	struct card_cfg cfg;
	struct guest g;
	unsigned int ring;	/* where the frames go */
	unsigned int pieces;	/* of a transmitted frame */
	unsigned int nbufs;	/* in flight when the ring is full */
	size_t buf_len;
	unsigned char *frame;	/* that is sent, either way */
	struct virtio_net_hdr hdr;
	__u64 kicks;
	__u64 calls;
};

int card_start(struct card *c, const struct card_cfg *cfg);
void card_stop(struct card *c);

/*
 * Move some frames, at most @max: for transmit as many as the ring holds, for
 * receive a burst. Return: how many, or a negative errno. @ns is the time from
 * the first to the last, without preparing the ring.
 */
int card_move(struct card *c, unsigned int max, __u64 *ns);

#endif
