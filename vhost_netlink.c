// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink family: the state and counters of all open devices. A request
 * reads published state under spinlocks, and never waits for a device's owner
 * or worker. Most of this state is single words, which may change at any time.
 */
#include <linux/nospec.h>
#include <linux/pid_namespace.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "vhost_core.h"
#include "vhost_list.h"
#include "vhost_netlink.h"
#include "vhost_sharing.h"

/* Entries of a ring that are shown by default. */
#define RING_COUNT_DEFAULT	16

/* Room for a device with as many workers as there can be. */
#define DEV_MSG_SIZE		8192

/*
 * Room for all entries of both kinds, available ones with all descriptors.
 */
#define RING_MSG_SIZE							\
	(NLMSG_GOODSIZE + VHA_RING_SNAPSHOT_ENTRIES *			\
	 (VHA_RING_SNAPSHOT_DESCS * 64 + 2 * 64))

static struct genl_family family;

/* ---- messages ---- */

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, VHOST_ALT_A_PAD);
}

/*
 * Say which device a message is about. @ns is the pid namespace of the reader,
 * or NULL if there may be several: a pid that a reader could misread is left
 * out.
 */
static int put_dev_name(struct sk_buff *skb, const struct vha_dev *dev,
			struct pid_namespace *ns)
{
	u32 pid;

	lockdep_assert_held(&dev->show_lock);
	if (nla_put_u32(skb, VHOST_ALT_A_DEV_ID, dev->id))
		return -EMSGSIZE;
	if (!dev->pid)
		return 0;
	pid = ns ? pid_nr_ns(dev->pid, ns) : 0;
	if (pid && nla_put_u32(skb, VHOST_ALT_A_PID, pid))
		return -EMSGSIZE;
	return nla_put_string(skb, VHOST_ALT_A_COMM, dev->comm);
}

static int put_queue_name(struct sk_buff *skb, struct vha_queue *q)
{
	struct vha_queue_backend backend;
	int err;

	spin_lock(&q->show_lock);
	backend = q->backend;
	spin_unlock(&q->show_lock);

	err = nla_put_u32(skb, VHOST_ALT_A_QUEUE, q->index) ?:
	      nla_put_string(skb, VHOST_ALT_A_QUEUE_NAME, q->name);
	if (!err && *backend.name)
		err = nla_put_string(skb, VHOST_ALT_A_IFNAME, backend.name);
	if (!err && backend.index)
		err = nla_put_u32(skb, VHOST_ALT_A_IFINDEX, backend.index);
	return err;
}

static int put_worker(struct sk_buff *skb, u32 id, struct vha_worker *worker,
		      struct pid_namespace *ns)
{
	struct vha_worker_usage usage;
	struct nlattr *nest;
	int err;

	vha_worker_usage(worker, ns, &usage);
	nest = nla_nest_start(skb, VHOST_ALT_A_WORKER);
	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, VHOST_ALT_WORKER_ID, id) ?:
	      (usage.tid ? nla_put_u32(skb, VHOST_ALT_WORKER_TID, usage.tid) :
			   0) ?:
	      nla_put_u64_64bit(skb, VHOST_ALT_WORKER_RUNS, usage.runs,
				VHOST_ALT_WORKER_PAD) ?:
	      nla_put_u64_64bit(skb, VHOST_ALT_WORKER_RUNTIME, usage.runtime,
				VHOST_ALT_WORKER_PAD) ?:
	      nla_put_u32(skb, VHOST_ALT_WORKER_CPU, usage.cpu);
	nla_nest_end(skb, nest);
	return err;
}

/* How many workers serve the queues, how many will, if the owner decides. */
static int put_sharing(struct sk_buff *skb, const struct vha_dev *dev)
{
	unsigned int workers = vha_sharing_workers(dev);
	unsigned int pending = vha_sharing_pending(dev);

	if (workers && nla_put_u32(skb, VHOST_ALT_A_WORKERS, workers))
		return -EMSGSIZE;
	if (pending && nla_put_u32(skb, VHOST_ALT_A_WORKERS_PENDING, pending))
		return -EMSGSIZE;
	if (dev->sharing.managed &&
	    nla_put_flag(skb, VHOST_ALT_A_WORKERS_MANAGED))
		return -EMSGSIZE;
	return 0;
}

static int put_dev_locked(struct sk_buff *skb, struct vha_dev *dev,
			  struct pid_namespace *ns)
{
	const u64 *features = dev->queues[0]->features;
	struct vha_worker *worker;
	unsigned long id;
	int err;

