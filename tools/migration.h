/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a guest may migrate from one device to another */
#ifndef VHOSTCTL_MIGRATION_H
#define VHOSTCTL_MIGRATION_H

#include "offer.h"

#define VERDICT_LEN	2048

/**
 * struct migration - a guest's way from one device to another
 * @from, @to: what the devices offer
 * @missing: features that only @from offers to guests
 * @added: features that only @to offers to guests
 * @fewer_regions: @to has room for fewer memory regions
 * @no_log: @from cannot log the pages that it writes
 * @possible: nothing is in the way, whatever the guest uses
 * @verdict: the same in a sentence
 */
struct migration {
	const struct offer *from, *to;
	__u64 missing[OFFER_WORDS], added[OFFER_WORDS];
	bool fewer_regions, no_log, possible;
	char verdict[VERDICT_LEN];
};

void migration_judge(struct migration *m, const struct offer *from,
		     const struct offer *to);

#endif
