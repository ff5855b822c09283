"""Stacks of parked goroutines at dictionary speed.

A goroutine is nearly always parked in plain frames: how far up a return address is depends on nothing but the pc before
it. So a crowd of goroutines goes through a table of steps, and only what the table does not cover through a walk.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from ..errors import ReadError
from ..memory import Buffer
from .goroutine import Goroutine

if TYPE_CHECKING:
    from ..session import Session

WINDOW = 512  # bytes from sp up that hold the frames of most parked goroutines
_NEXT_WINDOW = 1 << 14
MAX_PCS = 1024
word_at = struct.Struct("<Q").unpack_from

# (where the caller's pc is, the frame's size), in bytes from the frame's sp.
Step = Tuple[int, int]
OUTERMOST: Step = (0, 0)
_BEYOND = 1 << 62  # an offset in no window
NEEDS_A_WALK: Step = (_BEYOND, 1)


class Steps:
    """The steps of one program, learned as they are met."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._locate = session.memory.locate
        self._known: Dict[int, Step] = {}
        self._pcs: Dict[int, Optional[Tuple[int, ...]]] = {}  # by the g's address
        self._equal: Dict[Tuple[int, ...], Tuple[int, ...]] = {}

    def learn(self, pc: int) -> Step:
        """The step from a frame at `pc`, a return address; OUTERMOST, or NEEDS_A_WALK where it is no plain frame."""
        facts = self._session.unwinder.facts(pc)
        step = NEEDS_A_WALK
        if facts is not None and facts.delta >= 0:
            size, link = facts.delta + facts.kinds.link, facts.kinds.link
            if facts.top:
                step = OUTERMOST
            elif size and not (facts.sp_write or facts.injects or facts.sigpanic):
                # The others change what the next pc means, or where it is.
                step = (size - 8 if link else 0, size)
        self._known[pc] = step
        return step

    def window(self, goroutine: Goroutine, size: int = WINDOW) -> Optional[Tuple[Buffer, int, int]]:
        """(buffer, offset, length) of the stack from g.sched.sp up; None where g.sched is not all there is to it."""
        raw = goroutine.raw
        sp = raw.sched_sp
        if not goroutine.condition.parked or raw.syscall_sp or raw.sched_lr or sp % 8:
            return None
        left = raw.high - sp
        return self._at(sp, left if left < size else size)

    def _at(self, address: int, size: int) -> Optional[Tuple[Buffer, int, int]]:
        if size < 8:
            return None
        try:
            # Goroutines that were started one after the other have their stacks side by side: one cached block.
            data, at = self._locate(address, size)
        except ReadError:
            return None
        return data, at, size

    def kept_pcs(self, goroutine: Goroutine) -> Optional[Tuple[int, ...]]:
        """The same as `pcs`, looked up once: one tuple for all goroutines whose pcs are equal."""
        address = goroutine.address
        if address not in self._pcs:
            found = self.pcs(goroutine)
            self._pcs[address] = None if found is None else self._equal.setdefault(found, found)
        return self._pcs[address]

    def pcs(self, goroutine: Goroutine) -> Optional[Tuple[int, ...]]:
        """The pcs of its frames from the innermost out; None where it takes a walk to tell."""
        found = self.window(goroutine)
        if found is None:
            return None
        data, at, size = found
        end, pc, known = at + size - 8, goroutine.raw.sched_pc, self._known
        base = goroutine.raw.sched_sp - at  # the address of the buffer's start
        pcs: List[int] = [pc]
        while len(pcs) <= MAX_PCS:
            slot, size = known.get(pc) or self.learn(pc)
            if not size:
                return tuple(pcs)
            slot += at
            if slot > end:
                found = self._at(base + at, min(_NEXT_WINDOW, goroutine.raw.high - base - at))
                if found is None or slot - at > found[2] - 8:
                    return None
                base += at - found[1]
                slot += found[1] - at
                data, at, end = found[0], found[1], found[1] + found[2] - 8
            pc = word_at(data, slot)[0]
            pcs.append(pc)
            at += size
        return None
