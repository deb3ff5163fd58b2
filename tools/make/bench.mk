# SPDX-License-Identifier: MIT
#
# What measures beside `make bench`: profile, which says where a row's instructions go.

#: ROW  the row of `make bench` for `make profile`, e.g. ROW=ipc_roundtrip
#: LINE  or a shell line, e.g. LINE='ls /bin'
#: LINES  1: `make profile` tells lines of the source apart
#: ALL  1: `make profile` also lists what takes less than half a percent

$(BUILD)/host/profile.so: tools/bench/profile.c tools/bench/qemu_plugin.h
	@mkdir -p $(@D)
	$(call quietly,HOSTCC,$@)$(HOST_CC) -shared -fPIC -std=gnu11 -O2 -Wall -Wextra \
		$(if $(filter true 1,$(CI)),-Werror) -o $@ $<

.PHONY: profile
profile: ##  count the instructions of one row of `make bench` by function (ARCH=long ROW=null_syscall)
	@CC='$(CC)' tools/doctor --install build run 1>&2
	+@$(again) image $(BUILD)/host/profile.so 1>&2
	@BUILD='$(BUILD)' $(PYTHON) tools/bench/profile $(if $(LINES),--lines) $(if $(ALL),--all) \
		$(if $(ROW),'$(ROW)') $(if $(value LINE),--line "$$LINE") '$(ARCH)'
profile: override export LINE := $(value LINE)
