// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing: at the request of an admin, the queues of a running device are
 * divided among two workers, or served by one.
 *
 * A request must not wait for the owner, which can hold up its workers and its
 * commands for any time, and only a thread of the owner can create another one.
 * So the workers do it themselves, between two runs, in steps. A queue is moved
 * by the worker that serves it, which therefore finds the queue's mutex free,
 * and nothing of the queue is left with it. The device's mutex is only tried: a
 * command that holds it may be waiting for that very worker. A step that does
 * not get it is retried.
 */
#include <linux/sched/signal.h>

#include "vhost_core.h"
#include "vhost_sharing.h"

/* Have the step run, unless its worker is to be destroyed. */
static void queue_step(struct vha_dev *dev, struct vha_step *step)
{
	spin_lock(&dev->show_lock);
	vha_worker_queue(step->worker, &step->work);
	spin_unlock(&dev->show_lock);
}

static void retry_step(struct vha_dev *dev, struct vha_step *step)
{
	spin_lock(&dev->show_lock);
	if (step->worker)
		vha_retry_later(&step->retry, step->worker);
	spin_unlock(&dev->show_lock);
}

/*
 * Check whether the worker of a step comes to its end. If its owner was killed,
 * the other one does, too, and nothing comes of what was requested.
 */
static bool worker_ends(struct vha_dev *dev, const struct vha_step *step)
{
	bool gone, killed;

	spin_lock(&dev->show_lock);
	gone = !step->worker;
	killed = !gone && vha_worker_killed(step->worker);
	if (killed)
		dev->sharing.wanted = 0;
	spin_unlock(&dev->show_lock);
	return gone || killed;
}

/*
 * Lock the device for a step. Return: false if the step is retried instead, or
 * if its worker comes to its end.
 */
static bool begin_step(struct vha_dev *dev, struct vha_step *step)
{
	if (worker_ends(dev, step))
		return false;
	if (!mutex_trylock(&dev->mutex)) {
		retry_step(dev, step);
		return false;
	}
	/* It may have been taken away meanwhile. */
	if (worker_ends(dev, step)) {
		mutex_unlock(&dev->mutex);
		return false;
	}
	vha_retry_succeeded(&step->retry);
	return true;
}

/* The number of workers that is wanted; 0 if all is to stay as it is. */
static unsigned int wanted(struct vha_dev *dev)
{
	unsigned int workers;

	lockdep_assert_held(&dev->mutex);
	spin_lock(&dev->show_lock);
	workers = dev->sharing.managed ? 0 : dev->sharing.wanted;
	spin_unlock(&dev->show_lock);
	return workers;
}

static void give_up(struct vha_dev *dev)
{
	spin_lock(&dev->show_lock);
	dev->sharing.wanted = 0;
	spin_unlock(&dev->show_lock);
}

/*
 * Move a queue from one worker to another, in the former one's thread. A run
 * that is queued moves too, so nothing of the queue is left there.
 */
static void move_queue(struct vha_queue *q, struct vha_worker *from,
		       struct vha_worker *to)
{
	mutex_lock(&q->mutex);
	vha_queue_move(q, to);
	if (vha_worker_cancel(from, &q->work))
		vha_queue_wake(q);
	mutex_unlock(&q->mutex);
}

/* Move all queues but the first. Return: true if @from served any of them. */
static bool move_queues(struct vha_dev *dev, struct vha_worker *from,
			struct vha_worker *to)
{
	bool moved = false;
	unsigned int i;

	lockdep_assert_held(&dev->mutex);
	for (i = 1; i < dev->nqueues; i++) {
		if (dev->queues[i]->worker != from)
			continue;
		move_queue(dev->queues[i], from, to);
		moved = true;
	}
	dev->sharing.moved |= moved;
	return moved;
}

/* Check whether to report a change now, once. */
static bool settled(struct vha_dev *dev)
{
	bool moved = dev->sharing.moved;

	lockdep_assert_held(&dev->mutex);
	dev->sharing.moved = false;
	return moved;
}

/*
 * Move queues from the first worker to the second, which is made if there is
 * none. That one reports the change when it runs: until then its thread is not
 * known.
 */
static int split(struct vha_dev *dev)
{
	struct vha_sharing *s = &dev->sharing;
	struct vha_worker *second = s->second.worker;

	if (!second)
		second = vha_dev_add_sibling(dev);
	if (IS_ERR(second))
		return PTR_ERR(second);
	if (move_queues(dev, s->first.worker, second))
		queue_step(dev, &s->second);
	return 0;
}

