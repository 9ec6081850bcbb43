// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl probe: print what a vhost-net device offers, ours or in-tree. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "out.h"
#include "vhost_alt.h"

/* Words of 64 features. The kernel zeroes those it does not have. */
#define WORDS		4

struct offer {
	__u64 features[WORDS];
	__u64 backend;
	bool has_array, has_backend, has_fork;
};

static bool get_array(int fd, __u64 *features)
{
	union {
		struct vhost_features_array head;
		__u64 word[1 + WORDS];
	} array = { .word = { WORDS } };

	if (ioctl(fd, VHOST_GET_FEATURES_ARRAY, &array))
		return false;
	memcpy(features, array.word + 1, WORDS * sizeof(*features));
	return true;
}

static int get_offer(int fd, struct offer *offer)
{
	__u8 fork;

	memset(offer, 0, sizeof(*offer));
	if (ioctl(fd, VHOST_GET_FEATURES, &offer->features[0]))
		return -errno;
	offer->has_array = get_array(fd, offer->features);
	offer->has_backend = !ioctl(fd, VHOST_GET_BACKEND_FEATURES,
				    &offer->backend);
	/* Without an owner, an unknown command fails with EPERM. */
	offer->has_fork = !ioctl(fd, VHOST_GET_FORK_FROM_OWNER, &fork);
	return 0;
}

static int offer_json(const struct offer *o, const char *path,
		      const struct options *opt)
{
	struct json_object *doc = json_document();
	struct json_object *array;
	unsigned int i;

	json_str(doc, "path", path);
	array = json_array_in(doc, "features");
	for (i = 0; i < WORDS; i++)
		json_bits(array, o->features[i], 64 * i,
			  opt->numeric ? NULL : feature_name);
	array = json_array_in(doc, "backend_features");
	json_bits(array, o->backend, 0,
		  opt->numeric ? NULL : backend_feature_name);
	json_boolean(doc, "features_array", o->has_array);
	json_boolean(doc, "fork_from_owner", o->has_fork);
	return out_json(opt, doc);
}

static void print_names(__u64 bits, unsigned int base,
			const char *(*name)(unsigned int bit))
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		if (bits >> i & 1)
			printf("    %-3u %s\n", base + i, name(base + i));
}

static void offer_text(const struct offer *o, const char *path,
		       const struct options *opt)
{
	unsigned int i;

	printf("%s%s%s\n", colour(COLOUR_BOLD), path, colour(COLOUR_OFF));
	printf("  features 0x%llx", o->features[0]);
	if (o->features[1])
		printf(":0x%llx", o->features[1]);
	putchar('\n');
	for (i = 0; !opt->numeric && i < WORDS; i++)
		print_names(o->features[i], 64 * i, feature_name);
	printf("  backend_features 0x%llx\n", o->backend);
	if (!opt->numeric)
		print_names(o->backend, 0, backend_feature_name);
	printf("  features_array %s\n", o->has_array ? "yes" : "no");
	printf("  fork_from_owner %s\n", o->has_fork ? "yes" : "no");
}

static int open_error(const char *path)
{
	if (errno == ENOENT && !strcmp(path, DEVICE_PATH))
		return kernel_error("%s: module not loaded; try modprobe vhost_alt",
				    path);
	if (errno == ENOENT && !strcmp(path, "/dev/vhost-net"))
		return kernel_error("%s: module not loaded; try modprobe vhost_net",
				    path);
	if (errno == EACCES || errno == EPERM)
		return kernel_error("%s: %s; check its permissions or try sudo",
				    path, strerror(errno));
	return kernel_error("%s: %s", path, strerror(errno));
}

int cmd_probe(const struct options *opt, int argc, char **argv)
{
	const char *path = argc ? argv[0] : DEVICE_PATH;
	struct offer offer;
	int fd, err;

	if (argc > 1)
		return usage_error("probe: unexpected argument '%s'", argv[1]);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return open_error(path);
	err = get_offer(fd, &offer);
	close(fd);
	if (err)
		return kernel_error("%s: not a vhost device: %s", path,
				    strerror(-err));
	if (opt->json)
		return offer_json(&offer, path, opt);
	offer_text(&offer, path, opt);
	return EXIT_OK;
}
