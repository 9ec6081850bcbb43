// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/if_tun.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "host_link.h"

/* Larger than any message of rtnetlink */
#define BUFFER	(64 * 1024)

static char buffer[BUFFER];

static __u32 number(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) < sizeof(__u32) ?
		       0 : mnl_attr_get_u32(attr);
}

static __u8 byte(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) ? mnl_attr_get_u8(attr) : 0;
}

static void copy_name(char *to, const struct nlattr *attr)
{
	snprintf(to, IF_NAMESIZE, "%.*s", mnl_attr_get_payload_len(attr),
		 mnl_attr_get_str(attr));
}

/* The older of two layouts of the counters is a prefix of the newer one. */
static void copy_stats(struct rtnl_link_stats64 *to, const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(to, mnl_attr_get_payload(attr),
	       len < sizeof(*to) ? len : sizeof(*to));
}

/* ---- the link ---- */

static void read_tun(struct host_link *link, const struct nlattr *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data) {
		if (mnl_attr_get_type(attr) == IFLA_TUN_NUM_QUEUES)
			link->queues = number(attr);
		else if (mnl_attr_get_type(attr) == IFLA_TUN_VNET_HDR)
			link->vnet_hdr = byte(attr);
	}
}

static void read_port(struct host_link *link, const struct nlattr *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data) {
		if (mnl_attr_get_type(attr) != IFLA_BRPORT_STATE)
			continue;
		link->port_state = byte(attr);
		link->has_port = true;
	}
}

static void read_info(struct host_link *link, const struct nlattr *info)
{
	const char *kind = "", *slave = "";
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_INFO_KIND:
			kind = mnl_attr_get_str(attr);
			break;
		case IFLA_INFO_SLAVE_KIND:
			slave = mnl_attr_get_str(attr);
			break;
		case IFLA_INFO_DATA:
			if (!strcmp(kind, "tun"))
				read_tun(link, attr);
			break;
		case IFLA_INFO_SLAVE_DATA:
			if (!strcmp(slave, "bridge"))
				read_port(link, attr);
			break;
		}
	}
}

static void read_xdp(struct host_link *link, const struct nlattr *xdp)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, xdp) {
		if (mnl_attr_get_type(attr) == IFLA_XDP_ATTACHED)
			link->xdp = byte(attr) != XDP_ATTACHED_NONE;
	}
}

static void read_attr(struct host_link *link, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		copy_name(link->name, attr);
		break;
	case IFLA_MTU:
		link->mtu = number(attr);
		break;
	case IFLA_TXQLEN:
		link->qlen = number(attr);
		break;
	case IFLA_CARRIER:
		link->carrier = byte(attr);
		break;
	case IFLA_MASTER:
		link->master = number(attr);
		break;
	case IFLA_QDISC:
		copy_name(link->qdisc, attr);
		break;
	case IFLA_STATS64:
		copy_stats(&link->stats, attr);
		break;
	case IFLA_LINKINFO:
		read_info(link, attr);
		break;
	case IFLA_XDP:
		read_xdp(link, attr);
		break;
	}
}

static int on_link(const struct nlmsghdr *msg, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);
	struct host_link *link = data;
	const struct nlattr *attr;

	link->up = info->ifi_flags & IFF_UP;
	mnl_attr_for_each(attr, msg, sizeof(*info))
		read_attr(link, attr);
	return MNL_CB_OK;
}

/* ---- qdiscs and addresses ---- */

static __u64 qdisc_drops(const struct nlattr *stats)
{
	const struct gnet_stats_queue *queue;
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, stats) {
		if (mnl_attr_get_type(attr) != TCA_STATS_QUEUE ||
		    mnl_attr_get_payload_len(attr) < sizeof(*queue))
			continue;
		queue = mnl_attr_get_payload(attr);
		return queue->drops;
	}
	return 0;
}

static int on_qdisc(const struct nlmsghdr *msg, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(msg);
	struct host_link *link = data;
	const struct nlattr *attr;

	/* Older kernels dump the qdiscs of all interfaces. */
	if (tc->tcm_ifindex != link->index)
		return MNL_CB_OK;
	link->ingress |= tc->tcm_parent == TC_H_INGRESS;
	mnl_attr_for_each(attr, msg, sizeof(*tc)) {
		if (mnl_attr_get_type(attr) != TCA_STATS2)
			continue;
		if (tc->tcm_parent == TC_H_INGRESS)
			link->police_drops += qdisc_drops(attr);
		else if (tc->tcm_parent == TC_H_ROOT)
			link->qdisc_drops += qdisc_drops(attr);
	}
	return MNL_CB_OK;
}

static int on_address(const struct nlmsghdr *msg, void *data)
{
	const struct ifaddrmsg *addr = mnl_nlmsg_get_payload(msg);
	struct host_link *link = data;

	/* The kernel itself assigns link-local addresses. */
	if (addr->ifa_index == link->index &&
	    addr->ifa_scope < RT_SCOPE_LINK)
		link->addressed = true;
	return MNL_CB_OK;
}

/* ---- requests ---- */

/*
 * Send a request for @link. @header is the one of its type, without padding.
 * Return: 0 or a negative errno.
 */
static int ask(struct mnl_socket *sock, __u16 type, __u16 flags,
	       const void *header, size_t size, mnl_cb_t reply,
	       struct host_link *link)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buffer);
	unsigned int port = mnl_socket_get_portid(sock);
	static unsigned int sequence;
	int n;

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	msg->nlmsg_seq = ++sequence;
	memcpy(mnl_nlmsg_put_extra_header(msg, size), header, size);
	if (mnl_socket_sendto(sock, msg, msg->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(sock, buffer, sizeof(buffer));
		if (n > 0)
			n = mnl_cb_run(buffer, n, sequence, port, reply, link);
	} while (n > MNL_CB_STOP || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static int ask_all(struct mnl_socket *sock, struct host_link *link)
{
	const struct ifinfomsg info = { .ifi_index = link->index };
	const struct tcmsg tc = { .tcm_ifindex = link->index };
	const struct ifaddrmsg addr = { 0 };
	int err;

	err = ask(sock, RTM_GETLINK, 0, &info, sizeof(info), on_link, link);
	if (err)
		return err;
	/* A kernel without qdiscs has no drops either. */
	ask(sock, RTM_GETQDISC, NLM_F_DUMP, &tc, sizeof(tc), on_qdisc, link);
	ask(sock, RTM_GETADDR, NLM_F_DUMP, &addr, sizeof(addr), on_address,
	    link);
	return 0;
}

void host_link_read(struct host_link *link, __u32 index, const char *name)
{
	struct mnl_socket *sock = mnl_socket_open(NETLINK_ROUTE);
	int err = -errno;

	memset(link, 0, sizeof(*link));
	link->index = index;
	if (sock && !mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID))
		err = ask_all(sock, link);
	if (sock)
		mnl_socket_close(sock);
	if (err == -ENODEV || (!err && name && strcmp(link->name, name)))
		link->why = "it is not in this network namespace";
	else if (err)
		link->why = strerror(-err);
}

bool host_link_is_captured(__u32 index)
{
	FILE *f = fopen("/proc/net/packet", "re");
	bool found = false;
	char line[256];
	unsigned int i;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*s %*s %*s %*s %u", &i) == 1 &&
			i == index;
	if (f)
		fclose(f);
	return found;
}
