// SPDX-License-Identifier: GPL-2.0-only
#include "iotlb_guest.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "env.h"

int iotlb_guest_idle(struct iotlb *t, struct guest *g, __u64 features, bool v2)
{
	struct guest_cfg cfg = {
		.features = F_MODERN | F_ACCESS_PLATFORM | features,
		.tap_flags = IFF_VNET_HDR,
		.no_tap = true,
		.num = 16,
	};
	struct iotlb_cfg iotlb = { .v2 = v2 };
	int err;

	err = guest_start(g, &cfg);
	if (!err)
		err = guest_open_tap(g);
	return err ? err : iotlb_init(t, g, &iotlb);
}

int iotlb_start_rings(struct iotlb *t)
{
	int err = iotlb_answer_range(t, t->g->mem.region[0].gpa,
				     t->g->mem.region[0].size);

	if (!err)
		err = guest_set_backend(t->g, t->g->tap);
	if (!err)
		err = iotlb_read_all(t->g->dev, t->cfg.v2);
	return err < 0 ? err : 0;
}

bool iotlb_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents == POLLIN;
}

bool iotlb_outlives_features(void)
{
	int fd = vdev_open();
	bool kept;

	vdev_set_features(fd, F_ACCESS_PLATFORM);
	vdev_set_features(fd, 0);
	kept = !iotlb_invalidate(fd, false, 0, 1);
	close(fd);
	return kept;
}

unsigned int iotlb_max_entries(void)
{
	unsigned int n = 2048;
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/module/%s/parameters/max_iotlb_entries",
		 env_is_ours() ? "vhost_alt" : "vhost");
	f = fopen(path, "r");
	if (!f)
		return n;
	if (fscanf(f, "%u", &n) != 1)
		n = 2048;
	fclose(f);
	return n;
}
