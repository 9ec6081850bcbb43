/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An IOMMU in front of the guest's card, and the VMM that tells the device
 * about its entries. What struct gmem calls guest-physical is an IOVA here: the
 * driver's view of memory. The same pages are mapped a second time, possibly
 * scattered, as the guest-physical memory of the memory table.
 */
#ifndef VHOST_TEST_IOTLB_H
#define VHOST_TEST_IOTLB_H

#include <pthread.h>

#include "guest.h"

/* Entries may have any size, but scattered pages are the host's. */
#define IOTLB_PAGE	gmem_page()

/* Start of guest-physical memory, above all IOVAs of any guest. */
#define IOTLB_GPA	0x8000000000ULL

/* The last region, which no driver uses: the destination of pages that move. */
#define IOTLB_SPARE		0x7000000000ULL
#define IOTLB_SPARE_PAGES	16

struct iotlb_cfg {
	bool v2;		/* use version 2 of the messages */
	bool scatter;		/* keep adjacent pages apart in memory */
	bool pages;		/* an entry for each page */
};

/* A region of struct gmem as IOVAs, with the user address of each page. */
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
	struct gmem phys;	/* all guest-physical memory */
	pthread_mutex_t lock;	/* protects region[].page, orders messages */
	pthread_t server;
	bool serving;
	int stop;
	unsigned int misses;
	unsigned int updates;
	int error;		/* the server's first error */
};

/* Write a message. Return: 0 or a negative errno. */
int iotlb_write(int fd, bool v2, const struct vhost_iotlb_msg *msg);
int iotlb_update(int fd, bool v2, __u64 iova, __u64 size, const void *user,
		 __u8 perm);
int iotlb_invalidate(int fd, bool v2, __u64 iova, __u64 size);

/*
 * Read one MISS. Return: 0 or a negative errno; -EPROTO for any other message,
 * and if any byte, padding included, is wrong.
 */
int iotlb_read(int fd, bool v2, struct vhost_iotlb_msg *msg);

/*
 * The same, but wait for it until the deadline. Return: -ETIMEDOUT after that.
 */
int iotlb_wait(int fd, bool v2, struct vhost_iotlb_msg *msg);

/* Read all misses that are pending. Return: how many, or a negative errno. */
int iotlb_read_all(int fd, bool v2);

/*
 * After guest_open_dev(): make the mappings, and tell the device the memory
 * table and the version of the messages. The device's IOTLB is still empty.
 */
int iotlb_init(struct iotlb *t, struct guest *g, const struct iotlb_cfg *cfg);
void iotlb_free(struct iotlb *t);

/* Start a guest with ACCESS_PLATFORM on a tap, with a server for its misses. */
int iotlb_guest_start(struct iotlb *t, struct guest *g,
		      const struct iotlb_cfg *cfg,
		      const struct guest_cfg *guest_cfg);
void iotlb_guest_stop(struct iotlb *t, struct guest *g);

/*
 * Start or stop a thread that answers each miss. Stopping waits for its last
 * answer and returns its first error.
 */
int iotlb_serve(struct iotlb *t);
int iotlb_unserve(struct iotlb *t);

/* Tell the device the entry that holds @iova. */
int iotlb_answer(struct iotlb *t, __u64 iova);

/* Tell the device all entries for [iova, iova + len). */
int iotlb_answer_range(struct iotlb *t, __u64 iova, __u64 len);

/* Tell the device all entries that the rings can miss. */
int iotlb_answer_all(struct iotlb *t);

/*
 * Tell the device the first page of each used ring, which starting a ring
 * needs.
 */
int iotlb_preload(struct iotlb *t);

/* Invalidate all entries of the device. */
int iotlb_flush(struct iotlb *t);

/*
 * Move the page with @iova to page @page of @spare, a region that no guest
 * uses. The driver and later answers use the new place; the device is not told.
 * The contents are copied, so nothing may write to the page meanwhile. Return:
 * the old place.
 */
unsigned char *iotlb_move(struct iotlb *t, __u64 iova,
			  const struct gmem_region *spare, size_t page);

/* The entry of the page with @iova in the map of user addresses, or NULL. */
unsigned char **iotlb_page(struct iotlb *t, __u64 iova);

/* The guest-physical address of @iova, or GMEM_NONE. */
__u64 iotlb_gpa(struct iotlb *t, __u64 iova);

#endif
