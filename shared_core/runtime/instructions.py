"""The machine instruction at a pc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping, NamedTuple, Optional

from ..arch.operand import memory_operand
from ..arch.refs import disassemble
from ..errors import UNPARSABLE, UNREADABLE, Absent, GoxrayError, Maybe

if TYPE_CHECKING:
    from ..session import Session

_LONGEST = 16


class Instruction(NamedTuple):
    """text: as capstone words it. function: the Go function that holds it, "" for other code; offset: within that.

    operand: the address that it reads or writes, where the registers before it are known.
    """

    pc: int
    text: str
    function: str
    offset: int
    operand: Optional[int]


def instruction_at(session: Session, pc: int, registers: Mapping[str, int]) -> Maybe[Instruction]:
    """The instruction at `pc`, of the program's tables or of memory."""
    found = session.modules.find(pc)
    try:
        if found is not None:
            module, func = found
            at = pc - func.entry
            code = bytes(module.code(func))[at : at + _LONGEST]
        else:
            code = _readable(session, pc)
        line = next(iter(disassemble(session.arch, code, pc)), None)
    except GoxrayError as error:
        return Absent(UNREADABLE, str(error))
    if line is None or line[2] == ".byte":
        return Absent(UNPARSABLE, f"there is no instruction at {pc:#x}")
    _, size, mnemonic, operands = line
    operand = memory_operand(session.arch, operands, registers, pc + size) if registers else None
    function, offset = (found[1].name, pc - found[1].entry) if found is not None else ("", 0)
    return Instruction(pc, f"{mnemonic} {operands}".strip(), function, offset, operand)


def _readable(session: Session, pc: int) -> bytes:
    """Up to 16 bytes, fewer where a mapping ends; ReadError without any."""
    for size in (_LONGEST, 8, 4):
        try:
            return session.memory.read(pc, size)
        except GoxrayError:
            continue
    return session.memory.read(pc, 1)
