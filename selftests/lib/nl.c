// SPDX-License-Identifier: GPL-2.0-only
#include "nl.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/capability.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "env.h"

/* More than the longest answer: 64 chains of 8 descriptors each. */
#define ROOM_MAX	(128 * 1024)

static char buffer[ROOM_MAX];

/* ---- parsing a message ---- */

enum kind { K_FLAG, K_U32, K_U64, K_TEXT, K_NEST };

static enum kind attr_kind(unsigned int type)
{
	switch (type) {
	case VHOST_ALT_A_FEATURES:
	case VHOST_ALT_A_FEATURES_HI:
	case VHOST_ALT_A_BACKEND_FEATURES:
	case VHOST_ALT_A_DESC_ADDR:
	case VHOST_ALT_A_AVAIL_ADDR:
	case VHOST_ALT_A_USED_ADDR:
	case VHOST_ALT_A_LAST_RUN:
		return K_U64;
	case VHOST_ALT_A_COMM:
	case VHOST_ALT_A_QUEUE_NAME:
	case VHOST_ALT_A_LAYOUT:
	case VHOST_ALT_A_IFNAME:
		return K_TEXT;
	case VHOST_ALT_A_WORKER:
	case VHOST_ALT_A_COUNTERS:
	case VHOST_ALT_A_DROPS:
	case VHOST_ALT_A_BATCH_SIZES:
	case VHOST_ALT_A_RING_AVAIL:
	case VHOST_ALT_A_RING_USED:
		return K_NEST;
	case VHOST_ALT_A_WORKERS_MANAGED:
		return K_FLAG;
	default:
		return K_U32;
	}
}

/*
 * Read a number of 4 or 8 bytes into @num, which has @n entries, at its type.
 */
static int read_num(const struct nlattr *attr, __u64 *num, unsigned int n)
{
	unsigned int type = mnl_attr_get_type(attr);

	if (type >= n)
		return -EBADMSG;
	if (mnl_attr_get_payload_len(attr) == sizeof(__u64))
		num[type] = mnl_attr_get_u64(attr);
	else if (mnl_attr_get_payload_len(attr) == sizeof(__u32))
		num[type] = mnl_attr_get_u32(attr);
	else
		return -EBADMSG;
	return 0;
}

/* Check for padding: an attribute of type @pad without contents. */
static bool is_pad(const struct nlattr *attr, unsigned int pad)
{
	return mnl_attr_get_type(attr) == pad &&
	       !mnl_attr_get_payload_len(attr);
}

static int read_nums(const struct nlattr *nest, unsigned int pad, __u64 *num,
		     unsigned int n)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (!is_pad(attr, pad) && read_num(attr, num, n))
			return -EBADMSG;
	return 0;
}

/* Read a nest of u64 attributes, all types from @first to @last in order. */
static int read_list(const struct nlattr *nest, unsigned int pad, __u64 *num,
		     unsigned int first, unsigned int last)
{
	const struct nlattr *attr;
	unsigned int next = first;

	mnl_attr_for_each_nested(attr, nest) {
		if (is_pad(attr, pad))
			continue;
		if (mnl_attr_get_type(attr) != next++ ||
		    mnl_attr_get_payload_len(attr) != sizeof(__u64) ||
		    read_num(attr, num, last + 1))
			return -EBADMSG;
	}
	return next == last + 1 ? 0 : -EBADMSG;
}

static int read_entry(const struct nlattr *nest, struct nl_entry *entry,
		      unsigned int *n)
{
	const struct nlattr *attr;
	int err = 0;

	if (*n == NL_ENTRIES)
		return -EBADMSG;
	entry += (*n)++;
	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) != VHOST_ALT_ENTRY_DESC)
			err = read_num(attr, entry->num,
				       VHOST_ALT_ENTRY_MAX + 1);
		else if (entry->ndescs == NL_DESCS)
			err = -EBADMSG;
		else
			err = read_nums(attr, VHOST_ALT_DESC_PAD,
					entry->desc[entry->ndescs++],
					VHOST_ALT_DESC_MAX + 1);
		if (err)
			break;
	}
	return err;
}

