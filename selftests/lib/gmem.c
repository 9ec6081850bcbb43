// SPDX-License-Identifier: GPL-2.0-only
#include "gmem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

size_t gmem_page(void)
{
	static size_t page;

	if (!page)
		page = sysconf(_SC_PAGESIZE);
	return page;
}

/* Map @size bytes of @fd, followed by a page that faults. */
static void *map_guarded(int fd, size_t size)
{
	size_t page = gmem_page();
	void *where, *p;

	if (fd < 0 || ftruncate(fd, size))
		return MAP_FAILED;
	where = mmap(NULL, size + page, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	p = where;
	if (where != MAP_FAILED)
		p = mmap(where, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0);
	if (p == MAP_FAILED && where != MAP_FAILED)
		munmap(where, size + page);
	return p;
}

int gmem_add(struct gmem *mem, __u64 gpa, size_t size)
{
	struct gmem_region *r;
	int err;

	size = round_up(size, gmem_page());
	r = realloc(mem->region, (mem->nregions + 1) * sizeof(*r));
	if (!r)
		return -ENOMEM;
	mem->region = r;
	r += mem->nregions;
	r->gpa = gpa;
	r->size = size;
	r->fd = memfd_create("guest", MFD_CLOEXEC);
	r->hva = map_guarded(r->fd, size);
	if (r->hva == MAP_FAILED) {
		err = -errno;
		if (r->fd >= 0)
			close(r->fd);
		return err;
	}
	mem->nregions++;
	return 0;
}

int gmem_init(struct gmem *mem, size_t heap)
{
	memset(mem, 0, sizeof(*mem));
	return gmem_add(mem, GMEM_BASE, heap);
}

void gmem_free(struct gmem *mem)
{
	size_t page = gmem_page();
	unsigned int i;

	for (i = 0; i < mem->nregions; i++) {
		munmap(mem->region[i].hva, mem->region[i].size + page);
		close(mem->region[i].fd);
	}
	free(mem->region);
	memset(mem, 0, sizeof(*mem));
}

__u64 gmem_alloc(struct gmem *mem, size_t size, size_t align)
{
	size_t start = round_up(mem->heap_used, align);

	if (start + size > mem->region[0].size)
		return GMEM_NONE;
	mem->heap_used = start + size;
	return mem->region[0].gpa + start;
}

/* The longest piece of [gpa, gpa + *len) that lies in one region. */
static void *piece(const struct gmem *mem, __u64 gpa, size_t *len)
{
	const struct gmem_region *r;
	size_t off;

	for (r = mem->region; r < mem->region + mem->nregions; r++) {
		if (gpa < r->gpa || gpa - r->gpa >= r->size)
			continue;
		off = gpa - r->gpa;
		if (*len > r->size - off)
			*len = r->size - off;
		return r->hva + off;
	}
	return NULL;
}

void *gmem_hva(const struct gmem *mem, __u64 gpa, size_t len)
{
	size_t got = len;
	void *p = piece(mem, gpa, &got);

	return got == len ? p : NULL;
}

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_FILL };

static bool access_range(const struct gmem *mem, __u64 gpa, void *buf,
			 size_t len, enum access how, int byte)
{
	unsigned char *mine = buf;
	size_t n;
	void *p;

	for (; len; len -= n, gpa += n) {
		n = len;
		p = piece(mem, gpa, &n);
		if (!p)
			return false;
		if (how == ACCESS_FILL)
			memset(p, byte, n);
		else if (how == ACCESS_WRITE)
			memcpy(p, mine, n);
		else
			memcpy(mine, p, n);
		if (mine)
			mine += n;
	}
	return true;
}

bool gmem_write(const struct gmem *mem, __u64 gpa, const void *src, size_t len)
{
	return access_range(mem, gpa, (void *)src, len, ACCESS_WRITE, 0);
}

bool gmem_read(const struct gmem *mem, __u64 gpa, void *dst, size_t len)
{
	return access_range(mem, gpa, dst, len, ACCESS_READ, 0);
}

bool gmem_fill(const struct gmem *mem, __u64 gpa, int byte, size_t len)
{
	return access_range(mem, gpa, NULL, len, ACCESS_FILL, byte);
}

int gmem_move(void *from, void *to, size_t size)
{
	return mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
	       to ? 0 : -errno;
}
