# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Booting a stock Debian kernel in QEMU.

qemu_prepare() {
	case $MACHINE_ARCH in
	arm64) kernel_arm64 "$KERNEL" ;;
	*) debian_kernel "$KERNEL" ;;
	esac
	KERNEL=$(series_of "$RELEASE")
	qemu_tsc
	VM_STDOUT=/dev/vport0p1
	VM_STDERR=/dev/vport0p2
}

# Set TSC_KHZ, see tsc_khz.c. It is empty if the guest does not read this host's
# counter, or can ask KVM for the rate.
qemu_tsc() {
	TSC_KHZ=
	[ "$MACHINE_ARCH" = amd64 ] || return 0
	[ -z "${ICOUNT-}" ] && [ "${ACCEL:-tcg}" = tcg ] && [ "$(uname -m)" = x86_64 ] || return 0
	tool tsc_khz
	TSC_KHZ=$("$TOOL")
}

# Prepare only what building a module needs.
qemu_prepare_build() {
	case $MACHINE_ARCH in
	arm64) arm64_release "$KERNEL" && KERNEL=$(series_of "$RELEASE") ;;
	*) qemu_prepare ;;
	esac
}

# Emulate a processor unless ACCEL=kvm is set: a guest may hang even if /dev/kvm
# exists. Processors take turns, except with --cpus, when each has a thread.
qemu_processor_amd64() {
	local thread=single

	[ -z "$CPUS" ] || thread=multi
	case ${ACCEL:-tcg} in
	kvm) QEMU_ARGS+=(-accel kvm -cpu host) ;;
	*) QEMU_ARGS+=(-accel "tcg,thread=$thread" -cpu max) ;;
	esac
	QEMU_ARGS+=(-smp "${CPUS:-2}${NODES:+,sockets=2}" -m "${MEMORY:-4G}")
	[ -z "$NODES" ] || qemu_nodes
}

# Two NUMA nodes: each has a half of the memory, and a processor; others are on the
# first one.
qemu_nodes() {
	local half n

	half=$(($(numfmt --from=iec "${MEMORY:-4G}") / 2))
	for n in 0 1; do
		QEMU_ARGS+=(
			-object "memory-backend-ram,id=node$n,size=$half"
			-numa "node,nodeid=$n,cpus=$n,memdev=node$n"
		)
	done
}

# One instruction takes one nanosecond, so all boots are identical. Without erms
# and fsrm: a string instruction counts once per byte.
qemu_icount_processor_amd64() {
	QEMU_ARGS+=(
		-accel tcg -icount "shift=0,sleep=off" -cpu "max,-erms,-fsrm" -smp 1
		-m "${MEMORY:-1G}" -rtc "base=2026-01-01,clock=vm" -seed 1
	)
}

qemu_share() {
	QEMU_ARGS+=(
		-fsdev "local,id=$1,path=$2,security_model=none,multidevs=remap$3"
		-device "virtio-9p-pci,fsdev=$1,mount_tag=$1"
	)
}

# Two ports of a virtio console are the command's stdout and stderr; the serial
# line has only the kernel log. Call this before adding other virtio devices, since
# the ports are named after the number of their device.
qemu_output() {
	local n=1 name

	QEMU_ARGS+=(-serial "file:$RUN/log" -device virtio-serial-pci)
	for name in stdout stderr; do
		QEMU_ARGS+=(
			-chardev "file,id=$name,path=$RUN/$name,append=on"
			-device "virtserialport,chardev=$name,nr=$n"
		)
		n=$((n + 1))
	done
}

qemu_kernel() {
	local args=(
		loglevel=5 panic=-1 nokaslr mitigations=off nowatchdog cryptomgr.notests
		random.trust_cpu=on
	)

	case $MACHINE_ARCH in
	amd64) args+=(console=ttyS0 tsc=reliable no_timer_check "VM_INIT=$VM/guest/init-qemu") ;;
	arm64) args+=(console=ttyAMA0 "VM_INIT=$VM/guest/init-qemu-arm64") ;;
	esac
	[ -z "$TSC_KHZ" ] || args+=("tsc_early_khz=$TSC_KHZ")
	initramfs_pack
	QEMU_ARGS+=(-kernel "$KERNEL_DIR/vmlinux" -initrd "$RUN/initramfs"
		-append "${args[*]}")
}

qemu_full() {
	"qemu_processor_$MACHINE_ARCH"
	qemu_output
	qemu_share host / ,readonly=on
	qemu_share run "$RUN" ""
	[ -z "$OUT" ] || qemu_share out "$OUT" ""
	[ "$MACHINE_ARCH" != arm64 ] || { arm64_selftests && initramfs_root "$ARM64_ROOT"; }
	initramfs "$VM/guest/init-initramfs" virtio_pci virtio_console \
		9pnet_virtio 9p
}

qemu_icount() {
	"qemu_icount_processor_$MACHINE_ARCH"
	"qemu_icount_output_$MACHINE_ARCH"
	# shellcheck disable=SC2086
	initramfs "$VM/guest/init-icount" $LOAD
	initramfs_files "${FILES[@]}"
}

qemu_icount_output_amd64() {
	local name

	# Serial lines are served by the processor's own thread. A device with a
	# thread of its own in QEMU would answer at different times in each boot.
	for name in log stdout stderr status; do
		QEMU_ARGS+=(-serial "file:$RUN/$name")
	done
}

qemu_start() {
	local program=qemu-system-x86_64 board=q35

	[ "$MACHINE_ARCH" = amd64 ] || program=qemu-system-aarch64 board=virt
	QEMU_ARGS=(-M "$board" -nodefaults -no-user-config -no-reboot -display none
		-monitor none)
	if [ -n "$ICOUNT" ]; then
		qemu_icount
	else
		qemu_full
	fi
	[ -z "$PLUGIN" ] || QEMU_ARGS+=(-plugin "$PLUGIN")
	qemu_kernel
	machine_exec "$program" "${QEMU_ARGS[@]}" \
		</dev/null >"$RUN/qemu" 2>&1 &
	MACHINE_PID=$!
}

qemu_make_module() {
	local dir=$1

	shift
	# There is no vmlinux to make BTF from; avoid the message about it.
	set -- CONFIG_DEBUG_INFO_BTF_MODULES= "$@"
	if [ "$MACHINE_ARCH" = arm64 ]; then
		arm64_make "$dir" "$@"
		return
	fi
	set -- "/lib/modules/$RELEASE/build" M="$dir" "$@"
	case $KERNEL in
	6.1)
		need "linux-headers-$RELEASE"
		make -s -C "$@" modules
		;;
	*)
		in_trixie_root make -s -C "$@" modules
		;;
	esac
}
