/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of a vhost-net device. All return 0 or a negative errno. */
#ifndef VHOST_TEST_VDEV_H
#define VHOST_TEST_VDEV_H

#include "gmem.h"
#include "vq.h"

/* Open the device under test. Return: a descriptor or a negative errno. */
int vdev_open(void);

/* ioctl() that returns 0 or a negative errno. */
int vdev_cmd(int fd, unsigned long cmd, const void *arg);

int vdev_get_features(int fd, __u64 *features);
int vdev_set_features(int fd, __u64 features);

/* Set both words of features. */
int vdev_set_features2(int fd, __u64 features, __u64 features2);

/* Check whether the device under test offers all of these features. */
bool vdev_offers(__u64 features);
bool vdev_offers2(__u64 features2);

int vdev_set_owner(int fd);
int vdev_set_mem(int fd, const struct gmem *mem);
int vdev_set_state(int fd, unsigned long cmd, unsigned int index, __u32 num);
int vdev_get_base(int fd, unsigned int index, __u32 *num);
int vdev_set_file(int fd, unsigned long cmd, unsigned int index, int file);
int vdev_set_backend(int fd, unsigned int index, int backend);

/* Workers. The number of a new one goes to @id. */
int vdev_new_worker(int fd, unsigned int *id);
int vdev_free_worker(int fd, unsigned int id);
int vdev_attach_worker(int fd, unsigned int index, unsigned int id);
int vdev_get_worker(int fd, unsigned int index, unsigned int *id);

/* Give each ring a new worker of its own. The first one is left without. */
int vdev_spread_rings(int fd);

/*
 * VHOST_SET_VRING_ADDR with the ring's user addresses, or its IOVAs if the
 * guest has ACCESS_PLATFORM. The used ring is logged if vq->log_used.
 */
int vdev_set_addr(int fd, const struct vq *vq);

/* Set NUM, BASE, ADDR, KICK, CALL and ERR, in the order in which QEMU does. */
int vdev_set_vring(int fd, const struct vq *vq, __u32 base);

/*
 * Wait until the work of earlier kicks is done. A ring that waits neither for
 * its backend nor for an IOTLB entry is then idle until it is kicked again.
 */
int vdev_rest(int fd, const struct vq *vq);

/*
 * Read a counter from fdinfo, such as "queue1.packets". Return: 0 if there is
 * no such counter, as on vhost_net.
 */
__u64 vdev_counter(int fd, const char *name);

/* The sum of all counters whose names begin with @prefix. */
__u64 vdev_counter_sum(int fd, const char *prefix);

/* Print the rings' lines of fdinfo, for the report of a failure. */
void vdev_report(int fd);

#endif
