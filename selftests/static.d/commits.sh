# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/static: the commits since the one that selftests/commits.base
# names. Older ones are as they are.

SUBJECT_MOST=72

check_commits() {
	local range

	if ! git rev-parse --git-dir >/dev/null 2>&1; then
		tap_skip "commits are described as CONTRIBUTING.md says" "no git repository here"
		return
	fi
	range=$(commits_range) || {
		tap_not_ok "commits are described as CONTRIBUTING.md says" - <<<"$range"
		return
	}
	silent "commits are described as CONTRIBUTING.md says" commits_judge "$range"
}

# A shallow clone may lack the base, and then has newer commits only.
commits_range() {
	local base

	base=$(grep -m 1 -E '^[0-9a-f]{40}$' selftests/commits.base) ||
		{ echo "selftests/commits.base names no commit" && return 1; }
	if git merge-base --is-ancestor "$base" HEAD 2>/dev/null; then
		echo "$base..HEAD"
	elif [ "$(git rev-parse --is-shallow-repository)" = true ]; then
		echo HEAD
	else
		echo "$base, which selftests/commits.base names, is no ancestor of HEAD"
		return 1
	fi
}

# commits_judge RANGE : print what is wrong with each commit.
commits_judge() {
	local signed='%(trailers:key=Signed-off-by,valueonly,separator=%x2C)'

	git log --format="%h%x09%p%x09$signed%x09%s" "$1" |
		awk -F '\t' -v most=$SUBJECT_MOST '
		function complain(what) { print $1 " \"" subject "\": " what }
		{
			subject = $4
			for (n = 5; n <= NF; n++)
				subject = subject "\t" $n
			merge = split($2, parents, " ") > 1
		}
		merge && subject ~ /^Merge (remote-tracking |pull |branch|tag|commit)/ {
			complain("a merge names what it brings, not a branch")
		}
		!merge && subject !~ /^Revert "/ {
			if (subject !~ /^[A-Za-z0-9_.][A-Za-z0-9_.\/, *-]*: [^ ]/)
				complain("no \"area: imperative\"")
			else if (match(subject, /: /) &&
				 tolower(substr(subject, RSTART + 2)) ~ NO_VERB)
				complain("begins with no verb")
		}
		!merge && $3 == "" { complain("no Signed-off-by") }
		subject ~ /\.$/ { complain("ends in a period") }
		length(subject) > most {
			complain(length(subject) " characters, more than " most)
		}
		BEGIN {
			NO_VERB = "^(the|a|an|one|who|what|which|when|where|how|" \
				"why|is|are|it|its|this|that|no|not|each|every|all)([ ,]|$)"
		}'
}
