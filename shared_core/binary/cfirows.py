"""The instructions of call frame information, run up to one pc.

Source: DWARF 5, 6.4.2 and 7.24; the AArch64 ABI's DWARF supplement (DW_CFA_AARCH64_negate_ra_state).
"""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Tuple, Union

from ..errors import FormatError
from .leb import Cursor

OFFSET, VALUE_OFFSET, REGISTER, EXPRESSION, VALUE_EXPRESSION, SAME, UNDEFINED = range(7)
Rule = Tuple[int, Union[int, bytes]]
_MAX_STEPS = 10_000
_MAX_REMEMBERED = 64


class Rules:
    """How to find the caller's registers: the CFA as (register, offset) or an expression, and a rule per register.

    signed: the return address carries a pointer authentication code.
    """

    __slots__ = ("cfa", "registers", "signed")

    def __init__(self) -> None:
        self.cfa: Union[Tuple[int, int], bytes] = (-1, 0)
        self.registers: Dict[int, Rule] = {}
        self.signed = False

    def copy(self) -> Rules:
        copy = Rules()
        copy.cfa, copy.registers, copy.signed = self.cfa, dict(self.registers), self.signed
        return copy


class Row(NamedTuple):
    """The rules at one pc; signal: the frame was made by the kernel for a signal."""

    rules: Rules
    return_register: int
    signal: bool


class _Machine:
    def __init__(self, program: bytes, code: int, data: int, first: Optional[Rules], start: int, rules: Rules) -> None:
        self.cursor = Cursor(program)
        self.code, self.data, self.first = code, data, first
        self.location = start
        self.rules = rules
        self.remembered: List[Rules] = []

    def set(self, register: int, kind: int, value: Union[int, bytes]) -> None:
        self.rules.registers[register] = (kind, value)

    def restore(self, register: int) -> None:
        if self.first is None or register not in self.first.registers:
            self.rules.registers.pop(register, None)
        else:
            self.rules.registers[register] = self.first.registers[register]

    def cfa(self, register: Optional[int], offset: Optional[int]) -> None:
        old = self.rules.cfa
        if (register is None or offset is None) and isinstance(old, bytes):
            raise FormatError("unwind information changes a part of a CFA that is an expression")
        before = (-1, 0) if isinstance(old, bytes) else old
        self.rules.cfa = (before[0] if register is None else register, before[1] if offset is None else offset)

    def expression(self) -> None:
        self.rules.cfa = self.cursor.block()

    def remember(self) -> None:
        if len(self.remembered) >= _MAX_REMEMBERED:
            raise FormatError("unwind information remembers without end")
        self.remembered.append(self.rules.copy())

    def recall(self) -> None:
        if not self.remembered:
            raise FormatError("unwind information recalls what it has not remembered")
        self.rules = self.remembered.pop()

    def sign(self) -> None:
        self.rules.signed = not self.rules.signed

    def advance(self, code: str) -> None:
        self.location += self.cursor.number(code) * self.code


# Opcode -> what it does; the three with an operand in their low bits are in `_step`.
_OPERATIONS: Dict[int, Callable[[_Machine], None]] = {
    0x00: lambda m: None,
    0x02: lambda m: m.advance("<B"),
    0x03: lambda m: m.advance("<H"),
    0x04: lambda m: m.advance("<I"),
    0x05: lambda m: m.set(m.cursor.uleb(), OFFSET, m.cursor.uleb() * m.data),
    0x06: lambda m: m.restore(m.cursor.uleb()),
    0x07: lambda m: m.set(m.cursor.uleb(), UNDEFINED, 0),
    0x08: lambda m: m.set(m.cursor.uleb(), SAME, 0),
    0x09: lambda m: m.set(m.cursor.uleb(), REGISTER, m.cursor.uleb()),
    0x0A: _Machine.remember,
    0x0B: _Machine.recall,
    0x0C: lambda m: m.cfa(m.cursor.uleb(), m.cursor.uleb()),
    0x0D: lambda m: m.cfa(m.cursor.uleb(), None),
    0x0E: lambda m: m.cfa(None, m.cursor.uleb()),
    0x0F: _Machine.expression,
    0x10: lambda m: m.set(m.cursor.uleb(), EXPRESSION, m.cursor.block()),
    0x11: lambda m: m.set(m.cursor.uleb(), OFFSET, m.cursor.sleb() * m.data),
    0x12: lambda m: m.cfa(m.cursor.uleb(), m.cursor.sleb() * m.data),
    0x13: lambda m: m.cfa(None, m.cursor.sleb() * m.data),
    0x14: lambda m: m.set(m.cursor.uleb(), VALUE_OFFSET, m.cursor.uleb() * m.data),
    0x15: lambda m: m.set(m.cursor.uleb(), VALUE_OFFSET, m.cursor.sleb() * m.data),
    0x16: lambda m: m.set(m.cursor.uleb(), VALUE_EXPRESSION, m.cursor.block()),
    0x2D: _Machine.sign,
    0x2E: lambda m: (m.cursor.uleb(), None)[1],  # DW_CFA_GNU_args_size: what the caller pushed
    0x2F: lambda m: m.set(m.cursor.uleb(), OFFSET, -m.cursor.uleb() * m.data),
}


def run(program: bytes, code: int, data: int, first: Optional[Rules], start: int, pc: int, rules: Rules) -> Rules:
    """`rules` as `program` leaves them at `pc`; `code`, `data`: the alignment factors, `first`: the CIE's rules."""
    machine = _Machine(program, code, data, first, start, rules)
    for _ in range(_MAX_STEPS):
        if machine.cursor.done:
            return machine.rules
        _step(machine)
        if machine.location > pc:
            return machine.rules
    raise FormatError("unwind information does not end")


def _step(machine: _Machine) -> None:
    opcode = machine.cursor.byte()
    high, low = opcode & 0xC0, opcode & 0x3F
    if high == 0x40:
        machine.location += low * machine.code
    elif high == 0x80:
        machine.set(low, OFFSET, machine.cursor.uleb() * machine.data)
    elif high == 0xC0:
        machine.restore(low)
    elif opcode in _OPERATIONS:
        _OPERATIONS[opcode](machine)
    else:
        raise FormatError(f"unwind information has the unknown instruction {opcode:#x}")
