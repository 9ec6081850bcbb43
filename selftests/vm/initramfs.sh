# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Initial file systems for the qemu machines.

# initramfs FILE INIT MODULES… : write one with busybox, an init, and modules
# with all that they depend on, in the order of loading.
initramfs() {
	local file=$1 init=$2 root

	shift 2
	root=$(mktemp -d "$RUN/initramfs.XXXXXX")
	mkdir -p "$root"/{bin,dev,proc,sys,root,modules,tmp,run}
	cp "$BUSYBOX" "$root/bin/busybox"
	install -m 755 "$init" "$root/init"
	initramfs_modules "$root/modules" "$@"
	(cd "$root" && find . | "$BUSYBOX" cpio -o -H newc 2>/dev/null) >"$file"
	rm -rf "$root"
}

initramfs_modules() {
	local dir=$1 path name

	shift
	modprobe -d "$KERNEL_DIR" -S "$RELEASE" --show-depends -a "$@" |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' |
		while read -r path; do
			name=$(basename "${path%.xz}")
			case $path in
			*.xz) xz -dc "$path" >"$dir/$name" ;;
			*) cp "$path" "$dir/$name" ;;
			esac
			echo "$name"
		done >"$dir/order"
}
