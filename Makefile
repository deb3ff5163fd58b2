# SPDX-License-Identifier: MIT
#
# The one entry point. `make help` prints every target and variable below that carries a "##"
# comment.
#
# One run of make builds for one ARCH, below $(BUILD)/$(ARCH); what needs both kernels calls make
# again.
#   tools/make/kernel.mk   $(out)/kernel.elf from kernel/, arch/ and boot/
#   tools/make/user.mk     $(out)/kernel-libc.a, the C library, user programs, $(out)/initrd.cpio
#   tools/make/iso.mk      the bootable CD image with both kernels
#   tools/make/uefi.mk     the volume with Quartet's own UEFI loader and both kernels
#   tools/make/tests.mk    test-host, mutate and fuzz: what runs on the host
#   tools/make/curve.mk    curve: page faults on up to 64 CPUs, simulated
#   tools/make/tlbsim.mk   tlbsim: traces of both kernels through simulated TLBs
#   tools/make/bench.mk    profile, bench-compare, bench-cascade: where instructions go, and Linux beside
# Scripts do the rest: tools/doctor (tools and packages), tools/qemu (the emulator's command line),
# tools/exec (one shell line in the guest), tools/test (all tests), tools/bench/run.

ARCH ?= pae##  which kernel: pae (32-bit, legacy PAE) or long (64-bit)
MEM ?= 256M##  memory of the machine, e.g. 32M or 6G
CPUS ?= 1##  number of processors
ACCEL ?= tcg##  QEMU accelerator: tcg or kvm
CPU ?= max##  QEMU processor model, e.g. pentium2 or max,-smep
SCREEN ?= none##  gtk or sdl: open a window for the screen: text, or graphics with another BOOT than pvh
BOOT ?= pvh##  pvh (QEMU loads the kernel), grub, grub-uefi, grub-uefi32 (CD image) or uefi, uefi32 (our own loader)
CMD ?=##  the shell line for `make exec`, e.g. CMD='ls; qmap'
TIMEOUT ?= 120##  seconds until `make exec` gives up on a guest that hangs
APPEND ?=##  more words for the kernel's command line, e.g. quiet
DEBUG ?=##  1: -Og and the kernel's own checks
BUILD ?= build##  folder for everything that is built
V ?=##  1: show the commands
ifeq ($(origin CC),default)
CC = gcc
endif
#: CC  the compiler: gcc (default) or clang

# The older names of the ways to boot.
override BOOT := $(patsubst direct,pvh,$(patsubst iso,grub,$(BOOT)))
ifeq ($(filter $(BOOT),pvh grub grub-uefi grub-uefi32 uefi uefi32),)
$(error BOOT=$(BOOT) is unknown: use BOOT=pvh, grub, grub-uefi, grub-uefi32, uefi or uefi32)
endif
# What it needs: groups of tools/doctor, the target that builds it, how tools/qemu calls it.
boot_groups := $(if $(filter grub%,$(BOOT)),iso) $(if $(filter uefi%,$(BOOT)),loader) $(if $(filter %uefi %uefi32,$(BOOT)),uefi)
boot_target := $(if $(filter grub%,$(BOOT)),iso,$(if $(filter uefi%,$(BOOT)),uefi,image))
boot_mode := $(if $(filter pvh,$(BOOT)),run,$(BOOT))

ifeq ($(filter $(ARCH),pae long),)
$(error ARCH=$(ARCH) is unknown: use ARCH=pae or ARCH=long)
endif

.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:

out := $(BUILD)/$(ARCH)
generated := $(BUILD)/generated
PYTHON := /usr/bin/python3
# make again, with a job for each processor unless somebody said -j.
again = $(MAKE) --no-print-directory \
	$(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))
both = $(again) ARCH=pae $(1) && $(again) ARCH=long $(1)

# $(call quietly,WORD,TARGET) opens a recipe line: prints "CC file", with V=1 the command itself,
# with `make -s` nothing.
ifeq ($(V),1)
quietly =
else ifneq ($(findstring s,$(filter-out -%,$(firstword $(MAKEFLAGS)))),)
quietly = @
else
quietly = @printf '%-7s %s\n' '$(1)' '$(2)';
endif

include tools/make/kernel.mk
-include tools/make/user.mk
include tools/make/iso.mk
include tools/make/uefi.mk
-include tools/make/tests.mk
-include tools/make/curve.mk
-include tools/make/bench.mk
-include tools/make/tlbsim.mk

machine = ARCH='$(ARCH)' MEM='$(MEM)' CPUS='$(CPUS)' ACCEL='$(ACCEL)' CPU='$(CPU)' \
	SCREEN='$(SCREEN)' BUILD='$(BUILD)' APPEND='$(APPEND)'

.PHONY: all image run gdb tour exec exec-guest model test test-guest bench bench-smp screenshot docs doctor help clean compile-commands

all: ##  build both kernels and their initial RAM disks (what plain `make` does)
	+@$(call both,image)

image: $(image_out)/kernel.elf $(image_out)/initrd.cpio ##  build the kernel and initrd of one ARCH

