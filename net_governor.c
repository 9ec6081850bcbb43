// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a queue waits for more to do. It is woken, at first, and there are two
 * other ways.
 *
 * A receive queue can let packets gather, and look for them after a while. If
 * each packet of a stream wakes the worker, that costs more than the packets.
 * But a sender that waits for the guest's answer to its last packets is slowed
 * down for nothing.
 *
 * A worker that goes to sleep and is woken takes time to do so, and the same
 * holds for a guest that has to kick. Where each packet answers the previous
 * one, most of the time may be spent on that. A queue that polls instead
 * answers sooner, but takes all of its CPU's time.
 *
 * Packets do not tell which kind of traffic they belong to, so the governor
 * tries, and compares. If senders wait, fewer packets come per second when they
 * are looked for, and more if the queue polls. Looks must not lower the packet
 * rate, and polls must raise it.
 *
 * A window ends after a number of packets. In the first one the queue is woken.
 * The next one, the trial, is spent in another way. If that is successful, the
 * queue continues that way for a number of windows. Each trial that fails
 * doubles the time until the next one of its way, so that trials cost little.
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
/* How many more looks or polls may be bad than good. */
#define BAD_MAX		4
/* A sleep of up to so many polls may be mostly the delay of the wake-up. */
#define NEAR_POLLS	4
/* Windows until the next trial, after the first failed one and at most. */
#define PATIENCE_MIN	4
#define PATIENCE_MAX	1024
/* Windows after a trial before the rates are compared again. */
#define KEPT_MAX	64

/* Check whether the packet rate is at least @num/@den of that of wake-ups. */
static bool rate_at_least(const struct vha_governor *g, unsigned int num,
			  unsigned int den)
{
	const struct vha_packet_rate *a = &g->rate, *b = &g->woken;

	return a->packets * b->ns * den >= b->packets * a->ns * num;
}

static void begin_window(struct vha_governor *g)
{
	g->rate = (struct vha_packet_rate){};
	g->waits = 0;
	g->soon = 0;
	g->near = 0;
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
	g->last = ktime_get_ns();
	g->seen = stats->packets;
}

static bool window_full(const struct vha_governor *g)
{
	return g->rate.packets >= WINDOW;
}

/* Looks find too few packets to pay, or too many; or polls find none. */
static bool finds_little(const struct vha_governor *g)
{
	return g->late || g->bad > g->good + BAD_MAX;
}

/* ---- the queue is woken ---- */

/* Check whether what gathers would fit, at the rate of woken queues. */
static bool enough_room(const struct vha_governor *g)
{
	return g->woken.packets * g->limits.look <=
	       g->limits.room / 2 * g->woken.ns;
}

static bool worth_trying(const struct vha_governor *g, enum vha_wait way)
{
	if (g->left[way])
		return false;
	if (way == VHA_WAIT_POLL)
		return g->limits.poll && 4 * g->near >= 3 * g->waits;
	return g->limits.look && 4 * g->soon >= 3 * g->waits && enough_room(g);
}

static void begin_trial(struct vha_governor *g, struct vha_stats *stats,
			enum vha_wait way)
{
	if (way == VHA_WAIT_POLL)
		stats->poll_trials++;
	else
		stats->trials++;
	g->way = way;
	begin_phase(g, VHA_GOVERNOR_TRIAL);
}

static void after_wakeup(struct vha_governor *g, struct vha_stats *stats)
{
	enum vha_wait way;

	if (!window_full(g))
		return;
	g->woken = g->rate;
	for (way = VHA_WAIT_LOOK; way < VHA_WAITS; way++)
		g->left[way] -= !!g->left[way];
	if (worth_trying(g, VHA_WAIT_POLL))
		begin_trial(g, stats, VHA_WAIT_POLL);
	else if (worth_trying(g, VHA_WAIT_LOOK))
		begin_trial(g, stats, VHA_WAIT_LOOK);
	else
		begin_window(g);
}

/* ---- it waits in another way ---- */

static void fail_trial(struct vha_governor *g, struct vha_stats *stats)
{
	unsigned int *patience = &g->patience[g->way];

	if (g->way == VHA_WAIT_POLL)
		stats->poll_trials_failed++;
	else
		stats->trials_failed++;
	*patience = clamp(2 * *patience, PATIENCE_MIN, PATIENCE_MAX);
	g->left[g->way] = *patience;
	begin_phase(g, VHA_GOVERNOR_WOKEN);
}

/*
 * Compare the rate with that of wake-ups: looks must not lower it, and polls
 * have to raise it by a fifth. The clearer the failure, the sooner it shows.
 */
