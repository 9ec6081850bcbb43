// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "offer.h"
#include "vhost_alt.h"

#define NET_PATH	"/dev/vhost-net"

/* ---- from a device ---- */

static bool get_array(int fd, __u64 *features)
{
	union {
		struct vhost_features_array head;
		__u64 word[1 + OFFER_WORDS];
	} array = { .word = { OFFER_WORDS } };

	if (ioctl(fd, VHOST_GET_FEATURES_ARRAY, &array))
		return false;
	memcpy(features, array.word + 1, OFFER_WORDS * sizeof(*features));
	return true;
}

/* Read a parameter of a module. Return: its first word, "" if it has none. */
static const char *read_parameter(const char *module, const char *name,
				  char value[32])
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module,
		 name);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%31s", value) != 1)
		*value = 0;
	if (f)
		fclose(f);
	return value;
}

/* Return: the module whose parameters limit the device; NULL if unknown. */
static const char *serving_module(dev_t device)
{
	struct stat file;
	char value[32];

	if (!stat(DEVICE_PATH, &file) && file.st_rdev == device)
		return "vhost_alt";
	if (stat(NET_PATH, &file) || file.st_rdev != device)
		return NULL;
	return *read_parameter("vhost_alt", "takeover", value) == 'Y' ?
		       "vhost_alt" : "vhost";
}

static void read_limits(struct offer *offer, dev_t device)
{
	const char *module = serving_module(device);
	char value[32];

	if (!module)
		return;
	if (!parse_u32(read_parameter(module, "max_mem_regions", value),
		       &offer->regions))
		offer->regions = 0;
	if (!parse_u32(read_parameter(module, "max_iotlb_entries", value),
		       &offer->iotlb_entries))
		offer->iotlb_entries = 0;
}

static int read_device(struct offer *offer, int fd)
{
	struct stat file;
	__u8 fork;

	if (ioctl(fd, VHOST_GET_FEATURES, &offer->features[0]))
		return kernel_error("%s: not a vhost device: %s", offer->path,
				    strerror(errno));
	offer->has_array = get_array(fd, offer->features);
	if (ioctl(fd, VHOST_GET_BACKEND_FEATURES, &offer->backend))
		offer->backend = 0;
	/* Without an owner, an unknown command fails with EPERM. */
	offer->has_fork = !ioctl(fd, VHOST_GET_FORK_FROM_OWNER, &fork);
	if (!fstat(fd, &file))
		read_limits(offer, file.st_rdev);
	return 0;
}

/* ---- from a document ---- */

/* Return: the number of a feature that has this name, or is this number. */
static unsigned int feature_bit(struct json_object *feature,
				const char *(*name)(unsigned int bit))
{
	const char *text = json_object_get_string(feature);
	unsigned int bit;

	if (json_object_is_type(feature, json_type_int))
		return json_object_get_uint64(feature);
	for (bit = 0; bit < 64 * OFFER_WORDS; bit++)
		if (text && !strcmp(name(bit), text))
			break;
	return bit;
}

static bool read_features(struct json_object *doc, const char *key,
			  __u64 *words, unsigned int n,
			  const char *(*name)(unsigned int bit))
{
	struct json_object *array;
	unsigned int i, bit;

	if (!json_object_object_get_ex(doc, key, &array) ||
	    !json_object_is_type(array, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(array); i++) {
		bit = feature_bit(json_object_array_get_idx(array, i), name);
		if (bit >= 64 * n)
			return false;
		words[bit / 64] |= 1ULL << bit % 64;
	}
	return true;
}

static unsigned int read_number(struct json_object *doc, const char *key)
{
	struct json_object *number;

	return json_object_object_get_ex(doc, key, &number) ?
		       json_object_get_uint64(number) : 0;
}

static int read_document(struct offer *offer, int fd)
{
	struct json_object *doc = json_object_from_fd(fd);
	bool ok;

	ok = json_object_is_type(doc, json_type_object) &&
	     read_number(doc, "schema") == JSON_SCHEMA &&
	     read_features(doc, "features", offer->features, OFFER_WORDS,
			   feature_name) &&
	     read_features(doc, "backend_features", &offer->backend, 1,
			   backend_feature_name);
	offer->has_array = read_number(doc, "features_array");
	offer->has_fork = read_number(doc, "fork_from_owner");
	offer->regions = read_number(doc, "max_mem_regions");
	offer->iotlb_entries = read_number(doc, "max_iotlb_entries");
	json_object_put(doc);
	if (!ok)
		return kernel_error("%s: neither a device nor the output of vhostctl probe -j",
				    offer->path);
	return 0;
}

/* ---- from either ---- */

static int open_error(const char *path)
{
	if (errno == ENOENT && !strcmp(path, DEVICE_PATH))
		return kernel_error("%s: module not loaded; try modprobe vhost_alt",
				    path);
	if (errno == ENOENT && !strcmp(path, NET_PATH))
		return kernel_error("%s: module not loaded; try modprobe vhost_net",
				    path);
	if (errno == EACCES || errno == EPERM)
		return kernel_error("%s: %s; check its permissions or try sudo",
				    path, strerror(errno));
	return kernel_error("%s: %s", path, strerror(errno));
}

int offer_read(struct offer *offer, const char *path)
{
	struct stat file;
	bool document;
	int fd, status;

	memset(offer, 0, sizeof(*offer));
	offer->path = path;
	document = !stat(path, &file) && S_ISREG(file.st_mode);
	fd = open(path, (document ? O_RDONLY : O_RDWR) | O_CLOEXEC |
			O_NONBLOCK);
	if (fd < 0)
		return open_error(path);
	if (document)
		status = read_document(offer, fd);
	else
		status = read_device(offer, fd);
	close(fd);
	return status;
}

void offer_json(struct json_object *to, const struct offer *offer,
		const struct options *opt)
{
	struct json_object *array;
	unsigned int i;

	json_str(to, "path", offer->path);
	array = json_array_in(to, "features");
	for (i = 0; i < OFFER_WORDS; i++)
		json_bits(array, offer->features[i], 64 * i,
			  opt->numeric ? NULL : feature_name);
	array = json_array_in(to, "backend_features");
	json_bits(array, offer->backend, 0,
		  opt->numeric ? NULL : backend_feature_name);
	json_boolean(to, "features_array", offer->has_array);
	json_boolean(to, "fork_from_owner", offer->has_fork);
	if (offer->regions)
		json_u64(to, "max_mem_regions", offer->regions);
	if (offer->iotlb_entries)
		json_u64(to, "max_iotlb_entries", offer->iotlb_entries);
}
