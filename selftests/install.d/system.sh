# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/install: a stock system with systemd, from installing the
# packages to purging them.

# part_system SUITE
part_system() {
	need mmdebstrap e2fsprogs qemu-system-x86
	SUITE=$1 WORK=$OUT/$1
	umount -R "$WORK/system" 2>/dev/null
	rm -rf "$WORK"
	mkdir -p "$WORK"/{upper,work,system}
	if ! system_root "$SUITE"; then
		system_result 1 "a root with three kernels"
		return
	fi
	mount -t overlay system -o \
		"lowerdir=$ROOT,upperdir=$WORK/upper,workdir=$WORK/work" "$WORK/system" ||
		die "cannot mount the root of $SUITE"
	system_files >"$WORK/files.before"
	system_install
	system_boot first "$FIRST"
	system_take_over
	system_kernel "$SECOND" "linux-headers-$SECOND"
	system_boot second "$SECOND"
	system_kernel "$THIRD"
	system_boot third "$THIRD"
	system_purge
	umount -R "$WORK/system"
	rm -rf "$WORK/upper" "$WORK/work"
}

# system_result STATUS NAME [FILE]
system_result() {
	tap_result "$1" "$SUITE: $2" "${@:3}"
}

# in_system COMMAND [ARGUMENT...] : as in a system that is being installed. The
# output is in log.
in_system() {
	# shellcheck disable=SC2016
	local script='mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
		exec chroot "$1" env -i DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin "${@:2}"'

	unshare --mount --propagation private bash -c "$script" sh "$WORK/system" "$@" \
		</dev/null >"$WORK/log" 2>&1
}

# The files of the system, but for logs, caches and the states of package tools.
system_files() {
	(cd "$WORK/system" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/cache \
		-o -path ./var/log -o -path ./tmp -o -path ./proc -o -path ./dev \
		-o -path ./var/lib/apt -o -path ./boot -o -name 'modules.*' \) -prune \
		-o -print | LC_ALL=C sort)
}

system_module() {
	find "$WORK/system/usr/lib/modules/$1" -path '*/updates/dkms/vhost_alt.ko*' \
		2>/dev/null | grep -q .
}

# As docs/install.md says.
system_install() {
	cp "$DEBS"/vhost-alt-dkms_*.deb "$DEBS"/vhostctl_*.deb "$WORK/system/srv/"
	in_system sh -c 'apt-get -y install --no-install-recommends \
		/srv/vhost-alt-dkms_*.deb /srv/vhostctl_*.deb'
	system_result $? "apt installs the packages" "$WORK/log"
	rm "$WORK"/system/srv/*.deb
	cp "$TOP/debian/tests/vhostctl" "$WORK/system/srv/autopkgtest"
	in_system /srv/autopkgtest
	system_result $? "the autopkgtest of vhostctl passes" "$WORK/log"
	system_module "$FIRST"
	system_result $? "dkms has built the module for $FIRST" "$WORK/log"
	in_system sh -c "modinfo -k $FIRST -F signer vhost_alt && ls -l /var/lib/dkms/mok.pub" &&
		grep -q '^DKMS' "$WORK/log"
	system_result $? "the module is signed with a key that mokutil can import" "$WORK/log"
}

# As docs/install.md says.
system_take_over() {
	cp "$WORK/system/usr/share/doc/vhost-alt-dkms/examples/vhost-alt-takeover.conf" \
		"$WORK/system/etc/modprobe.d/"
}

# system_kernel RELEASE [PACKAGE...] : install another kernel, and what belongs to it.
system_kernel() {
	in_system apt-get -y --no-install-recommends --no-download "${NEWER[@]}" install \
		"linux-image-$1" "${@:2}"
	system_result $? "apt installs Linux $1${2:+ and its headers}" "$WORK/log"
	if [ -n "${2-}" ]; then
		system_module "$1"
		system_result $? "dkms has built the module for $1" "$WORK/log"
	else
		! system_module "$1"
		system_result $? "without headers there is no module for $1" "$WORK/log"
	fi
}

# Remove, then purge: then there are no other files than before the installation.
system_purge() {
	in_system apt-get -y remove vhost-alt-dkms vhostctl
	system_result $? "apt removes the packages" "$WORK/log"
	! system_module "$FIRST" && ! system_module "$SECOND"
	system_result $? "removed packages leave no module"
	in_system apt-get -y purge vhost-alt-dkms vhostctl
	system_result $? "apt purges the packages" "$WORK/log"
	rm -f "$WORK/system/etc/modprobe.d/vhost-alt-takeover.conf"
	# dkms keeps its key, and other kernels have drivers of their own.
	system_files | LC_ALL=C comm -13 "$WORK/files.before" - | grep -E 'vhost|/dkms/' |
		grep -vE '/mok\.|/kernel/drivers/vhost|/linux-headers-[^/]*/' >"$WORK/left"
	[ ! -s "$WORK/left" ]
	system_result $? "purged packages leave nothing" "$WORK/left"
}

