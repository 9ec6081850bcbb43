# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# A guest that is given memory while its traffic flows.

hotplug_machine() {
	machine=(-m "256M,slots=2,maxmem=1G")
	spied=yes
	extra=plug_memory
}

plug_memory() {
	local tables

	check "the monitor answers" monitor_begin &&
		check "traffic flows" flow_start || return
	tables=$(spied_times SET_MEM_TABLE)
	check "a DIMM is plugged in" plug_dimm &&
		check "vhost gets another memory table" \
			guest_await 60 more_tables "$tables" &&
		check "with its rings running" rings_never_stopped &&
		check "the guest takes the memory" dimm_online &&
		check "traffic goes on" traffic_goes_on
	check "traffic ends as it should" flow_stop &&
		check "not a byte was lost or changed" flow_sums_agree
	flow_clean
	check_traffic "with more memory"
	check "the guest uses that memory" dimm_used
}

plug_dimm() {
	monitor object-add '{"qom-type": "memory-backend-ram", "id": "more",
		"size": 134217728}' &&
		monitor device_add '{"driver": "pc-dimm", "id": "dimm",
			"memdev": "more"}'
}

more_tables() { # TIMES-BEFORE
	(($(spied_times SET_MEM_TABLE) > $1))
}

rings_never_stopped() {
	(($(spied_times NET_SET_BACKEND "ring=[01] fd=-1") == 0))
}

# All that QEMU plugs in is above 4 GiB, where this guest has nothing else: the
# kernel's zone Normal, from which it takes pages first.
dimm_online() {
	guest "cd /sys/devices/system/memory; for i in \$(seq 300); do
		! grep -qx offline memory*/state || break; sleep 0.2; done;
		for m in memory*; do
			! grep -qx offline \$m/state || echo online >\$m/state || exit;
		done" &&
		dimm_pages managed && ((pages >= 16384))
}

dimm_pages() { # free|managed
	guest "awk '/^Node/ { zone = \$4 } zone == \"Normal\" && / $1 / {
		print \$NF; exit }' /proc/zoneinfo" || return
	pages=$reply
}

dimm_used() {
	local all

	dimm_pages managed && all=$pages && dimm_pages free || return
	reply="$pages of $all pages are free"
	((pages < all - 1024))
}
