"""Arguments that are still in registers: where a function was stopped before it has stored them anywhere.

Source: Go 1.27 cmd/compile/abi-internal.md (register assignment, spill area), cmd/compile/internal/ssagen/ssa.go
(RegArgs, EmitArgInfo), cmd/compile/internal/liveness/arg.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Mapping, NamedTuple, Optional, Set, Tuple

from ..arch.entry import EntryCode, Step, read_entry
from ..binary.funcs import Func
from ..binary.moduledata import Module
from ..errors import NOT_APPLICABLE, NOT_RECORDED, UNPARSABLE, UNREADABLE, Absent, Maybe
from .args import ArgItem, ArgWord
from .goroutine import Goroutine
from .signals import interrupted_context
from .unwind import Frame

if TYPE_CHECKING:
    from ..session import Session

_MORESTACK = ("runtime.morestack", "runtime.morestack_noctxt", "runtime.morestackc")
_MAX_KNOWN = 1 << 10
_FLOAT_SIZES = (4, 8)
_ASSEMBLY = Absent(NOT_APPLICABLE, "assembly takes its arguments on the stack")
_ON_STACK = Absent(NOT_APPLICABLE, "passed on the stack")
_OVERWRITTEN = Absent(NOT_RECORDED, "its register has been overwritten since")

# What a guess rests on.
ABI_ORDER = "the order of the ABI, if none of the arguments is a float"
STORED = "the function stores this register there first"


class ArgRegister(NamedTuple):
    """The register that holds an argument word; `guess` says what that rests on, "" where the code proves it."""

    name: str
    value: Maybe[int]
    guess: str = ""


class EntryArgs(NamedTuple):
    """The argument words of a frame near its function's entry, by their offsets.

    waiting: the slots that the function has not stored yet; they hold what the stack held there.
    at_entry: it stands at its very first instruction.
    """

    registers: Mapping[int, Maybe[ArgRegister]]
    waiting: Set[int]
    at_entry: bool


class EntryReader:
    """Says which registers hold the arguments; the code of each function is read once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: Dict[int, EntryCode] = {}

    def read(self, goroutine: Goroutine, frame: Frame, items: List[ArgItem]) -> Optional[EntryArgs]:
        """Of the innermost frame of a stack; None where its registers are lost, or no longer those of its caller."""
        registers = self.registers(goroutine, frame)
        words = [item for item in items if isinstance(item, ArgWord)]
        if registers is None or not words:
            return None
        if self._session.source_frames.tabs(frame.module).is_assembly(frame.func):
            return EntryArgs({w.offset: _ASSEMBLY for w in words}, set(), True) if _at_entry(frame) else None
        code = self._code(frame)
        step = next((each for each in code.run if each.pc == frame.pc), None)
        if step is None:
            return None
        places = _Places(self._session, frame.module, frame.func, words, code)
        stored = {places.slot(store.pc, store.slot.offset) for store in step.stores}
        found: Dict[int, Maybe[ArgRegister]] = {}
        waiting = set()
        for word in words:
            register = places.register(word)
            if register is _ON_STACK:
                found[word.offset] = register
            elif word.offset not in stored:
                waiting.add(word.offset)
                found[word.offset] = _filled(register, word, step, registers)
        return EntryArgs(found, waiting, _at_entry(frame))

    def registers(self, goroutine: Goroutine, frame: Frame) -> Optional[Mapping[str, Optional[int]]]:
        """Those of its thread if that is in this frame, or was when a signal came."""
        world, arch = self._session.world, self._session.arch
        machine = world.machine_of(goroutine)
        if machine is None or machine.thread is None or not frame.trap:
            return None
        registers: Mapping[str, Optional[int]] = machine.thread.registers
        low, high = world.bounds(machine.gsignal)
        if low < (registers.get(arch.sp) or 0) <= high:
            context = interrupted_context(self._session, machine, (low, high))
            registers = {} if isinstance(context, Absent) else context.registers
        here = registers.get(arch.pc) == frame.pc and registers.get(arch.sp) == frame.sp
        return registers if here else None

    def _code(self, frame: Frame) -> EntryCode:
        found = self._known.get(frame.func.entry)
        if found is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            found = self._known[frame.func.entry] = _entry_code(self._session, frame.module, frame.func)
        return found


