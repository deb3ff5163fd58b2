; SPDX-License-Identifier: MIT
;
; Every way into the 32-bit kernel and out of it again: exceptions and interrupts, SYSENTER, INT
; 0x80, and the first steps of a new thread. The registers of user code stand in a struct trap_frame
; (trap_frame.h) that ends at the top of the thread's kernel stack.
;
; On entry from user mode nothing in the registers is trusted: DS, ES and FS are loaded, and the
; flags replaced by clean ones (DF, AC, NT and TF off; interrupts are off already). On the way out
; FS is made null, so that no kernel selector gets out; DS and ES are the user's flat segment, and
; GS is never touched.
; Read next: ../traps.c, segments.c.

USER_DATA       equ 0x23            ; these: segments.h; segments.c asserts the offsets
USER_CODE       equ 0x1B
KERNEL_FS       equ 0x28
CPU_ATTENTION   equ 1988           ; offset of attention in struct cpu
FRAME_VECTOR    equ 7 * 4
FRAME_EIP       equ 9 * 4
FRAME_CS        equ 10 * 4
FRAME_ESP       equ 12 * 4
FRAME_EAX       equ 6 * 4
VECTOR_CALL     equ 0x80
VECTOR_STUBS    equ 0x40
CALL_LANDING    equ 0xFFFFE004      ; in the system-call page, behind its SYSENTER
USER_FLAGS      equ 0x202
CLEAN_FLAGS     equ 2

extern x86_trap
extern x86_trap_apart
extern kernel_system_call
extern kernel_return_to_user
extern kernel_thread_arrived
extern kernel_thread_resumed

global x86_vector_stubs
global x86_entry_fast_call
global x86_entry_system_call
global x86_thread_enter_user
global x86_switch_stacks
global x86_park_resume
global x86_park_switch
global x86_call_on_stack

section .text

; EAX, ECX, EDX, EBX, EBP, ESI, EDI, in the order of struct trap_frame.
%macro push_registers 0
    push eax
    push ecx
    push edx
    push ebx
    push ebp
    push esi
    push edi
%endmacro

; Flags first: with AC clear, SMAP holds again from here.
%macro load_kernel_state 0
    push CLEAN_FLAGS
    popfd
    mov ecx, USER_DATA
    mov ds, ecx
    mov es, ecx
    mov ecx, KERNEL_FS
    mov fs, ecx
%endmacro

; What both ways into a system call do once the frame is begun. EAX becomes the result.
%macro call_kernel 0
    push_registers
    load_kernel_state
    push eax
    push edi
    push esi
    push edx
    push ebx
    call kernel_system_call
    add esp, 20
%endmacro

; ---- Exceptions and interrupts ---------------------------------------------------------

; Those that push an error code themselves: 8, 10..14, 17, 21, 29, 30.

%assign vector 0
%rep VECTOR_STUBS
vector_%+vector:
%if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || \
    vector == 29 || vector == 30
%else
    push 0
%endif
    push vector
%if vector == 2
    jmp nmi_entry
%else
    jmp trap_entry
%endif
%assign vector vector + 1
%endrep

trap_entry:
    push_registers
    load_kernel_state
    mov eax, esp
    push dword [eax + FRAME_EIP]    ; with the next, a frame for backtraces: the interrupted code
    push ebp
    mov ebp, esp
    push eax
    call x86_trap
    add esp, 12
    test byte [esp + FRAME_CS], 3
    jnz return_to_user

return_to_kernel:
    pop edi
    pop esi
    pop ebp
    pop ebx
    pop edx
    pop ecx
    pop eax
    add esp, 8                      ; vector and error
    iretd

return_to_user:
    xor eax, eax
    mov fs, eax
    jmp return_to_kernel

; An NMI may come anywhere, also where DS, ES and FS are still the user's, or are so again: they are
; put back as they were.
nmi_entry:
    push_registers
    mov eax, esp
    push ds
    push es
    push fs
    load_kernel_state
    push dword [eax + FRAME_EIP]
    push ebp
    mov ebp, esp
    push eax
    call x86_trap_apart
    add esp, 12
    pop fs
    pop es
    pop ds
    jmp return_to_kernel

