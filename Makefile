# SPDX-License-Identifier: GPL-2.0-only
#
# What a person does with this tree. What is built stands in Kbuild. Variables:
#   KERNELRELEASE	the kernel to build for (default: the running one)
#   KERNELDIR		its build directory
#   DESTDIR		put before the place where modules are installed

KERNELRELEASE ?= $(shell uname -r)
KERNELDIR ?= /lib/modules/$(KERNELRELEASE)/build

# Everything that is built lands here, one directory for each kernel.
BUILD := $(CURDIR)/build
MODULE_DIR := $(BUILD)/module/$(KERNELRELEASE)
MODULE := $(MODULE_DIR)/vhost_alt.ko
SOURCES := Kbuild uapi $(wildcard *.c *.h)

all: help

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

demo: ## see it work: a guest in a test machine moves traffic through it (Debian, 5 minutes)
	selftests/e2e/demo

check: ## all tests on all test machines (Debian; 45 minutes, 15 with a full cache)
	selftests/check

check-long: ## more of the same: all guests, other kernels, the in-tree module there too
	selftests/check long

quick: ## the selftests in user-mode Linux, in two or three minutes
	selftests/check quick

coverage: ## which lines of the module the selftests run (10 minutes)
	selftests/coverage

modules: $(MODULE_DIR)/Kbuild ## build the module for the running kernel
	$(MAKE) -C $(KERNELDIR) M=$(MODULE_DIR) modules
	@echo 'built $(MODULE)'

# Links, so that several kernels are served by one tree, which stays clean.
$(MODULE_DIR)/Kbuild: $(SOURCES) Makefile
	mkdir -p $(MODULE_DIR)
	ln -sfn $(SOURCES:%=$(CURDIR)/%) $(MODULE_DIR)/

tools: ## build vhostctl (wants libmnl-dev, libjson-c-dev, libncurses-dev)
	$(MAKE) -C tools tools

modules_install: modules ## install the module for the running kernel
	$(MAKE) -C $(KERNELDIR) M=$(MODULE_DIR) INSTALL_MOD_PATH=$(DESTDIR) modules_install

load: modules ## load the module that was built, and show its device
	modprobe -a tun tap
	insmod $(MODULE)
	ls -l /dev/vhost-net-alt

unload: ## unload the module; fails while a guest uses it
	rmmod vhost_alt

bench: ## compare with the in-tree module, in one boot
	bench/run --machine uml

clean: ## remove what was built here, not the cache of test machines
	rm -rf $(BUILD)

.PHONY: all help demo check check-long quick tools coverage modules modules_install load unload bench clean
