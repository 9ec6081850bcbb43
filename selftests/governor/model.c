// SPDX-License-Identifier: GPL-2.0-only
/*
 * Try net_governor.c against kinds of traffic, in a model of a worker that has
 * a CPU of its own. All times are chosen, so each run gives the same result.
 *
 * usage: model [-v]	prints TAP; with -v what each kind of traffic costs
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "net_governor.h"

/* What the worker takes, in ns: to be woken, for each packet, for a timer. */
#define WAKE_NS		3000
#define PACKET_NS	500
#define TIMER_NS	3000

#define ROOM		1000
#define DEFAULT_NS	20000
#define POLL_NS		50000
#define PACKETS		200000

u64 model_now;

/**
 * struct traffic - when packets come
 * @name: what it is called
 * @burst: packets in a burst
 * @gap: ns between the packets of a burst
 * @answer: ns from the delivery of a burst to the next one, in a closed loop
 * @rate: bursts per second at random times, or 0 for a closed loop
 * @on: ns for which a source sends; 0: always
 * @off: ns for which it then pauses
 * @deep: ns that a CPU takes to wake up from sleep, in which it does not run
 * @loaded: others want the CPU, so that no poll lasts
 * @pays: the default delay has to save the worker a quarter of its time
 * @polls: the loop has to take at most so much of its time when the worker may
 *	poll; 0: the worker must not be seen to poll
 * @then: the traffic that follows, or NULL
 */
struct traffic {
	const char *name;
	unsigned int burst;
	u64 gap;
	u64 answer;
	double rate;
	u64 on;
	u64 off;
	u64 deep;
	bool loaded;
	bool pays;
	double polls;
	const struct traffic *then;
};

/**
 * struct worker - the worker, and what it has to do
 * @now: its time
 * @cpu: ns for which it ran
 * @latency: of all packets, in ns
 * @limits: what it may do; all 0: the governor is not asked
 * @deep: see struct traffic
 * @loaded: see struct traffic
 * @wait: how it waits
 * @until: when it looks, or stops polling
 */
struct worker {
	u64 now;
	u64 cpu;
	u64 latency;
	struct vha_wait_limits limits;
	u64 deep;
	bool loaded;
	enum vha_wait wait;
	u64 until;
	struct vha_governor governor;
	struct vha_stats stats;
};

static void run_for(struct worker *w, u64 ns)
{
	w->now += ns;
	w->cpu += ns;
}

static void wait_for_more(struct worker *w)
{
	model_now = w->now;
	w->wait = VHA_WAIT_WAKEUP;
	if (w->limits.look || w->limits.poll)
		w->wait = vha_governor_choose(&w->governor, &w->stats,
					      &w->limits);
	w->until = w->now + (w->wait == VHA_WAIT_LOOK ? w->limits.look :
							w->limits.poll);
}

/* The timer runs out, and the worker has a look. */
static void look(struct worker *w)
{
	w->now = w->until;
	run_for(w, TIMER_NS);
}

/* The worker looks as often as it wants to before a packet comes at @t. */
static void look_until(struct worker *w, u64 t)
{
	while (w->wait == VHA_WAIT_LOOK && w->until < t) {
		look(w);
		wait_for_more(w);
	}
}

/* The worker polls until a packet comes at @t. Return: false if too late. */
static bool poll_until(struct worker *w, u64 t)
{
	if (w->loaded)
		w->until = w->now;
	if (t <= w->until) {
		/* Others interrupt it, and it goes on. */
		vha_governor_choose(&w->governor, &w->stats, &w->limits);
		if (w->now < t)
			run_for(w, t - w->now);
		return true;
	}
	run_for(w, w->until - w->now);
	vha_governor_poll_missed(&w->governor);
	return false;
}

/* A packet comes at @t. It wakes the worker, or is found by a look. */
static void wait_for_worker(struct worker *w, u64 t)
{
	look_until(w, t);
	if (w->wait == VHA_WAIT_LOOK) {
		look(w);
		return;
	}
	if (w->wait == VHA_WAIT_POLL && poll_until(w, t))
		return;
	if (w->now < t)
		w->now = t + w->deep;
	run_for(w, WAKE_NS);
}

static void deliver(struct worker *w, u64 t)
{
	run_for(w, PACKET_NS);
	w->stats.packets++;
	w->latency += w->now - t;
}

/* Deliver packets that come at times @t. Return: when the last one is. */
static u64 deliver_burst(struct worker *w, const u64 *t, unsigned int n)
{
	unsigned int i = 0;

	while (i < n) {
		wait_for_worker(w, t[i]);
		while (i < n && t[i] <= w->now)
			deliver(w, t[i++]);
		wait_for_more(w);
	}
	return w->now;
}

