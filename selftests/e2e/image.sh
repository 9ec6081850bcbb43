# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Where the prepare programs leave the guests' images, and the others find
# them. An image is named after a checksum of what it is made from, so that an
# outdated one is never used.
#
# Offers	image_cache, image_path, newer_image_path, arm64_image_path
# Sets		no variables
# Wants		selftests/e2e as the working directory

image_cache() {
	local cache=${XDG_CACHE_HOME:-~/.cache}

	echo "$cache/vhost_alt/e2e"
}

# Print the directory of the guest's image: vmlinux and initrd.
image_path() {
	local sum

	sum=$(cat prepare guest/init | sha256sum | head -c 16)
	echo "$(image_cache)/guest-$sum"
}

# Print the directory of the image with Linux 7.2 instead of Debian 12's kernel.
newer_image_path() {
	echo "$(image_path)-7.2"
}

# Print the directory of the image for arm64: vmlinux, which is not an ELF file, and
# initrd.
arm64_image_path() {
	local sum

	sum=$(cat prepare-arm64-guest guest/init | sha256sum | head -c 16)
	echo "$(image_cache)/guest-$sum-arm64"
}
