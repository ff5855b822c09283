"""A function's first instructions: which argument register goes with which stack slot, and how long each is intact.

Source: Go 1.27 cmd/internal/obj/x86/obj6.go and arm64/obj7.go (stacksplit: a function that needs more stack stores all
argument registers in their slots, calls runtime.morestack, loads them again and starts over), cmd/internal/obj/link.go
(SpillRegisterArgs), cmd/compile/abi-internal.md.
"""

from __future__ import annotations

from typing import Callable, FrozenSet, List, NamedTuple, Tuple

from .model import Arch, Line
from .refs import MAX_CODE, disassemble
from .slots import Effect, SlotAccess, effect

_MAX_RUN = 64


class Store(NamedTuple):
    """An argument register, as it was at the entry, stored at [sp + slot.offset] by the instruction at `pc`."""

    pc: int
    slot: SlotAccess


class Step(NamedTuple):
    """The state before the instruction at `pc`: the argument registers that are intact, and what has been stored."""

    pc: int
    intact: FrozenSet[str]
    stores: Tuple[Store, ...]


class EntryCode(NamedTuple):
    """spills: slots by the sp at entry, as the call of morestack is prepared; empty where there is none.

    run: the steps that are only ever reached straight from the entry. floats: some of the code works on floats.
    """

    spills: Tuple[SlotAccess, ...]
    run: Tuple[Step, ...]
    floats: bool


def read_entry(arch: Arch, code: bytes, address: int, is_morestack: Callable[[int], bool]) -> EntryCode:
    """What the machine code of the function at `address` tells of its arguments.

    is_morestack: whether a call's target is one of runtime.morestack's entries.
    """
    lines = list(disassemble(arch, code[:MAX_CODE], address))
    effects = [effect(arch, mnemonic, operands) for _, _, mnemonic, operands in lines]
    registers = frozenset(arch.int_args) | frozenset(arch.float_args)
    spills = _spills(lines, effects, address, registers, is_morestack)
    return EntryCode(spills, _run(lines, effects, address, registers), any(each.floats for each in effects))


def _spills(
    lines: List[Line], effects: List[Effect], entry: int, registers: FrozenSet[str], is_morestack: Callable[[int], bool]
) -> Tuple[SlotAccess, ...]:
    """The stores before a call of morestack that the loads after it mirror, up to the jump to the entry."""
    # The assembler pads with nops, so that no jump crosses 32 bytes (cmd/internal/obj/x86/asm6.go, padJump).
    useful = [(line, each) for line, each in zip(lines, effects) if not _is_nop(line)]
    lines, effects = [line for line, _ in useful], [each for _, each in useful]
    for index, (_, _, mnemonic, operands) in enumerate(lines):
        if mnemonic in ("call", "bl") and is_morestack(_target(operands)):
            before, after = index - 1, index + 1
            if before >= 0 and lines[before][2:] == ("mov", "x3, x30"):
                before -= 1
            stored: List[SlotAccess] = []
            while before >= 0 and effects[before].stores:
                stored[:0] = effects[before].stores
                before -= 1
            loaded: List[SlotAccess] = []
            while after < len(lines) and effects[after].loads:
                loaded += effects[after].loads
                after += 1
            again = after < len(lines) and effects[after].target == entry
            if again and stored == loaded and registers.issuperset(slot.register for slot in stored):
                return tuple(stored)
    return ()


def _run(lines: List[Line], effects: List[Effect], entry: int, registers: FrozenSet[str]) -> Tuple[Step, ...]:
    targets = {each.target for each in effects if each.target is not None}
    known = -1 not in targets  # with a jump table any instruction may be a target
    intact, stores = registers, ()  # type: Tuple[FrozenSet[str], Tuple[Store, ...]]
    steps = []
    for (pc, _, _, _), each in zip(lines[:_MAX_RUN], effects):
        if pc != entry and (pc in targets or not known):
            break
        steps.append(Step(pc, intact, stores))
        stores += tuple(Store(pc, slot) for slot in each.stores if slot.register in intact)
        if each.writes is None:
            break
        intact -= each.writes
    return tuple(steps)


def _is_nop(line: Line) -> bool:
    """nop, or one of the longer ones: "xchg ax, ax"."""
    return line[2] == "nop" or line[2:] == ("xchg", "ax, ax")


def _target(operands: str) -> int:
    try:
        return int(operands.lstrip("#"), 16)
    except ValueError:
        return -1
