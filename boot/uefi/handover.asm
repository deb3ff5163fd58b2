; SPDX-License-Identifier: MIT
;
; From the firmware's mode (64-bit, or 32-bit with or without paging) to what Multiboot2 promises the kernel:
; 32-bit protected mode, flat segments, no paging, no interrupts, EAX and EBX set. On the way the kernel's
; image is moved to its place, over whatever the firmware had there: so nothing is used any more but this
; page, which is position independent, and the stack at its end.
;
; Called as C with one argument, struct handover (boot/uefi/loader.h). Does not return.

%define MULTIBOOT2_MAGIC 0x36D76289
%define EFER 0xC0000080
%define EFER_LME 1 << 8

global handover_code
global handover_code_end

section .text

%ifidn __?OUTPUT_FORMAT?__, elf64
bits 64
handover_code:
    cli
    mov ebx, edi
    lea rax, [rel gdt]
    mov [rel gdt_pointer + 2], rax
    lgdt [rel gdt_pointer]
    lea rax, [rel protected]
    push 0x08
    push rax
    retfq
%else
bits 32
handover_code:
    cli
    mov ebx, [esp + 4]
    call .here
.here:
    pop ebp
    lea eax, [ebp + gdt - .here]
    mov [ebp + gdt_pointer + 2 - .here], eax
    lgdt [ebp + gdt_pointer - .here]
    lea eax, [ebp + protected - .here]
    push 0x08
    push eax
    retf
%endif

bits 32
protected:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov esp, [ebx + 20]
    push 0
    popfd
    mov eax, cr0
    and eax, 0x7FFFFFFF             ; 64-bit firmware: this leaves IA-32e mode
    mov cr0, eax
%ifidn __?OUTPUT_FORMAT?__, elf64
    mov ecx, EFER
    rdmsr
    and eax, ~(EFER_LME)
    wrmsr
%endif
    mov esi, [ebx]
    mov edi, [ebx + 4]
    mov ecx, [ebx + 8]
    rep movsb
    mov edx, [ebx + 12]
    mov ebx, [ebx + 16]
    mov eax, MULTIBOOT2_MAGIC
    jmp edx

align 8
gdt:
    dq 0
    dq 0x00CF9A000000FFFF           ; 0x08: 32-bit code
    dq 0x00CF92000000FFFF           ; 0x10: data
gdt_pointer:
    dw gdt_pointer - gdt - 1
    dq 0
handover_code_end:
