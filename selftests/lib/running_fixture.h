/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the netlink tests of a device that runs. It is part of the
 * program that includes it, as the harness wants.
 */
#ifndef VHOST_TEST_RUNNING_FIXTURE_H
#define VHOST_TEST_RUNNING_FIXTURE_H

#include "nl_guest.h"
#include "test.h"

FIXTURE(running)
{
	struct nl nl;
	struct guest g;
	__u32 id;
	struct nl_msg m;
};

FIXTURE_VARIANT(running)
{
	__u64 features;
};

FIXTURE_VARIANT_ADD(running, flags)
{
	.features = F_MODERN_BASE,
};

FIXTURE_VARIANT_ADD(running, event_idx)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(running, packed)
{
	.features = F_PACKED_BASE | F_EVENT_IDX,
};

FIXTURE_SETUP(running)
{
	struct guest_cfg cfg = {
		.features = variant->features,
		.num = 64,
		.tap_flags = IFF_VNET_HDR,
		.base = 65530,
	};

	if (!env_is_ours())
		SETUP_SKIP("vhost_net has no netlink family");
	ASSERT_OK(nl_guest_start(&self->g, &cfg, &self->nl, &self->id));
}

FIXTURE_TEARDOWN(running)
{
	nl_close(&self->nl);
	guest_stop(&self->g);
}

#endif
