"""The words of goroutines' stacks that the collector takes for pointers.

Source: Go 1.27 runtime/mgcmark.go (scanstack, scanframeworker), runtime/mgcstack.go: the words that the stack maps of
each frame call live, and of stack objects those that something live on the stack points to.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from ...errors import Absent, GoxrayError, ReadError
from ..goroutine import Goroutine
from ..stackmaps import FrameMap, LiveObject, Slot, frame_map
from ..unwind import Frame
from .span import WORD

if TYPE_CHECKING:
    from ...session import Session

_MAX_FRAMES = 1 << 14
_MAX_STACK = 1 << 26


class _Shape(NamedTuple):
    """Offsets from where the walk begins: of live words, of stack objects (start, end, pointers' end)."""

    words: Tuple[int, ...]
    objects: Tuple[Tuple[int, int, int], ...]
    problem: str


class StackWords:
    """Goroutines that are parked at equal pcs have equal frames: their maps are looked up once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shapes: Dict[Tuple[int, ...], _Shape] = {}
        self.problems: List[str] = []

    def of(self, goroutine: Goroutine) -> List[Tuple[int, int]]:
        """(address, word) of each that may point somewhere and is not nil."""
        start = self._session.world.stacks.start(goroutine)
        if isinstance(start, Absent):
            return self._all(goroutine, goroutine.raw.low, start.detail)
        pcs = None
        if goroutine.condition.parked and not goroutine.raw.m:
            pcs = self._session.world.stacks.steps.pcs(goroutine)
        shape = self._shapes.get(pcs) if pcs is not None else None
        if shape is None:
            shape = self._walk(goroutine, start.sp)
            if pcs is not None:
                self._shapes[pcs] = shape
        if shape.problem:
            return self._all(goroutine, start.sp, shape.problem)
        return self._live(goroutine, start.sp, shape)

    def _all(self, goroutine: Goroutine, low: int, why: str) -> List[Tuple[int, int]]:
        """Every word of a stack that cannot be walked."""
        self.problems.append(f"every word of goroutine {goroutine.id}'s stack counts as a pointer: {why}")
        high = goroutine.raw.high
        if not low < high <= low + _MAX_STACK:
            return []
        try:
            words = struct.unpack(f"<{(high - low) // WORD}Q", self._session.memory.read(low, (high - low) & -WORD))
        except ReadError as error:
            self.problems.append(f"the stack of goroutine {goroutine.id} cannot be read: {error}")
            return []
        return [(low + WORD * i, word) for i, word in enumerate(words) if word]

    def _live(self, goroutine: Goroutine, base: int, shape: _Shape) -> List[Tuple[int, int]]:
        high = goroutine.raw.high
        found: List[Tuple[int, int]] = []
        todo: Sequence[int] = shape.words
        left = dict.fromkeys(shape.objects)
        seen: Set[int] = set()
        while todo:
            into: List[Tuple[int, int, int]] = []
            for offset in todo:
                word = self._word(base + offset)
                if not word or offset in seen:
                    continue
                seen.add(offset)
                found.append((base + offset, word))
                if left and base <= word < high:
                    into += [each for each in left if each[0] <= word - base < each[1]]
            todo = []
            for each in into:
                if each in left:
                    del left[each]
                    todo += range(each[0], each[2], WORD)
        return found

    def _word(self, address: int) -> int:
        try:
            return self._session.memory.u64(address)
        except ReadError:
            return 0

    def _walk(self, goroutine: Goroutine, base: int) -> _Shape:
        words: Set[int] = set()
        objects: List[Tuple[int, int, int]] = []
        interrupted = injected = False
        innermost: Optional[Frame] = None
        for frame in self._session.world.stacks.walk(goroutine, _MAX_FRAMES):
            if not isinstance(frame, Frame):
                return _Shape((), (), frame.reason)
            innermost = innermost or frame
            try:
                mapped = frame_map(self._session.source_frames.tabs(frame.module), frame, self._session.memory)
            except GoxrayError as error:
                return _Shape((), (), str(error))
            # Where it was interrupted there is no safe point, and the collector takes every word for a pointer.
            interrupted, injected = frame.trap or injected, frame.facts.injects
            if interrupted:
                words.update(range(frame.sp - base, frame.fp - base, WORD))
                objects += [_placed(each, base, True) for each in mapped.objects]
                continue
            words.update(slot.address - base for slot in _slots(mapped))
            objects += [_placed(each, base, False) for each in mapped.objects]
        return _Shape(tuple(sorted(words)), tuple(objects), "")


def _slots(mapped: FrameMap) -> List[Slot]:
    return [slot for slot in (*mapped.locals, *mapped.args) if slot.pointer]


def _placed(each: LiveObject, base: int, whole: bool) -> Tuple[int, int, int]:
    start = each.address - base
    pointers = each.size if whole else abs(each.pointer_bytes)
    return start, start + each.size, start + pointers
