; SPDX-License-Identifier: MIT
;
; Where programs and threads begin on pae, before there is anything to call C with. The kernel gives
; the argument in EAX; the stack holds argc, argv[], 0, envp[], 0 (see exec.c), or nothing if EAX is
; not 0. Next: quartet_start in start.c, quartet_thread_main in thread.c.

bits 32

extern quartet_start
extern quartet_thread_main
extern quartet_clone_main

section .text.start progbits alloc exec nowrite align=16
global _start:function
_start:
    mov edx, esp
    xor ebp, ebp
    and esp, -16
    sub esp, 8
    push eax
    push edx
    call quartet_start          ; (stack, argument); does not return
    ud2

section .text.thread progbits alloc exec nowrite align=16
global quartet_thread_entry:function
quartet_thread_entry:           ; stack pointer: 16-byte aligned
    xor ebp, ebp
    sub esp, 12
    push eax
    call quartet_thread_main
    ud2

global quartet_clone_entry:function
quartet_clone_entry:
    xor ebp, ebp
    sub esp, 12
    push eax
    call quartet_clone_main
    ud2

; newlib's popen and posix_spawn use these names.
section .text.aliases progbits alloc exec nowrite align=16
extern open, close, execve
global _open:function, _close:function, _execve:function
_open: jmp open
_close: jmp close
_execve: jmp execve

global _init:function, _fini:function
_init:
_fini: ret

section .note.GNU-stack noalloc noexec nowrite progbits
