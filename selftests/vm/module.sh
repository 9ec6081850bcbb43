# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Building vhost_alt for a machine's kernel.

module_file() {
	MODULE_FILE=
	case $MODULES in
	both | alt) die "not yet" ;;
	esac
}
