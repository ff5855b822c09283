"""The first frame of a goroutine that is the user's: what a listing shows of its stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from ..errors import UNREADABLE, Absent, Maybe
from .frames import Place, SourceFacts, SourceFrame, is_user_frame
from .goroutine import Goroutine
from .steps import NEEDS_A_WALK, OUTERMOST, word_at
from .unwind import Frame, Stop

if TYPE_CHECKING:
    from ..session import Session
    from .stacks import Stacks

_DEPTH = 64  # how far in it is looked for; the runtime nests a few calls at most


class UserFrames:
    """Finds the user's frames in one stopped program."""

    def __init__(self, session: Session, stacks: Stacks) -> None:
        self._session = session
        self._stacks = stacks
        self._steps: Dict[int, Tuple[Optional[Place], int, int]] = {}

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
        """The place and its sp by the table of steps; None where it takes a walk."""
        found = self._stacks.steps.window(goroutine)
        if found is None:
            return None
        data, start, size = found
        at, end, steps = start, start + size - 8, self._steps
        pc = goroutine.raw.sched_pc
        while True:
            place, slot, size = steps.get(pc) or self._learn(pc)
            if place is not None:
                return place, goroutine.raw.sched_sp + at - start
            slot += at
            if slot > end:
                return None
            pc = word_at(data, slot)[0]
            at += size

    def _learn(self, pc: int) -> Tuple[Optional[Place], int, int]:
        facts, step = self._session.unwinder.facts(pc), self._stacks.steps.learn(pc)
        user = self._user_facts(Frame(facts, pc, 0, 0)) if facts is not None and facts.delta >= 0 else None
        place = Place(*user[:3], pc) if user else None
        self._steps[pc] = (place, *(NEEDS_A_WALK if step is OUTERMOST else step))
        return self._steps[pc]

    def _walk(self, goroutine: Goroutine) -> Maybe[SourceFrame]:
        frames: List[Frame] = []
        for item in self._stacks.walk(goroutine, _DEPTH):
            if isinstance(item, Stop):
                # The user's may come after what cannot be told.
                return Absent(UNREADABLE, item.reason)
            frames.append(item)
            user = self._user_facts(item)
            if user is not None:
                return SourceFrame(*user, item)
        return self._session.source_frames.expand(frames[0])[0]

    def _user_facts(self, frame: Frame) -> Optional[SourceFacts]:
        """The first of the logical frames at this place that is the user's; None when they are all the runtime's."""
        logical = self._session.source_frames.facts(frame.module, frame.func, frame.symbol_pc)
        return next((facts for facts in logical if is_user_frame(facts[0])), None)
