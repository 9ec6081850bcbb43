/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of a measurement: options, then devices. */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include <stdbool.h>

/**
 * struct command - a program's command line
 * @usage: what -h prints
 * @options: as for getopt(), without -h
 * @parse: take an option, whose argument is in optarg, for @data; or return
 *	   false if it makes no sense
 * @data: for @parse
 */
struct command {
	const char *usage;
	const char *options;
	bool (*parse)(void *data, int opt);
	void *data;
};

/*
 * Read the options. Exit after -h, and where an option is wrong or no device
 * follows.
 * Return: the devices, which end with a null pointer.
 */
char **command_read(const struct command *cmd, int argc, char **argv);

#endif
