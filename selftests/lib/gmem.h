/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: regions of guest-physical addresses, each with its own mapping
 * in this process. Regions that are adjacent in guest-physical space are not
 * adjacent here, and each mapping is followed by a page that faults.
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
	int fd;		/* mapped file, so that it can be mapped again */
};

struct gmem {
	struct gmem_region *region;
	unsigned int nregions;
	size_t heap_used;	/* bytes of region 0 that are allocated */
};

/* Start of region 0, far from any address of this process. */
#define GMEM_BASE	0x100000000ULL

/* Far from any region that a test adds. */
#define NOWHERE		0x9000000000ULL

/* Returned by gmem_alloc() when region 0 is full. */
#define GMEM_NONE	(~0ULL)

/* The size of the host's pages. */
size_t gmem_page(void);

int gmem_init(struct gmem *mem, size_t heap);
void gmem_free(struct gmem *mem);

/*
 * Add a region of whole pages. The device knows it after the next
 * vdev_set_mem().
 */
int gmem_add(struct gmem *mem, __u64 gpa, size_t size);

__u64 gmem_alloc(struct gmem *mem, size_t size, size_t align);

/* The user address of [gpa, gpa + len); NULL unless that lies in one region. */
void *gmem_hva(const struct gmem *mem, __u64 gpa, size_t len);

/*
 * Access a range that may span regions. Return: false if part of it is missing.
 */
bool gmem_write(const struct gmem *mem, __u64 gpa, const void *src, size_t len);
bool gmem_read(const struct gmem *mem, __u64 gpa, void *dst, size_t len);
bool gmem_fill(const struct gmem *mem, __u64 gpa, int byte, size_t len);

/*
 * Move pages of this process over a mapping of the same size, so that their
 * contents are away for a while. Used instead of mprotect(), as ARCH=um can
 * read protected pages.
 */
int gmem_move(void *from, void *to, size_t size);

#endif
