# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # names shared through run
# Where prepare leaves the guest's image and run finds it: named after what it
# is made from, so that an old one is never taken for a new one.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vhost_alt/e2e
image=$cache/guest-$(cat prepare fdexec.c spy.c guest/init | sha256sum | head -c 16)
newer_image=$image-7.2
