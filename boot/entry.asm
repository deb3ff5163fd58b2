; SPDX-License-Identifier: MIT
;
; The first instructions, for both kernels: from a loader's 32-bit protected mode to C in the higher
; half. The other CPUs come the same way (boot_entry_other), from arch/x86/trampoline.asm.
;
; Relied on (PVH and Multiboot2 agree in it): 32-bit protected mode, flat segments in the hidden
; registers, paging off, A20 open, EBX = physical address of the loader's structure, the image loaded
; at 1 MiB with a zeroed BSS. Nothing else: flags, stack, GDT, CR0, CR3, CR4 and EFER are all set here,
; whole (hazard 29).
;
; Of another CPU: protected mode by the GDT below, ESP at the end of a page of low memory that is
; its stack; CR0, CR3, CR4 and EFER are set whole here too, to what they are on the boot CPU.
;
; This code is linked at its physical address, and is left for good by the jump to boot_main, or for
; another CPU to x86_other_entry. The tables stay as they are for the CPUs to come.
; Read next: boot/start.c.

%ifidn __?OUTPUT_FORMAT?__, elf64
    %define LONG 1
%else
    %define LONG 0
%endif

%define PVH_MAGIC 0x336EC578
%define STATUS_NO_CPU 98            ; what the machine goes off with: BOOT_STATUS in boot/boot.h

%define PAGE_PRESENT_WRITE 0x003
%define PAGE_LARGE 0x083            ; present, write, 2 MiB
%define CR4_PAE 1 << 5
%define CR0_BASE 0x00000033         ; PE, MP, ET, NE
%define CR0_PAGING 0x80010033       ; and PG, WP
%define EFER 0xC0000080
%define EFER_LME 1 << 8

global boot_entry_pvh
global boot_entry_other
global boot_gdt
global boot_tables
global boot_stack
global boot_stack_top
extern boot_main
extern x86_other_entry
extern boot_tables_physical
extern boot_stack_top_physical

; ---- What loaders look for ---------------------------------------------------------------------

section .multiboot2 progbits alloc noexec nowrite align=8
multiboot2_header:
    dd 0xE85250D6
    dd 0                            ; 32-bit protected mode
    dd MULTIBOOT2_LENGTH
    dd 0x100000000 - (0xE85250D6 + MULTIBOOT2_LENGTH)
    align 8, db 0
    dw 1, 0                         ; information request: the memory map
    dd 12
    dd 6
    align 8, db 0
    dw 3, 0                         ; entry address
    dd 12
    dd boot_entry_multiboot2
    align 8, db 0
    dw 6, 0                         ; modules on page boundaries
    dd 8
    align 8, db 0
    dw 5, 1                         ; a framebuffer if there can be one: width, height, depth
    dd 20
    dd 1024, 768, 32
    align 8, db 0
    dw 0, 0
    dd 8
MULTIBOOT2_LENGTH equ $ - multiboot2_header   ; no label here: a debugger would call the entry by it

section .note.pvh note alloc noexec nowrite align=4
    dd 4                            ; length of the name
    dd 4 + 4 * LONG                 ; length of the address
    dd 18                           ; XEN_ELFNOTE_PHYS32_ENTRY
    db "Xen", 0
    dd boot_entry_pvh
%if LONG
    dd 0
%endif

; ---- Entry -------------------------------------------------------------------------------------

%macro load_segments 1
    mov %1, 0x10
    mov ds, %1
    mov es, %1
    mov fs, %1
    mov gs, %1
    mov ss, %1
%endmacro

section .boot.text progbits alloc exec nowrite align=16
bits 32
boot_entry_pvh:
    mov eax, PVH_MAGIC              ; EAX says who came, as Multiboot2 does by itself
boot_entry_multiboot2:
    cli
    cld
    mov esp, boot_stack_top_physical
    push 0
    popfd
    lgdt [gdt_pointer]
    jmp 0x08:.segments
.segments:
    load_segments ecx
    mov esi, eax                    ; ESI = magic, EDI = structure, for boot_main
    mov edi, ebx
    mov eax, CR0_BASE
    mov cr0, eax

    call check_cpu
    test ebp, ebp
    jnz give_up
    call build_tables
    call enable_paging
%if LONG
    jmp 0x18:.higher
bits 64
.higher:
    mov rsp, boot_stack_top
    xor ebp, ebp                    ; a backtrace ends here
    xchg edi, esi                   ; boot_main(magic, structure)
    mov rax, boot_main
    call rax
bits 32
%else
    mov esp, boot_stack_top
    xor ebp, ebp
    sub esp, 8                      ; 16-byte alignment at the call
    push edi
    push esi
    mov eax, boot_main
    call eax
%endif
    ud2

boot_entry_other:
    load_segments ecx
    mov eax, CR0_BASE
    mov cr0, eax
    call check_cpu
    test ebp, ebp
    jnz .halt                       ; the boot CPU says that there was no answer
    call enable_paging
%if LONG
    jmp 0x18:.higher
bits 64
.higher:
    mov esp, esp                    ; the upper half is zero now
    mov rax, x86_other_entry
    jmp rax
bits 32
%else
    mov eax, x86_other_entry
    jmp eax
%endif
.halt:
    hlt
    jmp .halt

; All that is one to one stays where it is, the stack too.
enable_paging:
    mov eax, CR4_PAE
    mov cr4, eax
    call set_efer