static int read_nest(const struct nlattr *attr, struct nl_msg *m)
{
	switch (mnl_attr_get_type(attr)) {
	case VHOST_ALT_A_WORKER:
		if (m->nworkers == NL_WORKERS)
			return -EBADMSG;
		return read_nums(attr, VHOST_ALT_WORKER_PAD,
				 m->worker[m->nworkers++].num,
				 VHOST_ALT_WORKER_MAX + 1);
	case VHOST_ALT_A_COUNTERS:
		return read_list(attr, VHOST_ALT_COUNTER_PAD, m->counter,
				 VHOST_ALT_COUNTER_PAD + 1,
				 VHOST_ALT_COUNTER_MAX);
	case VHOST_ALT_A_DROPS:
		return read_list(attr, VHOST_ALT_DROP_PAD, m->drop,
				 VHOST_ALT_DROP_PAD + 1, VHOST_ALT_DROP_MAX);
	case VHOST_ALT_A_BATCH_SIZES:
		return read_list(attr, 0, m->batch_size, 1, NL_SIZES);
	case VHOST_ALT_A_RING_AVAIL:
		return read_entry(attr, m->avail, &m->navail);
	default:
		return read_entry(attr, m->used, &m->nused);
	}
}

static int read_attr(const struct nlattr *attr, struct nl_msg *m)
{
	unsigned int type = mnl_attr_get_type(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (is_pad(attr, VHOST_ALT_A_PAD))
		return 0;
	if (type <= VHOST_ALT_A_PAD || type > VHOST_ALT_A_MAX)
		return -EBADMSG;
	/* Only nests may come more than once. */
	if (m->has[type] && attr_kind(type) != K_NEST)
		return -EBADMSG;
	m->has[type] = true;
	switch (attr_kind(type)) {
	case K_NEST:
		return read_nest(attr, m);
	case K_TEXT:
		if (!len || len > sizeof(m->text[type]) ||
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
			return -EBADMSG;
		strcpy(m->text[type], mnl_attr_get_str(attr));
		return 0;
	case K_FLAG:
		return len ? -EBADMSG : 0;
	case K_U64:
		return len == sizeof(__u64) ?
		       read_num(attr, m->num, VHOST_ALT_A_MAX + 1) : -EBADMSG;
	default:
		return len == sizeof(__u32) ?
		       read_num(attr, m->num, VHOST_ALT_A_MAX + 1) : -EBADMSG;
	}
}

static int read_msg(const struct nlmsghdr *nlh, struct nl_msg *m)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	memset(m, 0, sizeof(*m));
	m->cmd = genl->cmd;
	mnl_attr_for_each(attr, nlh, sizeof(*genl))
		if (read_attr(attr, m))
			return -EBADMSG;
	return 0;
}

/* ---- requests ---- */

static struct nlmsghdr *request(struct nl *nl, __u16 type, __u8 cmd, int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++nl->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = VHOST_ALT_GENL_VERSION;
	return nlh;
}

static int transmit(struct nl *nl, const struct nlmsghdr *nlh)
{
	int n = mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len);

	return n < 0 ? -errno : 0;
}

/* Wait for a datagram. Return: its size or a negative errno. */
static int receive(struct nl *nl, int wait_ms)
{
	struct pollfd p = {
		.fd = mnl_socket_get_fd(nl->sock),
		.events = POLLIN,
	};
	int n = poll(&p, 1, wait_ms);

	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	n = mnl_socket_recvfrom(nl->sock, buffer, nl->room);
	return n < 0 ? -errno : n;
}

/* How to treat each message of an answer, and the state of the answer. */
struct answer {
	int (*fn)(const struct nlmsghdr *nlh, void *data);
	void *data;
	bool done;
	bool interrupted;
};

/*
 * Find the attribute of the request that an error names, if any. Attributes of
 * the error follow a copy of the request.
 */
static unsigned int bad_attr(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *bad;

	if (!e->error || !(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(e->error) + e->msg.nlmsg_len) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MISS_TYPE)
			return mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) != NLMSGERR_ATTR_OFFS)
			continue;
		bad = (void *)((char *)&e->msg + mnl_attr_get_u32(attr));
		return mnl_attr_get_type(bad);
	}
	return 0;
}

static int take(struct nl *nl, const struct nlmsghdr *nlh, struct answer *a)
{
	if (nlh->nlmsg_seq != nl->seq)
		return 0;
	a->interrupted |= nlh->nlmsg_flags & NLM_F_DUMP_INTR;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		a->done = true;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			nl->bad = bad_attr(nlh);
		return *(int *)mnl_nlmsg_get_payload(nlh);
	}
	return a->fn ? a->fn(nlh, a->data) : 0;
}

static int talk(struct nl *nl, const struct nlmsghdr *nlh, struct answer *a)
{
	int n, err = transmit(nl, nlh);

	while (!err && !a->done) {
		n = receive(nl, env_left_ms(env_deadline()));
		if (n < 0)
			return n;
		for (nlh = (void *)buffer; !err && mnl_nlmsg_ok(nlh, n);
		     nlh = mnl_nlmsg_next(nlh, &n))
			err = take(nl, nlh, a);
	}
	if (err)
		return err;
	return a->interrupted ? -EINTR : 0;
}

