// SPDX-License-Identifier: GPL-2.0-only
/* Read the lines of modprobe.d(5) that have to do with the takeover. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modprobe_conf.h"
#include "vhostctl.h"

#define MAX_FILES	1024
#define SPACE		" \t\r\n"

/* The first directory that has a file of some name hides it in the others. */
static const char *const dirs[] = {
	"/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d",
	"/usr/lib/modprobe.d", "/lib/modprobe.d",
};

struct files {
	char *path[MAX_FILES];
	unsigned int count;
};

static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int is_config(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return end && !strcmp(end, ".conf");
}

static bool is_hidden(const struct files *files, const char *name)
{
	unsigned int i;

	for (i = 0; i < files->count; i++)
		if (!strcmp(base_name(files->path[i]), name))
			return true;
	return false;
}

static void find_files(struct files *files, const char *dir)
{
	struct dirent **entries;
	int i, n = scandir(dir, &entries, is_config, NULL);

	for (i = 0; i < n; i++) {
		char *path;

		if (files->count < MAX_FILES &&
		    !is_hidden(files, entries[i]->d_name) &&
		    asprintf(&path, "%s/%s", dir, entries[i]->d_name) >= 0)
			files->path[files->count++] = path;
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static int by_name(const void *left, const void *right)
{
	return strcmp(base_name(*(char *const *)left),
		      base_name(*(char *const *)right));
}

/* In names of modules, - and _ are the same. */
static bool is_module(const char *word, const char *name)
{
	for (; word && *word && *name; word++, name++)
		if (*word != *name && (*word != '-' || *name != '_'))
			return false;
	return word && !*word && !*name;
}

static void read_options(struct modprobe_conf *conf, char **rest,
			 const char *path)
{
	const char *word;

	while ((word = strtok_r(NULL, SPACE, rest))) {
		if (strncmp(word, "takeover", 8))
			continue;
		if (word[8] && word[8] != '=')
			continue;
		/* As the kernel reads a boolean parameter. */
		conf->takeover = !word[8] || strchr("yYtT1", word[9]) ||
				 !strcasecmp(word + 9, "on");
		snprintf(conf->options_file, PATH_MAX, "%s", path);
	}
}

static void read_install(struct modprobe_conf *conf, char **rest,
			 const char *path)
{
	const char *word;

	/* modprobe takes the first command. */
	if (*conf->install_file)
		return;
	snprintf(conf->install_file, PATH_MAX, "%s", path);
	while ((word = strtok_r(NULL, SPACE, rest)))
		conf->install |= is_module(word, "vhost_alt");
}

static void read_line(struct modprobe_conf *conf, char *line, const char *path)
{
	const char *command, *module;
	char *rest;

	command = strtok_r(line, SPACE, &rest);
	if (!command)
		return;
	module = strtok_r(NULL, SPACE, &rest);
	if (!strcmp(command, "options") && is_module(module, "vhost_alt"))
		read_options(conf, &rest, path);
	else if (!strcmp(command, "install") && is_module(module, "vhost_net"))
		read_install(conf, &rest, path);
}

static void read_file(struct modprobe_conf *conf, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t len = 0;

	if (!file)
		return;
	while (getline(&line, &len, file) > 0)
		read_line(conf, line, path);
	free(line);
	fclose(file);
}

void modprobe_conf_read(struct modprobe_conf *conf)
{
	static struct files files;
	unsigned int i;

	memset(conf, 0, sizeof(*conf));
	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		find_files(&files, dirs[i]);
	qsort(files.path, files.count, sizeof(*files.path), by_name);
	for (i = 0; i < files.count; i++) {
		read_file(conf, files.path[i]);
		free(files.path[i]);
	}
	files.count = 0;
}
