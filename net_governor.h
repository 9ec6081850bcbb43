/* SPDX-License-Identifier: GPL-2.0-only */
/* A governor decides how a receive queue waits for packets. */
#ifndef VHOST_ALT_NET_GOVERNOR_H
#define VHOST_ALT_NET_GOVERNOR_H

#include <linux/types.h>

#include "vhost_stats.h"

/**
 * enum vha_governor_phase - what a governor has a queue do
 * @VHA_GOVERNOR_WOKEN: be woken by packets; measure their rate
 * @VHA_GOVERNOR_TRIAL: look for packets after a while instead; compare the rate
 * @VHA_GOVERNOR_MODERATED: look after a while, since the rate was no lower
 */
enum vha_governor_phase {
	VHA_GOVERNOR_WOKEN,
	VHA_GOVERNOR_TRIAL,
	VHA_GOVERNOR_MODERATED,
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
 * struct vha_governor - how a queue waits for packets
 * @phase: what the queue does
 * @looking: it looks for packets after a while, and is not woken before
 * @last: when that was decided, in ns of ktime_get()
 * @seen: packets of the queue at that time
 * @delay: time in ns after which the queue looks
 * @room: packets that may gather before any is lost
 * @woken: the packet rate in the last full window in which packets woke the
 *	worker
 * @rate: the packet rate in this window; windows are full of packets
 * @waits: the number of decisions in this window
 * @soon: those that came soon after the one before
 * @good: looks in this window that found several packets
 * @bad: other looks in this window
 * @late: the last look almost came too late to get all packets
 * @windows: full windows in this phase
 * @patience: full windows in which packets wake the worker before the next
 *	trial; 0 before the first decision
 */
struct vha_governor {
	enum vha_governor_phase phase;
	bool looking;
	u64 last;
	u64 seen;
	u64 delay;
	unsigned int room;
	struct vha_packet_rate woken;
	struct vha_packet_rate rate;
	unsigned int waits;
	unsigned int soon;
	unsigned int good;
	unsigned int bad;
	bool late;
	unsigned int windows;
	unsigned int patience;
};

bool vha_governor_look_later(struct vha_governor *g, struct vha_stats *stats,
			     u64 delay, unsigned int room);

/*
 * Forget all about the traffic. A queue that is not moderated does so in each
 * run, and mostly has nothing to forget.
 */
static inline void vha_governor_reset(struct vha_governor *g)
{
	if (g->patience)
		*g = (struct vha_governor){};
}

/* The queue waits for something else than packets. */
static inline void vha_governor_stop_looking(struct vha_governor *g)
{
	g->looking = false;
}

#endif /* VHOST_ALT_NET_GOVERNOR_H */
