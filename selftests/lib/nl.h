/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family of the module under test, as clients see it. All
 * return 0 or a negative errno: -ETIMEDOUT if the kernel does not answer, and
 * -EBADMSG if an answer contradicts uapi/vhost_alt.h.
 */
#ifndef VHOST_TEST_NL_H
#define VHOST_TEST_NL_H

#include <stdbool.h>
#include <stddef.h>
#include "../../uapi/vhost_alt.h"

struct mnl_socket;

struct nl {
	struct mnl_socket *sock;
	__u16 family;
	__u32 events;		/* the multicast group */
	unsigned int seq;
	size_t room;		/* size of a read, set before the first dump */
	unsigned int bad;	/* attribute that the last error names, or 0 */
};

/*
 * The smallest room that a client may have, so that dumps come in many parts.
 */
#define NL_ROOM_LITTLE	8192

/* Value of an attribute that a request leaves out. */
#define NL_NONE		(~0U)

/* Values of the time of moderation: its default; the default and a time. */
#define NL_DEFAULT	(NL_NONE - 1)
#define NL_BOTH		(NL_NONE - 2)

#define NL_WORKERS	4
#define NL_ENTRIES	64
#define NL_DESCS	8
#define NL_SIZES	8

struct nl_worker {
	__u64 num[VHOST_ALT_WORKER_MAX + 1];
};

struct nl_entry {
	__u64 num[VHOST_ALT_ENTRY_MAX + 1];
	unsigned int ndescs;
	__u64 desc[NL_DESCS][VHOST_ALT_DESC_MAX + 1];
};

/* A message: numbers are in num[], strings in text[], by attribute. */
struct nl_msg {
	int cmd;
	bool has[VHOST_ALT_A_MAX + 1];
	__u64 num[VHOST_ALT_A_MAX + 1];
	char text[VHOST_ALT_A_MAX + 1][32];
	unsigned int nworkers;
	struct nl_worker worker[NL_WORKERS];
	__u64 counter[VHOST_ALT_COUNTER_MAX + 1];
	__u64 drop[VHOST_ALT_DROP_MAX + 1];
	__u64 batch_size[NL_SIZES + 1];	/* index 0 is unused */
	unsigned int navail;
	unsigned int nused;
	struct nl_entry avail[NL_ENTRIES];
	struct nl_entry used[NL_ENTRIES];
};

/*
 * Open a socket in the caller's network namespace, or in that of descriptor
 * @netns.
 */
int nl_open(struct nl *nl);
int nl_open_in(struct nl *nl, int netns);
void nl_close(struct nl *nl);

/*
 * Send a request. Any attribute may be NL_NONE. The answer goes to @msg; with
 * NULL only an ACK is expected.
 */
int nl_ask(struct nl *nl, int cmd, __u32 dev, __u32 queue, __u32 count,
	   struct nl_msg *msg);

int nl_dev(struct nl *nl, __u32 dev, struct nl_msg *msg);
int nl_queue(struct nl *nl, __u32 dev, __u32 queue, struct nl_msg *msg);
int nl_reset(struct nl *nl, __u32 dev, __u32 queue);
int nl_ring(struct nl *nl, __u32 dev, __u32 queue, __u32 count,
	    struct nl_msg *msg);

/* Set the microseconds of adaptive polling; NL_DEFAULT: its default. */
int nl_set_adaptive_poll(struct nl *nl, __u32 dev, __u32 queue, __u32 us);

/* Set the microseconds of busy polling and of moderation. */
int nl_set(struct nl *nl, __u32 dev, __u32 queue, __u32 busyloop,
	   __u32 moderation);

/* Have the queues served by @workers threads. */
int nl_set_workers(struct nl *nl, __u32 dev, __u32 workers);

/*
 * Call @fn for each message of a dump. Return: -EINTR if the list changed
 * during the dump; @fn has then still been called for each message.
 */
int nl_dump(struct nl *nl, int cmd, __u32 dev,
	    void (*fn)(const struct nl_msg *msg, void *data), void *data);

/* Find the device that was opened last, among those visible to this socket. */
int nl_newest(struct nl *nl, __u32 *dev);

/*
 * Notifications: join the group; read the next one, with and without waiting.
 */
int nl_listen(struct nl *nl);
int nl_event(struct nl *nl, struct nl_msg *msg);
int nl_event_now(struct nl *nl, struct nl_msg *msg);

/* Take CAP_NET_ADMIN back, or drop it. */
int net_admin(bool on);

#endif
