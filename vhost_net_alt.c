// SPDX-License-Identifier: GPL-2.0-only
/*
 * The net device: /dev/vhost-net-alt, its file operations, and the features
 * that it offers.
 */

#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/genetlink.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "net_queue.h"
#include "net_rx.h"
#include "net_tx.h"
#include "trace.h"
#include "vhost_core.h"
#include "vhost_list.h"
#include "vhost_msg.h"
#include "vhost_netlink.h"
#include "vhost_sharing.h"

static bool rxtx_workers;
module_param(rxtx_workers, bool, 0644);
MODULE_PARM_DESC(rxtx_workers,
		 "Use separate receive and transmit threads for new owners");

/**
 * struct vha_net_pair - an open file: a queue pair
 * @dev: the device
 * @queues: the virtqueues of @nq, for @dev
 * @nq: the receive and the transmit queue
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

static long set_features(struct vha_net_pair *pair, const u64 *features)
{
	unsigned int i;
	long err;

	for (i = 0; i < VHA_FEATURE_WORDS; i++) {
		if (features[i] & ~net_features[i])
			return -EOPNOTSUPP;
	}
	mutex_lock(&pair->dev.mutex);
	err = vha_dev_set_features(&pair->dev, features);
	mutex_unlock(&pair->dev.mutex);
	return err;
}

static long set_features_word(struct vha_net_pair *pair, const u64 __user *argp)
{
	u64 features[VHA_FEATURE_WORDS] = {};

	if (copy_from_user(features, argp, sizeof(*argp)))
		return -EFAULT;
	return set_features(pair, features);
}

/* Set @count words to 0. The caller's count has no limit. */
static long clear_words(u64 __user *words, u64 count)
{
	size_t left = array_size(count, sizeof(u64)), n;
	u8 __user *to = (u8 __user *)words;

	/* Write nothing for a count that no address space can hold. */
	if (!access_ok(to, left))
		return -EFAULT;
	for (; left; to += n, left -= n) {
		n = min_t(size_t, left, PAGE_SIZE);
		if (clear_user(to, n))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static long put_features_array(struct vhost_features_array __user *argp)
{
	u64 count, n;

	if (get_user(count, &argp->count))
		return -EFAULT;
	n = min_t(u64, count, VHA_FEATURE_WORDS);
	if (copy_to_user(argp->features, net_features, n * sizeof(u64)))
		return -EFAULT;
	return clear_words(argp->features + n, count - n);
}

/* Words beyond the known ones are accepted if they are 0. */
static long set_features_array(struct vha_net_pair *pair,
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
		/* The caller's count has no limit. */
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return set_features(pair, features);
}

static long set_backend_features(struct vha_net_pair *pair,
				 const u64 __user *argp)
{
	u64 features;

	if (copy_from_user(&features, argp, sizeof(features)))
		return -EFAULT;
	if (features & ~VHOST_ALT_BACKEND_FEATURES)
		return -EOPNOTSUPP;
	mutex_lock(&pair->dev.mutex);
	WRITE_ONCE(pair->dev.backend_features, features);
	mutex_unlock(&pair->dev.mutex);
	return 0;
}

/* ---- commands ---- */

static long set_backend(struct vha_net_pair *pair,
			struct vhost_vring_file *backend)
{
	struct vha_tun_socket old;
	struct vha_net_queue *nq;
	long err;

	err = vha_dev_check_owner(&pair->dev);
	if (err)
		return err;
	if (backend->index >= VHA_NET_QUEUES)
		return -ENOBUFS;
	nq = &pair->nq[array_index_nospec(backend->index, VHA_NET_QUEUES)];

	if (backend->fd != VHOST_FILE_UNBIND)
		return vha_net_queue_start(nq, backend->fd);
	old = vha_net_queue_stop(nq);
	vha_tun_socket_put(&old);
	return 0;
}

/*
 * Stop all queues, and forget the owner if there is one. @memory is the memory
 * table afterwards.
 */
static void net_stop(struct vha_net_pair *pair, struct vha_iotlb *memory)
{
	struct vha_tun_socket old[VHA_NET_QUEUES];
	unsigned int i;

	for (i = 0; i < VHA_NET_QUEUES; i++)
		old[i] = vha_net_queue_stop(&pair->nq[i]);
	vha_dev_reset_owner(&pair->dev, memory);
	for (i = 0; i < VHA_NET_QUEUES; i++)
		vha_tun_socket_put(&old[i]);
}

static long reset_owner(struct vha_net_pair *pair)
{
	struct vha_iotlb *memory;
	long err;

	err = vha_dev_check_owner(&pair->dev);
	if (err)
		return err;
	/* Like the in-tree module, leave a table without regions. */
	memory = vha_iotlb_alloc(0);
	if (!memory)
		return -ENOMEM;
	net_stop(pair, memory);
	vha_dev_forget_pid(&pair->dev);
	return 0;
}

static long locked_ioctl(struct vha_net_pair *pair, unsigned int cmd,
			 void __user *argp)
{
	struct vhost_vring_file backend;

	lockdep_assert_held(&pair->dev.mutex);
	switch (cmd) {
	case VHOST_SET_OWNER:
		return vha_dev_set_owner(&pair->dev, READ_ONCE(rxtx_workers));
	case VHOST_RESET_OWNER:
		return reset_owner(pair);
	case VHOST_NET_SET_BACKEND:
		if (copy_from_user(&backend, argp, sizeof(backend)))
			return -EFAULT;
		return set_backend(pair, &backend);
	default:
		return vha_dev_ioctl(&pair->dev, cmd, argp);
	}
}

static long net_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vha_net_pair *pair = file->private_data;
	void __user *argp = (void __user *)arg;
	long err;

	switch (cmd) {
	case VHOST_GET_FEATURES:
		return put_features(net_features[0], argp);
	case VHOST_SET_FEATURES:
		return set_features_word(pair, argp);
	case VHOST_GET_FEATURES_ARRAY:
		return put_features_array(argp);
	case VHOST_SET_FEATURES_ARRAY:
		return set_features_array(pair, argp);
	case VHOST_GET_BACKEND_FEATURES:
		return put_features(VHOST_ALT_BACKEND_FEATURES, argp);
	case VHOST_SET_BACKEND_FEATURES:
		return set_backend_features(pair, argp);
	default:
		mutex_lock(&pair->dev.mutex);
		err = locked_ioctl(pair, cmd, argp);
		mutex_unlock(&pair->dev.mutex);
		return err;
	}
}

/* ---- the file ---- */

static int init_queues(struct vha_net_pair *pair)
{
	int err;

	pair->queues[VHA_NET_RX] = &pair->nq[VHA_NET_RX].q;
	pair->queues[VHA_NET_TX] = &pair->nq[VHA_NET_TX].q;
	vha_tun_tx_init(&pair->nq[VHA_NET_TX].tx,
			&pair->queues[VHA_NET_TX]->mutex);
	err = vha_queue_init(pair->queues[VHA_NET_RX], "rx", vha_net_rx_run,
			     EPOLLIN);
	if (err)
		return err;
	pair->queues[VHA_NET_RX]->moderated = true;
	err = vha_queue_init(pair->queues[VHA_NET_TX], "tx", vha_net_tx_run,
			     EPOLLOUT);
	if (err)
		vha_queue_cleanup(pair->queues[VHA_NET_RX]);
	return err;
}

static void net_free(struct vha_net_pair *pair)
{
	unsigned int i;

	vha_dev_cleanup(&pair->dev);
	for (i = 0; i < VHA_NET_QUEUES; i++)
		vha_queue_cleanup(pair->queues[i]);
	kvfree(pair);
}

static int net_open(struct inode *inode, struct file *file)
{
	struct vha_net_pair *pair;
	int err;

	pair = kvzalloc(sizeof(*pair), GFP_KERNEL_ACCOUNT);
	if (!pair)
		return -ENOMEM;
	err = init_queues(pair);
	if (err) {
		kvfree(pair);
		return err;
	}
	vha_dev_init(&pair->dev, pair->queues, VHA_NET_QUEUES);
	vha_sharing_init(&pair->dev, vha_netlink_report_workers);
	err = vha_list_add(&pair->dev);
	if (err) {
		net_free(pair);
		return err;
	}
	file->private_data = pair;
	trace_vhost_alt_open(pair->dev.id);
	vha_netlink_notify(&pair->dev, NULL, VHOST_ALT_CMD_DEV_OPEN_NTF);
	return 0;
}

static int net_release(struct inode *inode, struct file *file)
{
	struct vha_net_pair *pair = file->private_data;

	trace_vhost_alt_close(pair->dev.id);
	vha_list_hide(&pair->dev);
	mutex_lock(&pair->dev.mutex);
	net_stop(pair, NULL);
	mutex_unlock(&pair->dev.mutex);
	vha_netlink_notify(&pair->dev, NULL, VHOST_ALT_CMD_DEV_CLOSE_NTF);
	vha_list_del(&pair->dev);
	net_free(pair);
	return 0;
}

static ssize_t net_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct vha_net_pair *pair = iocb->ki_filp->private_data;

	return vha_msg_read(&pair->dev, to,
			    iocb->ki_filp->f_flags & O_NONBLOCK);
}

