// SPDX-License-Identifier: GPL-2.0-only
#include "iotlb.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "env.h"

/* A byte that no message has, to reveal bytes that the kernel did not write. */
#define POISON		0xa5

union iotlb_packet {
	struct vhost_msg v1;
	struct vhost_msg_v2 v2;
	unsigned char byte[2 * sizeof(struct vhost_msg)];
};

static size_t make_packet(union iotlb_packet *p, bool v2,
			  const struct vhost_iotlb_msg *msg)
{
	if (v2) {
		p->v2.type = VHOST_IOTLB_MSG_V2;
		memcpy(&p->v2.iotlb, msg, sizeof(*msg));
		return sizeof(p->v2);
	}
	p->v1.type = VHOST_IOTLB_MSG;
	memcpy(&p->v1.iotlb, msg, sizeof(*msg));
	return sizeof(p->v1);
}

int iotlb_write(int fd, bool v2, const struct vhost_iotlb_msg *msg)
{
	union iotlb_packet p = { 0 };
	size_t len = make_packet(&p, v2, msg);
	ssize_t n = write(fd, &p, len);

	if (n < 0)
		return -errno;
	return n == len ? 0 : -EPROTO;
}

int iotlb_update(int fd, bool v2, __u64 iova, __u64 size, const void *user,
		 __u8 perm)
{
	struct vhost_iotlb_msg msg = {
		.iova = iova,
		.size = size,
		.uaddr = (unsigned long)user,
		.perm = perm,
		.type = VHOST_IOTLB_UPDATE,
	};

	return iotlb_write(fd, v2, &msg);
}

int iotlb_invalidate(int fd, bool v2, __u64 iova, __u64 size)
{
	struct vhost_iotlb_msg msg = {
		.iova = iova,
		.size = size,
		.type = VHOST_IOTLB_INVALIDATE,
	};

	return iotlb_write(fd, v2, &msg);
}

/* Compare a whole message, and the bytes after it, with what they must be. */
static int check_miss(const union iotlb_packet *got, bool v2,
		      const struct vhost_iotlb_msg *msg)
{
	struct vhost_iotlb_msg miss = { 0 };
	union iotlb_packet want;
	size_t i, len;

	miss.iova = msg->iova;
	miss.perm = msg->perm;
	miss.type = VHOST_IOTLB_MISS;
	memset(&want, 0, sizeof(want));
	len = make_packet(&want, v2, &miss);
	memset(want.byte + len, POISON, sizeof(want) - len);
	for (i = 0; i < sizeof(want) && got->byte[i] == want.byte[i]; i++)
		;
	if (i < sizeof(want))
		fprintf(stderr, "# byte %zu of a message is %#x, not %#x\n",
			i, got->byte[i], want.byte[i]);
	return i == sizeof(want) ? 0 : -EPROTO;
}

int iotlb_read(int fd, bool v2, struct vhost_iotlb_msg *msg)
{
	union iotlb_packet p;
	ssize_t n;

	memset(&p, POISON, sizeof(p));
	n = read(fd, &p, sizeof(p));
	if (n < 0)
		return -errno;
	if (n != (v2 ? sizeof(p.v2) : sizeof(p.v1)))
		return -EPROTO;
	memcpy(msg, v2 ? (void *)&p.v2.iotlb : &p.v1.iotlb, sizeof(*msg));
	if (!msg->perm || msg->perm > VHOST_ACCESS_RW)
		return -EPROTO;
	return check_miss(&p, v2, msg);
}

int iotlb_wait(int fd, bool v2, struct vhost_iotlb_msg *msg)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, env_left_ms(env_deadline())) != 1)
		return -ETIMEDOUT;
	return iotlb_read(fd, v2, msg);
}

int iotlb_read_all(int fd, bool v2)
{
	struct vhost_iotlb_msg msg;
	int err, n = 0;

	while (!(err = iotlb_read(fd, v2, &msg)))
		n++;
	return err == -EAGAIN ? n : err;
}

/*
 * The position of page @i of @n. An odd stride visits each position of a power
 * of two once and keeps adjacent pages apart; the mapping has room for that
 * power.
 */
static size_t place(const struct iotlb *t, size_t i, size_t n)
{
	size_t room = 1;

	if (!t->cfg.scatter)
		return i;
	while (room < n)
		room *= 2;
	return i * (room < 8 ? room - 1 : room / 2 + 3) & (room - 1);
}

static size_t room_for(const struct iotlb *t, size_t n)
{
	size_t i, room = 0;

	for (i = 0; i < n; i++)
		if (place(t, i, n) >= room)
			room = place(t, i, n) + 1;
	return room;
}

/* Map each page of @from a second time, with holes where no page goes. */
static int map_pages(struct iotlb *t, struct iotlb_region *r,
		     const struct gmem_region *from)
{
	unsigned char *where;
	size_t i, run;

	/* One mapping is enough if the order is the same. */
	run = t->cfg.scatter ? 1 : r->npages;
	for (i = 0; i < r->npages; i += run) {
		where = r->mapping + place(t, i, r->npages) * IOTLB_PAGE;
		where = mmap(where, run * IOTLB_PAGE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_FIXED, from->fd, i * IOTLB_PAGE);
		if (where == MAP_FAILED)
			return -errno;
	}
	for (i = 0; i < r->npages; i++)
		r->page[i] = r->mapping + place(t, i, r->npages) * IOTLB_PAGE;
	return 0;
}

