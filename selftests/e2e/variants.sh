# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The variants of the test: a function each, which is given a VM with default
# properties. It changes those that it needs changed, runs the guest, and checks
# what the variant is about.
#
# Offers	variant_*; constants ALL_VARIANTS, MACHINE_VARIANTS, QEMU_VARIANTS,
#		MODERN_MMIO
# Sets		properties of VM
# Wants		all other parts

readonly -a ALL_VARIANTS=(plain mq_change reboot rebind mrg_off simple_ring
	legacy no_offload queue_reset in_order pause hotplug poll takeover
	takeover_mq iommu iommu_strict migrate migrate_between userspace packed packed_mq_change
	packed_reboot packed_rebind packed_mrg_off packed_simple_ring
	packed_queue_reset packed_pause packed_iommu packed_migrate)
# On other machines than a PC. They take longer to boot.
readonly -a MACHINE_VARIANTS=(microvm microvm_legacy microvm_mq arm64 arm64_mq
	arm64_mmio arm64_mmio_mq)
# A word a line.
readonly MODERN_MMIO=$'-global\nvirtio-mmio.force-legacy=off'
# On the machine "qemu": a guest under TCG in TCG takes up to a minute to boot.
readonly -a QEMU_VARIANTS=(plain mq)

variant_plain() { # VM
	test_guest "$1" check_plain
}

variant_mq() { # VM
	client_set "$1" queues=2
	test_guest "$1"
}

variant_mq_change() { # VM
	client_set "$1" queues=2
	test_guest "$1" change_queues
}

variant_reboot() { # VM
	test_guest "$1" reboot_guest
}

variant_rebind() { # VM
	test_guest "$1" rebind_driver
}

variant_mrg_off() { # VM
	client_set "$1" nic=,mrg_rxbuf=off
	test_guest "$1" check_no_mrg
}

variant_simple_ring() { # VM
	client_set "$1" nic=,indirect_desc=off,event_idx=off
	test_guest "$1" check_simple_ring
}

variant_legacy() { # VM
	client_set "$1" nic=,disable-modern=on,disable-legacy=off
	test_guest "$1" check_legacy
}

variant_no_offload() { # VM
	local off=,csum=off,gso=off,guest_csum=off,host_tso4=off,guest_tso4=off

	client_set "$1" nic="$off"
	test_guest "$1" check_no_offload
}

variant_queue_reset() { # VM
	test_guest "$1" resize_rings
}

variant_in_order() { # VM
	local image

	image=$(newer_image_path)
	if [[ ! -e $image/initrd ]]; then
		skip "$1" "the variant" \
			"no newer guest: selftests/e2e/prepare-newer-guest makes it"
		return
	fi
	use_newer_qemu "$1" || return
	client_set "$1" image="$image" log_ioctls=yes nic=,in_order=on
	test_guest "$1" check_in_order
}

variant_pause() { # VM
	client_set "$1" log_ioctls=yes
	test_guest "$1" pause_guest
}

variant_hotplug() { # VM
	client_set "$1" log_ioctls=yes memory=256M,slots=2,maxmem=1G
	test_guest "$1" plug_memory
}

variant_poll() { # VM
	client_set "$1" log_ioctls=yes netdev=,poll-us=50
	test_guest "$1" check_poll
}

variant_iommu() { # VM
	use_iommu "$1" iommu.strict=0
	test_guest "$1" check_iommu
}

variant_iommu_strict() { # VM
	use_iommu "$1" iommu.strict=1
	test_guest "$1" check_iommu
}

variant_takeover() { # VM
	test_takeover "$1"
}

variant_takeover_mq() { # VM
	client_set "$1" queues=4
	test_takeover "$1"
}

