// SPDX-License-Identifier: GPL-2.0-only
#include <assert.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "out.h"
#include "suggestion.h"

static const struct option_desc {
	char letter;
	bool only_long;
	const char *name;
	const char *argument;
	const char *what;
	const char *range;	/* valid values, for messages */
	size_t flag;	/* offset in struct options, if it has no argument */
} options[] = {
#define FLAG(letter, only_long, name, member, what) \
	{ letter, only_long, name, NULL, what, NULL, \
	  offsetof(struct options, member) }
	FLAG('j', false, "json", json, "JSON output"),
	FLAG('p', false, "pretty", pretty, "JSON output with line breaks"),
	FLAG('s', false, "statistics", stats, "include counters"),
	FLAG('d', false, "details", details,
	     "include features, indices and addresses"),
	FLAG('o', false, "oneline", oneline, "one line per device"),
	FLAG('N', false, "numeric", numeric,
	     "numbers instead of names, not rounded"),
	FLAG('t', false, "timestamp", timestamp,
	     "print the time of each sample or event"),
	FLAG('e', false, "exit-code", exit_code,
	     "exit with 3 if there are findings"),
	{ 'c', false, "color", "[=WHEN]", "always (default), never or auto",
	  "always, never or auto" },
	{ 'i', false, "interval", "SECONDS", "time between samples (default 1)",
	  "0.01 to 86400" },
	{ 'n', false, "count", "COUNT", "stop after COUNT samples or events",
	  "1 to 4294967295" },
	{ 'l', true, "last", "N", "print N entries (default 16)", "1 to 64" },
	{ 'S', true, "sort", "COLUMN", "initial sort column" },
	{ 'T', true, "tap", "NAME", "the tap; created if it does not exist",
	  "1 to 15 characters" },
	{ 'q', true, "queues", "N", "number of queue pairs (default 1)",
	  "1 to 256" },
	{ 'D', true, "device", "PATH",
	  "the vhost device (default " DEVICE_PATH ")" },
	{ 'B', true, "bridge", "NAME", "add the tap to this bridge",
	  "1 to 15 characters" },
	{ 'M', true, "mac", "ADDRESS", "the guest's MAC address (default random)",
	  "six bytes as in 52:54:00:12:34:56, the first one even" },
	{ 'P', true, "poll-us", "N", "poll for up to N microseconds",
	  "1 to 1000000" },
	FLAG('k', true, "packed", packed, "offer packed rings"),
	FLAG('y', true, "dry-run", dry_run, "print QEMU's command line only"),
	FLAG('O', true, "openmetrics", openmetrics, "print OpenMetrics text"),
	FLAG('V', false, "version", version, "print the versions"),
	FLAG('h', false, "help", help, "print this help"),
};

static_assert(ARRAY_SIZE(options) < MAX_OPTIONS, "too many options");

static const struct option_desc *find_option(int letter)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].letter == letter)
			return &options[i];
	return NULL;
}

static const char *nth_name(unsigned int i)
{
	return i < ARRAY_SIZE(options) ? options[i].name : NULL;
}

/* An argument that may be left out: "[=WHEN]" */
static bool is_optional(const struct option_desc *o)
{
	return o->argument && *o->argument == '[';
}

void options_getopt(char letters[3 * MAX_OPTIONS],
		    struct option longs[MAX_OPTIONS])
{
	const struct option_desc *o;

	/* "-": report arguments in order; ":": leave error messages to us. */
	*letters++ = '-';
	*letters++ = ':';
	for (o = options; o < options + ARRAY_SIZE(options); o++) {
		*longs++ = (struct option){
			.name = o->name,
			.has_arg = is_optional(o) ? optional_argument :
				   o->argument ? required_argument :
						 no_argument,
			.val = o->letter,
		};
		if (o->only_long)
			continue;
		*letters++ = o->letter;
		if (o->argument)
			*letters++ = ':';
		if (is_optional(o))
			*letters++ = ':';
	}
	*letters = 0;
	*longs = (struct option){ 0 };
}

/* ---- values ---- */

bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return *text && !*end && *seconds >= 0.01 && *seconds <= 86400;
}

static bool parse_number(__u32 *value, const char *text, __u32 min, __u32 max)
{
	return parse_u32(text, value) && *value >= min && *value <= max;
}

