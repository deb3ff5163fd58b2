# SPDX-License-Identifier: MIT
#
# What runs on the host: tests/host/test_NAME.c, each a cmocka program, under ASan and UBSan.
#   vm tests     the real kernel/vm, budgets, caches, locks and requests over arch/sim, built twice: views in
#                directories of their own as on pae (sim1), or in the root as on long (sim0)
#   ipc tests    test_ipc*.c: the whole portable kernel with threads over arch/sim, as on long (sim0)
#   pure tests   parsers, built once, with nothing of the kernel but the parser
#   fuzz_NAME.c  libFuzzer targets for the parsers (clang); a short run in test-host, a long one in `make fuzz`

FUZZ_SECONDS ?= 60##  seconds for each fuzzer in `make fuzz`
SOAK_SECONDS ?= 600##  seconds of `make soak`
OPERATIONS ?= 100000##  random VM operations of each configuration in `make test-host`
#: SEED  the random host tests' seed: a number repeats a run, `random` takes a new one [fixed]
FUZZ_SHORT := 3

host_out := $(BUILD)/host
HOST_CC ?= gcc##  compiler of the host tests
HOST_CLANG ?= clang##  compiler of the fuzzers
HOST_CFLAGS = -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -Wall -Wextra \
	$(if $(filter true 1,$(CI)),-Werror) -DDEBUG -I. -MMD -MP
HOST_SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined
HOST_WRAPPED := frame_allocate frame_allocate_low_run frame_allocate_large frame_release frame_free \
	frame_release_large cache_allocate cache_free budget_charge
HOST_WRAP = $(foreach function,$(HOST_WRAPPED),-Wl,--wrap=$(function))
HOST_WRAP_THREADS = $(foreach function,thread_free call_ipc_call_short call_ipc_reply_receive_short \
	call_ipc_call_short_generally call_ipc_reply_receive_short_generally,-Wl,--wrap=$(function))

