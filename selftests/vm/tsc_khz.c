// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print the rate of this processor's time stamp counter in kHz.
 *
 * An emulated guest reads the host's counter, but measures its rate against an
 * emulated timer. If the host is busy, it may get a multiple of the rate, or a
 * fraction, and all its clocks run slow or fast. So tell the guest.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define NSEC_PER_SEC		1000000000LL
#define INTERVAL_NSEC		(NSEC_PER_SEC / 50)
#define TRIES			64

/* Both clocks, read at the same time. */
struct reading {
	int64_t nsec;
	uint64_t ticks;
};

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
}

/* Of several readings, return the one with the shortest interruption. */
static struct reading read_clocks(void)
{
	struct reading best = { 0 };
	int64_t shortest = INT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		int64_t before = now();
		uint64_t ticks = __builtin_ia32_rdtsc();
		int64_t after = now();

		if (after - before >= shortest)
			continue;
		shortest = after - before;
		best.nsec = before + shortest / 2;
		best.ticks = ticks;
	}
	return best;
}

int main(void)
{
	struct reading start = read_clocks(), end;

	do
		end = read_clocks();
	while (end.nsec - start.nsec < INTERVAL_NSEC);

	printf("%.0f\n", (end.ticks - start.ticks) * 1e6 /
	       (end.nsec - start.nsec));
	return 0;
}
