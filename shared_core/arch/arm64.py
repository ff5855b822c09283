"""arm64: registers, and the data addresses in its code."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Optional

from .model import ADDRESS, LOAD, STORE, Arch, Line, Ref

# internal/runtime/sys/consts_arm64.go: PCQuantum 4, MinFrameSize 8; cmd/compile/abi-internal.md: g is R28.
ARM64 = Arch(
    name="arm64",
    elf_machine=183,  # EM_AARCH64
    pc_quantum=4,
    min_frame_size=8,
    uses_lr=True,
    pc="pc",
    sp="sp",
    lr="x30",
    g="x28",
    fp="x29",
    int_args=tuple(f"x{i}" for i in range(16)),
    float_args=tuple(f"d{i}" for i in range(16)),
    closure="x26",
)

_MEMORY = re.compile(r"\[(\w+)(?:, #(-?0x[0-9a-f]+|-?\d+))?\](!?)(?:, #(-?0x[0-9a-f]+|-?\d+))?")
_ADD = re.compile(r"x(\d+), (\w+), #(0x[0-9a-f]+|\d+)(?:, lsl #(\d+))?$")
_MOVE = re.compile(r"x(\d+), (x\d+)$")
_PC_RELATIVE = re.compile(r"\w+, #(0x[0-9a-f]+|\d+)$")
_REGISTER = re.compile(r"[wx](\d+)$")
_CALLS = frozenset(("bl", "blr", "ret", "svc"))
NO_RESULT = frozenset(("cmp", "cmn", "tst", "ccmp", "ccmn", "cbz", "cbnz", "tbz", "tbnz", "b", "br", "msr", "prfm"))
_STORES = ("st", "swp", "cas", "ldadd", "ldclr", "ldeor", "ldset", "ldsmax", "ldsmin", "ldumax", "ldumin")
PLAIN_STORES = frozenset(("str", "strb", "strh", "stur", "sturb", "sturh", "stp", "stnp", "stlr", "stlrb", "stlrh"))
_EXCLUSIVE_STORES = ("stxr", "stlxr", "stxp", "stlxp")


def refs(lines: Iterator[Line]) -> Iterator[Ref]:
    """The data references of disassembled `lines` (pc, size, mnemonic, operands), in order.

    Follows each register from the adrp or adr that gives it a value to the instruction that overwrites it, in a
    straight line through branches; a call ends them all, since Go's ABI keeps no register over a call.
    """
    known: Dict[str, int] = {}
    for pc, _, mnemonic, operands in lines:
        if mnemonic in ("adrp", "adr"):
            yield from _pc_relative(known, pc, mnemonic, operands)
        elif mnemonic in _CALLS:
            known.clear()
        elif "[" in operands:
            yield from _access(known, pc, mnemonic, operands)
        elif mnemonic.startswith("ldr") and "#" in operands:
            yield from _literal(known, pc, mnemonic, operands)
        elif known:
            yield from _arithmetic(known, pc, mnemonic, operands)


def _pc_relative(known: Dict[str, int], pc: int, mnemonic: str, operands: str) -> Iterator[Ref]:
    match = _PC_RELATIVE.match(operands)
    if match is None:
        return
    value = int(match.group(1), 0)
    known[operands.split(",", 1)[0]] = value
    if mnemonic == "adr":
        yield Ref(pc, value, ADDRESS, 0)


def _literal(known: Dict[str, int], pc: int, mnemonic: str, operands: str) -> Iterator[Ref]:
    match = _PC_RELATIVE.match(operands)
    _forget(known, operands.split(",", 1)[:1])
    if match is not None:
        yield Ref(pc, int(match.group(1), 0), LOAD, _width(mnemonic, operands))


def _arithmetic(known: Dict[str, int], pc: int, mnemonic: str, operands: str) -> Iterator[Ref]:
    if mnemonic in NO_RESULT or mnemonic.startswith("b."):
        return
    add = _ADD.match(operands) if mnemonic in ("add", "sub") else None
    move = _MOVE.match(operands) if mnemonic == "mov" else None
    value: Optional[int] = None
    if add is not None and add.group(2) in known:
        step = int(add.group(3), 0) << int(add.group(4) or 0)
        value = known[add.group(2)] + (step if mnemonic == "add" else -step)
        yield Ref(pc, value, ADDRESS, 0)
    elif move is not None:
        value = known.get(move.group(2))
    _forget(known, operands.split(",", 1)[:1])
    if value is not None:
        known[operands.split(",", 1)[0]] = value


def _access(known: Dict[str, int], pc: int, mnemonic: str, operands: str) -> Iterator[Ref]:
    match = _MEMORY.search(operands)
    base = match.group(1) if match is not None else ""
    value = known.get(base)
    if match is not None and value is not None and mnemonic != "prfm":
        target = value + int(match.group(2) or "0", 0)
        yield Ref(pc, target, STORE if mnemonic.startswith(_STORES) else LOAD, _width(mnemonic, operands))
    _forget(known, results(mnemonic, operands))
    if match is not None and value is not None and (match.group(3) or match.group(4)):
        known[base] = value + int(match.group(4) or match.group(2) or "0", 0)


def results(mnemonic: str, operands: str) -> List[str]:
    """The registers that a memory instruction may overwrite; for atomics all of them, which is safe."""
    if mnemonic in PLAIN_STORES or mnemonic == "prfm":
        return []
    named = operands.split("[", 1)[0].rstrip(", ").split(", ")
    return named[:1] if mnemonic.startswith(_EXCLUSIVE_STORES) else named


def _forget(known: Dict[str, int], registers: List[str]) -> None:
    for register in registers:
        match = _REGISTER.match(register)
        if match:
            known.pop("x" + match.group(1), None)


def _width(mnemonic: str, operands: str) -> int:
    """Bytes accessed: from the mnemonic's last letter, else from the register; for pairs, both registers' bytes."""
    verb = mnemonic.split(".")[0]
    if verb.endswith("sw"):
        return 4
    if verb.endswith("b"):
        return 1
    if verb.endswith("h") and verb not in ("prfh",):
        return 2
    registers = [r for r in operands.split("[", 1)[0].rstrip(", ").split(", ") if r and not r.startswith("#")]
    if not registers:
        return 0
    single = {"w": 4, "x": 8, "s": 4, "d": 8, "q": 16, "h": 2, "b": 1}.get(registers[-1][0], 0)
    pair = verb in ("ldp", "stp", "ldnp", "stnp", "ldxp", "ldaxp", "stxp", "stlxp")
    return single * 2 if pair else single
