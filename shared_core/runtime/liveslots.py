"""Which words of a parked goroutine's stack the garbage collector follows.

Source: Go 1.27 runtime/mgcmark.go (scanstack, scanframeworker): the pointers of each frame's stack maps, and stack
objects; the rest of a frame is left over from before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, FrozenSet, NamedTuple, Set

from ..errors import GoxrayError
from .goroutine import Goroutine
from .stackmaps import FrameMap, frame_map
from .unwind import Frame

if TYPE_CHECKING:
    from ..session import Session

_MAX_FRAMES = 200
_ARGUMENTS = 0x100  # above a frame whose maps do not tell


class Slots(NamedTuple):
    """Offsets from sp: of the words that are live, and up to where that is known of all."""

    live: FrozenSet[int]
    known: int

    def has(self, offset: int) -> bool:
        """Whether the word may be a live pointer."""
        return offset in self.live or offset >= self.known


def live_slots(session: Session, goroutine: Goroutine) -> Slots:
    """The live words of a goroutine whose stack is as g.sched has it."""
    live: Set[int] = set()
    sp = known = goroutine.raw.sched_sp
    interrupted = injected = False
    for frame in session.world.stacks.walk(goroutine, _MAX_FRAMES):
        if not isinstance(frame, Frame):
            break
        try:
            mapped = frame_map(session.source_frames.tabs(frame.module), frame, session.memory)
        except GoxrayError:
            break
        known = frame.fp
        # Where it was interrupted there is no safe point, and the collector takes every word for a pointer.
        interrupted, injected = frame.trap or injected, frame.facts.injects
        if _tells(mapped) and not interrupted:
            live.update(slot.address for slot in [*mapped.locals, *mapped.args] if slot.pointer)
            for each in mapped.objects:
                live.update(range(each.address, each.address + each.pointer_bytes, 8))
        else:
            live.update(range(frame.sp, frame.fp + _ARGUMENTS, 8))
    return Slots(frozenset(address - sp for address in live), known - sp)


def _tells(mapped: FrameMap) -> bool:
    """Whether the maps are all that counts; assembly has none, or some that were written by hand."""
    maps = mapped.maps
    if maps.assembly:
        return False
    return maps.index >= 0 or (maps.args is None and maps.locals is None)
