// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl ring: print the contents of a queue's ring. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "ring.h"

int queue_parse(const char *text, __u32 *queue)
{
	if (!strcmp(text, "rx"))
		*queue = 0;
	else if (!strcmp(text, "tx"))
		*queue = 1;
	else if (!parse_u32(text, queue))
		return usage_error("invalid queue '%s': expected rx, tx or a number",
				   text);
	return EXIT_OK;
}

static void read_desc_attr(const struct nlattr *attr, void *data)
{
	struct ring_desc *d = data;

	switch (mnl_attr_get_type(attr)) {
	case VHOST_ALT_DESC_INDEX:
		d->index = nl_u32(attr);
		break;
	case VHOST_ALT_DESC_ADDR:
		d->addr = nl_u64(attr);
		break;
	case VHOST_ALT_DESC_LEN:
		d->len = nl_u32(attr);
		break;
	case VHOST_ALT_DESC_FLAGS:
		d->flags = nl_u32(attr);
		break;
	case VHOST_ALT_DESC_NEXT:
		d->next = nl_u32(attr);
		d->has_next = true;
		break;
	}
}

static void read_entry_attr(const struct nlattr *attr, void *data)
{
	struct ring_entry *e = data;

	switch (mnl_attr_get_type(attr)) {
	case VHOST_ALT_ENTRY_INDEX:
		e->index = nl_u32(attr);
		break;
	case VHOST_ALT_ENTRY_ID:
		e->id = nl_u32(attr);
		break;
	case VHOST_ALT_ENTRY_LEN:
		e->len = nl_u32(attr);
		break;
	case VHOST_ALT_ENTRY_DESC:
		if (e->ndesc < CHAIN_MAX)
			nl_each_nested(attr, read_desc_attr,
				       &e->desc[e->ndesc++]);
		break;
	}
}

static void read_entry(const struct nlattr *attr, struct ring_entry *entry,
		       unsigned int *n)
{
	if (*n < RING_MAX)
		nl_each_nested(attr, read_entry_attr, &entry[(*n)++]);
}

static void read_ring_attr(const struct nlattr *attr, void *data)
{
	struct ring *r = data;

	switch (mnl_attr_get_type(attr)) {
	case VHOST_ALT_A_RING_AVAIL:
		read_entry(attr, r->avail, &r->navail);
		break;
	case VHOST_ALT_A_RING_USED:
		read_entry(attr, r->used, &r->nused);
		break;
	case VHOST_ALT_A_RING_AVAIL_FLAGS:
		r->avail_flags = nl_u32(attr);
		break;
	case VHOST_ALT_A_RING_AVAIL_IDX:
		r->avail_idx = nl_u32(attr);
		r->has_idx = true;
		break;
	case VHOST_ALT_A_RING_USED_EVENT:
		r->used_event = nl_u32(attr);
		r->has_used_event = true;
		break;
	case VHOST_ALT_A_RING_USED_FLAGS:
		r->used_flags = nl_u32(attr);
		break;
	case VHOST_ALT_A_RING_USED_IDX:
		r->used_idx = nl_u32(attr);
		break;
	case VHOST_ALT_A_RING_AVAIL_EVENT:
		r->avail_event = nl_u32(attr);
		r->has_avail_event = true;
		break;
	default:
		queue_read(attr, &r->queue);
	}
}

static int on_ring(const struct nlmsghdr *msg, void *data)
{
	nl_each(msg, read_ring_attr, data);
	return MNL_CB_OK;
}

int ring_get(struct ring *ring, struct nl *nl, __u32 dev, __u32 queue,
	     __s64 count)
{
	struct nl_query query = {
		.command = VHOST_ALT_CMD_QUEUE_GET,
		.dev = dev,
		.queue = queue,
		.count = NL_NONE,
	};
	int err;

	memset(ring, 0, sizeof(*ring));
	ring->queue.dev = dev;
	ring->queue.index = queue;
	/* The device's own indices are in the queue's reply. */
	err = nl_request(nl, &query, on_ring, ring);
	if (err)
		return err;
	query.command = VHOST_ALT_CMD_RING_GET;
	query.count = count;
	return nl_request(nl, &query, on_ring, ring);
}

static void json_desc(struct json_object *to, const struct ring_desc *d,
		      const struct options *opt)
{
	json_u64(to, "index", d->index);
	json_u64(to, "addr", d->addr);
	json_u64(to, "len", d->len);
	if (opt->numeric)
		json_u64(to, "flags", d->flags);
	else
		json_flags(to, "flags", desc_flag_names, d->flags);
	if (d->has_next)
		json_u64(to, "next", d->next);
}

static void json_avail(struct json_object *to, const struct ring_entry *e,
		       const struct options *opt)
{
	struct json_object *array;
	unsigned int i;

	json_u64(to, "index", e->index);
	json_u64(to, "id", e->id);
	array = json_array_in(to, "descriptors");
	for (i = 0; i < e->ndesc; i++)
		json_desc(json_object_in(array, NULL), &e->desc[i], opt);
}

