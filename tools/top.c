// SPDX-License-Identifier: GPL-2.0-only
#include "vhostctl.h"
int cmd_top(const struct options *opt, int argc, char **argv)
{
	return usage_error("not yet");
}
