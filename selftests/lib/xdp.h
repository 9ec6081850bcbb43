/* SPDX-License-Identifier: GPL-2.0-only */
/* XDP programs. All return 0 or a descriptor, or a negative errno. */
#ifndef VHOST_TEST_XDP_H
#define VHOST_TEST_XDP_H

#include <stddef.h>

/* Load a program that passes all frames, or redirects them to a device. */
int xdp_load_pass(void);
int xdp_load_redirect(int ifindex);

/*
 * Attach a program to a device until the descriptor that this returns is
 * closed. @flags are XDP_FLAGS_*.
 */
int xdp_attach(int prog, int ifindex, unsigned int flags);

/* Run a program on a frame as if it had been received. */
int xdp_run(int prog, const void *frame, size_t len);

#endif
