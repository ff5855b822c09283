"""go-stackmap: which words of a frame are live pointers, by the tables that the garbage collector uses."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from ..binary.funcs import Func
from ..binary.functabs import StackMap
from ..binary.moduledata import Module
from ..errors import GoxrayError, UserError
from ..runtime.frames import SourceFrame
from ..runtime.pointers import Pointers
from ..runtime.stackmaps import WORD, FrameMap, LiveObject, PcMaps, Slot, frame_map, maps_at
from ..runtime.unwind import Frame
from .base import Command, Result, count
from .selection import add_goroutine, one
from .views import Views

if TYPE_CHECKING:
    from ..session import Session


@dataclass
class FrameSlots:
    """A frame's words, its stack objects, what each pointer leads to, and what is to be said of the maps.

    number: of the frame in the goroutine's traceback, inlined calls counted.
    """

    number: int
    frame: SourceFrame
    args: List[Slot]
    locals: List[Slot]
    objects: List[LiveObject]
    targets: Dict[int, str]
    notes: List[str]


@dataclass
class Bitmaps:
    """The maps of a function: the one that counts at `pc`, or all of them; runs are (start, end, index) of pcs."""

    func: Func
    pc: Optional[int]
    maps: PcMaps
    args: Optional[StackMap]
    locals: Optional[StackMap]
    runs: List[Tuple[int, int, int]] = field(default_factory=list)


@dataclass
class StackMaps:
    """Of a goroutine's frames, or of a function."""

    goroutine_id: Optional[int]
    frames: List[FrameSlots]
    bitmaps: Optional[Bitmaps] = None
    problem: str = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("where", nargs="?", metavar="FUNCTION|*PC", help="the bitmaps of a function, or those at a pc")
    parser.add_argument("--frame", metavar="N", type=count, help="only frame N of the stack")
    add_goroutine(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    body = _of_function(session, options.where) if options.where else _of_stack(session, options)
    return Result("go-stackmap", body, list(session.warnings))


def _of_stack(session: Session, options: argparse.Namespace) -> StackMaps:
    goroutine = one(session, options.goroutine)
    stack = Views(session).stack(goroutine)
    frames = stack.frames
    if options.frame is not None and options.frame >= len(frames):
        raise UserError(f"goroutine {goroutine.id} has {len(frames)} frames, numbered from 0")
    physical = [(number, frame) for number, frame in enumerate(frames) if not frame.inlined]
    if options.frame is not None:
        # An inlined call has no frame of its own: the words are those of the function it was folded into.
        physical = [pair for pair in physical if pair[0] >= options.frame][:1]
    pointers = Pointers(session)
    return StackMaps(goroutine.id, [_slots(session, pointers, *pair) for pair in physical], problem=stack.problem)


def _slots(session: Session, pointers: Pointers, number: int, frame: SourceFrame) -> FrameSlots:
    physical: Frame = frame.physical
    try:
        found: FrameMap = frame_map(session.source_frames.tabs(physical.module), physical, session.memory)
    except GoxrayError as error:
        return FrameSlots(number, frame, [], [], [], {}, [f"its stack maps cannot be read: {error}"])
    targets = {**_targets(pointers, found.args), **_targets(pointers, found.locals)}
    return FrameSlots(number, frame, found.args, found.locals, found.objects, targets, found.notes)


def _targets(pointers: Pointers, slots: List[Slot]) -> Dict[int, str]:
    """What the pointers among these words lead to, by their values."""
    found = {}
    for slot, after in zip(slots, [*slots[1:], None]):
        if slot.pointer and isinstance(slot.value, int):
            is_next = after is not None and not after.pointer and after.address == slot.address + WORD
            length = after.value if after is not None and is_next and isinstance(after.value, int) else -1
            found[slot.value] = pointers.detail(slot.value, length)
    return found


def _of_function(session: Session, where: str) -> StackMaps:
    module, func, pc = _locate(session, where)
    tabs = session.source_frames.tabs(module)
    maps = maps_at(tabs, func, func.entry if pc is None else pc, return_address=False)
    runs = func.pcdata_runs(tabs.pcdata["stack_map_index"]) if pc is None else []
    return StackMaps(None, [], Bitmaps(func, pc, maps, maps.args, maps.locals, runs))


def _locate(session: Session, where: str) -> Tuple[Module, Func, Optional[int]]:
    if not where.startswith("*"):
        found = session.modules.by_name(where)
        if found is None:
            raise UserError(f"no function is called {where} (go-symbols REGEX lists names; *PC takes an address)")
        return (*found, None)
    try:
        pc = int(where[1:], 0)
    except ValueError:
        raise UserError(f"{where[1:]!r} is no address: write it as *0x47fe80") from None
    found = session.modules.find(pc)
    if found is None:
        raise UserError(f"{pc:#x} is in no Go function")
    return (*found, pc)


COMMAND = Command(
    name="go-stackmap",
    help="Show which words of a frame are live pointers.",
    run=run,
    arguments=arguments,
    details="""For a stack: each argument and local word that the stack map calls a pointer at the frame's pc, its
value, what it points to, and the frame's stack objects. For a function or a pc: the bitmaps themselves.

  go-stackmap
  go-stackmap --goroutine 18 --frame 2
  go-stackmap main.worker
  go-stackmap *0x47fe80""",
)
