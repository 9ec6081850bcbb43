# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The list of machines, and all parts that belong to them.

for part in lib cache packages apt source log module initramfs tool kernel_uml \
	kernel_debian trixie_root machine_uml machine_qemu; do
	# shellcheck source=/dev/null
	. "$(dirname "${BASH_SOURCE[0]}")/$part.sh"
done

# choose_machine NAME [KERNEL] : set MACHINE and KERNEL, or exit.
choose_machine() {
	MACHINE=$1 KERNEL=${2-}
	case $MACHINE in
	qemu | uml) : "${KERNEL:=6.1}" ;;
	# The oldest kernel whose ARCH=um can be preempted, as real kernels can.
	uml-debug) : "${KERNEL:=6.12}" ;;
	uml-smp) : "${KERNEL:=7.2}" ;;
	*) die "no such machine: '$MACHINE'" ;;
	esac
	case $MACHINE-$KERNEL in
	uml-smp-6.*) die "ARCH=um supports several processors only since 7.2" ;;
	*-6.1 | *-6.12 | *-7.2 | *-7.3) ;;
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
