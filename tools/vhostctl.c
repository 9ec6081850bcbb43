// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl: the tables of commands and options, and the help made from them */
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "vhostctl.h"

static const struct command {
	const char *name;
	int (*run)(const struct options *opt, int argc, char **argv);
	const char *options;	/* letters of its options */
	const char *arguments;
	const char *what;
} commands[] = {
	{ "show", cmd_show, "jpsdoN", SELECTOR,
	  "list devices, one line per queue pair" },
	{ "stats", cmd_stats, "jpNin", SELECTOR,
	  "print the rates of each queue" },
	{ "top", cmd_top, "NinS", SELECTOR,
	  "show rates live, full screen" },
	{ "monitor", cmd_monitor, "jpn", "",
	  "print device events as they happen" },
	{ "ring", cmd_ring, "jpNl", "ID | IFNAME QUEUE",
	  "print the last entries of a ring" },
	{ "metrics", cmd_metrics, "O", "",
	  "print all counters for Prometheus" },
	{ "probe", cmd_probe, "jpN", "[PATH]",
	  "print what a vhost-net device offers" },
	{ "explain", cmd_explain, "jpie", SELECTOR,
	  "say in plain words what is wrong" },
	{ "workers", cmd_workers, "jp", SELECTOR,
	  "list the threads that serve devices" },
	{ "exec", cmd_exec, "tqD", "-- QEMU [ARGUMENT...]",
	  "run QEMU with a network card on a tap" },
	{ "takeover", cmd_takeover, "", "[on | off | status]",
	  "let the module serve /dev/vhost-net" },
	{ "reset", cmd_reset, "", "ID | IFNAME [QUEUE]",
	  "reset counters to 0" },
};

static const struct option_desc {
	char letter;
	bool only_long;
	const char *name;
	const char *argument;
	const char *what;
	const char *range;	/* valid values, for messages */
} options[] = {
	{ 'j', false, "json", NULL, "JSON output" },
	{ 'p', false, "pretty", NULL, "JSON output with line breaks" },
	{ 's', false, "statistics", NULL, "include counters" },
	{ 'd', false, "details", NULL, "include features, indices and addresses" },
	{ 'o', false, "oneline", NULL, "one line per device" },
	{ 'N', false, "numeric", NULL, "numbers instead of names, not rounded" },
	{ 'e', false, "exit-code", NULL, "exit with 3 if there are findings" },
	{ 'i', false, "interval", "SECONDS", "time between samples (default 1)",
	  "0.01 to 86400" },
	{ 'n', false, "count", "COUNT", "stop after COUNT samples or events",
	  "1 to 4294967295" },
	{ 'l', true, "last", "N", "print N entries (default 16)", "1 to 64" },
	{ 'S', true, "sort", "COLUMN", "initial sort column" },
	{ 't', true, "tap", "NAME", "the tap; created if it does not exist",
	  "1 to 15 characters" },
	{ 'q', true, "queues", "N", "number of queue pairs (default 1)", "1 to 256" },
	{ 'D', true, "device", "PATH", "the vhost device (default " DEVICE_PATH ")" },
	{ 'O', true, "openmetrics", NULL, "print OpenMetrics text" },
	{ 'V', false, "version", NULL, "print the version" },
	{ 'h', false, "help", NULL, "print this help" },
};

static void print_error(const char *fmt, va_list args)
{
	fputs("vhostctl: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

int usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_error(fmt, args);
	va_end(args);
	return EXIT_USAGE;
}

int kernel_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_error(fmt, args);
	va_end(args);
	return EXIT_KERNEL;
}

bool parse_u32(const char *text, __u32 *value)
{
	unsigned long long n;
	char *end;

	/* strtoull() would accept signs and spaces. */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || *end || n > ~0U)
		return false;
	*value = n;
	return true;
}

static void help_options(const char *letters)
{
	char left[40];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_desc *o = &options[i];

		if (letters && !strchr("Vh", o->letter) &&
		    !strchr(letters, o->letter))
			continue;
		if (o->only_long)
			snprintf(left, sizeof(left), "    --%s", o->name);
		else
			snprintf(left, sizeof(left), "-%c, --%s", o->letter,
				 o->name);
		if (o->argument)
			snprintf(left + strlen(left),
				 sizeof(left) - strlen(left), " %s",
				 o->argument);
		printf("  %-26s %s\n", left, o->what);
	}
}

