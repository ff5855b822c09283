"""What the collector starts from: variables, stacks, what finalizers and the like hold, registers.

Source: Go 1.27 runtime/mgcmark.go (markroot, markrootSpans, scanstack), mfinal.go (allfin), mcleanup.go.
"""

from __future__ import annotations

import struct
from itertools import compress
from typing import TYPE_CHECKING, Dict, Iterator, List, NamedTuple, Tuple

from ...errors import Absent, GoxrayError, LayoutError, ReadError
from ..signals import interrupted_context
from .headers import flags
from .heap import Heap
from .span import WORD, Span
from .stackwords import StackWords

if TYPE_CHECKING:
    from ...session import Session

GLOBAL, STACK, FINALIZER, CLEANUP, WEAK, QUEUE, REGISTER = (
    *("global", "stack", "finalizer", "cleanup", "weak handle", "finalizer queue", "register"),
)
_MAX_DATA = 1 << 32
_MAX_SPECIALS = 1 << 20
_MAX_BLOCKS = 1 << 16
_AT_ONCE = 1 << 20


class Root(NamedTuple):
    """A word that keeps what it points to. value: the word. place: where it is, of a register 0.

    who: of STACK the goroutine's id, of REGISTER the thread's, of FINALIZER and the like the object that it belongs
    to. name: of a register.
    """

    kind: str
    value: int
    place: int
    who: int = 0
    name: str = ""


class Roots:
    """All roots of one stopped program that point into its heap; problems: what could not be looked at."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap
        self._session: Session = heap.session
        self.problems: List[str] = []

    def all(self, spans: List[Span]) -> List[Root]:
        """Variables first, then stacks, registers, and what finalizers hold."""
        found: List[Root] = []
        parts = (self._globals(), self._stacks(), self._registers(), self._queue(), self._specials(spans))
        for part in parts:
            try:
                found += part
            except GoxrayError as error:
                self.problems.append(f"not all that keeps objects alive was looked at: {error}")
        return found

    def _globals(self) -> Iterator[Root]:
        for start, words, mask in self.variables():
            yield from (
                Root(GLOBAL, word, start + WORD * i)
                for i, word in zip(compress(range(len(words)), mask), compress(words, mask))
                if word
            )

    def variables(self) -> Iterator[Tuple[int, memoryview, bytes]]:
        """(start, words, a byte for each that is 1 for a pointer) of each module's data and bss."""
        memory, layout = self._session.memory, self._session.layout.struct("runtime.moduledata")
        for module in self._session.modules.all:
            for low, high, name in (("data", "edata", "gcdatamask"), ("bss", "ebss", "gcbssmask")):
                start, end = module.fields[low], module.fields[high]
                if not start <= end < start + _MAX_DATA:
                    continue
                try:
                    at = memory.u64(module.address + layout.offset(f"{name}.bytedata"))
                    count = min(memory.u32(module.address + layout.offset(f"{name}.n")), (end - start) // WORD)
                    mask = int.from_bytes(memory.read(at, (count + 7) // 8), "little") if count else 0
                    words = memoryview(memory.read(start, WORD * count)).cast("Q")
                except (ReadError, LayoutError) as error:
                    self.problems.append(f"variables of {module.name or 'the program'} were not looked at: {error}")
                    continue
                yield start, words, flags(mask, count) if count else b""

    def _stacks(self) -> Iterator[Root]:
        stacks = StackWords(self._session)
        for goroutine in self._session.world.goroutines:
            for place, word in stacks.of(goroutine):
                yield Root(STACK, word, place, goroutine.id)
        if self._session.world.lost:
            self.problems.append(f"{self._session.world.lost} goroutines cannot be read, nor what they refer to")
        self.problems += stacks.problems

    def _registers(self) -> Iterator[Root]:
        """Of threads that run goroutines: a pointer may be nowhere else yet."""
        world = self._session.world
        for goroutine in world.goroutines:
            machine = world.machine_of(goroutine) if goroutine.status == "running" else None
            if machine is None or machine.thread is None:
                continue
            context = interrupted_context(self._session, machine, world.bounds(machine.gsignal))
            found = {name: value for name, value in machine.thread.registers.items() if value}
            if not isinstance(context, Absent):
                found = dict(context.registers)
            yield from (Root(REGISTER, value, 0, machine.thread.tid, name) for name, value in found.items() if value)

    def _specials(self, spans: List[Span]) -> Iterator[Root]:
        """Finalizers, cleanups and weak handles: what belongs to an object and is not in it."""
        kinds = self._session.layout.enums["special_kinds"]
        memory, layout = self._session.memory, self._session.layout
        kind_at, offset_at = (layout.struct("runtime.special").field(name) for name in ("kind", "offset"))
        holds = self._special_fields()
        for span in spans:
            at, seen = span.specials, 0
            while at and seen < _MAX_SPECIALS:
                record = memory.read(at, layout.struct("runtime.special").size)
                kind = kinds.get(int.from_bytes(record[kind_at.offset : kind_at.offset + kind_at.size], "little"), "")
                offset = int.from_bytes(record[offset_at.offset : offset_at.offset + offset_at.size], "little")
                for root, field in holds.get(kind, ()):
                    yield Root(root, memory.u64(at + field), at + field, span.start + offset)
                if kind == "finalizer":
                    # The object is handed to it, with all that it refers to.
                    yield Root(FINALIZER, span.start + offset, at, span.start + offset)
                at, seen = struct.unpack_from("<Q", record)[0], seen + 1

    def _special_fields(self) -> Dict[str, List[Tuple[str, int]]]:
        """Kind of special -> (kind of root, offset) of its pointers."""
        layout = self._session.layout
        wanted = (
            ("finalizer", FINALIZER, "runtime.specialfinalizer", ("fn",)),
            ("cleanup", CLEANUP, "runtime.specialCleanup", ("fn", "cleanup.call", "cleanup.fn", "cleanup.arg")),
            ("weak_handle", WEAK, "runtime.specialWeakHandle", ("handle",)),
        )
        found: Dict[str, List[Tuple[str, int]]] = {}
        for kind, root, struct_name, names in wanted:
            if struct_name in layout.structs:
                record = layout.struct(struct_name)
                found[kind] = [(root, record.offset(name)) for name in names if name in record]
        return found

    def _queue(self) -> Iterator[Root]:
        """Objects whose finalizers are about to run."""
        session, memory = self._session, self._session.memory
        block, entry = session.layout.struct("runtime.finBlock"), session.layout.struct("runtime.finalizer")
        first, most = block.offset("fin"), block.field("fin").size // entry.size

        def fits(place: int) -> bool:
            try:
                at = memory.u64(place)
                return not at or (at % WORD == 0 and memory.u32(at + block.offset("cnt")) <= most)
            except ReadError:
                return False

        at, seen = memory.u64(session.globals.find("runtime.allfin", fits)), 0
        while at and seen < _MAX_BLOCKS:
            count = min(memory.u32(at + block.offset("cnt")), most)
            for i in range(count):
                for name in ("fn", "arg"):
                    place = at + first + i * entry.size + entry.offset(name)
                    yield Root(QUEUE, memory.u64(place), place)
            at, seen = memory.u64(at + block.offset("alllink")), seen + 1
