// SPDX-License-Identifier: GPL-2.0-only
#include "command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static void refuse(const struct command *cmd)
{
	fputs(cmd->usage, stderr);
	exit(EXIT_FAILURE);
}

char **command_read(const struct command *cmd, int argc, char **argv)
{
	char options[64];
	int opt;

	snprintf(options, sizeof(options), "%sh", cmd->options);
	while ((opt = getopt(argc, argv, options)) != -1) {
		if (opt == 'h') {
			fputs(cmd->usage, stdout);
			exit(EXIT_SUCCESS);
		}
		if (!cmd->parse(cmd->data, opt))
			refuse(cmd);
	}
	if (optind == argc)
		refuse(cmd);
	return argv + optind;
}
