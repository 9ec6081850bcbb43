// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl monitor: print a line per notification. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "out.h"

struct event {
	__u32 dev;
	bool has_owner, has_queue;
	__u32 pid, queue, ifindex;
	char comm[COMM_LEN];
	char name[NAME_LEN];
	char ifname[IF_NAMESIZE];
};

struct monitor {
	const struct options *opt;
	unsigned int seen;
	bool broken_pipe;
};

static void read_event(const struct nlattr *attr, void *data)
{
	struct event *ev = data;

	switch (mnl_attr_get_type(attr)) {
	case VHOST_ALT_A_DEV_ID:
		ev->dev = nl_u32(attr);
		break;
	case VHOST_ALT_A_PID:
		ev->pid = nl_u32(attr);
		ev->has_owner = true;
		break;
	case VHOST_ALT_A_COMM:
		nl_string(attr, ev->comm, sizeof(ev->comm));
		break;
	case VHOST_ALT_A_QUEUE:
		ev->queue = nl_u32(attr);
		ev->has_queue = true;
		break;
	case VHOST_ALT_A_QUEUE_NAME:
		nl_string(attr, ev->name, sizeof(ev->name));
		break;
	case VHOST_ALT_A_IFNAME:
		nl_string(attr, ev->ifname, sizeof(ev->ifname));
		break;
	case VHOST_ALT_A_IFINDEX:
		ev->ifindex = nl_u32(attr);
		break;
	}
}

static void event_json(const struct event *ev, const char *what,
		       const struct options *opt)
{
	struct json_object *doc = json_object_new_object();

	json_str(doc, "event", what);
	json_u64(doc, "dev", ev->dev);
	if (ev->has_owner)
		json_u64(doc, "pid", ev->pid);
	if (ev->comm[0])
		json_str(doc, "comm", ev->comm);
	if (ev->has_queue) {
		json_u64(doc, "queue", ev->queue);
		json_str(doc, "name", ev->name);
	}
	if (ev->ifname[0])
		json_str(doc, "ifname", ev->ifname);
	if (ev->ifindex)
		json_u64(doc, "ifindex", ev->ifindex);
	out_json(opt, doc);
}

static void event_text(const struct event *ev, const char *what)
{
	printf("%s dev %u", what, ev->dev);
	if (ev->has_queue)
		printf(" queue %u %s", ev->queue, ev->name);
	if (ev->ifname[0])
		printf(" if %s", ev->ifname);
	if (ev->has_owner)
		printf(" pid %u", ev->pid);
	if (ev->comm[0])
		printf(" (%s)", ev->comm);
	putchar('\n');
}

static int on_event(const struct nlmsghdr *msg, void *data)
{
	struct monitor *m = data;
	struct event ev = { 0 };
	const char *what = name_of(event_names, nl_command(msg));

	/* Skip events of a newer module, and those beyond --count. */
	if (!what || (m->opt->count && m->seen == m->opt->count))
		return MNL_CB_OK;
	nl_each(msg, read_event, &ev);
	if (m->opt->json)
		event_json(&ev, what, m->opt);
	else
		event_text(&ev, what);
	m->seen++;
	m->broken_pipe = fflush(stdout);
	return MNL_CB_OK;
}

static int monitor_run(struct nl *nl, const struct options *opt)
{
	struct monitor m = { .opt = opt };
	int err = 0;

	while (!err && !m.broken_pipe && (!opt->count || m.seen < opt->count)) {
		err = nl_wait(nl, on_event, &m);
		if (err == -ENOBUFS) {
			fputs("vhostctl: monitor: events were lost\n",
			      stderr);
			err = 0;
		} else if (err == -EINTR) {
			err = 0;
		}
	}
	if (m.broken_pipe)
		return kernel_error("cannot write to standard output");
	return err ? nl_error(nl, err, "monitor") : EXIT_OK;
}

int cmd_monitor(const struct options *opt, int argc, char **argv)
{
	struct nl nl;
	int status;

	if (argc)
		return usage_error("monitor: unexpected argument '%s'",
				   argv[0]);
	status = nl_open(&nl);
	if (status)
		return status;
	status = nl_subscribe(&nl);
	if (status)
		status = nl_error(&nl, status, "monitor");
	else
		status = monitor_run(&nl, opt);
	nl_close(&nl);
	return status;
}
