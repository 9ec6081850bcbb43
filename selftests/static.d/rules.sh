# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/static: the rules of this tree.

# rule PROGRAM [ARGUMENT...] : one of the programs beside this file.
rule() {
	python3 -B "selftests/static.d/$1" "${@:2}"
}

check_docs() {
	silent "public functions and structs are documented" rule docs public
}

check_locks() {
	silent "a lock that is said to be held is asserted" rule docs locks
}

check_english() {
	silent "comments use no word that STYLE forbids" rule docs english
}

check_names() {
	silent "structs, enums and inline functions begin with vha_" rule names tags
	need_objects && silent "global symbols begin with vha_" rule names symbols "$OBJECTS"
	kernel_names || return
	silent "no name is one of vhost, virtio, tun or tap" rule names kernel "$KERNEL_NAMES"
}

# Set KERNEL_NAMES to a file with the names that the kernel's drivers use.
kernel_names() {
	local tree

	[ -z "${KERNEL_NAMES-}" ] || return 0
	# shellcheck source=selftests/vm/machine.sh
	tree=$(. selftests/vm/machine.sh && kernel_source 7.2 && echo "$SOURCE") ||
		{ tap_not_ok "the source of Linux 7.2 is there" && return 1; }
	KERNEL_NAMES=$OUT/names-${tree##*/}
	[ -s "$KERNEL_NAMES" ] || {
		rule names list "$tree" >"$KERNEL_NAMES.tmp" &&
			mv "$KERNEL_NAMES.tmp" "$KERNEL_NAMES"
	}
}

check_layers() {
	silent "includes go downwards" rule layers includes
	need_objects && silent "calls go downwards" rule layers calls "$OBJECTS"
}

check_litmus() {
	silent "each barrier names its litmus test" rule litmus
}

check_versions() {
	silent "no kernel version is tested outside of compat.h" \
		unwanted 'LINUX_VERSION_CODE|KERNEL_VERSION\(' compat.h
}

check_pr_fmt() {
	silent "pr_fmt is defined in Kbuild only" unwanted '# *(define|undef) +pr_fmt'
	silent "pr_fmt is defined in Kbuild" rule_pr_fmt
}

rule_pr_fmt() {
	grep -q '^ccflags-y.*-D.pr_fmt(fmt)=' Kbuild || echo "Kbuild does not define it"
}

# unwanted PATTERN [FILE] : lines of the module's sources, but not of FILE.
unwanted() {
	! grep -nE "$1" ./*.[ch] | grep -v "^./${2:-/}:"
}

check_lengths() {
	silent "functions, test files and README.md are not too long" rule lengths
}

# Set FILES to all files of the tree, in a checkout or not.
list_files() {
	mapfile -t FILES < <(git ls-files 2>/dev/null)
	[ "${#FILES[@]}" -gt 0 ] ||
		mapfile -t FILES < <(find . -type f -not -path './build/*' | cut -c 3-)
}

check_editorconfig() {
	list_files
	silent "files are as .editorconfig says" rule editorconfig "${FILES[@]}"
}

check_calls() {
	list_files
	silent "shell functions that are called are defined" rule calls "${FILES[@]}"
}

check_packages() {
	silent "all files that have a version have the same one" rule packages version
	# shellcheck disable=SC2086
	silent "dkms.conf accepts the tested kernels" rule packages kernels $KERNELS
	silent "vhost_alt(4) lists what the sources define" rule packages manual
}

check_lib() {
	[ -x selftests/lib_unused ] || return 0
	selftests/lib_unused >"$OUT/lib.log" 2>&1
	tap_result $? "selftests/lib has nothing that is not used" "$OUT/lib.log"
}
