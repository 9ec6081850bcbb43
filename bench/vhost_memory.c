// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure how much of the kernel's memory devices take: when their rings run,
 * and after frames were sent through each.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apart.h"
#include "command.h"
#include "env.h"
#include "frame.h"
#include "guest.h"

#define MAX_DEVICES	1024
#define ENTRIES		1024
/* Frames of the largest size that use all memory that a queue may keep. */
#define FRAMES		64
#define LARGEST		65000

struct options {
	unsigned int devices;
	const char *device;
};

static const char usage[] =
	"vhost_memory [-n DEVICES] DEVICE...\n"
	"Prints: device, number; KiB of kernel memory for each: when it runs, after it\n"
	"sent frames of 1500 bytes, after it sent frames of 65000 bytes.\n";

/* Return: KiB that the kernel uses, but not for processes and files. */
static long kernel_memory(void)
{
	static const char *const not_kernel[] = {
		"MemFree:", "AnonPages:", "Cached:", "Buffers:", "PageTables:",
	};
	char name[64];
	FILE *f = fopen("/proc/meminfo", "r");
	long kib, sum = 0;
	unsigned int i;

	if (!f)
		return -errno;
	while (fscanf(f, "%63s %ld%*[^\n]", name, &kib) == 2) {
		if (!strcmp(name, "MemTotal:"))
			sum += kib;
		for (i = 0; i < sizeof(not_kernel) / sizeof(*not_kernel); i++)
			if (!strcmp(name, not_kernel[i]))
				sum -= kib;
	}
	fclose(f);
	return sum;
}

/* A guest with a tap of its own, which nobody else reads. */
static int add_tap(struct guest *g, unsigned int i)
{
	static char name[MAX_DEVICES][16];
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE | F_EVENT_IDX);
	int err;

	snprintf(name[i], sizeof(name[i]), "tap%u", i);
	cfg.ifname = name[i];
	cfg.num = ENTRIES;
	cfg.slot_size = LARGEST + HDR_LEN_MAX;
	cfg.slots = FRAMES;
	err = guest_init(g, &cfg) ?: guest_open_tap(g);
	if (!err && g->pkt >= 0) {
		close(g->pkt);
		g->pkt = -1;
	}
	return err;
}

static int add_device(struct guest *g)
{
	return guest_open_dev(g) ?: guest_set_backend(g, g->tap);
}

/* Send frames, so many that each piece of memory is used more than once. */
static int send_frames(struct guest *g, size_t len)
{
	__u32 seq = 0;
	int err = 0;

	while (!err && seq < 4 * FRAMES) {
		seq = guest_fill_tx(g, len, seq, 4 * FRAMES);
		err = guest_reap_all(g);
	}
	return err;
}

static int send_all(struct guest *g, unsigned int n, size_t len)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < n; i++)
		err = send_frames(&g[i], len);
	return err;
}

static int measure_guests(struct guest *g, const struct options *o)
{
	unsigned int i, n = o->devices;
	long before, runs, small, large;
	int err = netns_enter();

	for (i = 0; !err && i < n; i++)
		err = add_tap(&g[i], i);
	before = kernel_memory();
	for (i = 0; !err && i < n; i++)
		err = add_device(&g[i]);
	runs = kernel_memory() - before;
	err = err ?: send_all(g, n, 1500);
	small = kernel_memory() - before;
	err = err ?: send_all(g, n, LARGEST);
	large = kernel_memory() - before;
	if (!err)
		printf("%s\t%u\t%.1f\t%.1f\t%.1f\n", o->device, n,
		       (double)runs / n, (double)small / n, (double)large / n);
	return err;
}

static int measure(void *data)
{
	const struct options *o = data;
	struct guest *g = calloc(o->devices, sizeof(*g));
	int err = -ENOMEM;

	setenv("DEVICE", o->device, 1);
	if (g)
		err = measure_guests(g, o);
	if (err)
		fprintf(stderr, "%s: %s\n", o->device, strerror(-err));
	return err;
}

static bool parse_option(void *data, int opt)
{
	struct options *o = data;

	if (opt != 'n')
		return false;
	o->devices = strtoul(optarg, NULL, 10);
	return o->devices && o->devices <= MAX_DEVICES;
}

int main(int argc, char **argv)
{
	struct options o = { .devices = 64 };
	const struct command cmd = {
		.usage = usage,
		.options = "n:",
		.parse = parse_option,
		.data = &o,
	};
	char **device = command_read(&cmd, argc, argv);
	int err = 0;

	for (; !err && *device; device++) {
		o.device = *device;
		err = run_apart(measure, &o);
	}
	return !!err;
}
