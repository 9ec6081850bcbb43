// SPDX-License-Identifier: GPL-2.0-only
/*
 * vhostctl probe: print what a vhost-net device offers, ours or in-tree, or
 * compare two of them.
 */
#include <stdio.h>

#include "migration.h"
#include "offer.h"

/* ---- one device ---- */

static void print_names(__u64 bits, unsigned int base,
			const char *(*name)(unsigned int bit))
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		if (bits >> i & 1)
			printf("    %-3u %s\n", base + i, name(base + i));
}

static void offer_text(const struct offer *o, const struct options *opt)
{
	unsigned int i;

	printf("%s%s%s\n", colour(COLOUR_BOLD), o->path, colour(COLOUR_OFF));
	printf("  features 0x%llx", o->features[0]);
	if (o->features[1])
		printf(":0x%llx", o->features[1]);
	putchar('\n');
	for (i = 0; !opt->numeric && i < OFFER_WORDS; i++)
		print_names(o->features[i], 64 * i, feature_name);
	printf("  backend_features 0x%llx\n", o->backend);
	if (!opt->numeric)
		print_names(o->backend, 0, backend_feature_name);
	printf("  features_array %s\n", o->has_array ? "yes" : "no");
	printf("  fork_from_owner %s\n", o->has_fork ? "yes" : "no");
	if (o->regions)
		printf("  max_mem_regions %u\n", o->regions);
	if (o->iotlb_entries)
		printf("  max_iotlb_entries %u\n", o->iotlb_entries);
}

static int show_offer(const struct offer *offer, const struct options *opt)
{
	struct json_object *doc;

	if (!opt->json) {
		offer_text(offer, opt);
		return EXIT_OK;
	}
	doc = json_document();
	offer_json(doc, offer, opt);
	return out_json(opt, doc);
}

/* ---- two devices ---- */

static void json_features(struct json_object *doc, const char *key,
			  const __u64 *words, const struct options *opt)
{
	struct json_object *array = json_array_in(doc, key);
	unsigned int i;

	for (i = 0; i < OFFER_WORDS; i++)
		json_bits(array, words[i], 64 * i,
			  opt->numeric ? NULL : feature_name);
}

static void migration_json(const struct migration *m, const struct options *opt)
{
	struct json_object *doc = json_document();

	offer_json(json_object_in(doc, "from"), m->from, opt);
	offer_json(json_object_in(doc, "to"), m->to, opt);
	json_boolean(doc, "possible", m->possible);
	json_str(doc, "verdict", m->verdict);
	json_features(doc, "missing_features", m->missing, opt);
	json_features(doc, "added_features", m->added, opt);
	out_json(opt, doc);
}

static void print_features(const char *title, const __u64 *words)
{
	const char *before = title;
	unsigned int bit;

	for (bit = 0; bit < 64 * OFFER_WORDS; bit++) {
		if (!(words[bit / 64] >> bit % 64 & 1))
			continue;
		printf("%s %s", before, feature_name(bit));
		before = "";
	}
	if (before != title)
		putchar('\n');
}

static void print_backend(const struct offer *o, const struct offer *other)
{
	unsigned int bit;

	if (!(o->backend & ~other->backend))
		return;
	printf("  only %s has the backend features", o->path);
	for (bit = 0; bit < 64; bit++)
		if ((o->backend & ~other->backend) >> bit & 1)
			printf(" %s", backend_feature_name(bit));
	puts(", which concern its VMM alone");
}

/* What does not change the verdict follows it, indented. */
static void migration_text(const struct migration *m)
{
	printf("%s%s%s\n", colour(m->possible ? COLOUR_GREEN : COLOUR_RED),
	       m->verdict, colour(COLOUR_OFF));
	print_features("  the new device also offers", m->added);
	print_backend(m->from, m->to);
	print_backend(m->to, m->from);
	if (m->from->iotlb_entries && m->to->iotlb_entries &&
	    m->to->iotlb_entries < m->from->iotlb_entries)
		printf("  a guest with an IOMMU may be slower: max_iotlb_entries is %u, not %u\n",
		       m->to->iotlb_entries, m->from->iotlb_entries);
}

static int compare(const struct offer *from, const struct offer *to,
		   const struct options *opt)
{
	static struct migration migration;

	migration_judge(&migration, from, to);
	if (opt->json)
		migration_json(&migration, opt);
	else
		migration_text(&migration);
	return migration.possible ? EXIT_OK : EXIT_FINDINGS;
}

int cmd_probe(const struct options *opt, int argc, char **argv)
{
	struct offer offer[2];
	int status;

	if (argc > 2)
		return usage_error("probe: unexpected argument '%s'", argv[2]);
	status = offer_read(&offer[0], argc ? argv[0] : DEVICE_PATH);
	if (!status && argc > 1)
		status = offer_read(&offer[1], argv[1]);
	if (status)
		return status;
	if (argc > 1)
		return compare(&offer[0], &offer[1], opt);
	return show_offer(&offer[0], opt);
}