host_kernel := $(wildcard kernel/vm/*.c) debug/tlbsan.c debug/tlbtrace.c kernel/base/cache.c kernel/base/cpu.c kernel/base/request.c kernel/base/spinlock.c \
	kernel/object/budget.c
host_machine := $(host_kernel) $(filter-out arch/sim/thread.c arch/sim/devices.c,$(wildcard arch/sim/*.c)) tests/host/harness.c
host_common := $(host_machine) tests/host/world.c tests/host/audit.c tests/host/model.c $(wildcard tests/host/crowd*.c)
# With threads: the scheduler, processes, messages and system calls as well.
host_threads := $(patsubst tests/host/test_%.c,%,$(wildcard tests/host/test_ipc*.c))
host_threads_common := $(host_machine) arch/sim/thread.c arch/sim/devices.c kernel/base/heap.c $(filter-out $(host_kernel),$(wildcard kernel/object/*.c kernel/device/*.c \
	kernel/ipc/*.c kernel/process/*.c kernel/sched/*.c kernel/syscall/*.c) debug/syscall_trace.c) $(addprefix tests/host/,threads.c actors.c ipc_world.c ipc_audit.c ipc_model.c)
host_pure := elf elf32 cpio boot acpi heap loader screen monitor
host_pure_sources_heap := kernel/base/heap.c
host_pure_sources_cpio := format/cpio.c
host_pure_sources_monitor := debug/monitor/line.c
host_pure_sources_boot := boot/framebuffer.c boot/memory_map.c boot/multiboot2.c boot/pvh.c boot/read.c
host_pure_sources_screen := format/text_screen.c format/vga_text.c format/glyph_screen.c \
	$(generated)/font.c
host_pure_sources_acpi := arch/x86/acpi.c boot/read.c
host_pure_sources_loader := $(addprefix boot/uefi/,edit.c information.c kernel_image.c memory.c menu.c) $(host_pure_sources_boot)
host_vm := $(filter-out $(host_pure) $(host_threads),$(patsubst tests/host/test_%.c,%,$(wildcard tests/host/test_*.c)))
host_fuzzers := $(patsubst tests/host/fuzz_%.c,%,$(wildcard tests/host/fuzz_*.c))

host_vm_binaries := $(foreach name,$(host_vm),$(host_out)/sim0/test_$(name) $(host_out)/sim1/test_$(name)) \
	$(host_threads:%=$(host_out)/sim0/test_%)
host_binaries := $(host_vm_binaries) \
	$(host_pure:%=$(host_out)/pure/test_%)
host_fuzz_binaries := $(host_fuzzers:%=$(host_out)/fuzz/fuzz_%)

$(host_out)/pure/%.o: %.c
	@mkdir -p $(@D)
	$(call quietly,HOSTCC,$(@:$(host_out)/%=%))$(HOST_CC) $(HOST_CFLAGS) $(HOST_SANITIZE) -c $< -o $@

$(host_out)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(call quietly,CLANG,$(@:$(host_out)/%=%))$(HOST_CLANG) $(HOST_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined \
		-fno-sanitize-recover=undefined -c $< -o $@

# With MUTANT=NAME, programs of its own: all objects but that of the changed file are the usual ones.
host_programs := $(if $(MUTANT),$(mutant_out)/host,$(host_out))
host-object = $(if $(filter $(mutant_file),$(2)),$(mutant_out)/host,$(host_out))/$(1)/$(2:.c=.o)

host-compile = $(call quietly,HOSTCC,$(@:$(host_out)/%=%))mkdir -p $(@D) && $(HOST_CC) $(HOST_CFLAGS) \
	$(HOST_SANITIZE) -Iarch/sim -I$(BUILD) -DSIM -Dsched_yield=kernel_sched_yield -DSIM_VIEW_DIRECTORIES=$(1) $(if $(MUTANT),-w) -c $< -o $@

# $(call host-program,VARIANT,VIEWS): the programs of one build of the simulator.
define host-program
$(host_out)/$(1)/%.o: %.c | $(syscall_headers)
	$$(call host-compile,$(2))

$(if $(MUTANT),$(mutant_out)/host/$(1)/%.o: $(mutant_out)/%.c
	$$(call host-compile,$(2)))

$(host_programs)/$(1)/test_%: $(host_out)/$(1)/tests/host/test_%.o $(foreach file,$(host_common),$(call host-object,$(1),$(file)))
	$$(call quietly,LINK,$$(@:$(host_out)/%=%))$$(HOST_CC) $$(HOST_SANITIZE) $$(HOST_WRAP) $$^ -lcmocka -o $$@

$(host_threads:%=$(host_programs)/$(1)/test_%): $(host_programs)/$(1)/test_%: $(host_out)/$(1)/tests/host/test_%.o \
		$(foreach file,$(host_threads_common),$(call host-object,$(1),$(file)))
	$$(call quietly,LINK,$$(@:$(host_out)/%=%))mkdir -p $$(@D) && $$(HOST_CC) $$(HOST_SANITIZE) $$(HOST_WRAP) $(HOST_WRAP_THREADS) $$^ -lcmocka -o $$@
endef
$(eval $(call host-program,sim0,0))
$(eval $(call host-program,sim1,1))

define host-pure-program
$(host_out)/pure/test_$(1): $(host_out)/pure/tests/host/test_$(1).o $(host_pure_sources_$(1):%.c=$(host_out)/pure/%.o)
	$$(call quietly,LINK,$$(@:$(host_out)/%=%))$$(HOST_CC) $$(HOST_SANITIZE) $$^ -lcmocka -o $$@

$(host_out)/fuzz/fuzz_$(1): $(host_out)/fuzz/tests/host/fuzz_$(1).o $(host_pure_sources_$(1):%.c=$(host_out)/fuzz/%.o)
	$$(call quietly,LINK,$$(@:$(host_out)/%=%))$$(HOST_CLANG) -fsanitize=fuzzer,address,undefined $$^ -o $$@
endef
$(foreach name,$(host_pure),$(eval $(call host-pure-program,$(name))))

-include $(shell [ -d $(host_out) ] && find $(host_out) -name '*.d')

# The sources of the kernel in each, for tools/mutate.
host-sources:
	@echo $(foreach file,$(host_common),vm:$(file)) $(foreach file,$(host_threads_common),threads:$(file))

.PHONY: host-sources test-host fuzz soak mutate host-binaries host-vm-binaries host-vm-list
host-binaries: $(host_binaries) $(host_fuzz_binaries)
host-vm-binaries: $(host_vm_binaries)
host-vm-list:
	@echo $(host_vm_binaries)

mutate: ##  break the kernel once for each of tests/mutants (MUTANTS='a b': these); the host tests must fail
	@CC='$(CC)' tools/doctor --install build test
	@BUILD='$(BUILD)' OPERATIONS='$(OPERATIONS)' $(PYTHON) tools/mutate $(if $(TABLE),--table $(TABLE)) $(MUTANTS)
#: MUTANTS  names for `make mutate` [all]
#: TABLE  a file whose Results `make mutate` replaces, e.g. docs/mutants.md

test-host: host-binaries ##  run the host tests: VM, messages and threads over the simulated machine, parsers, short fuzzing
	@OPERATIONS='$(OPERATIONS)' FUZZ_SECONDS=$(FUZZ_SHORT) tests/host/run $(host_binaries) -- $(host_fuzz_binaries)

soak_binaries := $(foreach name,interleave random,$(host_out)/sim0/test_$(name) $(host_out)/sim1/test_$(name)) \
	$(host_out)/sim0/test_ipc_random
soak: $(soak_binaries) ##  random operations on one and on many simulated CPUs for SOAK_SECONDS, each round with new seeds
	@OPERATIONS='$(OPERATIONS)' tests/host/soak '$(SOAK_SECONDS)' $(soak_binaries)

fuzz: $(host_fuzz_binaries) ##  fuzz the parsers for FUZZ_SECONDS each
	@FUZZ_SECONDS='$(FUZZ_SECONDS)' tests/host/run -- $(host_fuzz_binaries)
