/* SPDX-License-Identifier: GPL-2.0-only */
/* How long a queue waits in which way, in microseconds. */
#ifndef VHOSTCTL_TIMES_H
#define VHOSTCTL_TIMES_H

#include <libmnl/libmnl.h>
#include <stdbool.h>

#include "netlink.h"
#include "out.h"

/* The last two: of the queue's own, in place of a module parameter. */
struct queue_times {
	bool has_busyloop;
	__u32 busyloop;
	bool has_moderation;
	__u32 moderation;
	bool has_adaptive_poll;
	__u32 adaptive_poll;
};

/* Read an attribute. Others are ignored. */
void times_read(const struct nlattr *attr, struct queue_times *t);
void times_json(struct json_object *to, const struct queue_times *t);

/* Print them as parts of a line. */
void times_print(const struct queue_times *t);

#endif
