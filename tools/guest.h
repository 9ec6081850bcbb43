/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that have a vhost-net device open */
#ifndef VHOSTCTL_GUEST_H
#define VHOSTCTL_GUEST_H

#include <stdbool.h>
#include <stddef.h>

#define GUEST_NAME_LEN	64

/*
 * Get the name that a process gives its guest: of QEMU's -name option, else
 * the name of its command. It consists of printable ASCII. Return: false if
 * the process is gone or, for the option, may not be read; @name is empty then.
 */
bool guest_name(unsigned int pid, char *name, size_t size);
bool guest_name_option(unsigned int pid, char *name, size_t size);

/*
 * Call @found for each process that has /dev/vhost-net open, served by
 * vhost_alt or, with @ours false, by vhost_net. Needs root to see all.
 */
void guests_by_path(bool ours, void (*found)(unsigned int pid, void *data),
		    void *data);

#endif