static void help_all(void)
{
	unsigned int i;

	puts("usage: vhostctl [OPTION...] [COMMAND [ARGUMENT...]]\n\nCommands:");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s %-42s %s\n", commands[i].name,
		       commands[i].arguments, commands[i].what);
	puts("\nThe default command is show.\n\nOptions:");
	help_options(NULL);
}

static void help_command(const struct command *c)
{
	printf("usage: vhostctl %s [OPTION...] %s\n%s\n\nOptions:\n", c->name,
	       c->arguments, c->what);
	help_options(c->options);
}

/* Find a command by its name, or by a prefix that no other one has. */
static const struct command *find_command(const char *name)
{
	const struct command *found = NULL;
	size_t len = strlen(name);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
		if (strncmp(commands[i].name, name, len))
			continue;
		if (found)
			return NULL;
		found = &commands[i];
	}
	return found;
}

/* Check whether one letter more, less, other or elsewhere makes @a of @b. */
static bool is_similar(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (!*a || !*b)
		return strlen(a) + strlen(b) < 2;
	return !strcmp(a + 1, b) || !strcmp(a, b + 1) ||
	       !strcmp(a + 1, b + 1) ||
	       (a[0] == b[1] && a[1] == b[0] && !strcmp(a + 2, b + 2));
}

static int unknown_command(const char *name)
{
	size_t len = strlen(name);
	char meant[128] = "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strncmp(commands[i].name, name, len) &&
		    !is_similar(commands[i].name, name))
			continue;
		snprintf(meant + strlen(meant), sizeof(meant) - strlen(meant),
			 "%s%s", *meant ? " or " : "did you mean ",
			 commands[i].name);
	}
	if (!*meant)
		return usage_error("unknown command '%s'; see vhostctl --help",
				   name);
	return usage_error("unknown command '%s': %s?", name, meant);
}

/* Build the tables for getopt_long(). */
static void getopt_tables(char *letters, struct option *longs)
{
	unsigned int i;

	/* "-": report arguments in order; ":": leave error messages to us. */
	*letters++ = '-';
	*letters++ = ':';
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		longs[i] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].argument ? required_argument :
							 no_argument,
			.val = options[i].letter,
		};
		if (options[i].only_long)
			continue;
		*letters++ = options[i].letter;
		if (options[i].argument)
			*letters++ = ':';
	}
	*letters = 0;
	longs[i] = (struct option){ 0 };
}

static bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return *text && !*end && *seconds >= 0.01 && *seconds <= 86400;
}

static bool set_number(__u32 *value, const char *text, __u32 min, __u32 max)
{
	return parse_u32(text, value) && *value >= min && *value <= max;
}

/* Return: false for an invalid value. */
static bool set_option(struct options *opt, int letter, const char *value)
{
	switch (letter) {
	case 'p':
		opt->pretty = true;
		opt->json = true;
		return true;
	case 'j':
		opt->json = true;
		return true;
	case 's':
		opt->stats = true;
		return true;
	case 'd':
		opt->details = true;
		return true;
	case 'o':
		opt->oneline = true;
		return true;
	case 'N':
		opt->numeric = true;
		return true;
	case 'O':
		opt->openmetrics = true;
		return true;
	case 'e':
		opt->exit_code = true;
		return true;
	case 'i':
		return parse_seconds(value, &opt->interval);
	case 'n':
		return set_number(&opt->count, value, 1, ~0U);
	case 'l':
		return set_number(&opt->last, value, 1, 64);
	case 'q':
		return set_number(&opt->queues, value, 1, 256);
	case 'S':
		opt->sort = value;
		return true;
	case 't':
		opt->tap = value;
		return *value && strlen(value) < IFNAMSIZ;
	case 'D':
		opt->device = value;
		return true;
	}
	return true;
}

/* A parsed command line */
struct command_line {
	struct options opt;
	char given[ARRAY_SIZE(options) + 1];	/* letters of options seen */
	const struct command *command;
	char **argv;
	int argc;
};

static void mark_given(struct command_line *cmdline, char letter)
{
	if (!strchr(cmdline->given, letter))
		cmdline->given[strlen(cmdline->given)] = letter;
}

