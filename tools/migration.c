// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <linux/vhost_types.h>

#include "migration.h"

/* Between the device and its VMM: no driver sees these features. */
static const unsigned int not_of_guests[] = {
	VHOST_F_LOG_ALL, VHOST_NET_F_VIRTIO_NET_HDR,
};

static void compare_features(struct migration *m)
{
	unsigned int i;

	for (i = 0; i < OFFER_WORDS; i++) {
		m->missing[i] = m->from->features[i] & ~m->to->features[i];
		m->added[i] = m->to->features[i] & ~m->from->features[i];
	}
	for (i = 0; i < ARRAY_SIZE(not_of_guests); i++) {
		m->missing[0] &= ~(1ULL << not_of_guests[i]);
		m->added[0] &= ~(1ULL << not_of_guests[i]);
	}
}

/* What is in the way, with a comma or "or" before each but the first */
struct obstacles {
	FILE *out;
	unsigned int left;
	bool any;
};

static void next_obstacle(struct obstacles *o)
{
	o->left--;
	if (o->any)
		fputs(o->left ? ", " : " or ", o->out);
	o->any = true;
}

static unsigned int count_obstacles(const struct migration *m)
{
	unsigned int i, n = m->fewer_regions;

	for (i = 0; i < OFFER_WORDS; i++)
		n += __builtin_popcountll(m->missing[i]);
	return n;
}

static void list_obstacles(const struct migration *m, FILE *out)
{
	struct obstacles o = { .out = out, .left = count_obstacles(m) };
	unsigned int bit;

	for (bit = 0; bit < 64 * OFFER_WORDS; bit++) {
		if (!(m->missing[bit / 64] >> bit % 64 & 1))
			continue;
		next_obstacle(&o);
		fputs(feature_name(bit), out);
	}
	if (!m->fewer_regions)
		return;
	next_obstacle(&o);
	fprintf(out, "more than %u memory regions", m->to->regions);
}

static void write_verdict(struct migration *m)
{
	FILE *out = fmemopen(m->verdict, sizeof(m->verdict), "w");

	if (!out)
		return;
	if (m->no_log) {
		fprintf(out, "a guest of %s cannot migrate: log_all is missing there",
			m->from->path);
	} else if (m->possible) {
		fprintf(out, "a guest of %s can migrate to %s", m->from->path,
			m->to->path);
	} else {
		fprintf(out, "a guest of %s cannot migrate to %s if it uses ",
			m->from->path, m->to->path);
		list_obstacles(m, out);
	}
	fclose(out);
}

void migration_judge(struct migration *m, const struct offer *from,
		     const struct offer *to)
{
	memset(m, 0, sizeof(*m));
	m->from = from;
	m->to = to;
	compare_features(m);
	m->fewer_regions = from->regions && to->regions &&
			   to->regions < from->regions;
	m->no_log = !(from->features[0] >> VHOST_F_LOG_ALL & 1);
	m->possible = !m->no_log && !count_obstacles(m);
	write_verdict(m);
}
