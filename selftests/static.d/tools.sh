# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/static: what the kernel's own tools say, and shellcheck.

# The kernel's style checker, which Debian ships in the kernel's source alone.
checkpatch_script() {
	local files=(checkpatch.pl spelling.txt const_structs.checkpatch)

	[ ! -e "$OUT/checkpatch/checkpatch.pl" ] || return 0
	rm -rf "$OUT/checkpatch.tmp"
	mkdir -p "$OUT/checkpatch.tmp"
	tar -C "$OUT/checkpatch.tmp" --strip-components=2 --occurrence=1 \
		-xf /usr/src/linux-source-6.1.tar.xz \
		"${files[@]/#/linux-source-6.1/scripts/}" &&
		mkdir "$OUT/checkpatch.tmp/include" && mv "$OUT/checkpatch.tmp" "$OUT/checkpatch"
}

# The kernel's semantic patches, as far as they report. Left out are those that
# want a compiler of OCaml, and one that would have "x < 0 ? x : 0" be a min().
check_coccinelle() {
	local tree script log=$OUT/coccinelle.log ran=0 options files

	# shellcheck source=selftests/vm/machine.sh
	tree=$(. selftests/vm/machine.sh && kernel_source 6.1 && echo "$SOURCE") || exit
	mapfile -t files < <(sources | grep '^[a-z_]*\.c$')
	if passed_before ./*.[ch] uapi/*.h < <(echo coccinelle "$tree" && spatch --version); then
		tap_result 0 "coccinelle, as before"
		return
	fi
	: >"$log"
	while read -r script; do
		case $script in
		*/check_bq27xxx_data.cocci | */badzero.cocci | */minmax.cocci) continue ;;
		esac
		mapfile -t options < <(sed -n 's|^//[/ #]* *Options: *||p' "$script" |
			tr ' ' '\n' | grep .)
		spatch -D report --no-show-diff --very-quiet --cocci-file "$script" \
			"${options[@]}" "${files[@]}" 2>&1 |
			grep -v '^warning: ' |
			sed "s|^|$(basename "$script" .cocci): |" >>"$log"
		ran=$((ran + 1))
	done < <(grep -lr --include='*.cocci' '^virtual report' "$tree/scripts/coccinelle")
	[ "$ran" -gt 50 ] && [ ! -s "$log" ] && passed_now
	tap_result $? "coccinelle, $ran semantic patches" "$log"
}

SELFTEST_IGNORE=PREFER_KERNEL_TYPES,MACRO_ARG_REUSE,COMPLEX_MACRO,SPLIT_STRING
SELFTEST_IGNORE+=,LONG_LINE,FILE_PATH_CHANGES,OPEN_BRACE,SPACING,VOLATILE
SELFTEST_IGNORE+=,MACRO_WITH_FLOW_CONTROL,CAMELCASE

check_checkpatch() {
	local file ignore log=$OUT/checkpatch.log

	checkpatch_script || exit
	: >"$log"
	for file in $(sources); do
		ignore=
		# Comparing versions is what this file is for.
		[ "$file" != compat.h ] ||
			ignore=--ignore=LINUX_VERSION_CODE,CONSTANT_COMPARISON
		# The harness defines tests by macros that look like functions.
		[ "${file#selftests/}" = "$file" ] && [ "${file#bench/}" = "$file" ] ||
			ignore=--ignore=$SELFTEST_IGNORE
		# So are tracepoints, and have always been written like this.
		[ "$file" != trace.h ] ||
			ignore=--ignore=OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
		# One list makes enums, fields and names.
		case $file in
		uapi/vhost_alt.h) ignore=--ignore=COMPLEX_MACRO,MACRO_ARG_REUSE ;;
		vhost_stats.h) ignore=--ignore=TRAILING_SEMICOLON ;;
		esac
		passed_before "$OUT/checkpatch"/[a-z]*.* "$file" <<<"$file $ignore" && continue
		# It leaves a cache where it is started.
		(cd "$OUT/checkpatch" && perl checkpatch.pl --root=. --no-tree --strict -f \
			--terse --show-types ${ignore:+"$ignore"} "$TOP/$file") |
			sed -n "/^total:/!s:^$TOP/::p" >"$log.1"
		[ -s "$log.1" ] || passed_now
		cat "$log.1" >>"$log"
	done
	[ ! -s "$log" ]
	tap_result $? "checkpatch --strict" "$log"
}

check_kernel_doc() {
	local script log=$OUT/kernel-doc.log

	script=$(find /usr/src /usr/lib/linux-kbuild-6.1 -path '*scripts/kernel-doc' \
		2>/dev/null | head -n 1)
	[ -n "$script" ] || { tap_result 1 "kernel-doc is not installed" && return; }
	perl "$script" -none -Werror ./*.[ch] uapi/*.h >"$log" 2>&1
	tap_result $? "kernel-doc" "$log"
}

check_shellcheck() {
	local log=$OUT/shellcheck.log programs parts

	mapfile -t programs < <(git grep -lE '^#!/bin/(ba)?sh' -- .)
	mapfile -t parts < <(git grep -lE '^# shellcheck shell=' -- .)
	{
		shellcheck -x -P SCRIPTDIR "${programs[@]}"
		# Parts of a program share their variables with other parts.
		shellcheck -x -P SCRIPTDIR -e SC2034,SC2153,SC2154 "${parts[@]}"
	} >"$log" 2>&1
	[ ! -s "$log" ]
	tap_result $? "shellcheck" "$log"
}
