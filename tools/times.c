// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "times.h"

void times_read(const struct nlattr *attr, struct queue_times *t)
{
	switch (mnl_attr_get_type(attr)) {
	case VHOST_ALT_A_BUSYLOOP:
		t->busyloop = nl_u32(attr);
		t->has_busyloop = true;
		break;
	case VHOST_ALT_A_MODERATION:
		t->moderation = nl_u32(attr);
		t->has_moderation = true;
		break;
	case VHOST_ALT_A_ADAPTIVE_POLL:
		t->adaptive_poll = nl_u32(attr);
		t->has_adaptive_poll = true;
		break;
	}
}

void times_json(struct json_object *to, const struct queue_times *t)
{
	if (t->has_busyloop)
		json_u64(to, "busyloop_us", t->busyloop);
	if (t->has_moderation)
		json_u64(to, "moderation_us", t->moderation);
	if (t->has_adaptive_poll)
		json_u64(to, "adaptive_poll_us", t->adaptive_poll);
}

void times_print(const struct queue_times *t)
{
	if (t->has_busyloop)
		printf(" busyloop %u us", t->busyloop);
	if (t->has_moderation)
		printf(" moderation %u us", t->moderation);
	if (t->has_adaptive_poll)
		printf(" adaptive poll %u us", t->adaptive_poll);
}
