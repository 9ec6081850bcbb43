# SPDX-License-Identifier: GPL-2.0-only
#
# Targets for users of this tree. Kbuild lists what the module is built from. Variables:
#   KERNELRELEASE	the kernel to build for (default: the running one)
#   KERNELDIR		its build directory
#   DESTDIR		prefix of the directory where modules are installed
#   DKMSDIR		where dkms-install puts the source

KERNELRELEASE ?= $(shell uname -r)
KERNELDIR ?= /lib/modules/$(KERNELRELEASE)/build

# Everything is built here, in one directory per kernel.
BUILD := $(CURDIR)/build
MODULE_DIR := $(BUILD)/module/$(KERNELRELEASE)
MODULE := $(MODULE_DIR)/vhost_alt.ko
SOURCES := Kbuild uapi $(wildcard *.c *.h)
MODULE_VERSION := $(shell sed -n 's/^module_version := //p' Kbuild)
DKMSDIR ?= /usr/src/vhost_alt-$(MODULE_VERSION)

all: help

help: ## list the targets
	@sed -n 's/^\([a-z_-]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
		expand -t 20

demo: ## see it work: a guest in a test machine moves traffic (Debian, 5 minutes)
	selftests/e2e/demo

check: ## run all tests on all test machines (Debian; 45 minutes, 15 with a full cache)
	selftests/check

check-long: ## run more: all guests, all kernels, and the in-tree module on each
	selftests/check long

quick: ## run the selftests in user-mode Linux (2 to 3 minutes)
	selftests/check quick

coverage: ## list the lines of the module that no selftest runs (10 minutes)
	selftests/coverage

modules: $(MODULE_DIR)/Kbuild ## build the module for the running kernel
	$(MAKE) -C $(KERNELDIR) M=$(MODULE_DIR) modules
	@echo 'built $(MODULE)'

# Links keep the tree clean, and allow one tree to build for several kernels.
$(MODULE_DIR)/Kbuild: $(SOURCES) Makefile
	mkdir -p $(MODULE_DIR)
	ln -sfn $(SOURCES:%=$(CURDIR)/%) $(MODULE_DIR)/

tools: ## build vhostctl (needs libmnl-dev, libjson-c-dev, libncurses-dev)
	$(MAKE) -C tools tools

modules_install: modules ## install the module for the running kernel
	$(MAKE) -C $(KERNELDIR) M=$(MODULE_DIR) INSTALL_MOD_PATH=$(DESTDIR) modules_install

dkms-install: ## install the source for DKMS; then: dkms install vhost_alt/VERSION
	install -d $(DESTDIR)$(DKMSDIR)/uapi
	install -m 644 Kbuild dkms.conf $(wildcard *.c *.h) $(DESTDIR)$(DKMSDIR)
	install -m 644 $(wildcard uapi/*.h) $(DESTDIR)$(DKMSDIR)/uapi

deb: ## build the Debian packages in build/deb (needs debhelper and dh-dkms)
	packaging/build-deb $(BUILD)/deb

load: modules ## load the module just built, and show its device
	modprobe -a tun tap
	insmod $(MODULE)
	ls -l /dev/vhost-net-alt

unload: ## unload the module; fails while a guest is using it
	rmmod vhost_alt

bench: ## compare its speed with the in-tree module's, in one boot
	bench/run --machine uml

clean: ## remove build results, but not the cache of test machines
	rm -rf $(BUILD)

.PHONY: all help demo check check-long quick tools coverage modules modules_install
.PHONY: dkms-install deb load unload bench clean
