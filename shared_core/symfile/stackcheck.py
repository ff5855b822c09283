"""The check of its stack that a function begins with, and what it tells of the registers that its arguments come in.

Source: Go 1.27 cmd/internal/obj/x86/obj6.go and arm64/obj7.go (stacksplit: both the check and, at the end of the
function, the storing of all argument registers before the call of morestack are unsafe points), link.go
(SpillRegisterArgs).
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Tuple

from ..arch import Arch
from ..arch.refs import disassemble
from ..arch.slots import effect
from ..binary.funcs import Func
from ..binary.functabs import FuncTabs
from ..errors import GoxrayError
from .pctables import PcTables

_UNSAFE = -2  # abi.UnsafePointUnsafe
_MAX_CHECK = 128  # bytes that the check takes where a frame is huge
_MAX_SPILLS = 512
_CALL = {"amd64": 5, "arm64": 4}  # bytes of the call of morestack, the last instruction of the unsafe point

Spills = Dict[int, Tuple[int, int]]  # offset of an argument word from argp -> (DWARF's number of its register, size)


class StackCheck(NamedTuple):
    """body: the pc offset where the function goes on after the check, 0 where there is none."""

    body: int
    spills: Spills


NONE = StackCheck(0, {})
_AMD64 = ("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", *(f"r{i}" for i in range(8, 16)))
# DWARF's numbers, by the System V ABIs of the two architectures.
NUMBERS = {
    "amd64": {**{name: i for i, name in enumerate(_AMD64)}, **{f"xmm{i}": 17 + i for i in range(16)}},
    "arm64": {**{f"x{i}": i for i in range(31)}, **{f"d{i}": 64 + i for i in range(32)}},
}


class StackChecks:
    """Reads the checks of one module's functions; code that stores the same registers is looked at once."""

    def __init__(self, tabs: FuncTabs, tables: PcTables, arch: Arch) -> None:
        self._module, self._tables, self._arch = tabs.module, tables, arch
        self._index = tabs.pcdata["unsafe_point"]
        self._quantum = self._module.header.quantum
        self._known: Dict[bytes, Spills] = {}

    def of(self, func: Func) -> StackCheck:
        """The check of `func`; NONE where it has none, or one of another shape."""
        table = self._tables.pcdata(func, self._index)
        if table is None or table.values[:2] != [-1, _UNSAFE] or table.values[-2:] != [_UNSAFE, -1]:
            return NONE
        body = table.starts[2] * self._quantum
        start, end = table.starts[-3] * self._quantum, table.starts[-2] * self._quantum - _CALL[self._arch.name]
        if body > _MAX_CHECK or not body <= start <= end <= start + _MAX_SPILLS:
            return NONE
        try:
            code = bytes(self._module.image.constant(func.entry + start, end - start))
        except GoxrayError:
            return StackCheck(body, {})
        spills = self._known.get(code)
        if spills is None:
            spills = self._known[code] = self._stores(code)
        return StackCheck(body, spills)

    def _stores(self, code: bytes) -> Spills:
        found: Spills = {}
        numbers, link = NUMBERS[self._arch.name], self._arch.pointer_size
        for _, _, mnemonic, operands in disassemble(self._arch, code, 0):
            for slot in effect(self._arch, mnemonic, operands).stores:
                if slot.register in numbers:
                    # Between sp at the entry and the arguments is the return address, or lr's slot.
                    found[slot.offset - link] = (numbers[slot.register], slot.size)
        return found
