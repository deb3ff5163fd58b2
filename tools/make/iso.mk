# SPDX-License-Identifier: MIT
#
# $(BUILD)/quartet.iso: GRUB (Multiboot2), a menu of both kernels, each with its own initrd.
# Boots on BIOS machines: QEMU (`make run BOOT=iso`) and Bochs (`make bochs`).

iso_folder := $(BUILD)/iso
iso_files := $(foreach file,kernel.elf initrd.cpio,\
	$(iso_folder)/boot/pae/$(file) $(iso_folder)/boot/long/$(file))

.PHONY: iso bochs
iso: ##  build the CD image with both kernels, build/quartet.iso
	+@$(call both,image)
	+@$(again) $(BUILD)/quartet.iso

$(iso_folder)/boot/%: $(BUILD)/%
	@mkdir -p $(@D)
	@cp $< $@

$(BUILD)/quartet.iso: boot/grub/grub.cfg $(iso_files)
	@mkdir -p $(iso_folder)/boot/grub
	@cp boot/grub/grub.cfg $(iso_folder)/boot/grub/grub.cfg
	$(call quietly,ISO,$@)grub-mkrescue -o $@ $(iso_folder) >$(BUILD)/iso.log 2>&1 || \
		{ cat $(BUILD)/iso.log; exit 1; }

bochs: ##  boot the CD image in Bochs, serial terminal on this one
	@CC='$(CC)' tools/doctor --install build run iso bochs
	+@$(again) iso
	@BUILD='$(BUILD)' MEM='$(MEM)' CPUS='$(CPUS)' BOCHS_CPU='$(BOCHS_CPU)' tools/bochs
#: BOCHS_CPU  its processor model (corei7_haswell_4770 has PCID and INVPCID; see docs/tlb.md)
