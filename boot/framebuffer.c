/* SPDX-License-Identifier: MIT */
/*
 * The graphics screen that a loader has set up: is it what the kernel can draw on? Pure. Whatever is
 * wrong with it, the machine starts without.
 */
#include "boot/boot.h"

#define LEAST_WIDTH 160u
#define LEAST_HEIGHT 64u
#define MOST_WIDTH 16384u
#define MAP_UNIT (2u << 20) /* the kernel maps it by pages of this size */

static bool colour_fits(u32 depth, u8 shift, u8 bits) {
    return bits >= 1 && bits <= 16 && (u32)shift + bits <= depth;
}

static bool pixels_possible(const struct info_framebuffer *picture) {
    u32 depth = picture->depth;
    return (depth == 15 || depth == 16 || depth == 24 || depth == 32) &&
           colour_fits(depth, picture->red_shift, picture->red_bits) &&
           colour_fits(depth, picture->green_shift, picture->green_bits) &&
           colour_fits(depth, picture->blue_shift, picture->blue_bits);
}

void boot_set_framebuffer(struct boot_info *boot, const struct info_framebuffer *picture) {
    u32 line = picture->width <= MOST_WIDTH ? picture->width * ((picture->depth + 7) / 8) : 0;
    u32 before = (u32)(picture->address % MAP_UNIT);
    if (!pixels_possible(picture) || picture->width < LEAST_WIDTH || line == 0 ||
        picture->pitch < line || picture->pitch > MOST_WIDTH * 4 || picture->address < MAP_UNIT ||
        picture->address % (picture->depth == 32 ? 4 : 1) != 0 || picture->pitch % 4 != 0 ||
        picture->address > UINT64_MAX / 2) {
        return;
    }
    u32 lines = (BOOT_FRAMEBUFFER_LIMIT - before) / picture->pitch;
    lines = picture->height < lines ? picture->height : lines;
    if (lines < LEAST_HEIGHT) {
        return;
    }
    boot->framebuffer = *picture;
    boot->framebuffer.height = lines;
}

void boot_check_framebuffer(struct boot_info *boot) {
    const struct info_framebuffer *picture = &boot->framebuffer;
    u64 end = picture->address + (u64)picture->pitch * picture->height;
    for (u32 i = 0; i < boot->range_count; i++) {
        if (picture->address < boot->range[i].end && boot->range[i].start < end) {
            boot->framebuffer.width = 0;
        }
    }
}
