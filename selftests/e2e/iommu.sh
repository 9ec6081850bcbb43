# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# A guest whose network device is behind its IOMMU: what the rings name are
# addresses of the guest's DMA domain, and vhost asks QEMU what is behind each.

# ATS is a capability of PCI Express, which only a device below a port has.
iommu_machine() { # KERNEL-OPTION
	machine=(-M q35 -m 256M
		-device "intel-iommu,intremap=on,device-iotlb=on"
		-device "pcie-root-port,id=port0,chassis=1"
		-D "$dir/trace.log" -trace vhost_iotlb_miss -trace vtd_inv_desc)
	slot=,bus=port0
	own_io_share=1
	props=,iommu_platform=on,ats=on
	kernel_options="intel_iommu=on $1"
}

# From the guest: its driver maps what it hands to the device, in a domain that
# translates.
dma_is_translated() {
	guest "cd -P /sys/bus/virtio/devices/virtio0/.. && cat iommu_group/type" &&
		[[ $reply == DMA || $reply == DMA-FQ ]]
}

# From outside: each time that vhost asked for a translation, and each time that
# the guest told the device to forget one.
iommu_misses() { grep -c vhost_iotlb_miss "$dir/trace.log"; }
iommu_invalidations() { grep -c 'vtd_inv_desc.*device' "$dir/trace.log"; }

check_iommu() {
	local misses invalidations

	expect_features +ACCESS_PLATFORM
	check "the guest's IOMMU translates" dma_is_translated
	misses=$(iommu_misses) invalidations=$(iommu_invalidations)
	echo "# $variant: $misses translations asked for, $invalidations invalidated"
	# Each buffer of the traffic is mapped anew, 4 KiB or a few of them at a time.
	check "vhost asked for translations" [ "$misses" -ge 100 ]
	check "the guest invalidated some" [ "$invalidations" -ge 1 ]
	rebind_driver
}
