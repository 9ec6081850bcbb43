// SPDX-License-Identifier: GPL-2.0-only
/* Causes that lie in the scheduling of the workers */
#include <sched.h>
#include <unistd.h>

#include "diagnose.h"

/* Percent of the interval: below that, a thread does not hinder another one. */
#define MUCH		20
/* Percent of one CPU */
#define CPU_BOUND	90
/* Percent of the interval that a worker waits, or its cgroup is throttled */
#define SOME_WAIT	2
#define SOME_THROTTLE	10

/* A worker in both samples */
struct worker_view {
	struct diagnosis *d;
	const struct worker *worker;
	const struct host_task *before, *now;
	double ran, waited;	/* percent of the interval */
};

static double share(const struct diagnosis *d, __u64 then, __u64 now)
{
	return now > then ? (now - then) / 1e9 / d->seconds * 100 : 0;
}

static bool find_throttling(const struct worker_view *v)
{
	const struct host_cgroup *a = &v->d->before->cgroup;
	const struct host_cgroup *b = &v->d->now->cgroup;
	double ms = (b->throttled_us - a->throttled_us) / 1e3;

	if (a->why || b->why || b->throttled <= a->throttled ||
	    (v->waited < SOME_WAIT &&
	     ms / 10 < SOME_THROTTLE * v->d->seconds))
		return false;
	add_finding(v->d, NULL, "worker_throttled", true,
		    "worker %u waited %.0f %% of the time: its cgroup %s may use %.0f %% of a CPU and was throttled %llu times, for %.0f ms; raise cpu.max there",
		    v->worker->id, v->waited, b->limited,
		    b->period_us ? 100.0 * b->quota_us / b->period_us : 0,
		    b->throttled - a->throttled, ms);
	return true;
}

static const char *real_time(unsigned int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR ?
		       ", with real-time priority" : "";
}

static const struct host_thread *competitor(const struct worker_view *v,
					    bool others, double *used)
{
	const struct host_thread *top;

	top = host_load_top(&(struct host_load_query){
		.then = &v->d->first->load,
		.now = &v->d->last->load,
		.seconds = v->d->seconds,
		.cpu = v->now->cpu,
		.tid = v->worker->tid,
		.pid = v->d->now->dev->pid,
		.others = others,
	}, used);
	return *used >= MUCH ? top : NULL;
}