static double random_exp(u64 *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return -log(((*seed >> 33) + 1) / 2147483649.0);
}

/* When the next burst begins, after one that began at @last was delivered. */
static u64 next_burst(const struct traffic *t, u64 last, u64 done, u64 *seed)
{
	u64 next;

	if (!t->rate)
		return done + t->answer;
	next = last + random_exp(seed) / t->rate * 1e9;
	if (t->on && next % (t->on + t->off) >= t->on)
		next += t->on + t->off - next % (t->on + t->off);
	return next;
}

/* Send all packets. */
static void send_all(struct worker *w, const struct traffic *t)
{
	u64 start = w->now, done = start, seed = 1, *at;
	u64 end = w->stats.packets + PACKETS;
	unsigned int i, n = 0, per = t->rate ? PACKETS : t->burst;

	at = calloc(PACKETS + t->burst, sizeof(*at));
	while (w->stats.packets < end) {
		for (n = 0; n < per; n += t->burst) {
			start = next_burst(t, start, done, &seed);
			for (i = 0; i < t->burst; i++)
				at[n + i] = start + i * t->gap;
		}
		done = deliver_burst(w, at, n);
	}
	free(at);
}

struct cost {
	double ns;	/* per packet, all in all */
	double cpu;
	double latency;
	struct vha_stats stats;
};

static struct cost measure(const struct traffic *t,
			   const struct vha_wait_limits *limits)
{
	struct worker w = { .now = 1000000, .limits = *limits };
	u64 start = w.now;

	for (; t; t = t->then) {
		w.deep = t->deep;
		w.loaded = t->loaded;
		send_all(&w, t);
	}
	return (struct cost){
		.ns = (double)(w.now - start) / w.stats.packets,
		.cpu = (double)w.cpu / w.stats.packets,
		.latency = (double)w.latency / w.stats.packets,
		.stats = w.stats,
	};
}

static const struct traffic answers = {
	.burst = 8,
	.gap = 300,
	.answer = 5000,
};

static const struct traffic traffic[] = {
	{
		.name = "ping-pong, an answer in 1 us",
		.burst = 1,
		.answer = 1000,
		.polls = 0.4,
	},
	{
		.name = "ping-pong, an answer in 10 us",
		.burst = 1,
		.answer = 10000,
		.polls = 0.8,
	},
	{
		.name = "ping-pong, an answer in 50 us",
		.burst = 1,
		.answer = 50000,
	},
	{
		.name = "ping-pong, an answer in 40 us, a CPU that sleeps deeply",
		.burst = 1,
		.answer = 40000,
		.deep = 30000,
		.polls = 0.6,
	},
	{
		.name = "ping-pong, an answer in 60 us, a CPU that sleeps deeply",
		.burst = 1,
		.answer = 60000,
		.deep = 30000,
	},
	{
		.name = "ping-pong, an answer in 10 us, others want the CPU",
		.burst = 1,
		.answer = 10000,
		.loaded = true,
	},
	{
		.name = "bursts of 2, an answer in 5 us",
		.burst = 2,
		.gap = 300,
		.answer = 5000,
		.polls = 0.7,
	},
	{
		.name = "bursts of 3, an answer in 5 us",
		.burst = 3,
		.gap = 300,
		.answer = 5000,
		.polls = 0.7,
	},
	{
		.name = "bursts of 4, an answer in 1 us",
		.burst = 4,
		.gap = 300,
		.answer = 1000,
		.polls = 0.55,
	},
	{
		.name = "bursts of 4, an answer in 5 us",
		.burst = 4,
		.gap = 300,
		.answer = 5000,
		.polls = 0.75,
	},
	{
		.name = "bursts of 4, an answer in 20 us",
		.burst = 4,
		.gap = 300,
		.answer = 20000,
	},
	{
		.name = "bursts of 4 over 12 us, an answer in 5 us",
		.burst = 4,
		.gap = 4000,
		.answer = 5000,
	},
	{
		.name = "bursts of 8, an answer in 5 us",
		.burst = 8,
		.gap = 300,
		.answer = 5000,
		.polls = 0.8,
	},
	{
		.name = "bursts of 8 over 28 us, an answer in 5 us",
		.burst = 8,
		.gap = 4000,
		.answer = 5000,
	},
	{
		.name = "bursts of 16, an answer in 5 us",
		.burst = 16,
		.gap = 300,
		.answer = 5000,
		.polls = 0.85,
	},
	{
		.name = "bursts of 16 over 60 us, an answer in 10 us",
		.burst = 16,
		.gap = 4000,
		.answer = 10000,
	},
	{
		.name = "bursts of 64, an answer in 5 us",
		.burst = 64,
		.gap = 300,
		.answer = 5000,
	},
	{
		.name = "bursts of 64 over 250 us, an answer in 10 us",
		.burst = 64,
		.gap = 4000,
		.answer = 10000,
	},
	{
		.name = "bursts of 64 over 250 us, an answer in 200 us",
		.burst = 64,
		.gap = 4000,
		.answer = 200000,
	},
	{
		.name = "100 packets per second",
		.burst = 1,
		.rate = 100,
	},
	{
		.name = "1000 packets per second",
		.burst = 1,
		.rate = 1000,
	},
	{
		.name = "10000 packets per second",
		.burst = 1,
		.rate = 10000,
	},
	{
		.name = "50000 packets per second",
		.burst = 1,
		.rate = 50000,
	},
	{
		.name = "100000 packets per second",
		.burst = 1,
		.rate = 100000,
	},
	{
		.name = "150000 packets per second",
		.burst = 1,
		.rate = 150000,
		.pays = true,
	},
	{
		.name = "200000 packets per second",
		.burst = 1,
		.rate = 200000,
		.pays = true,
	},
	{
		.name = "300000 packets per second",
		.burst = 1,
		.rate = 300000,
		.pays = true,
	},
	{
		.name = "500000 packets per second",
		.burst = 1,
		.rate = 500000,
		.pays = true,
	},
	{
		.name = "200000 per second, on for 1 ms, off for 10 ms",
		.burst = 1,
		.rate = 200000,
		.on = 1000000,
		.off = 10000000,
	},
	{
		.name = "100000 per second, on for 10 ms, off for 10 ms",
		.burst = 1,
		.rate = 100000,
		.on = 10000000,
		.off = 10000000,
	},
	{
		.name = "300000 packets per second, then bursts of 8",
		.burst = 1,
		.rate = 300000,
		.then = &answers,
	},
	{
		.name = "bursts of 16 at 10000 per second",
		.burst = 16,
		.gap = 4000,
		.rate = 10000,
		.pays = true,
	},
};

