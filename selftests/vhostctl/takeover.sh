# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The parts of run that test "vhostctl takeover".

# A process with a QEMU's command line that has /dev/vhost-net open.
hold_path() {
	# shellcheck disable=SC2016
	coproc HOLDER { exec bash -c 'exec 8<>/dev/vhost-net && echo open && read -r' \
		qemu -name "$1" -m 1G; }
	holder=$HOLDER_PID to_holder=${HOLDER[1]}
	read -r -t 60 <&"${HOLDER[0]}"
	result $? "/dev/vhost-net can be opened"
}

release_path() {
	exec {to_holder}>&-
	wait "$holder"
}

part_takeover() {
	local settings=/run/vm/settings

	if [ ! -r $settings ] || [ ! -e /sys/module/vhost_net ]; then
		tap_skip "takeover" "not a test machine that loaded both modules"
		return
	fi
	# The modules are not where modprobe looks for them.
	# shellcheck source=/dev/null
	MODPROBE_OPTIONS="-d $(. $settings && echo "$VM_KERNEL_DIR")"
	export MODPROBE_OPTIONS
	table <<-'END'
		1 | takeover maybe | ^vhostctl: takeover: expected on, off or status$
		1 | takeover on off | ^vhostctl: takeover: unexpected argument 'off'$
		0 | takeover | ^/dev/vhost-net: vhost_net$
		0 | takeover status | !guests of
	END
	hold_path guest=db,,1,debug-threads=on
	expect 0 "^guests of vhost_net: db,1 \($holder\)$" takeover
	expect 2 "guests of vhost_net first: db,1 \($holder\)$" takeover on
	expect 0 '^/dev/vhost-net: vhost_net$' takeover
	release_path
	expect 0 '^/dev/vhost-net: vhost_alt$' takeover on
	expect 0 '^/dev/vhost-net: vhost_alt$' takeover on
	[ ! -e /sys/module/vhost_net ]
	result $? "vhost_net was unloaded"
	hold_path web
	expect 0 "^guests of vhost_alt on that path: web \($holder\)$" takeover
	expect 0 '^/dev/vhost-net: vhost_net$' takeover off
	expect 0 "^guests of vhost_alt on that path: web \($holder\)$" takeover off
	expect 0 '^guests of vhost_alt' takeover on
	release_path
	expect 0 '!^guests' takeover off
	AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	expect 2 'not permitted: try sudo' takeover on
	AS=()
	part_takeover_files
	unset MODPROBE_OPTIONS
}

# after_reboot REGEX OPTIONS INSTALL : what the status says about two files.
after_reboot() {
	printf '%s\n' "$2" >"$CONF/50-options.conf"
	printf '%s\n' "$3" >"$CONF/60-install.conf"
	expect 0 "^after a reboot: $1" takeover
}

# What is said to happen after a reboot. selftests/install reboots.
part_takeover_files() {
	local CONF=/run/modprobe.d
	local install="install vhost_net modprobe vhost_alt"

	mkdir "$CONF" || return
	expect 0 '^after a reboot: vhost_net; to change that, copy /usr/share/doc/' takeover
	cp packaging/modprobe.d/vhost-alt-takeover.conf "$CONF/"
	expect 0 "^after a reboot: vhost_alt, by $CONF/vhost-alt-takeover.conf$" takeover
	rm "$CONF/vhost-alt-takeover.conf"
	after_reboot "vhost_alt, by $CONF/50-options.conf and $CONF/60-install.conf$" \
		'options vhost_alt rx_copy=1 takeover=1' "$install"
	after_reboot "vhost_alt, by " 'options vhost-alt takeover' "$install"
	after_reboot "vhost_net, by $CONF/50-options.conf$" \
		$'options vhost_alt takeover=1\noptions vhost_alt takeover=0' "$install"
	after_reboot "the module that is loaded first, by $CONF/50-options.conf; see " \
		'options vhost_alt takeover=Y' '# nothing'
	after_reboot "the module that is loaded first" 'options vhost_alt takeover=on' \
		'install vhost_net modprobe vhost_alternative'
	after_reboot "vhost_net; to change" '#options vhost_alt takeover=1' "$install"
	after_reboot "vhost_net; to change" 'options vhost_alternative takeover=1' "$install"
	rm -r "$CONF"
}
