# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The list of machines, and all parts that belong to them.

# Debian's name of the machine's architecture.
MACHINE_ARCH=amd64

for part in lib cache packages apt source log module initramfs tool kernel_uml \
	kernel_debian trixie_root arm64 machine_uml machine_qemu; do
	# shellcheck source=/dev/null
	. "$(dirname "${BASH_SOURCE[0]}")/$part.sh"
done

# choose_machine NAME [KERNEL] : set MACHINE, KERNEL and MACHINE_ARCH, or exit.
choose_machine() {
	MACHINE=$1 KERNEL=${2-} MACHINE_ARCH=amd64
	case $MACHINE in
	qemu | uml) : "${KERNEL:=6.1}" ;;
	qemu-arm64) : "${KERNEL:=6.1}" && MACHINE_ARCH=arm64 ;;
	# The oldest kernel whose ARCH=um can be preempted, as real kernels can.
	uml-debug) : "${KERNEL:=6.12}" ;;
	uml-smp) : "${KERNEL:=7.2}" ;;
	*) die "no such machine: '$MACHINE'" ;;
	esac
	case $MACHINE-$KERNEL in
	uml-smp-6.*) die "ARCH=um supports several processors only since 7.2" ;;
	*-6.1 | *-6.12 | *-7.2 | *-7.3) ;;
	# Debian's arm64 kernels with pages of 16 KiB
	qemu-arm64-6.12-16k | qemu-arm64-7.2-16k | qemu-arm64-7.3-16k) ;;
	*) die "no such kernel: '$KERNEL'" ;;
	esac
}

# machine FUNCTION [ARGS…] : call qemu_FUNCTION or uml_FUNCTION, by the chosen
# machine.
machine() {
	local name=${MACHINE%%-*}_$1

	shift
	"$name" "$@"
}