/* A worker and a vCPU that share the only CPU there is cannot be moved. */
static bool find_competitor(const struct worker_view *v)
{
	const struct host_thread *top;
	double used;

	if (v->waited < MUCH)
		return false;
	top = competitor(v, true, &used);
	if (top) {
		add_finding(v->d, NULL, "worker_starved", true,
			    "worker %u waited %.0f %% of the time for CPU %d: %s (thread %u of process %u) used %.0f %% of it%s; move one of them to another CPU",
			    v->worker->id, v->waited, v->now->cpu,
			    top->task.name, top->tid, top->pid, used,
			    real_time(top->task.policy));
		return true;
	}
	top = competitor(v, false, &used);
	if (!top || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return false;
	add_finding(v->d, NULL, "worker_on_vcpu", true,
		    "worker %u waited %.0f %% of the time for CPU %d, of which the VMM's own thread %u (%s) used %.0f %%: it may run on CPU %s; give workers and vCPUs different CPUs",
		    v->worker->id, v->waited, v->now->cpu, top->tid,
		    top->task.name, used, v->now->cpus);
	return true;
}

/* Packets that other devices of the same owner moved */
static __u64 moved_by_siblings(const struct diagnosis *d, unsigned int *n)
{
	const struct device *then, *now;
	__u64 sum = 0;
	unsigned int i, q;

	*n = 0;
	for (i = 0; i < d->last->snap.ndev; i++) {
		now = &d->last->snap.dev[i];
		then = snapshot_device(&d->first->snap, now->id);
		if (now == d->now->dev || now->pid != d->now->dev->pid || !then)
			continue;
		++*n;
		for (q = 0; q < now->nqueues && q < then->nqueues; q++)
			sum += counter_delta(&then->queue[q], &now->queue[q],
					     VHOST_ALT_COUNTER_PACKETS);
	}
	return sum;
}

static __u64 moved(const struct diagnosis *d)
{
	return delta_of_all(d, true, VHOST_ALT_COUNTER_PACKETS) +
	       delta_of_all(d, false, VHOST_ALT_COUNTER_PACKETS);
}

/* Both directions keep one worker busy, and cut each other's runs short. */
static bool shares_worker(const struct worker_view *v)
{
	const struct device *dev = v->d->now->dev;
	unsigned int i, n = 0;

	for (i = 0; i < dev->nqueues; i++)
		n += dev->queue[i].has_worker &&
		     dev->queue[i].worker == v->worker->id;
	return n > 1 &&
	       delta_of_all(v->d, true, VHOST_ALT_COUNTER_PACKETS) &&
	       delta_of_all(v->d, false, VHOST_ALT_COUNTER_PACKETS);
}

/* Busy polling uses the time that no load needs. */
static double polled(const struct worker_view *v)
{
	const struct device *then = v->d->before->dev, *now = v->d->now->dev;
	unsigned int i;
	__u64 ns = 0;

	for (i = 0; i < now->nqueues && i < then->nqueues; i++)
		if (now->queue[i].worker == v->worker->id)
			ns += counter_delta(&then->queue[i], &now->queue[i],
					    VHOST_ALT_COUNTER_BUSY_NS);
	return share(v->d, 0, ns);
}

/* What single packets cost is reported as such. */
static bool serves_single_packets(const struct worker_view *v)
{
	unsigned int i;

	for (i = 0; i < queues_in_both(v->d); i++) {
		struct comparison c = compare_queue(v->d, i);

		if (c.q->worker == v->worker->id && takes_single_packets(&c))
			return true;
	}
	return false;
}

/* A queue that is kept waiting names the cause, and the one that is busy. */
static void find_limit(const struct worker_view *v)
{
	double used = v->ran - polled(v);
	char advice[SPLITTING_LEN];
	unsigned int pairs;
	__u64 others;

	if (find_starved_queue(v->d, v->worker->id, used) ||
	    used < CPU_BOUND || serves_single_packets(v))
		return;
	others = moved_by_siblings(v->d, &pairs);
	if (pairs && others < moved(v->d) / 10)
		add_finding(v->d, NULL, "one_pair_busy", true,
			    "worker %u uses %.0f %% of a CPU and moved %llu packets, while the owner's %u other queue pairs moved %llu: the load is one flow, or the guest does not spread it (ethtool -L and -X in the guest)",
			    v->worker->id, v->ran, moved(v->d), pairs, others);
	else if (shares_worker(v))
		add_finding(v->d, NULL, "cpu_bound", true,
			    "worker %u uses %.0f %% of a CPU for both directions, whose runs were cut short %llu times: %s, or add queues (queues=)",
			    v->worker->id, v->ran,
			    delta_of_all(v->d, true, VHOST_ALT_COUNTER_WEIGHT) +
			    delta_of_all(v->d, false,
					 VHOST_ALT_COUNTER_WEIGHT),
			    splitting(advice, v->d->now));
	else
		add_finding(v->d, NULL, "cpu_bound", true,
			    "worker %u uses %.0f %% of a CPU: spread the load over more queues (queues=)",
			    v->worker->id, v->ran);
}

/* The queue was told to run in both samples, and has not. */
static bool is_stuck(const struct queue_sample *a, const struct queue_sample *b,
		     __u32 worker)
{
	return a->queue->state & b->queue->state & VHOST_ALT_QUEUE_QUEUED &&
	       b->queue->worker == worker &&
	       a->queue->counter[VHOST_ALT_COUNTER_RUNS] ==
	       b->queue->counter[VHOST_ALT_COUNTER_RUNS];
}

static void find_stuck(const struct worker_view *v)
{
	const struct diagnosis *d = v->d;
	const struct queue_sample *q;
	unsigned int i;

	for (i = 0; i < d->now->dev->nqueues; i++) {
		q = &d->now->queue[i];
		if (!is_stuck(&d->before->queue[i], q, v->worker->id))
			continue;
		v->d->starved = true;
		add_finding(v->d, NULL, "worker_stuck", true,
			    "worker %u (thread %u) was told to run and has not for %.1f s: it is in state %c; cat /proc/%u/stack shows what it waits for",
			    v->worker->id, v->worker->tid,
			    q->queue->last_run / 1e3, v->now->state,
			    v->worker->tid);
		return;
	}
}

static void judge(const struct worker_view *v)
{
	if (find_throttling(v) || find_competitor(v)) {
		v->d->starved = true;
		return;
	}
	find_far_worker(v->d, v->worker, v->ran - polled(v));
	find_limit(v);
	find_stuck(v);
}

void causes_of_scheduler(struct diagnosis *d)
{
	const struct device *dev = d->now->dev;
	unsigned int i;

	for (i = 0; i < dev->nworkers && !d->owner_stopped; i++) {
		struct worker_view v = {
			.d = d,
			.worker = &dev->worker[i],
			.before = &d->before->worker[i],
			.now = &d->now->worker[i],
			.ran = worker_cpu(d->before->dev, dev,
					  dev->worker[i].id, d->seconds),
		};

		if (!v.before->why && !v.now->why)
			v.waited = share(d, v.before->waited_ns,
					 v.now->waited_ns);
		judge(&v);
	}
}
