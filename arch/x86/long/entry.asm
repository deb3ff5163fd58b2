; SPDX-License-Identifier: MIT
;
; Every way into the 64-bit kernel and out of it again: exceptions and interrupts, SYSCALL, and the
; first steps of a new thread. The registers of user code stand in a struct trap_frame
; (trap_frame.h) that ends at the top of the thread's kernel stack.
;
; GS base is the struct cpu in the kernel and the user's outside: SWAPGS when the saved CS says
; user. There are a few instructions at either end of SYSCALL where CS says kernel and GS is still
; the user's (and RSP too). No exception comes there: interrupts are off, TF is cleared by SYSCALL,
; and the code touches only the CPU's own structure and stack. What comes regardless (NMI, machine
; check, double fault) has its own stack, and looks at GS base itself.
; SYSRET with a non-canonical address in RCX would fault in the kernel with the user's stack. It
; cannot be: nothing is executable above 4 GiB, so the address behind a SYSCALL is at most
; 0x100000000.
; Read next: ../traps.c, segments.c.

USER_DATA       equ 0x23            ; these: segments.h; segments.c asserts the offsets
USER_CODE       equ 0x2B
CPU_USER_STACK  equ 8               ; in struct cpu: arch.user_stack,
CPU_KERNEL_STACK equ 88             ; arch.tss.rsp[0],
CPU_ATTENTION   equ 772          ; attention
FRAME_RBX       equ 5 * 8
FRAME_RAX       equ 12 * 8
FRAME_R11       equ 13 * 8
FRAME_RCX       equ 14 * 8
FRAME_VECTOR    equ 15 * 8
FRAME_RIP       equ 17 * 8
FRAME_CS        equ 18 * 8
FRAME_RFLAGS    equ 19 * 8
FRAME_RSP       equ 20 * 8
VECTOR_CALL     equ 0x80
VECTOR_STUBS    equ 0x40
CLEAN_FLAGS     equ 2
MSR_GS_BASE     equ 0xC0000101

extern x86_trap
extern x86_trap_apart
extern kernel_system_call
extern kernel_return_to_user
extern kernel_thread_arrived
extern kernel_thread_resumed

global x86_vector_stubs
global x86_entry_fast_call
global x86_thread_enter_user
global x86_switch_stacks
global x86_park_resume
global x86_park_switch
global x86_call_on_stack

default rel
section .text

; All but RCX and R11, in the order of struct trap_frame.
%macro push_call_registers 0
    push rax
    push rdi
    push rsi
    push rdx
    push r10
    push r8
    push r9
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
%endmacro

%macro push_registers 0
    push rcx
    push r11
    push_call_registers
    push CLEAN_FLAGS                ; DF, AC, NT and TF off; with AC clear SMAP holds again
    popfq
%endmacro

; ---- Exceptions and interrupts ---------------------------------------------------------

; The CPU pushes an error code itself for 8, 10..14, 17, 21, 29, 30.
%assign vector 0
%rep VECTOR_STUBS
vector_%+vector:
%if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || \
    vector == 29 || vector == 30
%else
    push 0
%endif
    push vector
%if vector == 2 || vector == 8 || vector == 18
    jmp own_stack_entry
%else
    jmp trap_entry
%endif
%assign vector vector + 1
%endrep

trap_entry:
    push_registers
    test byte [rsp + FRAME_CS], 3
    jz .kernel
    swapgs
.kernel:
    mov rdi, rsp
    push qword [rdi + FRAME_RIP]    ; with the next, a frame for backtraces: the interrupted code
    push rbp
    mov rbp, rsp
    call x86_trap
    add rsp, 16

return_from_trap:
    test byte [rsp + FRAME_CS], 3
    jz restore_registers
    swapgs

restore_registers:
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    pop r9
    pop r8
    pop r10
    pop rdx
    pop rsi
    pop rdi
    pop rax
    pop r11
    pop rcx
    add rsp, 16                     ; vector and error
    iretq

; NMI, double fault, machine check: they may come anywhere, so CS does not tell whose GS base it is.
; The kernel's is in the upper half. Only an NMI comes back; RBX keeps whether to swap again.
own_stack_entry:
    push_registers
    mov ecx, MSR_GS_BASE
    rdmsr
    xor ebx, ebx
    test edx, edx
    js .kernel
    swapgs
    inc ebx
