// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure how long both directions take at once, with one worker and with one
 * for each. All that is to be moved is there before the rings start.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apart.h"
#include "clock.h"
#include "command.h"
#include "env.h"
#include "guest.h"
#include "sender.h"

#define ENTRIES		32768
/* No tap has a longer queue. */
#define FRAMES		32767
#define FRAME_LEN_MIN	64
#define FRAME_LEN_MAX	4000

struct options {
	size_t size;
	unsigned int rounds;
};

/* What one process measures. */
struct task {
	const struct options *o;
	const char *device;
	bool two;	/* workers */
	unsigned int round;
};

static const char usage[] =
	"vhost_workers [-r ROUNDS] [-s SIZE] DEVICE...\n"
	"Fills rings of 32768 entries and the tap's queue, then starts both rings.\n"
	"Leaves the parameter rxtx_workers at 0.\n"
	"Prints: device, workers, size, round; ns until all frames were sent, and until\n"
	"all were received as well, each divided by their number.\n";

static int set_two_workers(bool two)
{
	FILE *f = fopen("/sys/module/vhost_alt/parameters/rxtx_workers", "w");

	if (!f)
		return -errno;
	fprintf(f, "%d", two);
	return fclose(f) ? -errno : 0;
}

/* Fill the tap's queue. */
static int fill_queue(const struct guest *g, size_t size)
{
	static unsigned char frame[FRAME_LEN_MAX];
	struct virtio_net_hdr hdr = { 0 };
	int fd, err;

	frame_make(frame, size, 0);
	fd = sender_open(g->ifname);
	if (fd < 0)
		return fd;
	err = sender_send(fd, &hdr, frame, size, FRAMES);
	close(fd);
	return err;
}

static int fill_rings(struct guest *g, size_t size)
{
	if (guest_refill(g, FRAMES, g->cfg.slot_size) != FRAMES ||
	    guest_send_frames(g, size, 0, FRAMES) != FRAMES)
		return -ENOSPC;
	return 0;
}

static int prepare(struct guest *g, const struct task *task)
{
	struct guest_cfg cfg = GUEST_CFG(F_MODERN_BASE | F_EVENT_IDX);
	int err;

	cfg.num = ENTRIES;
	cfg.slot_size = task->o->size + HDR_LEN_MAX;
	err = netns_enter() ?: guest_init(g, &cfg) ?: guest_open_tap(g);
	if (err)
		return err;
	/* Nobody else is to get a copy of what is sent. */
	close(g->pkt);
	g->pkt = -1;
	return link_set_qlen(g->ifname, FRAMES) ?:
	       fill_queue(g, task->o->size) ?: guest_open_dev(g) ?:
	       fill_rings(g, task->o->size);
}

/* Sleep until all chains of a ring are used. */
static int wait_for_all(struct vq *vq)
{
	while (vq_count_used(vq) < FRAMES)
		if (!event_wait(vq->call))
			return -ETIMEDOUT;
	return 0;
}

/* Start the rings, and get when each is done. */
static int drain(struct guest *g, __u64 *tx, __u64 *rx)
{
	struct vq *first = &g->vq[TXQ], *last = &g->vq[RXQ];
	__u64 start;
	int err;

	vq_call_at(first, FRAMES - 1);
	vq_call_at(last, FRAMES - 1);
	start = now_ns();
	err = guest_set_backend(g, g->tap) ?: wait_for_all(first);
	*tx = now_ns() - start;
	err = err ?: wait_for_all(last);
	*rx = now_ns() - start;
	return err;
}

static int measure(void *data)
{
	const struct task *task = data;
	static struct guest g;
	__u64 tx = 0, rx = 0;
	int err;

	setenv("DEVICE", task->device, 1);
	err = prepare(&g, task) ?: drain(&g, &tx, &rx);
	if (err)
		fprintf(stderr, "%s: %s\n", task->device, strerror(-err));
	else
		printf("%s\t%d\t%zu\t%u\t%.1f\t%.1f\n", task->device,
		       1 + task->two, task->o->size, task->round,
		       (double)tx / FRAMES, (double)rx / FRAMES);
	return err;
}

/* In-tree, a client has to create workers. */
static bool has_two_workers(const char *device)
{
	return strstr(device, "-alt");
}

static int measure_with(struct task *task, bool two)
{
	int err = has_two_workers(task->device) ? set_two_workers(two) : 0;

	task->two = two;
	err = err ?: run_apart(measure, task);
	if (two)
		set_two_workers(false);
	return err;
}

static int measure_round(struct task *task, char **device)
{
	int err = 0;

	for (; !err && *device; device++) {
		task->device = *device;
		err = measure_with(task, false);
		if (!err && has_two_workers(*device))
			err = measure_with(task, true);
	}
	return err;
}

static bool parse_option(void *data, int opt)
{
	struct options *o = data;

	switch (opt) {
	case 'r':
		o->rounds = strtoul(optarg, NULL, 10);
		return o->rounds;
	case 's':
		o->size = strtoul(optarg, NULL, 10);
		return o->size >= FRAME_LEN_MIN && o->size <= FRAME_LEN_MAX;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	struct options o = { .size = 1500, .rounds = 5 };
	struct task task = { .o = &o };
	const struct command cmd = {
		.usage = usage,
		.options = "r:s:",
		.parse = parse_option,
		.data = &o,
	};
	char **device = command_read(&cmd, argc, argv);
	int err = 0;

	for (; !err && task.round < o.rounds; task.round++)
		err = measure_round(&task, device);
	return !!err;
}
