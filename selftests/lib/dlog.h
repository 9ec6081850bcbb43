/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dirty log as the VMM sees it: one bit for each page of guest-physical
 * memory. Only the part for regions of struct gmem can be written, so that a
 * bit for any other address faults.
 */
#ifndef VHOST_TEST_DLOG_H
#define VHOST_TEST_DLOG_H

#include "gmem.h"

#define DLOG_PAGE	4096ULL

struct dlog {
	const struct gmem *mem;
	unsigned char *base;
	size_t size;
};

int dlog_init(struct dlog *log, const struct gmem *mem);
void dlog_free(struct dlog *log);

/* VHOST_SET_LOG_BASE and VHOST_SET_LOG_FD. Return: 0 or a negative errno. */
int dlog_set_base(int fd, const struct dlog *log);
int dlog_set_fd(int fd, int event);

/* Clear all bits; set those of @other; set those of a range. */
void dlog_clear(struct dlog *log);
void dlog_add(struct dlog *log, const struct dlog *other);
void dlog_mark(struct dlog *log, __u64 gpa, __u64 len);

/* Check whether the page of @gpa is marked, or no page at all. */
bool dlog_is_dirty(const struct dlog *log, __u64 gpa);
bool dlog_is_clean(const struct dlog *log);

/* Check whether @all has every bit of @some. Prints the first that it lacks. */
bool dlog_within(const struct dlog *some, const struct dlog *all);

/* Clear one bit while the device sets others. Return: true if it was set. */
bool dlog_take(struct dlog *log, __u64 gpa);

/*
 * Set the protection of the part of the log for region @r, as for mprotect().
 */
int dlog_protect(const struct dlog *log, const struct gmem_region *r, int prot);

/* A copy of all guest memory, like the destination's of a migration. */
struct dlog_image {
	const struct gmem *mem;
	unsigned char **copy;
};

int dlog_image_init(struct dlog_image *image, const struct gmem *mem);
void dlog_image_free(struct dlog_image *image);

/* Bring one page of the copy up to date, or all of it. */
void dlog_image_page(struct dlog_image *image, __u64 gpa);
void dlog_image_all(struct dlog_image *image);

/*
 * Check whether the copy equals guest memory, except for the pages marked in
 * @log, which may be NULL. Prints the first page that differs.
 */
bool dlog_image_same(const struct dlog_image *image, const struct dlog *log);

#endif