.kernel:
    mov rdi, rsp
    push qword [rdi + FRAME_RIP]
    push rbp
    mov rbp, rsp
    call x86_trap_apart
    add rsp, 16
    test ebx, ebx
    jz restore_registers
    swapgs
    jmp restore_registers

; ---- System calls ----------------------------------------------------------------------

; Back to the program by SYSRET, with RSP at the frame's R9 and the result in RAX.
%macro leave_fast 0
    pop r9
    pop r8
    pop r10
    pop rdx
    pop rsi
    pop rdi
    mov rcx, [rsp + FRAME_RIP - FRAME_RAX]
    mov r11, [rsp + FRAME_RFLAGS - FRAME_RAX]
    mov rsp, [rsp + FRAME_RSP - FRAME_RAX]
    swapgs
    o64 sysret
%endmacro

; SYSCALL: RAX = number, RDI, RSI, RDX, R10 = arguments; RCX = return address and R11 = flags by the
; CPU, which has cleared DF, AC, NT, TF and IF. RBX, RBP and R12..R15 survive in the C code's own
; care; what a clone or a thread switch needs of them is in the frame.
x86_entry_fast_call:
    swapgs
    mov [gs:abs CPU_USER_STACK], rsp
    mov rsp, [gs:abs CPU_KERNEL_STACK]
    push USER_DATA
    push qword [gs:abs CPU_USER_STACK]
    push r11
    push USER_CODE
    push rcx
    push 0
    push VECTOR_CALL
    sub rsp, 16                     ; RCX, R11
    push_call_registers
    mov rcx, r10
    mov r8, rax
    call kernel_system_call
    cmp dword [gs:abs CPU_ATTENTION], 0
    jne finish_call
    cmp byte [rsp + FRAME_VECTOR], VECTOR_CALL
    jne finish_call                 ; exec has replaced the frame
    add rsp, FRAME_RBX + 8
    leave_fast

; RAX is the result, unless the frame has been replaced (frame_set_start), which then has its own.
finish_call:
    cmp byte [rsp + FRAME_VECTOR], VECTOR_CALL
    jne .replaced
    mov [rsp + FRAME_RAX], rax
    mov rcx, [rsp + FRAME_RIP]      ; no stale words of the stack may get out
    mov [rsp + FRAME_RCX], rcx
    mov rcx, [rsp + FRAME_RFLAGS]
    mov [rsp + FRAME_R11], rcx
.replaced:
    cmp dword [gs:abs CPU_ATTENTION], 0
    je return_from_trap
    call kernel_return_to_user
    jmp return_from_trap

; ---- Threads ---------------------------------------------------------------------------

; void x86_switch_stacks(uword *save, uword load)
x86_switch_stacks:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    mov [rdi], rsp
    mov rsp, rsi
.load:
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

; The running thread is parked: at RDI, below its frame, stands what x86_switch_stacks pops, which is
; of no use but for RBP, where a backtrace ends, and the return address. From here on nothing of its
; stack is read.
%macro park 0
    mov qword [rdi + 5 * 8], 0
    mov qword [rdi + 6 * 8], parked_resume
%endmacro

; void x86_park_resume(uword place, uword frame, struct spinlock *lock, long result)
x86_park_resume:
    park
    mov rax, rcx
    mov rsp, rsi
resume_frame:
    mov dword [rdx], 0              ; another CPU may take the parked one now
    cmp dword [gs:abs CPU_ATTENTION], 0
    jne finish_call
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    leave_fast

; void x86_park_switch(uword place, uword load)
x86_park_switch:
    park
    mov rsp, rsi
    jmp x86_switch_stacks.load

; Where a parked thread goes on that was switched to in any other way.
parked_resume:
    call kernel_thread_resumed
    jmp finish_call

; void x86_call_on_stack(uword top, void (*function)(void *), void *argument)
x86_call_on_stack:
    push rbp
    mov rbp, rsp
    mov rsp, rdi
    mov rdi, rdx
    call rsi
    mov rsp, rbp
    pop rbp
    ret

; A new thread, with its frame at RSP. The hook looks after what ran here before.
x86_thread_enter_user:
    call kernel_thread_arrived
    jmp return_from_trap

section .rodata
align 8
x86_vector_stubs:
%assign vector 0
%rep VECTOR_STUBS
    dq vector_%+vector
%assign vector vector + 1
%endrep
