/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of all tests of counters: a guest whose rings run only while a
 * test wants them to, with each kind of notification. It is part of the program
 * that includes it, as the harness wants.
 */
#ifndef VHOST_TEST_COUNTERS_FIXTURE_H
#define VHOST_TEST_COUNTERS_FIXTURE_H

#include "nl_counters.h"
#include "test.h"

FIXTURE(counters)
{
	struct counted c;
};

FIXTURE_VARIANT(counters)
{
	__u64 features;
	bool single;
};

FIXTURE_VARIANT_ADD(counters, flags)
{
	.features = F_MODERN_BASE,
};

FIXTURE_VARIANT_ADD(counters, event_idx)
{
	.features = F_MODERN_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(counters, in_order)
{
	.features = F_MODERN_BASE | F_EVENT_IDX | F_IN_ORDER,
};

FIXTURE_VARIANT_ADD(counters, single)
{
	.features = F_VERSION_1,
	.single = true,
};

FIXTURE_VARIANT_ADD(counters, packed)
{
	.features = F_PACKED_BASE | F_EVENT_IDX,
};

FIXTURE_VARIANT_ADD(counters, packed_in_order)
{
	.features = F_PACKED_BASE | F_EVENT_IDX | F_IN_ORDER,
};

FIXTURE_VARIANT_ADD(counters, packed_single)
{
	.features = F_VERSION_1 | F_RING_PACKED,
	.single = true,
};

FIXTURE_SETUP(counters)
{
	if (!env_is_ours())
		SETUP_SKIP("vhost_net counts nothing");
	ASSERT_OK(counted_open(&self->c, variant->features, variant->single));
}

FIXTURE_TEARDOWN(counters)
{
	counted_close(&self->c);
}

#endif
