# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A guest whose network device is translated by the guest's IOMMU: the rings
# hold addresses of the guest's DMA domain, and vhost asks QEMU to translate
# each of them.
#
# Offers	use_iommu, check_iommu
# Sets		properties of VM
# Wants		client.sh, agent.sh, checks.sh, variants.sh

# ATS is a capability of PCI Express, so the device has to be below a port. To
# answer vhost's misses, some for each packet, QEMU reads and writes messages of
# 72 bytes; if it moved the packets, its I/O would be at least twice the
# traffic.
use_iommu() { # VM KERNEL-OPTION
	local options=(-M q35
		-device "intel-iommu,intremap=on,device-iotlb=on"
		-device "pcie-root-port,id=port0,chassis=1"
		-D "$1/trace.log" -trace vhost_iotlb_miss -trace vtd_inv_desc)

	client_set "$1" io_share=1 kernel_options="intel_iommu=on $2" \
		qemu_options="$(printf '%s\n' "${options[@]}")" \
		nic=,bus=port0,iommu_platform=on,ats=on
}

# As the guest sees it: its driver maps what it gives to the device, in a domain
# that translates.
dma_is_translated() { # VM
	local type

	type=$(guest "$1" "cd -P /sys/bus/virtio/devices/virtio0/.. &&
		cat iommu_group/type")
	echo "$type"
	[[ $type == DMA || $type == DMA-FQ ]]
}

# As QEMU sees it: each translation that vhost asked for, and each that the
# guest told the device to forget. Every buffer of the traffic is mapped anew, 4
# KiB or a few of them at a time.
check_iommu() { # VM
	local misses invalidations

	check_features "$1" +ACCESS_PLATFORM
	check "$1" "the guest's IOMMU translates" dma_is_translated "$1"
	misses=$(grep -c vhost_iotlb_miss "$1/trace.log")
	invalidations=$(grep -c 'vtd_inv_desc.*device' "$1/trace.log")
	note "$1" "$misses IOTLB misses, $invalidations invalidations"
	check "$1" "vhost asked for translations" at_least 100 "$misses"
	check "$1" "the guest invalidated some" at_least 1 "$invalidations"
	rebind_driver "$1"
}
