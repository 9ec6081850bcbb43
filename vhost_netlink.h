/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family "vhost_alt", which shows what devices do, and when
 * they come and go, and sets how their queues wait and share workers.
 * uapi/vhost_alt.h documents the protocol.
 */
#ifndef VHOST_ALT_NETLINK_H
#define VHOST_ALT_NETLINK_H

#include "uapi/vhost_alt.h"

struct vha_dev;
struct vha_queue;

void vha_netlink_notify(struct vha_dev *dev, struct vha_queue *q,
			enum vhost_alt_cmd what);
void vha_netlink_report_workers(struct vha_dev *dev, int err);
int vha_netlink_init(void);
void vha_netlink_exit(void);

#endif /* VHOST_ALT_NETLINK_H */