static ssize_t net_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct vha_net_pair *pair = iocb->ki_filp->private_data;

	return vha_msg_write(&pair->dev, from);
}

static __poll_t net_poll(struct file *file, poll_table *wait)
{
	struct vha_net_pair *pair = file->private_data;

	return vha_msg_poll(&pair->dev, file, wait);
}

static void net_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct vha_net_pair *pair = file->private_data;

	vha_dev_show(&pair->dev, m);
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

/*
 * Whether /dev/vhost-net is served or, unless @loaded, wanted. Protected by the
 * lock of the module's parameters.
 */
static bool takeover;
static bool loaded;

/*
 * Provide /dev/vhost-net, or stop. Open files stay as they are, so guests that
 * use them do not notice.
 */
static int take_over(bool on)
{
	int err = 0;

	lockdep_assert_held(&THIS_MODULE->param_lock);
	if (on == takeover)
		return 0;
	if (on)
		err = misc_register(&takeover_misc);
	else
		misc_deregister(&takeover_misc);
	if (!err)
		takeover = on;
	return err;
}

/* Called for a parameter of modprobe, and for each write to the file. */
static int set_takeover(const char *value, const struct kernel_param *kp)
{
	bool on;
	int err;

	err = kstrtobool(value ?: "1", &on);
	if (err)
		return err;
	if (loaded)
		return take_over(on);
	takeover = on;
	return 0;
}