static void print_costs(const struct traffic *t,
			const struct vha_wait_limits *limits,
			const struct cost *off, const struct cost *on)
{
	printf("# %s, look %llu us, poll %llu us: time %.3f, worker %.3f, ",
	       t->name, limits->look / 1000, limits->poll / 1000,
	       on->ns / off->ns, on->cpu / off->cpu);
	printf("latency %.2f -> %.2f us, %llu looks, trials %llu - %llu, ",
	       off->latency / 1000, on->latency / 1000, on->stats.looks,
	       on->stats.trials, on->stats.trials_failed);
	printf("of polls %llu - %llu\n", on->stats.poll_trials,
	       on->stats.poll_trials_failed);
}

/*
 * No worker may take much longer, unless it polls and that pays. A closed loop
 * shows by its time what latency costs it; other packets gather for half the
 * delay on average.
 */
static bool judge(const struct traffic *t, const struct vha_wait_limits *limits,
		  bool verbose)
{
	static const struct vha_wait_limits none;
	struct cost off = measure(t, &none), on = measure(t, limits);
	bool pays = t->pays && limits->look == DEFAULT_NS;
	bool polls = t->polls && limits->poll;
	bool ok = true;

	if (!polls)
		ok = on.cpu <= (pays ? 0.75 : t->then ? 1.1 : 1.05) * off.cpu;
	if (t->rate)
		ok = ok && on.latency <= off.latency + 0.6 * limits->look;
	else
		ok = ok && on.ns <= (polls ? t->polls : 1.02) * off.ns;
	if (verbose || !ok)
		print_costs(t, limits, &off, &on);
	return ok;
}

static bool judge_all_limits(const struct traffic *t, bool verbose)
{
	static const struct vha_wait_limits limits[] = {
		{ .look = DEFAULT_NS, .poll = POLL_NS, .room = ROOM },
		{ .look = DEFAULT_NS, .room = ROOM },
		{ .look = 100000, .room = ROOM },
		{ .poll = POLL_NS },
	};
	bool ok = true;
	unsigned int i;

	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		ok &= judge(t, &limits[i], verbose);
	printf("%sok %td %s\n", ok ? "" : "not ", t - traffic + 1, t->name);
	return ok;
}

int main(int argc, char **argv)
{
	unsigned int i, n = sizeof(traffic) / sizeof(*traffic), passed = 0;
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");

	printf("TAP version 13\n");
	for (i = 0; i < n; i++)
		passed += judge_all_limits(&traffic[i], verbose);
	printf("1..%u\n%u passed, %u failed, 0 skipped\n", n, passed,
	       n - passed);
	return passed != n;
}
