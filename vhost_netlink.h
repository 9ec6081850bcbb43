/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family "vhost_alt": who asks what devices do, and is told
 * when they come and go. uapi/vhost_alt.h documents the protocol.
 */
#ifndef VHOST_ALT_NETLINK_H
#define VHOST_ALT_NETLINK_H

#include "uapi/vhost_alt.h"

struct vhost_dev;
struct vhost_queue;

int vhost_netlink_add(struct vhost_dev *dev);
void vhost_netlink_del(struct vhost_dev *dev);
void vhost_netlink_notify(struct vhost_dev *dev, const struct vhost_queue *q,
			  enum vhost_alt_cmd what);
int vhost_netlink_init(void);
void vhost_netlink_exit(void);

#endif /* VHOST_ALT_NETLINK_H */
