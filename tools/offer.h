/* SPDX-License-Identifier: GPL-2.0-only */
/* What a vhost-net device offers */
#ifndef VHOSTCTL_OFFER_H
#define VHOSTCTL_OFFER_H

#include "out.h"

/* Words of 64 features. The kernel zeroes those it does not have. */
#define OFFER_WORDS	4

/**
 * struct offer - what a device offers
 * @path: the device, or the document that describes it
 * @features: the features of virtio, by number
 * @backend: the backend features
 * @has_array: it knows VHOST_GET_FEATURES_ARRAY
 * @has_fork: it knows VHOST_GET_FORK_FROM_OWNER
 * @regions: the most memory regions; 0: unknown
 * @iotlb_entries: the most device IOTLB entries; 0: unknown
 */
struct offer {
	const char *path;
	__u64 features[OFFER_WORDS];
	__u64 backend;
	bool has_array, has_fork;
	unsigned int regions, iotlb_entries;
};

/*
 * Read the offer of the device at @path, or one that another host has printed
 * as JSON to a file. Return: 0 or an exit status.
 */
int offer_read(struct offer *offer, const char *path);

/* Add an offer to a JSON object. */
void offer_json(struct json_object *to, const struct offer *offer,
		const struct options *opt);

#endif
