# SPDX-License-Identifier: MIT
#
# What measures beside `make bench`: profile says where a row's instructions go, bench-compare measures
# Linux too, bench-cascade what copy-on-write is worth, bench-events what rows do that is dear, size lines and
# bytes.

#: ROW  the row of `make bench` for `make profile`, e.g. ROW=ipc_roundtrip
#: LINE  or a shell line, e.g. LINE='ls /bin'
#: LINES  1: `make profile` tells lines of the source apart
#: TABLES  1: bench-compare, bench-cascade, bench-events, bench-bochs and size print Markdown, for docs/results.md
#: ALL  1: `make profile` also lists what takes less than half a percent

$(BUILD)/host/profile.so: tools/bench/profile.c tools/bench/qemu_plugin.h
	@mkdir -p $(@D)
	$(call quietly,HOSTCC,$@)$(HOST_CC) -shared -fPIC -std=gnu11 -O2 -Wall -Wextra \
		$(if $(filter true 1,$(CI)),-Werror) -o $@ $<

.PHONY: profile bench-events bench-bochs bench-baseline
profile: ##  count the instructions of one row of `make bench` by function (ARCH=long ROW=null_syscall)
	@CC='$(CC)' tools/doctor --install build run 1>&2
	+@$(again) image $(BUILD)/host/profile.so 1>&2
	@BUILD='$(BUILD)' $(PYTHON) tools/bench/profile $(if $(LINES),--lines) $(if $(ALL),--all) \
		$(if $(ROW),'$(ROW)') $(if $(value LINE),--line "$$LINE") '$(ARCH)'
profile: override export LINE := $(value LINE)

#: REASON  for `make bench-baseline`: why figures change
bench-baseline: ##  take the present figures as those that may not grow (REASON='why'): tools/bench/baseline.tsv
	@CC='$(CC)' tools/doctor --install build run 1>&2
	+@$(again) all 1>&2
	@BUILD='$(BUILD)' $(PYTHON) tools/bench/baseline.py "$$REASON"
bench-baseline: override export REASON := $(value REASON)

bench-events: ##  count what each row of `make bench` does that is dear: roots loaded, locks, atomics, MSRs
	@CC='$(CC)' tools/doctor --install build run 1>&2
	+@$(again) all $(BUILD)/host/profile.so 1>&2
	@BUILD='$(BUILD)' $(PYTHON) tools/bench/events $(if $(TABLES),--table) long pae

bench-bochs: ##  count the main rows in Bochs too: a table of both emulators, and of PCIDs (half a minute)
	@CC='$(CC)' tools/doctor --install build run iso bochs 1>&2
	+@$(again) all $(BUILD)/host/profile.so 1>&2
	@BUILD='$(BUILD)' $(PYTHON) tools/bench/bochs $(if $(TABLES),--table) long pae

# ---- Linux beside it ------------------------------------------------------------------------------

$(BUILD)/linux/vmlinuz: tools/bench/linux/fetch
	$(call quietly,FETCH,$@)tools/bench/linux/fetch $(@D)
	@touch $@

linux_init := $(sort $(wildcard tools/bench/linux/*.c))
$(BUILD)/linux/init: $(linux_init) tools/bench/linux/init.h
	@mkdir -p $(@D)
	$(call quietly,HOSTCC,$@)$(HOST_CC) -static -std=gnu11 -O2 -Wall -Wextra \
		$(if $(filter true 1,$(CI)),-Werror) -s -o $@ $(linux_init) -pthread

$(BUILD)/linux/initrd.cpio: $(BUILD)/linux/init
	$(call quietly,CPIO,$@)cd $(@D) && echo init | cpio -o -H newc -R 0:0 --quiet >initrd.cpio

.PHONY: bench-compare bench-cascade

bench-compare: ##  measure Quartet and Debian's Linux on the same work: a table, $(BUILD)/compare (one minute)
	@CC='$(CC)' tools/doctor --install build run plot 1>&2
	+@$(again) all $(BUILD)/linux/vmlinuz $(BUILD)/linux/initrd.cpio $(BUILD)/host/profile.so 1>&2
	@BUILD='$(BUILD)' ACCEL='$(ACCEL)' $(PYTHON) tools/bench/compare $(if $(TABLES),--table)

bench-cascade: ##  measure fork and the writes after it against cow=eager: a table, a plot in $(BUILD)/compare
	@CC='$(CC)' tools/doctor --install build run plot 1>&2
	+@$(again) all 1>&2
	@BUILD='$(BUILD)' $(PYTHON) tools/bench/cascade $(if $(TABLES),--table)

.PHONY: size results
#: TARGETS  for `make results`: these of its tables (bench-compare: README.md's, too) [all]
results: ##  measure again all that docs/results.md and README.md say (two minutes), and put it there
	@CC='$(CC)' tools/doctor --install build run plot size 1>&2
	@BUILD='$(BUILD)' $(PYTHON) tools/bench/results $(TARGETS)

size: ##  lines of code by folder, bytes of the images, time of a build, instructions of a boot
	@CC='$(CC)' tools/doctor --install build run size 1>&2
	+@$(again) all 1>&2
	@BUILD='$(BUILD)' NEWLIB_CACHE='$(NEWLIB_CACHE)' $(PYTHON) tools/bench/size $(if $(TABLES),--table)
