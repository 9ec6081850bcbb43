/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages between the device IOTLB and the owner: reading the device's file
 * yields addresses that could not be translated, writing to it teaches some.
 */
#ifndef VHOST_ALT_MSG_H
#define VHOST_ALT_MSG_H

#include <linux/poll.h>
#include <linux/uio.h>

struct vhost_dev;
struct vhost_queue;

void vhost_queue_miss(struct vhost_queue *q);
void vhost_queue_clear_miss(struct vhost_queue *q);
void vhost_dev_clear_misses(struct vhost_dev *dev);
ssize_t vhost_dev_read_iter(struct vhost_dev *dev, struct iov_iter *to,
			    bool nonblock);
ssize_t vhost_dev_write_iter(struct vhost_dev *dev, struct iov_iter *from);
__poll_t vhost_dev_poll(struct vhost_dev *dev, struct file *file,
			poll_table *wait);

#endif /* VHOST_ALT_MSG_H */
