"""What commands show of goroutines and frames: plain values, gathered here so that renderers read no memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from ..errors import NOT_APPLICABLE, UNPARSABLE, Absent, GoxrayError, Maybe
from ..runtime.args import ArgItem, frame_args
from ..runtime.frames import Place, SourceFrame
from ..runtime.goroutine import Condition, Goroutine
from ..runtime.labels import as_text
from ..runtime.unwind import Stop
from ..runtime.world import World

if TYPE_CHECKING:
    from ..session import Session


@dataclass(frozen=True, eq=False)
class StackView:
    """Frames from the innermost out; `problem` says why the walk ended early, "" when it did not."""

    frames: List[SourceFrame]
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Standing:
    """What a list shows of a goroutine besides its number: those that wait alike share one.

    selected: it is that of the debugger's selected thread; user: where in the user's code it is.
    """

    condition: Condition
    locked: bool
    system: bool
    selected: bool
    thread: Maybe[int]
    blocked_for: Maybe[int]
    user: Maybe[Place]
    created_by: Maybe[Place]


class GoroutineView(NamedTuple):
    """One goroutine as listed. What is None nobody asked for."""

    goroutine: Goroutine
    standing: Standing
    stack: Optional[StackView] = None
    user_frame: Optional[Maybe[SourceFrame]] = None
    start: Optional[Maybe[Place]] = None
    labels: Optional[Maybe[Dict[str, str]]] = None


_NO_THREAD = Absent(NOT_APPLICABLE, "it is on no thread")
_MAIN = Absent(NOT_APPLICABLE, "the runtime started it")


class Views:
    """Makes views of one session's goroutines; the Ms are looked up once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.world: World = session.world
        self._system = self.world.system
        selected = self.world.selected()
        self._selected = selected.address if selected is not None else 0
        self._users = self.world.stacks.users
        self._standings: Dict[Tuple[Any, ...], Standing] = {}
        self._sameness = self.world.reader.sameness
        self._creators: Dict[int, Maybe[Place]] = {}
        self._stacks: Dict[Tuple[int, ...], StackView] = {}
        self._threads = {m.address: (m.thread.tid if m.thread else m.procid) for m in self.world.machines}

    def goroutine(
        self, goroutine: Goroutine, full: bool = False, depth: Optional[int] = None, labels: bool = False
    ) -> GoroutineView:
        """One goroutine; `full` adds what only --json and go-goroutine show, `depth` so many frames of its stack."""
        standing = self.standing(goroutine)
        if not full:
            stack = None if depth is None else self._equal_stack(goroutine, depth)
            return GoroutineView(goroutine, standing, stack, labels=self._labels(goroutine) if labels else None)
        stack = None if depth is None else self.stack(goroutine, depth)
        user = self._users.frame(goroutine)
        return GoroutineView(goroutine, standing, stack, user, self.start(goroutine), self._labels(goroutine))

    def standing(self, goroutine: Goroutine) -> Standing:
        """What a list shows of it."""
        address = goroutine.address
        user = self._users.place(goroutine)
        key = (self._sameness(goroutine.raw), user, address in self._system, address == self._selected)
        found = self._standings.get(key)
        if found is None:
            found = self._standings[key] = self._standing(goroutine, user)
        return found

    def _standing(self, goroutine: Goroutine, user: Maybe[Place]) -> Standing:
        address, machine = goroutine.address, goroutine.raw.m
        return Standing(
            goroutine.condition,
            goroutine.locked,
            address in self._system,
            address == self._selected,
            self._threads.get(machine, _NO_THREAD) if machine else _NO_THREAD,
            self.world.blocked_for(goroutine),
            user,
            self.created_by(goroutine),
        )

    def created_by(self, goroutine: Goroutine) -> Maybe[Place]:
        """The `go` statement that started it, at its line."""
        pc = goroutine.raw.gopc
        return _MAIN if goroutine.raw.goid == 1 or not pc else self.creator(pc)

    def creator(self, pc: int) -> Maybe[Place]:
        """The place of a gopc."""
        found = self._creators.get(pc)
        if found is None:
            found = self._creators[pc] = self._place(pc, self.world.code_at(pc))
        return found

    def start(self, goroutine: Goroutine) -> Maybe[Place]:
        """The function that it began with."""
        return self._place(goroutine.raw.startpc, self.world.entry_at(goroutine.raw.startpc))

    def _place(self, pc: int, found: Optional[Tuple[str, str, int]]) -> Maybe[Place]:
        return Place(*found, pc) if found else Absent(UNPARSABLE, f"{pc:#x} is in no Go function")

    def _labels(self, goroutine: Goroutine) -> Maybe[Dict[str, str]]:
        return as_text(self.world.labels.of(goroutine.raw))

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

    def _equal_stack(self, goroutine: Goroutine, depth: int) -> StackView:
        """A stack of the same functions and lines: goroutines whose pcs are equal share that of the first of them."""
        pcs = self.world.stacks.steps.pcs(goroutine)
        if pcs is None:
            return self.stack(goroutine, depth)
        found = self._stacks.get(pcs)
        if found is None:
            found = self._stacks[pcs] = self.stack(goroutine, depth)
        return found

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