static void json_used(struct json_object *to, const struct ring_entry *e)
{
	json_u64(to, "index", e->index);
	json_u64(to, "id", e->id);
	json_u64(to, "len", e->len);
}

static void json_ring_areas(struct json_object *doc, const struct ring *r,
			    const struct options *opt)
{
	struct json_object *area, *array;
	unsigned int i;

	area = json_object_in(doc, "avail");
	json_u64(area, "flags", r->avail_flags);
	if (r->has_idx)
		json_u64(area, "idx", r->avail_idx);
	if (r->has_used_event)
		json_u64(area, "used_event", r->used_event);
	array = json_array_in(area, "entries");
	for (i = 0; i < r->navail; i++)
		json_avail(json_object_in(array, NULL), &r->avail[i], opt);
	area = json_object_in(doc, "used");
	json_u64(area, "flags", r->used_flags);
	if (r->has_idx)
		json_u64(area, "idx", r->used_idx);
	if (r->has_avail_event)
		json_u64(area, "avail_event", r->avail_event);
	array = json_array_in(area, "entries");
	for (i = 0; i < r->nused; i++)
		json_used(json_object_in(array, NULL), &r->used[i]);
}

static int ring_json(const struct ring *r, const struct options *opt)
{
	struct json_object *doc = json_document();

	json_u64(doc, "dev", r->queue.dev);
	json_u64(doc, "queue", r->queue.index);
	json_str(doc, "name", r->queue.name);
	json_u64(doc, "size", r->queue.size);
	json_u64(doc, "last_avail", r->queue.last_avail);
	json_u64(doc, "last_used", r->queue.last_used);
	if (r->queue.has_wraps) {
		json_u64(doc, "avail_wrap", r->queue.avail_wrap);
		json_u64(doc, "used_wrap", r->queue.used_wrap);
	}
	json_ring_areas(doc, r, opt);
	return out_json(opt, doc);
}

static void print_desc(const struct ring_desc *d, const struct options *opt)
{
	printf(" [%u] 0x%llx+%u", d->index, d->addr, d->len);
	if (opt->numeric) {
		printf(" 0x%x", d->flags);
	} else if (d->flags) {
		putchar(' ');
		print_flags(desc_flag_names, d->flags);
	}
	if (d->has_next)
		printf(" %u", d->next);
}

static void print_avail(const struct ring_entry *e, const struct options *opt)
{
	unsigned int i;

	printf("  %5u: id %u:", e->index, e->id);
	for (i = 0; i < e->ndesc; i++)
		print_desc(&e->desc[i], opt);
	putchar('\n');
}

static void ring_text(const struct ring *r, const struct options *opt)
{
	const struct queue *q = &r->queue;
	unsigned int i;

	printf("dev %u queue %u %s size %u last_avail %u last_used %u",
	       q->dev, q->index, q->name, q->size, q->last_avail,
	       q->last_used);
	if (q->has_wraps)
		printf(" wraps %u/%u", q->avail_wrap, q->used_wrap);
	printf("\navail flags 0x%x", r->avail_flags);
	if (r->has_idx)
		printf(" idx %u", r->avail_idx);
	if (r->has_used_event)
		printf(" used_event %u", r->used_event);
	putchar('\n');
	for (i = 0; i < r->navail; i++)
		print_avail(&r->avail[i], opt);
	printf("used flags 0x%x", r->used_flags);
	if (r->has_idx)
		printf(" idx %u", r->used_idx);
	if (r->has_avail_event)
		printf(" avail_event %u", r->avail_event);
	putchar('\n');
	for (i = 0; i < r->nused; i++)
		printf("  %5u: id %u len %u\n", r->used[i].index,
		       r->used[i].id, r->used[i].len);
}

static int ring_show(const struct options *opt, struct nl *nl, __u32 dev,
		     __u32 queue)
{
	struct ring *ring = malloc(sizeof(*ring));
	int status;

	if (!ring)
		return kernel_error("out of memory");
	status = ring_get(ring, nl, dev, queue,
			  opt->last ? opt->last : NL_NONE);
	if (status)
		status = nl_error(nl, status, "ring of device %u queue %u",
				  dev, queue);
	else if (opt->json)
		status = ring_json(ring, opt);
	else
		ring_text(ring, opt);
	free(ring);
	return status;
}

int cmd_ring(const struct options *opt, int argc, char **argv)
{
	__u32 dev, queue;
	struct nl nl;
	int status;

	if (argc != 2)
		return usage_error("ring: expected ID or IFNAME, and QUEUE");
	status = queue_parse(argv[1], &queue);
	if (!status)
		status = nl_open(&nl);
	if (status)
		return status;
	status = device_select(&dev, &nl, argv[0]);
	if (!status)
		status = ring_show(opt, &nl, dev, queue);
	nl_close(&nl);
	return status;
}
