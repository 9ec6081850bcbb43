// SPDX-License-Identifier: GPL-2.0-only
/*
 * The conversation about the device IOTLB. A queue that meets an address without
 * an entry notes it, puts back what it holds, and is served again when an entry
 * for the address comes. Since a queue waits for one address at a time, the note
 * has its place in the queue, and a guest cannot have more of them made.
 */

#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "trace.h"
#include "vhost_core.h"
#include "vhost_msg.h"
#include "vring.h"

/* Both forms of a message have this size; what differs is where @iotlb lies. */
union vha_msg {
	struct vhost_msg v1;
	struct vhost_msg_v2 v2;
};

/**
 * vha_msg_miss() - ask the owner for an entry of the device IOTLB
 * @q: the queue, with its mutex held; it will be served when the entry comes. The
 *	batch says what is missing; see vha_ring_missed().
 *
 * What the owner has not read yet is not asked twice. What it has read, but not
 * answered, is asked again: it may know the answer by now.
 */
void vha_msg_miss(struct vha_queue *q)
{
	struct vha_dev *dev = q->dev;

	lockdep_assert_held(&q->mutex);
	spin_lock(&dev->miss_lock);
	if (q->miss.state != VHA_MISS_QUEUED)
		q->stats.iotlb_misses++;
	q->miss.state = VHA_MISS_QUEUED;
	q->miss.iova = q->batch->missed;
	q->miss.perm = q->batch->missed_perm;
	spin_unlock(&dev->miss_lock);
	trace_vhost_alt_iotlb_miss(q, q->batch->missed, q->batch->missed_perm);
	wake_up_interruptible_poll(&dev->miss_wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * vha_msg_clear_miss() - ask for nothing any more on behalf of a queue
 * @q: the queue, with its mutex held; it is not served
 */
void vha_msg_clear_miss(struct vha_queue *q)
{
	lockdep_assert_held(&q->mutex);
	spin_lock(&q->dev->miss_lock);
	q->miss.state = VHA_MISS_NONE;
	spin_unlock(&q->dev->miss_lock);
}

/**
 * vha_msg_clear_misses() - ask for nothing any more
 * @dev: the device, with its mutex held
 *
 * Readers that wait look whether there is still an IOTLB.
 */
void vha_msg_clear_misses(struct vha_dev *dev)
{
	unsigned int i;

	lockdep_assert_held(&dev->mutex);
	spin_lock(&dev->miss_lock);
	for (i = 0; i < dev->nqueues; i++)
		dev->queues[i]->miss.state = VHA_MISS_NONE;
	spin_unlock(&dev->miss_lock);
	wake_up_interruptible_poll(&dev->miss_wait, EPOLLIN | EPOLLRDNORM);
}

/* A queue whose miss is yet to be read, or NULL. */
static struct vha_queue *find_unread(struct vha_dev *dev)
{
	unsigned int i;

	lockdep_assert_held(&dev->miss_lock);
	for (i = 0; i < dev->nqueues; i++) {
		if (dev->queues[i]->miss.state == VHA_MISS_QUEUED)
			return dev->queues[i];
	}
	return NULL;
}

/* Take a miss that is yet to be read; the queue that has it, or NULL. */
static struct vha_queue *take_miss(struct vha_dev *dev,
				   struct vha_miss *miss)
{
	struct vha_queue *q;

	spin_lock(&dev->miss_lock);
	q = find_unread(dev);
	if (q) {
		q->miss.state = VHA_MISS_READ;
		*miss = q->miss;
	}
	spin_unlock(&dev->miss_lock);
	return q;
}

/* It could not be delivered: let it be read once more. */
static void untake_miss(struct vha_queue *q)
{
	spin_lock(&q->dev->miss_lock);
	if (q->miss.state == VHA_MISS_READ)
		q->miss.state = VHA_MISS_QUEUED;
	spin_unlock(&q->dev->miss_lock);
	wake_up_interruptible_poll(&q->dev->miss_wait, EPOLLIN | EPOLLRDNORM);
}

/*
 * The message that tells of @miss, in the form that the owner has agreed to. The
 * caller has zeroed all of it: padding goes to userspace as well.
 */
static void make_miss_msg(union vha_msg *msg, bool v2,
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

/* Sleep until there is a miss; take it. */
static struct vha_queue *wait_for_miss(struct vha_dev *dev,
				       struct vha_miss *miss)
{
	struct vha_queue *q = NULL;
	int err;

	err = wait_event_interruptible(dev->miss_wait,
				       (q = take_miss(dev, miss)) ||
				       !READ_ONCE(dev->iotlb));
	if (err)
		return ERR_PTR(err);
	return q ?: ERR_PTR(-EBADFD);
}

/**
 * vha_msg_read() - read the address of a miss
 * @dev: the device
 * @to: where to
 * @nonblock: do not wait for one
 *
 * Needs no owner, and no lock.
 *
 * Return: the size of a message; 0 if there is no room for one; -EAGAIN if
 * there is none and the caller does not wait, -EBADFD if none will come, since
 * there is no device IOTLB; -ERESTARTSYS; -EFAULT.
 */
ssize_t vha_msg_read(struct vha_dev *dev, struct iov_iter *to,
		     bool nonblock)
{
	union vha_msg msg;
	struct vha_miss miss;
	struct vha_queue *q;

	if (iov_iter_count(to) < sizeof(msg))
		return 0;

	q = take_miss(dev, &miss);
	if (!q && nonblock)
		return -EAGAIN;
	if (!q)
		q = wait_for_miss(dev, &miss);
	if (IS_ERR(q))
		return PTR_ERR(q);

	memset(&msg, 0, sizeof(msg));
	make_miss_msg(&msg, READ_ONCE(dev->backend_features) &
			    BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2), &miss);
	if (copy_to_iter(&msg, sizeof(msg), to) != sizeof(msg)) {
		untake_miss(q);
		return -EFAULT;
	}
	return sizeof(msg);
}

/*
 * Serve the queues that waited for an entry of [start, last], or for any that
 * allows what the last one did not.
 */
static void wake_waiting(struct vha_dev *dev, u64 start, u64 last)
{
	struct vha_queue *q;
	unsigned int i;
	bool waited;

	for (i = 0; i < dev->nqueues; i++) {
		q = dev->queues[i];
		spin_lock(&dev->miss_lock);
		waited = q->miss.state != VHA_MISS_NONE &&
			 q->miss.iova >= start && q->miss.iova <= last;
		/* Who has been told by poll() finds what is yet to be read. */
		if (waited && q->miss.state == VHA_MISS_READ)
			q->miss.state = VHA_MISS_NONE;
		spin_unlock(&dev->miss_lock);
		if (waited || q->denied)
			vha_queue_wake(q);
	}
}

static void unmap_queues(struct vha_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->nqueues; i++)
		vha_queue_unmap(dev->queues[i]);
}

static int update(struct vha_dev *dev, const struct vhost_iotlb_msg *msg)
{
	u64 last = msg->iova + msg->size - 1;

	if (last < msg->iova || msg->uaddr + msg->size - 1 < msg->uaddr)
		return -EFAULT;
	if (msg->perm & VHOST_ACCESS_RW &&
	    !vha_iotlb_user_range_ok(msg->uaddr, msg->size))
		return -EFAULT;
	unmap_queues(dev);
	/* What was there is out of date, whatever becomes of the new entry. */
	vha_iotlb_del(dev->iotlb, msg->iova, last);
	if (vha_iotlb_add(dev->iotlb, msg->iova, last, msg->uaddr, msg->perm))
		return -EFAULT;
	wake_waiting(dev, msg->iova, last);
	return 0;
}

static int invalidate(struct vha_dev *dev, const struct vhost_iotlb_msg *msg)
{
	u64 last = msg->iova + msg->size - 1;

	/* 2^64 bytes have the size 0. Rather too much than an entry that stays. */
	if (!msg->size || last < msg->iova)
		last = U64_MAX;
	unmap_queues(dev);
	vha_iotlb_del(dev->iotlb, msg->iova, last);
	return 0;
}

static int handle(struct vha_dev *dev, const struct vhost_iotlb_msg *msg)
{
	if (!dev->iotlb)
		return -EFAULT;
	trace_vhost_alt_iotlb_update(dev, msg);
	switch (msg->type) {
	case VHOST_IOTLB_UPDATE:
		return update(dev, msg);
	case VHOST_IOTLB_INVALIDATE:
		return invalidate(dev, msg);
	default:
		return -EFAULT;
	}
}

/* Read a message whose part @msg lies @offset bytes behind the start of @from. */
static int get_msg(struct vhost_iotlb_msg *msg, size_t offset,
		   struct iov_iter *from)
{
	/* What is not there cannot be skipped either, and then nothing is read. */
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
 * When it returns no queue uses an entry that is no more. Needs no owner.
 *
 * Return: the size of a message; -EINVAL for one that is too short, of unknown
 * form, or an update of nothing; -EFAULT for anything else that is wrong, and
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
	err = handle(dev, &msg);
	vha_dev_unlock_queues(dev);
	mutex_unlock(&dev->mutex);
	return err ?: sizeof(union vha_msg);
}

/**
 * vha_msg_poll() - is there a miss to read?
 * @dev: the device
 * @file: its file
 * @wait: who asks
 */
__poll_t vha_msg_poll(struct vha_dev *dev, struct file *file,
		      poll_table *wait)
{
	bool unread;

	poll_wait(file, &dev->miss_wait, wait);
	spin_lock(&dev->miss_lock);
	unread = find_unread(dev);
	spin_unlock(&dev->miss_lock);
	return unread ? EPOLLIN | EPOLLRDNORM : 0;
}
