// SPDX-License-Identifier: GPL-2.0-only
/*
 * The net device: /dev/vhost-net-alt, its file operations, and the features that
 * it offers.
 */

#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "net_queue.h"
#include "trace.h"
#include "vhost_core.h"
#include "vhost_msg.h"
#include "vhost_netlink.h"

static bool rxtx_workers;
module_param(rxtx_workers, bool, 0644);
MODULE_PARM_DESC(rxtx_workers,
		 "Serve receive and transmit of new owners by a thread each (default 0)");

static bool takeover;
module_param(takeover, bool, 0444);
MODULE_PARM_DESC(takeover,
		 "Be /dev/vhost-net as well, in place of vhost_net (default 0)");

/**
 * struct vha_net_pair - an open file
 * @dev: the device
 * @queues: what @dev knows of @nq
 * @nq: receive and transmit
 */
struct vha_net_pair {
	struct vha_dev dev;
	struct vha_queue *queues[VHA_NET_QUEUES];
	struct vha_net_queue nq[VHA_NET_QUEUES];
};

/* ---- features ---- */

static const u64 net_features[VHA_FEATURE_WORDS] = {
	VHOST_ALT_FEATURES, COMPAT_TUNNEL_FEATURES,
};

static long put_features(u64 features, u64 __user *argp)
{
	return copy_to_user(argp, &features, sizeof(features)) ? -EFAULT : 0;
}

static long set_features(struct vha_net_pair *net, const u64 *features)
{
	unsigned int i;
	long err;

	for (i = 0; i < VHA_FEATURE_WORDS; i++) {
		if (features[i] & ~net_features[i])
			return -EOPNOTSUPP;
	}
	mutex_lock(&net->dev.mutex);
	err = vha_dev_set_features(&net->dev, features);
	mutex_unlock(&net->dev.mutex);
	return err;
}

static long set_features_word(struct vha_net_pair *net, const u64 __user *argp)
{
	u64 features[VHA_FEATURE_WORDS] = {};

	if (copy_from_user(features, argp, sizeof(*argp)))
		return -EFAULT;
	return set_features(net, features);
}

static long put_features_array(struct vhost_features_array __user *argp)
{
	u64 count, n;

	if (get_user(count, &argp->count))
		return -EFAULT;
	n = min_t(u64, count, VHA_FEATURE_WORDS);
	if (copy_to_user(argp->features, net_features, n * sizeof(u64)))
		return -EFAULT;
	return clear_user(argp->features + n, array_size(count - n, sizeof(u64))) ?
	       -EFAULT : 0;
}

/* Words beyond those that we know may be there, if they are 0. */
static long set_features_array(struct vha_net_pair *net,
			       struct vhost_features_array __user *argp)
{
	u64 features[VHA_FEATURE_WORDS] = {}, count, n, word;

	if (get_user(count, &argp->count))
		return -EFAULT;
	n = min_t(u64, count, VHA_FEATURE_WORDS);
	if (copy_from_user(features, argp->features, n * sizeof(u64)))
		return -EFAULT;
	for (; n < count; n++) {
		if (get_user(word, &argp->features[n]))
			return -EFAULT;
		if (word)
			return -EOPNOTSUPP;
		/* The count is the caller's, and has no limit. */
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return set_features(net, features);
}

static long set_backend_features(struct vha_net_pair *net, const u64 __user *argp)
{
	u64 features;

	if (copy_from_user(&features, argp, sizeof(features)))
		return -EFAULT;
	if (features & ~VHOST_ALT_BACKEND_FEATURES)
		return -EOPNOTSUPP;
	mutex_lock(&net->dev.mutex);
	WRITE_ONCE(net->dev.backend_features, features);
	mutex_unlock(&net->dev.mutex);
	return 0;
}

/* ---- commands ---- */

static long set_backend(struct vha_net_pair *net, struct vhost_vring_file *backend)
{
	struct vha_tun_socket old;
	struct vha_net_queue *nq;
	long err;

	err = vha_dev_check_owner(&net->dev);
	if (err)
		return err;
	if (backend->index >= VHA_NET_QUEUES)
		return -ENOBUFS;
	nq = &net->nq[array_index_nospec(backend->index, VHA_NET_QUEUES)];

	if (backend->fd != VHOST_FILE_UNBIND)
		return vha_net_queue_start(nq, backend->fd);
	old = vha_net_queue_stop(nq);
	vha_tun_socket_put(&old);
	return 0;
}

/*
 * Stop all queues, and forget the owner if there is one. @memory is the memory
 * table that there is afterwards.
 */
static void net_stop(struct vha_net_pair *net, struct vha_iotlb *memory)
{
	struct vha_tun_socket old[VHA_NET_QUEUES];
	unsigned int i;

	for (i = 0; i < VHA_NET_QUEUES; i++)
		old[i] = vha_net_queue_stop(&net->nq[i]);
	vha_dev_reset_owner(&net->dev, memory);
	for (i = 0; i < VHA_NET_QUEUES; i++)
		vha_tun_socket_put(&old[i]);
}

static long reset_owner(struct vha_net_pair *net)
{
	struct vha_iotlb *memory;
	long err;

	err = vha_dev_check_owner(&net->dev);
	if (err)
		return err;
	/* As with the in-tree module, there is one without regions from now on. */
	memory = vha_iotlb_alloc(0);
	if (!memory)
		return -ENOMEM;
	net_stop(net, memory);
	net->dev.pid = 0;
	return 0;
}

static long locked_ioctl(struct vha_net_pair *net, unsigned int cmd,
			 void __user *argp)
{
	struct vhost_vring_file backend;

	lockdep_assert_held(&net->dev.mutex);
	switch (cmd) {
	case VHOST_SET_OWNER:
		return vha_dev_set_owner(&net->dev, READ_ONCE(rxtx_workers));
	case VHOST_RESET_OWNER:
		return reset_owner(net);
	case VHOST_NET_SET_BACKEND:
		if (copy_from_user(&backend, argp, sizeof(backend)))
			return -EFAULT;
		return set_backend(net, &backend);
	default:
		return vha_dev_ioctl(&net->dev, cmd, argp);
	}
}

static long net_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vha_net_pair *net = file->private_data;
	void __user *argp = (void __user *)arg;
	long err;

