# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/static: the module builds, and what its code looks like then.

# Bytes that a function may have on the stack; vhost_net's largest has 656.
STACK_MOST=512

# A build of its own each time, since only what is compiled can warn.
check_builds() {
	local kernel log

	link_sources
	for kernel in $KERNELS; do
		log=$OUT/build-$kernel.log
		rm -rf "$TOP/build/module/static-qemu-$kernel"
		selftests/vm/build-module --source "$OUT/static" qemu "$kernel" \
			W=1 C=2 CF=-D__CHECK_ENDIAN__ >"$log" 2>&1
		tap_result $? "builds for $kernel" "$log"
		grep -nE '(warning|error|WARNING|ERROR)[: ]' "$log" >"$log.bad"
		[ ! -s "$log.bad" ]
		tap_result $? "builds for $kernel without a message (W=1, sparse)" "$log.bad"
	done
	: "${OBJECTS:=$TOP/build/module/static-qemu-${KERNELS%% *}}"
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
	for kernel in $KERNELS; do
		module=$TOP/build/module/static-qemu-$kernel/vhost_alt.ko
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
