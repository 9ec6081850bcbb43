// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure vhost-net devices side by side: in each round, each device moves the
 * same frames, in each direction and size. Prints a line for each measurement.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apart.h"
#include "card.h"
#include "command.h"
#include "env.h"
#include "worker.h"

#define MAX_SIZES	16
#define WARM_UP_MS	20

struct options {
	unsigned int rounds;
	unsigned int packets;	/* for each measurement, of small frames */
	unsigned int num;
	bool indirect;
	bool packed;
	unsigned int regions;
	bool ipv4;
	bool segments;
	unsigned int nsizes;
	size_t size[MAX_SIZES];
	bool flow[FLOWS];
};

static const char *const flow_name[FLOWS] = {
	[FLOW_TX] = "tx", [FLOW_RX] = "rx", [FLOW_RX_LATE] = "rx-late",
};

static const char usage[] =
	"vhost_bench [-r ROUNDS] [-p PACKETS] [-n RING] [-i] [-l split|packed] [-4] [-g]\n"
	"            [-m MEMORY-REGIONS] [-d tx|rx|rx-late]... [-s SIZE]... DEVICE...\n"
	"-i: frames of several pieces have indirect tables. -4: IPv4 packets, of UDP.\n"
	"-g: frames above 1514 bytes are TCP segments, which the host may cut; else only\n"
	"those above 9014 are.\n"
	"Prints: device, flow, size, round, packets, ns of the worker, ns per packet by\n"
	"the clock (median of the bursts), kicks, calls, times the worker was scheduled.\n";

/*
 * The first packets find cold caches and unmapped pages, and the scheduler's
 * clock needs some ticks after a sleep.
 */
static int warm_up(struct card *c)
{
	__u64 ns, end = env_now_ms() + WARM_UP_MS;
	unsigned int n, enough = 2 * c->nbufs;
	int got;

	for (n = 0; n < enough || env_now_ms() < end; n += got) {
		got = card_move(c, c->nbufs, &ns);
		if (got < 0)
			return got;
	}
	c->kicks = 0;
	c->calls = 0;
	return 0;
}