run: ##  install what is missing, build, and boot to the shell (leave with `shutdown` or Ctrl-A X)
	@CC='$(CC)' tools/doctor --install build run $(boot_groups) \
		$(if $(filter-out none,$(SCREEN)),gui)
	+@$(again) $(boot_target)
	@echo 'The terminal is the serial line: `shutdown` or Ctrl-A X leaves.'
	@$(machine) tools/qemu $(boot_mode)

# The guest's output is all that stands on standard output. make turns every failure into status 2, but for
# a function of our own that ends it with the guest's status; a make that cannot load it says the status in
# its last line of standard error.
ifneq ($(filter exec,$(MAKECMDGOALS)),)
-load $(BUILD)/exit_status.so
exec_status := $(BUILD)/exec-status.$(shell echo $$PPID)
endif

$(BUILD)/exit_status.so: tools/make/exit_status.c
	@CC='$(CC)' tools/doctor --install build run 1>&2
	@mkdir -p $(@D)
	@$(CC) -shared -fPIC -Wall -Wextra -o $@ $<

exec: exec-guest ##  run CMD in the guest, print only its output, exit with its status (tools/exec: the same)
	$(if $(filter $(BUILD)/exit_status.so,$(.LOADED)),$(exit-status $(file <$(exec_status))$(shell rm -f $(exec_status))))
	@read status < $(exec_status); rm -f $(exec_status); exit $$status

exec-guest:
	@CC='$(CC)' tools/doctor --install build run $(boot_groups) 1>&2
	+@$(again) $(boot_target) 1>&2
	@$(machine) BOOT='$(BOOT)' TIMEOUT='$(TIMEOUT)' tools/exec --built "$$CMD"; echo $$? > $(exec_status)
exec-guest: override export CMD := $(value CMD)

test: ##  run every test on both kernels, and the models; ends with "N passed, N failed"
	@CC='$(CC)' tools/doctor --install build run iso loader uefi test bochs model gdb editor
	@BUILD='$(BUILD)' CC='$(CC)' $(PYTHON) tools/test

model: ##  check the models of tools/model, and that each of their mutants fails (under five minutes)
	@CC='$(CC)' tools/doctor --install build model
	@tools/model/run

test-guest: ##  run only the guest tests of one ARCH (PYTEST='-k demos' selects)
	@CC='$(CC)' tools/doctor --install build run iso loader uefi test bochs gdb
	+@$(again) image $(BUILD)/quartet.iso $(BUILD)/quartet-uefi.img
	@$(machine) $(PYTHON) -m pytest -p no:cacheprovider tests/guest $(PYTEST)
#: PYTEST  more arguments for `make test-guest`

gdb: ##  step through the machine: QEMU stopped, GDB attached (PROGRAM=sh: at its first instruction)
	@CC='$(CC)' tools/doctor --install build run gdb $(boot_groups)
	+@$(again) $(boot_target)
	@$(machine) BOOT='$(BOOT)' PROGRAM='$(PROGRAM)' GDBPORT='$(GDBPORT)' tools/gdb/start
tour: ##  write the listings of docs/stepping.md anew: GDB steps through both kernels
	@CC='$(CC)' tools/doctor --install build run gdb
	+@$(again) all
	@tools/gdb/tour.py '$(BUILD)'

#: PROGRAM  for `make gdb`: the user program to stop in
#: GDBPORT  for `make gdb`: the port between GDB and QEMU; without it a free one is chosen

bench: ##  count guest instructions: lines ARCH<TAB>name<TAB>number (ARCH=: of one kernel; CPUS=2)
	@CC='$(CC)' tools/doctor --install build run 1>&2
ifeq ($(origin ARCH),command line)
	+@$(again) image 1>&2
	@BUILD='$(BUILD)' CPUS='$(CPUS)' $(PYTHON) tools/bench/run $(ARCH)
else
	+@$(again) all 1>&2
	@BUILD='$(BUILD)' CPUS='$(CPUS)' $(PYTHON) tools/bench/run pae long
endif

bench-smp: ##  measure page faults of two CPUs at once against one, with lock=quarter and lock=big
	@CC='$(CC)' tools/doctor --install build run 1>&2
ifeq ($(origin ARCH),command line)
	+@$(again) image 1>&2
	@BUILD='$(BUILD)' $(PYTHON) tools/bench/smp $(ARCH)
else
	+@$(again) all 1>&2
	@BUILD='$(BUILD)' $(PYTHON) tools/bench/smp pae long
endif

screenshot: ##  a picture of qview on the guest's graphics screen: build/qview-pae.png (ARCH=long: the other)
	@CC='$(CC)' tools/doctor --install build run iso test
	+@$(again) iso
	@ARCH='$(ARCH)' BUILD='$(BUILD)' $(PYTHON) tools/screenshot '$(BUILD)/qview-$(ARCH).png'

docs: docs/syscalls.md ##  generate docs/syscalls.md from the system-call table

doctor: ##  which tools are there, which are missing, and the line that installs them
	@CC='$(CC)' tools/doctor

help: ##  this list
	@tools/make/help Makefile tools/make/*.mk

compile-commands: ##  write compile_commands.json, for clangd and other editors
	@CC='$(CC)' tools/doctor --install build editor
	@rm -rf $(BUILD)/bear
	@bear -- $(MAKE) --no-print-directory BUILD=$(BUILD)/bear image

clean: ##  remove everything that was built
	rm -rf $(BUILD) docs/syscalls.md
