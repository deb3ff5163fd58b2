; SPDX-License-Identifier: MIT
;
; Where programs and threads begin on long, before there is anything to call C with. The kernel
; gives the argument in RDI; the stack holds argc, argv[], 0, envp[], 0 (see exec.c), or nothing if
; RDI is not 0. Next: quartet_start in start.c, quartet_thread_main in thread.c.

bits 64

extern quartet_start
extern quartet_thread_main
extern quartet_clone_main

section .text.start progbits alloc exec nowrite align=16
global _start:function
_start:
    mov rsi, rdi
    mov rdi, rsp
    xor ebp, ebp
    and rsp, -16
    call quartet_start          ; (stack, argument); does not return
    ud2

section .text.thread progbits alloc exec nowrite align=16
global quartet_thread_entry:function
quartet_thread_entry:           ; stack pointer: 16-byte aligned; RDI is passed on
    xor ebp, ebp
    call quartet_thread_main
    ud2

global quartet_clone_entry:function
quartet_clone_entry:
    xor ebp, ebp
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
