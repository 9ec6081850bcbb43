/* SPDX-License-Identifier: GPL-2.0-only */
/* Measurements in processes of their own. */
#ifndef BENCH_APART_H
#define BENCH_APART_H

/*
 * Call @fn in a new process, with a worker, network and memory of its own.
 * Return: 0, or a negative errno: -EIO if @fn returned one.
 */
int run_apart(int (*fn)(void *data), void *data);

#endif