static void put_u32(struct nlmsghdr *nlh, int attr, __u32 value)
{
	if (value != NL_NONE)
		mnl_attr_put_u32(nlh, attr, value);
}

static int one_msg(const struct nlmsghdr *nlh, void *data)
{
	return read_msg(nlh, data);
}

int nl_ask(struct nl *nl, int cmd, __u32 dev, __u32 queue, __u32 count,
	   struct nl_msg *msg)
{
	struct nlmsghdr *nlh = request(nl, nl->family, cmd, NLM_F_ACK);
	struct answer a = { .fn = msg ? one_msg : NULL, .data = msg };
	int err;

	if (msg)
		msg->cmd = 0;
	put_u32(nlh, VHOST_ALT_A_DEV_ID, dev);
	put_u32(nlh, VHOST_ALT_A_QUEUE, queue);
	put_u32(nlh, VHOST_ALT_A_RING_COUNT, count);
	err = talk(nl, nlh, &a);
	if (!err && msg && msg->cmd != cmd)
		return -EBADMSG;
	return err;
}

int nl_dev(struct nl *nl, __u32 dev, struct nl_msg *msg)
{
	return nl_ask(nl, VHOST_ALT_CMD_DEV_GET, dev, NL_NONE, NL_NONE, msg);
}

int nl_queue(struct nl *nl, __u32 dev, __u32 queue, struct nl_msg *msg)
{
	return nl_ask(nl, VHOST_ALT_CMD_QUEUE_GET, dev, queue, NL_NONE, msg);
}

int nl_reset(struct nl *nl, __u32 dev, __u32 queue)
{
	return nl_ask(nl, VHOST_ALT_CMD_STATS_RESET, dev, queue, NL_NONE, NULL);
}

int nl_ring(struct nl *nl, __u32 dev, __u32 queue, __u32 count,
	    struct nl_msg *msg)
{
	return nl_ask(nl, VHOST_ALT_CMD_RING_GET, dev, queue, count, msg);
}

/* Put a time, or its default, or both. */
static void put_time(struct nlmsghdr *nlh, __u32 us, __u16 time, __u16 unset)
{
	if (us == NL_DEFAULT || us == NL_BOTH)
		mnl_attr_put(nlh, unset, 0, NULL);
	if (us != NL_DEFAULT)
		put_u32(nlh, time, us == NL_BOTH ? 1 : us);
}

int nl_set(struct nl *nl, __u32 dev, __u32 queue, __u32 busyloop,
	   __u32 moderation)
{
	struct nlmsghdr *nlh = request(nl, nl->family, VHOST_ALT_CMD_QUEUE_SET,
				       NLM_F_ACK);
	struct answer a = { .fn = NULL };

	put_u32(nlh, VHOST_ALT_A_DEV_ID, dev);
	put_u32(nlh, VHOST_ALT_A_QUEUE, queue);
	put_u32(nlh, VHOST_ALT_A_BUSYLOOP, busyloop);
	put_time(nlh, moderation, VHOST_ALT_A_MODERATION,
		 VHOST_ALT_A_MODERATION_DEFAULT);
	return talk(nl, nlh, &a);
}

int nl_set_adaptive_poll(struct nl *nl, __u32 dev, __u32 queue, __u32 us)
{
	struct nlmsghdr *nlh = request(nl, nl->family, VHOST_ALT_CMD_QUEUE_SET,
				       NLM_F_ACK);
	struct answer a = { .fn = NULL };

	put_u32(nlh, VHOST_ALT_A_DEV_ID, dev);
	put_u32(nlh, VHOST_ALT_A_QUEUE, queue);
	put_time(nlh, us, VHOST_ALT_A_ADAPTIVE_POLL,
		 VHOST_ALT_A_ADAPTIVE_POLL_DEFAULT);
	return talk(nl, nlh, &a);
}

int nl_set_workers(struct nl *nl, __u32 dev, __u32 workers)
{
	struct nlmsghdr *nlh = request(nl, nl->family,
				       VHOST_ALT_CMD_WORKERS_SET, NLM_F_ACK);
	struct answer a = { .fn = NULL };

	put_u32(nlh, VHOST_ALT_A_DEV_ID, dev);
	put_u32(nlh, VHOST_ALT_A_WORKERS, workers);
	return talk(nl, nlh, &a);
}

