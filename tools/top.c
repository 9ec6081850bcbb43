// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl top: show rates live, full screen. */
#include <curses.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rates.h"
#include "stats.h"

/* Lines above the rows: totals, keys, titles */
#define HEAD_LINES	3
#define BY_DEVICE	-1

struct top {
	const struct options *opt;
	int sort;		/* a column, or BY_DEVICE */
	bool exact;
	unsigned int first;	/* topmost visible row */
	unsigned int ndev;
	struct rate *rates;
	unsigned int n;
};

static int sort_column;

static int by_column(const void *a, const void *b)
{
	double x = rate_value(a, sort_column), y = rate_value(b, sort_column);

	return x > y ? -1 : x < y;
}

static int by_device(const void *a, const void *b)
{
	const struct rate *x = a, *y = b;

	if (x->dev->id != y->dev->id)
		return x->dev->id < y->dev->id ? -1 : 1;
	if (x->queue->index != y->queue->index)
		return x->queue->index < y->queue->index ? -1 : 1;
	return 0;
}

static void sort_rates(struct top *top)
{
	sort_column = top->sort;
	qsort(top->rates, top->n, sizeof(*top->rates),
	      top->sort == BY_DEVICE ? by_device : by_column);
}

static double sum(const struct top *top, unsigned int column)
{
	double all = 0;
	unsigned int i;

	for (i = 0; i < top->n; i++)
		all += rate_value(&top->rates[i], column);
	return all;
}

static void draw_head(const struct top *top)
{
	char pps[NUMBER_LEN], bps[NUMBER_LEN], line[RATES_LINE];
	int width = getmaxx(stdscr);
	const char *by = top->sort == BY_DEVICE ?
				 "device" : rate_columns[top->sort].title;

	mvprintw(0, 0, "vhostctl top: %u devices, %s packets/s, %s bit/s; by %s",
		 top->ndev, format_number(pps, sum(top, 0), top->exact),
		 format_number(bps, sum(top, 1), top->exact), by);
	clrtoeol();
	mvprintw(1, 0, "q quit  s next column  d by device  N exact  up/down scroll");
	clrtoeol();
	rates_title(line);
	attron(A_REVERSE);
	mvprintw(2, 0, "%-*.*s", width, width, line);
	attroff(A_REVERSE);
}

static void draw(struct top *top)
{
	int room = getmaxy(stdscr) - HEAD_LINES;
	char line[RATES_LINE];
	int i;

	if (room < 0)
		room = 0;
	if (top->first + room > top->n)
		top->first = top->n > room ? top->n - room : 0;
	erase();
	draw_head(top);
	for (i = 0; i < room && top->first + i < top->n; i++) {
		rates_row(line, &top->rates[top->first + i], top->exact);
		mvprintw(HEAD_LINES + i, 0, "%.*s", getmaxx(stdscr), line);
	}
	if (!top->n)
		mvprintw(HEAD_LINES, 0, "no devices");
	refresh();
}

/* Return: false to quit. */
static bool handle_key(struct top *top, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case 's':
		top->sort = top->sort + 1 < (int)rate_ncolumns ?
				    top->sort + 1 : BY_DEVICE;
		break;
	case 'd':
		top->sort = BY_DEVICE;
		break;
	case 'N':
		top->exact = !top->exact;
		break;
	case KEY_UP:
		top->first -= !!top->first;
		break;
	case KEY_DOWN:
		top->first += top->first + 1 < top->n;
		break;
	}
	/* KEY_RESIZE gets here too: curses has the new size; redraw. */
	sort_rates(top);
	draw(top);
	return true;
}

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Handle keys for one interval. Return: false to quit. */
static bool wait_for_keys(struct top *top)
{
	double left, end = seconds_now() + top->opt->interval;
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int key;

	for (;;) {
		left = end - seconds_now();
		if (left <= 0)
			return true;
		/* A resize interrupts poll() and is reported as a key. */
		if (poll(&in, 1, left * 1000 + 1) > 0 &&
		    in.revents & (POLLHUP | POLLERR))
			return false;
		while ((key = getch()) != ERR)
			if (!handle_key(top, key))
				return false;
	}
}

static int update(struct top *top, const struct snapshot *then,
		  const struct snapshot *now)
{
	free(top->rates);
	top->rates = calloc(now->nqueue + 1, sizeof(*top->rates));
	if (!top->rates)
		return kernel_error("out of memory");
	top->n = rates_between(top->rates, then, now);
	top->ndev = now->ndev;
	sort_rates(top);
	draw(top);
	return 0;
}

/* Refresh until a key or the count ends it. Return: an exit status. */
static int refresh_loop(struct top *top, struct nl *nl,
			const struct filter *filter)
{
	struct snapshot then = { 0 }, now;
	unsigned int i;
	int status;

	status = snapshot_take(&then, nl, filter);
	for (i = 0; !status; i++) {
		/* Do not make the first rates wait for a full interval. */
		if (i && !wait_for_keys(top))
			break;
		if (!i)
			stats_sleep(top->opt->interval < 0.1 ?
					    top->opt->interval : 0.1);
		status = snapshot_take(&now, nl, filter);
		if (!status)
			status = update(top, &then, &now);
		snapshot_free(&then);
		then = now;
		if (top->opt->count && i + 1 >= top->opt->count)
			break;
	}
	snapshot_free(&then);
	return status;
}

static void begin_screen(void)
{
	setlocale(LC_ALL, "");
	initscr();
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
}

/* Find a column by key ("pps") or title ("PKT/S"). */
static bool find_column(const char *name, int *column)
{
	unsigned int i;

	*column = BY_DEVICE;
	if (!name || !strcmp(name, "dev"))
		return true;
	for (i = 0; i < rate_ncolumns; i++)
		if (!strcmp(name, rate_columns[i].key) ||
		    !strcasecmp(name, rate_columns[i].title))
			*column = i;
	return *column != BY_DEVICE;
}

static int unknown_column(const char *name)
{
	char columns[RATES_LINE];
	unsigned int i;
	int n = 0;

	for (i = 0; i < rate_ncolumns; i++)
		n += snprintf(columns + n, sizeof(columns) - n, ", %s",
			      rate_columns[i].key);
	return usage_error("invalid value '%s' for --sort: dev%s", name,
			   columns);
}

static bool on_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term &&
	       strcmp(term, "dumb");
}

/* Buffer error messages: printed now, they would vanish with the screen. */
static int run_screen(const struct options *opt, int sort, struct nl *nl,
		      const struct filter *filter)
{
	struct top top = { .opt = opt, .sort = sort, .exact = opt->numeric };
	char *text = NULL;
	size_t len;
	FILE *err = stderr, *buffer = open_memstream(&text, &len);
	int status;

	if (buffer)
		stderr = buffer;
	begin_screen();
	status = refresh_loop(&top, nl, filter);
	endwin();
	stderr = err;
	if (buffer) {
		fclose(buffer);
		fputs(text, stderr);
		free(text);
	}
	free(top.rates);
	return status;
}

int cmd_top(const struct options *opt, int argc, char **argv)
{
	struct filter filter;
	struct nl nl;
	int status, sort;

	status = filter_parse(&filter, argc, argv);
	if (status)
		return status;
	if (!find_column(opt->sort, &sort))
		return unknown_column(opt->sort);
	status = nl_open(&nl);
	if (status)
		return status;
	if (on_terminal())
		status = run_screen(opt, sort, &nl, &filter);
	else
		status = stats_run(opt, &nl, &filter);
	nl_close(&nl);
	return status;
}
