// SPDX-License-Identifier: GPL-2.0-only
/*
 * How numbers leave the kernel. Here is the list of all open devices. Who looks at
 * one counts as its watcher, for whom its close waits, and locks it; but not for
 * long: whoever has the lock may wait for memory that is never going to come, and
 * no process is to hold up those who look at others. The queues are read without
 * their mutexes: what they are set up with changes under the device's mutex too,
 * and the rest are single words.
 */

#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "vhost_core.h"
#include "vhost_netlink.h"
#include "vring.h"

/* So many entries of a ring are shown if nobody says how many. */
#define RING_COUNT_DEFAULT	16

/* Room for a device with all workers that there may be. */
#define DEV_MSG_SIZE		8192

/* Room for all entries of both kinds, the available ones with all descriptors. */
#define RING_MSG_SIZE							\
	(NLMSG_GOODSIZE + VHA_RING_SNAPSHOT_ENTRIES *			\
	 (VHA_RING_SNAPSHOT_DESCS * 64 + 2 * 64))

static DEFINE_MUTEX(devs_lock);	/* the list */
static DEFINE_XARRAY_FLAGS(devs, XA_FLAGS_ALLOC1);
static u32 next_id;
static unsigned int generation;	/* changes with the list */

static struct genl_family family;

/* ---- messages ---- */

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, VHOST_ALT_A_PAD);
}

static int put_dev_name(struct sk_buff *skb, const struct vha_dev *dev)
{
	if (nla_put_u32(skb, VHOST_ALT_A_DEV_ID, dev->id))
		return -EMSGSIZE;
	if (!dev->pid)
		return 0;
	return nla_put_u32(skb, VHOST_ALT_A_PID, dev->pid) ?:
	       nla_put_string(skb, VHOST_ALT_A_COMM, dev->comm);
}

static int put_queue_name(struct sk_buff *skb, const struct vha_queue *q)
{
	int err;

	err = nla_put_u32(skb, VHOST_ALT_A_QUEUE, q->index) ?:
	      nla_put_string(skb, VHOST_ALT_A_QUEUE_NAME, q->name);
	if (!err && *q->ifname)
		err = nla_put_string(skb, VHOST_ALT_A_IFNAME, q->ifname);
	if (!err && q->ifindex)
		err = nla_put_u32(skb, VHOST_ALT_A_IFINDEX, q->ifindex);
	return err;
}

static int put_worker(struct sk_buff *skb, u32 id,
		      const struct vha_worker *worker)
{
	struct vha_worker_usage usage;
	struct nlattr *nest;
	int err;

	vha_worker_usage(worker, &usage);
	nest = nla_nest_start(skb, VHOST_ALT_A_WORKER);
	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, VHOST_ALT_WORKER_ID, id) ?:
	      nla_put_u32(skb, VHOST_ALT_WORKER_TID, usage.tid) ?:
	      nla_put_u64_64bit(skb, VHOST_ALT_WORKER_RUNS, usage.runs,
				VHOST_ALT_WORKER_PAD) ?:
	      nla_put_u64_64bit(skb, VHOST_ALT_WORKER_RUNTIME, usage.runtime,
				VHOST_ALT_WORKER_PAD) ?:
	      nla_put_u32(skb, VHOST_ALT_WORKER_CPU, usage.cpu);
	nla_nest_end(skb, nest);
	return err;
}

static int put_dev(struct sk_buff *skb, struct vha_dev *dev)
{
	const u64 *features = dev->queues[0]->features;
	struct vha_worker *worker;
	unsigned long id;
	int err;

	lockdep_assert_held(&dev->mutex);
	err = put_dev_name(skb, dev) ?:
	      put_u64(skb, VHOST_ALT_A_FEATURES, features[0]) ?:
	      put_u64(skb, VHOST_ALT_A_FEATURES_HI, features[1]) ?:
	      put_u64(skb, VHOST_ALT_A_BACKEND_FEATURES,
		      dev->backend_features) ?:
	      nla_put_u32(skb, VHOST_ALT_A_REGIONS,
			  dev->memory ? dev->memory->count : 0) ?:
	      nla_put_u32(skb, VHOST_ALT_A_QUEUES, dev->nqueues);
	if (!err && dev->iotlb)
		err = nla_put_u32(skb, VHOST_ALT_A_IOTLB_ENTRIES,
				  dev->iotlb->count);
	xa_for_each(&dev->workers, id, worker) {
		if (!err)
			err = put_worker(skb, id, worker);
	}
	return err;
}

