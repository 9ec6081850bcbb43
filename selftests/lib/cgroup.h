/* SPDX-License-Identifier: GPL-2.0-only */
/* A control group for the calling process. */
#ifndef VHOST_TEST_CGROUP_H
#define VHOST_TEST_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/* Where cgroup2 is mounted between cgroup_enter() and cgroup_leave(). */
#define CGROUP_ROOT	"/tmp/vhost_cgroup"

/*
 * Move this process to a new cgroup, whose directory is stored in @dir. Return:
 * 0 or a negative errno.
 */
int cgroup_enter(char *dir, size_t len);

/* Leave the cgroup and remove it. Return: true if no thread was left in it. */
bool cgroup_leave(const char *dir);

/* Write to a file of a cgroup. Return: 0 or a negative errno. */
int cgroup_write(const char *dir, const char *file, const char *text);

/* Read value @key of memory.stat. Return: it, or a negative errno. */
long long cgroup_memory(const char *dir, const char *key);

#endif
