# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Initial file systems for the qemu machines.

# initramfs INIT MODULES… : lay one out in $RUN/root, with busybox, an init, and
# modules with all their dependencies, listed in loading order.
initramfs() {
	local init=$1 root=$RUN/root

	shift
	mkdir -p "$root"/{bin,dev,proc,sys,root,modules,tmp,run/vm}
	[ -e "$root/bin/busybox" ] || cp "$BUSYBOX" "$root/bin/busybox"
	install -m 755 "$init" "$root/init"
	initramfs_modules "$root/modules" "$@"
}

# initramfs_root DIR : begin with a copy of DIR.
initramfs_root() {
	mkdir -p "$RUN/root"
	cp -a "$1/." "$RUN/root"
}

# The same files give the same bytes: instructions are counted from boot.
initramfs_pack() {
	(cd "$RUN/root" && find . -exec touch -hd @0 {} + && find . | LC_ALL=C sort |
		"$BUSYBOX" cpio -o -H newc --renumber-inodes --ignore-devno \
		>"$RUN/initramfs" 2>/dev/null)
}

# initramfs_files FILE… : add the command, the module and files. A program brings
# its libraries.
initramfs_files() {
	local root=$RUN/root f

	mkdir -p "$root$TOP"
	cp "$RUN/command" "$root/run/vm/command"
	if [ -n "$MODULE_FILE" ]; then
		cp "$MODULE_FILE" "$root/modules"
		basename "$MODULE_FILE" >>"$root/modules/order"
	fi
	for f; do
		cp -rL --parents "$f" "$root" || die "--file: cannot copy $f"
		ldd "$f" 2>/dev/null | grep -o '/[^ ]*' | while read -r f; do
			cp -L --parents "$f" "$root"
		done
	done
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
