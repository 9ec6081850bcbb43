/* SPDX-License-Identifier: GPL-2.0-only */
/* The state of queues in a word */
#ifndef VHOSTCTL_STATE_H
#define VHOSTCTL_STATE_H

#include "device.h"
#include "out.h"

/*
 * Return: the worst state among @n queues; "half" if only some of them run.
 * @paint is set to its colour.
 */
const char *state_of(const struct queue *queue, unsigned int n,
		     enum colour *paint);

#endif
