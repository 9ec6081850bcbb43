// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <linux/genetlink.h>

#include "netlink.h"

/* Larger than the longest message: a ring snapshot with 64 long chains */
#define BUFFER		(128 * 1024)

static char buffer[BUFFER];

static int on_error(const struct nlmsghdr *msg, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(msg);
	struct nl *nl = data;
	const struct nlattr *attr;
	size_t skip = sizeof(*err);

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*err)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (!err->error)
		return MNL_CB_STOP;
	errno = err->error < 0 ? -err->error : err->error;
	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		return MNL_CB_ERROR;
	/* The request follows, unless the kernel left it out. */
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		skip += err->msg.nlmsg_len - sizeof(err->msg);
	mnl_attr_for_each(attr, msg, skip)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			nl_string(attr, nl->reason, sizeof(nl->reason));
	return MNL_CB_ERROR;
}

/* Data for the callbacks of one request */
struct dispatch {
	struct nl *nl;
	mnl_cb_t reply;
	void *data;
};

static int on_control(const struct nlmsghdr *msg, void *data)
{
	struct dispatch *d = data;
	const int *status = mnl_nlmsg_get_payload(msg);

	if (msg->nlmsg_type == NLMSG_ERROR)
		return on_error(msg, d->nl);
	if (msg->nlmsg_type != NLMSG_DONE)
		return MNL_CB_OK;
	/* A dump reports failure in its last message. */
	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*status) || *status >= 0)
		return MNL_CB_STOP;
	errno = -*status;
	return MNL_CB_ERROR;
}

static int on_reply(const struct nlmsghdr *msg, void *data)
{
	struct dispatch *d = data;

	return d->reply ? d->reply(msg, d->data) : MNL_CB_OK;
}

/* Clear NLM_F_DUMP_INTR: libmnl would stop at the first such message. */
static bool clear_interrupted(char *buf, int len)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)buf;
	bool found = false;

	while (mnl_nlmsg_ok(msg, len)) {
		found |= msg->nlmsg_flags & NLM_F_DUMP_INTR;
		msg->nlmsg_flags &= ~NLM_F_DUMP_INTR;
		msg = mnl_nlmsg_next(msg, &len);
	}
	return found;
}

static int receive(struct dispatch *d, unsigned int sequence,
		   unsigned int port)
{
	static mnl_cb_t control[] = {
		[NLMSG_ERROR] = on_control,
		[NLMSG_DONE] = on_control,
	};
	int n;

	n = mnl_socket_recvfrom(d->nl->sock, buffer, sizeof(buffer));
	if (n < 0)
		return MNL_CB_ERROR;
	d->nl->interrupted |= clear_interrupted(buffer, n);
	return mnl_cb_run2(buffer, n, sequence, port, on_reply, d, control,
			   ARRAY_SIZE(control));
}

/* Send @msg and process replies until the last one. */
static int transact(struct nl *nl, struct nlmsghdr *msg, mnl_cb_t reply,
		    void *data)
{
	struct dispatch d = { .nl = nl, .reply = reply, .data = data };
	int n;

	nl->reason[0] = 0;
	nl->interrupted = false;
	msg->nlmsg_seq = ++nl->sequence;
	if (mnl_socket_sendto(nl->sock, msg, msg->nlmsg_len) < 0)
		return -errno;
	do {
		n = receive(&d, nl->sequence,
			    mnl_socket_get_portid(nl->sock));
	} while (n > MNL_CB_STOP || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static struct nlmsghdr *new_message(__u16 type, __u16 flags, __u8 command,
				    __u8 version)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *genl;

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | flags;
	genl = mnl_nlmsg_put_extra_header(msg, sizeof(*genl));
	genl->cmd = command;
	genl->version = version;
	return msg;
}

static void read_group(const struct nlattr *group, void *data)
{
	const struct nlattr *attr;
	struct nl *nl = data;
	const char *name = "";
	__u32 id = 0;

	mnl_attr_for_each_nested(attr, group) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME)
			name = mnl_attr_get_str(attr);
		else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
			id = nl_u32(attr);
	}
	if (!strcmp(name, VHOST_ALT_GENL_EVENTS))
		nl->events = id;
}

static void read_family(const struct nlattr *attr, void *data)
{
	struct nl *nl = data;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		nl->family = mnl_attr_get_u16(attr);
	else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
		nl_each_nested(attr, read_group, nl);
}

static int on_family(const struct nlmsghdr *msg, void *data)
{
	nl_each(msg, read_family, data);
	return MNL_CB_OK;
}

