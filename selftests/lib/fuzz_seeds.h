/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Seeds of rounds that have found something, which fuzz runs before all others.
 * A change of the steps makes another round of a seed, so what a seed has found
 * also gets a test of its own.
 */
#ifndef VHOST_TEST_FUZZ_SEEDS_H
#define VHOST_TEST_FUZZ_SEEDS_H

#include <linux/types.h>

static const struct {
	__u64 seed;
	const char *found;
} fuzz_seeds[] = {
	{ 165, "a process left behind by the round changed the features" },
};

#endif
