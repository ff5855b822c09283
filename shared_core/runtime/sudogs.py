"""sudogs: a goroutine in a queue, of a channel, of a semaphore or of a condition variable.

Sources: Go 1.27 runtime/runtime2.go (sudog, maybeTraceablePtr), runtime/chan.go (waitq).
"""

from __future__ import annotations

from typing import Callable, Iterator, List, NamedTuple, Set, Tuple, Union

from ..errors import ReadError
from ..layouts.model import Layout
from ..memory import Memory

MAX_QUEUE = 1 << 22  # goroutines in one queue; a queue in memory that was damaged has no end


class Sudog(NamedTuple):
    """address: its own; g: whose it is; elem: the value's, semaphore's or list's address; channel: 0 for the others.

    parent: in a tree of semaphores; waitlink: the next of a select's cases, or of those that wait for a semaphore.
    """

    address: int
    g: int
    next: int
    prev: int
    elem: int
    is_select: bool
    parent: int
    waitlink: int
    channel: int


class SudogReader:
    """Turns addresses into Sudogs; one unpack each."""

    def __init__(self, memory: Memory, layout: Layout) -> None:
        kind = layout.struct("runtime.sudog")
        # Since Go 1.26 the pointers may be hidden from the collector; the number beside them (vu) always stands.
        elem = "elem.vu" if "elem.vu" in kind else "elem"
        channel = "c.maybeTraceablePtr.vu" if "c.maybeTraceablePtr.vu" in kind else "c"
        names = ("g", "next", "prev", elem, "isSelect", "parent", "waitlink", channel)
        self._unpack = kind.unpacker(names).unpack_from
        self._size = kind.size
        self._locate = memory.locate

    def at(self, address: int) -> Sudog:
        """The sudog at `address`; ReadError where there is nothing."""
        g, after, before, elem, select, parent, waitlink, channel = self._unpack(*self._locate(address, self._size))
        return Sudog(address, g, after, before, elem, bool(select & 1), parent, waitlink, channel)

    def follow(self, first: int, after: Callable[[Sudog], int], limit: int = MAX_QUEUE) -> Iterator[Union[Sudog, str]]:
        """The sudogs from `first` on; a last str says why the list ended early: it loops, is cut, or is too long."""
        seen: Set[int] = set()
        address = first
        while address:
            if address in seen:
                yield f"the queue loops at {address:#x}"
                return
            if len(seen) >= limit:
                yield f"the queue is longer than {limit}"
                return
            seen.add(address)
            try:
                sudog = self.at(address)
            except ReadError as error:
                yield f"the queue is cut: {error}"
                return
            yield sudog
            address = after(sudog)


def queue_of(reader: SudogReader, first: int, belongs: Callable[[Sudog], bool]) -> Tuple[List[Sudog], str]:
    """(the sudogs linked by `next` from `first` on, why the queue ended early or ""): up to one that is not in it."""
    found: List[Sudog] = []
    before = 0
    for item in reader.follow(first, lambda sudog: sudog.next):
        if isinstance(item, str):
            return found, item
        if not belongs(item):
            return found, f"what {item.address:#x} holds does not belong to the queue"
        if item.prev != before and item.prev:
            return found, f"the queue is torn at {item.address:#x}"
        before = item.address
        found.append(item)
    return found, ""
