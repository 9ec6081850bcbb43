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
#define RED_PAIR	1

struct top {
	const struct options *opt;
	double interval;
	int sort;		/* a column, or BY_DEVICE */
	bool reverse, exact, paused, help;
	unsigned int first;	/* topmost visible row */
	unsigned int ndev;
	struct rate *rates;
	unsigned int n;
};

static const struct top *sorted;

static int by_device(const struct rate *x, const struct rate *y)
{
	if (x->dev->id != y->dev->id)
		return x->dev->id < y->dev->id ? -1 : 1;
	if (!x->worker != !y->worker)
		return x->worker ? 1 : -1;
	if (x->worker)
		return x->worker->id < y->worker->id ? -1 : 1;
	return x->queue->index < y->queue->index ? -1 : 1;
}

static int by_column(const struct rate *x, const struct rate *y, int column)
{
	double a = rate_value(x, column), b = rate_value(y, column);

	if (rate_has(x, column) != rate_has(y, column))
		return rate_has(x, column) ? -1 : 1;
	return a > b ? -1 : a < b ? 1 : by_device(x, y);
}

static int in_order(const void *a, const void *b)
{
	int order = sorted->sort == BY_DEVICE ? by_device(a, b) :
						by_column(a, b, sorted->sort);

	return sorted->reverse ? -order : order;
}

static void sort_rates(struct top *top)
{
	sorted = top;
	qsort(top->rates, top->n, sizeof(*top->rates), in_order);
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

	mvprintw(0, 0, "vhostctl top: %u devices, %s packets/s, %s bit/s; by %s%s%s",
		 top->ndev, format_number(pps, sum(top, 0), top->exact),
		 format_number(bps, sum(top, 1), top->exact), by,
		 top->reverse ? ", reversed" : "",
		 top->paused ? "; PAUSED" : "");
	clrtoeol();
	mvprintw(1, 0, "every %g s; h help, q quit", top->interval);
	clrtoeol();
	rates_title(line);
	attron(A_REVERSE);
	mvprintw(2, 0, "%-*.*s", width, width, line);
	attroff(A_REVERSE);
}

static void draw_help(void)
{
	static const char *const lines[] = {
		"< >        sort by the previous or next column",
		"r          reverse the order",
		"N          exact or rounded numbers",
		"space p    pause and go on",
		"d s        set the interval, in seconds",
		"up down    scroll",
		"h ?        this help",
		"q          quit",
		"",
		"A row is a queue (rx, tx) or a worker (w0, ...), to which CPU% belongs.",
		"Any key goes back.",
	};
	unsigned int i;

	erase();
	for (i = 0; i < ARRAY_SIZE(lines); i++)
		mvprintw(i, 0, "%s", lines[i]);
	refresh();
}

static void draw_row(int y, const struct rate *rate, bool exact)
{
	chtype look = colour_is_on() ? COLOR_PAIR(RED_PAIR) : A_BOLD;
	char line[RATES_LINE];
	enum colour paint;

	rates_row(line, rate, exact, &paint);
	if (paint == COLOUR_RED)
		attron(look);
	mvprintw(y, 0, "%.*s", getmaxx(stdscr), line);
	if (paint == COLOUR_RED)
		attroff(look);
}

static void draw(struct top *top)
{
	int room = getmaxy(stdscr) - HEAD_LINES;
	int i;

	if (top->help) {
		draw_help();
		return;
	}
	if (room < 0)
		room = 0;
	if (top->first + room > top->n)
		top->first = top->n > room ? top->n - room : 0;
	erase();
	draw_head(top);
	for (i = 0; i < room && top->first + i < top->n; i++)
		draw_row(HEAD_LINES + i, &top->rates[top->first + i],
			 top->exact);
	if (!top->n)
		mvprintw(HEAD_LINES, 0, "no devices");
	refresh();
}

/* Ask for an interval; anything that is none leaves it as it is. */
static void ask_interval(struct top *top)
{
	char text[16] = "";
	double seconds;

	mvprintw(1, 0, "interval in seconds, 0.01 to 86400: ");
	clrtoeol();
	echo();
	curs_set(1);
	nodelay(stdscr, FALSE);
	getnstr(text, sizeof(text) - 1);
	nodelay(stdscr, TRUE);
	curs_set(0);
	noecho();
	if (parse_seconds(text, &seconds))
		top->interval = seconds;
}

/* By device comes before the first column. */
static void change_order(struct top *top, int key)
{
	switch (key) {
	case '<':
		top->sort = top->sort == BY_DEVICE ? (int)rate_ncolumns - 1 :
						     top->sort - 1;
		break;
	case '>':
		top->sort = top->sort + 1 < (int)rate_ncolumns ?
				    top->sort + 1 : BY_DEVICE;
		break;
	case 'r':
	case 'R':
		top->reverse = !top->reverse;
		break;
	case KEY_UP:
		top->first -= !!top->first;
		break;
	case KEY_DOWN:
		top->first += top->first + 1 < top->n;
		break;
	}
}

/* Return: false to quit. */
static bool handle_key(struct top *top, int key)
{
	/* A resize is no answer. */
	if (top->help && key != KEY_RESIZE)
		key = 'h';
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case 'h':
	case '?':
		top->help = !top->help;
		break;
	case ' ':
	case 'p':
		top->paused = !top->paused;
		break;
	case 'd':
	case 's':
		ask_interval(top);
		break;
	case 'N':
		top->exact = !top->exact;
		break;
	default:
		change_order(top, key);
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

/* Handle keys for one interval, or a pause. Return: false to quit. */
static bool wait_for_keys(struct top *top)
{
	double left, begin = seconds_now();
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int key;

	for (;;) {
		left = begin + top->interval - seconds_now();
		if (left <= 0 && !top->paused)
			return true;
		/* A resize interrupts poll() and is reported as a key. */
		if (poll(&in, 1, top->paused ? -1 : left * 1000 + 1) > 0 &&
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
	top->rates = rates_between(then, now, &top->n);
	if (!top->rates)
		return kernel_error("out of memory");
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
			stats_sleep(top->interval < 0.1 ? top->interval : 0.1);
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
	if (colour_is_on()) {
		start_color();
		use_default_colors();
		init_pair(RED_PAIR, COLOR_RED, -1);
	}
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
	struct top top = {
		.opt = opt,
		.interval = opt->interval,
		.sort = sort,
		.exact = opt->numeric,
	};
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
