/* SPDX-License-Identifier: GPL-2.0-only */
/* Options, exit statuses and helpers shared by all commands */
#ifndef VHOSTCTL_H
#define VHOSTCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit statuses, documented in the man page */
enum { EXIT_OK, EXIT_USAGE, EXIT_KERNEL, EXIT_FINDINGS };

#define DEVICE_PATH	"/dev/vhost-net-alt"

/**
 * struct options - options given on the command line
 * @json: JSON instead of text
 * @pretty: JSON with line breaks
 * @stats: include counters
 * @details: include features, indices and addresses
 * @oneline: one line per device
 * @numeric: exact numbers, and numbers instead of names
 * @openmetrics: OpenMetrics text instead of the format of Prometheus
 * @exit_code: findings have an exit status of their own
 * @timestamp: print the time before each sample or event
 * @version, @help: print these, and do nothing else
 * @interval: seconds between samples
 * @count: number of samples or events; 0: unlimited
 * @last: number of ring entries to print; 0: the kernel's default
 * @sort: initial sort column; NULL: by device
 * @tap: name of the tap; NULL: chosen by the kernel
 * @bridge: the bridge that gets the tap; NULL: none
 * @mac: the guest's address; NULL: a random one
 * @poll_us: microseconds of busy polling
 * @packed: offer packed rings to the guest
 * @dry_run: print the command line instead of executing it
 * @device: path of the vhost device
 * @queues: number of queue pairs
 */
struct options {
	bool json, pretty, stats, details, oneline, numeric, openmetrics;
	bool exit_code, timestamp, version, help;
	double interval;
	unsigned int count;
	unsigned int last;
	const char *sort;
	const char *tap, *bridge, *mac;
	unsigned int poll_us;
	bool packed, dry_run;
	const char *device;
	unsigned int queues;
};

/* Commands. @argv: arguments after the command's name, NULL-terminated. */
int cmd_show(const struct options *opt, int argc, char **argv);
int cmd_stats(const struct options *opt, int argc, char **argv);
int cmd_top(const struct options *opt, int argc, char **argv);
int cmd_monitor(const struct options *opt, int argc, char **argv);
int cmd_ring(const struct options *opt, int argc, char **argv);
int cmd_metrics(const struct options *opt, int argc, char **argv);
int cmd_probe(const struct options *opt, int argc, char **argv);
int cmd_explain(const struct options *opt, int argc, char **argv);
int cmd_exec(const struct options *opt, int argc, char **argv);
int cmd_takeover(const struct options *opt, int argc, char **argv);
int cmd_workers(const struct options *opt, int argc, char **argv);
int cmd_reset(const struct options *opt, int argc, char **argv);
int cmd_set(const struct options *opt, int argc, char **argv);

/* Print an error message. Return: the exit status that goes with it. */
int __printf(1, 2) usage_error(const char *fmt, ...);
int __printf(1, 2) kernel_error(const char *fmt, ...);

/* Parse a whole number with nothing after it. */
bool parse_u32(const char *text, __u32 *value);

/* Parse an interval. Return: false unless it is one, of a valid length. */
bool parse_seconds(const char *text, double *seconds);

#endif
