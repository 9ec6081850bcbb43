/* SPDX-License-Identifier: GPL-2.0-only */
/* The packed layout of a ring. */
#ifndef VHOST_ALT_VRING_PACKED_H
#define VHOST_ALT_VRING_PACKED_H

#include "vring_types.h"

extern const struct vha_ring_ops vha_ring_packed_ops;

#endif /* VHOST_ALT_VRING_PACKED_H */
