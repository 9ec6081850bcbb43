// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure how long frames take: the round trip of bursts, of which each is sent
 * after the answer to the last one, and the way to the guest of frames that are
 * sent at random times.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "apart.h"
#include "clock.h"
#include "command.h"
#include "echo.h"
#include "env.h"
#include "frame.h"
#include "sender.h"
#include "worker.h"

#define MAX_PATTERNS	32
#define FRAME_ROOM	2048
#define SIZE_MIN	64

/**
 * struct pattern - how frames are sent
 * @burst: frames at once
 * @rate: bursts per second on average, or 0: each after the answer to the last
 */
struct pattern {
	unsigned int burst;
	double rate;
};

struct options {
	bool busy;		/* the guest polls */
	unsigned int frames;	/* for each measurement */
	size_t size;
	unsigned int npatterns;
	struct pattern pattern[MAX_PATTERNS];
};

/**
 * struct result - what a pattern took
 * @n: the number of times in @ns
 * @ns: of each burst to the answer, or of each frame to the guest
 * @worker: of all
 */
struct result {
	unsigned int n;
	__u64 *ns;
	struct worker_time worker;
};

/* The host's end of the tap: sends frames, and receives answers. */
struct peer {
	const struct options *o;
	const struct pattern *p;
	struct echo e;
	int to;
	struct virtio_net_hdr hdr;
	unsigned char frame[FRAME_ROOM];
};

static const char usage[] =
	"vhost_latency [-b] [-n FRAMES] [-s SIZE] [-p BURST[:RATE]]... DEVICE...\n"
	"A pattern is bursts of so many frames, each after the answer to the last one,\n"
	"or, with a rate, on average so many bursts per second, at random times.\n"
	"With -b the guest polls, on the first CPU, instead of being interrupted.\n"
	"Prints: device, burst, rate, frames; the time of a burst to its answer, or of a\n"
	"frame to the guest, in us: mean, median, 90th, 99th percentile; ns of the worker\n"
	"per frame; times it was scheduled per frame.\n";

static int wait_answers(struct peer *peer)
{
	unsigned char frame[FRAME_ROOM];
	unsigned int n;

	for (n = 0; n < peer->p->burst; n++)
		if (recv(peer->e.g.pkt, frame, sizeof(frame), 0) < 0)
			return -errno;
	return 0;
}

static int send_burst(struct peer *peer)
{
	return sender_send(peer->to, &peer->hdr, peer->frame, peer->o->size,
			   peer->p->burst);
}

/* Send a burst when the last one has been answered. */
static int ping(struct peer *peer, struct result *r)
{
	unsigned int i, n = peer->o->frames / peer->p->burst;
	struct timeval limit = { .tv_sec = 30 };
	int err = 0, on = 1;
	__u64 start;

	if (fcntl(peer->e.g.pkt, F_SETFL, 0) ||
	    setsockopt(peer->e.g.pkt, SOL_SOCKET, SO_RCVTIMEO, &limit,
		       sizeof(limit)) ||
	    setsockopt(peer->e.g.pkt, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on,
		       sizeof(on)))
		return -errno;
	for (i = 0; !err && i < n; i++) {
		start = now_ns();
		err = send_burst(peer) ?: wait_answers(peer);
		r->ns[r->n++] = now_ns() - start;
	}
	return err;
}

static void sleep_until(__u64 t)
{
	struct timespec ts = { t / NS_PER_S, t % NS_PER_S };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Intervals between events that do not depend on each other. */
static __u64 random_interval(__u64 *seed, double rate)
{
	double x = (rnd_below(seed, 1 << 30) + 1) / (double)(1 << 30);

	return -log(x) / rate * NS_PER_S;
}

/* Send bursts at random times; each frame carries its time. */
static int stream(struct peer *peer, struct result *r)
{
	unsigned int i, n = peer->o->frames / peer->p->burst;
	__u64 next = now_ns(), seed = 1, now;
	int err = 0;

	prctl(PR_SET_TIMERSLACK, 1);
	for (i = 0; !err && i < n; i++) {
		next += random_interval(&seed, peer->p->rate);
		sleep_until(next);
		now = now_ns();
		memcpy(peer->frame + ECHO_STAMP, &now, sizeof(now));
		err = send_burst(peer);
	}
	if (err)
		return err;
	r->n = n * peer->p->burst;
	return echo_wait(&peer->e, r->n, r->ns);
}

static int run(struct peer *peer, struct result *r)
{
	struct worker_time before, after;
	int err;

	frame_make(peer->frame, peer->o->size, 1);
	/* For another station: the host's stack drops the answers early. */
	peer->frame[0] = 0x02;
	peer->to = sender_open(peer->e.g.ifname);
	if (peer->to < 0)
		return peer->to;
	err = worker_time_get(&before);
	err = err ?: peer->p->rate ? stream(peer, r) : ping(peer, r);
	err = err ?: worker_time_get(&after);
	r->worker.ns = after.ns - before.ns;
	r->worker.slices = after.slices - before.slices;
	close(peer->to);
	return err;
}

static int compare_ns(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

static double mean_us(const struct result *r)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; i < r->n; i++)
		sum += r->ns[i];
	return sum / r->n / 1000;
}