	lockdep_assert_held(&dev->show_lock);
	err = put_dev_name(skb, dev, ns) ?:
	      put_u64(skb, VHOST_ALT_A_FEATURES, READ_ONCE(features[0])) ?:
	      put_u64(skb, VHOST_ALT_A_FEATURES_HI, READ_ONCE(features[1])) ?:
	      put_u64(skb, VHOST_ALT_A_BACKEND_FEATURES,
		      READ_ONCE(dev->backend_features)) ?:
	      nla_put_u32(skb, VHOST_ALT_A_REGIONS,
			  dev->memory ? dev->memory->count : 0) ?:
	      nla_put_u32(skb, VHOST_ALT_A_QUEUES, dev->nqueues) ?:
	      put_sharing(skb, dev);
	if (!err && dev->iotlb)
		err = nla_put_u32(skb, VHOST_ALT_A_IOTLB_ENTRIES,
				  READ_ONCE(dev->iotlb->count));
	xa_for_each(&dev->workers, id, worker) {
		if (!err)
			err = put_worker(skb, id, worker, ns);
	}
	return err;
}

static int put_dev(struct sk_buff *skb, struct vha_dev *dev)
{
	int err;

	spin_lock(&dev->show_lock);
	err = put_dev_locked(skb, dev, task_active_pid_ns(current));
	spin_unlock(&dev->show_lock);
	return err;
}

static u32 queue_state(const struct vha_queue *q)
{
	u32 state = 0;

	if (READ_ONCE(q->running))
		state |= VHOST_ALT_QUEUE_RUNNING;
	if (READ_ONCE(q->broken))
		state |= VHOST_ALT_QUEUE_BROKEN;
	if (READ_ONCE(q->faulted))
		state |= VHOST_ALT_QUEUE_FAULTED;
	if (READ_ONCE(q->ring.event_idx))
		state |= VHOST_ALT_QUEUE_EVENT_IDX;
	if (READ_ONCE(q->ring.notify_off))
		state |= VHOST_ALT_QUEUE_NOTIFY_OFF;
	if (vha_miss_pending(&q->miss))
		state |= VHOST_ALT_QUEUE_IOTLB_MISS;
	if (READ_ONCE(q->kick))
		state |= VHOST_ALT_QUEUE_KICK;
	if (READ_ONCE(q->call))
		state |= VHOST_ALT_QUEUE_CALL;
	if (vha_work_queued(&q->work))
		state |= VHOST_ALT_QUEUE_QUEUED;
	return state;
}

static int put_addresses(struct sk_buff *skb, const struct vha_queue *q)
{
	const u64 *addr = q->ring.addr;

	return put_u64(skb, VHOST_ALT_A_DESC_ADDR,
		       READ_ONCE(addr[VHA_RING_DESC])) ?:
	       put_u64(skb, VHOST_ALT_A_AVAIL_ADDR,
		       READ_ONCE(addr[VHA_RING_AVAIL])) ?:
	       put_u64(skb, VHOST_ALT_A_USED_ADDR,
		       READ_ONCE(addr[VHA_RING_USED]));
}

