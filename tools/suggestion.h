/* SPDX-License-Identifier: GPL-2.0-only */
/* Suggestions for words that are unknown */
#ifndef VHOSTCTL_SUGGESTION_H
#define VHOSTCTL_SUGGESTION_H

#define SUGGESTION_LEN	128

/**
 * suggestion() - Find the known words that an unknown one may stand for
 * @text: set to ": did you mean A or B?", or to "" if no word is like it
 * @prefix: printed before each known word, such as "--"
 * @word: the unknown word
 * @known: returns the known words in turn, NULL after the last
 *
 * Return: @text.
 */
const char *suggestion(char text[SUGGESTION_LEN], const char *prefix,
		       const char *word,
		       const char *(*known)(unsigned int i));

#endif
