# SPDX-License-Identifier: MIT
#
# $(BUILD)/quartet.iso: GRUB (Multiboot2), a menu of both kernels, each with its own initrd.
# One hybrid image: BIOS and UEFI (64-bit and 32-bit firmware), as a CD or copied to a USB stick. QEMU starts it
# by `make run BOOT=grub` and `BOOT=grub-uefi`, Bochs by `make bochs`. Two builds of the same files are equal byte
# for byte: every time, serial number and UUID comes from iso_epoch (xorriso and mtools read SOURCE_DATE_EPOCH).

iso_epoch := 1577836800# 2020-01-01 00:00:00 UTC
iso_date := 2020010100000000# the same, as xorriso writes it
iso_folder := $(BUILD)/iso
iso_files := $(foreach file,kernel.elf initrd.cpio,\
	$(iso_folder)/boot/pae/$(file) $(iso_folder)/boot/long/$(file))

.PHONY: iso bochs
iso: ##  build build/quartet.iso: CD and USB stick, BIOS and UEFI, both kernels
	+@$(call both,image)
	+@$(again) $(BUILD)/quartet.iso

$(iso_folder)/boot/%: $(BUILD)/%
	@mkdir -p $(@D)
	@cp $< $@

# again.iso is for the test that both are equal.
$(BUILD)/quartet.iso $(BUILD)/again.iso: boot/grub/grub.cfg $(iso_files)
	@mkdir -p $(iso_folder)/boot/grub
	@cp boot/grub/grub.cfg $(iso_folder)/boot/grub/grub.cfg
	$(call quietly,ISO,$@)PATH="$(CURDIR)/tools/make/reproducible:$$PATH" TZ=UTC \
		SOURCE_DATE_EPOCH=$(iso_epoch) grub-mkrescue -o $@ $(iso_folder) \
		-volid QUARTET --modification-date=$(iso_date) --set_all_file_dates =$(iso_epoch) \
		>$@.log 2>&1 || { cat $@.log; exit 1; }

bochs: ##  boot the CD image in Bochs, serial terminal on this one
	@CC='$(CC)' tools/doctor --install build run iso bochs
	+@$(again) iso
	@BUILD='$(BUILD)' MEM='$(MEM)' CPUS='$(CPUS)' BOCHS_CPU='$(BOCHS_CPU)' tools/bochs
#: BOCHS_CPU  its processor model (corei7_haswell_4770 has PCID and INVPCID; see docs/tlb.md)
