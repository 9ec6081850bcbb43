/* SPDX-License-Identifier: GPL-2.0-only */
/* Names for the numbers of the netlink family. A name never changes. */
#ifndef VHOSTCTL_NAMES_H
#define VHOSTCTL_NAMES_H

#include "vhostctl.h"

struct name {
	unsigned int value;
	const char *name;
	const char *what;	/* description; NULL if the name suffices */
};

/* A table ends with a NULL name. */
extern const struct name counter_names[];	/* enum vhost_alt_counter */
extern const struct name drop_names[];		/* enum vhost_alt_drop */
extern const struct name state_names[];		/* bits of VHOST_ALT_QUEUE_* */
extern const struct name event_names[];		/* enum vhost_alt_cmd, _NTF */
extern const struct name desc_flag_names[];	/* bits of VRING_DESC_F_* */
extern const struct name backend_feature_names[]; /* numbers of bits */

/* Return: the name of @value, or NULL if @table lacks it. */
const char *name_of(const struct name *table, unsigned int value);

/*
 * Return: the name of a feature, by its bit in both words; "bit_N" if it has
 * none, in a buffer that the next call overwrites.
 */
const char *feature_name(unsigned int bit);
const char *backend_feature_name(unsigned int bit);

/* Sizes of batches: "1", "2", "3-4", ... */
extern const char *const batch_names[];

#endif
