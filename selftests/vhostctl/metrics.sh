# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The parts of run that test "vhostctl metrics": both formats, by independent
# parsers and by the programs that read them.

# prometheus NAME : print the path of a program of Prometheus, which prepare fetched.
prometheus() {
	echo "${XDG_CACHE_HOME:-$HOME/.cache}/vhost_alt/tool/prometheus/usr/bin/$1"
}

# On ARCH=um, the signals by which the runtime of Go interrupts threads are dear.
export GODEBUG=asyncpreemptoff=1 GOMAXPROCS=1

# A guest with traffic, whose owner has a QEMU's command line.
metrics_guest() {
	GUEST_ARGS=(-name 'guest=db "1",debug-threads=on' -m 1G)
	start_guest_with_traffic
	GUEST_ARGS=()
	"$VHOSTCTL" metrics >"$KEPT/full.prom"
	"$VHOSTCTL" metrics --openmetrics >"$KEPT/full.openmetrics"
}

part_metrics() {
	local labels

	metrics_guest
	labels="dev=\"$DEV\",queue=\"tx\",ifname=\"tap0\",guest="'"db \\"1\\""'
	table <<-END
		0 | metrics | ^# TYPE vhost_alt_packets_total counter$
		0 | metrics --openmetrics | ^# TYPE vhost_alt_packets counter$
		0 | metrics | ^vhost_alt_packets_total\{$labels\} 101$
		0 | metrics --openmetrics | ^vhost_alt_packets_total\{$labels\} 101$
		0 | metrics | ^vhost_alt_drops_total\{$labels,reason="short"\} 3$
		0 | metrics | ^vhost_alt_batch_sizes_total\{$labels,chains="3-4"\} [0-9]+$
		0 | metrics | ^vhost_alt_device_info\{dev="$DEV",pid="$GUEST",comm="guest",ifname="tap0",guest=
		0 | metrics | ^vhost_alt_queue_running\{$labels\} 1$
		0 | metrics | !^# (EOF|UNIT)
		0 | metrics --openmetrics | ^# UNIT vhost_alt_busy_seconds seconds$
		0 | metrics --openmetrics | ^# EOF$
	END
	metrics_promtool
	metrics_node_exporter
	metrics_names
}

metrics_promtool() {
	local promtool

	promtool=$(prometheus promtool)
	if [ ! -x "$promtool" ]; then
		tap_skip "promtool" "not fetched: selftests/vhostctl/prepare"
		return
	fi
	timeout 120 "$promtool" check metrics <"$KEPT/full.prom" >"$WORK/promtool" 2>&1 &&
		[ ! -s "$WORK/promtool" ]
	result $? "promtool check metrics finds nothing" "$(cat "$WORK/promtool")"
	(cd packaging/metrics && timeout 120 "$promtool" check rules alerts.yml &&
		timeout 120 "$promtool" test rules alerts_test.yml) >"$WORK/promtool" 2>&1
	result $? "promtool: the alerts fire when they should" "$(cat "$WORK/promtool")"
}

# Each family arrives with its type and help, and each sample with its value.
metrics_node_exporter() {
	local exporter address=127.0.0.1:19100 pid

	exporter=$(prometheus prometheus-node-exporter)
	if [ ! -x "$exporter" ]; then
		tap_skip "node_exporter" "not fetched: selftests/vhostctl/prepare"
		return
	fi
	mkdir "$WORK/textfile" && cp "$KEPT/full.prom" "$WORK/textfile/vhost_alt.prom"
	"$exporter" --collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$WORK/textfile" \
		--web.listen-address="$address" >"$WORK/exporter.log" 2>&1 &
	pid=$!
	until_true samples "http://$address/metrics" read
	kill "$pid" && wait "$pid" 2>/dev/null
	samples "$KEPT/full.prom" written
	diff "$WORK/written" "$WORK/read" >"$WORK/diff"
	result $? "node_exporter exports what vhostctl prints" "$(head -n 20 "$WORK/diff")"
}

# samples SOURCE NAME : write the samples to file NAME, sorted. There are some.
samples() {
	"$HERE/samples" "$1" 2>/dev/null | LC_ALL=C sort >"$WORK/$2"
	[ -s "$WORK/$2" ]
}

# The alerts and the dashboard use metrics that exist.
metrics_names() {
	local name missing=''

	while read -r name; do
		grep -qE "^$name(\{| )" "$KEPT/full.prom" || missing+=" $name"
	done < <(grep -ohE 'vhost_alt_[a-z_]+' packaging/metrics/* | sort -u)
	[ -z "$missing" ]
	result $? "alerts and dashboard use metrics that exist" "$missing"
}
