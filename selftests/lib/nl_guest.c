// SPDX-License-Identifier: GPL-2.0-only
#include "nl_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int nl_guest_open(struct guest *g, const struct guest_cfg *cfg, struct nl *nl,
		  __u32 *id)
{
	int err;

	err = guest_init(g, cfg);
	if (!err)
		err = nl_open(nl);
	if (err)
		return err;
	g->dev = vdev_open();
	return g->dev < 0 ? g->dev : nl_newest(nl, id);
}

int nl_guest_start(struct guest *g, const struct guest_cfg *cfg, struct nl *nl,
		   __u32 *id)
{
	int err;

	err = nl_open(nl);
	if (!err)
		err = guest_start(g, cfg);
	return err ? err : nl_newest(nl, id);
}

int nl_look(struct nl *nl, __u32 id, __u32 queue, struct nl_msg *m)
{
	if (queue == NL_NONE)
		return nl_dev(nl, id, m);
	return nl_queue(nl, id, queue, m);
}

void own_comm(char *comm, size_t len)
{
	FILE *f = fopen("/proc/self/comm", "r");

	comm[0] = 0;
	if (!f)
		return;
	if (fgets(comm, len, f))
		comm[strcspn(comm, "\n")] = 0;
	fclose(f);
}

int initial_netns(void)
{
	int fd = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The caller stays in the namespace in which it is. */
int other_netns(void)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int other = -1;

	if (own >= 0 && !unshare(CLONE_NEWNET)) {
		other = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		if (setns(own, CLONE_NEWNET))
			other = -1;
	}
	close(own);
	return other < 0 ? -EPERM : other;
}

int link_move(const char *name, int netns)
{
	char buffer[1024];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *sock = mnl_socket_open(NETLINK_ROUTE);
	struct ifinfomsg *ifi;
	int n, err = 0;

	if (!sock)
		return -errno;
	nlh->nlmsg_type = RTM_NEWLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = if_nametoindex(name);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, netns);
	n = mnl_socket_sendto(sock, nlh, nlh->nlmsg_len);
	if (n >= 0)
		n = mnl_socket_recvfrom(sock, buffer, sizeof(buffer));
	/* mnl_cb_run() sets errno to the error in the answer. */
	if (n < 0 || mnl_cb_run(buffer, n, 0, 0, NULL, NULL) < 0)
		err = -errno;
	mnl_socket_close(sock);
	return err;
}
