"""The func value that a closure was called through, and so what it has captured.

A closure finds it in a register when it is called (Go 1.27 cmd/compile/abi-internal.md: rdx, x26), and keeps what it
needs. It is known at the first instruction; later a pointer to it may still be live in the frame, or in the caller's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Set, Tuple

from ..errors import Absent, GoxrayError
from .argregs import EntryReader
from .closures import Closures
from .goroutine import Goroutine
from .stackmaps import frame_map
from .unwind import Frame

if TYPE_CHECKING:
    from ..session import Session

_CLOSURE = re.compile(r"(\.func\d+(\.\d+)*|-range\d+|-fm|\.(gowrap|deferwrap)\d+)$")
_MAX_FRAMES = 4096


class Context(NamedTuple):
    """address: of the func value; words: what it has captured. sure: it was in the register that it is passed in."""

    address: int
    words: Tuple[int, ...]
    sure: bool


class Contexts:
    """Finds those of one goroutine's frames."""

    def __init__(self, session: Session, goroutine: Goroutine, entries: EntryReader) -> None:
        self._session = session
        self._goroutine = goroutine
        self._entries = entries
        self._closures = Closures(session)
        self._frames: Optional[List[Frame]] = None
        self._places: Dict[Tuple[int, int], int] = {}

    def of(self, frame: Frame) -> Optional[Context]:
        """That of a closure's frame; None for other functions, and where no func value of it is to be seen."""
        if not _CLOSURE.search(frame.func.name):
            return None
        try:
            address, sure = self._in_register(frame), True
            if address is None:
                address, sure = self._in_frames(frame), False
            found = self._closures.at(address) if address is not None else None
        except GoxrayError:
            return None
        if address is None or found is None or isinstance(found, Absent) or not found.words:
            return None
        return Context(address, found.words, sure)

    def _in_register(self, frame: Frame) -> Optional[int]:
        if frame.pc != frame.func.entry:
            return None
        registers = self._entries.registers(self._goroutine, frame)
        value = registers.get(self._session.arch.closure) if registers is not None else None
        return value if value and self._begins(value, frame.func.entry) else None

    def _begins(self, address: int, entry: int) -> bool:
        try:
            return address % 8 == 0 and self._session.memory.u64(address) == entry
        except GoxrayError:
            return False

    def _in_frames(self, frame: Frame) -> Optional[int]:
        """The one func value of this function that live words of the frame or of its caller's point to."""
        if self._frames is None:
            walked = self._session.world.stacks.walk(self._goroutine, _MAX_FRAMES)
            self._frames = [item for item in walked if isinstance(item, Frame)]
            self._places = {(each.sp, each.pc): number for number, each in enumerate(self._frames)}
        at = self._places.get((frame.sp, frame.pc))
        if at is None:
            return None
        found: Set[int] = set()
        for each in self._frames[at : at + 2]:
            mapped = frame_map(self._session.source_frames.tabs(each.module), each, self._session.memory)
            words = [slot.value for slot in (*mapped.args, *mapped.locals) if slot.pointer]
            found.update(word for word in words if isinstance(word, int) and self._begins(word, frame.func.entry))
        return found.pop() if len(found) == 1 else None
