/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel and this process hold: it must not grow with use. */
#ifndef VHOST_TEST_LEAK_H
#define VHOST_TEST_LEAK_H

#include <stdbool.h>

#define LEAK_CACHES	512

struct leak {
	unsigned int files;	/* open in this process */
	unsigned int refs;	/* of the module under test */
	unsigned int caches;
	struct {
		char name[64];
		long objects;
	} cache[LEAK_CACHES];
};

/* Note what there is now. */
void leak_note(struct leak *l);

/*
 * Check that there are as many files and references as before, and that no slab
 * cache has grown by more than @limit objects. Waits for what is freed with a
 * delay. Prints what is left.
 */
bool leak_none(const struct leak *before, long limit);

#endif
