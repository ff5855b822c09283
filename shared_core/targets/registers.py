"""Names of the general registers, in the order of the kernel's user_regs_struct.

Source: Linux arch/x86/include/asm/user_64.h, arch/arm64/include/uapi/asm/ptrace.h.
"""

from __future__ import annotations

_AMD64 = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base"
_ARM64 = " ".join([f"x{i}" for i in range(31)] + ["sp", "pc", "pstate"])
NAMES = {"amd64": _AMD64.split(), "arm64": _ARM64.split()}
