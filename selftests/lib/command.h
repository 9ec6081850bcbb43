/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the device's commands share. */
#ifndef VHOST_TEST_COMMAND_H
#define VHOST_TEST_COMMAND_H

#include <linux/vhost.h>

#include "guest.h"

/* Entries in the rings of command_guest_init(). */
#define RING	16

/*
 * A guest with a tap, and a device that has an owner and nothing else yet. 0 or
 * a negative errno; guest_stop() cleans up.
 */
int command_guest_init(struct guest *g);

/* From there to a running guest. */
int command_guest_run(struct guest *g);

/* @size zeroed bytes, up to a page that is not mapped; NULL on failure. */
void *page_end(size_t size);

/* A valid memory table of @n regions, for free(); NULL on failure. */
struct vhost_memory *mem_table(unsigned int n);

#endif
