// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "suggestion.h"

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

const char *suggestion(char text[SUGGESTION_LEN], const char *prefix,
		       const char *word,
		       const char *(*known)(unsigned int i))
{
	size_t len = strlen(word), used = 0;
	const char *name;
	unsigned int i;

	*text = 0;
	for (i = 0; len && (name = known(i)); i++) {
		if (strncmp(name, word, len) && !is_similar(name, word))
			continue;
		used += snprintf(text + used, SUGGESTION_LEN - used, "%s%s%s",
				 used ? " or " : ": did you mean ", prefix,
				 name);
		if (used + 2 > SUGGESTION_LEN)
			break;
	}
	if (used && used + 2 <= SUGGESTION_LEN)
		strcpy(text + used, "?");
	return text;
}
