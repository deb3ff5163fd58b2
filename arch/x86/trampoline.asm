; SPDX-License-Identifier: MIT
;
; The first instructions of another CPU's way into the kernel, and the last ones before C. smp.c
; copies what stands between x86_trampoline_start and x86_trampoline_end to a page below 64 KiB, and
; the start-up message names that page: the CPU starts in real mode with CS at its beginning and IP
; 0. From here it goes to boot_entry_other (boot/entry.asm), which switches paging on, and from
; there to x86_other_entry.
; Read next: smp.c, boot/entry.asm.

%ifidn __?OUTPUT_FORMAT?__, elf64
    %define LONG 1
    %define SP_ rsp
    %define AX_ rax
    %define BP_ rbp
%else
    %define LONG 0
    %define SP_ esp
    %define AX_ eax
    %define BP_ ebp
%endif

%define CR0_PROTECTED 0x11          ; PE, ET; caches on
%define BOOT_GDT_LIMIT 4 * 8 - 1
%if LONG
%define DIRECT_MAP 0xFFFF800000000000
%else
%define DIRECT_MAP 0xF0000000
%endif

extern boot_entry_other
extern boot_gdt
extern x86_other_prepare
extern x86_other_main

global x86_trampoline_start
global x86_trampoline_end
global x86_other_entry

; Runs wherever its page is: what it reads is relative to DS, where it jumps to is absolute. Its
; stack begins at the page's end.
section .rodata
bits 16
x86_trampoline_start:
    cli
    cld
    xor eax, eax
    mov ax, cs
    mov ds, ax
    shl eax, 4
    lea esp, [eax + 4096]
    o32 lgdt [gdt_pointer - x86_trampoline_start]
    mov eax, CR0_PROTECTED
    mov cr0, eax
    jmp dword 0x08:boot_entry_other
gdt_pointer:
    dw BOOT_GDT_LIMIT
    dd boot_gdt
x86_trampoline_end:

; Paging is on, with the early tables. The stack must be where the kernel's own root has it too:
; x86_other_prepare loads that, and returns the stack to go on with, or 0.
section .text
%if LONG
bits 64
%else
bits 32
%endif
x86_other_entry:
    mov AX_, DIRECT_MAP
    add SP_, AX_
    xor BP_, BP_
    call x86_other_prepare
    test AX_, AX_
    jz .halt
    mov SP_, AX_
    call x86_other_main
.halt:
    cli
    hlt
    jmp .halt