static int map_region(struct iotlb *t, struct iotlb_region *r,
		      const struct gmem_region *from)
{
	r->iova = from->gpa;
	r->npages = from->size / IOTLB_PAGE;
	r->mapping_size = room_for(t, r->npages) * IOTLB_PAGE;
	r->mapping = mmap(NULL, r->mapping_size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	r->page = calloc(r->npages, sizeof(*r->page));
	if (r->mapping == MAP_FAILED || !r->page)
		return -ENOMEM;
	return map_pages(t, r, from);
}

/* Build the memory table: all mappings, one after the other. */
static int describe(struct iotlb *t)
{
	struct gmem_region *p;
	__u64 gpa = IOTLB_GPA;
	unsigned int i;

	t->phys.region = calloc(t->nregions, sizeof(*t->phys.region));
	if (!t->phys.region)
		return -ENOMEM;
	t->phys.nregions = t->nregions;
	for (i = 0; i < t->nregions; i++) {
		p = &t->phys.region[i];
		p->gpa = gpa;
		p->size = t->region[i].mapping_size;
		p->hva = t->region[i].mapping;
		gpa += p->size;
	}
	return 0;
}

static int tell_device(struct iotlb *t)
{
	__u64 features = t->cfg.v2 ? BACKEND_F_IOTLB_MSG_V2 : 0;
	int err;

	err = vdev_cmd(t->g->dev, VHOST_SET_BACKEND_FEATURES, &features);
	return err ? err : vdev_set_mem(t->g->dev, &t->phys);
}

int iotlb_init(struct iotlb *t, struct guest *g, const struct iotlb_cfg *cfg)
{
	unsigned int i;
	int err = 0;

	memset(t, 0, sizeof(*t));
	t->cfg = *cfg;
	t->g = g;
	pthread_mutex_init(&t->lock, NULL);
	t->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->region = calloc(g->mem.nregions, sizeof(*t->region));
	if (t->stop < 0 || !t->region)
		return -ENOMEM;
	t->nregions = g->mem.nregions;
	for (i = 0; !err && i < t->nregions; i++)
		err = map_region(t, &t->region[i], &g->mem.region[i]);
	if (!err)
		err = describe(t);
	return err ? err : tell_device(t);
}

void iotlb_free(struct iotlb *t)
{
	unsigned int i;

	iotlb_unserve(t);
	for (i = 0; i < t->nregions; i++) {
		munmap(t->region[i].mapping, t->region[i].mapping_size);
		free(t->region[i].page);
	}
	free(t->region);
	free(t->phys.region);
	close(t->stop);
	pthread_mutex_destroy(&t->lock);
}

int iotlb_guest_start(struct iotlb *t, struct guest *g,
		      const struct iotlb_cfg *cfg,
		      const struct guest_cfg *guest_cfg)
{
	struct guest_cfg modern = *guest_cfg;
	int err;

	modern.features |= F_ACCESS_PLATFORM | F_VERSION_1;
	modern.no_tap = true;
	err = guest_start(g, &modern);
	if (!err)
		err = gmem_add(&g->mem, IOTLB_SPARE,
			       IOTLB_SPARE_PAGES * IOTLB_PAGE);
	if (!err)
		err = guest_open_tap(g);
	if (!err)
		err = iotlb_init(t, g, cfg);
	if (!err)
		err = iotlb_serve(t);
	if (!err)
		err = iotlb_preload(t);
	return err ? err : guest_set_backend(g, g->tap);
}

void iotlb_guest_stop(struct iotlb *t, struct guest *g)
{
	iotlb_unserve(t);
	guest_stop(g);
	iotlb_free(t);
}

static struct iotlb_region *find_region(struct iotlb *t, __u64 iova)
{
	struct iotlb_region *r;

	for (r = t->region; r < t->region + t->nregions; r++)
		if (iova >= r->iova &&
		    iova - r->iova < r->npages * IOTLB_PAGE)
			return r;
	return NULL;
}

unsigned char **iotlb_page(struct iotlb *t, __u64 iova)
{
	struct iotlb_region *r = find_region(t, iova);

	return r ? &r->page[(iova - r->iova) / IOTLB_PAGE] : NULL;
}

__u64 iotlb_gpa(struct iotlb *t, __u64 iova)
{
	unsigned char **page = iotlb_page(t, iova);
	struct gmem_region *p;

	for (p = t->phys.region; page && p < t->phys.region + t->nregions; p++)
		if (*page >= p->hva && *page < p->hva + p->size)
			return p->gpa + (*page - p->hva) + iova % IOTLB_PAGE;
	return GMEM_NONE;
}

unsigned char *iotlb_move(struct iotlb *t, __u64 iova,
			  const struct gmem_region *spare, size_t page)
{
	unsigned char *new = *iotlb_page(t, spare->gpa + page * IOTLB_PAGE);
	__u64 first = iova / IOTLB_PAGE * IOTLB_PAGE;
	unsigned char **where = iotlb_page(t, iova);
	unsigned char *old = *where;
	void *view;

	memcpy(new, old, IOTLB_PAGE);
	view = gmem_hva(&t->g->mem, first, IOTLB_PAGE);
	view = mmap(view, IOTLB_PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, spare->fd, page * IOTLB_PAGE);
	if (view == MAP_FAILED)
		return NULL;
	pthread_mutex_lock(&t->lock);
	*where = new;
	pthread_mutex_unlock(&t->lock);
	return old;
}

/* Number of pages from @i on that one entry can hold. */
static size_t run_of(const struct iotlb *t, const struct iotlb_region *r,
		     size_t i)
{
	size_t limit = t->cfg.pages ? 1 : r->npages;
	size_t n = 1;

	while (n < limit && i + n < r->npages &&
	       r->page[i + n] == r->page[i] + n * IOTLB_PAGE)
		n++;
	return n;
}

/* First page of the entry that holds page @i; entries never overlap in part. */
static size_t begin_of(const struct iotlb *t, const struct iotlb_region *r,
		       size_t i)
{
	size_t begin = t->cfg.pages ? i : 0;

	while (begin + run_of(t, r, begin) <= i)
		begin += run_of(t, r, begin);
	return begin;
}

/*
 * Tell the device one entry. Return: bytes that it covers from @iova on; 0:
 * error.
 */
static __u64 answer_locked(struct iotlb *t, __u64 iova, int *err)
{
	struct iotlb_region *r = find_region(t, iova);
	size_t i, n;

	*err = -ENOENT;
	if (!r)
		return 0;
	i = (iova - r->iova) / IOTLB_PAGE;
	i = begin_of(t, r, i);
	n = run_of(t, r, i);
	*err = iotlb_update(t->g->dev, t->cfg.v2, r->iova + i * IOTLB_PAGE,
			    n * IOTLB_PAGE, r->page[i], VHOST_ACCESS_RW);
	if (!*err)
		t->updates++;
	return *err ? 0 : r->iova + (i + n) * IOTLB_PAGE - iova;
}

int iotlb_answer(struct iotlb *t, __u64 iova)
{
	int err;

	pthread_mutex_lock(&t->lock);
	answer_locked(t, iova, &err);
	pthread_mutex_unlock(&t->lock);
	return err;
}

int iotlb_answer_range(struct iotlb *t, __u64 iova, __u64 len)
{
	__u64 n = 1, done = 0;
	int err = 0;

	pthread_mutex_lock(&t->lock);
	for (; n && done < len; done += n)
		n = answer_locked(t, iova + done, &err);
	pthread_mutex_unlock(&t->lock);
	return err;
}

int iotlb_answer_all(struct iotlb *t)
{
	const struct gmem *mem = &t->g->mem;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < mem->nregions; i++)
		err = iotlb_answer_range(t, mem->region[i].gpa,
					 mem->region[i].size);
	return err;
}

