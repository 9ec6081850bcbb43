# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/static: the module builds, and what its code looks like then.

# Bytes that a function may have on the stack; vhost_net's largest has 656.
STACK_MOST=512

# A build of its own each time, since only what is compiled can warn.
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

# build_for MACHINE KERNEL NAME
build_for() {
	local log="$OUT/build-$1-$2.log" tools="W=1, sparse"

	rm -rf "$TOP/build/module/static-$1-$2"
	selftests/vm/build-module --source "$OUT/static" "$1" "$2" \
		W=1 C=2 CF=-D__CHECK_ENDIAN__ >"$log" 2>&1
	tap_result $? "builds for $3" "$log"
	# Debian's headers lack the script that tries sparse, from 7.2 on.
	! grep -q 'C=2 specified, but' "$log" || tools="W=1"
	build_messages "$2" "$log" >"$log.bad"
	[ ! -s "$log.bad" ]
	tap_result $? "builds for $3 without a message ($tools)" "$log.bad"
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
	local kernel module log=$OUT/stack.log

	: >"$log"
	for module in "$TOP"/build/module/static-qemu-[0-9]*/vhost_alt.ko; do
		kernel=$(basename "$(dirname "$module")")
		objdump -d "$module" |
			perl /usr/lib/linux-kbuild-6.1/scripts/checkstack.pl x86_64 |
			awk -v most=$STACK_MOST -v kernel="$kernel" '
				{ n++; sub(/.*:/, "", $NF) }
				$NF + 0 > most { print kernel ": " $0 }
				END { if (!n) print kernel ": nothing to look at" }'
	done >"$log" 2>&1
	[ ! -s "$log" ]
	tap_result $? "no function has more than $STACK_MOST bytes on the stack" "$log"
}
