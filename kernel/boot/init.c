/* SPDX-License-Identifier: MIT */
/*
 * The first process: the ELF file `init` of the initrd, the only program that the kernel loads
 * itself.
 *
 *     slot 0, 1   what the segments of init say
 *     slot 2      the initrd, read-only, from offset 0; its length is the argument of init's entry
 *     slot 3      a stack of 1 MiB below the top
 *
 * It starts with one handle, HANDLE_SYSTEM. Runs once, before there is any other thread; whatever
 * is wrong with the initrd ends the machine with a sentence.
 */
#include <string.h>

#include "format/cpio.h"
#include "format/elf.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/boot/boot.h"
#include "kernel/boot/boot_info.h"
#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/space.h"

#define INIT_NAME "init"
#define BOOT_SLOT 2u
#define STACK_SLOT 3u
#define STACK_SIZE 0x100000u
#define STACK_ALIGNMENT 16u
#define STACK_TOP_OFFSET ((u32)(ARCH_USER_TOP - SLOT_BASE(STACK_SLOT)))

static _Noreturn void boot_failed(const char *sentence, const char *detail) {
    print("quartet cannot start: %s%s.\n", sentence, detail);
    arch_power_off(BOOT_FAILED_STATUS);
}

static void require(int error, const char *what) {
    if (error != E_OK) {
        boot_failed(error == E_NOMEM ? "there is not enough memory for " : "init does not allow ",
                    what);
    }
}

static u32 page_down(u32 offset) { return offset & ~(PAGE_SIZE - 1); }

static u32 page_up(u32 offset) { return page_down(offset + PAGE_SIZE - 1); }

/* The bytes of a segment, piece by piece so that none crosses a page. */
static void segment_fill(struct quarter *quarter, u32 offset, const u8 *bytes, u32 length) {
    while (length > 0) {
        u32 in_page = PAGE_SIZE - (offset & (PAGE_SIZE - 1));
        u32 piece = length < in_page ? length : in_page;
        require(quarter_write(quarter, offset, bytes, piece), "the segments of init");
        offset += piece;
        bytes += piece;
        length -= piece;
    }
}

static void segment_load(struct quarter *quarters[SLOT_COUNT], const struct elf_segment *segment,
                         const u8 *file) {
    struct quarter *quarter = quarters[SLOT_OF(segment->address)];
    u32 offset = SLOT_OFFSET(segment->address);
    u32 start = page_down(offset);
    u32 end = page_up(offset + segment->memory_size);
    require(quarter_map(quarter, start, end - start, segment->rights), "a region of init");
    segment_fill(quarter, offset, file + segment->file_offset, segment->file_size);
}

/* Find init in the initrd and check it. FILE: its bytes. */
static void init_find(const void *initrd, size_t length, struct elf_image *image, const u8 **file) {
    struct cpio_entry entry;
    switch (cpio_find(initrd, length, INIT_NAME, &entry)) {
    case CPIO_ENTRY:
        break;
    case CPIO_END:
        boot_failed("the initrd has no file named ", INIT_NAME);
    case CPIO_INVALID:
        boot_failed("the initrd is no well-formed cpio archive (newc)", "");
    }
    enum elf_error error = elf_parse(entry.data, entry.length, image);
    if (error != ELF_OK) {
        boot_failed("init of the initrd cannot be loaded: ", elf_error_text(error));
    }
    for (u32 i = 0; i < image->segment_count; i++) {
        if (SLOT_OF(image->segment[i].address) == BOOT_SLOT) {
            boot_failed("init has a segment in slot 2, where the initrd stands", "");
        }
    }
    *file = entry.data;
}

/* What the last page has behind the initrd is the firmware's or the loader's: users get zeros. */
static void boot_image_map(struct quarter *quarter, const struct boot_info *boot) {
    frame_t first = {(u32)(boot->initrd_start >> PAGE_SHIFT)};
    u32 length = (u32)(boot->initrd_end - boot->initrd_start);
    memset((char *)arch_low_pointer(first) + length, 0, page_up(length) - length);
    u32 pages = (u32)((boot->initrd_end - boot->initrd_start + PAGE_SIZE - 1) >> PAGE_SHIFT);
    require(quarter_map_boot_image(quarter, 0, first, pages), "the initrd in slot 2");
}

/* The space of init; the quarters belong to it alone afterwards. */
static struct space *init_space(const struct boot_info *boot, const struct elf_image *image,
                                const u8 *file) {
    struct quarter *quarters[SLOT_COUNT];
    struct space_slot slots[SLOT_COUNT];
    struct space *space;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        require(quarter_create(slot, &budget_root, &quarters[slot]), "the quarters of init");
        slots[slot] =
            (struct space_slot){quarters[slot], slot == BOOT_SLOT ? RIGHT_READ : VIEW_FULL};
    }
    for (u32 i = 0; i < image->segment_count; i++) {
        segment_load(quarters, &image->segment[i], file);
    }
    boot_image_map(quarters[BOOT_SLOT], boot);
    require(quarter_map(quarters[STACK_SLOT], STACK_TOP_OFFSET - STACK_SIZE, STACK_SIZE,
                        RIGHT_READ | RIGHT_WRITE),
            "the stack of init");
    require(space_obtain(slots, &space), "the space of init");
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        quarter_release(quarters[slot]);
    }
    return space;
}

void init_start(const struct boot_info *boot) {
    struct elf_image image;
    struct process *process;
    struct thread *thread;
    const u8 *file;
    physical_t length = boot->initrd_end - boot->initrd_start;
    if (length == 0) {
        boot_failed("the loader gave no initrd", "");
    }
    if (length > QUARTER_SIZE) {
        boot_failed("the initrd is larger than a quarter", "");
    }
    frame_t first = {(u32)(boot->initrd_start >> PAGE_SHIFT)};
    init_find(arch_low_pointer(first), (size_t)length, &image, &file);
    require(process_create(NULL, init_space(boot, &image, file), &budget_root, &process), "init");
    memcpy(process->name, INIT_NAME, sizeof(INIT_NAME));
    int handle = handle_install_at(&process->handles, HANDLE_SYSTEM, &system_object, OBJECT_SYSTEM,
                                   RIGHTS_ALL);
    require(handle < 0 ? -handle : E_OK, "the handles of init");
    require(thread_create(process, &thread), "the thread of init");
    u32 top = (u32)(ARCH_USER_TOP - STACK_ALIGNMENT);
    arch_thread_start_user(thread, image.entry, top, (u32)length);
    thread_start(thread);
    process_release(process); /* its thread holds it */
}
