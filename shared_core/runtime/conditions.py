"""Condition variables: who waits for which.

Sources: Go 1.27 runtime/sema.go (notifyList, notifyListWait), sync/cond.go (Cond).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Container, Dict, List, Set, Tuple

from ..errors import NOT_RECORDED, Absent, Maybe, ReadError
from .goroutine import Goroutine
from .sudogs import MAX_QUEUE, SudogReader

if TYPE_CHECKING:
    from ..session import Session


class Conditions:
    """The queues of sync.Cond: notifyLists, which nothing but stacks lead to before Go 1.26.

    goroutines: the addresses of all there are.
    """

    def __init__(self, session: Session, goroutines: Container[int]) -> None:
        self._session = session
        self._goroutines = goroutines
        self._memory = session.memory
        self._kind = session.layout.struct("runtime.notifyList")
        self._in_cond = session.layout.struct("sync.Cond").offset("notify")
        self._reader = SudogReader(session.memory, session.layout)
        self._hidden = "elem.vu" not in session.layout.struct("runtime.sudog")
        self.sudogs: Set[int] = set()
        self._known: Dict[int, Tuple[Dict[int, None], str]] = {}

    def at(self, address: int) -> Tuple[Dict[int, None], str]:
        """(the g addresses that wait in the notifyList at `address`, in their order; why the queue ended early)."""
        if address not in self._known:
            found: Dict[int, None] = {}
            problem, last = "", 0
            try:
                head, tail = (self._memory.u64(address + self._kind.offset(name)) for name in ("head", "tail"))
                for item in self._reader.follow(head, lambda sudog: sudog.next):
                    if isinstance(item, str):
                        problem = item
                    else:
                        found[item.g], last = None, item.address
                        self.sudogs.add(item.address)
                problem = problem or ("" if last == tail else "the queue does not end at its tail")
            except ReadError as error:
                problem = str(error)
            self._known[address] = found, problem
        return self._known[address]

    def of(self, goroutine: Goroutine) -> Maybe[int]:
        """The address of the notifyList that it waits in: proved by its being in that queue."""
        if not self._hidden:
            return self._by_sudog(goroutine)
        known = next((each for each in self._stack_words(goroutine) if self._holds(each, goroutine)), None)
        return known or Absent(NOT_RECORDED, "its stack leads to no queue that it is in")

    def _by_sudog(self, goroutine: Goroutine) -> Maybe[int]:
        try:
            sudog = self._reader.at(goroutine.raw.waiting)
        except ReadError:
            return Absent(NOT_RECORDED, "g.waiting leads to nothing")
        if sudog.g == goroutine.address and self._holds(sudog.elem, goroutine):
            return sudog.elem
        return Absent(NOT_RECORDED, "it is not in the queue that g.waiting leads to")

    def _stack_words(self, goroutine: Goroutine) -> List[int]:
        """What its innermost frames hold: those of the list and of the sync.Cond that it is in."""
        found = self._session.world.stacks.steps.window(goroutine)
        if found is None:
            return []
        data, at, size = found
        words = struct.unpack_from(f"<{size // 8}Q", data, at)
        places = (place for word in words if word > 1 << 12 and not word % 8 for place in (word, word + self._in_cond))
        return list(dict.fromkeys(places))

    def _holds(self, address: int, goroutine: Goroutine) -> bool:
        """Whether the queue at `address` is one, by its ends, and the goroutine is in it."""
        if address in self._known:
            queue, problem = self._known[address]
            return not problem and goroutine.address in queue
        try:
            wait = self._memory.u32(address + self._kind.offset("wait"))
            notify = self._memory.u32(address + self._kind.offset("notify"))
            head, tail = (self._memory.u64(address + self._kind.offset(name)) for name in ("head", "tail"))
            if not head or not tail or (wait - notify) & 0xFFFFFFFF > MAX_QUEUE or head % 8:
                return False
            first = self._reader.at(head)
        except ReadError:
            return False
        if first.channel or first.is_select or first.g not in self._goroutines:
            return False
        # Next to a list there are words that look like one, and end elsewhere.
        queue, problem = self.at(address)
        return not problem and goroutine.address in queue
