/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to and notifications from the module's generic netlink family */
#ifndef VHOSTCTL_NETLINK_H
#define VHOSTCTL_NETLINK_H

#include <libmnl/libmnl.h>

#include "vhost_alt.h"
#include "vhostctl.h"

/**
 * struct nl - a connection to the module
 * @sock: the socket
 * @family: the family's number
 * @events: the multicast group's number
 * @sequence: sequence number of the last request
 * @interrupted: the list changed during the last dump
 * @reason: the kernel's message for the last failed request, or empty
 */
struct nl {
	struct mnl_socket *sock;
	__u16 family;
	__u32 events;
	unsigned int sequence;
	bool interrupted;
	char reason[128];
};

/* A request. Attributes that are NL_NONE are left out. */
#define NL_NONE		(-1LL)
#define NL_DEFAULT	(-2LL)

/*
 * Microseconds. @moderation and @adaptive_poll may be NL_DEFAULT: as the
 * module's parameter.
 */
struct nl_settings {
	__s64 busyloop;
	__s64 moderation;
	__s64 adaptive_poll;
	__s64 workers;		/* that serve the queues; of a device */
};

struct nl_query {
	__u8 command;
	bool dump;
	__s64 dev;
	__s64 queue;
	__s64 count;
	const struct nl_settings *set;	/* or NULL */
};

/*
 * Open the socket and find the family. Return: 0, or an exit status after an
 * error message, usually that the module is not loaded.
 */
int nl_open(struct nl *nl);
void nl_close(struct nl *nl);

/* Send a request, call @reply for each reply. Return: 0 or a negative errno. */
int nl_request(struct nl *nl, const struct nl_query *query, mnl_cb_t reply,
	       void *data);

/* Subscribe to notifications. Return: 0 or a negative errno. */
int nl_subscribe(struct nl *nl);

/*
 * Wait for notifications and call @event for each. Return: 0 or a negative
 * errno; -ENOBUFS if some were lost.
 */
int nl_wait(struct nl *nl, mnl_cb_t event, void *data);

/* Print what failed, why, and a remedy. Return: the exit status. */
int __printf(3, 4) nl_error(const struct nl *nl, int err,
			    const char *fmt, ...);

/* Return: the command of a message. */
__u8 nl_command(const struct nlmsghdr *msg);

/* Call @attr for each attribute of a message, or of a nest. */
void nl_each(const struct nlmsghdr *msg,
	     void (*attr)(const struct nlattr *attr, void *data), void *data);
void nl_each_nested(const struct nlattr *nest,
		    void (*attr)(const struct nlattr *attr, void *data),
		    void *data);

/* Return: the value; 0 for an attribute that is too short. */
__u32 nl_u32(const struct nlattr *attr);
__u64 nl_u64(const struct nlattr *attr);

/* Copy a string, replacing everything but printable ASCII. */
void nl_string(const struct nlattr *attr, char *to, size_t size);

#endif
