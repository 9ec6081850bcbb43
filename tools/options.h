/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of all commands */
#ifndef VHOSTCTL_OPTIONS_H
#define VHOSTCTL_OPTIONS_H

#include <getopt.h>

#include "vhostctl.h"

#define MAX_OPTIONS	32

/* Options are identified by a letter, even those that have only a long name. */

/* Fill in the tables for getopt_long(). */
void options_getopt(char letters[3 * MAX_OPTIONS],
		    struct option longs[MAX_OPTIONS]);

/* Set an option that getopt_long() has found. Return: 0 or an exit status. */
int options_set(struct options *opt, int letter, const char *value);

/*
 * Print an error in getopt's words. @c: '?' or ':', as it returned; @hint: what
 * to do about an unknown option. Return: an exit status.
 */
int options_error(int c, char **argv, const char *hint);

/* Print the options among @letters; NULL: all. */
void options_help(const char *letters);

/* Return: the first of the options @given that is not among @letters. */
const char *options_excess(const char *given, const char *letters);

#endif
