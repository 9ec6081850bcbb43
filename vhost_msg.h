/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages between the device IOTLB and the owner: reading the device's file
 * yields addresses that could not be translated, writing to it adds entries.
 */
#ifndef VHOST_ALT_MSG_H
#define VHOST_ALT_MSG_H

#include <linux/poll.h>
#include <linux/uio.h>

struct vha_dev;

ssize_t vha_msg_read(struct vha_dev *dev, struct iov_iter *to, bool nonblock);
ssize_t vha_msg_write(struct vha_dev *dev, struct iov_iter *from);
__poll_t vha_msg_poll(struct vha_dev *dev, struct file *file, poll_table *wait);

#endif /* VHOST_ALT_MSG_H */