/* Check whether the second worker serves any queue. */
static bool second_serves(const struct vha_dev *dev)
{
	const struct vha_worker *second = dev->sharing.second.worker;
	unsigned int i;

	for (i = 1; second && i < dev->nqueues; i++) {
		if (dev->queues[i]->worker == second)
			return true;
	}
	return false;
}

static struct vha_dev *step_dev(struct vha_step *step, bool first)
{
	struct vha_sharing *s;

	s = first ? container_of(step, struct vha_sharing, first) :
		    container_of(step, struct vha_sharing, second);
	return container_of(s, struct vha_dev, sharing);
}

/* Run by the first worker. */
static void first_step(struct vha_work *work)
{
	struct vha_step *step = container_of(work, struct vha_step, work);
	struct vha_dev *dev = step_dev(step, true);
	struct vha_worker *idle = NULL;
	bool report = false;
	int err = 0;

	if (!begin_step(dev, step))
		return;
	if (wanted(dev) > 1) {
		err = split(dev);
	} else if (second_serves(dev)) {
		if (wanted(dev))
			queue_step(dev, &dev->sharing.second);
	} else {
		idle = vha_dev_take_second(dev);
		report = settled(dev);
	}
	if (err == -ERESTARTNOINTR)
		retry_step(dev, step);
	else if (err)
		give_up(dev);
	mutex_unlock(&dev->mutex);

	/* Its thread may be stopped: the owner's commands need not wait. */
	vha_worker_destroy(idle);
	if (report || err == -ENOMEM)
		dev->sharing.report(dev, err);
}

/* Run by the second worker. */
static void second_step(struct vha_work *work)
{
	struct vha_step *step = container_of(work, struct vha_step, work);
	struct vha_dev *dev = step_dev(step, false);
	struct vha_sharing *s = &dev->sharing;
	bool report = false;

	if (!begin_step(dev, step))
		return;
	if (wanted(dev) != 1)
		report = settled(dev);
	else if (move_queues(dev, step->worker, s->first.worker))
		queue_step(dev, &s->first);
	mutex_unlock(&dev->mutex);
	if (report)
		s->report(dev, 0);
}

/**
 * vha_sharing_init() - prepare for requests
 * @dev: the device, prepared by vha_dev_init() and not in use yet
 * @report: called by a worker after a change, or with a negative errno for a
 *	request that failed; may sleep
 */
void vha_sharing_init(struct vha_dev *dev,
		      void (*report)(struct vha_dev *dev, int err))
{
	struct vha_sharing *s = &dev->sharing;

	vha_work_init(&s->first.work, first_step);
	vha_retry_init(&s->first.retry, &s->first.work);
	vha_work_init(&s->second.work, second_step);
	vha_retry_init(&s->second.retry, &s->second.work);
	s->report = report;
}

/**
 * vha_sharing_request() - have the queues served by one worker or by two
 * @dev: the device, which a reference keeps from being freed
 * @workers: 1, or the number of queues
 *
 * Does not wait for the owner: the workers do the rest. The last request
 * counts.
 *
 * Return: 0; -EINVAL without an owner, or if it was killed; -EEXIST if the
 * owner divides the queues by itself.
 */
int vha_sharing_request(struct vha_dev *dev, unsigned int workers)
{
	struct vha_sharing *s = &dev->sharing;
	int err = 0;

	spin_lock(&dev->show_lock);
	if (s->managed) {
		err = -EEXIST;
	} else if (!s->first.worker || vha_worker_killed(s->first.worker)) {
		err = -EINVAL;
	} else {
		s->wanted = workers;
		vha_worker_queue(s->first.worker, &s->first.work);
	}
	spin_unlock(&dev->show_lock);
	return err;
}

/**
 * vha_sharing_workers() - get the number of workers that serve the queues
 * @dev: the device, which may be running, with its show_lock held
 *
 * Return: the number; 0 without an owner.
 */
unsigned int vha_sharing_workers(const struct vha_dev *dev)
{
	const struct vha_worker *first = READ_ONCE(dev->queues[0]->worker);
	unsigned int i;

	lockdep_assert_held(&dev->show_lock);
	if (!first)
		return 0;
	for (i = 1; i < dev->nqueues; i++) {
		if (READ_ONCE(dev->queues[i]->worker) != first)
			return dev->nqueues;
	}
	return 1;
}

/**
 * vha_sharing_pending() - get a request that is not done yet
 * @dev: the device, with its show_lock held
 *
 * Return: the number of workers that was requested; 0 if nothing is pending.
 */
unsigned int vha_sharing_pending(const struct vha_dev *dev)
{
	lockdep_assert_held(&dev->show_lock);
	if (dev->sharing.managed ||
	    dev->sharing.wanted == vha_sharing_workers(dev))
		return 0;
	return dev->sharing.wanted;
}