; ---- System calls ----------------------------------------------------------------------

; Back to the program by SYSEXIT, with ESP this many bytes into the frame and the result in EAX.
%macro leave_fast 1
    xor ecx, ecx
    mov fs, ecx
    mov edx, CALL_LANDING
    mov ecx, [esp + FRAME_ESP - %1]
    sti                             ; takes effect behind SYSEXIT
    sysexit
%endmacro

; SYSENTER: EAX = number, EBX, EDX, ESI, EDI = arguments, ECX = the user's ESP. The CPU has loaded
; ESP with the address of tss.esp0. The way back is always the landing in the system-call page. EBX,
; ESI, EDI and EBP survive in the C code's own care; what a clone or a thread switch needs of them
; is in the frame.
x86_entry_fast_call:
    mov esp, [esp]
    push USER_DATA
    push ecx
    push USER_FLAGS                 ; a call keeps no flags
    push USER_CODE
    push CALL_LANDING
    push 0
    push VECTOR_CALL
    call_kernel
    cmp dword [fs:CPU_ATTENTION], 0
    jne finish_call
    cmp byte [esp + FRAME_VECTOR], VECTOR_CALL
    jne finish_call                 ; exec has replaced the frame
    leave_fast 0

; INT 0x80, for CPUs without SYSENTER: the same registers, and ECX is free.
x86_entry_system_call:
    push 0
    push VECTOR_CALL
    call_kernel

; EAX is the result, unless the frame has been replaced (frame_set_start), which then has its own.
finish_call:
    cmp byte [esp + FRAME_VECTOR], VECTOR_CALL
    jne .replaced
    mov [esp + FRAME_EAX], eax
.replaced:
    cmp dword [fs:CPU_ATTENTION], 0
    je return_to_user
    call kernel_return_to_user
    jmp return_to_user

; ---- Threads ---------------------------------------------------------------------------

; void x86_switch_stacks(uword *save, uword load)
x86_switch_stacks:
    mov eax, [esp + 4]
    mov edx, [esp + 8]
    push ebp
    push ebx
    push esi
    push edi
    mov [eax], esp
    mov esp, edx
.load:
    pop edi
    pop esi
    pop ebx
    pop ebp
    ret

; The running thread is parked: at ECX, below its frame, stands what x86_switch_stacks pops, which is
; of no use but for EBP, where a backtrace ends, and the return address. From here on nothing of its
; stack is read.
%macro park 0
    mov dword [ecx + 3 * 4], 0
    mov dword [ecx + 4 * 4], parked_resume
%endmacro

; void x86_park_resume(uword place, uword frame, struct spinlock *lock, long result)
x86_park_resume:
    mov ecx, [esp + 4]
    mov ebx, [esp + 8]
    mov edx, [esp + 12]
    mov eax, [esp + 16]
    park
    mov esp, ebx
resume_frame:
    mov dword [edx], 0              ; another CPU may take the parked one now
    cmp dword [fs:CPU_ATTENTION], 0
    jne finish_call
    cmp dword [esp + FRAME_EIP], CALL_LANDING
    jne finish_call                 ; it came by INT
    pop edi
    pop esi
    pop ebp
    pop ebx
    leave_fast 4 * 4

; void x86_park_switch(uword place, uword load)
x86_park_switch:
    mov ecx, [esp + 4]
    mov edx, [esp + 8]
    park
    mov esp, edx
    jmp x86_switch_stacks.load

; Where a parked thread goes on that was switched to in any other way.
parked_resume:
    call kernel_thread_resumed
    jmp finish_call

; void x86_call_on_stack(uword top, void (*function)(void *), void *argument)
x86_call_on_stack:
    push ebp
    mov ebp, esp
    mov esp, [ebp + 8]
    push dword [ebp + 16]
    call [ebp + 12]
    mov esp, ebp
    pop ebp
    ret

; A new thread, with its frame at ESP. The hook looks after what ran here before.
x86_thread_enter_user:
    call kernel_thread_arrived
    jmp return_to_user

section .rodata
x86_vector_stubs:
%assign vector 0
%rep VECTOR_STUBS
    dd vector_%+vector
%assign vector vector + 1
%endrep
