/* SPDX-License-Identifier: GPL-2.0-only */
/* Rates between two snapshots */
#ifndef VHOSTCTL_RATES_H
#define VHOSTCTL_RATES_H

#include "device.h"
#include "out.h"

/* Rates of a queue or of a worker, per second unless noted */
struct rate {
	const struct device *dev;
	const struct queue *queue;	/* NULL: of a worker */
	const struct worker *worker;	/* NULL: of a queue */
	double pps;
	double bps;		/* bits */
	double batch;		/* packets per batch */
	double kicks;		/* per packet */
	double calls;		/* per packet */
	double drops;
	double cpu;		/* of a worker: percent of a CPU */
};

/* A column of the table of rates */
struct column {
	const char *title;
	const char *key;	/* in JSON, and for --sort */
	size_t offset;		/* of the double in struct rate */
	unsigned int width;
	unsigned int digits;	/* after the point; 0: like 12.3k */
	bool of_worker;		/* or else of a queue */
};

extern const struct column rate_columns[];
extern const unsigned int rate_ncolumns;

/*
 * Compute the rates of each queue and worker that is in both snapshots, ordered
 * by device. Return: an array for free(), with @n rates; NULL without memory.
 */
struct rate *rates_between(const struct snapshot *then,
			   const struct snapshot *now, unsigned int *n);

/* Return: a counter's growth; its value if it was reset in between. */
__u64 counter_delta(const struct queue *then, const struct queue *now,
		    enum vhost_alt_counter counter);

/* Return: the percentage of a CPU that a worker used. */
double worker_cpu(const struct device *then, const struct device *now,
		  __u32 id, double seconds);

/*
 * Format the titles, or the row of a queue or worker, without a newline. @paint
 * is set to the colour of its state.
 */
#define RATES_LINE	192
void rates_title(char *line);
void rates_row(char *line, const struct rate *rate, bool exact,
	       enum colour *paint);

/* Check whether a column has a value for a queue or worker. */
bool rate_has(const struct rate *rate, unsigned int column);
double rate_value(const struct rate *rate, unsigned int column);

#endif
