# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# The guests that the test runs: each one function, named after its variant,
# that sets how QEMU is started and what is checked beyond the traffic.
#
#	queues    queue pairs
#	netdev    rest of -netdev tap,id=net,…
#	props     rest of -device virtio-net-pci,…, with its comma
#	machine, slot, kernel_options    see guest.sh
#	extra     function to call with the guest up, after the first traffic if it
#	          has its tap for itself
#	unfit     why it cannot be run here, if it cannot

all_variants=(plain mq_change reboot rebind mrg_off simple_ring legacy no_offload
	queue_reset in_order pause hotplug poll iommu iommu_strict migrate migrate_between userspace)
# Under TCG twice a guest takes most of a minute to boot.
few_variants=(plain mq)

variant_plain() { extra=check_default_features; }
variant_mq() { queues=2; }
variant_mq_change() { queues=2 extra=change_queues; }
variant_reboot() { extra=reboot_guest; }
variant_rebind() { extra=rebind_driver; }
variant_mrg_off() { props=,mrg_rxbuf=off extra=check_no_mrg; }
variant_simple_ring() {
	props=,indirect_desc=off,event_idx=off extra=check_simple_ring
}
variant_legacy() { props=,disable-modern=on,disable-legacy=off extra=check_legacy; }
variant_no_offload() {
	props=,csum=off,gso=off,guest_csum=off,host_tso4=off,guest_tso4=off
	extra=check_no_offload
}
variant_iommu() { iommu_machine iommu.strict=0 && extra=check_iommu; }
variant_iommu_strict() { iommu_machine iommu.strict=1 && extra=check_iommu; }
variant_migrate() { migration_machine; }
variant_migrate_between() { migration_machine && between_modules; }
variant_pause() { spied=yes extra=pause_guest; }
variant_hotplug() { hotplug_machine; }
variant_poll() { spied=yes netdev=$(guest_netdev 1),poll-us=50 extra=check_poll; }
variant_in_order() {
	newer_qemu
	image=$newer_image spied=yes props=,in_order=on extra=check_in_order
	[[ -e $image/initrd ]] ||
		unfit="no newer guest: selftests/e2e/prepare-newer-guest makes it"
}
variant_queue_reset() { extra=resize_rings; }

# A check of the checks: the same traffic in QEMU's own path must be recognised.
variant_userspace() { netdev=ifname=$tap,script=no,downscript=no,vhost=off; }

# Where Debian 12's QEMU will not do, and no other was given.
newer_qemu() {
	local version

	version=$("$qemu" --version | sed -nE '1s/.*version ([0-9]+).*/\1/p')
	((version < 10)) || return 0
	qemu=$(realpath ../vm/newer-qemu)
	[[ -e ${cache%/*}/root/trixie ]] ||
		unfit="no newer QEMU: selftests/vm/newer-qemu fetches it"
}

expect_features() { # +NAME|-NAME…
	local want

	features_read || { fail "features are readable"; return; }
	for want; do
		if [[ $want == +* ]]; then
			check "negotiated ${want#+}" feature "${want#+}"
		else
			check "not negotiated ${want#-}" lacks_feature "${want#-}"
		fi
	done
}

lacks_feature() { ! feature "$1"; }

check_default_features() {
	expect_features +VERSION_1 +MRG_RXBUF +INDIRECT_DESC +EVENT_IDX
}
check_no_mrg() { expect_features -MRG_RXBUF +VERSION_1; }
check_simple_ring() { expect_features -INDIRECT_DESC -EVENT_IDX +MRG_RXBUF; }
check_legacy() { expect_features -VERSION_1 +MRG_RXBUF; }
check_no_offload() { expect_features -CSUM -HOST_TSO4 -GUEST_TSO4; }

check_in_order() {
	if ! spied_offer "${feature_bit[IN_ORDER]}"; then
		skip "negotiated IN_ORDER" "$device does not offer it on Linux $(uname -r)"
		return
	fi
	expect_features +IN_ORDER +MRG_RXBUF
	check "vhost was told so" spied_feature "${feature_bit[IN_ORDER]}"
}

# In-tree counts no polls.
check_poll() {
	local polls fd

	check "vhost is told to poll for receive" \
		[ "$(spied_times SET_VRING_BUSYLOOP_TIMEOUT "ring=0 num=50")" -gt 0 ]
	check "vhost is told to poll for transmit" \
		[ "$(spied_times SET_VRING_BUSYLOOP_TIMEOUT "ring=1 num=50")" -gt 0 ]
	fd=$(device_fds)
	polls=$(counter "$fd" rx busy_polls)
	if [[ -z $polls ]]; then
		skip "vhost polled" "this module does not count polls"
		return
	fi
	((polls += $(counter "$fd" tx busy_polls)))
	echo "# $variant: polled $polls times, found something" \
		"$(counter "$fd" rx busy_hits) and $(counter "$fd" tx busy_hits)"
	check "vhost polled" [ "$polls" -gt 0 ]
}

# One queue pair, and two again, while the guest runs: QEMU stops and starts the
# second device.
change_queues() {
	check "down to one queue pair" guest "ethtool -L eth0 combined 1"
	queues=1 check_traffic "with one of two queue pairs"
	check "back to two queue pairs" guest "ethtool -L eth0 combined 2"
	check_traffic "with two queue pairs again"
}

# The same QEMU, so the same open device, used by a second boot of the guest.
reboot_guest() {
	guest_last_command "reboot -f"
	check "the guest boots again" guest_ready || return
	check "its driver starts again" guest_network || return
	check_traffic "after the reboot"
}

rebind_driver() {
	local driver=/sys/bus/virtio/drivers/virtio_net

	check "the driver lets go" guest "echo virtio0 >$driver/unbind"
	check "the driver takes hold again" guest "echo virtio0 >$driver/bind &&
		ip addr add $guest_ip/24 dev eth0 && ip link set eth0 up" || return
	check_traffic "after the driver came back"
}

# The guest's driver resizes a ring by resetting it alone.
resize_rings() {
	features_read
	if ! feature RING_RESET; then
		skip "resize the rings" "RING_RESET is not offered"
		return
	fi
	check "resize the rings" guest "ethtool -G eth0 rx 64 tx 128" || return
	check_traffic "with resized rings"
	check "resize them back" guest "ethtool -G eth0 rx 256 tx 256" || return
	check_traffic "with full rings"
}
