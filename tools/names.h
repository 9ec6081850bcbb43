/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of what the module says by number. None of them ever changes. */
#ifndef VHOSTCTL_NAMES_H
#define VHOSTCTL_NAMES_H

#include "vhostctl.h"

struct name {
	unsigned int value;
	const char *name;
	const char *what;	/* in words; NULL if the name says it */
};

/* Tables end with a NULL name. */
extern const struct name counter_names[];	/* enum vhost_alt_counter */
extern const struct name drop_names[];		/* enum vhost_alt_drop */
extern const struct name state_names[];		/* bits of VHOST_ALT_QUEUE_* */
extern const struct name event_names[];		/* enum vhost_alt_cmd, _NTF */
extern const struct name desc_flag_names[];	/* bits of VRING_DESC_F_* */
extern const struct name backend_feature_names[]; /* bits' numbers */

/* NULL if the table does not have it. */
const char *name_of(const struct name *table, unsigned int value);

/*
 * The name of a feature, that bit of both words; "bit_N" if it has none, in a
 * buffer that the next call takes again.
 */
const char *feature_name(unsigned int bit);
const char *backend_feature_name(unsigned int bit);

/* Batches by size: "1", "2", "3-4", ... */
extern const char *const batch_names[];

#endif