int iotlb_preload(struct iotlb *t)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < NR_VQS; i++)
		err = iotlb_answer(t, t->g->vq[i].gpa[VQ_USED]);
	return err;
}

int iotlb_flush(struct iotlb *t)
{
	unsigned int i;
	int err = 0;

	pthread_mutex_lock(&t->lock);
	for (i = 0; !err && i < t->nregions; i++)
		err = iotlb_invalidate(t->g->dev, t->cfg.v2, t->region[i].iova,
				       t->region[i].npages * IOTLB_PAGE);
	pthread_mutex_unlock(&t->lock);
	return err;
}

/* Answer one miss, if there is one: the test may have read it already. */
static int serve_one(struct iotlb *t)
{
	struct vhost_iotlb_msg msg;
	int err;

	err = iotlb_read(t->g->dev, t->cfg.v2, &msg);
	if (err == -EAGAIN)
		return 0;
	if (err)
		return err;
	t->misses++;
	return iotlb_answer(t, msg.iova);
}

static void *serve(void *arg)
{
	struct iotlb *t = arg;
	struct pollfd p[2] = {
		{ .fd = t->g->dev, .events = POLLIN },
		{ .fd = t->stop, .events = POLLIN },
	};
	int err = 0;

	while (!err && poll(p, 2, -1) > 0 && !p[1].revents)
		err = serve_one(t);
	if (err)
		fprintf(stderr, "# IOTLB: %s\n", strerror(-err));
	t->error = err;
	return NULL;
}

int iotlb_serve(struct iotlb *t)
{
	int err;

	event_count(t->stop);
	err = pthread_create(&t->server, NULL, serve, t);
	t->serving = !err;
	return -err;
}

int iotlb_unserve(struct iotlb *t)
{
	if (!t->serving)
		return t->error;
	event_signal(t->stop);
	pthread_join(t->server, NULL);
	t->serving = false;
	return t->error;
}
