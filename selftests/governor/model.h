/* SPDX-License-Identifier: GPL-2.0-only */
/* The time of the model, in which the governor is tried. */
#ifndef MODEL_H
#define MODEL_H

#include <linux/types.h>
#include <stdbool.h>

typedef __u64 u64;

/* In ns. */
extern u64 model_now;

#endif
