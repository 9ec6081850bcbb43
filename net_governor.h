/* SPDX-License-Identifier: GPL-2.0-only */
/* The governor of a queue chooses how it waits for more to do. */
#ifndef VHOST_ALT_NET_GOVERNOR_H
#define VHOST_ALT_NET_GOVERNOR_H

#include <linux/types.h>

#include "vhost_stats.h"

/**
 * enum vha_wait - how a queue waits for more to do
 * @VHA_WAIT_WAKEUP: sleep until woken
 * @VHA_WAIT_LOOK: sleep for a fixed time, then look
 * @VHA_WAIT_POLL: poll for a limited time
 * @VHA_WAITS: the number of ways
 */
enum vha_wait {
	VHA_WAIT_WAKEUP,
	VHA_WAIT_LOOK,
	VHA_WAIT_POLL,
	VHA_WAITS,
};

/**
 * enum vha_governor_phase - the state of a governor
 * @VHA_GOVERNOR_WOKEN: the queue is woken; the packet rate is measured
 * @VHA_GOVERNOR_TRIAL: it waits in another way; the rates are compared
 * @VHA_GOVERNOR_KEPT: the trial succeeded, and it goes on in that way
 */
enum vha_governor_phase {
	VHA_GOVERNOR_WOKEN,
	VHA_GOVERNOR_TRIAL,
	VHA_GOVERNOR_KEPT,
};

/**
 * struct vha_wait_limits - what a governor may choose
 * @look: time in ns after which the queue would look; 0: it cannot
 * @poll: time in ns for which it would poll; 0: it must not
 * @room: packets that may gather before any is lost
 */
struct vha_wait_limits {
	u64 look;
	u64 poll;
	unsigned int room;
};

/**
 * struct vha_packet_rate - packets over time
 * @packets: the number of packets
 * @ns: the time in which they came
 */
struct vha_packet_rate {
	u64 packets;
	u64 ns;
};

/**
 * struct vha_governor - how a queue waits for more to do
 * @phase: its state
 * @way: how the queue waits in a trial, and after it
 * @wait: how it waits now
 * @missed: the last poll found nothing
 * @last: when the wait began, in ns of ktime_get(); 0 before the first one
 * @seen: packets of the queue at that time
 * @limits: what could be chosen then
 * @woken: the packet rate in the last full window in which the queue was woken
 * @rate: the packet rate in this window; windows are full of packets
 * @waits: the number of waits in this window
 * @soon: those shorter than two looks
 * @near: those shorter than NEAR_POLLS polls
 * @good: looks in this window that found several packets, or polls that found
 *	any
 * @bad: other looks or polls in this window
 * @late: the last look almost came too late to get all packets
 * @windows: full windows in this phase
 * @patience: for each way, the number of full windows in which the queue is
 *	woken after a trial has failed
 * @left: how many of these are left
 */
struct vha_governor {
	enum vha_governor_phase phase;
	enum vha_wait way;
	enum vha_wait wait;
	bool missed;
	u64 last;
	u64 seen;
	struct vha_wait_limits limits;
	struct vha_packet_rate woken;
	struct vha_packet_rate rate;
	unsigned int waits;
	unsigned int soon;
	unsigned int near;
	unsigned int good;
	unsigned int bad;
	bool late;
	unsigned int windows;
	unsigned int patience[VHA_WAITS];
	unsigned int left[VHA_WAITS];
};

enum vha_wait vha_governor_choose(struct vha_governor *g,
				  struct vha_stats *stats,
				  const struct vha_wait_limits *limits);

/*
 * Discard all measurements. A queue without a choice does so in each run, so
 * test before writing.
 */
static inline void vha_governor_reset(struct vha_governor *g)
{
	if (g->last)
		*g = (struct vha_governor){};
}

/* Note that the queue waits for buffers or the socket, not for packets. */
static inline void vha_governor_interrupt(struct vha_governor *g)
{
	g->wait = VHA_WAIT_WAKEUP;
}

/* Note that a poll found nothing. */
static inline void vha_governor_poll_missed(struct vha_governor *g)
{
	g->missed = true;
}

/* Check whether a poll is under way, or has just found something. */
static inline bool vha_governor_polls(const struct vha_governor *g)
{
	return g->wait == VHA_WAIT_POLL && !g->missed;
}

#endif /* VHOST_ALT_NET_GOVERNOR_H */
