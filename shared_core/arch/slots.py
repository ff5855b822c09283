"""What one instruction does to argument registers: which it overwrites, and which it exchanges with the stack.

Text in, as capstone prints it; registers out under one name each ("rax" of "al", "x3" of "w3", "xmm0", "d0").
"""

from __future__ import annotations

import re
from typing import Callable, Dict, FrozenSet, List, NamedTuple, Optional, Tuple

from .arm64 import NO_RESULT, PLAIN_STORES, results
from .model import Arch


class SlotAccess(NamedTuple):
    """`size` bytes between `register` and [sp + offset]."""

    register: str
    offset: int
    size: int


class Effect(NamedTuple):
    """What matters of one instruction. writes: None where it is not known, or control goes elsewhere for good.

    target: where a jump may go, -1 for a jump whose target is not in the code; floats: it works on floats.
    """

    stores: Tuple[SlotAccess, ...] = ()
    loads: Tuple[SlotAccess, ...] = ()
    writes: Optional[FrozenSet[str]] = frozenset()
    target: Optional[int] = None
    floats: bool = False


def effect(arch: Arch, mnemonic: str, operands: str) -> Effect:
    """The effect of one disassembled instruction on `arch`."""
    return _EFFECTS[arch.name](mnemonic, operands)


_LETTERS = {"rax": "a", "rbx": "b", "rcx": "c", "rdx": "d"}
_NAMES: Dict[str, str] = {}
for _full, _letter in _LETTERS.items():
    _NAMES.update(dict.fromkeys((_full, f"e{_letter}x", f"{_letter}x", f"{_letter}l", f"{_letter}h"), _full))
for _full in ("rsi", "rdi", "rbp", "rsp"):
    _NAMES.update(dict.fromkeys((_full, f"e{_full[1:]}", _full[1:], f"{_full[1:]}l"), _full))
for _number in range(8, 16):
    _NAMES.update(dict.fromkeys((f"r{_number}{suffix}" for suffix in ("", "d", "w", "b")), f"r{_number}"))
for _number in range(32):
    _NAMES.update(dict.fromkeys((f"{kind}mm{_number}" for kind in "xyz"), f"xmm{_number}"))

_STACK = re.compile(r"(byte|word|dword|qword|xmmword) ptr \[rsp(?: \+ (0x[0-9a-f]+|\d+))?\]")
_SIZES = {"byte": 1, "word": 2, "dword": 4, "qword": 8, "xmmword": 16}
# Instructions that write their first operand and nothing else but flags; what is not named here ends an analysis.
_FIRST = re.compile(
    r"mov(zx|sxd?|abs|s[sd]|[ua]p[sd]|dq[ua]|[qd])?|lea|add|sub|xor|and|or|sh[lr]|sar|neg|not|inc|dec|imul"
    r"|(add|sub|mul|div|sqrt)s[sd]|xorp[sd]|pxor|cmov\w+|set\w+|cvt\w+|vmov\w+"
)
_NOTHING = frozenset(("cmp", "test", "push", "nop", "ucomisd", "ucomiss", "comisd", "comiss", "bt"))
_SCALAR = re.compile(r"v?(?:mov|add|sub|mul|div|sqrt|ucomi|comi|min|max|round|f\w+)s[sd]$|v?cvt|v?mov[qd]$")


def _amd64(mnemonic: str, operands: str) -> Effect:
    if mnemonic[0] == "j":
        target = _hex(operands)
        return Effect(writes=None if mnemonic == "jmp" else frozenset(), target=-1 if target is None else target)
    floats = "xmm" in operands and bool(_SCALAR.match(mnemonic))
    if mnemonic in _NOTHING or (mnemonic, operands) == ("xchg", "ax, ax"):
        return Effect(floats=floats)
    first, _, second = operands.partition(", ")
    if not _FIRST.fullmatch(mnemonic):
        return Effect(writes=None, floats=floats)
    if mnemonic == "imul" and not second:
        return Effect(writes=None)
    if "[" in first:
        place = _STACK.fullmatch(first) if mnemonic.lstrip("v").startswith("mov") else None
        return Effect(stores=_amd64_slot(place, second), floats=floats)
    place = _STACK.fullmatch(second) if mnemonic.lstrip("v").startswith("mov") else None
    return Effect(loads=_amd64_slot(place, first), writes=frozenset((_NAMES.get(first, first),)), floats=floats)


