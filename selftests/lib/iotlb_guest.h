/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the device IOTLB share: a guest whose rings do not run yet,
 * and what the device under test does and allows.
 */
#ifndef VHOST_TEST_IOTLB_GUEST_H
#define VHOST_TEST_IOTLB_GUEST_H

#include "iotlb.h"

/*
 * A guest with rings of 16 entries and a tap that is not its backend yet, with
 * @features besides the usual ones. Nobody answers misses. guest_stop() and
 * iotlb_free() clean up.
 */
int iotlb_guest_idle(struct iotlb *t, struct guest *g, __u64 features, bool v2);

/*
 * Start the rings, with translations for all of region 0, and throw away the
 * misses of the start. Buffers have no translation yet.
 */
int iotlb_start_rings(struct iotlb *t);

/* Check whether a message can be read. */
bool iotlb_readable(int fd);

/*
 * Check whether a device keeps its IOTLB when VHOST_SET_FEATURES takes away
 * ACCESS_PLATFORM. Older kernels do, and stable kernels changed in the middle.
 */
bool iotlb_outlives_features(void);

/* How many entries the device's IOTLB holds. */
unsigned int iotlb_max_entries(void);

#endif
