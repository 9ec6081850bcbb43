/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's memory: regions of guest-physical addresses, each a mapping of
 * its own somewhere else in this process. Neighbours in guest-physical space
 * are never neighbours here, and each mapping ends at a page that faults.
 */
#ifndef VHOST_TEST_GMEM_H
#define VHOST_TEST_GMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct gmem_region {
	__u64 gpa;
	size_t size;
	unsigned char *hva;
	int fd;		/* what it is a mapping of, for a second one */
};

struct gmem {
	struct gmem_region *region;
	unsigned int nregions;
	size_t heap_used;	/* of region 0, from which gmem_alloc() takes */
};

/* Where region 0 begins: far from any address of this process. */
#define GMEM_BASE	0x100000000ULL

/* Far from any region that a test adds. */
#define NOWHERE		0x9000000000ULL

/* Returned by gmem_alloc() when region 0 is full. */
#define GMEM_NONE	(~0ULL)

int gmem_init(struct gmem *mem, size_t heap);
void gmem_free(struct gmem *mem);

/* Adds a region of whole pages; the device learns of it at the next table. */
int gmem_add(struct gmem *mem, __u64 gpa, size_t size);

__u64 gmem_alloc(struct gmem *mem, size_t size, size_t align);

/* NULL unless [gpa, gpa + len) lies in one region. */
void *gmem_hva(const struct gmem *mem, __u64 gpa, size_t len);

/* These cross from region to region; false when the range is not all there. */
bool gmem_write(const struct gmem *mem, __u64 gpa, const void *src, size_t len);
bool gmem_read(const struct gmem *mem, __u64 gpa, void *dst, size_t len);
bool gmem_fill(const struct gmem *mem, __u64 gpa, int byte, size_t len);

#endif
