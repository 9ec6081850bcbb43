/* SPDX-License-Identifier: GPL-2.0-only */
/* How the queues of a device share workers, at the request of an admin. */
#ifndef VHOST_ALT_SHARING_H
#define VHOST_ALT_SHARING_H

struct vha_dev;

void vha_sharing_init(struct vha_dev *dev,
		      void (*report)(struct vha_dev *dev, int err));
int vha_sharing_request(struct vha_dev *dev, unsigned int workers);
unsigned int vha_sharing_workers(const struct vha_dev *dev);
unsigned int vha_sharing_pending(const struct vha_dev *dev);

#endif /* VHOST_ALT_SHARING_H */
