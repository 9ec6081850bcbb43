# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Part of selftests/static: break each rule in a copy of the tree, and see that its
# check says so. Sources that keep all rules are there too, and stay unmentioned.

SEEDED=$OUT/seeded

check_selftest() {
	local check

	need_objects && kernel_names || return
	if ! (seeded_copy) >"$OUT/seeded.log" 2>&1; then
		tap_not_ok "selftest: a copy of the tree" "$OUT/seeded.log"
		return
	fi
	for check in layers names docs locks english litmus versions pr_fmt lengths \
		editorconfig calls packages commits; do
		seeded_run "$check" >"$SEEDED/$check.out" 2>&1
	done
	seeded_expect
	! grep -nE '^#   (\./)?seed_good' "$SEEDED"/*.out >"$OUT/seeded.log"
	tap_result $? "selftest: what keeps all rules is not mentioned" "$OUT/seeded.log"
}

# seeded_run CHECK : in the copy.
seeded_run() {
	local TOP=$SEEDED OUT=$SEEDED/build/static OBJECTS=$SEEDED/build/objects
	local TAP_DETAIL_LINES=0

	mkdir -p "$OUT" && (cd "$SEEDED" && "check_$1")
}

# found CHECK PATTERN : a line that the check prints.
found() {
	grep -qE "^#   $2" "$SEEDED/$1.out"
	tap_result $? "selftest: $1 reports: $2" "$SEEDED/$1.out"
}

seeded_expect() {
	found layers 'seed_bad\.h:[0-9]+: includes seed_good\.h, which stands higher$'
	found layers 'seed_one\.h:[0-9]+: includes seed_two\.h of the same layer, and the reverse$'
	found layers 'seed_bad\.c: vha_seed_good is defined in seed_good\.c, which stands higher$'
	found layers 'seed_one\.c: vha_seed_two is defined in seed_two\.c of the same layer'
	found layers 'seed_unlisted\.c is missing in '
	found layers '.* has seed_gone\.c, which does not exist$'
	found names 'seed_bad\.h:[0-9]+: struct seed_thing does not begin with vha_$'
	found names 'seed_bad\.h:[0-9]+: enum seed_kind does not begin with vha_$'
	found names 'seed_bad\.h:[0-9]+: seed_inline\(\) does not begin with '
	found names 'seed_bad\.c: the symbol seed_symbol does not begin with vha_$'
	found names 'seed_bad\.c:[0-9]+: vhost_poll_queue\(\) is a name of the kernel'
	found names 'seed_bad\.c:[0-9]+: struct vhost_virtqueue is a name of the kernel'
	found docs 'seed_bad\.h:[0-9]+: vha_seed_bare\(\) has no kernel-doc$'
	found docs 'seed_bad\.h:[0-9]+: struct seed_thing has no kernel-doc$'
	found docs 'seed_bad\.h:[0-9]+: seed_inline\(\) has no comment$'
	found docs 'seed_bad\.c:[0-9]+: the summary begins with "is", not with a verb$'
	found locks 'seed_bad\.c:[0-9]+: vha_seed_unlocked\(\) says that a lock is held'
	found english 'seed_bad\.c:[0-9]+: "Whoever" in a comment$'
	found english 'seed_bad\.c:[0-9]+: "for ever" in a comment$'
	found litmus 'seed_bad\.c:[0-9]+: smp_wmb\(\) names no litmus test$'
	found litmus 'seed_bad\.c:[0-9]+: clear_bit\(\) names no litmus test$'
	found litmus 'seed_bad\.c:[0-9]+: there is no litmus test seed-gone$'
	found litmus 'selftests/litmus/seed-alone\.litmus: no comment names it$'
	found litmus 'selftests/litmus/seed-alone\.litmus: its first line names another test$'
	found versions '\./seed_bad\.c:[0-9]+:#if LINUX_VERSION_CODE '
	found pr_fmt '\./seed_bad\.c:[0-9]+:#define pr_fmt'
	found pr_fmt 'Kbuild does not define it$'
	found lengths 'seed_bad\.c:[0-9]+: vha_seed_long\(\) has 46 lines, more than 45$'
	found lengths 'selftests/seed\.c has 801 lines, more than 800$'
	found lengths 'README\.md has [0-9]+ words, more than 1200$'
	found editorconfig 'seed_bad\.h:[0-9]+: white space at the end of the line$'
	found editorconfig 'seed_bad\.c:[0-9]+: indented by spaces$'
	found editorconfig 'seed_bad\.c:[0-9]+: 81 columns, more than 80$'
	found editorconfig 'seed\.md:1: 121 columns, more than 120$'
	found editorconfig 'seed\.md: no newline at the end$'
	found calls 'seed\.sh:[0-9]+: seed_gone is not defined$'
	found packages 'dkms\.conf has version [0-9.]+, and Kbuild 99\.0\.0$'
	found packages 'dkms\.conf accepts 6\.11\.0-1-amd64$'
	found packages 'docs/vhost_alt\.4: COUNTERS lists '
	found packages 'docs/vhost_alt\.4: DROP REASONS, write: "Anything\.", not "A buffer '
	if git rev-parse --git-dir >/dev/null 2>&1; then
		found commits '[0-9a-f]+ "no area here": no "area: imperative"$'
		found commits '[0-9a-f]+ "seed: the name of a thing": begins with no verb$'
		found commits '[0-9a-f]+ "seed: end in a period\.": ends in a period$'
		found commits '[0-9a-f]+ "seed: x{67}": 73 characters, more than 72$'
		found commits '[0-9a-f]+ "seed: leave it unsigned": no Signed-off-by$'
		found commits "[0-9a-f]+ \"Merge branch 'seed'\": a merge names what it brings"
	fi
}

# A copy of the tree in which every rule is broken.
seeded_copy() {
	rm -rf "$SEEDED"
	mkdir -p "$SEEDED/build/objects" &&
		{ git ls-files -z -co --exclude-standard ||
			find . -type f -not -path './build/*' -print0; } 2>/dev/null |
		tar -c --null --files-from=- --ignore-failed-read | tar -x -C "$SEEDED" &&
		cp "$OBJECTS"/*.o "$SEEDED/build/objects/" && cd "$SEEDED" &&
		seed_sources && seed_circle && seed_texts && seed_objects &&
		seed_commits
}

# The sources among the seeds have names that no check looks at, and marks for what
# this tree must not have: white space, and many lines.
seed_sources() {
	local seed

	for seed in selftests/static.d/seeds/*.in; do
		sed -e 's/@spaces@/        /' -e 's/@ @/ /' "$seed" |
			awk '/^@[0-9]+@$/ {
				for (n = substr($0, 2) + 0; n > 0; n--)
					print "\t;"
				next
			}
			{ print }' >"$(basename "$seed" .in)" || return
	done
	echo 'int vha_seed_unlisted;' >seed_unlisted.c
}

# Two files of one layer, each of which uses the other.
seed_circle() {
	local pair one two

	for pair in "one two" "two one"; do
		read -r one two <<<"$pair"
		echo "#include \"seed_$two.h\"" >"seed_$one.h"
		echo "int vha_seed_$one(void) { return vha_seed_$two(); }" >"seed_$one.c"
	done
}

seed_texts() {
	local words

	seq 801 | sed 's/.*/;/' >selftests/seed.c
	echo "C seed-other" >selftests/litmus/seed-alone.litmus
	echo "C seed-good" >selftests/litmus/seed-good.litmus
	printf '%s\n' '# shellcheck shell=bash' 'seed_here() {' 'SEED=1 seed_gone' '}' \
		'seed_here' >seed.sh
	words=$(printf 'word %.0s' {1..40})
	printf '%s' "${words:0:120}s" >seed.md
	sed -i '/pr_fmt/d; s/^module_version := .*/module_version := 99.0.0/' Kbuild
	sed -i 's/^BUILD_EXCLUSIVE_KERNEL=.*/BUILD_EXCLUSIVE_KERNEL=".*"/' dkms.conf
	sed -i -e '/^\.It Cm wakeups$/,+1d' -e '/^\.It Cm write$/{n;s/.*/Anything./}' \
		docs/vhost_alt.4
	sed -i '/^## The layers/a \
\
    seed_good.c    a layer\
    seed_gone.c    another\
    seed_one.c, seed_two.c    one more\
    seed_bad.c    the last' README.md
	seq 1201 >>README.md
}

seed_objects() {
	local file

	for file in seed_*.c; do
		gcc -w -I. -c -o "build/objects/${file%.c}.o" "$file" || return
	done
}

# A repository of its own, so that the tree's is not touched.
seed_commits() {
	local git=(git -c user.name=seed -c user.email=seed@seed.invalid -c commit.gpgsign=false)
	local commit=("${git[@]}" commit -q --allow-empty --no-verify)

	git rev-parse --git-dir >/dev/null 2>&1 || return 0
	git init -q . && git add -A && "${commit[@]}" -m "old" &&
		git rev-parse HEAD >selftests/commits.base &&
		"${commit[@]}" -s -m "seed/good: keep all rules" &&
		"${commit[@]}" -s -m "no area here" &&
		"${commit[@]}" -s -m "seed: the name of a thing" &&
		"${commit[@]}" -s -m "seed: end in a period." &&
		"${commit[@]}" -s -m "seed: $(printf 'x%.0s' {1..67})" &&
		"${commit[@]}" -m "seed: leave it unsigned" &&
		git checkout -q -b seed HEAD~1 && "${commit[@]}" -s -m "seed: stand apart" &&
		git checkout -q - && "${git[@]}" merge -q --no-ff -m "Merge branch 'seed'" seed
}