# Limits that are too short for a busy host, which emulates the processor, and what
# takes minutes there.
system_limits() {
	local dir=$WORK/system/etc/systemd

	mkdir -p "$dir/system.conf.d" "$dir/system/systemd-modules-load.service.d"
	printf '[Manager]\nDefaultTimeoutStartSec=infinity\n' >"$dir/system.conf.d/busy.conf"
	printf '[Service]\nTimeoutSec=infinity\n' \
		>"$dir/system/systemd-modules-load.service.d/busy.conf"
	# It fails if systemd does not answer systemctl within 25 s.
	ln -sf /dev/null "$dir/system/getty-static.service"
	# Caches that systemd would renew after an offline update.
	touch "$WORK/system/etc/.updated" "$WORK/system/var/.updated"
}

# system_boot NAME RELEASE : boot that kernel, and run the tests of that name in it:
# selftests/install.d/guest.
system_boot() {
	local root=$WORK/system/srv/install-test boot=$WORK/system/boot

	mkdir -p "$root"
	cp "$TOP/selftests/install.d/guest" "$TOP/selftests/tap.sh" "$TOP/debian/tests/module" \
		"$root/"
	cp "$TOP/selftests/install.d/install-test.service" "$WORK/system/etc/systemd/system/"
	ln -sf ../install-test.service \
		"$WORK/system/etc/systemd/system/multi-user.target.wants/"
	system_limits
	echo "$1" >"$root/name"
	rm -f "$WORK/disk"
	mke2fs -q -t ext4 -E lazy_itable_init=1 -d "$WORK/system" "$WORK/disk" 4G \
		>"$WORK/log" 2>&1 || {
		system_result 1 "a disk for $2" "$WORK/log"
		return
	}
	cp "$boot/vmlinuz-$2" "$WORK/kernel" && cp "$boot/initrd.img-$2" "$WORK/initrd"
	system_run "$1"
	system_results "$1" "$2"
	rm -f "$WORK/disk" "$WORK/kernel" "$WORK/initrd"
}

# A boot takes one to two minutes in emulation, the first with its tests five, and on a
# busy host many times that.
system_run() {
	local args=(console=ttyS0 loglevel=5 panic=-1 nokaslr mitigations=off tsc=reliable
		no_timer_check nowatchdog random.trust_cpu=on root=/dev/vda rw)

	qemu_tsc
	[ -z "$TSC_KHZ" ] || args+=("tsc_early_khz=$TSC_KHZ")
	QEMU_ARGS=(-M q35 -nodefaults -no-user-config -no-reboot -display none -monitor none)
	MEMORY=1G qemu_processor_amd64
	rm -f "$WORK/$1.out"
	timeout -k 5 3600 qemu-system-x86_64 "${QEMU_ARGS[@]}" \
		-serial "file:$WORK/$1.log" -serial "file:$WORK/$1.out" \
		-drive "file=$WORK/disk,if=virtio,format=raw,cache=unsafe" \
		-kernel "$WORK/kernel" -initrd "$WORK/initrd" -append "${args[*]}" \
		</dev/null >"$WORK/$1.qemu" 2>&1
}

# system_results NAME RELEASE : repeat the results that a boot has printed.
system_results() {
	local line output=$WORK/$1.out

	sed -i 's/\r$//' "$output"
	while IFS= read -r line; do
		case $line in
		'ok '*) system_result 0 "$2: ${line#* - }" ;;
		'not ok '*) system_result 1 "$2: ${line#* - }" ;;
		'#'*) echo "$line" ;;
		esac
	done <"$output"
	cat "$WORK/$1.qemu" >>"$output"
	tail -n 20 "$WORK/$1.log" >>"$output"
	grep -qE '^1\.\.[1-9]' "$output"
	system_result $? "$2: all tests have run" "$output"
}
