"""The first frame of a goroutine that is the user's: what a listing shows of its stack.

Nearly all goroutines are parked a few plain runtime frames below it. How far up a return address is and where it leads
depends on nothing but the pc, so a crowd of goroutines goes through a table of steps, and only the rest through a walk.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from ..errors import UNREADABLE, Absent, Maybe, ReadError
from .frames import Place, SourceFacts, SourceFrame, is_user_frame
from .goroutine import Goroutine
from .unwind import Frame, Stop

if TYPE_CHECKING:
    from ..session import Session
    from .stacks import Stacks

_DEPTH = 64  # how far in it is looked for; the runtime nests a few calls at most
_WINDOW = 512  # bytes from sp up that the steps look at
_word = struct.Struct("<Q").unpack_from


# What a pc means: the user's place; or how far above sp its caller's pc is, and the frame's size, which is not 0.
_Step = Tuple[Optional[Place], int, int]
_NEEDS_A_WALK: _Step = (None, _WINDOW, 1)


class UserFrames:
    """Finds the user's frames in one stopped program."""

    def __init__(self, session: Session, stacks: Stacks) -> None:
        self._session = session
        self._memory = session.memory
        self._stacks = stacks
        self._steps: Dict[int, _Step] = {}

    def place(self, goroutine: Goroutine) -> Maybe[Place]:
        """The first frame outside the runtime, as Delve picks it; the innermost when there is none.

        Goroutines that are at the same pc share one Place.
        """
        found = self._reach(goroutine)
        if found is not None:
            return found[0]
        frame = self._walk(goroutine)
        return frame if isinstance(frame, Absent) else Place(*frame[:3], frame.pc)

    def frame(self, goroutine: Goroutine) -> Maybe[SourceFrame]:
        """The same with its frame."""
        found = self._reach(goroutine)
        facts = self._session.unwinder.facts(found[0].pc) if found else None
        if found is None or facts is None:
            return self._walk(goroutine)
        place, sp = found
        frame = Frame(facts, place.pc, sp, sp + facts.delta + facts.kinds.link)
        user = self._user_facts(frame)
        return SourceFrame(*user, frame) if user else self._walk(goroutine)

    def _reach(self, goroutine: Goroutine) -> Optional[Tuple[Place, int]]:
        """The place and its sp by the table; None where it takes a walk."""
        raw = goroutine.raw
        pc, sp = raw.sched_pc, raw.sched_sp
        if not goroutine.condition.parked or raw.syscall_sp or raw.sched_lr or sp % 8:
            return None
        size = min(_WINDOW, raw.high - sp)
        try:
            # Goroutines that were started one after the other have their stacks side by side: one cached block.
            data, start = self._memory.locate(sp, size)
        except ReadError:
            return None
        at, end, steps = start, start + size - 8, self._steps
        while True:
            place, slot, size = steps.get(pc) or self._learn(pc)
            if place is not None:
                return place, sp + at - start
            slot += at
            if slot > end:
                return None
            pc = _word(data, slot)[0]
            at += size

    def _learn(self, pc: int) -> _Step:
        facts = self._session.unwinder.facts(pc)
        step = _NEEDS_A_WALK
        if facts is not None and facts.delta >= 0:
            size = facts.delta + facts.kinds.link
            user = self._user_facts(Frame(facts, pc, 0, size))
            # The outermost function has no caller; the others change what the next pc means, or where it is.
            special = facts.top or facts.sp_write or facts.injects or facts.sigpanic
            if user is not None:
                step = (Place(*user[:3], pc), 0, 0)
            elif size and not special:
                step = (None, size - 8 if facts.kinds.link else 0, size)
        self._steps[pc] = step
        return step

    def _walk(self, goroutine: Goroutine) -> Maybe[SourceFrame]:
        frames: List[Frame] = []
        for item in self._stacks.walk(goroutine, _DEPTH):
            if isinstance(item, Stop):
                if not frames:
                    return Absent(UNREADABLE, item.reason)
                break
            frames.append(item)
            user = self._user_facts(item)
            if user is not None:
                return SourceFrame(*user, item)
        return self._session.source_frames.expand(frames[0])[0]

    def _user_facts(self, frame: Frame) -> Optional[SourceFacts]:
        """The first of the logical frames at this place that is the user's; None when they are all the runtime's."""
        logical = self._session.source_frames.facts(frame.module, frame.func, frame.symbol_pc)
        return next((facts for facts in logical if is_user_frame(facts[0])), None)
