/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of a vhost-net device. All return 0 or a negative errno. */
#ifndef VHOST_TEST_VDEV_H
#define VHOST_TEST_VDEV_H

#include "gmem.h"
#include "vq.h"

/* A new file of the device under test, or a negative errno. */
int vdev_open(void);

/* ioctl() with the errno as its result. */
int vdev_cmd(int fd, unsigned long cmd, const void *arg);

int vdev_get_features(int fd, __u64 *features);
int vdev_set_features(int fd, __u64 features);

/* Both words at once, for what is beyond the first. */
int vdev_set_features2(int fd, __u64 features, __u64 features2);

/* True if the device under test offers all of these. */
bool vdev_offers(__u64 features);
bool vdev_offers2(__u64 features2);

int vdev_set_owner(int fd);
int vdev_set_mem(int fd, const struct gmem *mem);
int vdev_set_state(int fd, unsigned long cmd, unsigned int index, __u32 num);
int vdev_get_base(int fd, unsigned int index, __u32 *num);
int vdev_set_file(int fd, unsigned long cmd, unsigned int index, int file);
int vdev_set_backend(int fd, unsigned int index, int backend);

/* Workers; a new one's number goes to @id. */
int vdev_new_worker(int fd, unsigned int *id);
int vdev_free_worker(int fd, unsigned int id);
int vdev_attach_worker(int fd, unsigned int index, unsigned int id);
int vdev_get_worker(int fd, unsigned int index, unsigned int *id);

/* Gives each ring a worker of its own, and makes one more that has no ring. */
int vdev_spread_rings(int fd);

/*
 * VHOST_SET_VRING_ADDR with where the ring's areas are in this process, or with
 * ACCESS_PLATFORM for the guest. The used ring is logged if vq->log_used.
 */
int vdev_set_addr(int fd, const struct vq *vq);

/* NUM, BASE, ADDR, KICK, CALL and ERR, in the order in which QEMU sends. */
int vdev_set_vring(int fd, const struct vq *vq, __u32 base);

/*
 * Waits until what kicks have begun is over. A ring that neither waits for its
 * backend nor for an entry of the IOTLB rests then until it is kicked again.
 */
int vdev_rest(int fd, const struct vq *vq);

/*
 * A counter out of the file's fdinfo, such as "queue1.packets": 0 if it is not
 * there, as on a device that counts nothing.
 */
__u64 vdev_counter(int fd, const char *name);

/* What the device says of itself there, for the report of a failure. */
void vdev_report(int fd);

#endif
