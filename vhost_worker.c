// SPDX-License-Identifier: GPL-2.0-only
/*
 * A worker is one thread in the address space and the cgroups of the process
 * that owns a device. Work is queued on it from any context: the wait queue of
 * a kick's eventfd or of a tap, timers, and ioctls.
 */

#include <linux/cgroup.h>
#include <linux/capability.h>
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mmu_context.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "trace.h"
#include "vhost_worker.h"

#define VHA_WORK_QUEUED 0

/**
 * struct vha_worker - a thread and the work queued on it
 * @works: queued works, newest first
 * @mm: the owner's address space; the device holds a reference to its users
 * @lock: protects @killed
 * @killed: true once the owner was killed, and the thread with it: no work will
 *	run from then on
 * @left: works that the thread has taken off @works, but not begun to run; used
 *	by the thread only
 * @runs: number of times that the thread found work; written by the thread
 * @arrival: the first work: sets @thread
 * @thread_lock: protects @thread, which is set once
 * @thread: the thread, with a reference; NULL until it runs
 * @owner: the owner's process id, for the name
 * @cred: the owner's credentials when it created its workers; constant
 * @max_processes: its RLIMIT_NPROC at that time; constant
 * @kind: how the thread is started, woken and stopped
 * @vtsk: the thread, if it is one of the owner's
 * @task: the thread, if it is a kernel thread
 */
struct vha_worker {
	struct llist_head works;
	struct mm_struct *mm;
	struct mutex lock; /* orders a flush against the thread's end */
	bool killed;
	struct llist_node *left;
	u64 runs;
	struct vha_work arrival;
	spinlock_t thread_lock; /* @thread */
	struct task_struct *thread;
	pid_t owner;
	const struct cred *cred;
	unsigned long max_processes;
	const struct worker_kind *kind;
	union {
		struct vhost_task *vtsk;
		struct task_struct *task;
	};
};

/**
 * struct worker_kind - a kind of thread
 * @start: start a thread of that name; return 0 or a negative errno
 * @wake: make it check for work; any context
 * @stop: stop it, and wait until it has ended
 */
struct worker_kind {
	int (*start)(struct vha_worker *worker, const char *name);
	void (*wake)(struct vha_worker *worker);
	void (*stop)(struct vha_worker *worker);
};

/* A function call in the worker that a caller waits for. */
struct worker_call {
	struct vha_work work;
	struct completion done;
	void (*fn)(void *data);
	void *data;
};

static bool worker_run(void *data)
{
	struct vha_worker *worker = data;
	struct llist_node *list;
	struct vha_work *work;

	list = llist_del_all(&worker->works);
	if (!list)
		return false;

	__set_current_state(TASK_RUNNING);
	worker->runs++;
	trace_vhost_alt_worker_wake(worker->runs);
	/* A work may cancel others that are left. */
	worker->left = llist_reverse_order(list);
	while (worker->left) {
		work = llist_entry(worker->left, struct vha_work, node);
		worker->left = work->node.next;
		/*
		 * The node may be reused as soon as the bit is clear, so read
		 * the list before that. Litmus test: work-node.
		 */
		smp_mb__before_atomic();
		clear_bit(VHA_WORK_QUEUED, &work->flags);
		/*
		 * Clear the bit, then check what is to be done. A caller that
		 * finds the bit set relies on a run that sees all it did
		 * before. Pairs with vha_worker_queue(). Litmus test: work-bit.
		 */
		smp_mb__after_atomic();
		work->fn(work);
		cond_resched();
	}
	trace_vhost_alt_worker_sleep(worker->runs);
	return true;
}

/* ---- threads of the owner's process, where the kernel supports them ---- */

#ifdef COMPAT_VHOST_TASK

static void vtsk_wake(struct vha_worker *worker)
{
	vhost_task_wake(worker->vtsk);
}

/*
 * Called in the exiting thread: run for the last time. A flush that was queued
 * before @killed was set completes; one that finds it set finds nothing running
 * either.
 */
