/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands that the test guest takes */
#ifndef VHOSTCTL_TEST_COMMANDS_H
#define VHOSTCTL_TEST_COMMANDS_H

#include "guest.h"

struct guest_command {
	const char *name;
	int (*run)(unsigned int n);
};

/* The guest that the commands are for, and the number of its next frame */
extern struct guest guest;
extern __u32 seq;

#define FRAME_LEN	100

/* Start the guest. */
int guest_begin(const struct guest_cfg *cfg);

/* Answer "ok", then repeat @again until the next command. */
int until_next(int (*again)(void));

/* Commands for what goes wrong; the table ends with a NULL name. */
extern const struct guest_command fault_commands[];

/* Hold process @pid as a debugger does, until stdin ends. */
int trace_process(int pid);

#endif
