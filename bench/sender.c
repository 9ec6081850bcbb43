// SPDX-License-Identifier: GPL-2.0-only
#include "sender.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int sender_open(const char *ifname)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(ifname),
	};
	int fd, one = 1, room = 64 << 20;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one,
		       sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&to, sizeof(to))) {
		one = -errno;
		close(fd);
		return one;
	}
	return fd;
}

int sender_send(int fd, const struct virtio_net_hdr *hdr, const void *frame,
		size_t len, unsigned int n)
{
	struct iovec iov[2] = {
		{ (void *)hdr, sizeof(*hdr) },
		{ (void *)frame, len },
	};
	struct mmsghdr msg[SENDER_BURST];
	unsigned int i, sent, most;
	int some;

	memset(msg, 0, sizeof(msg));
	for (i = 0; i < SENDER_BURST; i++) {
		msg[i].msg_hdr.msg_iov = iov;
		msg[i].msg_hdr.msg_iovlen = 2;
	}
	for (sent = 0; sent < n; sent += some) {
		most = n - sent < SENDER_BURST ? n - sent : SENDER_BURST;
		some = sendmmsg(fd, msg, most, 0);
		if (some < 0)
			return -errno;
	}
	return 0;
}
