/* SPDX-License-Identifier: GPL-2.0-only */
/* A bridge on the host, and a container beside the guests: a veth. */
#ifndef VHOST_TEST_BRIDGE_H
#define VHOST_TEST_BRIDGE_H

/*
 * Add a bridge with a veth. Return: a packet socket with virtio headers at the
 * container's end; -EOPNOTSUPP if the kernel has no bridges; another errno.
 */
int bridge_open(void);

/* Remove both. @container is what bridge_open() returned. */
void bridge_close(int container);

/* Add an interface to the bridge. Return: 0 or a negative errno. */
int bridge_add(const char *ifname);

#endif
