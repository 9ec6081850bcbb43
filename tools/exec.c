// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl exec: a tap and the device, open, and QEMU on top of them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhostctl.h"

#define NETDEV		"vhostctl0"
#define MAX_QUEUES	256
#define TAP_FLAGS	(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

/* What QEMU gets: pairs of descriptors, and the tap's name. */
struct link {
	unsigned int queues;
	char ifname[IFNAMSIZ];
	int tap[MAX_QUEUES];
	int vhost[MAX_QUEUES];
};

static int tap_error(const char *name, unsigned int queues)
{
	switch (errno) {
	case EINVAL:
		return kernel_error("tap %s: made with other flags: it wants vnet_hdr%s",
				    name, queues > 1 ? " and multi_queue" : ", and no multi_queue");
	case EBUSY:
		return kernel_error("tap %s: in use; vhostctl show ifname %s may say by whom",
				    name, name);
	case EPERM:
		return kernel_error("tap %s: not permitted: try sudo, or make it for your user",
				    name);
	}
	return kernel_error("tap %s: %s", name, strerror(errno));
}

/* One queue of the tap; its first names it. */
static int open_tap(struct link *link, unsigned int i)
{
	struct ifreq req = { .ifr_flags = TAP_FLAGS };

	if (link->queues > 1)
		req.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(req.ifr_name, link->ifname, sizeof(req.ifr_name));
	link->tap[i] = open("/dev/net/tun", O_RDWR);
	if (link->tap[i] < 0)
		return kernel_error("/dev/net/tun: %s%s", strerror(errno),
				    errno == ENOENT || errno == ENODEV ?
				    ": modprobe tun" : "");
	if (ioctl(link->tap[i], TUNSETIFF, &req))
		return tap_error(link->ifname, link->queues);
	memcpy(link->ifname, req.ifr_name, sizeof(req.ifr_name));
	return 0;
}

static int open_vhost(struct link *link, unsigned int i, const char *path)
{
	link->vhost[i] = open(path, O_RDWR);
	if (link->vhost[i] >= 0)
		return 0;
	if (errno == ENOENT && !strcmp(path, DEVICE_PATH))
		return kernel_error("%s: module not loaded: modprobe vhost_alt",
				    path);
	return kernel_error("%s: %s%s", path, strerror(errno),
			    errno == EACCES ? ": try sudo" : "");
}

/* Up, so that the guest's packets go somewhere; the rest is the user's. */
static int raise_tap(const struct link *link)
{
	struct ifreq req = { 0 };
	int fd, err;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return kernel_error("socket: %s", strerror(errno));
	memcpy(req.ifr_name, link->ifname, sizeof(req.ifr_name));
	err = ioctl(fd, SIOCGIFFLAGS, &req);
	if (!err && !(req.ifr_flags & IFF_UP)) {
		req.ifr_flags |= IFF_UP;
		err = ioctl(fd, SIOCSIFFLAGS, &req);
	}
	close(fd);
	if (err)
		return kernel_error("tap %s: cannot set it up: %s; ip link set %s up as root",
				    link->ifname, strerror(errno),
				    link->ifname);
	return 0;
}

static int open_all(struct link *link, const char *path)
{
	unsigned int i;
	int err = 0;

	/* The device first: its absence is what is most likely. */
	for (i = 0; !err && i < link->queues; i++)
		err = open_vhost(link, i, path);
	for (i = 0; !err && i < link->queues; i++)
		err = open_tap(link, i);
	return err ? err : raise_tap(link);
}

/* "7:8:9" */
static void list_fds(FILE *to, const int *fd, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		fprintf(to, "%s%d", i ? ":" : "", fd[i]);
}

static char *netdev_option(const struct link *link)
{
	const char *s = link->queues > 1 ? "s" : "";
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return NULL;
	fprintf(to, "tap,id=" NETDEV ",fd%s=", s);
	list_fds(to, link->tap, link->queues);
	fprintf(to, ",vhost=on,vhostfd%s=", s);
	list_fds(to, link->vhost, link->queues);
	fclose(to);
	return text;
}

static char *device_option(const struct link *link)
{
	char *text = NULL;
	int n;

	if (link->queues == 1)
		return strdup("virtio-net-pci,netdev=" NETDEV);
	/* One for each queue, one for changes of the configuration, control. */
	n = asprintf(&text, "virtio-net-pci,netdev=" NETDEV ",mq=on,vectors=%u",
		     2 * link->queues + 2);
	return n < 0 ? NULL : text;
}

static int run_qemu(const struct link *link, int argc, char **argv)
{
	char **args = calloc(argc + 5, sizeof(*args));
	char *netdev = netdev_option(link);
	char *device = device_option(link);

	if (!args || !netdev || !device)
		return kernel_error("no memory");
	memcpy(args, argv, argc * sizeof(*args));
	args[argc++] = "-netdev";
	args[argc++] = netdev;
	args[argc++] = "-device";
	args[argc++] = device;
	fprintf(stderr, "vhostctl: interface %s\n", link->ifname);
	execvp(args[0], args);
	return kernel_error("%s: %s%s", args[0], strerror(errno),
			    errno == ENOENT ?
			    ": apt-get install qemu-system-x86" : "");
}

int cmd_exec(const struct options *opt, int argc, char **argv)
{
	static struct link link;
	int err;

	if (!argc)
		return usage_error("exec: expected -- and QEMU's command line");
	if (opt->tap && (!*opt->tap || strlen(opt->tap) >= IFNAMSIZ))
		return usage_error("exec: --tap %s: no such name for an interface",
				   opt->tap);
	link.queues = opt->queues;
	snprintf(link.ifname, sizeof(link.ifname), "%s", opt->tap ?: "tap%d");
	err = open_all(&link, opt->device);
	return err ? err : run_qemu(&link, argc, argv);
}