static int find_family(struct nl *nl)
{
	struct nlmsghdr *msg;
	int err;

	msg = new_message(GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(msg, CTRL_ATTR_FAMILY_NAME, VHOST_ALT_GENL_NAME);
	err = transact(nl, msg, on_family, nl);
	if (err == -ENOENT)
		return kernel_error("module not loaded; try modprobe vhost_alt");
	if (err)
		return nl_error(nl, err, "netlink family %s",
				  VHOST_ALT_GENL_NAME);
	return 0;
}

static int open_socket(struct nl *nl)
{
	int on = 1;

	nl->sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* Optional: both only improve error messages. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

int nl_open(struct nl *nl)
{
	int err;

	memset(nl, 0, sizeof(*nl));
	err = open_socket(nl);
	if (err)
		err = kernel_error("netlink socket: %s", strerror(-err));
	else
		err = find_family(nl);
	if (err)
		nl_close(nl);
	return err;
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

static void put_time(struct nlmsghdr *msg, __s64 us, __u16 time, __u16 unset)
{
	if (us >= 0)
		mnl_attr_put_u32(msg, time, us);
	else if (us == NL_DEFAULT)
		mnl_attr_put(msg, unset, 0, NULL);
}

static void put_settings(struct nlmsghdr *msg, const struct nl_settings *set)
{
	if (set->workers >= 0)
		mnl_attr_put_u32(msg, VHOST_ALT_A_WORKERS, set->workers);
	if (set->busyloop >= 0)
		mnl_attr_put_u32(msg, VHOST_ALT_A_BUSYLOOP, set->busyloop);
	put_time(msg, set->moderation, VHOST_ALT_A_MODERATION,
		 VHOST_ALT_A_MODERATION_DEFAULT);
	put_time(msg, set->adaptive_poll, VHOST_ALT_A_ADAPTIVE_POLL,
		 VHOST_ALT_A_ADAPTIVE_POLL_DEFAULT);
}

int nl_request(struct nl *nl, const struct nl_query *query, mnl_cb_t reply,
	       void *data)
{
	struct nlmsghdr *msg;

	msg = new_message(nl->family, query->dump ? NLM_F_DUMP : NLM_F_ACK,
			  query->command, VHOST_ALT_GENL_VERSION);
	if (query->dev >= 0)
		mnl_attr_put_u32(msg, VHOST_ALT_A_DEV_ID, query->dev);
	if (query->queue >= 0)
		mnl_attr_put_u32(msg, VHOST_ALT_A_QUEUE, query->queue);
	if (query->count >= 0)
		mnl_attr_put_u32(msg, VHOST_ALT_A_RING_COUNT, query->count);
	if (query->set)
		put_settings(msg, query->set);
	return transact(nl, msg, reply, data);
}

int nl_subscribe(struct nl *nl)
{
	if (mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP,
				  &nl->events, sizeof(nl->events)) < 0)
		return -errno;
	return 0;
}

int nl_wait(struct nl *nl, mnl_cb_t event, void *data)
{
	struct dispatch d = { .nl = nl, .reply = event, .data = data };

	/* Notifications have no sequence number and no port. */
	return receive(&d, 0, 0) < 0 ? -errno : 0;
}

/* Errors with a more specific meaning than strerror()'s, and the remedy */
static const struct {
	int err;
	const char *what;	/* NULL: strerror() */
	const char *next;
} refusals[] = {
	{ ENODEV, "no such device", "vhostctl show lists the devices" },
	{ ENOBUFS, "no such queue", "queues are 0 (rx) and 1 (tx)" },
	{ EPERM, NULL, "requires CAP_NET_ADMIN: try sudo" },
	{ EACCES, NULL, "requires CAP_NET_ADMIN: try sudo" },
	{ EBUSY, NULL, "try again" },
	{ EEXIST, "its workers are not to be changed",
	  "vhostctl workers lists them" },
	{ EINVAL, "not set up", "vhostctl show -d prints its state" },
	{ EFAULT, "cannot read its memory",
	  "vhostctl show -d prints its addresses" },
	{ ESRCH, "its owner is exiting", "vhostctl show lists the devices" },
	{ EOPNOTSUPP, NULL, "the module may be older than vhostctl" },
};

int nl_error(const struct nl *nl, int err, const char *fmt, ...)
{
	const char *why = strerror(-err), *next = NULL;
	char what[128];
	unsigned int i;
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (refusals[i].err != -err)
			continue;
		why = refusals[i].what ?: why;
		next = refusals[i].next;
	}
	return kernel_error("%s: %s%s%s%s%s%s", what, why,
			    nl->reason[0] ? " (" : "", nl->reason,
			    nl->reason[0] ? ")" : "", next ? "; " : "",
			    next ?: "");
}

__u8 nl_command(const struct nlmsghdr *msg)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(msg);

	return genl->cmd;
}

void nl_each(const struct nlmsghdr *msg,
	     void (*fn)(const struct nlattr *attr, void *data), void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, msg, sizeof(struct genlmsghdr))
		fn(attr, data);
}

void nl_each_nested(const struct nlattr *nest,
		    void (*fn)(const struct nlattr *attr, void *data),
		    void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		fn(attr, data);
}

__u32 nl_u32(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) < sizeof(__u32) ?
		       0 : mnl_attr_get_u32(attr);
}

__u64 nl_u64(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) < sizeof(__u64) ?
		       0 : mnl_attr_get_u64(attr);
}

void nl_string(const struct nlattr *attr, char *to, size_t size)
{
	const char *from = mnl_attr_get_payload(attr);
	size_t i, len = mnl_attr_get_payload_len(attr);

	/* A process names itself: keep escape sequences off terminals. */
	for (i = 0; i < len && i + 1 < size && from[i]; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = 0;
}
