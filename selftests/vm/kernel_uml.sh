# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernels built as ARCH=um.

# The kernels' build dependencies, and what the machine uses of the host.
UML_PACKAGES=(make gcc bc bison flex libc6-dev kmod iproute2)

# Set KERNEL_DIR to a directory with linux, the modules in lib/modules, and what
# a module's build wants, for the chosen machine and kernel.
uml_kernel() {
	local fragment hash

	need "${UML_PACKAGES[@]}"
	kernel_source "$KERNEL"
	fragment=$(uml_fragment)
	hash=$({ echo "$fragment" && declare -f uml_build uml_make uml_tidy; } |
		sha256sum)
	KERNEL_ID=$MACHINE-$SOURCE_ID-${hash:0:12}
	cache_get "kernel/$KERNEL_ID" uml_build "$KERNEL_ID" "$SOURCE" "$fragment"
	KERNEL_DIR=$ENTRY
}

# The options of a machine, over allnoconfig.
uml_fragment() {
	local parts=(uml)

	case $MACHINE in
	uml-debug) parts+=(debug) ;;
	uml-smp) parts+=(debug smp) ;;
	esac
	case $MACHINE-$KERNEL in
	*-6.1) parts+=(6.1) ;;
	uml-debug-* | uml-smp-*) parts+=(preempt) ;;
	esac
	(cd "$VM/config" && grep -h CONFIG_ "${parts[@]}" | sort)
}

uml_build() {
	local id=$1 source=$2

	echo "$3" >fragment
	say "building $id"
	make -s -C "$source" ARCH=um O="$PWD" KCONFIG_ALLCONFIG="$PWD/fragment" \
		allnoconfig >build.log 2>&1 && uml_config_complete &&
		uml_make linux modules |& progress "$id" build.log &&
		uml_make modules_install INSTALL_MOD_PATH="$PWD" \
		>>build.log 2>&1 && uml_tidy && return
	tail -n 30 build.log >&2
	return 1
}

uml_make() {
	nice make -j"$(nproc)" ARCH=um "$@"
}

# An option that Kconfig drops is a detector or a device that silently is not
# there, so each line of the fragment must have made it into .config.
uml_config_complete() {
	local missing

	mapfile -t missing < <(grep '^CONFIG_' fragment | grep -vxFf .config)
	[ "${#missing[@]}" -gt 0 ] || return 0
	say "options that this kernel does not take: ${missing[*]}"
	return 1
}

# Objects are two thirds of the size, and no module's build wants them.
uml_tidy() {
	find . -name '*.o' -delete -o -name '*.a' -delete
}

# From the source, since the build directory remembers where it was made.
uml_make_module() {
	local dir=$1

	shift
	make -s -C "$SOURCE" ARCH=um O="$KERNEL_DIR" M="$dir" "$@" modules
}
