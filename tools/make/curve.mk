# SPDX-License-Identifier: MIT
#
# $(host_out)/curve, the simulation behind `make curve`: the VM over arch/sim, as the host tests have it.

$(host_out)/curve: $(host_out)/sim0/tools/bench/curve.o $(host_common:%.c=$(host_out)/sim0/%.o)
	$(call quietly,LINK,curve)$(HOST_CC) $(HOST_SANITIZE) $(HOST_WRAP) $^ -lcmocka -o $@

.PHONY: curve
curve: ##  simulate page faults on 1 to 64 CPUs: a table, and plots in $(BUILD)/curve
	@CC='$(CC)' tools/doctor --install build run test plot
	+@$(again) all $(host_out)/curve
	@BUILD='$(BUILD)' tools/bench/curve $(if $(TABLE),--table $(TABLE)) pae long
