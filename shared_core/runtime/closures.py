"""Func values: the function that each calls, and the words that it has captured.

Source: Go 1.27 runtime/runtime2.go (funcval), cmd/compile/internal/walk/closure.go: a func value points to a structure
of the code's address and what was captured; one that captures nothing is among the program's constants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional, Tuple

from ..errors import UNPARSABLE, UNREADABLE, Absent, GoxrayError, Maybe, ReadError
from .record import Record
from .spans import mheap, object_at

if TYPE_CHECKING:
    from ..session import Session

_WORD = 8
MAX_WORDS = 16


class Closure(NamedTuple):
    """words: what was captured; the last of them may be beyond the end, since an object is known by its size class."""

    function: str
    entry: int
    words: Tuple[int, ...]


class Closures:
    """Reads func values of one stopped program."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._memory = session.memory
        self._heap: Optional[Record] = None

    def at(self, address: int) -> Maybe[Closure]:
        """The func value that points to `address`; Absent where no function of the program begins there."""
        try:
            entry = self._memory.u64(address)
        except ReadError as error:
            return Absent(UNREADABLE, str(error))
        found = self._session.modules.find(entry)
        if found is None or found[1].entry != entry:
            return Absent(UNPARSABLE, f"{entry:#x}, where its code should be, is the start of no function")
        return Closure(found[1].name, entry, self._words(address))

    def _words(self, address: int) -> Tuple[int, ...]:
        """() for what is not on the heap: one that captures nothing, or is on a stack, where its size is not known."""
        try:
            if self._heap is None:
                self._heap = mheap(self._session)
            found = object_at(self._session, self._heap, address)
            if found is None or found[0] != address:
                return ()
            return self._memory.pointers(address + _WORD, min(found[1] // _WORD - 1, MAX_WORDS))
        except GoxrayError:
            return ()