static u32 queue_state(const struct vha_queue *q)
{
	return (q->running ? VHOST_ALT_QUEUE_RUNNING : 0) |
	       (q->broken ? VHOST_ALT_QUEUE_BROKEN : 0) |
	       (vha_queue_has(q, VIRTIO_RING_F_EVENT_IDX) ?
		VHOST_ALT_QUEUE_EVENT_IDX : 0) |
	       (q->notify_off ? VHOST_ALT_QUEUE_NOTIFY_OFF : 0) |
	       (READ_ONCE(q->miss.state) != VHA_MISS_NONE ?
		VHOST_ALT_QUEUE_IOTLB_MISS : 0) |
	       (q->kick ? VHOST_ALT_QUEUE_KICK : 0) |
	       (q->call ? VHOST_ALT_QUEUE_CALL : 0);
}

static int put_addresses(struct sk_buff *skb, const struct vha_queue *q)
{
	return put_u64(skb, VHOST_ALT_A_DESC_ADDR, q->ring[VHA_RING_DESC]) ?:
	       put_u64(skb, VHOST_ALT_A_AVAIL_ADDR, q->ring[VHA_RING_AVAIL]) ?:
	       put_u64(skb, VHOST_ALT_A_USED_ADDR, q->ring[VHA_RING_USED]);
}

