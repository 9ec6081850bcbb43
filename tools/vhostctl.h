/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands of vhostctl share: options, and how they end. */
#ifndef VHOSTCTL_H
#define VHOSTCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit statuses; README and the man page promise them. */
enum { EXIT_OK, EXIT_USAGE, EXIT_KERNEL };

#define DEVICE_PATH	"/dev/vhost-net-alt"

/**
 * struct options - what was given on the command line
 * @json: JSON instead of text
 * @pretty: JSON with line breaks
 * @stats: counters too
 * @details: everything that is known
 * @oneline: one line for each device
 * @numeric: numbers as they are, not names and not rounded
 * @interval: seconds between two looks
 * @count: after how many looks, or events, to stop; 0: never
 * @last: entries of a ring to show; 0: as many as the kernel likes
 * @sort: the column that decides what comes first; NULL: device
 * @tap: name of a tap; NULL: the kernel chooses
 * @device: the vhost device's file
 * @queues: pairs of queues
 */
struct options {
	bool json, pretty, stats, details, oneline, numeric;
	double interval;
	unsigned int count;
	unsigned int last;
	const char *sort;
	const char *tap;
	const char *device;
	unsigned int queues;
};

/* The commands: arguments without the command's name, terminated by NULL. */
int cmd_show(const struct options *opt, int argc, char **argv);
int cmd_stats(const struct options *opt, int argc, char **argv);
int cmd_top(const struct options *opt, int argc, char **argv);
int cmd_monitor(const struct options *opt, int argc, char **argv);
int cmd_ring(const struct options *opt, int argc, char **argv);
int cmd_metrics(const struct options *opt, int argc, char **argv);
int cmd_probe(const struct options *opt, int argc, char **argv);
int cmd_explain(const struct options *opt, int argc, char **argv);
int cmd_exec(const struct options *opt, int argc, char **argv);
int cmd_reset(const struct options *opt, int argc, char **argv);

/* Says on stderr what is wrong; returns the exit status that belongs to it. */
int __printf(1, 2) usage_error(const char *fmt, ...);
int __printf(1, 2) kernel_error(const char *fmt, ...);

/* Parse a whole number with nothing after it. */
bool parse_u32(const char *text, __u32 *value);

/* Parse a device's number. Return: 0 or an exit status. */
int parse_dev_id(const char *text, __u32 *id);

#endif
