# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Building a module for a machine's kernel, in build/module of the work tree.

# module_build SOURCE DIR [MAKE ARGUMENTS…] : build the module of SOURCE in DIR for
# the prepared kernel, and set MODULE_FILE. Compiles only what has changed; warnings
# go to stderr.
module_build() {
	local source=$1 dir=$2

	shift 2
	mkdir -p "$dir"
	module_link "$source" "$dir"
	(
		flock -w 600 9 || die "$dir stays locked"
		"${MACHINE%%-*}_make_module" "$dir" "$@" 9>&- >&2
	) 9>"$dir/.lock" || die "the module does not build for $MACHINE $KERNEL"
	MODULE_FILE=$(find "$dir" -maxdepth 1 -name '*.ko')
}

# Fill DIR with links to SOURCE, so that several kernels can build one tree.
module_link() {
	local source=$1 dir=$2 f

	for f in "$source"/Kbuild "$source"/*.[ch] "$source"/uapi; do
		[ ! -e "$f" ] || ln -sfn "$f" "$dir"
	done
	# Remove links to sources that no longer exist.
	find "$dir" -maxdepth 1 -xtype l -delete
}

# Print the directory for SOURCE's module on the chosen machine and kernel.
module_dir() {
	if [ "$1" = "$TOP" ]; then
		echo "$TOP/build/module/$MACHINE-$KERNEL"
	else
		echo "$TOP/build/module/$(basename "$1")-$MACHINE-$KERNEL"
	fi
}
