/* SPDX-License-Identifier: GPL-2.0-only */
/* The split layout of a ring. */
#ifndef VHOST_ALT_VRING_SPLIT_H
#define VHOST_ALT_VRING_SPLIT_H

#include "vring_types.h"

extern const struct vha_ring_ops vha_ring_split_ops;

#endif /* VHOST_ALT_VRING_SPLIT_H */
