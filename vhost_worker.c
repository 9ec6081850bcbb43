// SPDX-License-Identifier: GPL-2.0-only
/*
 * A worker is one thread in the address space and the cgroups of the process
 * that owns a device. Work is queued on it from any context: from the wait
 * queue of a kick's eventfd or of a tap, and from ioctls.
 */

#include <linux/cgroup.h>
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mmu_context.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "compat.h"
#include "trace.h"
#include "vhost_worker.h"

#define VHA_WORK_QUEUED 0

/**
 * struct vha_worker - a thread and what it has to do
 * @works: queued works, newest first
 * @mm: the owner's address space; its users' count is held by the device
 * @lock: protects @killed
 * @killed: the owner got SIGKILL and took the thread along: nothing will run
 *	any more
 * @runs: times that it found work; written by the thread
 * @thread: the thread, with a reference
 * @kind: what sort of thread it is
 * @vtsk: the thread, if it is one of the owner's
 * @task: the thread, if it is the kernel's
 */
struct vha_worker {
	struct llist_head works;
	struct mm_struct *mm;
	struct mutex lock; /* orders a flush against the thread's death */
	bool killed;
	u64 runs;
	struct task_struct *thread;
	const struct worker_kind *kind;
	union {
		struct vhost_task *vtsk;
		struct task_struct *task;
	};
};

/**
 * struct worker_kind - a sort of thread
 * @start: make one with that name; 0 or a negative errno
 * @wake: have it look for work; any context
 * @stop: end it, and wait for that
 */
struct worker_kind {
	int (*start)(struct vha_worker *worker, const char *name);
	void (*wake)(struct vha_worker *worker);
	void (*stop)(struct vha_worker *worker);
};

/* Something to do once, for which somebody waits. */
struct worker_errand {
	struct vha_work work;
	struct completion done;
	void (*fn)(void *data);
	void *data;
};

static bool worker_run(void *data)
{
	struct vha_worker *worker = data;
	struct vha_work *work, *next;
	struct llist_node *list;

	list = llist_del_all(&worker->works);
	if (!list)
		return false;

	__set_current_state(TASK_RUNNING);
	worker->runs++;
	trace_vhost_alt_worker_wake(worker->runs);
	list = llist_reverse_order(list);
	llist_for_each_entry_safe(work, next, list, node) {
		/*
		 * The node may be reused as soon as the bit is clear, so the
		 * list must have been read before. Whoever finds it clear and
		 * queues again wants a run that sees what it did before that.
		 */
		smp_mb__before_atomic();
		clear_bit(VHA_WORK_QUEUED, &work->flags);
		/* Clear the bit, then look at what is to be done. */
		smp_mb__after_atomic();
		work->fn(work);
		cond_resched();
	}
	trace_vhost_alt_worker_sleep(worker->runs);
	return true;
}

/* ---- a thread of the owner's process, where the kernel has such ---- */

#ifdef COMPAT_VHOST_TASK

static void vtsk_wake(struct vha_worker *worker)
{
	vhost_task_wake(worker->vtsk);
}

/*
 * Runs in the dying thread, for the last time: a flush that was queued before
 * @killed completes, and one that finds it set finds nothing running either.
 */
static void vtsk_killed(void *data)
{
	struct vha_worker *worker = data;

	mutex_lock(&worker->lock);
	worker->killed = true;
	worker_run(worker);
	mutex_unlock(&worker->lock);
}

static int vtsk_start(struct vha_worker *worker, const char *name)
{
	struct vhost_task *vtsk;

	vtsk = vhost_task_create(worker_run, vtsk_killed, worker, name);
	if (IS_ERR_OR_NULL(vtsk))
		return vtsk ? PTR_ERR(vtsk) : -ENOMEM;
	worker->vtsk = vtsk;
	vhost_task_start(vtsk);
	return 0;
}

static void vtsk_stop(struct vha_worker *worker)
{
	vhost_task_stop(worker->vtsk);
}

static const struct worker_kind owner_thread = {
	.start	= vtsk_start,
	.wake	= vtsk_wake,
	.stop	= vtsk_stop,
};

#endif /* COMPAT_VHOST_TASK */

/* ---- a thread of the kernel ---- */

static void kthread_wake(struct vha_worker *worker)
{
	wake_up_process(worker->task);
}

static int kthread_main(void *data)
{
	struct vha_worker *worker = data;

	kthread_use_mm(worker->mm);
	for (;;) {
		/* Before looking for work, so that a wake-up is not missed. */
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		if (!worker_run(worker))
			schedule();
	}
	__set_current_state(TASK_RUNNING);
	kthread_unuse_mm(worker->mm);
	return 0;
}

static int kthread_start(struct vha_worker *worker, const char *name)
{
	int err;

	worker->task = kthread_create(kthread_main, worker, "%s", name);
	if (IS_ERR(worker->task))
		return PTR_ERR(worker->task);

	err = cgroup_attach_task_all(current, worker->task);
	if (err) {
		kthread_stop(worker->task);
		return err;
	}
	wake_up_process(worker->task);
	return 0;
}