# QEMU opens /dev/vhost-net, which is given to the module under test.
test_takeover() { # VM
	local vm=$1 device

	device=$(client_get "$vm" device)
	client_set "$vm" descriptors=no device=/dev/vhost-net
	if [[ $device != /dev/vhost-net ]]; then
		check "$vm" "the module takes over /dev/vhost-net" \
			takeover_begin || return
	fi
	test_guest "$vm"
	[[ $device != /dev/vhost-net ]] || return
	client_kill "$vm"
	check "$vm" "/dev/vhost-net is given back" takeover_end
}

variant_migrate() { # VM
	local device

	device=$(client_get "$1" device)
	test_migration "$1" "$device" "$device"
}

# The in-tree module first: ours has all features that the guest negotiates
# there, but not the other way round.
variant_migrate_between() { # VM
	client_set "$1" device=/dev/vhost-net
	test_migration "$1" /dev/vhost-net-alt /dev/vhost-net
}

variant_packed() { # VM
	use_packed "$1"
	test_guest "$1" check_packed
}

variant_packed_mq_change() { # VM
	use_packed "$1"
	client_set "$1" queues=2
	test_guest "$1" change_queues
}

variant_packed_reboot() { # VM
	use_packed "$1"
	test_guest "$1" reboot_guest
}

variant_packed_rebind() { # VM
	use_packed "$1"
	test_guest "$1" rebind_driver
}

variant_packed_mrg_off() { # VM
	use_packed "$1" ,mrg_rxbuf=off
	test_guest "$1" check_no_mrg
}

variant_packed_simple_ring() { # VM
	use_packed "$1" ,indirect_desc=off,event_idx=off
	test_guest "$1" check_simple_ring
}

variant_packed_queue_reset() { # VM
	use_packed "$1"
	test_guest "$1" resize_rings
}

variant_packed_pause() { # VM
	use_packed "$1"
	test_guest "$1" pause_guest
}

variant_packed_iommu() { # VM
	use_iommu "$1" iommu.strict=1
	use_packed "$1"
	test_guest "$1" check_iommu
}

variant_packed_migrate() { # VM
	local device

	device=$(client_get "$1" device)
	use_packed "$1"
	test_migration "$1" "$device" "$device"
}

# A machine whose virtio devices are on virtio-mmio. QEMU makes them legacy unless it
# is asked not to.
variant_microvm() { # VM
	client_set "$1" machine=microvm bus=mmio qemu_options="$MODERN_MMIO"
	test_guest "$1" check_modern
}

variant_microvm_legacy() { # VM
	client_set "$1" machine=microvm bus=mmio
	test_guest "$1" check_legacy
}

variant_microvm_mq() { # VM
	client_set "$1" queues=2
	variant_microvm "$1"
}

variant_arm64() { # VM
	use_arm64 "$1" || return
	test_guest "$1" check_modern
}

variant_arm64_mq() { # VM
	client_set "$1" queues=2
	variant_arm64 "$1"
}

variant_arm64_mmio() { # VM
	use_arm64 "$1" || return
	client_set "$1" bus=mmio qemu_options="$MODERN_MMIO"
	test_guest "$1" check_modern
}

variant_arm64_mmio_mq() { # VM
	client_set "$1" queues=2
	variant_arm64_mmio "$1"
}

# Have an arm64 guest. Skips the variant and fails if there is none.
use_arm64() { # VM
	local image qemu

	image=$(arm64_image_path)
	qemu=$(type -P qemu-system-aarch64)
	if [[ ! $qemu || ! -e $image/initrd ]]; then
		skip "$1" "the variant" \
			"no arm64 guest: selftests/e2e/prepare-arm64-guest makes it"
		return 1
	fi
	# Its processor is emulated more slowly than that of a PC.
	client_set "$1" machine=virt image="$image" qemu="$qemu" stream_mib=2
}

# Have the guest's driver use packed rings, with more options of the network
# device.
use_packed() { # VM [OPTIONS]
	client_set "$1" log_ioctls=yes \
		nic="$(client_get "$1" nic),packed=on${2-}"
}

# A check of the checks: the same traffic through QEMU's own datapath has to be
# recognised.
variant_userspace() { # VM
	client_set "$1" vhost=off
	test_guest "$1"
}

