"""Goroutines as a debugger's list of threads wants them: a number, a name, what it waits for, three registers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, List, NamedTuple, Optional, Tuple

from ..errors import GoxrayError
from ..render.escape import escape
from ..runtime.goroutine import Goroutine
from ..runtime.saved import SavedFrame, saved_frames

if TYPE_CHECKING:
    from ..session import Session

DEFAULT_LIMIT = 1_000
_WIDEST = 64


class GoroutineThread(NamedTuple):
    """One of the list. state: as a traceback's header has it, escaped."""

    goroutine: Goroutine
    name: str
    state: str


class Registers(NamedTuple):
    """All that is known of a goroutine that is off its thread; fp None where nothing tells."""

    pc: int
    sp: int
    fp: Optional[int]


def listed(session: Session, limit: int, besides: Iterable[int] = ()) -> Tuple[List[GoroutineThread], bool]:
    """(up to `limit` of the user's goroutines by their ids, and those whose ids are `besides`; whether there are more).

    Each id once, and 0 never. Asks the target for no thread. Raises what World does where there is no list.
    """
    world = session.world
    found, more = world.first_users(limit)
    shown = {goroutine.id: goroutine for goroutine in reversed(found)}
    for goid in besides:
        goroutine = world.goroutine(goid) if goid not in shown else None
        if goroutine is not None:
            shown[goid] = goroutine
    return [of(goroutine) for _, goroutine in sorted(shown.items())], more


def of(goroutine: Goroutine) -> GoroutineThread:
    """A goroutine as the list has it."""
    return GoroutineThread(goroutine, f"goroutine {goroutine.id}", escape(goroutine.state, _WIDEST))


def registers(session: Session, goroutine: Goroutine) -> Optional[Registers]:
    """Those of its innermost frame, as go-goroutine walks it; None where its stack is lost."""
    try:
        frame = saved_frames(session, goroutine, 1)[0]
    except GoxrayError:
        return None
    return Registers(frame.pc, frame.sp, frame.frame_pointer)


def followed(frames: List[SavedFrame], pcs: List[int]) -> int:
    """How many of a goroutine's frames, from the innermost out, a debugger has found that walked by itself to `pcs`.

    All of them also where it has left out the outermost one alone, which has no frame pointer.
    """
    same = 0
    for frame, pc in zip(frames, pcs):
        if frame.pc != pc:
            break
        same += 1
    return len(frames) if same == len(pcs) == len(frames) - 1 else same
