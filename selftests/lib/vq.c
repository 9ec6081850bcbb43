// SPDX-License-Identifier: GPL-2.0-only
#include "vq.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "env.h"

const struct vq_ops *vq_layout(__u64 features)
{
	return features & vq_packed_ops.features ? &vq_packed_ops :
						   &vq_split_ops;
}

static int alloc_area(struct vq *vq, enum vq_area area)
{
	size_t size = vq->ops->size(vq->num, area);

	vq->gpa[area] = gmem_alloc(vq->mem, size, vq->ops->align[area]);
	if (vq->gpa[area] == GMEM_NONE)
		return -ENOMEM;
	vq->area[area] = gmem_hva(vq->mem, vq->gpa[area], size);
	return vq->area[area] ? 0 : -ENOMEM;
}

static int alloc_ring(struct vq *vq)
{
	size_t table = vq->ind_max * sizeof(struct vring_desc);
	enum vq_area area;
	int err;

	for (area = 0; area < VQ_AREAS; area++) {
		err = alloc_area(vq, area);
		if (err)
			return err;
	}
	vq->ind_gpa = gmem_alloc(vq->mem, table * vq->num, 16);
	if (vq->ind_gpa == GMEM_NONE)
		return -ENOMEM;
	vq->slot = calloc(vq->num, sizeof(*vq->slot));
	return vq->slot ? 0 : -ENOMEM;
}

static int open_events(struct vq *vq)
{
	vq->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vq->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vq->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return vq->kick < 0 || vq->call < 0 || vq->err < 0 ? -errno : 0;
}

int vq_init(struct vq *vq, const struct vq_ops *ops, struct gmem *mem,
	    unsigned int num, unsigned int ind_max, __u64 features)
{
	int err;

	memset(vq, 0, sizeof(*vq));
	vq->kick = -1;
	vq->call = -1;
	vq->err = -1;
	vq->ops = ops;
	vq->mem = mem;
	vq->num = num;
	vq->ind_max = ind_max;
	vq->features = features;
	err = alloc_ring(vq);
	if (!err)
		err = open_events(vq);
	if (!err)
		vq_reset(vq, 0);
	return err;
}

void vq_free(struct vq *vq)
{
	if (vq->kick >= 0)
		close(vq->kick);
	if (vq->call >= 0)
		close(vq->call);
	if (vq->err >= 0)
		close(vq->err);
	free(vq->slot);
	vq->slot = NULL;
}

void vq_reset(struct vq *vq, __u16 base)
{
	enum vq_area area;
	unsigned int i;

	for (area = 0; area < VQ_AREAS; area++)
		memset(vq->area[area], 0, vq->ops->size(vq->num, area));
	for (i = 0; i < vq->num; i++) {
		vq->slot[i].busy = false;
		vq->slot[i].next = (i + 1) % vq->num;
	}
	vq->free_head = 0;
	vq->nfree = vq->num;
	vq->inflight = 0;
	vq->ops->reset(vq, base);
}

__u32 vq_base(struct vq *vq)
{
	return vq->ops->base(vq);
}

__u32 vq_used_base(struct vq *vq)
{
	return vq->ops->used_base(vq);
}

int vq_add(struct vq *vq, const struct vq_chain *chain, unsigned int cookie)
{
	return vq->ops->add(vq, chain, cookie);
}

int vq_add_out(struct vq *vq, __u64 gpa, __u32 len, unsigned int cookie)
{
	struct vq_seg seg = { .gpa = gpa, .len = len };
	struct vq_chain chain = { .seg = &seg, .nout = 1 };

	return vq_add(vq, &chain, cookie);
}

int vq_add_in(struct vq *vq, __u64 gpa, __u32 len, unsigned int cookie)
{
	struct vq_seg seg = { .gpa = gpa, .len = len };
	struct vq_chain chain = { .seg = &seg, .nin = 1 };

	return vq_add(vq, &chain, cookie);
}

void vq_publish(struct vq *vq)
{
	vq->ops->publish(vq);
}

void vq_kick(struct vq *vq)
{
	event_signal(vq->kick);
}

bool vq_kick_if_wanted(struct vq *vq)
{
	bool wanted = vq->ops->wants_kick(vq);

	if (wanted)
		vq_kick(vq);
	return wanted;
}

void vq_submit(struct vq *vq)
{
	vq_publish(vq);
	vq_kick_if_wanted(vq);
}

bool vq_kick_is_asked(struct vq *vq)
{
	return vq->ops->kick_is_asked(vq);
}

unsigned int vq_count_used(struct vq *vq)
{
	return vq->ops->count_used(vq);
}

bool vq_pop(struct vq *vq, struct vq_used *used)
{
	return vq->ops->pop(vq, used);
}

void vq_refuse(struct vq *vq)
{
	vq->ops->refuse(vq);
}

void vq_call_at(struct vq *vq, unsigned int n)
{
	vq->ops->call_at(vq, n);
}

bool vq_wait(struct vq *vq)
{
	__u64 deadline = env_deadline();
	int left;

	while (!vq->ops->has_used(vq)) {
		vq->ops->arm(vq);
		if (vq->ops->has_used(vq))
			break;
		left = env_left_ms(deadline);
		if (!left)
			return false;
		poll(&(struct pollfd){ .fd = vq->call, .events = POLLIN },
		     1, left);
		event_count(vq->call);
	}
	vq->ops->disarm(vq);
	return true;
}

bool vq_wait_pop(struct vq *vq, struct vq_used *used)
{
	return vq_wait(vq) && vq_pop(vq, used);
}

bool vq_wait_called(struct vq *vq, unsigned int cookie)
{
	struct vq_used used;

	while (event_wait(vq->call)) {
		event_count(vq->call);
		do {
			while (vq_pop(vq, &used)) {
				if (used.cookie == cookie)
					return true;
				if (used.cookie == VQ_BOGUS)
					return false;
			}
			vq->ops->arm(vq);
		} while (vq->ops->has_used(vq));
	}
	return false;
}

__u64 event_count(int fd)
{
	__u64 n;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

bool event_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, env_left_ms(env_deadline())) == 1;
}

void event_signal(int fd)
{
	__u64 one = 1;

	/* Can only fail if the counter is full, which is a signal as well. */
	if (write(fd, &one, sizeof(one)) != sizeof(one))
		return;
}
