// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of the netlink family, right and wrong. Without libmnl, which would
 * make the program slow to start, and which makes only what is right.
 */
#include "fuzz.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

#define ROOM		8192
#define ANSWERS		64

struct request {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	unsigned char attr[256];
};

static void request_init(struct request *r, __u16 type, __u8 cmd)
{
	memset(r, 0, sizeof(*r));
	r->nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	r->nlh.nlmsg_type = type;
	r->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	r->genl.cmd = cmd;
	r->genl.version = 1;
}

static void put(struct request *r, __u16 type, const void *data, size_t len)
{
	struct nlattr *a = (void *)((char *)r + r->nlh.nlmsg_len);

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memcpy(a + 1, data, len);
	r->nlh.nlmsg_len += NLA_ALIGN(a->nla_len);
}

/* Find an attribute in an answer of @n bytes; NULL if it is not there. */
static const void *find(const unsigned char *answer, ssize_t n, __u16 type)
{
	ssize_t at = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *a;

	for (; at + NLA_HDRLEN < n; at += NLA_ALIGN(a->nla_len)) {
		a = (const void *)(answer + at);
		if (a->nla_type == type)
			return a + 1;
		if (a->nla_len < NLA_HDRLEN)
			break;
	}
	return NULL;
}

void fuzz_open_netlink(struct fuzz *fz)
{
	unsigned char answer[ROOM];
	const __u16 *family;
	struct request r;

	fz->nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	fz->family = 0;
	request_init(&r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	put(&r, CTRL_ATTR_FAMILY_NAME, VHOST_ALT_GENL_NAME,
	    sizeof(VHOST_ALT_GENL_NAME));
	if (send(fz->nl, &r, r.nlh.nlmsg_len, 0) < 0)
		return;
	family = find(answer, recv(fz->nl, answer, sizeof(answer), 0),
		      CTRL_ATTR_FAMILY_ID);
	if (family)
		fz->family = *family;
}

static __u32 any_value(struct fuzz *fz, __u16 type)
{
	if (fuzz_one_in(fz, 8))
		return fuzz_number(fz);
	switch (type) {
	case VHOST_ALT_A_DEV_ID:
		return fz->dev_id;
	case VHOST_ALT_A_QUEUE:
		return fuzz_below(fz, NR_VQS);
	case VHOST_ALT_A_BUSYLOOP:
		return fuzz_below(fz, 200);
	case VHOST_ALT_A_MODERATION:
	case VHOST_ALT_A_ADAPTIVE_POLL:
		return fuzz_below(fz, 2 * VHOST_ALT_MODERATION_MAX);
	default:
		return 1 + fuzz_below(fz, FUZZ_RING);
	}
}

static void put_any(struct fuzz *fz, struct request *r)
{
	static const __u16 usual[] = {
		VHOST_ALT_A_DEV_ID, VHOST_ALT_A_QUEUE, VHOST_ALT_A_RING_COUNT,
		VHOST_ALT_A_BUSYLOOP, VHOST_ALT_A_MODERATION,
		VHOST_ALT_A_ADAPTIVE_POLL,
	};
	__u16 type = usual[fuzz_below(fz, ARRAY_SIZE(usual))];
	__u64 value[2];

	if (fuzz_one_in(fz, 8))
		type = fuzz_below(fz, VHOST_ALT_A_MAX + 3);
	if (fuzz_one_in(fz, 20))
		type |= NLA_F_NESTED;
	value[0] = any_value(fz, type);
	value[1] = fuzz_number(fz);
	put(r, type, value, fuzz_one_in(fz, 8) ?
	    fuzz_below(fz, sizeof(value) + 1) : sizeof(__u32));
}

static void read_answers(struct fuzz *fz)
{
	unsigned char answer[ROOM];
	const __u32 *id;
	unsigned int i;
	ssize_t n;

	for (i = 0; i < ANSWERS; i++) {
		n = recv(fz->nl, answer, 1 + fuzz_below(fz, ROOM),
			 MSG_DONTWAIT);
		if (n < 0)
			break;
		/* Later requests are about the device that was seen last. */
		id = find(answer, n, VHOST_ALT_A_DEV_ID);
		if (id && ((struct nlmsghdr *)answer)->nlmsg_type == fz->family)
			fz->dev_id = *id;
	}
}

static __u8 any_cmd(struct fuzz *fz)
{
	static const __u8 cmds[] = {
		VHOST_ALT_CMD_DEV_GET, VHOST_ALT_CMD_QUEUE_GET,
		VHOST_ALT_CMD_STATS_RESET, VHOST_ALT_CMD_RING_GET,
		VHOST_ALT_CMD_DEV_OPEN_NTF, VHOST_ALT_CMD_QUEUE_SET,
		VHOST_ALT_CMD_WORKERS_SET,
	};

	if (fuzz_one_in(fz, 8))
		return fuzz_number(fz);
	return cmds[fuzz_below(fz, ARRAY_SIZE(cmds))];
}

void fuzz_netlink(struct fuzz *fz)
{
	unsigned int n = fuzz_below(fz, 4);
	struct request r;

	if (!fz->family)
		return;
	request_init(&r, fz->family, any_cmd(fz));
	if (fuzz_one_in(fz, 2))
		r.nlh.nlmsg_flags |= NLM_F_DUMP;
	if (fuzz_one_in(fz, 20))
		r.genl.version = fuzz_number(fz);
	while (n--)
		put_any(fz, &r);
	if (fuzz_one_in(fz, 20))
		r.nlh.nlmsg_len = fuzz_below(fz, sizeof(r));
	/* Often leave a dump in its middle. */
	if (send(fz->nl, &r, sizeof(r) < r.nlh.nlmsg_len ? sizeof(r) :
		 r.nlh.nlmsg_len, MSG_DONTWAIT) < 0 || fuzz_one_in(fz, 2))
		read_answers(fz);
}
