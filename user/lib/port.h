/* SPDX-License-Identifier: MIT */
/*
 * I/O ports, for a program that has been granted them (ioport_grant); whoever uses another one gets
 * a general protection fault.
 */
#ifndef QUARTET_PORT_H
#define QUARTET_PORT_H

#include <stdint.h>

static inline uint8_t port_read8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint16_t port_read16(uint16_t port) {
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline void port_write8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}
static inline void port_write16(uint16_t port, uint16_t value) {
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

#endif
