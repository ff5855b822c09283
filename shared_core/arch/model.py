"""What differs between architectures: registers, the calling convention, and how code names data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

LOAD = "load"
STORE = "store"
ADDRESS = "address"

Line = Tuple[int, int, str, str]  # one disassembled instruction: pc, size, mnemonic, operands


@dataclass(frozen=True)
class Ref:
    """One data address that an instruction names.

    pc: the instruction's address.  target: the data address.
    kind: LOAD, STORE (also read-modify-write), or ADDRESS (only computed: lea, adr, adrp + add).
    size: bytes accessed, 0 for ADDRESS and where the instruction's text does not tell.
    """

    pc: int
    target: int
    kind: str
    size: int


@dataclass(frozen=True)
class Arch:
    """One architecture as Go uses it; register names are the lower-case ones of Thread.registers.

    pc_quantum: bytes per unit of pc in pcvalue tables (sys.PCQuantum, internal/runtime/sys/consts_*.go).
    min_frame_size: bytes at the bottom of every frame that belong to the callee's caller link (sys.MinFrameSize);
        a function's arguments start at its frame pointer (caller's sp) plus this.
    uses_lr: calls leave the return address in `lr` (saved at 0(SP) by functions with a frame), not on the stack.
    int_args: ABIInternal's integer argument registers, in order (internal/abi/abi_*.go, cmd/compile/abi-internal.md).
    float_args: the same for floats, by the name of their lowest 8 bytes where that has one of its own.
    closure: the register that a closure is called with its func value in.
    """

    name: str
    elf_machine: int
    pc_quantum: int
    min_frame_size: int
    uses_lr: bool
    pc: str
    sp: str
    lr: str  # "" where calls push the return address
    g: str
    fp: str
    int_args: Tuple[str, ...]
    float_args: Tuple[str, ...]
    closure: str
    pointer_size: int = 8
    byte_order: str = "little"

    def roles(self) -> Dict[str, str]:
        """Role -> register name, for the roles this architecture has."""
        names = {"pc": self.pc, "sp": self.sp, "lr": self.lr, "g": self.g, "fp": self.fp}
        return {role: name for role, name in names.items() if name}
