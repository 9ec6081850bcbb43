# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# Live migration: the guest goes from one QEMU to another on the same host, each
# with a tap of its own on one bridge, while its traffic goes on.

# QEMU 7.2 spoils the guest's memory while it migrates under TCG, with vhost or
# without.
migration_machine() {
	newer_qemu
	bridge=e2e-bridge spied=yes
	route=("$device" "$device")
	extra=migrate_times
}

# The in-tree module first: what the guest negotiates with it, ours has too, but
# not the other way round.
between_modules() {
	device=/dev/vhost-net
	route=(/dev/vhost-net-alt /dev/vhost-net)
	[[ -c ${route[0]} && -c ${route[1]} ]] || unfit="not both modules are loaded"
}

# A bridge is a module on Debian's kernels.
bridge_start() {
	local dir

	# shellcheck source=/dev/null
	dir=$([[ ! -r /run/vm/settings ]] || (. /run/vm/settings && echo "$VM_KERNEL_DIR"))
	modprobe ${dir:+-d "$dir"} -q bridge
	ip link add "$bridge" type bridge &&
		ip addr add "$host_ip/24" dev "$bridge" &&
		ip link set "$bridge" up
}

# Along the route, as often as asked.
migrate_times() {
	local i halfway=

	check "data to keep is in the guest's memory" keepsake_make || return
	check "memory changes all the time" churn_start || return
	check "traffic flows" flow_start || return
	for ((i = 0; i < times; i++)); do
		migrate_along "${route[@]}" || { abandon && return; }
	done
	check "traffic ends as it should" flow_stop &&
		check "not a byte was lost or changed" flow_sums_agree
	echo "# $variant: ping: $(tail -n 1 "$work/ping")"
	flow_clean
	churn_stop
	check "the guest's memory is as it was" keepsake_kept
	check_traffic "after $hops hops"
}

migrate_along() { # DEVICE…
	local next

	for next; do
		((++hops))
		hop "$next" "hop $hops" || return
	done
}

# Halfway there are two, and the guest is here or there, or nowhere.
abandon() {
	explain
	flow_clean
	parcel_clean
	if [[ $halfway ]]; then
		seat_take target
		guest_clean
		seat_take source
	fi
	kill -KILL "$qemu_pid" 2>/dev/null
}

hop() { # DEVICE WHEN
	local path=$work/migration

	rm -f "$path"
	seat_leave source
	seat_new $((hops % 2)) "$1"
	machine+=(-incoming "unix:$path")
	guest_start "$queues" "$(guest_netdev "$queues")" "$props"
	machine=("${machine[@]:0:${#machine[@]}-2}")
	seat_leave target
	halfway=yes
	check "another QEMU waits: $2, to ${1##*/}" incoming_ready "$path" || return

	seat_take source
	check "a parcel is expected: $2" parcel_prepare &&
		check "QEMU begins to migrate: $2" migration_begin "$path" &&
		check "vhost is told to log: $2" guest_await 60 told_to_log &&
		check "traffic flows meanwhile: $2" guest_await 120 migration_flows &&
		check "all memory was sent once: $2" guest_await "$command_limit" migration_passes 2 &&
		check "the parcel comes, and lies: $2" parcel_send &&
		check_logged "$2" &&
		check "QEMU migrates: $2" migration_finish || return
	migration_report
	source_end

	seat_take target
	halfway=
	check "the guest runs on: $2" guest_await 60 monitor_run_state running &&
		check "traffic goes on: $2" traffic_goes_on &&
		check "the parcel is intact: $2" parcel_intact || return
	parcel_clean
}

incoming_ready() { # SOCKET
	local deadline=$((SECONDS + command_limit))

	until [[ -S $1 ]]; do
		((SECONDS < deadline)) && kill -0 "$qemu_pid" || return
		sleep 0.1
	done
	monitor_begin && monitor_run_state inmigrate
}

# So slowly that what the guest's memory churns is never sent as fast as it changes:
# it ends when it is told to, and not before.
migration_begin() { # SOCKET
	flow_mark
	log_mark=$(logged)
	((hops > 1)) || monitor_begin || return
	monitor migrate-set-parameters '{"max-bandwidth": 8000000}' &&
		monitor migrate "{\"uri\": \"unix:$1\"}" &&
		guest_await 60 migration_state active
}

migration_state() { # STATE
	monitor query-migrate && [[ $(monitor_value status) == "$1" ]]
}

# LOG_ALL, and the flag in the addresses of both rings.
told_to_log() {
	(($(spied_times SET_LOG_BASE) > 0 &&
		$(spied_times SET_VRING_ADDR "ring=0 flags=1") > 0 &&
		$(spied_times SET_VRING_ADDR "ring=1 flags=1") > 0)) &&
		spied_feature 26
}

migration_flows() {
	migration_state active && flow_moved
}

# What our module counts: bytes of the log. In-tree counts nothing.
logged() {
	local fd

	fd=$(device_fds | head -n 1)
	counter "$fd" rx log_bytes
	counter "$fd" tx log_bytes
}

check_logged() { # WHEN
	if [[ -z $log_mark ]]; then
		skip "vhost logged both rings: $1" "this module does not count what it logs"
		return
	fi
	check "vhost logged both rings: $1" rings_logged
}

rings_logged() {
	local delta

	read -ra delta <<<"$(minus "$(logged)" "$log_mark")"
	echo "# $variant: bytes logged, receive and transmit: ${delta[*]}"
	((delta[0] > 0 && delta[1] > 0))
}

# With a downtime that any machine keeps, or it may never end.
migration_finish() {
	monitor migrate-set-parameters \
		'{"max-bandwidth": 1000000000, "downtime-limit": 60000}' &&
		guest_await "$command_limit" migration_state completed
}

# The memory is read again for what has changed, for the so many-th time.
migration_passes() { # NUMBER
	migration_state active && (($(monitor_value dirty-sync-count) >= $1))
}

migration_report() {
	monitor query-migrate
	echo "# $variant: $(monitor_value dirty-sync-count) passes," \
		"downtime $(monitor_value downtime) ms," \
		"$(monitor_value total-time) ms in all"
}

source_end() {
	monitor quit
	wait "$qemu_pid"
	qemu_pid=
	guest_clean
}

# 16 MiB that nothing touches, unless it goes wrong.
keepsake_make() {
	guest "cd /tmp && head -c 262144 /dev/urandom >grain &&
		for i in \$(seq 64); do echo \$i; cat grain; done >keepsake &&
		sha256sum <keepsake" || return
	keepsake=$reply
}

# More of it than is sent in a downtime that QEMU takes without being asked.
churn_start() {
	guest "cd /tmp && head -c 4194304 keepsake >churn.to &&
		{ while test -e churn.to; do
			dd if=keepsake of=churn.to bs=4k count=1024 conv=notrunc 2>/dev/null;
			sleep 0.1; done & }"
}

churn_stop() {
	guest "rm -f /tmp/churn.to"
}

keepsake_kept() {
	guest "sha256sum </tmp/keepsake" && [[ $reply == "$keepsake" ]]
}