%if LONG
    mov eax, boot_tables_physical + 6 * 4096
%else
    mov eax, boot_tables_physical + 4 * 4096
%endif
    mov cr3, eax
    mov eax, CR0_PAGING
    mov cr0, eax
    ret

; ---- The CPU must have PAE (and IA-32e mode): EBP = 0, or the line that says what is missing ----

check_cpu:
    xor ebp, ebp
    pushfd                          ; a CPU without CPUID cannot change the ID flag
    pop eax
    xor eax, 1 << 21
    push eax
    popfd
    pushfd
    pop ecx
    xor eax, ecx
    test eax, 1 << 21
    jnz .no_pae
    xor eax, eax
    cpuid
    test eax, eax
    jz .no_pae
    mov eax, 1
    cpuid
    test edx, 1 << 6
    jz .no_pae
%if LONG
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb .no_long
    mov eax, 0x80000001
    cpuid
    test edx, 1 << 29
    jz .no_long
%endif
    ret
.no_pae:
    mov ebp, message_no_pae
    ret
%if LONG
.no_long:
    mov ebp, message_no_long
    ret
%endif

; EFER as a whole, where there is one: pae must not inherit LME from whoever was here before.
set_efer:
%if LONG
    mov eax, EFER_LME
%else
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb .absent
    mov eax, 0x80000001
    cpuid
    test edx, 1 << 29 | 1 << 20 | 1 << 11   ; long mode, NX, SYSCALL: each brings EFER
    jz .absent
    xor eax, eax
%endif
    xor edx, edx
    mov ecx, EFER
    wrmsr
.absent:
    ret

; ---- Early tables ------------------------------------------------------------------------------
;
; Pages 0..3: four directories that map 4 GiB one to one.
; pae:  page 4 the PDPT; the last 256 MiB are the first ones again.
; long: page 4 the PDPT of that map (also at the direct map's place), page 5 the PDPT of the last GiBs,
;       page 6 the PML4.

build_tables:
    push edi
    mov edi, boot_tables_physical
    mov ecx, 7 * 1024
    xor eax, eax
    rep stosd

    mov edi, boot_tables_physical
    mov eax, PAGE_LARGE
    mov ecx, 4 * 512
    call map_large

    mov edi, boot_tables_physical + 4 * 4096
    ; a PAE PDPTE has no write bit
    mov eax, boot_tables_physical + (PAGE_PRESENT_WRITE & (1 | 2 * LONG))
    mov ecx, 4
.directory:
    mov [edi], eax
    add edi, 8
    add eax, 4096
    loop .directory

%if LONG
    mov eax, boot_tables_physical + PAGE_PRESENT_WRITE
    mov [boot_tables_physical + 5 * 4096 + 510 * 8], eax
    mov eax, boot_tables_physical + 4 * 4096 + PAGE_PRESENT_WRITE
    mov [boot_tables_physical + 6 * 4096], eax
    mov [boot_tables_physical + 6 * 4096 + 256 * 8], eax
    add eax, 4096
    mov [boot_tables_physical + 6 * 4096 + 511 * 8], eax
%else
    mov edi, boot_tables_physical + 3 * 4096 + 384 * 8
    mov eax, PAGE_LARGE
    mov ecx, 128
    call map_large
%endif
    pop edi
    ret

; ECX large entries from [EDI], the first one EAX.
map_large:
    mov [edi], eax
    add edi, 8
    add eax, 1 << 21
    loop map_large
    ret

; ---- The line at EBP on the serial port and the screen, then off -------------------------------

give_up:
    mov esi, ebp
    mov dx, 0x3F8 + 3               ; 115200 8N1
    mov al, 0x80
    out dx, al
    mov dx, 0x3F8
    mov al, 1
    out dx, al
    inc dx
    xor eax, eax
    out dx, al
    mov dx, 0x3F8 + 3
    mov al, 3
    out dx, al
    mov edi, 0xB8000
.next:
    lodsb
    test al, al
    jz .off
    mov ah, 0x0F
    stosw
    mov ebx, eax
    mov ecx, 100000                 ; bounded: the port may be absent
.wait:
    mov dx, 0x3F8 + 5
    in al, dx
    test al, 0x20
    loopz .wait
    mov eax, ebx
    mov dx, 0x3F8
    out dx, al
    jmp .next
.off:
    mov esi, message_exit
    mov ecx, message_exit_end - message_exit
    mov dx, 0xE9
    rep outsb
    mov eax, STATUS_NO_CPU
    mov dx, 0xF4
    out dx, eax
.halt:
    hlt
    jmp .halt

message_exit: db "exit 98", 10
message_exit_end:
message_no_pae: db "quartet: this CPU has no PAE, which the kernel needs.", 13, 10, 0
%if LONG
message_no_long: db "quartet: this CPU has no 64-bit mode; boot the pae kernel instead.", 13, 10, 0
%endif

align 8
boot_gdt:
    dq 0
    dq 0x00CF9A000000FFFF           ; 0x08: 32-bit code
    dq 0x00CF92000000FFFF           ; 0x10: data
    dq 0x00AF9A000000FFFF           ; 0x18: 64-bit code
gdt_pointer:
    dw gdt_pointer - boot_gdt - 1
    dd boot_gdt

section .bss nobits alloc noexec write align=8192
boot_stack:
    resb 16384
boot_stack_top:
boot_tables:
    resb 7 * 4096