static void vtsk_killed(void *data)
{
	struct vha_worker *worker = data;

	mutex_lock(&worker->lock);
	WRITE_ONCE(worker->killed, true);
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

/* ---- kernel threads ---- */

static void kthread_wake(struct vha_worker *worker)
{
	wake_up_process(worker->task);
}

static int kthread_main(void *data)
{
	struct vha_worker *worker = data;

	kthread_use_mm(worker->mm);
	for (;;) {
		/*
		 * Before checking for work, so that no wake-up is missed.
		 * Litmus test: worker-sleep.
		 */
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

/*
 * Charge @n processes to a user, in its user namespace and in all above it. The
 * kernel does the same in fork(), but does not export the function.
 */
static void charge_processes(const struct cred *cred, long n)
{
	struct ucounts *ucounts;

	for (ucounts = cred->ucounts; ucounts; ucounts = ucounts->ns->ucounts)
		atomic_long_add(n, &ucounts->rlimit[UCOUNT_RLIMIT_NPROC]);
}

/* Check whether the owner's user has more processes than RLIMIT_NPROC. */
static bool over_limit(const struct vha_worker *worker)
{
	struct ucounts *ucounts = worker->cred->ucounts;
	unsigned long max = worker->max_processes;

	for (; ucounts; ucounts = ucounts->ns->ucounts) {
		if (get_rlimit_value(ucounts, UCOUNT_RLIMIT_NPROC) > max)
			return true;
		max = get_userns_rlimit_max(ucounts->ns, UCOUNT_RLIMIT_NPROC);
	}
	return false;
}

/*
 * As in fork(): the limit does not apply to root, or with a capability. The
 * current thread may be a worker, which is a kernel thread with all of them.
 */
static bool may_exceed_limit(const struct cred *cred)
{
	const struct cred *old;
	bool may;

	if (uid_eq(cred->uid, GLOBAL_ROOT_UID))
		return true;
	old = override_creds(cred);
	may = capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);
	revert_creds(old);
	return may;
}

static void uncharge_owner(struct vha_worker *worker)
{
	charge_processes(worker->cred, -1);
}

/*
 * Kernel threads belong to root, so nothing would limit how many of them a user
 * creates. Charge each to the owner's user, like a thread of the owner.
 *
 * Return: 0, or -EAGAIN at the limit.
 */
static int charge_owner(struct vha_worker *worker)
{
	charge_processes(worker->cred, 1);
	if (!over_limit(worker) || may_exceed_limit(worker->cred))
		return 0;
	uncharge_owner(worker);
	return -EAGAIN;
}

/* A kernel thread joins the cgroups of the @owner, or of another worker. */
struct join_cgroups {
	struct task_struct *owner;
	int err;
};

static void join_cgroups(void *data)
{
	struct join_cgroups *join = data;

	join->err = cgroup_attach_task_all(join->owner, current);
}

static void kthread_end(struct vha_worker *worker)
{
	kthread_stop(worker->task);
	uncharge_owner(worker);
}

static int kthread_start(struct vha_worker *worker, const char *name)
{
	struct join_cgroups join = { .owner = current };
	int err;

	err = charge_owner(worker);
	if (err)
		return err;
	worker->task = kthread_create(kthread_main, worker, "%s", name);
	if (IS_ERR(worker->task)) {
		uncharge_owner(worker);
		return PTR_ERR(worker->task);
	}
	wake_up_process(worker->task);
	/*
	 * In the thread, and not before it runs: since 6.14 a kernel thread
	 * sets its CPU mask when it starts, and would leave a cpuset.
	 */
	vha_worker_run(worker, join_cgroups, &join);
	if (join.err)
		kthread_end(worker);
	return join.err;
}

static const struct worker_kind kernel_thread_kind = {
	.start	= kthread_start,
	.wake	= kthread_wake,
	.stop	= kthread_end,
};

/* ---- life ---- */

static const struct worker_kind *choose_kind(bool fork)
{
#ifdef COMPAT_VHOST_TASK
	if (fork)
		return &owner_thread;
#endif
	return &kernel_thread_kind;
}

/*
 * The first work of a thread, in that thread: not every kind returns its task
 * to the creator. A thread that is killed before it has run anything runs this
 * too, so it is safe to wake it afterwards.
 */
static void note_thread(struct vha_work *work)
{
	struct vha_worker *worker = container_of(work, struct vha_worker,
						 arrival);

	spin_lock(&worker->thread_lock);
	worker->thread = get_task_struct(current);
	spin_unlock(&worker->thread_lock);
}

static struct vha_worker *alloc_worker(struct mm_struct *mm,
				       const struct worker_kind *kind)
{
	struct vha_worker *worker;

	worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	if (!worker)
		return NULL;
	init_llist_head(&worker->works);
	mutex_init(&worker->lock);
	spin_lock_init(&worker->thread_lock);
	vha_work_init(&worker->arrival, note_thread);
	__set_bit(VHA_WORK_QUEUED, &worker->arrival.flags);
	llist_add(&worker->arrival.node, &worker->works);
	worker->mm = mm;
	worker->kind = kind;
	return worker;
}

static void free_worker(struct vha_worker *worker)
{
	if (worker->thread)
		put_task_struct(worker->thread);
	mutex_destroy(&worker->lock);
	put_cred(worker->cred);
	kfree(worker);
}

/* Start the thread of a worker. Frees the worker on failure. */
static int start_worker(struct vha_worker *worker, const char *purpose)
{
	char name[TASK_COMM_LEN];
	int err;

	snprintf(name, sizeof(name), "vhost-%d%s%s", worker->owner,
		 purpose ? "-" : "", purpose ?: "");
	err = worker->kind->start(worker, name);
	if (!err)
		return 0;
	free_worker(worker);
	/* A signal restarts the command; report the rest as one. */
	return err == -ERESTARTNOINTR ? err : -ENOMEM;
}

/**
 * vha_worker_create() - start a thread that works for the current process
 * @mm: the current process's address space; outlives the worker
 * @fork: make it a thread of that process if the kernel supports that
 * @purpose: its purpose, or NULL
 *
 * The thread is named vhost-<pid>, as tools expect of a vhost device, followed
 * by -<purpose> as far as there is room. It is charged to the caller's cgroups.
 *
 * Return: the worker, or an ERR_PTR().
 */
struct vha_worker *vha_worker_create(struct mm_struct *mm, bool fork,
				     const char *purpose)
{
	struct vha_worker *worker;
	int err;

	worker = alloc_worker(mm, choose_kind(fork));
	if (!worker)
		return ERR_PTR(-ENOMEM);
	worker->owner = current->pid;
	worker->cred = get_current_cred();
	worker->max_processes = rlimit(RLIMIT_NPROC);
	err = start_worker(worker, purpose);
	if (err)
		return ERR_PTR(err);
	/* Until the thread is known. */
	if (vha_worker_run(worker, NULL, NULL)) {
		vha_worker_destroy(worker);
		return ERR_PTR(-ENOMEM);
	}
	return worker;
}

/**
 * vha_worker_create_sibling() - start another thread for a worker's owner
 * @worker: the worker, in whose thread this is called
 * @purpose: as for vha_worker_create()
 *
 * The new thread is of the same kind. One of the owner's process is cloned from
 * the calling thread, which is of that process too, and is not waited for: it
 * may be stopped or frozen from its start. A kernel thread joins the caller's
 * cgroups, and is charged to the owner as the caller was.
 *
 * Return: the new worker, or an ERR_PTR(): -ERESTARTNOINTR if a signal has to
 * be handled first; -ESRCH if the owner has been killed; -ENOMEM.
 */
struct vha_worker *vha_worker_create_sibling(struct vha_worker *worker,
					     const char *purpose)
{
	struct vha_worker *sibling;
	int err;

	/*
	 * The thread has taken its SIGKILL, so nothing else would keep a new
	 * one from being created, and that one would not be killed.
	 */
	if (worker->killed)
		return ERR_PTR(-ESRCH);
	sibling = alloc_worker(worker->mm, worker->kind);
	if (!sibling)
		return ERR_PTR(-ENOMEM);
	sibling->owner = worker->owner;
	sibling->cred = get_cred(worker->cred);
	sibling->max_processes = worker->max_processes;
	err = start_worker(sibling, purpose);
	/* vhost_task_create() of 6.12 does not return the reason. */
	if (err && signal_pending(current))
		err = -ERESTARTNOINTR;
	return err ? ERR_PTR(err) : sibling;
}

/* Let a work be queued again, after its node has been read. */
static void unqueue(struct vha_work *work)
{
	/* As in worker_run(). Litmus test: work-node. */
	smp_mb__before_atomic();
	clear_bit(VHA_WORK_QUEUED, &work->flags);
}

/* Drop work that will not run, so that it can be queued elsewhere. */
static void forget_works(struct vha_worker *worker)
{
	struct vha_work *work, *next;

	llist_for_each_entry_safe(work, next, llist_del_all(&worker->works),
				  node)
		unqueue(work);
}

/**
 * vha_worker_destroy() - stop the thread and free the worker
 * @worker: the worker; NULL does nothing
 *
 * No more work may be queued: every poll, retry and timer that refers to the
 * worker is stopped. Work that is still queued is dropped, and may be queued
 * elsewhere afterwards.
 */
void vha_worker_destroy(struct vha_worker *worker)
{
	if (!worker)
		return;
	worker->kind->stop(worker);
	forget_works(worker);
	free_worker(worker);
}

/**
 * vha_worker_queue() - queue a work
 * @worker: the worker that runs it; NULL drops it
 * @work: the work; queued once, however often this is called before it runs
 *
 * Any context. The run sees everything that the caller wrote before.
 */
void vha_worker_queue(struct vha_worker *worker, struct vha_work *work)
{
	if (!worker)
		return;
	/*
	 * Ordered after the caller's writes even if the bit is set already.
	 * Pairs with worker_run(). Litmus test: work-bit.
	 */
	if (test_and_set_bit(VHA_WORK_QUEUED, &work->flags))
		return;
	llist_add(&work->node, &worker->works);
	worker->kind->wake(worker);
}

/**
 * vha_worker_cancel() - take back a work that is queued
 * @worker: the worker, in whose thread this is called, by another work
 * @work: the work; nothing queues it on @worker any longer, though it may be
 *	queued on another one meanwhile
 *
 * Return: true if it was queued on @worker, and will not run.
 */
bool vha_worker_cancel(struct vha_worker *worker, struct vha_work *work)
{
	struct llist_node **link = &worker->left;

	while (*link)
		link = &(*link)->next;
	*link = llist_reverse_order(llist_del_all(&worker->works));
	for (link = &worker->left; *link; link = &(*link)->next) {
		if (*link == &work->node) {
			*link = work->node.next;
			unqueue(work);
			return true;
		}
	}
	return false;
}

/**
 * vha_worker_killed() - check whether the thread is about to end
 * @worker: the worker
 *
 * Any context.
 *
 * Return: true if the owner has been killed: no more work will run. In the
 * worker's thread: this work is among the last.
 */
bool vha_worker_killed(const struct vha_worker *worker)
{
	return READ_ONCE(worker->killed);
}

/**
 * vha_worker_busy() - check whether work is queued
 * @worker: the worker
 *
 * Called by the work that is running, in the worker's thread. It does not count
 * itself.
 *
 * Return: true if other work is queued.
 */
bool vha_worker_busy(const struct vha_worker *worker)
{
	return worker->left || !llist_empty(&worker->works);
}

static void run_call(struct vha_work *work)
{
	struct worker_call *call = container_of(work, struct worker_call, work);

	if (call->fn)
		call->fn(call->data);
	complete(&call->done);
}

/**
 * vha_worker_run() - call a function in a worker, and wait for its return
 * @worker: the worker
 * @fn: the function; NULL to call none
 * @data: its argument
 *
 * All work that was queued before has run when this returns. May sleep. The
 * caller must not hold a queue's mutex, since queued work takes it.
 *
 * Return: 0, or -ESRCH if there is no worker, or its owner has been killed.
 */
int vha_worker_run(struct vha_worker *worker, void (*fn)(void *data),
		   void *data)
{
	struct worker_call call = { .fn = fn, .data = data };

	if (!worker)
		return -ESRCH;

	vha_work_init(&call.work, run_call);
	init_completion(&call.done);

	mutex_lock(&worker->lock);
	if (worker->killed) {
		forget_works(worker);
		mutex_unlock(&worker->lock);
		return -ESRCH;
	}
	vha_worker_queue(worker, &call.work);
	mutex_unlock(&worker->lock);

	wait_for_completion(&call.done);
	return 0;
}

/**
 * vha_worker_flush() - wait until all work that was queued before has run
 * @worker: the worker; NULL returns at once
 *
 * The rules of vha_worker_run() apply.
 */
void vha_worker_flush(struct vha_worker *worker)
{
	vha_worker_run(worker, NULL, NULL);
}

/**
 * vha_worker_usage() - report what a worker has done
 * @worker: the worker
 * @ns: the pid namespace of the reader
 * @usage: filled in
 *
 * Any context that is no interrupt. The caller keeps the worker from being
 * destroyed.
 */
void vha_worker_usage(struct vha_worker *worker, struct pid_namespace *ns,
		      struct vha_worker_usage *usage)
{
	struct task_struct *thread;

	spin_lock(&worker->thread_lock);
	thread = worker->thread;
	spin_unlock(&worker->thread_lock);

	*usage = (struct vha_worker_usage){ .runs = READ_ONCE(worker->runs) };
	if (!thread)
		return;
	usage->tid = task_pid_nr_ns(thread, ns);
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

/**
 * vha_work_queued() - check whether a work waits for its worker
 * @work: the work
 *
 * Any context.
 *
 * Return: true if it was queued, and its worker has not begun to run it.
 */
bool vha_work_queued(const struct vha_work *work)
{
	return test_bit(VHA_WORK_QUEUED, &work->flags);
}