static void kthread_end(struct vha_worker *worker)
{
	kthread_stop(worker->task);
}

static const struct worker_kind kernel_thread_kind = {
	.start	= kthread_start,
	.wake	= kthread_wake,
	.stop	= kthread_end,
};

/* ---- */

static const struct worker_kind *choose_kind(bool fork)
{
#ifdef COMPAT_VHOST_TASK
	if (fork)
		return &owner_thread;
#endif
	return &kernel_thread_kind;
}

/* In the thread: not every sort of it tells from outside who it is. */
static void note_thread(void *data)
{
	struct vha_worker *worker = data;

	worker->thread = get_task_struct(current);
}

/**
 * vha_worker_create() - start a thread that works for the current process
 * @mm: the current process's address space; outlives the worker
 * @fork: make it a thread of that process if the kernel can
 * @what: what it is for, or NULL
 *
 * The thread is named vhost-<pid>, as tools expect of a vhost device, with -<what>
 * as far as there is room, and is accounted to the cgroups of the caller.
 *
 * Return: the worker, or an ERR_PTR().
 */
struct vha_worker *vha_worker_create(struct mm_struct *mm, bool fork,
				     const char *what)
{
	struct vha_worker *worker;
	char name[TASK_COMM_LEN];
	int err;

	worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	if (!worker)
		return ERR_PTR(-ENOMEM);
	init_llist_head(&worker->works);
	mutex_init(&worker->lock);
	worker->mm = mm;
	worker->kind = choose_kind(fork);
	snprintf(name, sizeof(name), "vhost-%d%s%s", current->pid,
		 what ? "-" : "", what ?: "");

	err = worker->kind->start(worker, name);
	if (err) {
		kfree(worker);
		/* A signal has the command made again; the rest is one error. */
		return ERR_PTR(err == -ERESTARTNOINTR ? err : -ENOMEM);
	}
	if (vha_worker_run(worker, note_thread, worker)) {
		vha_worker_destroy(worker);
		return ERR_PTR(-ENOMEM);
	}
	return worker;
}

/* Work that nobody will do: it may be queued elsewhere from now on. */
static void forget_works(struct vha_worker *worker)
{
	struct vha_work *work, *next;

	llist_for_each_entry_safe(work, next, llist_del_all(&worker->works),
				  node)
		clear_bit(VHA_WORK_QUEUED, &work->flags);
}

/**
 * vha_worker_destroy() - stop the thread and free the worker
 * @worker: the worker; NULL does nothing
 *
 * Nobody may queue work any more: every poll that names the worker is stopped.
 * Work still queued is forgotten, and may be queued elsewhere afterwards.
 */
void vha_worker_destroy(struct vha_worker *worker)
{
	if (!worker)
		return;
	worker->kind->stop(worker);
	forget_works(worker);
	mutex_destroy(&worker->lock);
	if (worker->thread)
		put_task_struct(worker->thread);
	kfree(worker);
}

/**
 * vha_worker_queue() - have a work done
 * @worker: by whom; NULL forgets it
 * @work: what; queued once, however often this is called before it runs
 *
 * Any context. Everything that the caller wrote before is seen by the run.
 */
void vha_worker_queue(struct vha_worker *worker, struct vha_work *work)
{
	if (!worker || test_and_set_bit(VHA_WORK_QUEUED, &work->flags))
		return;
	llist_add(&work->node, &worker->works);
	worker->kind->wake(worker);
}

/**
 * vha_worker_busy() - does work wait?
 * @worker: for whom
 *
 * To be asked by what the worker runs, which is not counted.
 */
bool vha_worker_busy(const struct vha_worker *worker)
{
	return !llist_empty(&worker->works);
}

static void run_errand(struct vha_work *work)
{
	struct worker_errand *errand =
		container_of(work, struct worker_errand, work);

	if (errand->fn)
		errand->fn(errand->data);
	complete(&errand->done);
}

/**
 * vha_worker_run() - have a worker do something, and wait until it is done
 * @worker: by whom
 * @fn: what; NULL for nothing
 * @data: its argument
 *
 * All that was queued before has run then. May sleep. Not under a queue's mutex,
 * which queued work takes.
 *
 * Return: 0, or -ESRCH if there is no worker, or its owner has been killed.
 */
int vha_worker_run(struct vha_worker *worker, void (*fn)(void *data),
		   void *data)
{
	struct worker_errand errand = { .fn = fn, .data = data };

	if (!worker)
		return -ESRCH;

	vha_work_init(&errand.work, run_errand);
	init_completion(&errand.done);

	mutex_lock(&worker->lock);
	if (worker->killed) {
		forget_works(worker);
		mutex_unlock(&worker->lock);
		return -ESRCH;
	}
	vha_worker_queue(worker, &errand.work);
	mutex_unlock(&worker->lock);

	wait_for_completion(&errand.done);
	return 0;
}

