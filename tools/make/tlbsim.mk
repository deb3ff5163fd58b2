# SPDX-License-Identifier: MIT
#
# What sharing per quarter buys, simulated (docs/tlbsim.md): kernels that write a trace, and the programs of
# tools/bench/workloads, in a folder of their own; a plugin for QEMU; the simulator.

TLBTRACE ?=##  1: the kernel tells tools/tlbsim what it does to translations
tlbsim_out := $(BUILD)/tlbsim

tlbsim_compile = mkdir -p $(@D) && $(HOST_CC) -std=gnu11 -O2 -g -Wall -Wextra \
	$(if $(filter true 1,$(CI)),-Werror) -I. -MMD -MP -o $@

$(tlbsim_out)/trace.so: tools/tlbsim/trace.c
	$(call quietly,HOSTCC,$@)$(tlbsim_compile) -shared -fPIC $<

tlbsim_sources := $(filter-out tools/tlbsim/trace.c,$(wildcard tools/tlbsim/*.c))
$(tlbsim_out)/tlbsim: $(tlbsim_sources) $(wildcard tools/tlbsim/*.h)
	$(call quietly,HOSTCC,$@)$(tlbsim_compile) $(tlbsim_sources)

-include $(wildcard $(tlbsim_out)/*.d)

# The traced kernel of one ARCH, and the usual initrd with the workloads.
tlbsim_workloads := $(patsubst tools/bench/workloads/%.c,$(out)/extra/%.elf,$(wildcard tools/bench/workloads/*.c))
tlbsim_staging := $(tlbsim_out)/$(ARCH)/staging

.PHONY: tlbsim tlbsim-image
tlbsim-image: ##  build what `make tlbsim` runs on one ARCH
	+@$(again) image $(tlbsim_out)/trace.so $(tlbsim_out)/tlbsim
	+@$(again) kernel BUILD='$(tlbsim_out)' NEWLIB_CACHE='$(NEWLIB_CACHE)' TLBTRACE=1
	+@$(again) EXTRA=tools/bench/workloads $(tlbsim_workloads)
	@rm -rf $(tlbsim_staging) && cp -a $(out)/initrd $(tlbsim_staging)
	@$(foreach program,$(tlbsim_workloads),\
		strip -o $(tlbsim_staging)/bin/$(basename $(notdir $(program))) $(program) &&) true
	@cd $(tlbsim_staging) && find . -mindepth 1 | sed 's,^\./,,' | LC_ALL=C sort | \
		cpio -o -H newc -R 0:0 --quiet >../initrd.cpio

#: TABLE  a file whose tables `make tlbsim` replaces, e.g. docs/tlbsim.md
tlbsim: ##  simulate what sharing per quarter buys, by traces of both kernels: tables, $(BUILD)/tlbsim/results.tsv
	@CC='$(CC)' tools/doctor --install build run 1>&2
	+@$(call both,tlbsim-image) 1>&2
	@BUILD='$(BUILD)' $(PYTHON) tools/tlbsim/run $(if $(TABLE),--table $(TABLE)) long pae
