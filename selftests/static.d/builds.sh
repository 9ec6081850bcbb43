# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/static: the module builds, and what its code looks like then.

# Bytes that a function may have on the stack; vhost_net's largest has 656.
STACK_MOST=512

check_builds() {
	local kernel

	link_sources
	for kernel in $KERNELS; do
		build_for qemu "$kernel" "$kernel"
	done
	: "${OBJECTS:=$TOP/build/module/static-qemu-${KERNELS%% *}}"
	check_untested
}

# Debian's kernels for arm64, on which some tests run too, with pages of 4 and 16 KiB.
check_arm64() {
	local kernel

	link_sources
	for kernel in $ARM64_KERNELS; do
		build_for qemu-arm64 "$kernel" "arm64 $kernel"
	done
}

# build_for MACHINE KERNEL NAME : build all of it, since only what is compiled can
# warn, unless the same has passed before. The first kernel's objects are needed.
build_for() {
	local log="$OUT/build-$1-$2.log" tools="W=1, sparse" PASSED_KEY=

	if [ "$1 $2" != "qemu ${KERNELS%% *}" ] &&
		passed_before Kbuild ./*.[ch] uapi/*.h < <(build_tools "$1" "$2"); then
		tap_result 0 "builds for $3 without a message, as before"
		return
	fi
	rm -rf "$TOP/build/module/static-$1-$2"
	selftests/vm/build-module --source "$OUT/static" "$1" "$2" \
		W=1 C=2 CF=-D__CHECK_ENDIAN__ >"$log" 2>&1
	tap_result $? "builds for $3" "$log"
	# Debian's headers lack the script that tries sparse, from 7.2 on.
	! grep -q 'C=2 specified, but' "$log" || tools="W=1"
	build_messages "$2" "$log" >"$log.bad"
	[ "$1" != qemu ] || large_stacks "$TOP/build/module/static-$1-$2" >>"$log.bad"
	[ ! -s "$log.bad" ] && [ -n "$PASSED_KEY" ] && passed_now
	[ ! -s "$log.bad" ]
	tap_result $? "builds for $3 without a message ($tools)" "$log.bad"
}

# build_tools MACHINE KERNEL : print what a build depends on beside the source. The
# name of the Debian 13 root is a hash of its packages.
build_tools() {
	echo "$1 $2 $STACK_MOST"
	# shellcheck source=selftests/vm/machine.sh
	(. selftests/vm/machine.sh && choose_machine "$1" "$2" &&
		machine prepare_build >&2 && echo "$RELEASE" &&
		readlink "$CACHE/root/trixie") 2>/dev/null || echo "unknown $RANDOM"
	gcc --version && sparse --version
}

# build_messages KERNEL LOG : print what the build of a module should not say. The
# machine may have had to take a newer kernel, which may be an untested one.
build_messages() {
	local pattern='(warning|error|WARNING|ERROR)[: ]'

	grep -q "no packages of Linux $1 any more" "$2" || pattern+='|: not tested on'
	grep -nE "$pattern" "$2"
}

# A kernel that is newer than the tests know is named, once, and is no error.
check_untested() {
	local kernel=${KERNELS%% *} log=$OUT/build-untested.log newest version

	newest=$(sed -n 's/^newest_tested := //p' Kbuild)
	version=${newest%.*}.$((${newest#*.} + 1))
	selftests/vm/build-module --source "$OUT/static" qemu "$kernel" -n \
		"VERSION=${version%.*}" "PATCHLEVEL=${version#*.}" >"$log" 2>&1 &&
		[ "$(grep -c "not tested on Linux $version, only up to $newest$" "$log")" = 1 ]
	tap_result $? "a build for $version says that it is not tested" "$log"
}

link_sources() {
	mkdir -p "$OUT/static"
	ln -sfn "$TOP"/Kbuild "$TOP"/*.[ch] "$TOP"/uapi "$OUT/static/"
	find "$OUT/static" -xtype l -delete
}

# Set OBJECTS to where the module's objects are, which are made unless check_builds
# has done so.
need_objects() {
	local kernel=${KERNELS%% *} log=$OUT/objects.log

	[ -z "${OBJECTS-}" ] || return 0
	link_sources
	selftests/vm/build-module --source "$OUT/static" qemu "$kernel" >"$log" 2>&1 ||
		{ tap_not_ok "builds for $kernel" "$log" && return 1; }
	OBJECTS=$TOP/build/module/static-qemu-$kernel
}

# Of the modules that check_builds has made.
check_stack() {
	local dir log=$OUT/stack.log

	for dir in "$TOP"/build/module/static-qemu-[0-9]*; do
		large_stacks "$dir"
	done >"$log" 2>&1
	[ ! -s "$log" ]
	tap_result $? "no function has more than $STACK_MOST bytes on the stack" "$log"
}

# large_stacks DIR : print the functions of the module there that have more.
large_stacks() {
	objdump -d "$1/vhost_alt.ko" |
		perl /usr/lib/linux-kbuild-6.1/scripts/checkstack.pl x86_64 |
		awk -v most=$STACK_MOST -v kernel="$(basename "$1")" '
			{ n++; sub(/.*:/, "", $NF) }
			$NF + 0 > most { print kernel ": " $0 }
			END { if (!n) print kernel ": nothing to look at" }'
}
