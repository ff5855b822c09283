"""amd64: registers, and the data addresses in its code."""

from __future__ import annotations

import re
from typing import Iterator, Optional

from .model import ADDRESS, LOAD, STORE, Arch, Line, Ref

# internal/runtime/sys/consts_amd64.go: PCQuantum 1, MinFrameSize 0; cmd/compile/abi-internal.md: g is R14.
AMD64 = Arch(
    name="amd64",
    elf_machine=62,  # EM_X86_64
    pc_quantum=1,
    min_frame_size=0,
    uses_lr=False,
    pc="rip",
    sp="rsp",
    lr="",
    g="r14",
    fp="rbp",
    int_args=("rax", "rbx", "rcx", "rdi", "rsi", "r8", "r9", "r10", "r11"),
    float_args=tuple(f"xmm{i}" for i in range(15)),
    closure="rdx",
)

_RIP = re.compile(r"\[rip(?: ([+-]) (0x[0-9a-f]+|\d+))?\]")
# A bare displacement, with no segment in front of it: fs:[...] is thread-local, not a data address.
_ABSOLUTE = re.compile(r"(?<!:)\[(0x[0-9a-f]+)\]")
_WIDTHS = {
    "byte": 1,
    "word": 2,
    "dword": 4,
    "qword": 8,
    "tbyte": 10,
    "xword": 10,
    "xmmword": 16,
    "ymmword": 32,
    "zmmword": 64,
}
_WIDTH = re.compile(r"(\w+) ptr ")
_READ_ONLY = frozenset(("cmp", "test", "push", "call", "jmp", "bt", "mul", "imul", "div", "idiv", "nop", "ucomisd"))


def refs(lines: Iterator[Line]) -> Iterator[Ref]:
    """The data references of disassembled `lines` (pc, size, mnemonic, operands), in order."""
    for pc, size, mnemonic, operands in lines:
        if "[" not in operands:
            continue
        target = _target(pc + size, operands)
        if target is not None and not mnemonic.startswith("nop"):
            kind = _kind(mnemonic, operands)
            yield Ref(pc, target, kind, 0 if kind == ADDRESS else _width(operands))


def _target(next_pc: int, operands: str) -> Optional[int]:
    match = _RIP.search(operands)
    if match:
        displacement = int(match.group(2) or "0", 0)
        return (next_pc + (-displacement if match.group(1) == "-" else displacement)) % (1 << 64)
    match = _ABSOLUTE.search(operands)
    return int(match.group(1), 16) if match else None


def _kind(mnemonic: str, operands: str) -> str:
    verb = mnemonic.split()[-1]
    if verb == "lea":
        return ADDRESS
    first = operands.split(",", 1)[0]
    if verb in ("xchg", "xadd", "cmpxchg"):
        return STORE
    return STORE if "[" in first and verb not in _READ_ONLY else LOAD


def _width(operands: str) -> int:
    match = _WIDTH.search(operands)
    return _WIDTHS.get(match.group(1), 0) if match else 0
