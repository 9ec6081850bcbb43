# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernels built as ARCH=um.

# The build dependencies of the kernels, and programs that the machines use.
UML_PACKAGES=(make gcc bc bison flex libc6-dev kmod iproute2)

# Set KERNEL_DIR to a directory for the chosen machine and kernel, with linux,
# lib/modules, and the files that a module build needs.
uml_kernel() {
	local fragment hash

	need "${UML_PACKAGES[@]}"
	kernel_source "$KERNEL"
	KERNEL=$SOURCE_KERNEL
	fragment=$(uml_fragment)
	hash=$({ echo "$fragment" && declare -f uml_build uml_make uml_tidy; } |
		sha256sum)
	KERNEL_ID=$MACHINE-$SOURCE_ID-${hash:0:12}
	cache_get "kernel/$KERNEL_ID" uml_build "$KERNEL_ID" "$SOURCE" "$fragment"
	KERNEL_DIR=$ENTRY
}

# Print the options of the chosen machine, in addition to allnoconfig.
uml_fragment() {
	local parts=(uml)

	case $MACHINE in
	uml-debug) parts+=(debug) ;;
	uml-smp) parts+=(debug smp) ;;
	esac
	case $KERNEL in
	6.* | 7.2) parts+=(before-7.3) ;;
	*) parts+=(7.3) ;;
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

# Check that each line of the fragment is in .config. Kconfig drops options
# silently, and a detector or device would be missing.
uml_config_complete() {
	local missing

	mapfile -t missing < <(grep '^CONFIG_' fragment | grep -vxFf .config)
	[ "${#missing[@]}" -gt 0 ] || return 0
	say "options that this kernel does not accept: ${missing[*]}"
	return 1
}

# Remove objects: they are two thirds of the size, and no module build needs them.
uml_tidy() {
	find . -name '*.o' -delete -o -name '*.a' -delete
}

# Run make in the source, since the build directory was moved after the build.
uml_make_module() {
	local dir=$1

	shift
	make -s -C "$SOURCE" ARCH=um O="$KERNEL_DIR" M="$dir" "$@" modules
}
