// SPDX-License-Identifier: GPL-2.0-only
/*
 * vhostctl monitor: print a line per notification. These go to readers in all
 * pid namespaces and have no pid, so ask for it once per device.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "out.h"

struct event {
	__u32 dev;
	bool has_queue;
	__u32 pid, queue, ifindex, workers, error;
	struct queue_times times;
	char comm[COMM_LEN];
	char name[NAME_LEN];
	char ifname[IF_NAMESIZE];
};

/* A device and its owner's pid, which is known no more once it is closed. */
struct owner {
	__u32 dev;
	__u32 pid;
};

struct monitor {
	const struct options *opt;
	struct nl query;
	struct owner *owners;
	unsigned int nowners;
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
	case VHOST_ALT_A_WORKERS:
		ev->workers = nl_u32(attr);
		break;
	case VHOST_ALT_A_ERROR:
		ev->error = nl_u32(attr);
		break;
	default:
		times_read(attr, &ev->times);
	}
}

static void event_json(const struct event *ev, const char *what,
		       const struct options *opt)
{
	struct json_object *doc = json_document();

	json_str(doc, "event", what);
	json_u64(doc, "dev", ev->dev);
	if (ev->pid)
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
	times_json(doc, &ev->times);
	if (ev->workers)
		json_str(doc, "sharing", sharing_name(ev->workers));
	if (ev->error)
		json_str(doc, "error", strerror(ev->error));
	out_json(opt, doc);
}

static void event_text(const struct event *ev, const char *what, bool bad,
		       const struct options *opt)
{
	print_timestamp(opt, " ");
	printf("%s%s%s dev %u", colour(bad ? COLOUR_RED : COLOUR_BOLD), what,
	       colour(COLOUR_OFF), ev->dev);
	if (ev->has_queue)
		printf(" queue %u %s", ev->queue, ev->name);
	if (ev->ifname[0])
		printf(" if %s", ev->ifname);
	times_print(&ev->times);
	if (ev->workers)
		printf(" workers %s", sharing_name(ev->workers));
	if (ev->error)
		printf(": request failed: %s", strerror(ev->error));
	if (ev->pid)
		printf(" pid %u", ev->pid);
	if (ev->comm[0])
		printf(" (%s)", ev->comm);
	putchar('\n');
}

static int read_pid(const struct nlmsghdr *msg, void *data)
{
	struct event now = { 0 };

	nl_each(msg, read_event, &now);
	*(__u32 *)data = now.pid;
	return MNL_CB_OK;
}

static struct owner *find_owner(const struct monitor *m, __u32 dev)
{
	unsigned int i;

	for (i = 0; i < m->nowners; i++) {
		if (m->owners[i].dev == dev)
			return &m->owners[i];
	}
	return NULL;
}

static void remember_owner(struct monitor *m, __u32 dev, __u32 pid)
{
	struct owner *owners;

	owners = realloc(m->owners, (m->nowners + 1) * sizeof(*owners));
	if (!owners)
		return;
	m->owners = owners;
	m->owners[m->nowners++] = (struct owner){ .dev = dev, .pid = pid };
}

/* Return: the pid of the device's owner, or 0. */
static __u32 owner_pid(struct monitor *m, __u32 dev, bool closed)
{
	struct nl_query query = {
		.command = VHOST_ALT_CMD_DEV_GET,
		.dev = dev,
		.queue = NL_NONE,
		.count = NL_NONE,
	};
	struct owner *owner = find_owner(m, dev);
	__u32 pid = 0;

	if (owner) {
		pid = owner->pid;
		if (closed)
			*owner = m->owners[--m->nowners];
		return pid;
	}
	if (!closed && !nl_request(&m->query, &query, read_pid, &pid) && pid)
		remember_owner(m, dev, pid);
	return pid;
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
	ev.pid = owner_pid(m, ev.dev,
			   nl_command(msg) == VHOST_ALT_CMD_DEV_CLOSE_NTF);
	if (m->opt->json)
		event_json(&ev, what, m->opt);
	else
		event_text(&ev, what,
			   nl_command(msg) == VHOST_ALT_CMD_RING_ERROR_NTF ||
			   ev.error,
			   m->opt);
	m->seen++;
	m->broken_pipe = fflush(stdout);
	return MNL_CB_OK;
}

static int monitor_run(struct nl *nl, const struct options *opt)
{
	struct monitor m = { .opt = opt };
	int err;

	err = nl_open(&m.query);
	if (err)
		return err;
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
	nl_close(&m.query);
	free(m.owners);
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
