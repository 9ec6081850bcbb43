/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the counters share: a guest whose rings run only while a
 * test wants them to, and its counters as netlink shows them.
 */
#ifndef VHOST_TEST_NL_COUNTERS_H
#define VHOST_TEST_NL_COUNTERS_H

#include "guest.h"
#include "nl.h"

#define COUNTED_NUM	1024

/* Just before the wrap of the ring's indices. */
#define COUNTED_BASE	65500

/* Memory beside that of the rings and buffers. */
#define AREA_GPA	0x8000000000ULL
#define AREA_SIZE	0x40000

struct counted {
	struct nl nl;
	struct guest g;
	__u32 id;			/* of the device */
	struct nl_msg q[NR_VQS];	/* the queues as last read */
	unsigned int starts[NR_VQS];	/* of each ring */
};

/* A counter, and a reason of drops, as last read. */
#define COUNT(queue, name)						\
	(self->c.q[queue].counter[VHOST_ALT_COUNTER_ ## name])
#define DROP(queue, name)						\
	(self->c.q[queue].drop[VHOST_ALT_DROP_ ## name])

/* These return 0 or a negative errno. @single: transmit without batches. */
int counted_open(struct counted *c, __u64 features, bool single);
void counted_close(struct counted *c);

/* Start a ring. */
int counted_start(struct counted *c, unsigned int queue);

/* Read the counters of both queues. */
int counted_read(struct counted *c);

/* Stop a ring, which waits for the worker to end its run, and read. */
int counted_stop(struct counted *c, unsigned int queue);

/* Start a ring, let it use all that it has, stop it, and read. */
int counted_run(struct counted *c, unsigned int queue);

/*
 * Publish @n frames for transmit without a kick. They have @len to @len + 6
 * bytes; preload_bytes() is the sum.
 */
int preload(struct counted *c, unsigned int n, size_t len);
__u64 preload_bytes(unsigned int n, size_t len);

/* Wait until all that was published is used. */
bool all_used(struct vq *vq);

/* vq_submit() that counts the kick, if there is one. */
void submit_counted(struct vq *vq, unsigned int *kicks);

__u64 sum_drops(const struct nl_msg *m);
__u64 sum_sizes(const struct nl_msg *m);

/* Check whether there was a reason for each run of a queue, as last read. */
bool runs_explained(const struct counted *c, unsigned int queue);

/*
 * Check what holds for the counters last read of idle queues, whatever happened
 * before. The calls are compared with those that came. Return: NULL, or what
 * does not hold.
 */
const char *counted_mismatch(struct counted *c);

#define EXPECT_CONSISTENT()						\
	do {								\
		const char *__mismatch = counted_mismatch(&self->c);	\
									\
		if (__mismatch) {					\
			TH_LOG("%s", __mismatch);			\
			_metadata->passed = 0;				\
		}							\
	} while (0)

#endif
