/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the netlink family share: a guest, what the family says of
 * its device, and sockets in other network namespaces.
 */
#ifndef VHOST_TEST_NL_GUEST_H
#define VHOST_TEST_NL_GUEST_H

#include "guest.h"
#include "nl.h"

/*
 * Makes the guest and opens its device, but sets nothing up in it. The device's
 * id goes to @id.
 */
int nl_guest_open(struct guest *g, const struct guest_cfg *cfg, struct nl *nl,
		  __u32 *id);

/* The same with guest_start(). */
int nl_guest_start(struct guest *g, const struct guest_cfg *cfg, struct nl *nl,
		   __u32 *id);

/* Ask for the device, or for @queue of it unless that is NL_NONE. */
int nl_look(struct nl *nl, __u32 id, __u32 queue, struct nl_msg *m);

/* In a fixture that has nl, id and m: what is seen now, and its attributes. */
#define LOOK(queue)	nl_look(&self->nl, self->id, queue, &self->m)
#define NUM(name)	(self->m.num[VHOST_ALT_A_ ## name])
#define TEXT(name)	(self->m.text[VHOST_ALT_A_ ## name])
#define HAS(name)	(self->m.has[VHOST_ALT_A_ ## name])
#define WORKER(i, name)	(self->m.worker[i].num[VHOST_ALT_WORKER_ ## name])

/* The name of this process, as the kernel has it. */
void own_comm(char *comm, size_t len);

/* A descriptor of a network namespace: the initial one, or a new one. */
int initial_netns(void);
int other_netns(void);

/* Move an interface of the caller's namespace to that of descriptor @netns. */
int link_move(const char *name, int netns);

#endif
