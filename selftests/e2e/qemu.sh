# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Start and end an unmodified QEMU on a tap. VM is a client (client.sh) with
# these properties besides:
#
#	qemu, image	the QEMU binary; the directory of the guest's image
#	machine		for -M: "microvm", "virt" (arm64), or empty for the default
#	memory		for -m
#	stream_mib	MiB of each stream, if not STREAM_MIB (traffic.sh)
#	queues		queue pairs
#	descriptors	"no" if QEMU opens the tap and /dev/vhost-net by itself
#	vhost		"off" for QEMU's own datapath
#	netdev		rest of -netdev tap,..., with its comma
#	bus		"mmio" for a virtio-net-device; otherwise it is a virtio-net-pci
#	nic		rest of -device virtio-net-pci,..., with its comma
#	qemu_options	further options, a word a line
#	kernel_options	further words of the guest kernel's command line
#	incoming	where a migration comes from, for -incoming
#	bridge		the bridge that the tap is a port of, if any
#	log_ioctls	"yes" to log what QEMU asks of vhost (ioctl_log.sh)
#
# and these files: console, qemu.log, the pipes agent.{in,out} and
# monitor.{in,out}. QEMU holds both ends of a pipe open, so nothing in it is
# lost while nobody reads; opened with <>, none of them blocks.
#
# Offers	qemu_start, qemu_clean
# Sets		the properties pid and tap's addresses; constants HOST_IP,
#		GUEST_IP, VHOSTCTL, QEMU_ON_MMIO
# Wants		client.sh, ioctl_log.sh; selftests/e2e as the working directory

readonly HOST_IP=192.0.2.1 GUEST_IP=192.0.2.2
VHOSTCTL=$(realpath ../../build/tools/vhostctl)
readonly VHOSTCTL
# shellcheck disable=SC2016
readonly QEMU_ON_MMIO='set -- "${@/#virtio-net-pci,/virtio-net-device,}"
	exec "${@/%,vectors=*}"'

# One processor boots a quarter faster under TCG than two: see guest_network(). On
# a busy host, one boot in eight mistook a counter of 2000 MHz for one of 54, and
# the guest's clocks ran 37 times too fast: see tsc_khz.c.
#
# It would measure the APIC's timer too, in two readings 100 ms apart of that timer
# and of another. On a busy host the readings were 0.03 to 0.1 ms apart in one boot
# of eight. If it is interrupted between the two timers then, its timers expire
# late by a factor of hundreds. The HPET says itself how fast it is. But it takes
# several accesses to set, which cost so much where the host's processor is emulated
# too that the guest does not boot within ten minutes.
#
# The machine microvm has no other timer. Its kernel measures the APIC's against the
# counter, whose rate it is told.
qemu_guest_timer() { # VM
	[ "${VHOST_ALT_MACHINE-}" = qemu ] || [[ $(client_get "$1" machine) ]] ||
		echo nolapic_timer
}

qemu_kernel_command_line() { # VM
	local words="quiet panic=-1 nokaslr mitigations=off nowatchdog cryptomgr.notests"

	words+=" random.trust_cpu=on maxcpus=1 $(client_get "$1" kernel_options)"
	if [[ $(client_get "$1" machine) == virt ]]; then
		echo "console=ttyAMA0 AGENT=/dev/ttyS0 $words"
		return
	fi
	echo "console=ttyS0 tsc=reliable tsc_early_khz=$(../../build/e2e/tsc_khz)" \
		"no_timer_check noreplace-smp $(qemu_guest_timer "$1") $words"
}

# Print the options for the machine and for the port of the agent, a word a line.
# Only a PC has two serial ports of its own.
qemu_machine() { # VM
	case $(client_get "$1" machine) in
	microvm) printf '%s\n' -M microvm -device isa-serial,index=1,chardev=agent ;;
	virt) printf '%s\n' -M virt -cpu cortex-a57 -device pci-serial,chardev=agent ;;
	*) printf '%s\n' -serial chardev:agent ;;
	esac
}

