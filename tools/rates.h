/* SPDX-License-Identifier: GPL-2.0-only */
/* What happened between two snapshots. */
#ifndef VHOSTCTL_RATES_H
#define VHOSTCTL_RATES_H

#include "device.h"
#include "out.h"

/* A queue, and what it did; per second, or per packet where it says so. */
struct rate {
	const struct device *dev;
	const struct queue *queue;
	double pps;
	double bps;		/* bits */
	double batch;		/* packets in a batch */
	double kicks;		/* per packet */
	double calls;		/* per packet */
	double drops;
	double cpu;		/* of the worker, in percent */
};

/* A column of the table of rates. */
struct column {
	const char *title;
	const char *key;	/* in JSON, and to sort by; NULL: a text */
	size_t offset;		/* of the double */
	unsigned int width;
	unsigned int digits;	/* behind the point; 0: 12.3k */
};

extern const struct column rate_columns[];
extern const unsigned int rate_ncolumns;

/*
 * One rate for each queue that is in both, in the order of the devices. @rates
 * has room for all queues of @now. How many.
 */
unsigned int rates_between(struct rate *rates, const struct snapshot *then,
			   const struct snapshot *now);

/* A counter's growth; what it is, if it has been reset meanwhile. */
__u64 counter_delta(const struct queue *then, const struct queue *now,
		    enum vhost_alt_counter counter);

/* How much of a CPU a worker took, in percent. */
double worker_cpu(const struct device *then, const struct device *now,
		  __u32 id, double seconds);

/* The columns' titles, and the row of a queue, without a line's end. */
#define RATES_LINE	160
void rates_title(char *line);
void rates_row(char *line, const struct rate *rate, bool exact);

double rate_value(const struct rate *rate, unsigned int column);

#endif
