# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The parts of run that test what helps to type commands: completion in three
# shells, and the manual.

# completes WORD... : print the completions of the last word.
completes() {
	# shellcheck disable=SC2034
	COMP_WORDS=(vhostctl "$@") COMP_CWORD=$#
	COMPREPLY=()
	_vhostctl
	echo "${COMPREPLY[*]}"
}

completes_to() {
	local want=$1 got

	shift
	got=$(completes "$@")
	[ "$got" = "$want" ]
	result $? "completion of: $* → $want" "$got"
}

part_completion() {
	local PATH=$WORK:$PATH

	start_guest
	# shellcheck source=tools/vhostctl.bash-completion
	. tools/vhostctl.bash-completion
	completes_to "$(commands | tr '\n' ' ' | sed 's/ $//')" ''
	completes_to "show stats set" s
	completes_to "$DEV" show dev ''
	completes_to "tap0" show ifname ''
	completes_to "--exit-code" explain --e
	completes_to "$GUEST" show pid ''
	completes_to "$DEV tap0 dev pid ifname guest" explain ''
	completes_to "rx tx" ring "$DEV" ''
	completes_to "on off status" takeover ''
	completes_to "$DEV tap0 dev pid ifname guest" set ''
	completes_to "rx tx busy-poll= moderation= adaptive-poll= workers=" set tap0 ''
	completes_to "moderation=" set tap0 rx busy-poll = 5 m
	completes_to "on off default" set tap0 moderation =
	completes_to "off" set tap0 moderation = of
	completes_to "default" set tap0 rx busy-poll = d
	completes_to "split shared" set tap0 workers =
	completes_to "--json" ring --j
	completes_to "--tap" exec --t
	completes_to "/dev/vhost-net-alt" probe /dev/vhost-net-
	ip link add br7 type bridge
	completes_to br7 exec --bridge ''
	completion_in zsh zsh_completes
	completion_in fish fish_completes
	ip link del br7
}

# zsh_completes WORD... : the same in zsh, whose own functions print what they are
# given.
zsh_completes() {
	zsh -f -c '
		candidates() { for e; do [[ $e != $PREFIX* ]] || print -r -- "${e%%:*}"; done }
		_describe() { candidates "${(@P)2}" }
		compadd() { candidates "${@[2,-1]}" }
		_files() { print files }
		_normal() { print "command $words[CURRENT]" }
		words=(vhostctl "$@") CURRENT=$(($# + 1)) PREFIX=$words[CURRENT]
		set --
		source tools/vhostctl.zsh-completion' zsh "$@"
}

# fish_completes WORD... : the same in fish, which sorts.
fish_completes() {
	fish --no-config -c "source tools/vhostctl.fish-completion; complete -C 'vhostctl $*'" |
		cut -f 1
}

# shell_completes_to COMMAND WANT WORD... : like completes_to, in any order.
shell_completes_to() {
	local want got

	want=$(tr ' ' '\n' <<<"$2" | sort)
	got=$("$1" "${@:3}" 2>&1 | sort)
	[ "$got" = "$want" ]
	result $? "$1: ${*:3} → $2" "$got"
}

# completion_in SHELL COMMAND : what all shells have in common.
completion_in() {
	if ! command -v "$1" >/dev/null; then
		tap_skip "completion in $1" "$1 is not installed"
		return
	fi
	"$1" -n "tools/vhostctl.$1-completion"
	result $? "$1 -n finds no error"
	shell_completes_to "$2" "$(commands | tr '\n' ' ' | sed 's/ $//')" ''
	shell_completes_to "$2" "show stats set" s
	shell_completes_to "$2" "--exit-code" explain --e
	shell_completes_to "$2" "--tap --timestamp" --t
	shell_completes_to "$2" "$DEV" show dev ''
	shell_completes_to "$2" "$DEV tap0 dev guest ifname pid" stats ''
	shell_completes_to "$2" "$GUEST" workers pid ''
	shell_completes_to "$2" "rx tx" ring "$DEV" ''
	shell_completes_to "$2" "on off status" takeover ''
	shell_completes_to "$2" "$DEV tap0 dev guest ifname pid" set ''
	shell_completes_to "$2" "moderation=on moderation=off moderation=default" set tap0 m
	shell_completes_to "$2" "busy-poll=default" set tap0 moderation=on b
	shell_completes_to "$2" "workers=split workers=shared" set tap0 w
	shell_completes_to "$2" br7 exec --bridge ''
}

# The manual has every command and option.
part_manual() {
	local page word missing=''

	GUEST_ARGS=(-name guest=web)
	start_guest
	if ! command -v mandoc >/dev/null; then
		tap_skip "the manual" "mandoc is not installed"
		return
	fi
	# The other manual is not installed here.
	page=$(mandoc -Tlint tools/vhostctl.8 | grep -v 'manual not found: Xr vhost_alt 4')
	[ -z "$page" ]
	result $? "mandoc -Tlint reports nothing" "$page"
	page=$(mandoc -Tascii tools/vhostctl.8 | col -b)
	for word in $(commands) $("$VHOSTCTL" --help | grep -oE '^ +-.*  ' |
		grep -oE -- '--?[a-zA-Z][a-zA-Z-]*'); do
		grep -qE -- "(^| |\[|-)$word" <<<"$page" || missing+=" $word"
	done
	[ -z "$missing" ]
	result $? "the manual has every command and option" "$missing"
	jq -r '."$defs".finding.properties.problem.enum[]' tools/vhostctl.schema.json |
		sort >"$KEPT/schema"
	sed -n '/^.Sh DIAG/,/^.Sh SEE/s/^.It Li //p' tools/vhostctl.8 | sort |
		diff "$KEPT/schema" - >"$KEPT/names"
	result $? "the manual has every problem" "$(cat "$KEPT/names")"
	manual_glossary
}

# The manual has every counter, reason of a drop, and column.
manual_glossary() {
	local word missing=''

	sed -n '/^.Sh COLUMNS/,/^.Sh ENV/s/^.It Li //p' tools/vhostctl.8 >"$KEPT/glossary"
	for word in $(jq -r '."$defs".queue.properties |
			(.counters, .drops).properties | keys[]' tools/vhostctl.schema.json) \
		$(titles show) $(titles workers) $(titles stats -n 1 -i 0.1); do
		grep -qE -- "(^| )$word( |$)" "$KEPT/glossary" || missing+=" $word"
	done
	[ -z "$missing" ]
	result $? "the manual has every counter and column" "$missing"
}

# titles COMMAND... : the titles of a list. A guest makes sure that there are some.
titles() {
	"$VHOSTCTL" "$@" | head -n 1
}