static double percentile_us(const struct result *r, double p)
{
	return r->ns[(unsigned int)(p * (r->n - 1))] / 1000.0;
}

static void print_result(const char *device, const struct peer *peer,
			 const struct result *r)
{
	double frames = peer->o->frames / peer->p->burst * peer->p->burst;

	qsort(r->ns, r->n, sizeof(*r->ns), compare_ns);
	printf("%s\t%u\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%.3f\n",
	       device, peer->p->burst, peer->p->rate, frames, mean_us(r),
	       percentile_us(r, 0.5), percentile_us(r, 0.9),
	       percentile_us(r, 0.99), r->worker.ns / frames,
	       r->worker.slices / frames);
}

/* What one process measures. */
struct task {
	const char *device;
	const struct options *o;
	const struct pattern *p;
};

static int measure(void *data)
{
	const struct task *task = data;
	static struct peer peer;
	struct result r = { 0 };
	int err;

	peer.o = task->o;
	peer.p = task->p;
	setenv("DEVICE", task->device, 1);
	r.ns = calloc(task->o->frames, sizeof(*r.ns));
	if (!r.ns)
		return -ENOMEM;
	peer.e.back = !task->p->rate;
	peer.e.busy = task->o->busy;
	peer.e.max = task->o->frames;
	err = echo_start(&peer.e);
	if (!err)
		err = run(&peer, &r);
	err = echo_stop(&peer.e) ?: err;
	if (err)
		fprintf(stderr, "%s, %u frames, %.0f per second: %s\n",
			task->device, task->p->burst, task->p->rate,
			strerror(-err));
	else
		print_result(task->device, &peer, &r);
	free(r.ns);
	return err;
}

static int measure_all(const struct options *o, char **device)
{
	struct task task = { .o = o };
	unsigned int i, d;
	int err = 0;

	for (i = 0; !err && i < o->npatterns; i++)
		for (d = 0; !err && device[d]; d++) {
			task.device = device[d];
			task.p = &o->pattern[i];
			err = run_apart(measure, &task);
		}
	return err;
}

static bool parse_pattern(struct options *o, const char *text)
{
	struct pattern *p = &o->pattern[o->npatterns];
	char *end;

	if (o->npatterns == MAX_PATTERNS)
		return false;
	p->burst = strtoul(text, &end, 10);
	p->rate = *end == ':' ? strtod(end + 1, &end) : 0;
	o->npatterns++;
	return !*end && p->burst && p->burst <= SENDER_BURST && p->rate >= 0;
}

static bool parse_option(void *data, int opt)
{
	struct options *o = data;

	switch (opt) {
	case 'b':
		o->busy = true;
		return true;
	case 'n':
		o->frames = strtoul(optarg, NULL, 10);
		return o->frames >= SENDER_BURST;
	case 's':
		o->size = strtoul(optarg, NULL, 10);
		return o->size >= SIZE_MIN && o->size <= 1500;
	case 'p':
		return parse_pattern(o, optarg);
	default:
		return false;
	}
}

/* The usual patterns, where none were chosen. */
static void fill_options(struct options *o)
{
	static const char *const usual[] = {
		"1", "2", "4", "8", "16", "64", "1:1000", "1:10000", "1:50000",
		"4:20000", "16:5000",
	};
	unsigned int i;

	if (o->npatterns)
		return;
	for (i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		parse_pattern(o, usual[i]);
}

int main(int argc, char **argv)
{
	struct options o = { .frames = 10000, .size = SIZE_MIN };
	const struct command cmd = {
		.usage = usage,
		.options = "bn:s:p:",
		.parse = parse_option,
		.data = &o,
	};
	char **device = command_read(&cmd, argc, argv);

	fill_options(&o);
	return !!measure_all(&o, device);
}
