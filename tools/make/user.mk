# SPDX-License-Identifier: MIT
#
# User space: the C library (newlib, built once per ARCH), user/lib, the programs, and
# $(out)/initrd.cpio.
#
# A program is one file; it is found by its place:
#   user/bin/NAME.c, user/demos/NAME.c   /bin/NAME
#   user/servers/init.c                  /init, which the kernel starts
#   user/servers/NAME.c                  /servers/NAME
# A larger program has more files in a folder of its name beside it, user/bin/NAME/*.c.
# Files below user/etc go to /etc, the pages of docs/man and one for each system call to /man. Unstripped
# programs (for GDB) stay in $(out)/user, as NAME.elf.

EXTRA ?=##  a folder with further programs: each EXTRA/NAME.c becomes /bin/NAME
NEWLIB_CACHE ?= build/newlib##  where the built C library is kept; builds may share it
newlib := $(NEWLIB_CACHE)/$(ARCH)
newlib_string := $(NEWLIB_CACHE)/source/newlib/libc/string
kernel_libc_include := $(newlib)/include

$(newlib)/stamp: tools/make/build-newlib user/lib/newlib/dirent.h
	$(call quietly,NEWLIB,$(newlib) (half a minute, once))\
		tools/make/build-newlib $(ARCH) $(NEWLIB_CACHE)

# ---- What the kernel needs of the C library: newlib's portable sources under the kernel's flags

kernel_libc_names := memcmp memcpy memmove memset memchr \
	strchr strcmp strlen strncmp strncpy strnlen
kernel_libc_objects := $(kernel_libc_names:%=$(out)/kernel-libc/%.o)

# -fno-tree-loop-distribute-patterns: else gcc turns the loop in memset into a call of memset.
kernel_libc_flags = $(KERNEL_CFLAGS) -O2 -fno-builtin -ffunction-sections -w \
	$(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns) \
	-isystem $(newlib)/include -I$(newlib_string)

$(kernel_libc_objects): $(out)/kernel-libc/%.o: $(newlib)/stamp $(out)/kernel.flags
	@mkdir -p $(@D)
	$(call quietly,CC,newlib $*.c for the kernel)\
		$(CC) $(kernel_libc_flags) -c $(newlib_string)/$*.c -o $@

$(out)/kernel-libc.a: $(kernel_libc_objects)
	@rm -f $@
	$(call quietly,AR,$@)ar rcD $@ $^

# ---- Compiling and linking programs ------------------------------------------------------------------

# pae programs run on processors without SSE.
USER_MACHINE_pae := -m32 -march=i686 -mno-sse -mfpmath=387 -DARCH_PAE
USER_MACHINE_long := -m64 -march=x86-64 -mcmodel=small -DARCH_LONG
USER_NASM_pae := -f elf32
USER_NASM_long := -f elf64

user_compiler_include = $(shell $(CC) -print-file-name=include)
user_libgcc = $(shell gcc $(USER_MACHINE_$(ARCH)) -print-libgcc-file-name)
USER_CFLAGS = -std=gnu11 $(USER_MACHINE_$(ARCH)) -O2 -g -Wall -Wextra -Wno-format-zero-length \
	$(if $(filter true 1,$(CI)),-Werror) -fno-pie -fno-pic -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -ftls-model=local-exec \
	-U__linux__ -U__linux -Ulinux -U__gnu_linux__ -D__quartet__ \
	-D__DYNAMIC_REENT__ -D_POSIX_TIMERS=1 -D_POSIX_MONOTONIC_CLOCK=1 \
	-nostdinc -I. -Iuser/lib -I$(generated) -isystem user/lib/include \
	-isystem $(user_compiler_include) -isystem $(newlib)/include

