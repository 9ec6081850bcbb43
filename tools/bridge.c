// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "bridge.h"
#include "vhostctl.h"

static void name_request(struct ifreq *req, const char *name)
{
	memset(req, 0, sizeof(*req));
	snprintf(req->ifr_name, sizeof(req->ifr_name), "%s", name);
}

/* Read the name of the bridge whose port the tap is; "" if it is none. */
static void read_master(const char *tap, char master[IFNAMSIZ])
{
	char path[64], link[256];
	const char *name;
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/class/net/%s/master", tap);
	len = readlink(path, link, sizeof(link) - 1);
	link[len < 0 ? 0 : len] = 0;
	name = strrchr(link, '/');
	snprintf(master, IFNAMSIZ, "%.15s", name ? name + 1 : link);
}

/*
 * A bridge has the smallest MTU of its ports, and the lowest of their
 * addresses, unless these are set: a new port must not change what the host
 * uses.
 */
static int fit_port(int fd, const char *bridge, const char *tap)
{
	struct ifreq req;
	int mtu;

	name_request(&req, bridge);
	if (ioctl(fd, SIOCGIFMTU, &req))
		return -1;
	mtu = req.ifr_mtu;
	name_request(&req, tap);
	req.ifr_mtu = mtu;
	/* An MTU that no tap can have is the bridge's problem. */
	ioctl(fd, SIOCSIFMTU, &req);
	if (ioctl(fd, SIOCGIFHWADDR, &req))
		return -1;
	req.ifr_hwaddr.sa_data[0] = 0xfe;
	return ioctl(fd, SIOCSIFHWADDR, &req);
}

static int add_port(int fd, const char *bridge, const char *tap)
{
	struct ifreq req;

	if (fit_port(fd, bridge, tap))
		return -1;
	name_request(&req, bridge);
	req.ifr_ifindex = if_nametoindex(tap);
	return ioctl(fd, SIOCBRADDIF, &req);
}

static int bridge_error(const char *bridge, const char *tap)
{
	switch (errno) {
	case ENODEV:
		return kernel_error("bridge %s: no such interface; try ip link add %s type bridge",
				    bridge, bridge);
	case EOPNOTSUPP:
		return kernel_error("bridge %s: not a bridge", bridge);
	case EBUSY:
		return kernel_error("tap %s: in another bridge; try ip link set %s nomaster",
				    tap, tap);
	}
	return kernel_error("bridge %s: cannot add %s: %s%s", bridge, tap,
			    strerror(errno), errno == EPERM ? "; try sudo" : "");
}

int bridge_add_port(const char *bridge, const char *tap)
{
	char master[IFNAMSIZ];
	int fd, err;

	read_master(tap, master);
	if (!strcmp(master, bridge))
		return 0;
	errno = EBUSY;
	if (*master)
		return bridge_error(bridge, tap);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return kernel_error("socket: %s", strerror(errno));
	err = add_port(fd, bridge, tap);
	if (err)
		err = bridge_error(bridge, tap);
	close(fd);
	return err;
}
