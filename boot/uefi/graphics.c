/* SPDX-License-Identifier: MIT */
/* A graphics mode with a framebuffer, by the firmware's Graphics Output Protocol. */
#include "boot/uefi/loader.h"

typedef EFI_GRAPHICS_OUTPUT_PROTOCOL graphics_t;
typedef EFI_GRAPHICS_OUTPUT_MODE_INFORMATION mode_t;

static bool mode_drawable(const mode_t *mode) {
    return mode->PixelFormat == PixelRedGreenBlueReserved8BitPerColor ||
           mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor;
}

/* The first device that has a framebuffer, or null. */
static graphics_t *device_find(void) {
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    graphics_t *found = NULL;
    if (EFI_ERROR(LibLocateHandle(ByProtocol, &GraphicsOutputProtocol, NULL, &count, &handles))) {
        return NULL;
    }
    for (UINTN i = 0; i < count && found == NULL; i++) {
        graphics_t *device;
        EFI_STATUS status =
            BS->HandleProtocol(handles[i], &GraphicsOutputProtocol, (void **)&device);
        if (!EFI_ERROR(status) && device->Mode != NULL && device->Mode->FrameBufferBase != 0) {
            found = device;
        }
    }
    FreePool(handles);
    return found;
}

/* The number of the mode, or the current one's. */
static UINT32 mode_choose(graphics_t *device, u32 width, u32 height) {
    UINT32 best = device->Mode->Mode;
    u64 best_area = 0;
    for (UINT32 i = 0; i < device->Mode->MaxMode; i++) {
        mode_t *mode;
        UINTN size;
        if (EFI_ERROR(device->QueryMode(device, i, &size, &mode))) {
            continue;
        }
        u64 area = (u64)mode->HorizontalResolution * mode->VerticalResolution;
        if (mode_drawable(mode) && mode->HorizontalResolution <= width &&
            mode->VerticalResolution <= height && area > best_area) {
            best = i;
            best_area = area;
        }
        FreePool(mode);
    }
    return best;
}

void graphics_set(u32 width, u32 height, struct framebuffer *framebuffer) {
    *framebuffer = (struct framebuffer){0};
    graphics_t *device = device_find();
    if (device == NULL) {
        return;
    }
    UINT32 best = mode_choose(device, width, height);
    if (best != device->Mode->Mode && EFI_ERROR(device->SetMode(device, best))) {
        return;
    }
    const mode_t *mode = device->Mode->Info;
    if (!mode_drawable(mode)) {
        return;
    }
    bool red_first = mode->PixelFormat == PixelRedGreenBlueReserved8BitPerColor;
    *framebuffer = (struct framebuffer){
        .address = device->Mode->FrameBufferBase,
        .pitch = mode->PixelsPerScanLine * 4,
        .width = mode->HorizontalResolution,
        .height = mode->VerticalResolution,
        .depth = 32,
        .red_shift = red_first ? 0 : 16,
        .red_bits = 8,
        .green_shift = 8,
        .green_bits = 8,
        .blue_shift = red_first ? 16 : 0,
        .blue_bits = 8,
    };
}
