/* SPDX-License-Identifier: GPL-2.0-only */
/* What net_governor.c needs of the kernel, in place of the kernel's header. */
#ifndef MODEL_MINMAX_H
#define MODEL_MINMAX_H

#define max(a, b)	((a) > (b) ? (a) : (b))
#define clamp(x, low, high) \
	((x) < (low) ? (low) : (x) > (high) ? (high) : (x))

#endif
