// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages about the device IOTLB: reading the device's file yields the misses
 * of its queues, writing to it adds and removes entries.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "trace.h"
#include "vhost_core.h"
#include "vhost_msg.h"

/* Both forms of a message have this size; they differ in where @iotlb is. */
union any_msg {
	struct vhost_msg v1;
	struct vhost_msg_v2 v2;
};

/* ---- misses, from the device ---- */

/*
 * Make the message that reports @miss, in the form that the owner negotiated.
 * The caller has zeroed all of it: padding is copied to userspace as well.
 */
static void make_miss_msg(union any_msg *msg, bool v2,
			  const struct vha_miss *miss)
{
	struct vhost_iotlb_msg *iotlb = v2 ? &msg->v2.iotlb : &msg->v1.iotlb;

	if (v2)
		msg->v2.type = VHOST_IOTLB_MSG_V2;
	else
		msg->v1.type = VHOST_IOTLB_MSG;
	iotlb->type = VHOST_IOTLB_MISS;
	iotlb->iova = miss->iova;
	iotlb->perm = miss->perm;
}

/* Sleep until there is a miss, and take it. */
static struct vha_miss *wait_for_miss(struct vha_dev *dev,
				      struct vha_miss *copy)
{
	struct vha_miss *miss = NULL;
	int err;

	err = wait_event_interruptible(dev->misses.wait,
				       (miss = vha_misses_take(&dev->misses,
							       copy)) ||
				       !READ_ONCE(dev->iotlb));
	if (err)
		return ERR_PTR(err);
	return miss ?: ERR_PTR(-EBADFD);
}

/**
 * vha_msg_read() - read a miss
 * @dev: the device
 * @to: destination
 * @nonblock: do not wait for a miss
 *
 * Needs no owner, and no lock.
 *
 * Return: the size of a message; 0 if there is no room for one; -EAGAIN if
 * there is no miss and the caller does not wait; -EBADFD if there will be none,
 * because there is no device IOTLB; -ERESTARTSYS; -EFAULT.
 */
ssize_t vha_msg_read(struct vha_dev *dev, struct iov_iter *to, bool nonblock)
{
	struct vha_miss *miss, copy;
	union any_msg msg;

	if (iov_iter_count(to) < sizeof(msg))
		return 0;

	miss = vha_misses_take(&dev->misses, &copy);
	if (!miss && nonblock)
		return -EAGAIN;
	if (!miss)
		miss = wait_for_miss(dev, &copy);
	if (IS_ERR(miss))
		return PTR_ERR(miss);

	memset(&msg, 0, sizeof(msg));
	make_miss_msg(&msg, READ_ONCE(dev->backend_features) &
			    BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2), &copy);
	if (copy_to_iter(&msg, sizeof(msg), to) != sizeof(msg)) {
		vha_miss_return(miss);
		return -EFAULT;
	}
	return sizeof(msg);
}

/**
 * vha_msg_poll() - check whether there is a miss to read
 * @dev: the device
 * @file: its file
 * @wait: the caller's table, or NULL
 *
 * Return: the file's events.
 */
__poll_t vha_msg_poll(struct vha_dev *dev, struct file *file, poll_table *wait)
{
	poll_wait(file, &dev->misses.wait, wait);
	return vha_misses_unread(&dev->misses) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* ---- updates, from the owner ---- */

/*
 * Wake the queues that wait for an entry of [start, last], and those for which
 * an entry forbade access to the ring, or led to inaccessible memory.
 */
static void wake_waiting(struct vha_dev *dev, u64 start, u64 last)
{
	struct vha_queue *q;
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++) {
		q = dev->queues[i];
		if (vha_miss_resolve(&q->miss, start, last) ||
		    q->ring.denied || q->faulted)
			vha_queue_wake(q);
	}
}

static void unmap_queues(struct vha_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		vha_ring_unmap(&dev->queues[i]->ring);
}

static int update(struct vha_dev *dev, const struct vhost_iotlb_msg *msg)
{
	u64 last = msg->iova + msg->size - 1;

	if (last < msg->iova || msg->uaddr + msg->size - 1 < msg->uaddr)
		return -EFAULT;
	if (msg->perm & VHOST_ACCESS_RW &&
	    !vha_iotlb_user_range_ok(msg->uaddr, msg->size))
		return -EFAULT;
	if (vha_iotlb_replace(dev->iotlb, msg->iova, last, msg->uaddr,
			      msg->perm))
		return -EFAULT;
	unmap_queues(dev);
	wake_waiting(dev, msg->iova, last);
	return 0;
}

static int invalidate(struct vha_dev *dev, const struct vhost_iotlb_msg *msg)
{
	u64 last = msg->iova + msg->size - 1;

	if (!msg->size)
		return -EFAULT;
	/* Removing too much is safe. */
	if (last < msg->iova)
		last = U64_MAX;
	unmap_queues(dev);
	vha_iotlb_del(dev->iotlb, msg->iova, last);
	return 0;
}

static int execute(struct vha_dev *dev, const struct vhost_iotlb_msg *msg)
{
	if (!dev->iotlb)
		return -EFAULT;
	trace_vhost_alt_iotlb_update(dev->id, msg);
	switch (msg->type) {
	case VHOST_IOTLB_UPDATE:
		return update(dev, msg);
	case VHOST_IOTLB_INVALIDATE:
		return invalidate(dev, msg);
	default:
		return -EFAULT;
	}
}

/*
 * Read the part @msg of a message, after @offset more bytes of @from.
 */
static int get_msg(struct vhost_iotlb_msg *msg, size_t offset,
		   struct iov_iter *from)
{
	/* If the message is too short to be skipped, the copy fails. */
	iov_iter_advance(from, offset);
	if (copy_from_iter(msg, sizeof(*msg), from) != sizeof(*msg))
		return -EINVAL;
	if (msg->type == VHOST_IOTLB_UPDATE && !msg->size)
		return -EINVAL;
	return 0;
}

/**
 * vha_msg_write() - change the device IOTLB
 * @dev: the device
 * @from: a message: VHOST_IOTLB_UPDATE or VHOST_IOTLB_INVALIDATE
 *
 * When this returns, no queue uses an entry that has been removed. Needs no
 * owner.
 *
 * Return: the size of a message; -EINVAL for one that is too short, of unknown
 * form, or an update of size 0; -EFAULT for anything else that is wrong, and
 * without a device IOTLB.
 */
ssize_t vha_msg_write(struct vha_dev *dev, struct iov_iter *from)
{
	struct vhost_iotlb_msg msg;
	size_t offset;
	u32 type;
	int err;

	if (copy_from_iter(&type, sizeof(type), from) != sizeof(type))
		return -EINVAL;
	if (type == VHOST_IOTLB_MSG)
		offset = offsetof(struct vhost_msg, iotlb) - sizeof(type);
	else if (type == VHOST_IOTLB_MSG_V2)
		offset = offsetof(struct vhost_msg_v2, iotlb) - sizeof(type);
	else
		return -EINVAL;
	err = get_msg(&msg, offset, from);
	if (err)
		return err;

	mutex_lock(&dev->mutex);
	vha_dev_lock_queues(dev);
	err = execute(dev, &msg);
	vha_dev_unlock_queues(dev);
	mutex_unlock(&dev->mutex);
	return err ?: sizeof(union any_msg);
}
