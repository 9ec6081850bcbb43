/* SPDX-License-Identifier: GPL-2.0-only */
/* What goes to stdout: JSON, colours, numbers that people can read. */
#ifndef VHOSTCTL_OUT_H
#define VHOSTCTL_OUT_H

#include <json-c/json.h>

#include "names.h"
#include "vhostctl.h"

/* Prints a document and frees it. An exit status. */
int out_json(const struct options *opt, struct json_object *doc);

void json_str(struct json_object *to, const char *key, const char *value);
void json_u64(struct json_object *to, const char *key, __u64 value);
void json_real(struct json_object *to, const char *key, double value);
void json_boolean(struct json_object *to, const char *key, bool value);

/* A new object or array as a member of @to; NULL as @key: of an array. */
struct json_object *json_object_in(struct json_object *to, const char *key);
struct json_object *json_array_in(struct json_object *to, const char *key);

/* The names of bits that are set, as an array. */
void json_flags(struct json_object *to, const char *key,
		const struct name *table, __u32 value);

/* The names of features that are set in up to 64 bits, the first being @base. */
void json_bits(struct json_object *to, __u64 bits, unsigned int base,
	       const char *(*name)(unsigned int bit));

/* Colours: on a terminal, unless NO_COLOR says otherwise. */
enum colour { COLOUR_OFF, COLOUR_BOLD, COLOUR_RED, COLOUR_GREEN };
const char *colour(enum colour which);

/* "12.3k", or all digits if @exact. */
#define NUMBER_LEN	32
const char *format_number(char *buf, double value, bool exact);

/* Names of bits that are set, separated by commas; "-" for none. */
void print_flags(const struct name *table, __u32 value);

#endif
