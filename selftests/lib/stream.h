/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames that come to a guest in bursts, as fast as the machine can send them:
 * a queue that is moderated lets them gather.
 */
#ifndef VHOST_TEST_STREAM_H
#define VHOST_TEST_STREAM_H

#include "guest.h"

#define STREAM_BURST	8
#define STREAM_LEN	100

/* More frames than come until a queue tries to let them gather. */
#define STREAM_ENOUGH	(3 * 512)

/*
 * Set the backend anew: runs that began before have ended, and the queue knows
 * nothing of earlier trials. Return: 0 or a negative errno.
 */
int stream_restart(struct guest *g);

/*
 * Send a burst, which begins with frame @seq, into the tap. The guest makes
 * buffers for it available. Return: 0 or a negative errno.
 */
int stream_send(struct guest *g, __u32 seq);

/* Take that burst from the ring. Return: -EBADMSG if it is not as sent. */
int stream_take(struct guest *g, __u32 seq);

/* Both, and set @seq to the next frame. */
int stream_pass(struct guest *g, __u32 *seq);

/* Pass @n frames or a few more. */
int stream_pass_frames(struct guest *g, __u32 *seq, unsigned int n);

/*
 * Pass frames until a counter of the device is more than @before. Return:
 * -ETIMEDOUT if it does not grow.
 */
int stream_pass_until_more(struct guest *g, __u32 *seq, const char *counter,
			   __u64 before);

#endif