user_library_c := $(sort $(wildcard user/lib/*.c user/lib/pthread/*.c))
user_programs_c := $(sort $(wildcard user/bin/*.c user/demos/*.c user/servers/*.c))
user_programs := $(user_programs_c:%.c=$(out)/%.elf)
extra_programs := $(patsubst $(EXTRA)/%.c,$(out)/extra/%.elf,$(if $(EXTRA),$(wildcard $(EXTRA)/*.c)))
user_parts_c := $(sort $(wildcard user/bin/*/*.c user/demos/*/*.c user/servers/*/*.c))
user_etc := $(sort $(wildcard user/etc/*))
user_man := $(sort $(filter-out %/README.md,$(wildcard docs/man/*.md)))
user_format_objects := $(out)/user/lib/elf.o $(out)/user/lib/cpio.o $(out)/user/lib/text_screen.o \
	$(out)/user/lib/vga_text.o $(out)/user/lib/glyph_screen.o
user_library_objects := $(user_library_c:%.c=$(out)/%.o) $(user_format_objects) \
	$(out)/user/lib/stubs.o $(out)/user/lib/font.o
user_crt := $(out)/user/lib/crt-$(ARCH).o

# Files that change only when the flags do, or when the set of files does.
$(out)/user.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(USER_CFLAGS)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(out)/user.list: FORCE
	@mkdir -p $(@D)
	@echo '$(user_library_objects) $(user_programs) $(user_parts_c) $(user_etc) $(user_man)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(out)/extra.list: FORCE
	@mkdir -p $(@D)
	@echo '$(extra_programs)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

user_compile = $(call quietly,CC,$<)$(CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@
user_needs := $(out)/user.flags $(newlib)/stamp
user_generated := $(generated)/syscalls.h

$(out)/user/%.o: user/%.c $(user_needs) | $(user_generated)
	@mkdir -p $(@D)
	$(user_compile)

ifneq ($(EXTRA),)
# Not ours: its warnings are its maker's business.
$(out)/extra/%.o: $(EXTRA)/%.c $(user_needs) | $(user_generated)
	@mkdir -p $(@D)
	$(call quietly,CC,$<)$(CC) $(USER_CFLAGS) -w -I$(EXTRA) -c $< -o $@
endif

$(user_format_objects): $(out)/user/lib/%.o: format/%.c $(user_needs) | $(user_generated)
	@mkdir -p $(@D)
	$(user_compile)

$(out)/user/lib/font.o: $(generated)/font.c $(user_needs)
	@mkdir -p $(@D)
	$(user_compile)

$(out)/user/lib/stubs.o: $(generated)/stubs-$(ARCH).asm
	@mkdir -p $(@D)
	$(call quietly,NASM,$<)nasm $(USER_NASM_$(ARCH)) -g -F dwarf $< -o $@

$(user_crt): user/lib/crt-$(ARCH).asm
	@mkdir -p $(@D)
	$(call quietly,NASM,$<)nasm $(USER_NASM_$(ARCH)) -g -F dwarf $< -o $@

$(out)/user/lib/libquartet.a: $(user_library_objects) $(out)/user.list
	@rm -f $@
	$(call quietly,AR,$@)ar rcD $@ $(user_library_objects)

# libquartet.a stands before libc.a, so that its __getreent takes the place of newlib's; its locks do
# because user/lib/user.ld asks for them by name. The wrapped call is the one that user/lib/clone.c has
# to see: a clone's cached identity is stale. A program's objects are its own and those of its folder.
user_objects_of = $(out)/$(1).o $(patsubst %.c,$(out)/%.o,$(filter $(1)/%,$(user_parts_c)))

.SECONDEXPANSION:
$(user_programs) $(extra_programs): $(out)/%.elf: $$(call user_objects_of,$$*) $(user_crt) \
		$(out)/user/lib/libquartet.a user/lib/user.ld
	$(call quietly,LD,$@)gcc $(USER_MACHINE_$(ARCH)) -static -nostdlib -no-pie -T user/lib/user.ld \
		-Wl,--gc-sections,--build-id=none,-z,max-page-size=4096,-z,noexecstack,--wrap=process_clone \
		-o $@ $(user_crt) $(call user_objects_of,$*) -Wl,--start-group $(out)/user/lib/libquartet.a \
		$(newlib)/lib/libc.a $(newlib)/lib/libm.a $(user_libgcc) -Wl,--end-group

-include $(user_library_objects:.o=.d) $(user_programs:.elf=.d) $(user_parts_c:%.c=$(out)/%.d)

# ---- The initial RAM disk: reproducible, whatever the day, the user and the order of the build

staging := $(out)/initrd
$(out)/initrd.cpio: $(user_programs) $(extra_programs) $(user_etc) $(user_man) $(syscall_table) $(out)/user.list $(out)/extra.list tools/make/user.mk
	@rm -rf $(staging)
	@mkdir -p $(staging)/bin $(staging)/servers $(staging)/etc $(staging)/man $(staging)/tmp
	@$(foreach program,$(filter $(out)/user/bin/% $(out)/user/demos/%,$(user_programs)) $(extra_programs),\
		strip -o $(staging)/bin/$(basename $(notdir $(program))) $(program) &&) true
	@$(foreach program,$(filter $(out)/user/servers/%,$(user_programs)),\
		strip -o $(staging)/servers/$(basename $(notdir $(program))) $(program) &&) true
	@if [ -e $(staging)/servers/init ]; then mv $(staging)/servers/init $(staging)/init; fi
	@$(if $(user_etc),cp $(user_etc) $(staging)/etc/)
	@cp $(user_man) $(staging)/man/
	@$(PYTHON) $(generator) man $(staging)/man
	@cd $(staging) && find . -type d -exec chmod 755 {} + && \
		find bin servers -type f -exec chmod 755 {} + && \
		find etc man -type f -exec chmod 644 {} + && find . -exec touch -h -d @0 {} +
	$(call quietly,CPIO,$@)cd $(staging) && find . -mindepth 1 | sed 's,^\./,,' | LC_ALL=C sort | \
		cpio -o -H newc -R 0:0 --reproducible --quiet >$(abspath $@)

.PHONY: user
user: $(out)/initrd.cpio ##  build the user programs and the initrd of one ARCH