def _amd64_slot(place: Optional[re.Match[str]], register: str) -> Tuple[SlotAccess, ...]:
    if place is None or register not in _NAMES:
        return ()
    return (SlotAccess(_NAMES[register], int(place.group(2) or "0", 0), _SIZES[place.group(1)]),)


_AT_SP = re.compile(r"\[sp(?:, #(0x[0-9a-f]+|\d+))?\]$")
_REGISTER = re.compile(r"([wxsdqvbh])(\d+)(?:\.\w+)?$")
_JUMP = re.compile(r"(?:.*, )?#(0x[0-9a-f]+)$")
_SLOT_MOVES = {
    **dict.fromkeys(("str", "stur", "stp", "ldr", "ldur", "ldp"), 0),
    **dict.fromkeys(("strb", "sturb", "ldrb", "ldurb", "ldrsb", "ldursb"), 1),
    **dict.fromkeys(("strh", "sturh", "ldrh", "ldurh", "ldrsh", "ldursh"), 2),
    **dict.fromkeys(("ldrsw", "ldursw"), 4),
}
_WIDTHS = {"w": 4, "x": 8, "s": 4, "d": 8}
_ENDS = frozenset(("b", "br", "bl", "blr", "ret", "svc", "brk", "udf", ".byte"))


def _arm64(mnemonic: str, operands: str) -> Effect:
    if mnemonic in ("b", "cbz", "cbnz", "tbz", "tbnz", "br") or mnemonic.startswith("b."):
        target = _JUMP.match(operands) if mnemonic != "br" else None
        ends = mnemonic in ("b", "br")
        return Effect(writes=None if ends else frozenset(), target=int(target.group(1), 16) if target else -1)
    if mnemonic in _ENDS:
        return Effect(writes=None)
    named = operands.split("[", 1)[0].rstrip(", ").split(", ")
    floats = any(name[:1] in "sd" and _REGISTER.match(name) for name in named)
    if "[" not in operands or mnemonic.startswith(("mov", "ins", "dup")):
        writes = frozenset() if mnemonic in NO_RESULT or not named[0] else frozenset((_arm64_name(named[0]),))
        return Effect(writes=writes, floats=floats)
    place = _AT_SP.search(operands)
    slots = _arm64_slots(mnemonic, named, int(place.group(1) or "0", 0)) if place is not None else ()
    if mnemonic in PLAIN_STORES:
        return Effect(stores=slots, floats=floats)
    return Effect(loads=slots, writes=frozenset(map(_arm64_name, results(mnemonic, operands))), floats=floats)


def _arm64_slots(mnemonic: str, named: List[str], offset: int) -> Tuple[SlotAccess, ...]:
    found = []
    for name in named if mnemonic in _SLOT_MOVES else ():
        size = _SLOT_MOVES[mnemonic] or _WIDTHS.get(name[:1], 0)
        if not size or not _REGISTER.match(name):
            return ()
        found.append(SlotAccess(_arm64_name(name), offset, size))
        offset += size
    return tuple(found)


def _arm64_name(name: str) -> str:
    match = _REGISTER.match(name)
    return name if match is None else ("x" if match.group(1) in "wx" else "d") + match.group(2)


def _hex(text: str) -> Optional[int]:
    return int(text, 16) if text.startswith("0x") else None


_EFFECTS: Dict[str, Callable[[str, str], Effect]] = {"amd64": _amd64, "arm64": _arm64}
