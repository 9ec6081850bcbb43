/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dirty log as the VMM sees it: one bit for each page of guest-physical
 * memory. Where there is no such memory the log cannot be written: it is mapped
 * for struct gmem and for nothing else.
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

/* VHOST_SET_LOG_BASE and VHOST_SET_LOG_FD, with their errno. */
int dlog_set_base(int fd, const struct dlog *log);
int dlog_set_fd(int fd, int event);

void dlog_clear(struct dlog *log);
void dlog_add(struct dlog *log, const struct dlog *other);
void dlog_mark(struct dlog *log, __u64 gpa, __u64 len);
bool dlog_is_dirty(const struct dlog *log, __u64 gpa);
bool dlog_is_clean(const struct dlog *log);

/* True if every bit of @some is in @all; the first that is not is printed. */
bool dlog_within(const struct dlog *some, const struct dlog *all);

/* Takes a bit out of the log, while others set them: true if it was there. */
bool dlog_take(struct dlog *log, __u64 gpa);

/* Makes the bits of a region accessible, or not. */
int dlog_protect(const struct dlog *log, const struct gmem_region *r, int prot);

/* A copy of all guest memory, as the other side of a migration keeps one. */
struct dlog_image {
	const struct gmem *mem;
	unsigned char **copy;
};

int dlog_image_init(struct dlog_image *image, const struct gmem *mem);
void dlog_image_free(struct dlog_image *image);

/* Brings it up to date, one page or all. */
void dlog_image_page(struct dlog_image *image, __u64 gpa);
void dlog_image_all(struct dlog_image *image);

/* Page by page, but for those in @log, if any; the first is printed. */
bool dlog_image_same(const struct dlog_image *image, const struct dlog *log);

#endif