static int compare_ns(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The median leaves out times at which the machine did something else. */
static double median(double *sample, unsigned int n)
{
	qsort(sample, n, sizeof(*sample), compare_ns);
	return n ? sample[n / 2] : 0;
}

/*
 * The mean without the bursts that took noticeably less than the median: in
 * some, the scheduler's clock stands still for a while. It never runs ahead.
 */
static double mean_of_whole(double *sample, unsigned int n)
{
	double least = 0.98 * median(sample, n), sum = 0;
	unsigned int i, whole = 0;

	for (i = 0; i < n; i++) {
		if (sample[i] < least)
			continue;
		sum += sample[i];
		whole++;
	}
	return whole ? sum / whole : 0;
}

/**
 * struct bursts - what moving packets took, in ns per packet
 * @wall: by the clock, for each burst
 * @worker: of the worker's time
 * @n: the number of bursts
 */
struct bursts {
	double *wall;
	double *worker;
	unsigned int n;
};

static int move_burst(struct card *c, unsigned int packets, struct bursts *b,
		      struct worker_time *t)
{
	struct worker_time before = *t;
	int got, err;
	__u64 ns;

	got = card_move(c, packets, &ns);
	if (got < 0)
		return got;
	err = worker_time_get(t);
	if (err)
		return err;
	b->wall[b->n] = (double)ns / got;
	b->worker[b->n++] = (double)(t->ns - before.ns) / got;
	return got;
}

/* Set @t to the worker's time and runs. */
static int move_all(struct card *c, unsigned int packets, struct bursts *b,
		    struct worker_time *t)
{
	struct worker_time now;
	unsigned int n;
	__u64 slices;
	int got;

	got = worker_time_get(&now);
	slices = now.slices;
	for (n = 0; got >= 0 && n < packets; n += got) {
		got = move_burst(c, packets - n, b, &now);
		if (got < 0)
			return got;
	}
	t->ns = mean_of_whole(b->worker, b->n) * packets;
	t->slices = now.slices - slices;
	return got < 0 ? got : 0;
}

static int run(struct card *c, unsigned int packets, struct worker_time *t,
	       double *wall)
{
	struct bursts b = {
		.wall = calloc(packets, sizeof(*b.wall)),
		.worker = calloc(packets, sizeof(*b.worker)),
	};
	int err = b.wall && b.worker ? 0 : -ENOMEM;

	err = err ?: warm_up(c);
	if (!err && c->cfg.flow == FLOW_RX_LATE)
		err = worker_make_late();
	if (!err)
		err = move_all(c, packets, &b, t);
	if (!err)
		*wall = median(b.wall, b.n);
	free(b.wall);
	free(b.worker);
	return err;
}

/* What one process measures. */
struct task {
	const char *device;
	const struct card_cfg *cfg;
	unsigned int round;
	unsigned int packets;
};

static int measure(void *data)
{
	const struct task *task = data;
	const struct card_cfg *cfg = task->cfg;
	static struct card c;
	struct worker_time t;
	double wall;
	int err;

	setenv("DEVICE", task->device, 1);
	err = card_start(&c, cfg);
	if (!err)
		err = run(&c, task->packets, &t, &wall);
	card_stop(&c);
	if (err) {
		fprintf(stderr, "%s %s %zu: %s\n", task->device,
			flow_name[cfg->flow], cfg->size, strerror(-err));
		return err;
	}
	printf("%s\t%s\t%zu\t%u\t%u\t%llu\t%.1f\t%llu\t%llu\t%llu\n",
	       task->device, flow_name[cfg->flow], cfg->size, task->round,
	       task->packets, t.ns, wall, c.kicks, c.calls, t.slices);
	return 0;
}

/* Large frames take longer, so fewer of them are enough. */
static unsigned int packets_of(const struct options *o, size_t size)
{
	unsigned int n = o->packets / (1 + size / 2000);

	return n > CARD_BURST ? n / CARD_BURST * CARD_BURST : CARD_BURST;
}

/* Each round begins with another device. */
static int measure_devices(const struct options *o, struct card_cfg *cfg,
			   unsigned int round, char **device)
{
	struct task task = {
		.cfg = cfg,
		.round = round,
		.packets = packets_of(o, cfg->size),
	};
	unsigned int i, n = 0;
	int err = 0;

	while (device[n])
		n++;
	for (i = 0; !err && i < n; i++) {
		task.device = device[(i + round) % n];
		err = run_apart(measure, &task);
	}
	return err;
}

static int measure_all(const struct options *o, char **device)
{
	struct card_cfg cfg = {
		.num = o->num,
		.indirect = o->indirect,
		.packed = o->packed,
		.regions = o->regions,
		.ipv4 = o->ipv4,
		.segments = o->segments,
	};
	unsigned int round, i;
	int err = 0;

	for (round = 0; !err && round < o->rounds; round++)
		for (i = 0; !err && i < FLOWS * o->nsizes; i++) {
			cfg.flow = i / o->nsizes;
			cfg.size = o->size[i % o->nsizes];
			if (o->flow[cfg.flow])
				err = measure_devices(o, &cfg, round, device);
		}
	return err;
}

static bool parse_size(struct options *o, const char *text)
{
	char *end;
	size_t size = strtoul(text, &end, 10);

	if (*end || size < FRAME_MIN || size > FRAME_MAX - FRAME_MIN ||
	    o->nsizes == MAX_SIZES)
		return false;
	o->size[o->nsizes++] = size;
	return true;
}

static bool parse_flow(struct options *o, const char *text)
{
	int flow;

	for (flow = 0; flow < FLOWS; flow++)
		if (!strcmp(text, flow_name[flow]))
			return (o->flow[flow] = true);
	return false;
}

/* All flows, and the usual sizes, where none were chosen. */
static void fill_options(struct options *o)
{
	static const size_t sizes[] = { 64, 1500, 9000, 60000 };
	int flow;

	for (flow = 0; flow < FLOWS; flow++)
		if (o->flow[flow])
			break;
	if (flow == FLOWS)
		memset(o->flow, true, sizeof(o->flow));
	if (o->nsizes)
		return;
	memcpy(o->size, sizes, sizeof(sizes));
	o->nsizes = sizeof(sizes) / sizeof(*sizes);
}

static bool parse_option(void *data, int opt)
{
	struct options *o = data;

	switch (opt) {
	case 'r':
		return (o->rounds = strtoul(optarg, NULL, 10));
	case 'p':
		return (o->packets = strtoul(optarg, NULL, 10));
	case 'n':
		return (o->num = strtoul(optarg, NULL, 10));
	case 'i':
		return (o->indirect = true);
	case 'l':
		o->packed = !strcmp(optarg, "packed");
		return o->packed || !strcmp(optarg, "split");
	case '4':
		return (o->ipv4 = true);
	case 'g':
		return (o->segments = true);
	case 'm':
		return (o->regions = strtoul(optarg, NULL, 10));
	case 's':
		return parse_size(o, optarg);
	case 'd':
		return parse_flow(o, optarg);
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	struct options o = {
		.rounds = 6,
		.packets = 20000,
		.num = 1024,
	};
	const struct command cmd = {
		.usage = usage,
		.options = "r:p:n:il:m:s:d:4g",
		.parse = parse_option,
		.data = &o,
	};
	char **device = command_read(&cmd, argc, argv);

	fill_options(&o);
	return !!measure_all(&o, device);
}