/**
 * vha_worker_flush() - wait until all that was queued before has run
 * @worker: the worker; NULL returns at once
 *
 * As vha_worker_run().
 */
void vha_worker_flush(struct vha_worker *worker)
{
	vha_worker_run(worker, NULL, NULL);
}

/**
 * vha_worker_usage() - what a worker has done
 * @worker: the worker
 * @usage: filled
 */
void vha_worker_usage(const struct vha_worker *worker,
		      struct vha_worker_usage *usage)
{
	struct task_struct *thread = worker->thread;

	usage->tid = task_pid_nr(thread);
	usage->runs = READ_ONCE(worker->runs);
	usage->runtime = READ_ONCE(thread->se.sum_exec_runtime);
	usage->cpu = task_cpu(thread);
}

/**
 * vha_work_init() - prepare a work
 * @work: the work
 * @fn: what it does
 */
void vha_work_init(struct vha_work *work,
		   void (*fn)(struct vha_work *work))
{
	work->fn = fn;
	work->flags = 0;
}

/* Called with the wait queue's lock held, in any context. */
static int poll_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
		       void *key)
{
	struct vha_poll *poll = container_of(wait, struct vha_poll, wait);

	if (!(key_to_poll(key) & poll->mask))
		return 0;
	/*
	 * Pairs with vha_poll_arm(): the file became ready before we read
	 * armed. Costs nothing where taking the lock is a full barrier.
	 */
	smp_mb__after_spinlock();
	if (READ_ONCE(poll->armed)) {
		WRITE_ONCE(*poll->events, *poll->events + 1);
		vha_worker_queue(poll->worker, poll->work);
	}
	return 0;
}

static void poll_enqueue(struct file *file, wait_queue_head_t *wqh,
			 poll_table *table)
{
	struct vha_poll *poll = container_of(table, struct vha_poll, table);

	/* One wait queue is all that an eventfd or a socket has. */
	if (poll->wqh)
		return;
	poll->wqh = wqh;
	add_wait_queue(wqh, &poll->wait);
}

/**
 * vha_poll_init() - prepare a poll
 * @poll: the poll
 * @work: what to queue when the file is ready
 * @mask: when it counts as ready
 * @events: counts the times that this queued the work
 */
void vha_poll_init(struct vha_poll *poll, struct vha_work *work,
		   __poll_t mask, u64 *events)
{
	init_waitqueue_func_entry(&poll->wait, poll_wakeup);
	init_poll_funcptr(&poll->table, poll_enqueue);
	poll->mask = mask;
	poll->work = work;
	poll->events = events;
	poll->wqh = NULL;
	poll->worker = NULL;
	poll->armed = false;
}

/**
 * vha_poll_start() - begin to watch a file
 * @poll: the poll; if it is started already, nothing happens
 * @worker: who does the work
 * @file: what to watch; the caller keeps it open until vha_poll_stop()
 *
 * If the file is ready now, the work is queued now.
 *
 * Return: 0, or -EINVAL if the file is in error (a tap without a device).
 */
int vha_poll_start(struct vha_poll *poll, struct vha_worker *worker,
		   struct file *file)
{
	__poll_t ready;

	if (poll->wqh)
		return 0;

	poll->worker = worker;
	WRITE_ONCE(poll->armed, true);
	ready = vfs_poll(file, &poll->table);
	if (ready & EPOLLERR) {
		vha_poll_stop(poll);
		return -EINVAL;
	}
	if (ready & poll->mask)
		vha_worker_queue(worker, poll->work);
	return 0;
}

/**
 * vha_poll_stop() - watch no longer
 * @poll: the poll; if it is stopped already, nothing happens
 *
 * When this returns, no wake-up runs; the work may still be queued.
 */
void vha_poll_stop(struct vha_poll *poll)
{
	if (!poll->wqh)
		return;
	remove_wait_queue(poll->wqh, &poll->wait);
	poll->wqh = NULL;
	WRITE_ONCE(poll->armed, false);
}

/**
 * vha_poll_move() - have the work done by another worker from now on
 * @poll: the poll; if it is stopped, nothing happens
 * @worker: who does it
 *
 * No wake-up is lost. Work that the former worker was given stays with it.
 */
void vha_poll_move(struct vha_poll *poll, struct vha_worker *worker)
{
	if (!poll->wqh)
		return;
	spin_lock_irq(&poll->wqh->lock);
	poll->worker = worker;
	spin_unlock_irq(&poll->wqh->lock);
}

/**
 * vha_poll_reset_events() - count from 0 on
 * @poll: the poll
 */
void vha_poll_reset_events(struct vha_poll *poll)
{
	wait_queue_head_t *wqh = poll->wqh;

	if (!wqh) {
		*poll->events = 0;
		return;
	}
	spin_lock_irq(&wqh->lock);
	*poll->events = 0;
	spin_unlock_irq(&wqh->lock);
}
