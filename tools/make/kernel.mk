# SPDX-License-Identifier: MIT
#
# $(out)/kernel.elf: every .c and .asm below kernel/, arch/x86, arch/x86/$(ARCH) and boot/, by
# wildcard; linked by linker.ld twice, because the symbol table for backtraces is made from the
# first link and put into the second. Objects depend on the headers that they read and on the flags,
# so no `make clean` is ever needed.
#
# From user.mk: $(out)/kernel-libc.a (newlib's mem* and str* compiled with $(KERNEL_CFLAGS)) and, in
# $(kernel_libc_include), the folder with its <string.h>.

KERNEL_MACHINE_pae := -m32 -march=i686
KERNEL_MACHINE_long := -m64 -march=x86-64 -mcmodel=kernel
KERNEL_NASM_pae := -f elf32 -DARCH_PAE
KERNEL_NASM_long := -f elf64 -DARCH_LONG
KERNEL_LD_pae := elf_i386
KERNEL_LD_long := elf_x86_64

# What any code that runs in the kernel is compiled with, newlib's too.
KERNEL_CFLAGS = -std=gnu11 $(KERNEL_MACHINE_$(ARCH)) $(if $(filter 1,$(DEBUG)),-Og -g3 -DDEBUG -DTLBSAN,-O2 -g) \
	$(if $(filter 0,$(FAST_PATH)),-DIPC_GENERAL_ONLY) $(if $(filter 1,$(TLBTRACE)),-DTLBTRACE) \
	-ffreestanding -fbuiltin -fno-pie -fno-pic -fno-stack-protector -fno-omit-frame-pointer -fno-common \
	-fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing \
	-mgeneral-regs-only -mno-red-zone

KERNEL_WARNINGS = -Wall -Wextra $(if $(filter true 1,$(CI)),-Werror)
KERNEL_INCLUDES = -I. -Iarch/x86/$(ARCH) -Iarch/x86 -I$(BUILD) \
	$(if $(kernel_libc_include),-isystem $(kernel_libc_include))

