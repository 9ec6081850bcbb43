/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to the module's generic netlink family, and its notifications. */
#ifndef VHOSTCTL_NETLINK_H
#define VHOSTCTL_NETLINK_H

#include <libmnl/libmnl.h>

#include "vhost_alt.h"
#include "vhostctl.h"

/**
 * struct nl - a socket that speaks to the module
 * @sock: it
 * @family: the family's number
 * @events: the multicast group's number
 * @sequence: of the last request
 * @interrupted: the last dump met a change of what it listed
 * @reason: what the kernel said of the last request that it refused, or empty
 */
struct nl {
	struct mnl_socket *sock;
	__u16 family;
	__u32 events;
	unsigned int sequence;
	bool interrupted;
	char reason[128];
};

/* A request; what is NL_NONE is left out of it. */
#define NL_NONE		(-1LL)

struct nl_query {
	__u8 command;
	bool dump;
	__s64 dev;
	__s64 queue;
	__s64 count;
};

/*
 * Opens the socket. 0, or an exit status when all has been said: the module is
 * not loaded.
 */
int nl_open(struct nl *nl);
void nl_close(struct nl *nl);

/* Asks, and gives each reply to @reply. 0 or a negative errno. */
int nl_request(struct nl *nl, const struct nl_query *query, mnl_cb_t reply,
	       void *data);

/* From now on, notifications come. */
int nl_subscribe(struct nl *nl);

/*
 * Waits for notifications and gives each to @event. 0 or a negative errno;
 * -ENOBUFS if some were lost.
 */
int nl_wait(struct nl *nl, mnl_cb_t event, void *data);

/* Tells of a refusal: of what, why, and what next. The exit status. */
int __printf(3, 4) nl_error(const struct nl *nl, int err,
			    const char *fmt, ...);

/* The command of a message. */
__u8 nl_command(const struct nlmsghdr *msg);

/* Calls @attr for each attribute of a message, or of a nest. */
void nl_each(const struct nlmsghdr *msg,
	     void (*attr)(const struct nlattr *attr, void *data), void *data);
void nl_each_nested(const struct nlattr *nest,
		    void (*attr)(const struct nlattr *attr, void *data),
		    void *data);

/* Values; 0 or "" for an attribute that is too short. */
__u32 nl_u32(const struct nlattr *attr);
__u64 nl_u64(const struct nlattr *attr);

/* Copies a string, without anything that a terminal or JSON could stumble over. */
void nl_string(const struct nlattr *attr, char *to, size_t size);

#endif
