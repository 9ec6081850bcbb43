/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet socket that sends equal frames into a tap. */
#ifndef BENCH_SENDER_H
#define BENCH_SENDER_H

#include <stddef.h>
#include <linux/virtio_net.h>

/* Frames that one system call sends. */
#define SENDER_BURST	64

/*
 * Open a sender: it bypasses the queueing discipline, and captures nothing.
 * Return: a descriptor, or a negative errno.
 */
int sender_open(const char *ifname);

/* Send the same frame @n times. Return: 0 or a negative errno. */
int sender_send(int fd, const struct virtio_net_hdr *hdr, const void *frame,
		size_t len, unsigned int n);

#endif
