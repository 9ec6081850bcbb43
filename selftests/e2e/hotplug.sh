# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Add memory to a guest, under traffic.
#
# Offers	plug_memory
# Sets		no variables
# Wants		checks.sh, monitor.sh, background_traffic.sh, ioctl_log.sh,
#		pause.sh

plug_memory() { # VM
	local vm=$1 traffic=$1/background

	check "$vm" "the monitor answers" monitor_begin "$vm" || return
	if check "$vm" "traffic flows" background_start "$vm" "$traffic"; then
		plug_under_traffic "$vm" "$traffic"
		check "$vm" "the traffic ends in order" \
			background_stop "$vm" "$traffic" &&
			check "$vm" "no byte was lost or changed" \
				background_intact "$vm" "$traffic"
	fi
	background_clean "$traffic"
	check_traffic "$vm" "with more memory"
	check "$vm" "the guest uses that memory" dimm_used "$vm"
}

plug_under_traffic() { # VM TRAFFIC
	local vm=$1 tables

	tables=$(ioctl_log_count "$vm" SET_MEM_TABLE)
	check "$vm" "a DIMM is plugged in" plug_dimm "$vm" &&
		check "$vm" "vhost gets another memory table" \
			guest_await "$vm" 60 more_tables "$vm" "$tables" &&
		check "$vm" "the rings ran all the time" \
			[ "$(rings_stopped "$vm")" = 0 ] &&
		check "$vm" "the guest onlines the memory" dimm_online "$vm" &&
		check "$vm" "the traffic continues" \
			background_continues "$vm" "$2"
}

plug_dimm() { # VM
	monitor "$1" object-add '{"qom-type": "memory-backend-ram",
		"id": "more", "size": 134217728}' &&
		monitor "$1" device_add '{"driver": "pc-dimm", "id": "dimm",
			"memdev": "more"}'
}

more_tables() { # VM EARLIER
	(($(ioctl_log_count "$1" SET_MEM_TABLE) > $2))
}

# QEMU plugs in all memory above 4 GiB, where this guest has no other: that is
# the kernel's zone Normal, from which it allocates first.
dimm_online() { # VM
	guest "$1" "cd /sys/devices/system/memory; for i in \$(seq 300); do
		! grep -qx offline memory*/state || break; sleep 0.2; done;
		for m in memory*; do
			! grep -qx offline \$m/state ||
				echo online >\$m/state || exit;
		done" &&
		(($(dimm_pages "$1" managed) >= 16384))
}

# Print the number of pages in the zone.
dimm_pages() { # VM free|managed
	guest "$1" "awk '/^Node/ { zone = \$4 }
		zone == \"Normal\" && / $2 / { print \$NF; exit }' /proc/zoneinfo"
}

dimm_used() { # VM
	local all free

	all=$(dimm_pages "$1" managed) && free=$(dimm_pages "$1" free) || return
	echo "$free of $all pages are free"
	((free < all - 1024))
}
