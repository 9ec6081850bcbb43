/* SPDX-License-Identifier: GPL-2.0-only */
/* What net_governor.c needs of the kernel, in place of the kernel's header. */
#ifndef MODEL_KTIME_H
#define MODEL_KTIME_H

#include "model.h"

#define NSEC_PER_USEC	1000UL
#define NSEC_PER_MSEC	1000000UL

static inline u64 ktime_get_ns(void)
{
	return model_now;
}

#endif