static int put_counters(struct sk_buff *skb, const struct vha_stats_view *view)
{
	struct nlattr *nest = nla_nest_start(skb, VHOST_ALT_A_COUNTERS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = VHOST_ALT_COUNTER_PAD + 1; i <= VHOST_ALT_COUNTER_MAX; i++) {
		if (nla_put_u64_64bit(skb, i, vha_stats_counter(view, i),
				      VHOST_ALT_COUNTER_PAD))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int put_drops(struct sk_buff *skb, const struct vha_stats_view *view)
{
	struct nlattr *nest = nla_nest_start(skb, VHOST_ALT_A_DROPS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = VHOST_ALT_DROP_PAD + 1; i <= VHOST_ALT_DROP_MAX; i++) {
		if (nla_put_u64_64bit(skb, i, vha_stats_drops(view, i),
				      VHOST_ALT_DROP_PAD))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int put_batch_sizes(struct sk_buff *skb,
			   const struct vha_stats_view *view)
{
	struct nlattr *nest = nla_nest_start(skb, VHOST_ALT_A_BATCH_SIZES);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	/* Attributes count from 1; 0 is padding. */
	for (i = 0; i < VHA_BATCH_SIZES; i++) {
		if (nla_put_u64_64bit(skb, i + 1, vha_stats_batches(view, i),
				      0))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/* The id of the worker that serves @q, or -1. */
static int worker_id(const struct vha_queue *q)
{
	const struct vha_worker *serves = READ_ONCE(q->worker);
	struct vha_worker *worker;
	unsigned long id;

	lockdep_assert_held(&q->dev->show_lock);
	xa_for_each(&q->dev->workers, id, worker) {
		if (worker == serves)
			return id;
	}
	return -1;
}

/* Put what the device's show_lock protects. */
static int put_queue_owner(struct sk_buff *skb, struct vha_queue *q)
{
	int err, id;

	spin_lock(&q->dev->show_lock);
	err = put_dev_name(skb, q->dev, task_active_pid_ns(current));
	id = worker_id(q);
	spin_unlock(&q->dev->show_lock);
	if (!err && id >= 0)
		err = nla_put_u32(skb, VHOST_ALT_A_WORKER_ID, id);
	return err;
}

static int put_indices(struct sk_buff *skb, const struct vha_queue *q)
{
	struct vha_ring_indices at;
	int err;

	vha_ring_indices(&q->ring, &at);
	err = nla_put_u32(skb, VHOST_ALT_A_LAST_AVAIL, at.last_avail) ?:
	      nla_put_u32(skb, VHOST_ALT_A_AVAIL_IDX, at.avail_idx) ?:
	      nla_put_u32(skb, VHOST_ALT_A_LAST_USED, at.last_used);
	if (err || !at.has_wraps)
		return err;
	return nla_put_u32(skb, VHOST_ALT_A_AVAIL_WRAP, at.avail_wrap) ?:
	       nla_put_u32(skb, VHOST_ALT_A_USED_WRAP, at.used_wrap);
}

static int put_last_run(struct sk_buff *skb, const struct vha_queue *q)
{
	unsigned long last = READ_ONCE(q->last_run);

	if (!last)
		return 0;
	return put_u64(skb, VHOST_ALT_A_LAST_RUN,
		       jiffies64_to_msecs(jiffies - last));
}

static int put_stats(struct sk_buff *skb, struct vha_queue *q)
{
	struct vha_stats_view view;
	int err;

	spin_lock(&q->show_lock);
	view = vha_queue_stats(q);
	err = put_counters(skb, &view) ?: put_drops(skb, &view) ?:
					  put_batch_sizes(skb, &view);
	spin_unlock(&q->show_lock);
	return err;
}

static int put_time(struct sk_buff *skb, int attr, const u32 *time)
{
	u32 us = READ_ONCE(*time);

	return us == VHA_TIME_DEFAULT ? 0 : nla_put_u32(skb, attr, us);
}

/* What VHOST_ALT_CMD_QUEUE_SET sets. */
static int put_settings(struct sk_buff *skb, const struct vha_queue *q)
{
	return nla_put_u32(skb, VHOST_ALT_A_BUSYLOOP, READ_ONCE(q->busyloop)) ?:
	       put_time(skb, VHOST_ALT_A_MODERATION, &q->moderation) ?:
	       put_time(skb, VHOST_ALT_A_ADAPTIVE_POLL, &q->adaptive_poll);
}

static int put_queue(struct sk_buff *skb, struct vha_queue *q, bool admin)
{
	int err;

	err = put_queue_owner(skb, q) ?:
	      put_queue_name(skb, q) ?:
	      nla_put_u32(skb, VHOST_ALT_A_SIZE, READ_ONCE(q->ring.num)) ?:
	      nla_put_string(skb, VHOST_ALT_A_LAYOUT,
			     vha_ring_layout(&q->ring)) ?:
	      nla_put_u32(skb, VHOST_ALT_A_STATE, queue_state(q)) ?:
	      put_settings(skb, q) ?:
	      put_indices(skb, q) ?:
	      put_last_run(skb, q);
	if (!err && admin)
		err = put_addresses(skb, q);
	return err ?: put_stats(skb, q);
}

/* ---- access ---- */

/*
 * CAP_NET_ADMIN in the device's namespace; once that is gone, in the initial
 * one.
 */
static bool is_admin(struct sk_buff *request, struct vha_dev *dev)
{
	struct net *net = vha_list_get_net(dev);
	bool admin;

	admin = netlink_ns_capable(request,
				   net ? net->user_ns : &init_user_ns,
				   CAP_NET_ADMIN);
	if (net)
		put_net(net);
	return admin;
}

/* The device that a request names, for vha_list_put(), or an ERR_PTR(). */
static struct vha_dev *get_named_dev(struct genl_info *info)
{
	struct nlattr *id = info->attrs[VHOST_ALT_A_DEV_ID];
	struct vha_dev *dev;

	if (GENL_REQ_ATTR_CHECK(info, VHOST_ALT_A_DEV_ID))
		return ERR_PTR(-EINVAL);
	dev = vha_list_get(nla_get_u32(id), genl_info_net(info));
	if (!dev) {
		NL_SET_BAD_ATTR(info->extack, id);
		return ERR_PTR(-ENODEV);
	}
	return dev;
}

static struct vha_queue *find_queue(struct vha_dev *dev,
				    struct genl_info *info)
{
	u32 index;

	if (GENL_REQ_ATTR_CHECK(info, VHOST_ALT_A_QUEUE))
		return ERR_PTR(-EINVAL);
	index = nla_get_u32(info->attrs[VHOST_ALT_A_QUEUE]);
	if (index >= dev->nqueues) {
		NL_SET_BAD_ATTR(info->extack, info->attrs[VHOST_ALT_A_QUEUE]);
		return ERR_PTR(-ENOBUFS);
	}
	return dev->queues[array_index_nospec(index, dev->nqueues)];
}

/* ---- one device, one queue ---- */

static int answer(struct genl_info *info, struct sk_buff *skb, void *head,
		  int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, head);
	return genlmsg_reply(skb, info);
}

static int get_dev(struct sk_buff *request, struct genl_info *info)
{
	struct sk_buff *skb;
	struct vha_dev *dev;
	void *head;
	int err;

	skb = genlmsg_new(DEV_MSG_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	head = genlmsg_put_reply(skb, info, &family, 0, VHOST_ALT_CMD_DEV_GET);

	dev = get_named_dev(info);
	err = PTR_ERR_OR_ZERO(dev);
	if (!err) {
		err = put_dev(skb, dev);
		vha_list_put(dev);
	}
	return answer(info, skb, head, err);
}

static int get_queue(struct sk_buff *request, struct genl_info *info)
{
	struct vha_queue *q;
	struct sk_buff *skb;
	struct vha_dev *dev;
	void *head;
	int err;

	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	head = genlmsg_put_reply(skb, info, &family, 0,
				 VHOST_ALT_CMD_QUEUE_GET);

	dev = get_named_dev(info);
	err = PTR_ERR_OR_ZERO(dev);
	if (!err) {
		q = find_queue(dev, info);
		err = PTR_ERR_OR_ZERO(q);
		if (!err)
			err = put_queue(skb, q, is_admin(request, dev));
		vha_list_put(dev);
	}
	return answer(info, skb, head, err);
}

/* ---- requests that change a device ---- */

/* Find the queue that a request names; NULL if it is about all queues. */
static struct vha_queue *find_queue_or_all(struct vha_dev *dev,
					   struct genl_info *info)
{
	return info->attrs[VHOST_ALT_A_QUEUE] ? find_queue(dev, info) : NULL;
}

/* Have @change do what a request asks for, if the caller may do that. */
static int change_dev(struct sk_buff *request, struct genl_info *info,
		      int (*change)(struct vha_dev *dev,
				    struct genl_info *info))
{
	struct vha_dev *dev = get_named_dev(info);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = is_admin(request, dev) ? change(dev, info) : -EPERM;
	vha_list_put(dev);
	return err;
}

static int reset_stats_of(struct vha_dev *dev, struct genl_info *info)
{
	struct vha_queue *q = find_queue_or_all(dev, info);
	unsigned int i;

	if (IS_ERR(q))
		return PTR_ERR(q);
	for (i = 0; i < dev->nqueues; i++) {
		if (!q || q == dev->queues[i])
			vha_queue_reset_stats(dev->queues[i]);
	}
	return 0;
}

static int reset_stats(struct sk_buff *request, struct genl_info *info)
{
	return change_dev(request, info, reset_stats_of);
}

/* ---- the contents of a ring ---- */

static int put_desc(struct sk_buff *skb,
		    const struct vha_ring_snapshot_desc *desc)
{
	struct nlattr *nest = nla_nest_start(skb, VHOST_ALT_ENTRY_DESC);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, VHOST_ALT_DESC_INDEX, desc->index) ?:
	      nla_put_u64_64bit(skb, VHOST_ALT_DESC_ADDR, desc->addr,
				VHOST_ALT_DESC_PAD) ?:
	      nla_put_u32(skb, VHOST_ALT_DESC_LEN, desc->len) ?:
	      nla_put_u32(skb, VHOST_ALT_DESC_FLAGS, desc->flags);
	if (!err && desc->has_next)
		err = nla_put_u32(skb, VHOST_ALT_DESC_NEXT, desc->next);
	nla_nest_end(skb, nest);
	return err;
}

static int put_entry(struct sk_buff *skb, int attr,
		     const struct vha_ring_snapshot_entry *entry)
{
	struct nlattr *nest = nla_nest_start(skb, attr);
	unsigned int i;
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, VHOST_ALT_ENTRY_INDEX, entry->index) ?:
	      nla_put_u32(skb, VHOST_ALT_ENTRY_ID, entry->id);
	if (!err && attr == VHOST_ALT_A_RING_USED)
		err = nla_put_u32(skb, VHOST_ALT_ENTRY_LEN, entry->len);
	for (i = 0; !err && i < entry->ndescs; i++)
		err = put_desc(skb, &entry->descs[i]);
	nla_nest_end(skb, nest);
	return err;
}

static int put_ring(struct sk_buff *skb, const struct vha_ring_snapshot *snap)
{
	unsigned int i;
	int err;

	err = nla_put_u32(skb, VHOST_ALT_A_RING_AVAIL_FLAGS,
			  snap->avail_flags) ?:
	      nla_put_u32(skb, VHOST_ALT_A_RING_USED_FLAGS, snap->used_flags);
	if (!err && snap->has_idx)
		err = nla_put_u32(skb, VHOST_ALT_A_RING_AVAIL_IDX,
				  snap->avail_idx) ?:
		      nla_put_u32(skb, VHOST_ALT_A_RING_USED_IDX,
				  snap->used_idx);
	if (!err && snap->event_idx)
		err = nla_put_u32(skb, VHOST_ALT_A_RING_USED_EVENT,
				  snap->used_event) ?:
		      nla_put_u32(skb, VHOST_ALT_A_RING_AVAIL_EVENT,
				  snap->avail_event);
	for (i = 0; !err && i < snap->navail; i++)
		err = put_entry(skb, VHOST_ALT_A_RING_AVAIL, &snap->avail[i]);
	for (i = 0; !err && i < snap->nused; i++)
		err = put_entry(skb, VHOST_ALT_A_RING_USED, &snap->used[i]);
	return err;
}

/*
 * Copy the ring without its worker, and without waiting for the owner. The
 * device's mutex keeps the ring's maps and addresses as they are. It is only
 * tried once, since its holder may be stopped.
 */
static int take_snapshot(struct vha_queue *q, struct vha_ring_snapshot *snap)
{
	struct vha_dev *dev = q->dev;
	int err;

	if (!mutex_trylock(&dev->mutex))
		return -EBUSY;
	err = dev->mm ? vha_ring_snapshot(&q->ring, dev->mm, snap) : -EINVAL;
	mutex_unlock(&dev->mutex);
	return err;
}

static int put_snapshot(struct sk_buff *skb, struct vha_queue *q,
			const struct vha_ring_snapshot *snap)
{
	int err;

	spin_lock(&q->dev->show_lock);
	err = put_dev_name(skb, q->dev, task_active_pid_ns(current));
	spin_unlock(&q->dev->show_lock);
	return err ?: put_queue_name(skb, q) ?:
		      nla_put_u32(skb, VHOST_ALT_A_SIZE, snap->size) ?:
		      nla_put_string(skb, VHOST_ALT_A_LAYOUT, snap->layout) ?:
		      put_ring(skb, snap);
}

static int answer_ring(struct genl_info *info, struct vha_queue *q,
		       struct vha_ring_snapshot *snap)
{
	struct sk_buff *skb;
	void *head;
	int err;

	err = take_snapshot(q, snap);
	if (err)
		return err;
	skb = genlmsg_new(RING_MSG_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	head = genlmsg_put_reply(skb, info, &family, 0, VHOST_ALT_CMD_RING_GET);
	return answer(info, skb, head, put_snapshot(skb, q, snap));
}

static int get_ring_of(struct vha_dev *dev, struct genl_info *info)
{
	struct nlattr *count = info->attrs[VHOST_ALT_A_RING_COUNT];
	struct vha_queue *q = find_queue(dev, info);
	struct vha_ring_snapshot *snap;
	int err;

	if (IS_ERR(q))
		return PTR_ERR(q);
	snap = kvzalloc(sizeof(*snap), GFP_KERNEL_ACCOUNT);
	if (!snap)
		return -ENOMEM;
	snap->count = count ? nla_get_u32(count) : RING_COUNT_DEFAULT;
	err = answer_ring(info, q, snap);
	kvfree(snap);
	return err;
}

static int get_ring(struct sk_buff *request, struct genl_info *info)
{
	struct vha_dev *dev = get_named_dev(info);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = is_admin(request, dev) ? get_ring_of(dev, info) : -EPERM;
	vha_list_put(dev);
	return err;
}

/* ---- dumps ---- */

/*
 * Put @dev, or its queues from number *@queue on, each in a message of its own.
 */
typedef int (*dump_fn)(struct sk_buff *skb, struct netlink_callback *cb,
		       struct vha_dev *dev, unsigned long *queue);

static void *dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				 cb->nlh->nlmsg_seq, &family, NLM_F_MULTI, cmd);

	if (head)
		genl_dump_check_consistent(cb, head);
	return head;
}

static int dump_dev(struct sk_buff *skb, struct netlink_callback *cb,
		    struct vha_dev *dev, unsigned long *queue)
{
	void *head = dump_put(skb, cb, VHOST_ALT_CMD_DEV_GET);

	if (!head)
		return -EMSGSIZE;
	if (put_dev(skb, dev)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

static int dump_queue(struct sk_buff *skb, struct netlink_callback *cb,
		      struct vha_queue *q)
{
	void *head = dump_put(skb, cb, VHOST_ALT_CMD_QUEUE_GET);
	int err;

	if (!head)
		return -EMSGSIZE;
	err = put_queue(skb, q, is_admin(cb->skb, q->dev));
	if (err) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

static int dump_queues(struct sk_buff *skb, struct netlink_callback *cb,
		       struct vha_dev *dev, unsigned long *queue)
{
	for (; *queue < dev->nqueues; ++*queue) {
		if (dump_queue(skb, cb, dev->queues[*queue]))
			return -EMSGSIZE;
	}
	*queue = 0;
	return 0;
}

/* cb->args: the id of the device to continue with, and its queue. */
static int dump(struct sk_buff *skb, struct netlink_callback *cb, u32 only,
		dump_fn fn)
{
	unsigned long id = max_t(unsigned long, cb->args[0], only);
	const struct net *net = sock_net(cb->skb->sk);
	struct vha_dev *dev;
	int err = 0;

	cb->seq = vha_list_generation();
	for (; !err && (dev = vha_list_get_next(&id, net)); id++) {
		/* The device where the last call ended may be gone. */
		if (cb->args[0] != id)
			cb->args[1] = 0;
		cb->args[0] = id;
		if (!only || id == only)
			err = fn(skb, cb, dev, (unsigned long *)&cb->args[1]);
		vha_list_put(dev);
		if (only)
			break;
	}
	if (!err)
		cb->args[0] = LONG_MAX;
	return skb->len ?: err;
}

static int dump_all_devs(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, 0, dump_dev);
}

static int dump_all_queues(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr *id = compat_genl_dump_attrs(cb)[VHOST_ALT_A_DEV_ID];

	return dump(skb, cb, id ? nla_get_u32(id) : 0, dump_queues);
}

/* ---- notifications ---- */

/**
 * struct event - what listeners are told
 * @what: a VHOST_ALT_CMD_*_NTF
 * @dev: the device
 * @q: the queue, or NULL for an event of the device
 * @err: the errno of a request that failed, or 0
 */
struct event {
	enum vhost_alt_cmd what;
	struct vha_dev *dev;
	struct vha_queue *q;
	int err;
};

static int put_event(struct sk_buff *skb, const struct event *ev)
{
	int err;

	spin_lock(&ev->dev->show_lock);
	err = put_dev_name(skb, ev->dev, NULL);
	if (!err && ev->what == VHOST_ALT_CMD_WORKERS_CHANGED_NTF)
		err = put_sharing(skb, ev->dev);
	spin_unlock(&ev->dev->show_lock);
	if (!err && ev->q)
		err = put_queue_name(skb, ev->q);
	if (!err && ev->what == VHOST_ALT_CMD_QUEUE_CHANGED_NTF)
		err = put_settings(skb, ev->q);
	if (!err && ev->err)
		err = nla_put_u32(skb, VHOST_ALT_A_ERROR, ev->err);
	return err;
}

static void notify_in(struct net *net, const struct event *ev)
{
	struct sk_buff *skb;
	void *head;

	if (!genl_has_listeners(&family, net, 0))
		return;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	head = genlmsg_put(skb, 0, 0, &family, 0, ev->what);
	if (!head || put_event(skb, ev)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	genlmsg_multicast_netns(&family, net, skb, 0, 0, GFP_KERNEL);
}

/* Tell listeners in the initial network namespace and in the device's. */
static void notify_event(const struct event *ev)
{
	struct net *net = vha_list_get_net(ev->dev);

	notify_in(&init_net, ev);
	if (!net)
		return;
	if (!net_eq(net, &init_net))
		notify_in(net, ev);
	put_net(net);
}

static void notify(struct vha_dev *dev, struct vha_queue *q,
		   enum vhost_alt_cmd what)
{
	const struct event ev = { .what = what, .dev = dev, .q = q };

	notify_event(&ev);
}

/**
 * vha_netlink_notify() - tell listeners about an event
 * @dev: the device
 * @q: the queue, with its mutex held, or NULL for an event of the device
 * @what: a VHOST_ALT_CMD_*_NTF
 */
void vha_netlink_notify(struct vha_dev *dev, struct vha_queue *q,
			enum vhost_alt_cmd what)
{
	if (q)
		lockdep_assert_held(&q->mutex);
	notify(dev, q, what);
}

/**
 * vha_netlink_report_workers() - tell listeners how queues share workers
 * @dev: the device
 * @err: 0 after a change; the negative errno of a request that failed
 */
void vha_netlink_report_workers(struct vha_dev *dev, int err)
{
	const struct event ev = {
		.what	= VHOST_ALT_CMD_WORKERS_CHANGED_NTF,
		.dev	= dev,
		.err	= -err,
	};

	notify_event(&ev);
}

/* ---- settings of queues ---- */

/* A time of a queue's own, or its default: two attributes. */
struct setting {
	u16 time;
	u16 unset;
};

static const struct setting moderation = {
	VHOST_ALT_A_MODERATION, VHOST_ALT_A_MODERATION_DEFAULT,
};

static const struct setting adaptive_poll = {
	VHOST_ALT_A_ADAPTIVE_POLL, VHOST_ALT_A_ADAPTIVE_POLL_DEFAULT,
};

static struct nlattr *find_setting(struct genl_info *info,
				   const struct setting *s)
{
	return info->attrs[s->time] ?: info->attrs[s->unset];
}

static int check_setting(struct genl_info *info, const struct setting *s)
{
	if (!info->attrs[s->time] || !info->attrs[s->unset])
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[s->unset],
			    "either a time or the default");
	return -EINVAL;
}

/* Check a request. @q is the queue it is about; NULL: all of the device. */
static int check_settings(struct genl_info *info, const struct vha_queue *q)
{
	struct nlattr *moderate = find_setting(info, &moderation);
	int err;

	if (!info->attrs[VHOST_ALT_A_BUSYLOOP] && !moderate &&
	    !find_setting(info, &adaptive_poll)) {
		GENL_SET_ERR_MSG(info, "nothing to set");
		return -EINVAL;
	}
	err = check_setting(info, &moderation) ?:
	      check_setting(info, &adaptive_poll);
	if (!err && q && !q->moderated && moderate) {
		NL_SET_ERR_MSG_ATTR(info->extack, moderate,
				    "only receive queues let packets gather");
		err = -EOPNOTSUPP;
	}
	return err;
}

static bool change_setting(struct genl_info *info, const struct setting *s,
			   struct vha_queue *q, u32 *time)
{
	struct nlattr *us = info->attrs[s->time];

	if (us)
		return vha_queue_set_time(q, time, nla_get_u32(us));
	return info->attrs[s->unset] &&
	       vha_queue_set_time(q, time, VHA_TIME_DEFAULT);
}

/* Write single words: the worker may hold the queue's mutex for long. */
static void change_settings(struct genl_info *info, struct vha_queue *q)
{
	struct nlattr *busyloop = info->attrs[VHOST_ALT_A_BUSYLOOP];
	bool changed;

	changed = change_setting(info, &adaptive_poll, q, &q->adaptive_poll);
	if (busyloop)
		changed |= vha_queue_set_time(q, &q->busyloop,
					      nla_get_u32(busyloop));
	if (q->moderated)
		changed |= change_setting(info, &moderation, q, &q->moderation);
	if (changed)
		notify(q->dev, q, VHOST_ALT_CMD_QUEUE_CHANGED_NTF);
}

static int set_queues_of(struct vha_dev *dev, struct genl_info *info)
{
	struct vha_queue *q = find_queue_or_all(dev, info);
	unsigned int i;
	int err;

	if (IS_ERR(q))
		return PTR_ERR(q);
	err = check_settings(info, q);
	if (err)
		return err;
	for (i = 0; i < dev->nqueues; i++) {
		if (!q || q == dev->queues[i])
			change_settings(info, dev->queues[i]);
	}
	return 0;
}

static int set_queue(struct sk_buff *request, struct genl_info *info)
{
	return change_dev(request, info, set_queues_of);
}

/* ---- workers ---- */

static int set_workers_of(struct vha_dev *dev, struct genl_info *info)
{
	unsigned int workers;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, VHOST_ALT_A_WORKERS))
		return -EINVAL;
	workers = nla_get_u32(info->attrs[VHOST_ALT_A_WORKERS]);
	if (workers != 1 && workers != dev->nqueues) {
		NL_SET_BAD_ATTR(info->extack, info->attrs[VHOST_ALT_A_WORKERS]);
		return -ERANGE;
	}
	err = vha_sharing_request(dev, workers);
	if (err == -EEXIST)
		GENL_SET_ERR_MSG(info, "the owner divides the queues itself");
	else if (err)
		GENL_SET_ERR_MSG(info, "the device has no owner");
	return err;
}

static int set_workers(struct sk_buff *request, struct genl_info *info)
{
	return change_dev(request, info, set_workers_of);
}

/* ---- the family ---- */

static const struct nla_policy policy[VHOST_ALT_A_MAX + 1] = {
	[VHOST_ALT_A_DEV_ID]	 = NLA_POLICY_MIN(NLA_U32, 1),
	[VHOST_ALT_A_QUEUE]	 = { .type = NLA_U32 },
	[VHOST_ALT_A_RING_COUNT] = NLA_POLICY_RANGE(NLA_U32, 1,
						    VHA_RING_SNAPSHOT_ENTRIES),
};

/* Not const: a policy of Linux 6.1 could not refer to it. */
static struct netlink_range_validation busyloop_range = {
	.max = VHOST_ALT_BUSYLOOP_MAX,
};

static const struct nla_policy set_policy[VHOST_ALT_A_MAX + 1] = {
	[VHOST_ALT_A_DEV_ID]		 = NLA_POLICY_MIN(NLA_U32, 1),
	[VHOST_ALT_A_QUEUE]		 = { .type = NLA_U32 },
	[VHOST_ALT_A_BUSYLOOP]		 = NLA_POLICY_FULL_RANGE(NLA_U32,
							&busyloop_range),
	[VHOST_ALT_A_MODERATION]	 = NLA_POLICY_MAX(NLA_U32,
						VHOST_ALT_MODERATION_MAX),
	[VHOST_ALT_A_MODERATION_DEFAULT] = { .type = NLA_FLAG },
	[VHOST_ALT_A_ADAPTIVE_POLL]	 = NLA_POLICY_MAX(NLA_U32,
						VHOST_ALT_ADAPTIVE_POLL_MAX),
	[VHOST_ALT_A_ADAPTIVE_POLL_DEFAULT] = { .type = NLA_FLAG },
};

static const struct nla_policy workers_policy[VHOST_ALT_A_MAX + 1] = {
	[VHOST_ALT_A_DEV_ID]	= NLA_POLICY_MIN(NLA_U32, 1),
	[VHOST_ALT_A_WORKERS]	= NLA_POLICY_MIN(NLA_U32, 1),
};

/* Give each message of a dump the room that a device may need. */
static int start_devs(struct netlink_callback *cb)
{
	cb->min_dump_alloc = DEV_MSG_SIZE;
	return 0;
}

static const struct genl_ops ops[] = {
	{
		.cmd	= VHOST_ALT_CMD_DEV_GET,
		.doit	= get_dev,
		.start	= start_devs,
		.dumpit	= dump_all_devs,
	},
	{
		.cmd	= VHOST_ALT_CMD_QUEUE_GET,
		.doit	= get_queue,
		.dumpit	= dump_all_queues,
	},
	{
		.cmd	= VHOST_ALT_CMD_STATS_RESET,
		.doit	= reset_stats,
	},
	{
		.cmd	= VHOST_ALT_CMD_RING_GET,
		.doit	= get_ring,
	},
	{
		.cmd	 = VHOST_ALT_CMD_QUEUE_SET,
		.doit	 = set_queue,
		.policy	 = set_policy,
		.maxattr = VHOST_ALT_A_MAX,
	},
	{
		.cmd	 = VHOST_ALT_CMD_WORKERS_SET,
		.doit	 = set_workers,
		.policy	 = workers_policy,
		.maxattr = VHOST_ALT_A_MAX,
	},
};

static const struct genl_multicast_group groups[] = {
	{ .name = VHOST_ALT_GENL_EVENTS },
};

static struct genl_family family = {
	.name		= VHOST_ALT_GENL_NAME,
	.version	= VHOST_ALT_GENL_VERSION,
	.maxattr	= VHOST_ALT_A_MAX,
	.policy		= policy,
	.netnsok	= true,
	.parallel_ops	= true,
	.ops		= ops,
	.n_ops		= ARRAY_SIZE(ops),
	.mcgrps		= groups,
	.n_mcgrps	= ARRAY_SIZE(groups),
	.module		= THIS_MODULE,
};

/**
 * vha_netlink_init() - register the family
 *
 * Return: 0 or an error of genl_register_family().
 */
int vha_netlink_init(void)
{
	return genl_register_family(&family);
}

/**
 * vha_netlink_exit() - undo vha_netlink_init(); no device is open
 */
void vha_netlink_exit(void)
{
	genl_unregister_family(&family);
}
