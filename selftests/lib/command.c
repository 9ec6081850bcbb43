// SPDX-License-Identifier: GPL-2.0-only
#include "command.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int command_guest_init(struct guest *g)
{
	struct guest_cfg cfg = {
		.features = F_MODERN_BASE,
		.tap_flags = IFF_VNET_HDR,
		.num = RING,
	};
	int err;

	err = guest_init(g, &cfg);
	if (!err)
		err = netns_enter();
	if (!err)
		err = guest_open_tap(g);
	if (err)
		return err;
	g->dev = vdev_open();
	return g->dev < 0 ? g->dev : vdev_set_owner(g->dev);
}

int command_guest_run(struct guest *g)
{
	unsigned int i;
	int err;

	err = vdev_set_features(g->dev, g->cfg.features);
	if (!err)
		err = vdev_set_mem(g->dev, &g->mem);
	for (i = 0; !err && i < NR_VQS; i++)
		err = vdev_set_vring(g->dev, &g->vq[i], 0);
	return err ? err : guest_set_backend(g, g->tap);
}

void *page_end(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *p;

	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || munmap(p + page, page))
		return NULL;
	return p + page - size;
}

struct vhost_memory *mem_table(unsigned int n)
{
	struct vhost_memory *t;
	unsigned int i;

	t = calloc(1, sizeof(*t) + n * sizeof(*t->regions));
	if (!t)
		return NULL;
	t->nregions = n;
	for (i = 0; i < n; i++) {
		t->regions[i].guest_phys_addr = (i + 1) * 0x10000ULL;
		t->regions[i].memory_size = 0x1000;
		t->regions[i].userspace_addr = 0x10000000ULL + i * 0x1000;
	}
	return t;
}
