// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moderation of a receive queue. If each packet of a stream wakes the worker,
 * that costs more than the packets. It is cheaper to let some gather, and to
 * look for them after a while. But a sender that waits for the guest's answer
 * to its last packets is slowed down for nothing. Packets do not show which
 * kind they are, so the governor tries, and compares: if senders wait, fewer
 * packets come per second.
 *
 * A window ends after a number of packets. In the first one packets wake the
 * worker. In the next one, the trial, the worker looks for them. Unless fewer
 * came per second, it goes on so for a number of windows. Each trial that fails
 * doubles the time until the next one, so that trials cost little.
 */
#include <linux/ktime.h>
#include <linux/minmax.h>

#include "net_governor.h"

/* Packets in a window. */
#define WINDOW		512
/* Packets after which a trial may fail early: if it does harm, stop soon. */
#define TRIAL_MIN	8
#define TRIAL_SOME	64
/* A sender that pauses for longer is not waiting for an answer. */
#define PAUSE_NS	NSEC_PER_MSEC
/* Packets that make a look worthwhile. */
#define LOOK_MIN	2
/* How many more looks may find too little than find enough. */
#define BAD_LOOKS	4
/* Windows until the next trial, after the first failed one and at most. */
#define PATIENCE_MIN	4
#define PATIENCE_MAX	1024
/* Windows of moderation before the rates are compared again. */
#define MODERATED_MAX	64

/* Check whether @a is at least @num/@den of @b. */
static bool rate_at_least(const struct vha_packet_rate *a,
			  const struct vha_packet_rate *b,
			  unsigned int num, unsigned int den)
{
	return a->packets * b->ns * den >= b->packets * a->ns * num;
}

static void begin_window(struct vha_governor *g)
{
	g->rate = (struct vha_packet_rate){};
	g->waits = 0;
	g->soon = 0;
	g->good = 0;
	g->bad = 0;
	g->late = false;
}

static void begin_phase(struct vha_governor *g, enum vha_governor_phase phase)
{
	g->phase = phase;
	g->windows = 0;
	begin_window(g);
}

static void begin(struct vha_governor *g, const struct vha_stats *stats)
{
	g->patience = 1;
	g->last = ktime_get_ns();
	g->seen = stats->packets;
}

static bool window_full(const struct vha_governor *g)
{
	return g->rate.packets >= WINDOW;
}

/* Too few packets come for looks to pay, or too many. */
static bool looks_fail(const struct vha_governor *g)
{
	return g->late || g->bad > g->good + BAD_LOOKS;
}

/* Check whether what gathers would fit, at the rate of woken queues. */
static bool enough_room(const struct vha_governor *g)
{
	return g->woken.packets * g->delay <= g->room / 2 * g->woken.ns;
}

static void after_wakeup(struct vha_governor *g, struct vha_stats *stats)
{
	bool stream = 4 * g->soon >= 3 * g->waits;

	if (!window_full(g))
		return;
	g->woken = g->rate;
	if (++g->windows < g->patience || !stream || !enough_room(g)) {
		begin_window(g);
		return;
	}
	stats->trials++;
	begin_phase(g, VHA_GOVERNOR_TRIAL);
}

static void fail_trial(struct vha_governor *g, struct vha_stats *stats)
{
	stats->trials_failed++;
	g->patience = clamp(2 * g->patience, PATIENCE_MIN, PATIENCE_MAX);
	begin_phase(g, VHA_GOVERNOR_WOKEN);
}

/* Fewer packets come than when they woke the worker: the fewer, the sooner. */
static bool rate_falls(const struct vha_governor *g)
{
	if (g->rate.packets < TRIAL_MIN)
		return false;
	if (g->rate.packets < TRIAL_SOME)
		return !rate_at_least(&g->rate, &g->woken, 1, 4);
	if (!window_full(g))
		return !rate_at_least(&g->rate, &g->woken, 3, 4);
	return !rate_at_least(&g->rate, &g->woken, 49, 50);
}

static void during_trial(struct vha_governor *g, struct vha_stats *stats)
{
	if (looks_fail(g) || rate_falls(g)) {
		fail_trial(g, stats);
	} else if (window_full(g)) {
		g->patience = 1;
		begin_phase(g, VHA_GOVERNOR_MODERATED);
	}
}

/* Traffic that has changed its kind is measured anew. */
static void during_moderation(struct vha_governor *g)
{
	if (looks_fail(g)) {
		begin_phase(g, VHA_GOVERNOR_WOKEN);
	} else if (window_full(g)) {
		if (++g->windows == MODERATED_MAX ||
		    !rate_at_least(&g->rate, &g->woken, 3, 4))
			begin_phase(g, VHA_GOVERNOR_WOKEN);
		else
			begin_window(g);
	}
}

/* Rate a look that found so many packets. */
static void rate_look(struct vha_governor *g, u64 found)
{
	if (found >= LOOK_MIN)
		g->good++;
	else
		g->bad++;
	g->late = found > g->room / 2;
}

/* Account for the packets since the last decision, and return their number. */
static u64 account(struct vha_governor *g, const struct vha_stats *stats)
{
	u64 now = ktime_get_ns(), ns = now - g->last;
	u64 found = stats->packets - g->seen;

	g->last = now;
	g->seen = stats->packets;
	if (ns < PAUSE_NS + g->delay) {
		g->rate.packets += found;
		g->rate.ns += ns;
	}
	g->waits++;
	g->soon += ns < 2 * g->delay;
	return found;
}

/**
 * vha_governor_look_later() - decide how to wait for packets
 * @g: the governor; the caller serializes all calls for it
 * @stats: the queue's counters; none of the packets that came is left
 * @delay: time in ns after which the caller would look for more
 * @room: packets that may gather before any is lost
 *
 * Return: true to look after @delay; false to be woken by the next packet.
 */
bool vha_governor_look_later(struct vha_governor *g, struct vha_stats *stats,
			     u64 delay, unsigned int room)
{
	u64 found;

	if (!g->patience)
		begin(g, stats);
	g->delay = delay;
	g->room = room;
	found = account(g, stats);
	if (g->looking) {
		stats->look_packets += found;
		rate_look(g, found);
	}
	switch (g->phase) {
	case VHA_GOVERNOR_WOKEN:
		after_wakeup(g, stats);
		break;
	case VHA_GOVERNOR_TRIAL:
		during_trial(g, stats);
		break;
	case VHA_GOVERNOR_MODERATED:
		during_moderation(g);
		break;
	}
	/* After a look that found little, nobody knows when more will come. */
	g->looking = g->phase != VHA_GOVERNOR_WOKEN &&
		     (!g->looking || found >= LOOK_MIN);
	stats->looks += g->looking;
	return g->looking;
}
