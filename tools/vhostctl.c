// SPDX-License-Identifier: GPL-2.0-only
/* vhostctl: the table of commands, and the help made from it */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "suggestion.h"
#include "vhostctl.h"

static const struct command {
	const char *name;
	int (*run)(const struct options *opt, int argc, char **argv);
	const char *options;	/* letters of its options */
	const char *arguments;
	const char *what;
} commands[] = {
	{ "show", cmd_show, "cjpsdoN", SELECTOR,
	  "list devices, one line per queue pair" },
	{ "stats", cmd_stats, "cjpNint", SELECTOR,
	  "print the rates of each queue" },
	{ "top", cmd_top, "cNinS", SELECTOR,
	  "show rates live, full screen" },
	{ "monitor", cmd_monitor, "cjpnt", "",
	  "print device events as they happen" },
	{ "ring", cmd_ring, "jpNl", "ID | IFNAME QUEUE",
	  "print the last entries of a ring" },
	{ "metrics", cmd_metrics, "O", "",
	  "print all counters for Prometheus" },
	{ "probe", cmd_probe, "cjpN", "[PATH [PATH]]",
	  "print what a vhost-net device offers, or compare two" },
	{ "explain", cmd_explain, "cjpiet", SELECTOR,
	  "say in plain words what is wrong" },
	{ "workers", cmd_workers, "cjp", SELECTOR,
	  "list the threads that serve devices" },
	{ "exec", cmd_exec, "TBqMPkDy", "-- QEMU [ARGUMENT...]",
	  "run QEMU with a network card on a tap" },
	{ "takeover", cmd_takeover, "", "[on | off | status]",
	  "let the module serve /dev/vhost-net" },
	{ "reset", cmd_reset, "", "ID | IFNAME [QUEUE]",
	  "reset counters to 0" },
	{ "set", cmd_set, "", "SELECTOR [QUEUE] SETTING=VALUE...",
	  "set how queues wait for packets, or share workers" },
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

static void help_all(void)
{
	unsigned int i;

	puts("usage: vhostctl [OPTION...] [COMMAND [ARGUMENT...]]\n\nCommands:");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s %-42s %s\n", commands[i].name,
		       commands[i].arguments, commands[i].what);
	puts("\nThe default command is show.\n\nOptions:");
	options_help(NULL);
}

static void help_command(const struct command *c)
{
	printf("usage: vhostctl %s [OPTION...] %s\n%s\n\nOptions:\n", c->name,
	       c->arguments, c->what);
	options_help(c->options);
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

static const char *nth_command(unsigned int i)
{
	return i < ARRAY_SIZE(commands) ? commands[i].name : NULL;
}

static int unknown_command(const char *name)
{
	char text[SUGGESTION_LEN];

	suggestion(text, "", name, nth_command);
	return usage_error("unknown command '%s'%s", name,
			   *text ? text : "; see vhostctl --help");
}

/* A parsed command line */
struct command_line {
	struct options opt;
	char given[MAX_OPTIONS];	/* letters of options seen */
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
	if (cmdline->command && cmdline->command->run == cmd_exec)
		return options_error(c, argv, "; put -- before QEMU");
	return options_error(c, argv, "; see vhostctl --help");
}

static int parse_word(struct command_line *cmdline, char *word)
{
	if (cmdline->command) {
		cmdline->argv[cmdline->argc++] = word;
		return EXIT_OK;
	}
	if (!strcmp(word, "help")) {
		cmdline->opt.help = true;
		return EXIT_OK;
	}
	cmdline->command = find_command(word);
	if (cmdline->command)
		return EXIT_OK;
	return unknown_command(word);
}

static int parse_line(struct command_line *cmdline, int argc, char **argv)
{
	char letters[3 * MAX_OPTIONS];
	struct option longs[MAX_OPTIONS];
	int c, err = EXIT_OK;

	options_getopt(letters, longs);
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
			err = options_set(&cmdline->opt, c, optarg);
		}
	}
	while (!err && optind < argc)
		err = parse_word(cmdline, argv[optind++]);
	return err;
}

static int check_options(const struct command_line *cmdline)
{
	const struct command *c = cmdline->command;
	const char *excess = options_excess(cmdline->given, c->options);

	if (!excess)
		return EXIT_OK;
	return usage_error("%s does not take --%s; see vhostctl %s --help",
			   c->name, excess, c->name);
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
	if (cmdline->opt.help) {
		if (cmdline->command)
			help_command(cmdline->command);
		else
			help_all();
		return EXIT_OK;
	}
	if (cmdline->opt.version) {
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
