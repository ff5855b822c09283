"""DWARF expressions as call frame information has them: a few words of arithmetic over registers and memory.

Source: DWARF 5, 2.5.1 and 7.7.1; the PLT of amd64 and glibc's signal return use them.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Optional

from ..errors import FormatError
from .leb import Cursor

_MASK = (1 << 64) - 1
_MAX_STEPS, _MAX_STACK = 1000, 64
_CONSTANTS = {0x08: "<B", 0x09: "<b", 0x0A: "<H", 0x0B: "<h", 0x0C: "<I", 0x0D: "<i", 0x0E: "<Q", 0x0F: "<q"}
_LIT0, _BREG0 = 0x30, 0x70


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


_BINARY: Dict[int, Callable[[int, int], int]] = {
    0x1A: lambda a, b: a & b,
    0x1C: lambda a, b: a - b,
    0x1E: lambda a, b: a * b,
    0x21: lambda a, b: a | b,
    0x22: lambda a, b: a + b,
    0x24: lambda a, b: a << b if b < 64 else 0,
    0x25: lambda a, b: a >> b,
    0x27: lambda a, b: a ^ b,
    0x29: lambda a, b: int(a == b),
    0x2A: lambda a, b: int(_signed(a) >= _signed(b)),
    0x2B: lambda a, b: int(_signed(a) > _signed(b)),
    0x2C: lambda a, b: int(_signed(a) <= _signed(b)),
    0x2D: lambda a, b: int(_signed(a) < _signed(b)),
    0x2E: lambda a, b: int(a != b),
}


def evaluate(
    expression: bytes, registers: Mapping[int, int], word: Callable[[int], int], first: Optional[int] = None
) -> int:
    """The value that is left on the stack, which starts with `first` if that is given.

    FormatError for what makes no sense or needs a register that is not known; whatever `word` raises.
    """
    cursor, stack = Cursor(expression), [] if first is None else [first]
    for _ in range(_MAX_STEPS):
        if cursor.done:
            return _pop(stack)
        _step(cursor, stack, registers, word)
        if len(stack) > _MAX_STACK:
            break
    raise FormatError("an expression in unwind information does not end")


def _step(cursor: Cursor, stack: List[int], registers: Mapping[int, int], word: Callable[[int], int]) -> None:
    opcode = cursor.byte()
    if opcode in _CONSTANTS:
        value = cursor.number(_CONSTANTS[opcode])
    elif opcode in (0x10, 0x11):
        value = cursor.uleb() if opcode == 0x10 else cursor.sleb()
    elif _LIT0 <= opcode < _LIT0 + 32:
        value = opcode - _LIT0
    elif _BREG0 <= opcode < _BREG0 + 32 or opcode == 0x92:
        value = _register(registers, cursor.uleb() if opcode == 0x92 else opcode - _BREG0) + cursor.sleb()
    elif opcode == 0x06:
        value = word(_pop(stack))
    elif opcode == 0x12:
        value = stack[-1] if stack else _pop(stack)
    elif opcode == 0x23:
        value = _pop(stack) + cursor.uleb()
    elif opcode in _BINARY:
        second = _pop(stack)
        value = _BINARY[opcode](_pop(stack), second)
    else:
        raise FormatError(f"an expression in unwind information has the operation {opcode:#x}")
    stack.append(value & _MASK)


def _register(registers: Mapping[int, int], number: int) -> int:
    try:
        return registers[number]
    except KeyError:
        raise FormatError(f"unwinding needs register {number}, which is not known there") from None


def _pop(stack: List[int]) -> int:
    if not stack:
        raise FormatError("an expression in unwind information takes from an empty stack")
    return stack.pop()