def argument_places(session: Session, module: Module, func: Func, words: List[ArgWord]) -> List[Maybe[ArgRegister]]:
    """The register that each argument word of a function comes in, without values; Absent for one on the stack."""
    places = _Places(session, module, func, words, _entry_code(session, module, func))
    return [places.register(word) for word in words]


def _entry_code(session: Session, module: Module, func: Func) -> EntryCode:
    """What the function's code tells of its arguments."""

    def is_morestack(target: int) -> bool:
        found = session.modules.find(target)
        return found is not None and found[1].entry == target and found[1].name in _MORESTACK

    return read_entry(session.arch, bytes(module.code(func))[: func.size], func.entry, is_morestack)


class _Places:
    """Offset of an argument word -> its register, as far as the function's code and tables tell."""

    def __init__(self, session: Session, module: Module, func: Func, words: List[ArgWord], code: EntryCode) -> None:
        self._arch = session.arch
        self._func = func
        link = self._arch.pointer_size  # between sp at the entry and the arguments: the return address, or lr's slot
        self._spills = {slot.offset - link: (slot.register, slot.size) for slot in code.spills}
        self._stores: Dict[int, Tuple[str, int]] = {}
        for pc, slot in code.run[-1].stores if code.run else ():
            self._stores.setdefault(self.slot(pc, slot.offset), (slot.register, slot.size))
        self._order = {} if self._spills else self._by_order(session, module, words, code)

    def slot(self, pc: int, offset: int) -> int:
        """The offset from argp of [sp + offset] at `pc`."""
        return offset - (self._func.frame_size(pc) or 0) - self._arch.pointer_size

    def register(self, word: ArgWord) -> Maybe[ArgRegister]:
        """Its register, without the value."""
        unread = Absent(UNREADABLE)
        if self._spills:
            proved = self._spills.get(word.offset)
            if proved is None:
                return _ON_STACK
            if proved[1] != word.size:
                return Absent(UNPARSABLE, f"{proved[0]} is spilled there with {proved[1]} bytes")
            return ArgRegister(proved[0], unread)
        stored, ordered = self._stores.get(word.offset), self._order.get(word.offset)
        stored = stored if stored is not None and stored[1] == word.size else None
        if stored is not None and ordered in (None, stored[0]):
            return ArgRegister(stored[0], unread, STORED)
        if stored is None and ordered is not None:
            return ArgRegister(ordered, unread, ABI_ORDER)
        return Absent(NOT_RECORDED, "the function spills no registers that would tell which of them holds it")

    def _by_order(self, session: Session, module: Module, words: List[ArgWord], code: EntryCode) -> Dict[int, str]:
        """Registers as the ABI assigns them to integers and pointers; {} where that would be a bad guess."""
        start = session.source_frames.tabs(module).spill_start(self._func)
        offsets = [word.offset for word in words]
        hidden = 1 if "[" in self._func.name else 0  # the dictionary of a generic function comes first, and unnamed
        # Words below the first with liveness may be on the stack or not: then nothing is known of the others either.
        if min(offsets) < start or offsets != sorted(set(offsets)) or offsets[0] != start + 8 * hidden:
            return {}
        floats = {at for at, (name, _) in self._stores.items() if name in self._arch.float_args}
        rest = [word for word in words if word.offset not in floats]
        if code.floats and any(word.size in _FLOAT_SIZES and word.offset not in self._stores for word in rest):
            return {}
        return dict(zip((word.offset for word in rest), self._arch.int_args[hidden:]))


def _filled(
    register: Maybe[ArgRegister], word: ArgWord, step: Step, values: Mapping[str, Optional[int]]
) -> Maybe[ArgRegister]:
    """With the value that the register has, cut to the word's size."""
    if isinstance(register, Absent):
        return register
    if register.name not in step.intact:
        return register._replace(value=_OVERWRITTEN)
    value = values.get(register.name)
    if value is None:
        return register._replace(value=Absent(UNREADABLE, f"{register.name} is not among the registers that are read"))
    return register._replace(value=value & (1 << 8 * word.size) - 1)


def _at_entry(frame: Frame) -> bool:
    return frame.pc == frame.func.entry
