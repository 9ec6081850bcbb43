/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An IOMMU in front of the guest's card, and the VMM that tells the device what
 * is in it. What struct gmem calls guest-physical is an IOVA here: the driver's
 * view of memory. Its pages lie elsewhere a second time, scattered, as guest
 * memory that the memory table describes.
 */
#ifndef VHOST_TEST_IOTLB_H
#define VHOST_TEST_IOTLB_H

#include <pthread.h>

#include "guest.h"

#define IOTLB_PAGE	4096UL

/* Where guest-physical memory begins: no IOVA of any guest is up here. */
#define IOTLB_GPA	0x8000000000ULL

/* Memory that no driver uses, for pages that move: the last of all regions. */
#define IOTLB_SPARE		0x7000000000ULL
#define IOTLB_SPARE_PAGES	16

struct iotlb_cfg {
	bool v2;		/* messages of the second version */
	bool scatter;		/* neighbours are never neighbours in memory */
	size_t grain;		/* bytes in an entry at the most; 0: no limit */
};

/* IOVAs that are a region of struct gmem: each page's user address. */
struct iotlb_region {
	__u64 iova;
	size_t npages;
	unsigned char **page;
	unsigned char *mapping;
	size_t mapping_size;
};

struct iotlb {
	struct iotlb_cfg cfg;
	struct guest *g;
	struct iotlb_region *region;
	unsigned int nregions;
	struct gmem phys;	/* guest-physical memory, all there is */
	pthread_mutex_t lock;	/* what is known, and what the device was told */
	pthread_t server;
	bool serving;
	int stop;
	unsigned int misses;
	unsigned int updates;
	int error;		/* of the server, the first */
};

/* The messages themselves. */
int iotlb_write(int fd, bool v2, const struct vhost_iotlb_msg *msg);
int iotlb_update(int fd, bool v2, __u64 iova, __u64 size, const void *user,
		 __u8 perm);
int iotlb_invalidate(int fd, bool v2, __u64 iova, __u64 size);

/*
 * Reads one MISS: 0 or a negative errno; -EPROTO for any other message, and for
 * one of which any byte, padding included, is not what it must be.
 */
int iotlb_read(int fd, bool v2, struct vhost_iotlb_msg *msg);

/* Waits for one until the deadline: also -ETIMEDOUT. */
int iotlb_wait(int fd, bool v2, struct vhost_iotlb_msg *msg);

/* Reads all that there are; how many, or a negative errno. */
int iotlb_read_all(int fd, bool v2);

/*
 * After guest_open_dev(): makes the map, and tells the device the memory table
 * and the version of the messages. Nothing is in the device's IOTLB yet.
 */
int iotlb_init(struct iotlb *t, struct guest *g, const struct iotlb_cfg *cfg);
void iotlb_free(struct iotlb *t);

/* A guest with ACCESS_PLATFORM on a tap, served, both rings running. */
int iotlb_guest_start(struct iotlb *t, struct guest *g,
		      const struct iotlb_cfg *cfg,
		      const struct guest_cfg *guest_cfg);
void iotlb_guest_stop(struct iotlb *t, struct guest *g);

/* A thread that answers each miss. Stopping it waits for its last answer. */
int iotlb_serve(struct iotlb *t);
int iotlb_unserve(struct iotlb *t);

/* Tells the device of the entry that holds @iova. */
int iotlb_answer(struct iotlb *t, __u64 iova);

/* Of all pages of [iova, iova + len), though they be many entries. */
int iotlb_answer_range(struct iotlb *t, __u64 iova, __u64 len);

/* Of the first page of each used ring, as a start of the rings needs it. */
int iotlb_preload(struct iotlb *t);

/* Makes the device forget everything. */
int iotlb_flush(struct iotlb *t);

/*
 * Gives the page with @iova a place in @spare, a region that no guest uses, for
 * the driver and for whom will be told from now on. The device is not told. What
 * was written is taken along, so nobody may be writing. Returns the old place.
 */
unsigned char *iotlb_move(struct iotlb *t, __u64 iova,
			  const struct gmem_region *spare, size_t page);

/* Where the page with @iova lies for the device; NULL if nowhere. */
unsigned char **iotlb_page(struct iotlb *t, __u64 iova);

/* The guest-physical address of what is at @iova. */
__u64 iotlb_gpa(struct iotlb *t, __u64 iova);

#endif