static const struct kernel_param_ops takeover_ops = {
	.flags	= KERNEL_PARAM_OPS_FL_NOARG,
	.set	= set_takeover,
	.get	= param_get_bool,
};

module_param_cb(takeover, &takeover_ops, &takeover, 0644);
__MODULE_PARM_TYPE(takeover, "bool");
MODULE_PARM_DESC(takeover,
		 "Provide /dev/vhost-net as well, unless vhost_net does");

/*
 * If another driver provides /dev/vhost-net, go without it: guests that are
 * given our own path need this module.
 */
static void __init start_takeover(void)
{
	bool wanted;
	int err;

	kernel_param_lock(THIS_MODULE);
	wanted = takeover;
	takeover = false;
	loaded = true;
	err = take_over(wanted);
	kernel_param_unlock(THIS_MODULE);
	if (err)
		pr_warn("/dev/vhost-net was not taken over (%d); unload vhost_net, then write 1 to /sys/module/vhost_alt/parameters/takeover\n",
			err);
}

static void __exit end_takeover(void)
{
	kernel_param_lock(THIS_MODULE);
	take_over(false);
	/* The file of the parameter is removed after this. */
	loaded = false;
	kernel_param_unlock(THIS_MODULE);
}

/*
 * A path may be opened as soon as it exists, so loading must not fail after it:
 * the file would outlive the module.
 */
static int __init register_devices(void)
{
	int err;

	err = misc_register(&net_misc);
	if (!err)
		start_takeover();
	return err;
}

static int __init net_init(void)
{
	int err;

	err = vha_list_init();
	if (err)
		return err;
	err = vha_netlink_init();
	if (err)
		goto list_exit;
	err = register_devices();
	if (err)
		goto netlink_exit;
	return 0;

netlink_exit:
	vha_netlink_exit();
list_exit:
	vha_list_exit();
	return err;
}

static void __exit net_exit(void)
{
	end_takeover();
	misc_deregister(&net_misc);
	vha_netlink_exit();
	vha_list_exit();
}

module_init(net_init);
module_exit(net_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vhost_alt authors");
MODULE_DESCRIPTION("Serves a guest's virtio-net rings in the host kernel");
MODULE_VERSION(VHOST_ALT_VERSION);
/* A client that asks for the netlink family has the module loaded. */
MODULE_ALIAS_GENL_FAMILY(VHOST_ALT_GENL_NAME);
