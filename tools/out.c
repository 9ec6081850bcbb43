// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "out.h"

struct json_object *json_document(void)
{
	struct json_object *doc = json_object_new_object();
	char text[NUMBER_LEN];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(text, sizeof(text), "%lld.%06ld", (long long)now.tv_sec,
		 now.tv_nsec / 1000);
	json_object_object_add(doc, "schema",
			       json_object_new_int(JSON_SCHEMA));
	json_object_object_add(doc, "timestamp",
			       json_object_new_double_s(now.tv_sec, text));
	return doc;
}

int out_json(const struct options *opt, struct json_object *doc)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	if (opt->pretty)
		flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
	puts(json_object_to_json_string_ext(doc, flags));
	json_object_put(doc);
	return EXIT_OK;
}

static void json_add(struct json_object *to, const char *key,
		     struct json_object *value)
{
	if (key)
		json_object_object_add(to, key, value);
	else
		json_object_array_add(to, value);
}

void json_str(struct json_object *to, const char *key, const char *value)
{
	json_add(to, key, json_object_new_string(value));
}

void json_u64(struct json_object *to, const char *key, __u64 value)
{
	json_add(to, key, json_object_new_uint64(value));
}

void json_real(struct json_object *to, const char *key, double value)
{
	char text[NUMBER_LEN];

	/* Further digits of a rate are noise. */
	snprintf(text, sizeof(text), "%.3f", value);
	json_add(to, key, json_object_new_double_s(value, text));
}

void json_boolean(struct json_object *to, const char *key, bool value)
{
	json_add(to, key, json_object_new_boolean(value));
}

struct json_object *json_object_in(struct json_object *to, const char *key)
{
	struct json_object *o = json_object_new_object();

	json_add(to, key, o);
	return o;
}

struct json_object *json_array_in(struct json_object *to, const char *key)
{
	struct json_object *o = json_object_new_array();

	json_add(to, key, o);
	return o;
}

void json_flags(struct json_object *to, const char *key,
		const struct name *table, __u32 value)
{
	struct json_object *array = json_array_in(to, key);

	for (; table->name; table++)
		if (value & table->value)
			json_str(array, NULL, table->name);
}

void json_bits(struct json_object *to, __u64 bits, unsigned int base,
	       const char *(*name)(unsigned int bit))
{
	unsigned int i;

	for (i = 0; i < 64; i++) {
		if (!(bits >> i & 1))
			continue;
		if (name)
			json_str(to, NULL, name(base + i));
		else
			json_u64(to, NULL, base + i);
	}
}

/* The user's choice; -1: as the terminal and NO_COLOR have it */
static int colours = -1;

bool colour_set(const char *when)
{
	static const char *const choices[] = { "never", "always" };
	int i;

	colours = -1;
	for (i = 0; i < ARRAY_SIZE(choices); i++)
		if (!strcmp(when, choices[i]))
			colours = i;
	return colours >= 0 || !strcmp(when, "auto");
}

bool colour_is_on(void)
{
	const char *off = getenv("NO_COLOR");

	if (colours < 0)
		colours = !(off && *off) && isatty(STDOUT_FILENO);
	return colours;
}

const char *colour(enum colour which)
{
	static const char *const sequence[] = {
		[COLOUR_OFF] = "\033[0m",
		[COLOUR_BOLD] = "\033[1m",
		[COLOUR_RED] = "\033[31m",
		[COLOUR_GREEN] = "\033[32m",
	};

	return colour_is_on() ? sequence[which] : "";
}

void print_timestamp(const struct options *opt, const char *end)
{
	struct timespec now;
	struct tm local;
	char text[32];

	if (!opt->timestamp)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &local);
	printf("[%s.%06ld]%s", text, now.tv_nsec / 1000, end);
}

const char *format_number(char *buf, double value, bool exact)
{
	static const char units[] = " kMGTPE";
	unsigned int i = 0;

	while (!exact && value >= 999.5 && units[i + 1]) {
		value /= 1000;
		i++;
	}
	if (!i)
		snprintf(buf, NUMBER_LEN, "%.0f", value);
	else
		snprintf(buf, NUMBER_LEN, "%.*f%c", value < 99.95, value,
			 units[i]);
	return buf;
}

void print_flags(const struct name *table, __u32 value)
{
	const char *comma = "";

	for (; table->name; table++) {
		if (!(value & table->value))
			continue;
		printf("%s%s", comma, table->name);
		comma = ",";
	}
	if (!*comma)
		putchar('-');
}
