// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of all open devices. A request for a device holds a reference that
 * the device's release waits for. The lock of the list is a spinlock, so no
 * process can hold up another one here.
 *
 * A device belongs to the network namespace in which it was opened, but does
 * not keep that alive: when the namespace is destroyed, the device's pointer to
 * it is cleared, and only the initial namespace sees the device from then on.
 */
#include <linux/sched.h>
#include <linux/nsproxy.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "vhost_core.h"
#include "vhost_list.h"

/* Its lock protects all that follows, and the devices' @net and @hidden. */
static DEFINE_XARRAY_FLAGS(devs, XA_FLAGS_ALLOC1);
static u32 next_id;
static unsigned int generation = 1;	/* changes with the list */

/* Skip 0: to netlink, which compares generations, it means "none yet". */
static void list_changed(void)
{
	lockdep_assert_held(&devs.xa_lock);
	if (!++generation)
		generation++;
}

/**
 * vha_list_generation() - get the generation of the list
 *
 * Return: a number that changes with the list, never 0.
 */
unsigned int vha_list_generation(void)
{
	unsigned int now;

	xa_lock(&devs);
	now = generation;
	xa_unlock(&devs);
	return now;
}

/**
 * vha_list_add() - list a device
 * @dev: the device, complete except for its id, which this sets
 *
 * The device belongs to the network namespace of the current process.
 *
 * Return: 0 or -ENOMEM.
 */
int vha_list_add(struct vha_dev *dev)
{
	u32 id;
	int err;

	refcount_set(&dev->refs, 1);
	init_completion(&dev->unused);
	dev->hidden = false;
	dev->net = current->nsproxy->net_ns;
	/* Reserve the id first: no request finds a device without one. */
	err = xa_alloc_cyclic(&devs, &id, NULL, XA_LIMIT(1, INT_MAX), &next_id,
			      GFP_KERNEL_ACCOUNT);
	if (err < 0)
		return -ENOMEM;
	vha_dev_set_id(dev, id);
	xa_lock(&devs);
	__xa_store(&devs, id, dev, GFP_KERNEL_ACCOUNT);
	list_changed();
	xa_unlock(&devs);
	return 0;
}

/**
 * vha_list_hide() - hide a device from requests
 * @dev: the device; no request uses it when this returns
 *
 * It still belongs to its network namespace, where listeners will be told of
 * its end.
 */
void vha_list_hide(struct vha_dev *dev)
{
	xa_lock(&devs);
	dev->hidden = true;
	list_changed();
	xa_unlock(&devs);
	vha_list_put(dev);
	wait_for_completion(&dev->unused);
}

/**
 * vha_list_del() - take a device off the list
 * @dev: the device, which is hidden
 */
void vha_list_del(struct vha_dev *dev)
{
	xa_erase(&devs, dev->id);
}

static bool visible(const struct vha_dev *dev, const struct net *net)
{
	if (dev->hidden)
		return false;
	return net_eq(net, &init_net) || net_eq(net, dev->net);
}

/**
 * vha_list_get() - find a device
 * @id: its id
 * @net: the network namespace of the reader
 *
 * Return: the device, for vha_list_put(), or NULL if @net sees none with that
 * id.
 */
struct vha_dev *vha_list_get(u32 id, const struct net *net)
{
	struct vha_dev *dev;

	xa_lock(&devs);
	dev = xa_load(&devs, id);
	if (dev && !visible(dev, net))
		dev = NULL;
	if (dev)
		refcount_inc(&dev->refs);
	xa_unlock(&devs);
	return dev;
}

/**
 * vha_list_get_next() - find the next device
 * @id: in: the lowest id to consider; out: the id that was found
 * @net: the network namespace of the reader
 *
 * Return: the device, for vha_list_put(), or NULL if @net sees no more.
 */
struct vha_dev *vha_list_get_next(unsigned long *id, const struct net *net)
{
	struct vha_dev *dev;

	xa_lock(&devs);
	dev = xa_find(&devs, id, ULONG_MAX, XA_PRESENT);
	while (dev && !visible(dev, net))
		dev = xa_find_after(&devs, id, ULONG_MAX, XA_PRESENT);
	if (dev)
		refcount_inc(&dev->refs);
	xa_unlock(&devs);
	return dev;
}

/**
 * vha_list_put() - drop a reference
 * @dev: the device
 */
void vha_list_put(struct vha_dev *dev)
{
	if (refcount_dec_and_test(&dev->refs))
		complete(&dev->unused);
}

/* ---- namespaces ---- */

/**
 * vha_list_get_net() - get the network namespace of a device
 * @dev: the device
 *
 * Return: the namespace, for put_net(), or NULL if it is gone.
 */
struct net *vha_list_get_net(struct vha_dev *dev)
{
	struct net *net;

	xa_lock(&devs);
	net = dev->net ? maybe_get_net(dev->net) : NULL;
	xa_unlock(&devs);
	return net;
}

/* The namespace ends: its devices stay open, and belong to none. */
static void __net_exit forget_net(struct net *net)
{
	struct vha_dev *dev;
	unsigned long id;

	xa_lock(&devs);
	xa_for_each(&devs, id, dev) {
		if (net_eq(dev->net, net))
			dev->net = NULL;
	}
	xa_unlock(&devs);
}

static struct pernet_operations net_ops = {
	.exit = forget_net,
};

/**
 * vha_list_init() - prepare the list
 *
 * Return: 0 or an error of register_pernet_subsys().
 */
int vha_list_init(void)
{
	return register_pernet_subsys(&net_ops);
}

/**
 * vha_list_exit() - undo vha_list_init(); no device is open
 */
void vha_list_exit(void)
{
	unregister_pernet_subsys(&net_ops);
	xa_destroy(&devs);
}