kernel_folders := $(shell find kernel format debug -type d) arch/x86 arch/x86/$(ARCH) boot
kernel_c := $(sort $(foreach folder,$(kernel_folders),$(wildcard $(folder)/*.c)))
kernel_asm := $(sort $(foreach folder,$(kernel_folders),$(wildcard $(folder)/*.asm)))
kernel_objects := $(kernel_c:%.c=$(out)/%.o) $(out)/font.o $(kernel_asm:%.asm=$(out)/%.asm.o)

FAST_PATH ?= 1##  0: every message takes the general way (kernel/ipc/fast.c)

# MUTANT=NAME: in place of one object there is that of the changed file; the image stands in a folder
# of its own, and all other objects are the usual ones.
MUTANT ?=##  build with this one of tests/mutants broken, below $(BUILD)/mutants/NAME
mutant_out := $(BUILD)/mutants/$(MUTANT)
image_out := $(if $(MUTANT),$(mutant_out)/$(ARCH),$(out))
mutant_file := $(if $(MUTANT),$(shell tools/mutate --file '$(MUTANT)' || echo unknown))
ifneq ($(MUTANT),)
ifeq ($(mutant_file),unknown)
$(error MUTANT=$(MUTANT) is unknown: tools/mutate --list)
endif
kernel_objects := $(patsubst $(out)/$(mutant_file:.c=.o),$(image_out)/$(mutant_file:.c=.o),$(kernel_objects))

$(mutant_out)/$(mutant_file): $(mutant_file) tests/mutants tools/mutate
	@mkdir -p $(@D)
	$(call quietly,MUTATE,$<)tools/mutate --apply '$(MUTANT)' $@

# What the change leaves unused is no error.
$(image_out)/$(mutant_file:.c=.o): $(mutant_out)/$(mutant_file) $(out)/kernel.flags
	@mkdir -p $(@D)
	$(call quietly,CC,$<)$(CC) $(KERNEL_CFLAGS) $(KERNEL_INCLUDES) -w \
		-MMD -MP -c $< -o $@

$(image_out)/initrd.cpio: $(out)/initrd.cpio
	@mkdir -p $(@D)
	@cp $< $@
endif

kernel_libc := $(if $(wildcard tools/make/user.mk),$(out)/kernel-libc.a)
kernel_libgcc = $(shell $(CC) $(KERNEL_MACHINE_$(ARCH)) -print-libgcc-file-name)

# Files that change only when the flags do, or when the list of objects does.
$(out)/kernel.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(KERNEL_CFLAGS) $(KERNEL_WARNINGS) $(KERNEL_INCLUDES)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(image_out)/kernel.list: FORCE
	@mkdir -p $(@D)
	@echo '$(kernel_objects)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

.PHONY: FORCE
FORCE:

# From the one table of system calls: the kernel's tables, the library's prototypes and stubs, the
# reference.
generator := tools/generate-syscalls.py
syscall_table := abi/syscalls.def abi/errors.def $(generator)

syscall_headers := $(generated)/syscall_table.h $(generated)/syscall_entries.h

$(generated)/syscall_%.h: $(syscall_table)
	@mkdir -p $(@D)
	$(call quietly,GEN,$@)$(PYTHON) $(generator) $* $@

$(generated)/syscalls.h: $(syscall_table)
	@mkdir -p $(@D)
	$(call quietly,GEN,$@)$(PYTHON) $(generator) header $@

$(generated)/stubs-%.asm: $(syscall_table)
	@mkdir -p $(@D)
	$(call quietly,GEN,$@)$(PYTHON) $(generator) stubs $* $@

# The font, out of its package: for the kernel here, for programs in user.mk.
$(generated)/font.c: tools/make/font.py
	@mkdir -p $(@D)
	$(call quietly,GEN,$@)$(PYTHON) $< $@

$(out)/font.o: $(generated)/font.c $(out)/kernel.flags
	$(call quietly,CC,$<)$(CC) $(KERNEL_CFLAGS) $(KERNEL_WARNINGS) $(KERNEL_INCLUDES) \
		-MMD -MP -c $< -o $@

docs/syscalls.md: $(syscall_table)
	$(call quietly,GEN,$@)$(PYTHON) $(generator) docs $@

$(out)/%.o: %.c $(out)/kernel.flags | $(syscall_headers) $(kernel_libc)
	@mkdir -p $(@D)
	$(call quietly,CC,$<)$(CC) $(KERNEL_CFLAGS) $(KERNEL_WARNINGS) $(KERNEL_INCLUDES) \
		-MMD -MP -c $< -o $@

$(out)/%.asm.o: %.asm $(out)/kernel.flags | $(syscall_headers)
	@mkdir -p $(@D)
	$(call quietly,NASM,$<)nasm $(KERNEL_NASM_$(ARCH)) -g -F dwarf \
		-I./ -Iarch/x86/$(ARCH)/ -Iarch/x86/ -MD $(@:.o=.d) -MP $< -o $@

-include $(kernel_objects:.o=.d)

# linker.ld goes through the C preprocessor, for one of the two machines.
$(out)/linker.ld: linker.ld $(out)/kernel.flags
	$(call quietly,CPP,$<)$(CC) $(KERNEL_MACHINE_$(ARCH)) -fno-pic -std=c11 -E -P -x c $< -o $@

kernel_link = ld -m $(KERNEL_LD_$(ARCH)) -T $(out)/linker.ld -z max-page-size=4096 -z noexecstack \
	--build-id=none --no-warn-rwx-segments -nostdlib

# The first link has an empty symbol table, the second the one made from the first. The table stands
# after all that the kernel's code refers to, so filling it moves no function.
symbols := $(wildcard tools/symbols.py)
$(image_out)/kernel.first.elf: $(kernel_objects) $(image_out)/kernel.list $(out)/linker.ld $(kernel_libc)
	$(call quietly,LD,$@)$(kernel_link) -o $@ $(kernel_objects) $(kernel_libc) $(kernel_libgcc)

$(image_out)/symbols.c: $(image_out)/kernel.first.elf $(symbols)
	$(call quietly,SYMBOLS,$@)$(PYTHON) $(symbols) $< $@

$(image_out)/symbols.o: $(image_out)/symbols.c
	$(call quietly,CC,$<)$(CC) $(KERNEL_CFLAGS) $(KERNEL_INCLUDES) -c $< -o $@

ifneq ($(symbols),)
$(image_out)/kernel.elf: $(image_out)/kernel.first.elf $(image_out)/symbols.o
	$(call quietly,LD,$@)$(kernel_link) -o $@ $(kernel_objects) $(image_out)/symbols.o \
		$(kernel_libc) $(kernel_libgcc)
else
$(image_out)/kernel.elf: $(image_out)/kernel.first.elf
	@cp $< $@
endif

.PHONY: kernel
kernel: $(image_out)/kernel.elf ##  build one kernel without its user programs
