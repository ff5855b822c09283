"""What a pointer leads to, as far as the tables tell without walking the heap."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from ..errors import Absent, GoxrayError, ReadError
from .heap import Heap, HeapObject, heap_of
from .heap.objects import FREE
from .unwind import Frame

if TYPE_CHECKING:
    from ..session import Session

# moduledata's ranges of the module's data, by the fields that bound them.
_RANGES = (
    ("data", "edata", "data"), ("noptrdata", "enoptrdata", "data"), ("bss", "ebss", "bss"),
    ("noptrbss", "enoptrbss", "bss"), ("types", "etypes", "type"), ("rodata", "etypes", "rodata"),
)  # fmt: skip
_MAX_TEXT, _SHOWN = 1 << 12, 60
_MAX_FRAMES = 1000
_OBJECT = 1  # STT_OBJECT


class Pointers:
    """Describes addresses of one stopped program: function, stack of a goroutine, data, object of the heap, or other
    memory."""

    def __init__(self, session: Session) -> None:
        self._session = session
        stacks = sorted((g.raw.low, g.raw.high, g.id) for g in session.world.goroutines)
        self._lows: List[int] = [low for low, _, _ in stacks]
        self._stacks: List[Tuple[int, int, int]] = stacks
        self._known: Dict[int, str] = {}
        self._variables: Optional[List[Tuple[int, int, str]]] = None
        self._frames: Dict[int, List[Tuple[int, int, str]]] = {}

    def describe(self, address: int) -> str:
        """ "nil", "main.f+0x12", "stack of goroutine 7", "bss", "object 0x4000+8, 48 bytes, main.T" with its
        base, "free slot of 48 bytes", "memory", or "unreadable"."""
        found = self._known.get(address)
        if found is None:
            found = self._known[address] = self._describe(address)
        return found

    def detail(self, address: int, length: int = -1) -> str:
        """The same with the frame of a stack, and the text of a read-only string; length: the word after the pointer,
        which of a string is how long it is."""
        found = self.describe(address)
        if found.startswith("stack of goroutine"):
            frame = self.frame_at(address)
            return f"{found}, {frame}" if frame else found
        if found.startswith(("data", "bss")):
            variable = self.variable_at(address)
            return f"{found}, {variable}" if variable else found
        if found == "rodata" and 0 < length <= _MAX_TEXT:
            text = self._text(address, length)
            return f'rodata "{text}"' if text else found
        return found

    def frame_at(self, address: int) -> str:
        """The function whose frame holds an address on a goroutine's stack, "" where that cannot be told."""
        index = bisect_right(self._lows, address) - 1
        if index < 0:
            return ""
        goid = self._stacks[index][2]
        if goid not in self._frames:
            goroutine = self._session.world.goroutine(goid)
            walk = [] if goroutine is None else self._session.world.stacks.walk(goroutine, _MAX_FRAMES)
            self._frames[goid] = [(item.sp, item.fp, item.func.name) for item in walk if isinstance(item, Frame)]
        return next((name for sp, fp, name in self._frames[goid] if sp <= address < fp), "")

    def variable_at(self, address: int) -> str:
        """The variable that holds an address, with the offset in it, where the executable still has symbols."""
        if self._variables is None:
            self._variables = sorted(
                (symbol.address + module.image.bias, symbol.size, symbol.name)
                for module in self._session.modules.all
                for symbol in module.image.elf.symbols()
                if symbol.kind == _OBJECT and symbol.size
            )
        index = bisect_right(self._variables, (address, 1 << 64, "")) - 1
        if index < 0:
            return ""
        start, size, name = self._variables[index]
        offset = address - start
        return (name + (f"+{offset:#x}" if offset else "")) if offset < size else ""

    def _describe(self, address: int) -> str:
        if not address:
            return "nil"
        return (
            self._function(address)
            or self._stack(address)
            or self._module_data(address)
            or self._object(address)
            or self._memory(address)
        )

    def _function(self, address: int) -> str:
        found = self._session.modules.find(address)
        if found is None:
            return ""
        offset = address - found[1].entry
        return found[1].name + (f"+{offset:#x}" if offset else "")

    def _stack(self, address: int) -> str:
        index = bisect_right(self._lows, address) - 1
        if index < 0 or not self._stacks[index][0] <= address < self._stacks[index][1]:
            return ""
        return f"stack of goroutine {self._stacks[index][2]}"

    def _module_data(self, address: int) -> str:
        for module in self._session.modules.all:
            for start, end, name in _RANGES:
                if module.fields.get(start, 0) <= address < module.fields.get(end, 0):
                    return name if not module.name else f"{name} of {module.name}"
        return ""

    def _object(self, address: int) -> str:
        try:
            heap = heap_of(self._session)
            found = heap.object_at(address)
            if found is None:
                return "heap, no object" if heap.spans.arena(address) and self._readable(address) else ""
        except GoxrayError:
            return ""
        return object_text(heap, found, address)

    def _text(self, address: int, length: int) -> str:
        try:
            data = self._session.memory.read(address, min(length, _SHOWN))
        except ReadError:
            return ""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return ""
        return (text if text.isprintable() else repr(text)[1:-1]) + ("..." if length > _SHOWN else "")

    def _readable(self, address: int) -> bool:
        try:
            self._session.memory.u8(address)
        except ReadError:
            return False
        return True

    def _memory(self, address: int) -> str:
        return "memory" if self._readable(address) else "unreadable"


def object_text(heap: Heap, found: HeapObject, address: int, kind: Optional[str] = None) -> str:
    """An object that `address` is in: "object 0x4000+8, 48 bytes, main.T"; kind: what it is, where that is known."""
    if found.state == FREE:
        return f"free slot of {found.size} bytes"
    offset = address - found.start
    place = f"{found.start:#x}" + (f"{offset:+#x}" if offset else "")
    return f"object {place}, {found.size} bytes" + (f", {kind}" if kind else _recorded(heap, found))


def _recorded(heap: Heap, found: HeapObject) -> str:
    recorded = heap.recorded_type(found)
    if isinstance(recorded, Absent) or recorded.type is None:
        return ""
    many = "[...]" if 2 * recorded.size <= found.size - found.header else ""
    return f", {many}{recorded.type.name}"
