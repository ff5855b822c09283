"""Semaphores: who waits for which address, by the runtime's table of all of them.

Sources: Go 1.27 runtime/sema.go (semTable, semaRoot, queue: a treap of addresses, each with a list of waiters),
runtime/runtime2.go (sudog), internal/cpu (CacheLinePadSize).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Set

from ..errors import NOT_RECORDED, Absent, FormatError, LayoutError, Maybe, ReadError
from ..layouts.dialect import cache_line_pad
from .goroutine import Goroutine
from .sudogs import Sudog, SudogReader

if TYPE_CHECKING:
    from ..session import Session

_MAX_WAITERS = 1 << 22


class Semaphores:
    """The waiters of every semaphore of one stopped program.

    queues: address of the uint32 -> g addresses, in the order they came in; sudogs: of all that wait.
    problems: what could not be followed.
    """

    def __init__(self, session: Session) -> None:
        self._memory = session.memory
        self._kind = session.layout.struct("runtime.semaRoot")
        self._reader = SudogReader(session.memory, session.layout)
        self._size = session.layout.constants.get("sema_table_size", 251)
        self._stride = cache_line_pad(session.layout)  # each root of the table has a cache line of its own
        self.queues: Dict[int, List[int]] = {}
        self.problems: List[str] = []
        self._of: Dict[int, int] = {}
        self.sudogs: Set[int] = set()
        try:
            for index, first in enumerate(self._roots(self._find(session))):
                self._tree(index, first)
        except (ReadError, LayoutError, FormatError) as error:
            self.problems.append(f"the table of semaphores: {error}")

    def of(self, goroutine: Goroutine) -> Maybe[int]:
        """The address of the semaphore that it waits for."""
        found = self._of.get(goroutine.address)
        if found is not None:
            return found
        why = self.problems[0] if self.problems else "it is in no queue of the runtime's semaphores"
        return Absent(NOT_RECORDED, why)

    def _find(self, session: Session) -> int:
        """The table's address: one with waiters in it that are where their addresses belong, else an empty one."""
        try:
            return session.globals.find("runtime.semtable", lambda at: self._is_table(at, empty=False))
        except LayoutError:
            return session.globals.find("runtime.semtable", lambda at: self._is_table(at, empty=True))

    def _roots(self, table: int) -> List[int]:
        offset = self._kind.offset("treap")
        data = self._memory.read(table, self._stride * self._size)
        starts = range(offset, len(data), self._stride)
        return [int.from_bytes(data[at : at + 8], "little") for at in starts]

    def _is_table(self, table: int, empty: bool) -> bool:
        if table % 8:
            return False
        try:
            used = [(index, first) for index, first in enumerate(self._roots(table)) if first]
            return bool(used or empty) and all(self._fits(index, self._reader.at(first)) for index, first in used)
        except ReadError:
            return False

    def _fits(self, index: int, sudog: Sudog) -> bool:
        """semTable.rootFor; the root of a tree has no parent."""
        return (sudog.elem >> 3) % self._size == index and not sudog.parent and sudog.elem != 0

    def _tree(self, index: int, first: int) -> None:
        todo = [first] if first else []
        while todo:
            address = todo.pop()
            if address in self.sudogs:
                self.problems.append(f"the tree of semaphores loops at {address:#x}")
                continue
            try:
                node = self._reader.at(address)
            except ReadError as error:
                self.problems.append(f"the tree of semaphores is cut: {error}")
                continue
            if (node.elem >> 3) % self._size != index:
                self.problems.append(f"what {address:#x} holds does not belong to the tree of semaphores")
                continue
            self._queue(node)
            todo += [child for child in (node.prev, node.next) if child]

    def _queue(self, node: Sudog) -> None:
        queue = self.queues.setdefault(node.elem, [])
        for item in self._reader.follow(node.address, lambda sudog: sudog.waitlink):
            problem = item if isinstance(item, str) else self._misfit(item, node.elem)
            if isinstance(item, str) or problem:
                self.problems.append(problem)
                return
            self.sudogs.add(item.address)
            queue.append(item.g)
            self._of[item.g] = node.elem

    def _misfit(self, sudog: Sudog, address: int) -> str:
        if sudog.elem != address:
            return f"what {sudog.address:#x} holds is not in the queue of the semaphore at {address:#x}"
        return f"the queue of the semaphore at {address:#x} loops" if sudog.address in self.sudogs else ""
