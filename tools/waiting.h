/* SPDX-License-Identifier: GPL-2.0-only */
/* What waits in a ring, as far as a sample shows it */
#ifndef VHOSTCTL_WAITING_H
#define VHOSTCTL_WAITING_H

#include "sample.h"

/* Count chains that the guest made available and the device has not taken. */
__u16 waiting(const struct queue_sample *s);

/* Count those of them that the device has not seen either. */
__u16 unseen(const struct queue_sample *s);

/* Check whether the device wants a kick for the next chain. */
bool kick_is_wanted(const struct queue_sample *s);

/* Return: a number that changes when the guest makes chains available. */
__u16 made_available(const struct queue_sample *s);

/* Count the chains used since the one for which the guest wants a call. */
__u16 used_since_event(const struct queue_sample *s);

#endif
