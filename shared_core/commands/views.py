"""What commands show of goroutines and frames: plain values, gathered here so that renderers read no memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Tuple

from ..errors import NOT_APPLICABLE, UNPARSABLE, Absent, GoxrayError, Maybe
from ..runtime.args import ArgItem, frame_args
from ..runtime.frames import SourceFrame
from ..runtime.goroutine import Goroutine
from ..runtime.labels import read_labels
from ..runtime.unwind import Stop
from ..runtime.world import World

if TYPE_CHECKING:
    from ..session import Session


class Place(NamedTuple):
    """A function and a line in it; `pc` is the address that it stands for."""

    function: str
    file: str
    line: int
    pc: int


class StackView(NamedTuple):
    """Frames from the innermost out; `problem` says why the walk ended early, "" when it did not."""

    frames: List[SourceFrame]
    problem: str = ""


class GoroutineView(NamedTuple):
    """One goroutine as listed; `selected` is that of the debugger's selected thread.

    `stack`, `start` and `labels` are None where nobody asked for them.
    """

    goroutine: Goroutine
    system: bool
    selected: bool
    thread: Maybe[int]
    blocked_for: Maybe[int]
    user_frame: Maybe[SourceFrame]
    created_by: Maybe[Place]
    start: Optional[Maybe[Place]] = None
    labels: Optional[Maybe[Dict[str, str]]] = None
    stack: Optional[StackView] = None


_NO_THREAD = Absent(NOT_APPLICABLE, "it is on no thread")
_MAIN = Absent(NOT_APPLICABLE, "the runtime started it")


class Views:
    """Makes views of one session's goroutines; the Ms are looked up once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.world: World = session.world
        self._selected = next((m.curg for m in self.world.machines if m.thread and m.thread.selected), 0)
        self._creators: Dict[int, Maybe[Place]] = {}
        self._threads = {m.address: (m.thread.tid if m.thread else m.procid) for m in self.world.machines}

    def goroutine(self, goroutine: Goroutine, full: bool = False, depth: Optional[int] = None) -> GoroutineView:
        """One goroutine; `full` adds what only --json and go-goroutine show, `depth` so many frames of its stack."""
        world = self.world
        return GoroutineView(
            goroutine,
            world.is_system(goroutine),
            goroutine.address == self._selected,
            self._threads.get(goroutine.raw.m, _NO_THREAD) if goroutine.raw.m else _NO_THREAD,
            world.blocked_for(goroutine),
            world.stacks.user_frame(goroutine),
            self.created_by(goroutine),
            self._start(goroutine) if full else None,
            self._labels(goroutine) if full else None,
            None if depth is None else self.stack(goroutine, depth),
        )

    def created_by(self, goroutine: Goroutine) -> Maybe[Place]:
        """The `go` statement that started it, at its line."""
        pc = goroutine.raw.gopc
        if not pc or goroutine.id == 1:
            return _MAIN
        found = self._creators.get(pc)
        if found is None:
            found = self._creators[pc] = self._place(pc, self.world.code_at(pc))
        return found

    def _start(self, goroutine: Goroutine) -> Maybe[Place]:
        return self._place(goroutine.raw.startpc, self.world.entry_at(goroutine.raw.startpc))

    def _place(self, pc: int, found: Optional[Tuple[str, str, int]]) -> Maybe[Place]:
        return Place(*found, pc) if found else Absent(UNPARSABLE, f"{pc:#x} is in no Go function")

    def _labels(self, goroutine: Goroutine) -> Maybe[Dict[str, str]]:
        return read_labels(self._session.memory, self._session.layout, getattr(goroutine.raw, "labels", 0))

    def stack(self, goroutine: Goroutine, depth: Optional[int] = None, args: bool = False) -> StackView:
        """Up to `depth` logical frames, with their arguments if asked for."""
        frames: List[SourceFrame] = []
        for item in self.world.stacks.frames(goroutine):
            if isinstance(item, Stop):
                return StackView(frames, item.reason)
            if depth is not None and len(frames) >= depth:
                break
            frames.append(item._replace(args=self.args(item)) if args else item)
        return StackView(frames)

    def args(self, frame: SourceFrame) -> Maybe[List[ArgItem]]:
        """The argument words of a frame; an inlined call has none of its own."""
        if frame.inlined:
            return Absent(NOT_APPLICABLE, "inlined: its arguments are in its caller's frame or registers")
        physical, frames = frame.physical, self._session.source_frames
        try:
            live_at = frames.liveness_pc(physical)
            return frame_args(frames.tabs(physical.module), physical, self._session.memory, live_at)
        except GoxrayError as error:
            return Absent(UNPARSABLE, str(error))