/* Parse a network interface's name. */
static bool parse_name(const char **name, const char *text)
{
	*name = text;
	return *text && strlen(text) < IFNAMSIZ;
}

/* Parse the address of one station: six bytes, not all of them 0. */
static bool parse_mac(const char **mac, const char *text)
{
	unsigned int b[6], i, any = 0;
	int len = 0;

	*mac = text;
	if (strlen(text) != 17 || strspn(text, "0123456789abcdefABCDEF:") != 17)
		return false;
	for (i = 0; i < 6; i++) {
		if (sscanf(text + 3 * i, "%2x%n", &b[i], &len) != 1 || len != 2)
			return false;
		if (i < 5 && text[3 * i + 2] != ':')
			return false;
		any |= b[i];
	}
	return any && !(b[0] & 1);
}

/* Return: false for an invalid value. */
static bool set_value(struct options *opt, int letter, const char *value)
{
	switch (letter) {
	case 'c':
		/* Accept -c=never too, as ip does. */
		return colour_set(value ? value + (*value == '=') : "always");
	case 'i':
		return parse_seconds(value, &opt->interval);
	case 'n':
		return parse_number(&opt->count, value, 1, ~0U);
	case 'l':
		return parse_number(&opt->last, value, 1, 64);
	case 'q':
		return parse_number(&opt->queues, value, 1, 256);
	case 'S':
		opt->sort = value;
		return true;
	case 'T':
		return parse_name(&opt->tap, value);
	case 'B':
		return parse_name(&opt->bridge, value);
	case 'M':
		return parse_mac(&opt->mac, value);
	case 'P':
		return parse_number(&opt->poll_us, value, 1, 1000000);
	case 'D':
		opt->device = value;
		return true;
	}
	return true;
}

int options_set(struct options *opt, int letter, const char *value)
{
	const struct option_desc *o = find_option(letter);

	if (!o->argument)
		*((bool *)((char *)opt + o->flag)) = true;
	else if (!set_value(opt, letter, value))
		return usage_error("invalid value '%s' for --%s: %s", value,
				   o->name, o->range);
	opt->json |= opt->pretty;
	return EXIT_OK;
}

/* ---- messages ---- */

/* @word: an option that is not in the tables, or is short for several */
static int unknown_option(const char *word, const char *hint)
{
	size_t len = strcspn(word + 2, "=");
	char text[SUGGESTION_LEN];
	char name[64];
	unsigned int i, n = 0;

	snprintf(name, sizeof(name), "%.*s", (int)len, word + 2);
	for (i = 0; i < ARRAY_SIZE(options); i++)
		n += !strncmp(options[i].name, name, len);
	suggestion(text, "--", name, nth_name);
	if (n > 1)
		return usage_error("option '%s' is ambiguous%s", word, text);
	return usage_error("unrecognized option '%s'%s", word,
			   *text ? text : hint);
}

int options_error(int c, char **argv, const char *hint)
{
	const char *word = argv[optind - 1];

	if (c == ':' && !strncmp(word, "--", 2))
		return usage_error("option '%s' requires an argument%s", word,
				   hint);
	if (c == ':')
		return usage_error("option requires an argument -- '%c'%s",
				   optopt, hint);
	if (!optopt)
		return unknown_option(word, hint);
	if (find_option(optopt))
		return usage_error("option '--%s' doesn't allow an argument%s",
				   find_option(optopt)->name, hint);
	return usage_error("invalid option -- '%c'%s", optopt, hint);
}

static void help_option(const struct option_desc *o)
{
	char left[40];
	int n;

	if (o->only_long)
		n = snprintf(left, sizeof(left), "    --%s", o->name);
	else
		n = snprintf(left, sizeof(left), "-%c, --%s", o->letter,
			     o->name);
	if (o->argument)
		snprintf(left + n, sizeof(left) - n, "%s%s",
			 is_optional(o) ? "" : " ", o->argument);
	printf("  %-26s %s\n", left, o->what);
}

void options_help(const char *letters)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (!letters || strchr("Vh", options[i].letter) ||
		    strchr(letters, options[i].letter))
			help_option(&options[i]);
}

const char *options_excess(const char *given, const char *letters)
{
	for (; *given; given++)
		if (!strchr(letters, *given))
			return find_option(*given)->name;
	return NULL;
}
