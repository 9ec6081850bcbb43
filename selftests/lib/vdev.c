// SPDX-License-Identifier: GPL-2.0-only
#include "vdev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "env.h"

int vdev_open(void)
{
	int fd = open(env_device(), O_RDWR | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int vdev_cmd(int fd, unsigned long cmd, const void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int vdev_get_features(int fd, __u64 *features)
{
	return vdev_cmd(fd, VHOST_GET_FEATURES, features);
}

int vdev_set_features(int fd, __u64 features)
{
	return vdev_cmd(fd, VHOST_SET_FEATURES, &features);
}

int vdev_set_features2(int fd, __u64 features, __u64 features2)
{
	__u64 array[3] = { 2, features, features2 };

	return vdev_cmd(fd, VHOST_SET_FEATURES_ARRAY, array);
}

bool vdev_offers2(__u64 features2)
{
	__u64 array[3] = { 2, 0, 0 };
	int fd = vdev_open();

	if (fd < 0)
		return false;
	/* Unknown before 6.17; array stays as it is then. */
	vdev_cmd(fd, VHOST_GET_FEATURES_ARRAY, array);
	close(fd);
	return !(features2 & ~array[2]);
}

bool vdev_offers(__u64 features)
{
	__u64 offered = 0;
	int fd = vdev_open();

	if (fd < 0)
		return false;
	vdev_get_features(fd, &offered);
	close(fd);
	return !(features & ~offered);
}

int vdev_set_owner(int fd)
{
	return vdev_cmd(fd, VHOST_SET_OWNER, NULL);
}

int vdev_set_mem(int fd, const struct gmem *mem)
{
	struct vhost_memory *table;
	unsigned int i;
	int err;

	table = calloc(1, sizeof(*table) +
			  mem->nregions * sizeof(*table->regions));
	if (!table)
		return -ENOMEM;
	table->nregions = mem->nregions;
	for (i = 0; i < mem->nregions; i++) {
		table->regions[i].guest_phys_addr = mem->region[i].gpa;
		table->regions[i].memory_size = mem->region[i].size;
		table->regions[i].userspace_addr =
			(unsigned long)mem->region[i].hva;
	}
	err = vdev_cmd(fd, VHOST_SET_MEM_TABLE, table);
	free(table);
	return err;
}

int vdev_set_state(int fd, unsigned long cmd, unsigned int index, __u32 num)
{
	struct vhost_vring_state s = { .index = index, .num = num };

	return vdev_cmd(fd, cmd, &s);
}

int vdev_get_base(int fd, unsigned int index, __u32 *num)
{
	struct vhost_vring_state s = { .index = index };
	int err = vdev_cmd(fd, VHOST_GET_VRING_BASE, &s);

	*num = s.num;
	return err;
}

int vdev_set_file(int fd, unsigned long cmd, unsigned int index, int file)
{
	struct vhost_vring_file f = { .index = index, .fd = file };

	return vdev_cmd(fd, cmd, &f);
}

int vdev_set_backend(int fd, unsigned int index, int backend)
{
	return vdev_set_file(fd, VHOST_NET_SET_BACKEND, index, backend);
}

/* With an IOMMU a ring's addresses are those that the guest uses. */
static __u64 area_addr(const struct vq *vq, enum vq_area area)
{
	return vq->features & F_ACCESS_PLATFORM ?
	       vq->gpa[area] : (unsigned long)vq->area[area];
}

int vdev_new_worker(int fd, unsigned int *id)
{
	struct vhost_worker_state s = { 0 };
	int err = vdev_cmd(fd, VHOST_NEW_WORKER, &s);

	*id = s.worker_id;
	return err;
}

int vdev_free_worker(int fd, unsigned int id)
{
	struct vhost_worker_state s = { .worker_id = id };

	return vdev_cmd(fd, VHOST_FREE_WORKER, &s);
}

int vdev_attach_worker(int fd, unsigned int index, unsigned int id)
{
	struct vhost_vring_worker w = { .index = index, .worker_id = id };

	return vdev_cmd(fd, VHOST_ATTACH_VRING_WORKER, &w);
}

int vdev_get_worker(int fd, unsigned int index, unsigned int *id)
{
	struct vhost_vring_worker w = { .index = index, .worker_id = ~0U };
	int err = vdev_cmd(fd, VHOST_GET_VRING_WORKER, &w);

	*id = w.worker_id;
	return err;
}

int vdev_spread_rings(int fd)
{
	unsigned int id, i;
	int err = 0;

	for (i = 0; !err && i < NR_VQS; i++) {
		err = vdev_new_worker(fd, &id);
		if (!err)
			err = vdev_attach_worker(fd, i, id);
	}
	return err;
}

int vdev_set_addr(int fd, const struct vq *vq)
{
	struct vhost_vring_addr a = {
		.index = vq->index,
		.flags = vq->log_used ? 1 << VHOST_VRING_F_LOG : 0,
		.desc_user_addr = area_addr(vq, VQ_DESC),
		.avail_user_addr = area_addr(vq, VQ_AVAIL),
		.used_user_addr = area_addr(vq, VQ_USED),
		.log_guest_addr = vq->log_used ? vq->gpa[VQ_USED] : 0,
	};

	return vdev_cmd(fd, VHOST_SET_VRING_ADDR, &a);
}

int vdev_set_vring(int fd, const struct vq *vq, __u32 base)
{
	unsigned int i = vq->index;
	int err;

	err = vdev_set_state(fd, VHOST_SET_VRING_NUM, i, vq->num);
	if (!err)
		err = vdev_set_state(fd, VHOST_SET_VRING_BASE, i, base);
	if (!err)
		err = vdev_set_addr(fd, vq);
	if (!err)
		err = vdev_set_file(fd, VHOST_SET_VRING_KICK, i, vq->kick);
	if (!err)
		err = vdev_set_file(fd, VHOST_SET_VRING_CALL, i, vq->call);
	if (!err)
		err = vdev_set_file(fd, VHOST_SET_VRING_ERR, i, vq->err);
	return err;
}

int vdev_rest(int fd, const struct vq *vq)
{
	int err = vdev_set_file(fd, VHOST_SET_VRING_KICK, vq->index, -1);

	/* Nothing reads it now, and an old kick must not count as a new one. */
	event_count(vq->kick);
	if (err)
		return err;
	return vdev_set_file(fd, VHOST_SET_VRING_KICK, vq->index, vq->kick);
}

__u64 vdev_counter_sum(int fd, const char *prefix)
{
	char line[128];
	__u64 sum = 0;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	f = fopen(line, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, prefix, strlen(prefix)))
			sum += strtoull(strchr(line, ':') + 1, NULL, 10);
	fclose(f);
	return sum;
}

__u64 vdev_counter(int fd, const char *name)
{
	char line[128];

	snprintf(line, sizeof(line), "%s:", name);
	return vdev_counter_sum(fd, line);
}

void vdev_report(int fd)
{
	char line[128];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	f = fopen(line, "r");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "queue", 5))
			fprintf(stderr, "# %s", line);
	fclose(f);
}