static int bad_option(struct command_line *cmdline, int c, char **argv)
{
	const char *text = argv[optind - 1];
	char letter[3] = { '-', optopt };

	if (optopt && text[1] != '-')
		text = letter;
	if (c == ':')
		return usage_error("option '%s' requires an argument; see vhostctl --help",
				   text);
	if (cmdline->command && cmdline->command->run == cmd_exec)
		return usage_error("exec: unrecognized option '%s'; put -- before QEMU",
				   text);
	return usage_error("unrecognized option '%s'; see vhostctl --help",
			   text);
}

static int bad_value(char letter, const char *value)
{
	unsigned int i;

	for (i = 0; options[i].letter != letter; i++)
		;
	return usage_error("invalid value '%s' for --%s: %s", value,
			   options[i].name, options[i].range);
}

static int parse_word(struct command_line *cmdline, char *word)
{
	if (cmdline->command) {
		cmdline->argv[cmdline->argc++] = word;
		return EXIT_OK;
	}
	if (!strcmp(word, "help")) {
		mark_given(cmdline, 'h');
		return EXIT_OK;
	}
	cmdline->command = find_command(word);
	if (cmdline->command)
		return EXIT_OK;
	return unknown_command(word);
}

static int parse_line(struct command_line *cmdline, int argc, char **argv)
{
	char letters[2 * ARRAY_SIZE(options) + 3];
	struct option longs[ARRAY_SIZE(options) + 1];
	int c, err = EXIT_OK;

	getopt_tables(letters, longs);
	while (!err) {
		c = getopt_long(argc, argv, letters, longs, NULL);
		if (c == -1)
			break;
		if (c == 1) {
			err = parse_word(cmdline, optarg);
		} else if (c == '?' || c == ':') {
			err = bad_option(cmdline, c, argv);
		} else {
			mark_given(cmdline, c);
			if (!set_option(&cmdline->opt, c, optarg))
				err = bad_value(c, optarg);
		}
	}
	while (!err && optind < argc)
		err = parse_word(cmdline, argv[optind++]);
	return err;
}

static int check_options(const struct command_line *cmdline)
{
	const struct command *c = cmdline->command;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (!strchr(cmdline->given, options[i].letter) ||
		    strchr(c->options, options[i].letter))
			continue;
		return usage_error("%s does not take --%s; see vhostctl %s --help",
				   c->name, options[i].name, c->name);
	}
	return EXIT_OK;
}

/* The module's version is known while it is loaded. */
static void print_version(void)
{
	FILE *f = fopen("/sys/module/vhost_alt/version", "re");
	char version[64] = "not loaded";

	if (f && fscanf(f, "%63s", version) != 1)
		strcpy(version, "unknown");
	else if (!f && !access("/sys/module/vhost_alt", F_OK))
		strcpy(version, "unknown");
	if (f)
		fclose(f);
	printf("vhostctl " VHOST_ALT_VERSION
	       ", netlink protocol %u, module %s\n",
	       VHOST_ALT_GENL_VERSION, version);
}

static int run(struct command_line *cmdline)
{
	if (strchr(cmdline->given, 'h')) {
		if (cmdline->command)
			help_command(cmdline->command);
		else
			help_all();
		return EXIT_OK;
	}
	if (strchr(cmdline->given, 'V')) {
		print_version();
		return EXIT_OK;
	}
	if (!cmdline->command)
		cmdline->command = &commands[0];
	if (check_options(cmdline))
		return EXIT_USAGE;
	return cmdline->command->run(&cmdline->opt, cmdline->argc,
				     cmdline->argv);
}

int main(int argc, char **argv)
{
	struct command_line cmdline = {
		.opt = { .interval = 1, .device = DEVICE_PATH, .queues = 1 },
	};
	int status;

	cmdline.argv = calloc(argc + 1, sizeof(*cmdline.argv));
	if (!cmdline.argv)
		return kernel_error("out of memory");
	status = parse_line(&cmdline, argc, argv);
	if (!status)
		status = run(&cmdline);
	/* A failure to write the output is a failure of the command. */
	if (fflush(stdout) && !status)
		status = kernel_error("cannot write to standard output: %s",
				      strerror(errno));
	free(cmdline.argv);
	return status;
}