static int put_counters(struct sk_buff *skb, const struct vha_stats *stats)
{
	struct nlattr *nest = nla_nest_start(skb, VHOST_ALT_A_COUNTERS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = VHOST_ALT_COUNTER_PAD + 1; i <= VHOST_ALT_COUNTER_MAX; i++) {
		if (nla_put_u64_64bit(skb, i, vha_stats_counter(stats, i),
				      VHOST_ALT_COUNTER_PAD))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int put_drops(struct sk_buff *skb, const struct vha_stats *stats)
{
	struct nlattr *nest = nla_nest_start(skb, VHOST_ALT_A_DROPS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = VHOST_ALT_DROP_PAD + 1; i <= VHOST_ALT_DROP_MAX; i++) {
		if (nla_put_u64_64bit(skb, i, READ_ONCE(stats->drops[i]),
				      VHOST_ALT_DROP_PAD))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int put_batch_sizes(struct sk_buff *skb, const struct vha_stats *stats)
{
	struct nlattr *nest = nla_nest_start(skb, VHOST_ALT_A_BATCH_SIZES);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	/* Attributes count from 1; 0 pads. */
	for (i = 0; i < VHA_BATCH_SIZES; i++) {
		if (nla_put_u64_64bit(skb, i + 1,
				      READ_ONCE(stats->batch_sizes[i]), 0))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/* The id of the worker that serves @q, or -1. */
static int worker_id(const struct vha_queue *q)
{
	struct vha_worker *worker;
	unsigned long id;

	xa_for_each(&q->dev->workers, id, worker) {
		if (worker == q->worker)
			return id;
	}
	return -1;
}

static int put_queue(struct sk_buff *skb, struct vha_queue *q, bool admin)
{
	int err, id = worker_id(q);

	lockdep_assert_held(&q->dev->mutex);
	err = put_dev_name(skb, q->dev) ?:
	      put_queue_name(skb, q) ?:
	      nla_put_u32(skb, VHOST_ALT_A_SIZE, q->num) ?:
	      nla_put_string(skb, VHOST_ALT_A_LAYOUT, q->ops->name) ?:
	      nla_put_u32(skb, VHOST_ALT_A_STATE, queue_state(q)) ?:
	      nla_put_u32(skb, VHOST_ALT_A_BUSYLOOP, q->busyloop) ?:
	      nla_put_u32(skb, VHOST_ALT_A_LAST_AVAIL, q->last_avail) ?:
	      nla_put_u32(skb, VHOST_ALT_A_AVAIL_IDX, q->avail_idx) ?:
	      nla_put_u32(skb, VHOST_ALT_A_LAST_USED, q->last_used);
	if (!err && id >= 0)
		err = nla_put_u32(skb, VHOST_ALT_A_WORKER_ID, id);
	if (!err && admin)
		err = put_addresses(skb, q);
	return err ?: put_counters(skb, &q->stats) ?:
		      put_drops(skb, &q->stats) ?:
		      put_batch_sizes(skb, &q->stats);
}

/* ---- who may see what ---- */

static bool visible(const struct vha_dev *dev, const struct net *net)
{
	return net_eq(net, &init_net) || net_eq(net, dev->net);
}

static bool is_admin(struct sk_buff *request, const struct vha_dev *dev)
{
	return netlink_ns_capable(request, dev->net->user_ns, CAP_NET_ADMIN);
}

/* How long to wait for a lock: about a second. */
#define LOCK_TRIES	1000

/* Whoever has it may wait for a process that will not go on. */
static int lock_soon(struct mutex *mutex)
{
	unsigned int i;

	for (i = 0; !mutex_trylock(mutex); i++) {
		if (i == LOCK_TRIES || fatal_signal_pending(current))
			return -EBUSY;
		usleep_range(500, 1000);
	}
	return 0;
}

static void unwatch(struct vha_dev *dev)
{
	if (refcount_dec_and_test(&dev->watchers))
		complete(&dev->unwatched);
}

/* The device that a request names, watched and locked, or an ERR_PTR(). */
static struct vha_dev *find_dev(struct genl_info *info)
{
	struct vha_dev *dev;

	if (GENL_REQ_ATTR_CHECK(info, VHOST_ALT_A_DEV_ID))
		return ERR_PTR(-EINVAL);
	mutex_lock(&devs_lock);
	dev = xa_load(&devs, nla_get_u32(info->attrs[VHOST_ALT_A_DEV_ID]));
	if (dev && !visible(dev, genl_info_net(info)))
		dev = NULL;
	if (dev)
		refcount_inc(&dev->watchers);
	mutex_unlock(&devs_lock);
	if (!dev) {
		NL_SET_BAD_ATTR(info->extack, info->attrs[VHOST_ALT_A_DEV_ID]);
		return ERR_PTR(-ENODEV);
	}
	if (lock_soon(&dev->mutex)) {
		unwatch(dev);
		return ERR_PTR(-EBUSY);
	}
	return dev;
}

static void put_back_dev(struct vha_dev *dev)
{
	mutex_unlock(&dev->mutex);
	unwatch(dev);
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
	struct vha_dev *dev;
	struct sk_buff *skb;
	void *head;
	int err;

	skb = genlmsg_new(DEV_MSG_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	head = genlmsg_put_reply(skb, info, &family, 0, VHOST_ALT_CMD_DEV_GET);

	dev = find_dev(info);
	err = PTR_ERR_OR_ZERO(dev);
	if (!err) {
		err = put_dev(skb, dev);
		put_back_dev(dev);
	}
	return answer(info, skb, head, err);
}

static int get_queue(struct sk_buff *request, struct genl_info *info)
{
	struct vha_queue *q;
	struct vha_dev *dev;
	struct sk_buff *skb;
	void *head;
	int err;

	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	head = genlmsg_put_reply(skb, info, &family, 0, VHOST_ALT_CMD_QUEUE_GET);

	dev = find_dev(info);
	err = PTR_ERR_OR_ZERO(dev);
	if (!err) {
		q = find_queue(dev, info);
		err = PTR_ERR_OR_ZERO(q);
		if (!err)
			err = put_queue(skb, q, is_admin(request, dev));
		put_back_dev(dev);
	}
	return answer(info, skb, head, err);
}

static int reset_stats_of(struct vha_dev *dev, struct genl_info *info)
{
	struct vha_queue *q;
	unsigned int i;
	int err = 0;

	if (info->attrs[VHOST_ALT_A_QUEUE]) {
		q = find_queue(dev, info);
		return IS_ERR(q) ? PTR_ERR(q) : vha_queue_reset_stats(q);
	}
	for (i = 0; !err && i < dev->nqueues; i++)
		err = vha_queue_reset_stats(dev->queues[i]);
	return err;
}

static int reset_stats(struct sk_buff *request, struct genl_info *info)
{
	struct vha_dev *dev = find_dev(info);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = is_admin(request, dev) ? reset_stats_of(dev, info) : -EPERM;
	put_back_dev(dev);
	return err;
}

/* ---- the contents of a ring ---- */

static int put_desc(struct sk_buff *skb, const struct vha_ring_snapshot_desc *desc)
{
	struct nlattr *nest = nla_nest_start(skb, VHOST_ALT_ENTRY_DESC);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, VHOST_ALT_DESC_INDEX, desc->index) ?:
	      nla_put_u64_64bit(skb, VHOST_ALT_DESC_ADDR, desc->addr,
				VHOST_ALT_DESC_PAD) ?:
	      nla_put_u32(skb, VHOST_ALT_DESC_LEN, desc->len) ?:
	      nla_put_u32(skb, VHOST_ALT_DESC_FLAGS, desc->flags) ?:
	      nla_put_u32(skb, VHOST_ALT_DESC_NEXT, desc->next);
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

	err = nla_put_u32(skb, VHOST_ALT_A_RING_AVAIL_FLAGS, snap->avail_flags) ?:
	      nla_put_u32(skb, VHOST_ALT_A_RING_AVAIL_IDX, snap->avail_idx) ?:
	      nla_put_u32(skb, VHOST_ALT_A_RING_USED_FLAGS, snap->used_flags) ?:
	      nla_put_u32(skb, VHOST_ALT_A_RING_USED_IDX, snap->used_idx);
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

static int put_look(struct sk_buff *skb, const struct vha_queue *q)
{
	int err = q->look->err;

	if (err)
		return err == -EINPROGRESS ? -EFAULT : err;
	return put_dev_name(skb, q->dev) ?:
	       put_queue_name(skb, q) ?:
	       nla_put_u32(skb, VHOST_ALT_A_SIZE, q->num) ?:
	       nla_put_string(skb, VHOST_ALT_A_LAYOUT, q->ops->name) ?:
	       put_ring(skb, q->look);
}

static int get_ring_as_admin(struct sk_buff *request, struct genl_info *info,
			     struct sk_buff *skb)
{
	struct nlattr *count = info->attrs[VHOST_ALT_A_RING_COUNT];
	struct vha_dev *dev = find_dev(info);
	struct vha_queue *q;
	int err = -EPERM;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	if (is_admin(request, dev)) {
		q = find_queue(dev, info);
		err = PTR_ERR_OR_ZERO(q);
		if (!err)
			err = vha_queue_look(q, count ? nla_get_u32(count) :
						  RING_COUNT_DEFAULT);
		if (!err)
			err = put_look(skb, q);
	}
	put_back_dev(dev);
	return err;
}

static int get_ring(struct sk_buff *request, struct genl_info *info)
{
	struct sk_buff *skb;
	void *head;
	int err;

	skb = genlmsg_new(RING_MSG_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	head = genlmsg_put_reply(skb, info, &family, 0, VHOST_ALT_CMD_RING_GET);
	err = get_ring_as_admin(request, info, skb);
	return answer(info, skb, head, err);
}

/* ---- dumps ---- */

/* Put @dev, or all its queues from number *@queue on, each in a message. */
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

/* The first visible device whose id is not below *@id, which is set to its own. */
static struct vha_dev *next_dev(struct netlink_callback *cb, unsigned long *id)
{
	const struct net *net = sock_net(cb->skb->sk);
	struct vha_dev *dev;

	mutex_lock(&devs_lock);
	cb->seq = generation;
	dev = xa_find(&devs, id, ULONG_MAX, XA_PRESENT);
	while (dev && !visible(dev, net))
		dev = xa_find_after(&devs, id, ULONG_MAX, XA_PRESENT);
	if (dev)
		refcount_inc(&dev->watchers);
	mutex_unlock(&devs_lock);
	return dev;
}

/* cb->args: the id of the device to go on with, and the queue of it. */
static int dump(struct sk_buff *skb, struct netlink_callback *cb, u32 only,
		dump_fn fn)
{
	unsigned long id = max_t(unsigned long, cb->args[0], only);
	struct vha_dev *dev;
	int err = 0;

	for (; !err && (dev = next_dev(cb, &id)); id++) {
		/* The one of last time may be gone. */
		if (cb->args[0] != id)
			cb->args[1] = 0;
		cb->args[0] = id;
		if ((!only || id == only) && !lock_soon(&dev->mutex)) {
			err = fn(skb, cb, dev, (unsigned long *)&cb->args[1]);
			mutex_unlock(&dev->mutex);
		}
		unwatch(dev);
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

static void notify(struct net *net, struct vha_dev *dev,
		   const struct vha_queue *q, enum vhost_alt_cmd what)
{
	struct sk_buff *skb;
	void *head;

	if (!genl_has_listeners(&family, net, 0))
		return;
	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	head = genlmsg_put(skb, 0, 0, &family, 0, what);
	if (!head || put_dev_name(skb, dev) || (q && put_queue_name(skb, q))) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	genlmsg_multicast_netns(&family, net, skb, 0, 0, GFP_KERNEL);
}

/**
 * vha_netlink_notify() - tell who listens that something has happened
 * @dev: to which device
 * @q: to which of its queues, with its mutex held, or NULL
 * @what: a VHOST_ALT_CMD_*_NTF
 */
void vha_netlink_notify(struct vha_dev *dev, const struct vha_queue *q,
			enum vhost_alt_cmd what)
{
	notify(dev->net, dev, q, what);
	if (!net_eq(dev->net, &init_net))
		notify(&init_net, dev, q, what);
}

/* ---- the list ---- */

static void list_changed(void)
{
	lockdep_assert_held(&devs_lock);
	/* 0 is "not yet", for those who compare. */
	if (!++generation)
		generation++;
}

/**
 * vha_netlink_add() - let a device be seen
 * @dev: the device, complete but for the id that it gets by this
 *
 * It belongs to the network namespace of the current process.
 *
 * Return: 0 or -ENOMEM.
 */
int vha_netlink_add(struct vha_dev *dev)
{
	int err;

	dev->net = get_net(current->nsproxy->net_ns);
	refcount_set(&dev->watchers, 1);
	init_completion(&dev->unwatched);
	mutex_lock(&devs_lock);
	err = xa_alloc_cyclic(&devs, &dev->id, dev, XA_LIMIT(1, INT_MAX),
			      &next_id, GFP_KERNEL_ACCOUNT);
	list_changed();
	mutex_unlock(&devs_lock);
	if (err < 0) {
		put_net(dev->net);
		return -ENOMEM;
	}
	vha_netlink_notify(dev, NULL, VHOST_ALT_CMD_DEV_OPEN_NTF);
	return 0;
}

/**
 * vha_netlink_del() - let a device be seen no longer
 * @dev: the device; nobody looks at it any more when this returns. The caller
 *	puts the reference to @dev->net when no queue can tell of it any more.
 */
void vha_netlink_del(struct vha_dev *dev)
{
	mutex_lock(&devs_lock);
	xa_erase(&devs, dev->id);
	list_changed();
	mutex_unlock(&devs_lock);
	unwatch(dev);
	wait_for_completion(&dev->unwatched);
}

/* ---- the family ---- */

static const struct nla_policy policy[VHOST_ALT_A_MAX + 1] = {
	[VHOST_ALT_A_DEV_ID]	 = NLA_POLICY_MIN(NLA_U32, 1),
	[VHOST_ALT_A_QUEUE]	 = { .type = NLA_U32 },
	[VHOST_ALT_A_RING_COUNT] = NLA_POLICY_RANGE(NLA_U32, 1,
						    VHA_RING_SNAPSHOT_ENTRIES),
};

/* Has the first message of a dump have the room that a device may need. */
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
 * vha_netlink_init() - make the family known
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
	xa_destroy(&devs);
}
