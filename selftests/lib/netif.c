// SPDX-License-Identifier: GPL-2.0-only
#include "netif.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "env.h"

/* Room for frames that are captured while a test is busy sending. */
#define CAPTURE_BYTES	(64 << 20)

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* Best effort: a kernel without the setting does not need it. */
	if (write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

int netns_enter(void)
{
	static bool entered;

	if (entered)
		return 0;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (mount("sysfs", "/sys", "sysfs", 0, NULL))
		return -errno;
	write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	entered = true;
	return 0;
}

static void set_name(struct ifreq *ifr, const char *name)
{
	memset(ifr, 0, sizeof(*ifr));
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
}

int tap_open(const char *name, int flags)
{
	struct ifreq ifr;
	int fd, err;

	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	set_name(&ifr, name);
	ifr.ifr_flags = flags;
	if (!ioctl(fd, TUNSETIFF, &ifr))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int tap_set_hdr_len(int tap, int len)
{
	return ioctl(tap, TUNSETVNETHDRSZ, &len) ? -errno : 0;
}

int tap_set_offload(int tap, unsigned int offload)
{
	return ioctl(tap, TUNSETOFFLOAD, offload) ? -errno : 0;
}

int tap_set_sndbuf(int tap, int bytes)
{
	return ioctl(tap, TUNSETSNDBUF, &bytes) ? -errno : 0;
}

int tap_set_queue(int tap, bool attached)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_flags = attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
	return ioctl(tap, TUNSETQUEUE, &ifr) ? -errno : 0;
}

static int if_ioctl(unsigned long cmd, struct ifreq *ifr)
{
	int fd, err;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = ioctl(fd, cmd, ifr) ? -errno : 0;
	close(fd);
	return err;
}

int link_up(const char *name, bool up)
{
	struct ifreq ifr;
	int err;

	set_name(&ifr, name);
	err = if_ioctl(SIOCGIFFLAGS, &ifr);
	if (err)
		return err;
	if (up)
		ifr.ifr_flags |= IFF_UP | IFF_NOARP;
	else
		ifr.ifr_flags &= ~IFF_UP;
	return if_ioctl(SIOCSIFFLAGS, &ifr);
}

int link_set_mtu(const char *name, int mtu)
{
	struct ifreq ifr;

	set_name(&ifr, name);
	ifr.ifr_mtu = mtu;
	return if_ioctl(SIOCSIFMTU, &ifr);
}

int link_set_qlen(const char *name, int qlen)
{
	struct ifreq ifr;

	set_name(&ifr, name);
	ifr.ifr_qlen = qlen;
	return if_ioctl(SIOCSIFTXQLEN, &ifr);
}

/* An rtnetlink request for a link, to which attributes are added one by one. */
struct rtreq {
	struct nlmsghdr nlh;
	struct ifinfomsg ifi;
	char attr[512];
};

static struct rtattr *rt_put(struct rtreq *req, int type, const void *data,
			     size_t len)
{
	struct rtattr *a;

	a = (void *)((char *)req + NLMSG_ALIGN(req->nlh.nlmsg_len));
	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	req->nlh.nlmsg_len = NLMSG_ALIGN(req->nlh.nlmsg_len) +
			     RTA_ALIGN(a->rta_len);
	return a;
}

static void rt_end(struct rtreq *req, struct rtattr *nest)
{
	nest->rta_len = (char *)req + req->nlh.nlmsg_len - (char *)nest;
}

static void rt_init(struct rtreq *req, int type, int flags)
{
	memset(req, 0, sizeof(*req));
	req->nlh.nlmsg_type = type;
	req->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	req->nlh.nlmsg_len = NLMSG_LENGTH(sizeof(req->ifi));
}

static int rt_talk(struct rtreq *req)
{
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
		char rest[1024];
	} answer;
	int fd, err = 0;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (send(fd, req, req->nlh.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		err = -errno;
	else if (answer.nlh.nlmsg_type == NLMSG_ERROR)
		err = answer.err.error;
	close(fd);
	return err;
}

int link_del(const char *name)
{
	struct rtreq req;

	rt_init(&req, RTM_DELLINK, 0);
	rt_put(&req, IFLA_IFNAME, name, strlen(name) + 1);
	return rt_talk(&req);
}

int link_add_veth(const char *name, const char *peer)
{
	struct rtattr *info, *data, *other;
	struct ifinfomsg ifi = { 0 };
	struct rtreq req;

	rt_init(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	rt_put(&req, IFLA_IFNAME, name, strlen(name) + 1);
	info = rt_put(&req, IFLA_LINKINFO, NULL, 0);
	rt_put(&req, IFLA_INFO_KIND, "veth", 4);
	data = rt_put(&req, IFLA_INFO_DATA, NULL, 0);
	other = rt_put(&req, VETH_INFO_PEER, &ifi, sizeof(ifi));
	rt_put(&req, IFLA_IFNAME, peer, strlen(peer) + 1);
	rt_end(&req, other);
	rt_end(&req, data);
	rt_end(&req, info);
	return rt_talk(&req);
}

int link_add_bridge(const char *name)
{
	struct rtattr *info;
	struct rtreq req;

	rt_init(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	rt_put(&req, IFLA_IFNAME, name, strlen(name) + 1);
	info = rt_put(&req, IFLA_LINKINFO, NULL, 0);
	rt_put(&req, IFLA_INFO_KIND, "bridge", 6);
	rt_end(&req, info);
	return rt_talk(&req);
}

int link_set_bridge(const char *name, const char *bridge)
{
	int index = if_nametoindex(bridge);
	struct rtreq req;

	if (!index)
		return -errno;
	rt_init(&req, RTM_NEWLINK, 0);
	rt_put(&req, IFLA_IFNAME, name, strlen(name) + 1);
	rt_put(&req, IFLA_MASTER, &index, sizeof(index));
	return rt_talk(&req);
}

int link_add_macvtap(const char *name, const char *lower)
{
	__u32 mode = MACVLAN_MODE_BRIDGE;
	struct rtattr *info, *data;
	struct rtreq req;
	int parent = if_nametoindex(lower);

	if (!parent)
		return -errno;
	rt_init(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	rt_put(&req, IFLA_IFNAME, name, strlen(name) + 1);
	rt_put(&req, IFLA_LINK, &parent, sizeof(parent));
	info = rt_put(&req, IFLA_LINKINFO, NULL, 0);
	rt_put(&req, IFLA_INFO_KIND, "macvtap", 7);
	data = rt_put(&req, IFLA_INFO_DATA, NULL, 0);
	rt_put(&req, IFLA_MACVLAN_MODE, &mode, sizeof(mode));
	rt_end(&req, data);
	rt_end(&req, info);
	return rt_talk(&req);
}

int macvtap_open(const char *name)
{
	unsigned int index = if_nametoindex(name), maj, min;
	char path[128];
	FILE *f;
	int fd, n;

	/* devtmpfs may lack the node of this namespace, so make one. */
	snprintf(path, sizeof(path), "/sys/class/net/%s/macvtap/tap%u/dev",
		 name, index);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	n = fscanf(f, "%u:%u", &maj, &min);
	fclose(f);
	if (n != 2)
		return -EPROTO;
	snprintf(path, sizeof(path), "/tmp/vhost-test-tap.%d", getpid());
	if (mknod(path, S_IFCHR | 0600, makedev(maj, min)))
		return -errno;
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	n = errno;
	unlink(path);
	return fd < 0 ? -n : fd;
}

int macvtap_set_flags(int tap, int flags)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_flags = flags;
	return ioctl(tap, TUNSETIFF, &ifr) ? -errno : 0;
}

int link_stats(const char *name, struct netif_stats *s)
{
	size_t len = strlen(name);
	char line[512], *p;
	int found = -ENODEV;
	FILE *f;

	f = fopen("/proc/thread-self/net/dev", "r");
	if (!f)
		return -errno;
	while (found && fgets(line, sizeof(line), f)) {
		for (p = line; *p == ' '; p++)
			;
		if (strncmp(p, name, len) || p[len] != ':')
			continue;
		found = sscanf(p + len + 1,
			       "%*u %llu %llu %llu %*u %llu %*u %*u %*u %llu %*u %llu",
			       &s->rx_packets, &s->rx_errors, &s->rx_dropped,
			       &s->rx_frame, &s->tx_packets, &s->tx_dropped)
			== 6 ? 0 : -EPROTO;
	}
	fclose(f);
	return found;
}

static int set_sockopts(int fd, bool vnet_hdr)
{
	int one = 1, room = CAPTURE_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
		       sizeof(one)))
		return -errno;
	if (vnet_hdr && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one,
				   sizeof(one)))
		return -errno;
	return 0;
}

int packet_open(const char *name, bool vnet_hdr)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(name),
	};
	int fd, err;

	if (!to.sll_ifindex)
		return -errno;
	/*
	 * Protocol 0, so that nothing is captured before the socket is bound.
	 */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = set_sockopts(fd, vnet_hdr);
	if (!err && bind(fd, (struct sockaddr *)&to, sizeof(to)))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

int packet_send(int fd, const void *hdr, const void *frame, size_t len)
{
	struct iovec iov[2] = {
		{ (void *)hdr, hdr ? sizeof(struct virtio_net_hdr) : 0 },
		{ (void *)frame, len },
	};

	return writev(fd, iov, 2) < 0 ? -errno : 0;
}

int packet_recv_now(int fd, void *hdr, void *frame, size_t len)
{
	struct iovec iov[2] = {
		{ hdr, hdr ? sizeof(struct virtio_net_hdr) : 0 },
		{ frame, len },
	};
	ssize_t n = readv(fd, iov, 2);

	return n < 0 ? -errno : n - (int)iov[0].iov_len;
}

int packet_recv(int fd, void *hdr, void *frame, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = packet_recv_now(fd, hdr, frame, len);

	if (n != -EAGAIN)
		return n;
	if (poll(&p, 1, env_left_ms(env_deadline())) != 1)
		return -ETIMEDOUT;
	return packet_recv_now(fd, hdr, frame, len);
}