struct dump {
	void (*fn)(const struct nl_msg *msg, void *data);
	void *data;
	int cmd;
};

static int dump_msg(const struct nlmsghdr *nlh, void *data)
{
	static struct nl_msg msg;
	struct dump *d = data;
	int err = read_msg(nlh, &msg);

	if (err || msg.cmd != d->cmd || !(nlh->nlmsg_flags & NLM_F_MULTI))
		return -EBADMSG;
	d->fn(&msg, d->data);
	return 0;
}

int nl_dump(struct nl *nl, int cmd, __u32 dev,
	    void (*fn)(const struct nl_msg *msg, void *data), void *data)
{
	struct nlmsghdr *nlh = request(nl, nl->family, cmd, NLM_F_DUMP);
	struct dump d = { .fn = fn, .data = data, .cmd = cmd };
	struct answer a = { .fn = dump_msg, .data = &d };

	put_u32(nlh, VHOST_ALT_A_DEV_ID, dev);
	return talk(nl, nlh, &a);
}

static void keep_newest(const struct nl_msg *msg, void *data)
{
	__u32 *dev = data, id = msg->num[VHOST_ALT_A_DEV_ID];

	if (id > *dev)
		*dev = id;
}

int nl_newest(struct nl *nl, __u32 *dev)
{
	int err;

	do {
		*dev = 0;
		err = nl_dump(nl, VHOST_ALT_CMD_DEV_GET, NL_NONE, keep_newest,
			      dev);
	} while (err == -EINTR);
	if (err)
		return err;
	return *dev ? 0 : -ENODEV;
}

/* ---- notifications ---- */

int nl_listen(struct nl *nl)
{
	int group = nl->events;

	return mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP, &group,
				     sizeof(group)) ? -errno : 0;
}

static int event(struct nl *nl, struct nl_msg *msg, int wait_ms)
{
	const struct nlmsghdr *nlh = (void *)buffer;
	int n = receive(nl, wait_ms);

	if (n < 0)
		return n;
	if (!mnl_nlmsg_ok(nlh, n) || nlh->nlmsg_type != nl->family)
		return -EBADMSG;
	return read_msg(nlh, msg);
}

int nl_event(struct nl *nl, struct nl_msg *msg)
{
	return event(nl, msg, env_left_ms(env_deadline()));
}

int nl_event_now(struct nl *nl, struct nl_msg *msg)
{
	int err = event(nl, msg, 0);

	return err == -ETIMEDOUT ? -EAGAIN : err;
}

/* ---- the socket ---- */

static void read_group(struct nl *nl, const struct nlattr *group)
{
	const struct nlattr *attr;
	const char *name = "";
	__u32 id = 0;

	mnl_attr_for_each_nested(attr, group) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME)
			name = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
			id = mnl_attr_get_u32(attr);
	}
	if (!strcmp(name, VHOST_ALT_GENL_EVENTS))
		nl->events = id;
}

static int read_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *group;
	struct nl *nl = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			nl->family = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			mnl_attr_for_each_nested(group, attr)
				read_group(nl, group);
	}
	return 0;
}

static int find_family(struct nl *nl)
{
	struct nlmsghdr *nlh = request(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY,
				       NLM_F_ACK);
	struct answer a = { .fn = read_family, .data = nl };
	int err;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, VHOST_ALT_GENL_NAME);
	err = talk(nl, nlh, &a);
	if (err)
		return err;
	return nl->family && nl->events ? 0 : -EBADMSG;
}

int nl_open(struct nl *nl)
{
	int err, on = 1;

	memset(nl, 0, sizeof(*nl));
	/* The kernel remembers the largest read, so begin with a small one. */
	nl->room = NL_ROOM_LITTLE;
	nl->sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	err = mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) ||
	      mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on,
				    sizeof(on)) ? -errno : 0;
	if (!err)
		err = find_family(nl);
	if (err)
		nl_close(nl);
	nl->room = ROOM_MAX;
	return err;
}

int nl_open_in(struct nl *nl, int netns)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int err;

	if (own < 0)
		return -errno;
	err = setns(netns, CLONE_NEWNET) ? -errno : 0;
	if (!err) {
		err = nl_open(nl);
		if (setns(own, CLONE_NEWNET) && !err)
			err = -errno;
	}
	close(own);
	return err;
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

/* ---- privileges ---- */

int net_admin(bool on)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	__u32 bit = 1U << CAP_NET_ADMIN;

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].effective = on ? data[0].effective | bit :
				 data[0].effective & ~bit;
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}
