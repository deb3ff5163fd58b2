/* SPDX-License-Identifier: MIT */
/*
 * From two files in memory to the kernel's first instruction. Everything is allocated and checked while the
 * firmware still works; then the memory map is taken, the boot services end, and only memory is written.
 * Read next: handover.asm.
 */
#include "boot/uefi/loader.h"

#define INFORMATION_SLACK (2u * PAGE_SIZE + BOOT_COMMAND_LINE)
#define HANDOVER_PARAMETERS (PAGE_SIZE / 2) /* in the page of the code; the stack is at its end */

/* What start_kernel holds, until it is given back or the kernel runs. */
struct work {
    const struct start *start;
    struct kernel_image image;
    struct framebuffer framebuffer;
    u8 *staging, *map, *information, *handover;
    size_t staging_pages, map_pages, information_pages;
};

static void work_free(struct work *work) {
    pages_free(work->staging, work->staging_pages);
    pages_free(work->map, work->map_pages);
    pages_free(work->information, work->information_pages);
    pages_free(work->handover, 1);
}

/* The map may grow by what is allocated after its size was asked for. */
static bool work_allocate(struct work *work) {
    UINTN size = 0, key, stride;
    UINT32 version;
    BS->GetMemoryMap(&size, NULL, &key, &stride, &version);
    work->map_pages = size / PAGE_SIZE + 2;
    work->information_pages = 2 * work->map_pages + INFORMATION_SLACK / PAGE_SIZE;
    work->staging_pages = (work->image.end - work->image.start) / PAGE_SIZE;
    work->staging = pages_allocate(EfiLoaderData, work->staging_pages);
    work->map = pages_allocate(EfiLoaderData, work->map_pages);
    work->information = pages_allocate(EfiLoaderData, work->information_pages);
    work->handover = pages_allocate(EfiLoaderCode, 1);
    return work->staging && work->map && work->information && work->handover;
}

/* Nothing of ours may lie where the kernel goes; the firmware allocates from the top down, so it rarely does. */
static bool apart(const struct work *work, const void *address, size_t pages) {
    uintptr_t start = (uintptr_t)address;
    return start >= work->image.end || start + pages * PAGE_SIZE <= work->image.start;
}

static bool all_apart(const struct work *work) {
    const struct file *initrd = &work->start->initrd;
    return apart(work, work->staging, work->staging_pages) &&
           apart(work, work->information, work->information_pages) &&
           apart(work, work->map, work->map_pages) && apart(work, work->handover, 1) &&
           apart(work, initrd->bytes, initrd->length / PAGE_SIZE + 1);
}

static void root_pointer_add(struct information *information) {
    static EFI_GUID new_table = ACPI_20_TABLE_GUID, old_table = ACPI_TABLE_GUID;
    void *pointer;
    if (!EFI_ERROR(LibGetSystemConfigurationTable(&new_table, &pointer)) ||
        !EFI_ERROR(LibGetSystemConfigurationTable(&old_table, &pointer))) {
        information_acpi(information, pointer);
    }
}

static const char *information_write(const struct work *work, const struct efi_map *map) {
    const struct file *initrd = &work->start->initrd;
    struct information information;
    information_begin(&information, work->information, (u32)(work->information_pages * PAGE_SIZE));
    information_text(&information, INFORMATION_COMMAND_LINE, work->start->command_line);
    information_text(&information, INFORMATION_LOADER, "Quartet's UEFI loader");
    if (initrd->bytes != NULL) {
        u32 place = (u32)(uintptr_t)initrd->bytes;
        information_module(&information, place, place + (u32)initrd->length, "initrd");
    }
    root_pointer_add(&information);
    information_efi_table(&information, (uintptr_t)ST, sizeof(UINTN) == 8);
    if (work->framebuffer.width != 0) {
        information_framebuffer(&information, &work->framebuffer);
    }
    information_memory(&information, map);
    information_efi_map(&information, map);
    return information_end(&information);
}

/* Take the map, write it down, and end the boot services with its key: any event between makes the key stale,
 * and then all of it is done again. */
static const char *services_end(const struct work *work) {
    for (int attempt = 0; attempt < 4; attempt++) {
        UINTN size = work->map_pages * PAGE_SIZE, key, stride;
        UINT32 version;
        if (EFI_ERROR(BS->GetMemoryMap(&size, (EFI_MEMORY_DESCRIPTOR *)work->map, &key, &stride,
                                       &version))) {
            return "the firmware gives no memory map";
        }
        struct efi_map map = {work->map, size, stride, version};
        if (!efi_map_usable(&map, work->image.start, work->image.end)) {
            return "the memory that the kernel must have is not there, or the firmware keeps it";
        }
        const char *error = information_write(work, &map);
        if (error != NULL || !EFI_ERROR(BS->ExitBootServices(work->start->loader, key))) {
            return error;
        }
    }
    return "the firmware does not end its boot services";
}

static _Noreturn void hand_over(const struct work *work) {
    struct handover *parameters = (struct handover *)(work->handover + HANDOVER_PARAMETERS);
    void (*code)(struct handover *) = (void (*)(struct handover *))(uintptr_t)work->handover;
    code(parameters);
    __builtin_unreachable();
}

static void handover_prepare(const struct work *work) {
    CopyMem(work->handover, (void *)handover_code, (UINTN)(handover_code_end - handover_code));
    *(struct handover *)(work->handover + HANDOVER_PARAMETERS) = (struct handover){
        .from = (u32)(uintptr_t)work->staging,
        .to = work->image.start,
        .length = work->image.end - work->image.start,
        .entry = work->image.entry,
        .information = (u32)(uintptr_t)work->information,
        .stack = (u32)(uintptr_t)work->handover + PAGE_SIZE,
    };
}

static const char *work_run(struct work *work) {
    const struct start *start = work->start;
    const char *error = kernel_image_parse(&work->image, start->kernel.bytes, start->kernel.length);
    if (error != NULL) {
        return error;
    }
    if (!work_allocate(work)) {
        return "there is too little memory to start it";
    }
    if (!all_apart(work)) {
        return "there is too little memory beside where it belongs";
    }
    kernel_image_place(&work->image, start->kernel.bytes, work->staging);
    handover_prepare(work);
    graphics_set(start->width, start->height, &work->framebuffer);
    Print(L"\r\nStarting %a.\r\n", start->kernel_path); /* tools/guest.py looks for this line */
    error = services_end(work);
    if (error == NULL) {
        hand_over(work);
    }
    return error;
}

const char *start_kernel(const struct start *start) {
    struct work work = {.start = start};
    const char *error = work_run(&work);
    work_free(&work);
    return error;
}
