"""The check of its stack that a function begins with, and what it tells of the registers that its arguments come in.

Source: Go 1.27 cmd/internal/obj/x86/obj6.go and arm64/obj7.go (stacksplit: both the check and, at the end of the
function, the storing of all argument registers before the call of morestack are unsafe points), link.go
(SpillRegisterArgs).
"""

from __future__ import annotations

import re
from typing import Dict, NamedTuple, Tuple

from ..arch import Arch
from ..arch.refs import disassemble
from ..arch.slots import effect
from ..binary.funcs import Func
from ..binary.functabs import FuncTabs
from ..errors import GoxrayError
from .pctables import PcTables

_BL = 0x25
_UNSAFE = -2  # abi.UnsafePointUnsafe
_MAX_CHECK = 128  # bytes that the check takes where a frame is huge
_MAX_SPILLS = 512
_CALL = {"amd64": 5, "arm64": 4}  # bytes of the call of morestack
# What the call is to: with a context or without one, or over the linker's trampoline.
_MORESTACK = "runtime.morestack"
# The usual end of a function, up to the call: stores at n(%rsp), nops; on arm64 stores at n(sp), mov x3, x30.
_MOVES = rb"(?:[\x48\x4c]\x89|\x66?\x44?\x89|[\x40\x44]?\x88|[\xf2\xf3]\x44?\x0f\x11)"
_STORE_AMD64 = _MOVES + rb"(?:[\x44-\x7c]\x24.|[\x84-\xbc]\x24.{4})"
_NOP_AMD64 = rb"\x66*(?:\x90|\x0f\x1f(?:\0|\x40\0|\x44\0\0|\x80\0{4}|\x84\0{5}))"
_STORE_ARM64 = rb"[\xe0-\xff].[\x00-\x3f][\xf9\xb9\x79\x39\xfd\xbd\xa9\x29\x6d\x2d]"
_USUAL = {
    "amd64": re.compile(rb"((?:%s)*)(?:%s)*\xe8" % (_STORE_AMD64, _NOP_AMD64), re.DOTALL),
    "arm64": re.compile(rb"((?:%s)*)\xe3\x03\x1e\xaa" % _STORE_ARM64, re.DOTALL),
}

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
        self._distinct: Dict[Tuple[Tuple[int, Tuple[int, int]], ...], Spills] = {}
        self._calls: Dict[int, bool] = {}  # where calls lead -> to morestack?

    def of(self, func: Func) -> StackCheck:
        """The check of `func`; NONE where it has none, or one of another shape."""
        table = self._tables.pcdata(func, self._index)
        if table is None or table.values[:2] != [-1, _UNSAFE] or table.values[-2:] != [_UNSAFE, -1]:
            return NONE
        body = table.starts[2] * self._quantum
        start, end = table.starts[-3] * self._quantum, table.starts[-2] * self._quantum - _CALL[self._arch.name]
        if body > _MAX_CHECK or not body <= start <= end <= start + _MAX_SPILLS:
            return NONE
        at, arch = func.entry + start, self._arch
        try:
            code = bytes(self._module.image.constant(at, end - start + _CALL[arch.name]))
        except GoxrayError:
            return StackCheck(body, {})
        usual = _USUAL[arch.name].match(code)
        if usual is None or not self._is_morestack(_callee(arch.name, code, at, usual.end())):
            return StackCheck(body, self._alike(self._stores(code, at)))
        spills = self._known.get(usual.group(1))
        if spills is None:
            spills = self._known[usual.group(1)] = self._alike(self._stores(code, at))
        return StackCheck(body, spills)

    def _alike(self, spills: Spills) -> Spills:
        """The one object for what is equal to `spills`."""
        return self._distinct.setdefault(tuple(sorted(spills.items())), spills)

    def _stores(self, code: bytes, at: int) -> Spills:
        """What is stored right before the call of morestack in `code`, which is at `at`.

        Before that may be the end of a body that is an unsafe point too; up to Go 1.19 what follows is in it.
        """
        found: Spills = {}
        numbers, link = NUMBERS[self._arch.name], self._arch.pointer_size
        for _, _, mnemonic, operands in disassemble(self._arch, code, at):
            stores = effect(self._arch, mnemonic, operands).stores
            if mnemonic in ("call", "bl") and self._is_morestack(_number(operands)):
                return found
            if not stores and mnemonic != "nop" and operands != "x3, x30":
                found = {}
            for slot in stores:
                if slot.register in numbers:
                    # Between sp at the entry and the arguments is the return address, or lr's slot.
                    found[slot.offset - link] = (numbers[slot.register], slot.size)
        return {}

    def _is_morestack(self, callee: int) -> bool:
        known = self._calls.get(callee)
        if known is None:
            func = self._module.find(callee)
            known = self._calls[callee] = func is not None and func.name.startswith(_MORESTACK)
        return known


def _callee(arch: str, code: bytes, at: int, call: int) -> int:
    """Where the call leads whose displacement is `call` bytes into `code`, which is at `at`."""
    word = int.from_bytes(code[call : call + 4], "little", signed=arch == "amd64")
    if arch == "amd64":
        return at + call + 4 + word
    return at + call + (((word & 0x3FFFFFF ^ 0x2000000) - 0x2000000) << 2 if word >> 26 == _BL else 0)


def _number(operand: str) -> int:
    """That of an immediate operand, 0 for any other."""
    try:
        return int(operand.lstrip("#"), 0)
    except ValueError:
        return 0
