/* SPDX-License-Identifier: GPL-2.0-only */
/* Bridges of the host */
#ifndef VHOSTCTL_BRIDGE_H
#define VHOSTCTL_BRIDGE_H

/*
 * Make a tap a port of a bridge, unless it is one already. The tap gets the
 * bridge's MTU, and an address that the bridge does not take for its own.
 * Return: 0 or an exit status.
 */
int bridge_add_port(const char *bridge, const char *tap);

#endif
