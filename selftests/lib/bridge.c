// SPDX-License-Identifier: GPL-2.0-only
#include <unistd.h>

#include "bridge.h"
#include "netif.h"

#define BRIDGE		"br-test"
#define PORT		"veth-port"
#define CONTAINER	"veth-test"

static int raise_link(const char *name)
{
	int err = link_set_mtu(name, NETIF_MTU_MAX);

	return err ? err : link_up(name, true);
}

int bridge_add(const char *ifname)
{
	return link_set_bridge(ifname, BRIDGE);
}

int bridge_open(void)
{
	int err = link_add_bridge(BRIDGE);

	if (!err)
		err = link_add_veth(PORT, CONTAINER);
	if (!err)
		err = raise_link(PORT);
	if (!err)
		err = raise_link(CONTAINER);
	if (!err)
		err = bridge_add(PORT);
	if (!err)
		err = link_up(BRIDGE, true);
	return err ? err : packet_open(CONTAINER, true);
}

void bridge_close(int container)
{
	if (container >= 0)
		close(container);
	link_del(PORT);
	link_del(BRIDGE);
}