static bool rate_fails(const struct vha_governor *g)
{
	if (g->rate.packets < TRIAL_MIN)
		return false;
	if (g->rate.packets < TRIAL_SOME)
		return !rate_at_least(g, 1, 4);
	if (g->way == VHA_WAIT_POLL)
		return !rate_at_least(g, 6, 5);
	if (!window_full(g))
		return !rate_at_least(g, 3, 4);
	return !rate_at_least(g, 49, 50);
}

static void during_trial(struct vha_governor *g, struct vha_stats *stats)
{
	if (finds_little(g) || rate_fails(g)) {
		fail_trial(g, stats);
	} else if (window_full(g)) {
		g->patience[g->way] = 0;
		begin_phase(g, VHA_GOVERNOR_KEPT);
	}
}

/* Traffic that has changed its kind is measured anew. */
static bool has_changed(const struct vha_governor *g)
{
	return g->way == VHA_WAIT_POLL ? !rate_at_least(g, 11, 10) :
					 !rate_at_least(g, 3, 4);
}

static void after_trial(struct vha_governor *g)
{
	if (finds_little(g)) {
		begin_phase(g, VHA_GOVERNOR_WOKEN);
	} else if (window_full(g)) {
		if (++g->windows == KEPT_MAX || has_changed(g))
			begin_phase(g, VHA_GOVERNOR_WOKEN);
		else
			begin_window(g);
	}
}

/* ---- decisions ---- */

/* Rate the last look or poll, after which @found packets have come. */
static void rate_wait(struct vha_governor *g, struct vha_stats *stats,
		      u64 found)
{
	bool good;

	switch (g->wait) {
	case VHA_WAIT_LOOK:
		stats->look_packets += found;
		good = found >= LOOK_MIN;
		g->late = found > g->limits.room / 2;
		break;
	case VHA_WAIT_POLL:
		good = !g->missed;
		break;
	default:
		return;
	}
	g->good += good;
	g->bad += !good;
}

/* Account for the packets since the last decision, and return their number. */
static u64 account(struct vha_governor *g, const struct vha_stats *stats)
{
	u64 now = ktime_get_ns(), ns = now - g->last;
	u64 found = stats->packets - g->seen;

	g->last = now;
	g->seen = stats->packets;
	if (ns < PAUSE_NS + max(g->limits.look, g->limits.poll)) {
		g->rate.packets += found;
		g->rate.ns += ns;
	}
	g->waits++;
	g->soon += ns < 2 * g->limits.look;
	g->near += ns < NEAR_POLLS * g->limits.poll;
	return found;
}

/* Leave a way of waiting that is no longer allowed. */
static void set_limits(struct vha_governor *g,
		       const struct vha_wait_limits *limits)
{
	g->limits = *limits;
	if (g->phase != VHA_GOVERNOR_WOKEN &&
	    !(g->way == VHA_WAIT_POLL ? limits->poll : limits->look)) {
		g->wait = VHA_WAIT_WAKEUP;
		begin_phase(g, VHA_GOVERNOR_WOKEN);
	}
}

/* The way to wait, now that @found packets have come. */
static enum vha_wait next_wait(const struct vha_governor *g, u64 found)
{
	if (g->phase == VHA_GOVERNOR_WOKEN)
		return VHA_WAIT_WAKEUP;
	/* After a look that found little, it is unknown when more will come. */
	if (g->way == VHA_WAIT_LOOK && g->wait == VHA_WAIT_LOOK &&
	    found < LOOK_MIN)
		return VHA_WAIT_WAKEUP;
	return g->way;
}

/**
 * vha_governor_choose() - choose how to wait for more to do
 * @g: the governor; the caller serializes all calls for it
 * @stats: the queue's counters; none of the packets that came is left
 * @limits: what can be chosen
 *
 * A poll that was interrupted continues until its original end.
 *
 * Return: the way to wait.
 */
enum vha_wait vha_governor_choose(struct vha_governor *g,
				  struct vha_stats *stats,
				  const struct vha_wait_limits *limits)
{
	u64 found;

	if (!g->last)
		begin(g, stats);
	set_limits(g, limits);
	if (vha_governor_polls(g) && stats->packets == g->seen)
		return VHA_WAIT_POLL;
	found = account(g, stats);
	rate_wait(g, stats, found);
	switch (g->phase) {
	case VHA_GOVERNOR_WOKEN:
		after_wakeup(g, stats);
		break;
	case VHA_GOVERNOR_TRIAL:
		during_trial(g, stats);
		break;
	case VHA_GOVERNOR_KEPT:
		after_trial(g);
		break;
	}
	g->wait = next_wait(g, found);
	g->missed = false;
	stats->looks += g->wait == VHA_WAIT_LOOK;
	return g->wait;
}