# The ordinary course of a variant. The function is called after the first
# traffic.
test_guest() { # VM [FUNCTION]
	boot_guest "$1" && check_traffic "$1" "" || return
	(($# < 2)) || "$2" "$1"
	end_guest "$1"
}

boot_guest() { # VM
	local opens

	opens=$(client_get "$1" queues)
	[[ $(client_get "$1" vhost) != off ]] || opens=0
	qemu_start "$1"
	check "$1" "the guest boots" guest_ready "$1" || return
	check "$1" "the network driver starts" guest_network "$1" || return
	check "$1" "QEMU has the device open $opens times" \
		open_times "$1" "$opens"
	return 0
}

end_guest() { # VM
	check "$1" "the guest powers off" guest_poweroff "$1"
	[[ $(client_get "$1" vhost) != off ]] || return
	check "$1" "QEMU did not fall back to userspace" no_fallback "$1"
	check "$1" "no worker is left" no_worker "$1"
}

# Replace Debian 12's QEMU by a newer one, unless a newer one was asked for.
# Skips the variant and fails if there is none.
use_newer_qemu() { # VM
	local version

	version=$("$(client_get "$1" qemu)" --version |
		sed -nE '1s/.*version ([0-9]+).*/\1/p')
	((version < 10)) || return 0
	if [[ ! -e $(image_cache)/../root/trixie ]]; then
		skip "$1" "the variant" \
			"no newer QEMU: selftests/vm/newer-qemu fetches it"
		return 1
	fi
	client_set "$1" qemu="$(realpath ../vm/newer-qemu)"
}

# Check what the guest's driver has negotiated.
check_features() { # VM +NAME|-NAME...
	local wanted features

	features=$(guest_features "$1") ||
		{ fail "$1" "the features are readable"; return; }
	for wanted in "${@:2}"; do
		if [[ $wanted == +* ]]; then
			check "$1" "negotiated ${wanted#+}" \
				has_feature "$features" "${wanted#+}"
		else
			check "$1" "not negotiated ${wanted#-}" \
				lacks_feature "$features" "${wanted#-}"
		fi
	done
}

lacks_feature() { # FEATURES NAME
	! has_feature "$@"
}

check_plain() { # VM
	check_modern "$1"
	check "$1" "commands arrive whole while processes end" \
		commands_arrive "$1"
}

# A check of the agent, see guest/init: an orphan ends in the middle of a line. It
# waits in the guest until the serial port has received something.
commands_arrive() { # VM
	local request answer deadline=$((SECONDS + COMMAND_LIMIT))

	guest "$1" "rx() { sed -n 's/^1:.* rx:\([0-9]*\).*/\1/p' /proc/tty/driver/serial; };
		n=\$(rx); { until test \$(rx) != \$n; do sleep 0.1; done; } &
		p=\$!; { while grep -qs '^State:.[^Z]' /proc/\$p/status; do
			sleep 0.1; done; echo the orphan has ended >/dev/console; } &" ||
		return
	request=$(agent_request 1 "echo a whole line")
	printf %s "${request%line}" 1<>"$1/agent.in"
	client_await "$1" "$COMMAND_LIMIT" \
		grep -q "the orphan has ended" "$1/console" ||
		return
	agent_send "$1" line
	while agent_line "$1" answer "$deadline"; do
		echo "$answer"
		[[ $answer == =* ]] || break
	done
	[[ $answer == "! 1 0" ]]
}

check_modern() { # VM
	check_features "$1" +VERSION_1 +MRG_RXBUF +INDIRECT_DESC +EVENT_IDX
}

check_no_mrg() { # VM
	check_features "$1" -MRG_RXBUF +VERSION_1
}

check_simple_ring() { # VM
	check_features "$1" -INDIRECT_DESC -EVENT_IDX +MRG_RXBUF
}

check_legacy() { # VM
	check_features "$1" -VERSION_1 +MRG_RXBUF
}

check_no_offload() { # VM
	check_features "$1" -CSUM -HOST_TSO4 -GUEST_TSO4
}

check_packed() { # VM
	local bit=${FEATURE_BIT[RING_PACKED]}

	if ! ioctl_log_offered "$1" "$bit"; then
		skip "$1" "negotiated RING_PACKED" \
			"$(client_get "$1" device) does not offer it"
		return
	fi
	check_features "$1" +RING_PACKED +MRG_RXBUF +EVENT_IDX +INDIRECT_DESC
	check "$1" "QEMU set RING_PACKED in vhost" ioctl_log_acked "$1" "$bit"
}

check_in_order() { # VM
	local bit=${FEATURE_BIT[IN_ORDER]}

	if ! ioctl_log_offered "$1" "$bit"; then
		skip "$1" "negotiated IN_ORDER" \
			"$(client_get "$1" device) does not offer it on Linux $(uname -r)"
		return
	fi
	check_features "$1" +IN_ORDER +MRG_RXBUF
	check "$1" "QEMU set IN_ORDER in vhost" ioctl_log_acked "$1" "$bit"
}

# The in-tree module does not count polls.
check_poll() { # VM
	local fd polls hits

	check "$1" "vhost is told to poll for receive" \
		at_least 1 "$(busyloop_count "$1" 0)"
	check "$1" "vhost is told to poll for transmit" \
		at_least 1 "$(busyloop_count "$1" 1)"
	fd=$(device_fds "$1")
	polls=$(counter "$1" "$fd" rx busy_polls)
	if [[ -z $polls ]]; then
		skip "$1" "vhost polled" "this module does not count polls"
		return
	fi
	((polls += $(counter "$1" "$fd" tx busy_polls)))
	hits=$(counter "$1" "$fd" rx busy_hits)
	((hits += $(counter "$1" "$fd" tx busy_hits)))
	note "$1" "polled $polls times, found something $hits times"
	check "$1" "vhost polled" at_least 1 "$polls"
}

busyloop_count() { # VM RING
	ioctl_log_count "$1" SET_VRING_BUSYLOOP_TIMEOUT "ring=$2 num=50"
}

# Change to one queue pair and back to two while the guest runs: QEMU stops and
# starts the second device.
change_queues() { # VM
	check "$1" "down to one queue pair" \
		guest "$1" "ethtool -L eth0 combined 1"
	check_traffic "$1" "with one of two queue pairs" 1
	check "$1" "back to two queue pairs" \
		guest "$1" "ethtool -L eth0 combined 2"
	check_traffic "$1" "with two queue pairs again"
}

# Boot the guest again under the same QEMU, so with the same open device.
reboot_guest() { # VM
	guest_last_command "$1" "reboot -f"
	check "$1" "the guest boots again" guest_ready "$1" || return
	check "$1" "the network driver starts again" guest_network "$1" || return
	check_traffic "$1" "after the reboot"
}

rebind_driver() { # VM
	local driver=/sys/bus/virtio/drivers/virtio_net

	check "$1" "the driver is unbound" \
		guest "$1" "echo virtio0 >$driver/unbind"
	check "$1" "the driver is bound again" \
		guest "$1" "echo virtio0 >$driver/bind &&
			ip addr add $GUEST_IP/24 dev eth0 &&
			ip link set eth0 up" || return
	check_traffic "$1" "after the driver was bound again"
}

# The guest's driver resizes a ring by resetting that ring alone.
resize_rings() { # VM
	if ! has_feature "$(guest_features "$1")" RING_RESET; then
		skip "$1" "resize the rings" "RING_RESET is not offered"
		return
	fi
	check "$1" "resize the rings" \
		guest "$1" "ethtool -G eth0 rx 64 tx 128" || return
	check_traffic "$1" "with resized rings"
	check "$1" "restore the size of the rings" \
		guest "$1" "ethtool -G eth0 rx 256 tx 256" || return
	check_traffic "$1" "with full-size rings"
}
