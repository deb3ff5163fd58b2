# SPDX-License-Identifier: MIT
#
# $(BUILD)/quartet-uefi.img: a FAT volume with Quartet's own UEFI loader (boot/uefi, built with GNU-EFI for 64-bit
# and for 32-bit firmware), both kernels, each with its own initrd, the CRC-32 of all four, and the menu. QEMU
# starts it by `make run BOOT=uefi` and `BOOT=uefi32`. Two builds of the same files are equal byte for byte
# (iso_epoch, volume_number; objcopy writes no date).

volume_number := 51554152# "QUAR", the serial number of the FAT file system
uefi_out := $(BUILD)/uefi
UEFI_MACHINE_x64 := -m64 -march=x86-64 -mno-red-zone -DGNU_EFI_USE_MS_ABI -I/usr/include/efi/x86_64
UEFI_MACHINE_ia32 := -m32 -march=i686 -I/usr/include/efi/ia32
UEFI_NASM_x64 := -f elf64
UEFI_NASM_ia32 := -f elf32
UEFI_LD_x64 := elf_x86_64
UEFI_LD_ia32 := elf_i386
UEFI_NAME_x64 := x86_64
UEFI_NAME_ia32 := ia32
UEFI_LIBRARY_x64 := /usr/lib
UEFI_LIBRARY_ia32 := /usr/lib32
# newlib's sources under the loader's flags, for what GNU-EFI's library lacks; the folder of ARCH serves as well.
UEFI_NEWLIB_x64 := $(NEWLIB_CACHE)/long
UEFI_NEWLIB_ia32 := $(NEWLIB_CACHE)/pae
uefi_libc_names := memcmp memmove strlen strcmp

UEFI_CFLAGS = -std=gnu11 $(UEFI_MACHINE_$(1)) -O2 -g -ffreestanding -fshort-wchar -fpic -fno-stack-protector \
	-fno-strict-aliasing -fno-asynchronous-unwind-tables -fcf-protection=none -mgeneral-regs-only -fvisibility=hidden
UEFI_WARNINGS = -Wall -Wextra $(if $(filter true 1,$(CI)),-Werror)

uefi_c := $(sort $(wildcard boot/uefi/*.c))
uefi_asm := $(sort $(wildcard boot/uefi/*.asm))

# $(call uefi-program,FIRMWARE): its loader, x64 or ia32.
define uefi-program
$(uefi_out)/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(call quietly,CC,$$@)$$(CC) $$(call UEFI_CFLAGS,$(1)) $$(UEFI_WARNINGS) -I. -isystem /usr/include/efi \
		-isystem $$(UEFI_NEWLIB_$(1))/include -MMD -MP -c $$< -o $$@

$(uefi_out)/$(1)/%.asm.o: %.asm
	@mkdir -p $$(@D)
	$$(call quietly,NASM,$$@)nasm $$(UEFI_NASM_$(1)) -g -F dwarf -MD $$(@:.o=.d) -MP $$< -o $$@

$(uefi_out)/$(1)/newlib/%.o: $$(UEFI_NEWLIB_$(1))/stamp
	@mkdir -p $$(@D)
	$$(call quietly,CC,newlib $$*.c for the loader)$$(CC) $$(call UEFI_CFLAGS,$(1)) -fno-builtin -w \
		$$(if $$(findstring clang,$$(CC)),,-fno-tree-loop-distribute-patterns) \
		-isystem $$(UEFI_NEWLIB_$(1))/include -I$$(newlib_string) -c $$(newlib_string)/$$*.c -o $$@

$(uefi_c:%.c=$(uefi_out)/$(1)/%.o): | $$(UEFI_NEWLIB_$(1))/stamp

$(uefi_out)/$(1)/loader.so: $(uefi_c:%.c=$(uefi_out)/$(1)/%.o) $(uefi_asm:%.asm=$(uefi_out)/$(1)/%.asm.o) \
		$(uefi_libc_names:%=$(uefi_out)/$(1)/newlib/%.o)
	$$(call quietly,LD,$$@)ld -m $$(UEFI_LD_$(1)) -shared -Bsymbolic -nostdlib -znocombreloc -z noexecstack \
		--no-undefined --build-id=none --no-warn-rwx-segments -T $$(UEFI_LIBRARY_$(1))/elf_$$(UEFI_NAME_$(1))_efi.lds \
		-L $$(UEFI_LIBRARY_$(1)) $$(UEFI_LIBRARY_$(1))/crt0-efi-$$(UEFI_NAME_$(1)).o $$^ -o $$@ \
		-l:libefi.a -l:libgnuefi.a $$(shell $$(CC) $$(UEFI_MACHINE_$(1)) -print-libgcc-file-name)

$(uefi_out)/$(1)/loader.efi: $(uefi_out)/$(1)/loader.so
	$$(call quietly,EFI,$$@)objcopy -j .text -j .sdata -j .data -j .dynamic -j .dynsym -j '.rel*' -j .reloc \
		--target=efi-app-$$(UEFI_NAME_$(1)) $$< $$@
endef
$(eval $(call uefi-program,x64))
$(eval $(call uefi-program,ia32))
-include $(shell [ -d $(uefi_out) ] && find $(uefi_out) -name '*.d')

uefi_files := $(foreach kernel,pae long,$(foreach file,kernel.elf initrd.cpio,$(kernel)/$(file)))

.PHONY: uefi
uefi: ##  build build/quartet-uefi.img: a FAT volume with Quartet's own UEFI loader and both kernels
	@CC='$(CC)' tools/doctor --install build loader
	+@$(call both,image)
	+@$(again) $(BUILD)/quartet-uefi.img

# again-uefi.img is for the test that both are equal.
$(BUILD)/quartet-uefi.img $(BUILD)/again-uefi.img: boot/uefi/menu.cfg $(uefi_out)/x64/loader.efi \
		$(uefi_out)/ia32/loader.efi $(uefi_files:%=$(BUILD)/%) tools/make/build-volume
	$(call quietly,FAT,$@)SOURCE_DATE_EPOCH=$(iso_epoch) TZ=UTC tools/make/build-volume $@ $(volume_number) \
		EFI/BOOT/BOOTX64.EFI=$(uefi_out)/x64/loader.efi EFI/BOOT/BOOTIA32.EFI=$(uefi_out)/ia32/loader.efi \
		menu.cfg=boot/uefi/menu.cfg $(foreach file,$(uefi_files),$(file)=$(BUILD)/$(file))
