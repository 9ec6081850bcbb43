// SPDX-License-Identifier: GPL-2.0-only
#include "dlog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vdev.h"

#define BITS		8

/* The bytes of the log for a region, extended to whole pages of the host. */
struct span {
	size_t from, to;
};

static struct span span_of(const struct gmem_region *r)
{
	__u64 first = r->gpa / DLOG_PAGE / BITS;
	__u64 last = (r->gpa + r->size - 1) / DLOG_PAGE / BITS;
	size_t page = gmem_page();

	return (struct span) {
		.from = first / page * page,
		.to = (last / page + 1) * page,
	};
}

int dlog_protect(const struct dlog *log, const struct gmem_region *r, int prot)
{
	struct span s = span_of(r);

	return mprotect(log->base + s.from, s.to - s.from, prot) ? -errno : 0;
}

#define END_GAP		0x10000000000ULL

/*
 * Find a place near the end of the address space, whose size depends on kernel
 * and processor. The bits for the last guest-physical addresses, 2^49 bytes on,
 * would not fit there. Return: an address that is free, or NULL.
 */
static void *place_near_end(void)
{
	size_t page = gmem_page();
	unsigned int bits;
	void *hint, *p;

	for (bits = 63; bits > 40; bits--) {
		hint = (void *)(unsigned long)((1ULL << bits) - END_GAP);
		p = mmap(hint, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
		if (p == MAP_FAILED)
			continue;
		munmap(p, page);
		if (p == hint)
			return hint;
	}
	return NULL;
}

int dlog_init(struct dlog *log, const struct gmem *mem)
{
	unsigned int i;
	int err = 0;

	log->mem = mem;
	log->size = 0;
	for (i = 0; i < mem->nregions; i++)
		if (log->size < span_of(&mem->region[i]).to)
			log->size = span_of(&mem->region[i]).to;
	log->base = mmap(place_near_end(), log->size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (log->base == MAP_FAILED)
		return -errno;
	for (i = 0; !err && i < mem->nregions; i++)
		err = dlog_protect(log, &mem->region[i],
				   PROT_READ | PROT_WRITE);
	return err;
}

void dlog_free(struct dlog *log)
{
	munmap(log->base, log->size);
}

int dlog_set_base(int fd, const struct dlog *log)
{
	__u64 base = (unsigned long)log->base;

	return vdev_cmd(fd, VHOST_SET_LOG_BASE, &base);
}

int dlog_set_fd(int fd, int event)
{
	return vdev_cmd(fd, VHOST_SET_LOG_FD, &event);
}

void dlog_clear(struct dlog *log)
{
	struct span s;
	unsigned int i;

	for (i = 0; i < log->mem->nregions; i++) {
		s = span_of(&log->mem->region[i]);
		memset(log->base + s.from, 0, s.to - s.from);
	}
}

void dlog_add(struct dlog *log, const struct dlog *other)
{
	struct span s;
	unsigned int i;

	for (i = 0; i < log->mem->nregions; i++)
		for (s = span_of(&log->mem->region[i]); s.from < s.to; s.from++)
			log->base[s.from] |= other->base[s.from];
}

void dlog_mark(struct dlog *log, __u64 gpa, __u64 len)
{
	__u64 page;

	for (page = gpa / DLOG_PAGE; len && page <= (gpa + len - 1) / DLOG_PAGE;
	     page++)
		log->base[page / BITS] |= 1 << page % BITS;
}

bool dlog_is_dirty(const struct dlog *log, __u64 gpa)
{
	__u64 page = gpa / DLOG_PAGE;

	return __atomic_load_n(&log->base[page / BITS], __ATOMIC_ACQUIRE) >>
	       page % BITS & 1;
}

bool dlog_is_clean(const struct dlog *log)
{
	struct span s;
	unsigned int i;

	for (i = 0; i < log->mem->nregions; i++)
		for (s = span_of(&log->mem->region[i]); s.from < s.to; s.from++)
			if (log->base[s.from])
				return false;
	return true;
}

bool dlog_within(const struct dlog *some, const struct dlog *all)
{
	unsigned int i, stray;
	struct span s;

	for (i = 0; i < some->mem->nregions; i++) {
		s = span_of(&some->mem->region[i]);
		for (; s.from < s.to; s.from++) {
			stray = some->base[s.from] & ~all->base[s.from];
			if (!stray)
				continue;
			fprintf(stderr, "# page %#llx: marked in one log only\n",
				(s.from * BITS + __builtin_ctz(stray)) *
				DLOG_PAGE);
			return false;
		}
	}
	return true;
}

bool dlog_take(struct dlog *log, __u64 gpa)
{
	__u64 page = gpa / DLOG_PAGE;
	unsigned char bit = 1 << page % BITS;

	return dlog_is_dirty(log, gpa) &&
	       __atomic_fetch_and(&log->base[page / BITS], ~bit,
				  __ATOMIC_SEQ_CST) & bit;
}

int dlog_image_init(struct dlog_image *image, const struct gmem *mem)
{
	unsigned int i;

	image->mem = mem;
	image->copy = calloc(mem->nregions, sizeof(*image->copy));
	if (!image->copy)
		return -ENOMEM;
	for (i = 0; i < mem->nregions; i++) {
		image->copy[i] = malloc(mem->region[i].size);
		if (!image->copy[i])
			return -ENOMEM;
	}
	dlog_image_all(image);
	return 0;
}

void dlog_image_free(struct dlog_image *image)
{
	unsigned int i;

	for (i = 0; i < image->mem->nregions; i++)
		free(image->copy[i]);
	free(image->copy);
}

void dlog_image_all(struct dlog_image *image)
{
	const struct gmem *mem = image->mem;
	unsigned int i;

	for (i = 0; i < mem->nregions; i++)
		memcpy(image->copy[i], mem->region[i].hva, mem->region[i].size);
}

void dlog_image_page(struct dlog_image *image, __u64 gpa)
{
	const struct gmem_region *r;
	unsigned int i;

	for (i = 0; i < image->mem->nregions; i++) {
		r = &image->mem->region[i];
		if (gpa >= r->gpa && gpa - r->gpa < r->size)
			memcpy(image->copy[i] + (gpa - r->gpa),
			       r->hva + (gpa - r->gpa), DLOG_PAGE);
	}
}

bool dlog_image_same(const struct dlog_image *image, const struct dlog *log)
{
	const struct gmem_region *r;
	unsigned int i;
	size_t off;

	for (i = 0; i < image->mem->nregions; i++) {
		r = &image->mem->region[i];
		for (off = 0; off < r->size; off += DLOG_PAGE) {
			if (log && dlog_is_dirty(log, r->gpa + off))
				continue;
			if (!memcmp(image->copy[i] + off, r->hva + off,
				    DLOG_PAGE))
				continue;
			fprintf(stderr, "# page %#llx: written but not logged\n",
				r->gpa + off);
			return false;
		}
	}
	return true;
}
