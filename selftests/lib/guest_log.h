/* SPDX-License-Identifier: GPL-2.0-only */
/* The dirty log of a guest: see dlog.h for the log itself. */
#ifndef VHOST_TEST_GUEST_LOG_H
#define VHOST_TEST_GUEST_LOG_H

#include "dlog.h"
#include "guest.h"

/*
 * The split layout with pages of its own for each area of a ring, so that the
 * log tells which of them was written.
 */
const struct vq_ops *guest_log_paged_ops(__u64 features);

/* Switch logging on and off, in the order in which QEMU does. */
int guest_log_on(struct guest *g, struct dlog *log);
int guest_log_off(struct guest *g);

/* Switch logging of one used ring on or off. */
int guest_log_used(struct guest *g, struct vq *vq, bool on);

/* Mark all pages that the driver writes, and the device does not. */
void guest_log_mark_driver(struct guest *g, struct dlog *driver);

/* In FIXTURE_SETUP: vhost_net does not log in-order rings as we do. */
#define SETUP_NO_IN_ORDER_LOG(features)					\
	do {								\
		if (!env_is_ours() && (features) & F_IN_ORDER)		\
			SETUP_SKIP("vhost_net differs: logs more, or less"); \
	} while (0)

#endif