	switch (cmd) {
	case VHOST_GET_FEATURES:
		return put_features(net_features[0], argp);
	case VHOST_SET_FEATURES:
		return set_features_word(net, argp);
	case VHOST_GET_FEATURES_ARRAY:
		return put_features_array(argp);
	case VHOST_SET_FEATURES_ARRAY:
		return set_features_array(net, argp);
	case VHOST_GET_BACKEND_FEATURES:
		return put_features(VHOST_ALT_BACKEND_FEATURES, argp);
	case VHOST_SET_BACKEND_FEATURES:
		return set_backend_features(net, argp);
	default:
		mutex_lock(&net->dev.mutex);
		err = locked_ioctl(net, cmd, argp);
		mutex_unlock(&net->dev.mutex);
		return err;
	}
}

/* ---- the file ---- */

static int init_queues(struct vha_net_pair *net)
{
	int err;

	net->queues[VHA_NET_RX] = &net->nq[VHA_NET_RX].q;
	net->queues[VHA_NET_TX] = &net->nq[VHA_NET_TX].q;
	err = vha_queue_init(net->queues[VHA_NET_RX], "rx", vha_net_queue_serve_rx,
			     EPOLLIN);
	if (err)
		return err;
	err = vha_queue_init(net->queues[VHA_NET_TX], "tx", vha_net_queue_serve_tx,
			     EPOLLOUT);
	if (err)
		vha_queue_cleanup(net->queues[VHA_NET_RX]);
	return err;
}

static void net_free(struct vha_net_pair *net)
{
	unsigned int i;

	vha_tun_tx_cleanup(&net->nq[VHA_NET_TX].tx);
	vha_dev_cleanup(&net->dev);
	for (i = 0; i < VHA_NET_QUEUES; i++)
		vha_queue_cleanup(net->queues[i]);
	kvfree(net);
}

static int net_open(struct inode *inode, struct file *file)
{
	struct vha_net_pair *net;
	int err;

	net = kvzalloc(sizeof(*net), GFP_KERNEL_ACCOUNT);
	if (!net)
		return -ENOMEM;
	err = init_queues(net);
	if (err) {
		kvfree(net);
		return err;
	}
	vha_dev_init(&net->dev, net->queues, VHA_NET_QUEUES);
	err = vha_netlink_add(&net->dev);
	if (err) {
		net_free(net);
		return err;
	}
	file->private_data = net;
	trace_vhost_alt_open(&net->dev);
	return 0;
}

static int net_release(struct inode *inode, struct file *file)
{
	struct vha_net_pair *net = file->private_data;

	trace_vhost_alt_close(&net->dev);
	vha_netlink_del(&net->dev);
	mutex_lock(&net->dev.mutex);
	net_stop(net, NULL);
	mutex_unlock(&net->dev.mutex);
	vha_netlink_notify(&net->dev, NULL, VHOST_ALT_CMD_DEV_CLOSE_NTF);
	put_net(net->dev.net);
	net_free(net);
	return 0;
}

static ssize_t net_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vha_net_pair *net = iocb->ki_filp->private_data;

	return vha_msg_read(&net->dev, to,
			    iocb->ki_filp->f_flags & O_NONBLOCK);
}

static ssize_t net_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct vha_net_pair *net = iocb->ki_filp->private_data;

	return vha_msg_write(&net->dev, from);
}

static __poll_t net_poll(struct file *file, poll_table *wait)
{
	struct vha_net_pair *net = file->private_data;

	return vha_msg_poll(&net->dev, file, wait);
}

static void net_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct vha_net_pair *net = file->private_data;

	vha_dev_show(&net->dev, m);
}

static const struct file_operations net_fops = {
	.owner		= THIS_MODULE,
	.open		= net_open,
	.release	= net_release,
	.read_iter	= net_read_iter,
	.write_iter	= net_write_iter,
	.poll		= net_poll,
	.unlocked_ioctl	= net_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= net_show_fdinfo,
	.llseek		= noop_llseek,
};

/* ---- the module ---- */

static struct miscdevice net_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "vhost-net-alt",
	.fops	= &net_fops,
};

static struct miscdevice takeover_misc = {
	.minor	= VHOST_NET_MINOR,
	.name	= "vhost-net",
	.fops	= &net_fops,
};

static int __init register_devices(void)
{
	int err;

	err = misc_register(&net_misc);
	if (err || !takeover)
		return err;
	err = misc_register(&takeover_misc);
	if (err) {
		pr_err("cannot take over /dev/vhost-net (%d): unload vhost_net first\n",
		       err);
		misc_deregister(&net_misc);
	}
	return err;
}

static int __init net_init(void)
{
	int err;

	err = vha_netlink_init();
	if (err)
		return err;
	err = register_devices();
	if (err)
		vha_netlink_exit();
	return err;
}

static void __exit net_exit(void)
{
	if (takeover)
		misc_deregister(&takeover_misc);
	misc_deregister(&net_misc);
	vha_netlink_exit();
}

module_init(net_init);
module_exit(net_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vhost_alt authors");
MODULE_DESCRIPTION("Serves a guest's virtio-net rings in the host kernel");
