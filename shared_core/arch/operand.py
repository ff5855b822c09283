"""Which memory an instruction touches, by capstone's text of it and the registers before it."""

from __future__ import annotations

import re
from typing import Mapping, Optional

from .model import Arch

_BRACKETS = re.compile(r"(?<![\w:])\[([^\]]+)\]")
_TERM = re.compile(r"\s*([+-]?)\s*(?:([a-z]\w*)(?:\*(\d))?|(0x[0-9a-f]+|\d+))\s*")
_SHIFTED = re.compile(r"lsl #(\d+)")


def memory_operand(arch: Arch, operands: str, registers: Mapping[str, int], after: int) -> Optional[int]:
    """The address in brackets; None where there is none, or one of its registers is not known.

    after: where the next instruction is, which rip stands for.
    """
    found = _BRACKETS.search(operands)
    if found is None:
        return None
    known = {**registers, "rip": after}
    return _arm64(found.group(1), known) if arch.uses_lr else _amd64(found.group(1), known)


def _amd64(text: str, known: Mapping[str, int]) -> Optional[int]:
    """[base + index*scale + displacement]."""
    total = at = 0
    while at < len(text):
        term = _TERM.match(text, at)
        if term is None or term.end() == at:
            return None
        sign, name, scale, number = term.groups()
        if name is not None and name not in known:
            return None
        value = int(number, 0) if name is None else known[name] * int(scale or 1)
        total += -value if sign == "-" else value
        at = term.end()
    return total % (1 << 64)


def _arm64(text: str, known: Mapping[str, int]) -> Optional[int]:
    """[base], [base, #offset], [base, index], [base, index, lsl #n]; another extension is not known."""
    base, *rest = (part.strip() for part in text.split(","))
    if base not in known:
        return None
    if not rest:
        return known[base]
    if rest[0].startswith("#"):
        return (known[base] + int(rest[0][1:], 0)) % (1 << 64)
    shift = _SHIFTED.fullmatch(rest[1]) if len(rest) > 1 else None
    if rest[0] not in known or (len(rest) > 1 and shift is None):
        return None
    return (known[base] + (known[rest[0]] << int(shift.group(1) if shift else 0))) % (1 << 64)
