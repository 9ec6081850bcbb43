/* SPDX-License-Identifier: GPL-2.0-only */
/* Output: JSON, colours, human-readable numbers */
#ifndef VHOSTCTL_OUT_H
#define VHOSTCTL_OUT_H

#include <json-c/json.h>

#include "names.h"
#include "vhostctl.h"

/* Version of the JSON documents: raised if a key is renamed or removed */
#define JSON_SCHEMA	1

/* Begin a document, with the version of its schema and the time. */
struct json_object *json_document(void);

/* Print a document and free it. Return: an exit status. */
int out_json(const struct options *opt, struct json_object *doc);

void json_str(struct json_object *to, const char *key, const char *value);
void json_u64(struct json_object *to, const char *key, __u64 value);
void json_real(struct json_object *to, const char *key, double value);
void json_boolean(struct json_object *to, const char *key, bool value);

/* Add a new object or array to @to, which is an array if @key is NULL. */
struct json_object *json_object_in(struct json_object *to, const char *key);
struct json_object *json_array_in(struct json_object *to, const char *key);

/* Add an array with the names of the bits set in @value. */
void json_flags(struct json_object *to, const char *key,
		const struct name *table, __u32 value);

/*
 * Add the names of the features set in a word whose lowest bit is @base; their
 * numbers if @name is NULL.
 */
void json_bits(struct json_object *to, __u64 bits, unsigned int base,
	       const char *(*name)(unsigned int bit));

/* Return: an escape sequence; empty if output is not coloured. */
enum colour { COLOUR_OFF, COLOUR_BOLD, COLOUR_RED, COLOUR_GREEN };
const char *colour(enum colour which);

/*
 * Set when to colour output: "always", "never", or "auto" for a terminal
 * without NO_COLOR, which is the default. Return: false for anything else.
 */
bool colour_set(const char *when);
bool colour_is_on(void);

/* Print the time as "[2026-11-22T10:00:00.123456]" and @end, if asked to. */
void print_timestamp(const struct options *opt, const char *end);

/* Format a number: "12.3k", or all digits if @exact. */
#define NUMBER_LEN	32
const char *format_number(char *buf, double value, bool exact);

/* Print the names of the bits set, separated by commas; "-" for none. */
void print_flags(const struct name *table, __u32 value);

#endif
