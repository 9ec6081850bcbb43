// SPDX-License-Identifier: GPL-2.0-only
#include "stream.h"

#include <errno.h>

#include "env.h"

int stream_restart(struct guest *g)
{
	return guest_set_backend(g, -1) ?: guest_set_backend(g, g->tap);
}

int stream_send(struct guest *g, __u32 seq)
{
	unsigned int i;
	int err = 0;

	guest_refill(g, STREAM_BURST, 2048);
	for (i = 0; !err && i < STREAM_BURST; i++)
		err = guest_inject(g, STREAM_LEN, seq + i);
	return err;
}

int stream_take(struct guest *g, __u32 seq)
{
	static struct guest_frame f;
	unsigned int i;
	int err;

	for (i = 0; i < STREAM_BURST; i++) {
		err = guest_recv(g, &f);
		if (err)
			return err;
		if (!frame_is(f.data, f.len, seq + i))
			return -EBADMSG;
	}
	return 0;
}

int stream_pass(struct guest *g, __u32 *seq)
{
	int err = stream_send(g, *seq) ?: stream_take(g, *seq);

	*seq += STREAM_BURST;
	return err;
}

int stream_pass_frames(struct guest *g, __u32 *seq, unsigned int n)
{
	__u32 end = *seq + n;
	int err = 0;

	while (!err && *seq < end)
		err = stream_pass(g, seq);
	return err;
}

int stream_pass_until_more(struct guest *g, __u32 *seq, const char *counter,
			   __u64 before)
{
	__u64 deadline = env_deadline();
	int err = 0;

	while (!err && vdev_counter(g->dev, counter) <= before) {
		err = stream_pass(g, seq);
		if (!env_left_ms(deadline))
			return -ETIMEDOUT;
	}
	return err;
}
