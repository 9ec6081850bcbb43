/* SPDX-License-Identifier: GPL-2.0-only */
/* Output: JSON, colours, human-readable numbers */
#ifndef VHOSTCTL_OUT_H
#define VHOSTCTL_OUT_H

#include <json-c/json.h>

#include "names.h"
#include "vhostctl.h"

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

/* Add the names of the features set in a word whose lowest bit is @base. */
void json_bits(struct json_object *to, __u64 bits, unsigned int base,
	       const char *(*name)(unsigned int bit));

/* Return: an escape sequence; empty off a terminal and with NO_COLOR. */
enum colour { COLOUR_OFF, COLOUR_BOLD, COLOUR_RED, COLOUR_GREEN };
const char *colour(enum colour which);

/* Format a number: "12.3k", or all digits if @exact. */
#define NUMBER_LEN	32
const char *format_number(char *buf, double value, bool exact);

/* Print the names of the bits set, separated by commas; "-" for none. */
void print_flags(const struct name *table, __u32 value);

#endif
