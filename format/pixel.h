/* SPDX-License-Identifier: MIT */
/*
 * Single pixels of a framebuffer of any depth (struct info_framebuffer): for whoever draws, in the
 * kernel or outside.
 */
#ifndef FORMAT_PIXEL_H
#define FORMAT_PIXEL_H

#include <stdint.h>

#include "abi/abi.h"

static inline uint32_t pixel_bytes(const struct info_framebuffer *picture) {
    return (picture->depth + 7) / 8;
}

/* One colour, 0..255, at its place in a pixel. */
static inline uint32_t pixel_field(uint32_t value, uint8_t bits, uint8_t shift) {
    return (bits < 8 ? value >> (8 - bits) : value << (bits - 8)) << shift;
}

/* The pixel whose colour is RGB, as 0xRRGGBB. */
static inline uint32_t pixel_of(const struct info_framebuffer *picture, uint32_t rgb) {
    return pixel_field(rgb >> 16 & 0xFF, picture->red_bits, picture->red_shift) |
           pixel_field(rgb >> 8 & 0xFF, picture->green_bits, picture->green_shift) |
           pixel_field(rgb & 0xFF, picture->blue_bits, picture->blue_shift);
}

/* AT is where a pixel of BYTES stands, as pixel_bytes says. */
static inline void pixel_store(volatile uint8_t *at, uint32_t bytes, uint32_t pixel) {
    if (bytes == 4) {
        *(volatile uint32_t *)at = pixel;
        return;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(pixel >> 8 * i);
    }
}

/* The pixel that stands there: as pixel_store has put it. */
static inline uint32_t pixel_load(const volatile uint8_t *at, uint32_t bytes) {
    uint32_t pixel = 0;
    if (bytes == 4) {
        return *(const volatile uint32_t *)at;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        pixel |= (uint32_t)at[i] << 8 * i;
    }
    return pixel;
}

#endif
