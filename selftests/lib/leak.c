// SPDX-License-Identifier: GPL-2.0-only
#include "leak.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "env.h"

#define SLAB		"/sys/kernel/slab"

static unsigned int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static long read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	long n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%ld", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* Free what a cache keeps for later, which would count as in use. */
static void shrink_cache(const char *cache)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), SLAB "/%.63s/shrink", cache);
	f = fopen(path, "w");
	if (!f)
		return;
	fputs("1", f);
	fclose(f);
}

/* What debuggers keep about all other objects says nothing more. */
static bool is_of_debugger(const char *cache)
{
	return !strncmp(cache, "kmemleak_", 9) ||
	       !strncmp(cache, "debug_objects_", 14);
}

static void note_cache(struct leak *l, const char *name)
{
	char path[128];

	if (l->caches == LEAK_CACHES || is_of_debugger(name))
		return;
	shrink_cache(name);
	snprintf(path, sizeof(path), SLAB "/%.63s/objects", name);
	snprintf(l->cache[l->caches].name, sizeof(l->cache->name), "%.63s",
		 name);
	l->cache[l->caches++].objects = read_number(path);
}

void leak_note(struct leak *l)
{
	struct dirent *entry;
	char path[128];
	DIR *dir;

	memset(l, 0, sizeof(*l));
	l->files = count_files();
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", env_module());
	l->refs = read_number(path);
	dir = opendir(SLAB);
	if (!dir)
		return;
	/* Links are further names of caches that were merged. */
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			note_cache(l, entry->d_name);
	closedir(dir);
}

static long objects(const struct leak *l, const char *name)
{
	unsigned int i;

	for (i = 0; i < l->caches; i++)
		if (!strcmp(l->cache[i].name, name))
			return l->cache[i].objects;
	return 0;
}

static unsigned int count_left(const struct leak *now, const struct leak *then,
			       long limit, bool print)
{
	unsigned int i, left = 0;
	long more;

	if (now->files != then->files || now->refs != then->refs) {
		left++;
		if (print)
			fprintf(stderr, "# files %u, were %u; references %u, were %u\n",
				now->files, then->files, now->refs, then->refs);
	}
	for (i = 0; i < now->caches; i++) {
		more = now->cache[i].objects -
		       objects(then, now->cache[i].name);
		if (more <= limit)
			continue;
		left++;
		if (print)
			fprintf(stderr, "# cache %s: %ld more objects\n",
				now->cache[i].name, more);
	}
	return left;
}

bool leak_none(const struct leak *before, long limit)
{
	static struct leak now;

	if (wait_until((leak_note(&now),
			!count_left(&now, before, limit, false))))
		return true;
	count_left(&now, before, limit, true);
	return false;
}