# The command lines are those that the README gives to a user: with one queue
# pair the shell opens the device and QEMU the tap, with more vhostctl opens
# both. QEMU gets the device from the subshell, so that only QEMU holds it.
qemu_start() { # VM
	local vm=$1 queues network
	local -a command options machine

	queues=$(client_get "$vm" queues)
	mapfile -t machine < <(qemu_machine "$vm")
	mapfile -t options < <(client_get "$vm" qemu_options)
	mkfifo "$vm"/{agent,monitor}.{in,out}
	: >"$vm/console"
	network=qemu_network_one_queue
	((queues == 1)) || network=qemu_network_queues
	[[ $(client_get "$vm" descriptors) != no ]] ||
		network=qemu_network_no_descriptors
	tap_create "$vm"
	command=("$(client_get "$vm" qemu)"
		-accel tcg -smp "$queues" -m "$(client_get "$vm" memory)"
		-nodefaults -no-user-config -display none
		-serial "file:$vm/console"
		-chardev "pipe,id=agent,path=$vm/agent" "${machine[@]}"
		-qmp "pipe:$vm/monitor"
		-kernel "$(client_get "$vm" image)/vmlinux"
		-initrd "$(client_get "$vm" image)/initrd"
		-append "$(qemu_kernel_command_line "$vm")"
		"${options[@]}")
	[[ -z $(client_get "$vm" incoming) ]] ||
		command+=(-incoming "$(client_get "$vm" incoming)")
	(
		[[ $(client_get "$vm" log_ioctls) != yes ]] ||
			ioctl_log_enable "$vm"
		"$network" "$vm" "${command[@]}"
	) </dev/null >"$vm/qemu.log" 2>&1 &
	client_set "$vm" pid=$!
}

qemu_network_one_queue() { # VM COMMAND...
	local vhost=vhost=off netdev nic

	if [[ $(client_get "$1" vhost) != off ]]; then
		exec 9<>"$(client_get "$1" device)"
		vhost=vhost=on,vhostfd=9
	fi
	netdev=tap,id=net,ifname=$(client_get "$1" tap),script=no,downscript=no
	netdev+=,$vhost$(client_get "$1" netdev)
	nic=virtio-net-pci,romfile=
	[[ $(client_get "$1" bus) != mmio ]] || nic=virtio-net-device
	nic+=,netdev=net$(client_get "$1" nic)
	exec "${@:2}" -netdev "$netdev" -device "$nic"
}

# vhostctl chooses the bus by the machine. On "virt", which has both, a wrapper around
# QEMU chooses the other one.
qemu_network_queues() { # VM COMMAND...
	local -a wrapper=()

	[[ $(client_get "$1" machine)-$(client_get "$1" bus) != virt-mmio ]] ||
		wrapper=(bash -c "$QEMU_ON_MMIO" wrapper)
	exec "$VHOSTCTL" exec --device "$(client_get "$1" device)" \
		--tap "$(client_get "$1" tap)" \
		--queues "$(client_get "$1" queues)" -- \
		"${wrapper[@]}" "${@:2}" -global virtio-net-pci.romfile=
}

# As most platforms start it, which know no device but /dev/vhost-net.
qemu_network_no_descriptors() { # VM COMMAND...
	local queues netdev nic

	queues=$(client_get "$1" queues)
	netdev=tap,id=net,ifname=$(client_get "$1" tap),script=no,downscript=no
	netdev+=,vhost=on,queues=$queues
	nic=virtio-net-pci,netdev=net,romfile=
	((queues == 1)) || nic+=,mq=on,vectors=$((2 * queues + 2))
	exec "${@:2}" -netdev "$netdev" -device "$nic"
}

tap_create() { # VM
	local tap bridge

	tap=$(client_get "$1" tap) bridge=$(client_get "$1" bridge)
	if (($(client_get "$1" queues) == 1)); then
		ip tuntap add dev "$tap" mode tap
	else
		ip tuntap add dev "$tap" mode tap multi_queue vnet_hdr
	fi
	if [[ $bridge ]]; then
		ip link set "$tap" master "$bridge"
	else
		ip addr add "$HOST_IP/24" dev "$tap"
	fi
	ip link set "$tap" up
}

# End QEMU if it still runs, and remove the tap and all files of the guest.
qemu_clean() { # VM
	[[ -d $1/properties ]] || return 0
	client_kill "$1"
	ip link del "$(client_get "$1" tap)" 2>/dev/null
	rm -rf "$1"
}
