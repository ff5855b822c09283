"""Goroutines as a profiler has them: stacks with how many stand there, and their labels.

Source: Go 1.27 runtime/mprof.go (goroutineProfileWithLabels), runtime/traceback.go (tracebackPCs: which wrappers are
passed over), runtime/pprof/proto.go (appendLocsForStack: goexit is left out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Hashable, List, NamedTuple, Sequence, Tuple

from ..errors import Absent
from ..runtime.frames import display_name
from ..runtime.goroutine import Goroutine
from ..runtime.unwind import Frame, Stop

if TYPE_CHECKING:
    from ..session import Session

DEEPEST = 1024  # frames of a stack that are kept: half of them innermost, half outermost
_GOEXIT = "runtime.goexit"

Pairs = Tuple[Tuple[str, str], ...]


class Line(NamedTuple):
    """A function that stands at a line; start_line is where it begins, 0 where that is not known (Go 1.19)."""

    function: str
    file: str
    line: int
    start_line: int

    @property
    def name(self) -> str:
        """As a traceback prints it. A remark has no file, and its brackets hold no type arguments."""
        return display_name(self.function) if self.file else self.function


class Spot(NamedTuple):
    """One physical frame: the address that its lines belong to, and these, inlined calls first.

    What stands for frames that are not there has no address (0) and a line of its own in brackets.
    """

    address: int
    lines: Tuple[Line, ...]


class Sample(NamedTuple):
    """Goroutines with one stack, from the innermost frame out, and the same labels (as Labels.of has them, sorted)."""

    stack: Tuple[Spot, ...]
    goroutines: int
    labels: Pairs


class Samples(NamedTuple):
    """The commonest first. broken: of how many goroutines the stack ends early; unlabelled: the labels are unknown."""

    samples: List[Sample]
    goroutines: int
    broken: int
    unlabelled: int


def samples_of(session: Session, found: Sequence[Goroutine]) -> Samples:
    """`found` by stack and labels."""
    return _Gatherer(session).gather(found)


class _Gatherer:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._stacks, self._labels = session.world.stacks, session.world.labels
        ids = session.layout.numbers("func_ids")
        self._wrapper = ids["wrapper"]
        self._panicking = {ids[name] for name in ("gopanic", "sigpanic", "panicwrap") if name in ids}
        self._facts: Dict[Tuple[int, int], List[Tuple[Line, int]]] = {}
        self._spots: Dict[Tuple[int, int], Spot] = {}
        self._pairs: Dict[int, Pairs] = {}
        self._sets: Dict[Pairs, Pairs] = {}

    def gather(self, found: Sequence[Goroutine]) -> Samples:
        # Stacks and label sets are the same object when they are equal: hashing them once per goroutine is slow.
        counts: Dict[Tuple[int, int], int] = {}
        stacks: Dict[Hashable, Tuple[Tuple[Spot, ...], bool]] = {}
        equal: Dict[Tuple[Spot, ...], Tuple[Spot, ...]] = {}
        labels: Dict[int, Pairs] = {}
        broken = unlabelled = 0
        pcs_of = self._stacks.steps.kept_pcs
        for goroutine in found:
            key: Hashable = pcs_of(goroutine)
            found_stack = None if key is None else stacks.get(key)
            if found_stack is None:
                frames, problem = self._walk(goroutine)
                stack = self._stack(frames, problem)
                found_stack = (equal.setdefault(stack, stack), bool(problem))
                if key is not None:
                    stacks[key] = found_stack
            stack, is_broken = found_stack
            broken += is_broken
            pairs = self._labels_of(goroutine)
            unlabelled += pairs is _UNKNOWN
            labels[id(pairs)] = pairs
            both = (id(stack), id(pairs))
            counts[both] = counts.get(both, 0) + 1
        by_id = {id(stack): stack for stack in equal}
        samples = [Sample(by_id[stack], count, labels[pairs]) for (stack, pairs), count in counts.items()]
        samples.sort(key=lambda sample: -sample.goroutines)
        return Samples(samples, len(found), broken, unlabelled)

    def _labels_of(self, goroutine: Goroutine) -> Pairs:
        address = getattr(goroutine.raw, "labels", 0)
        found = self._pairs.get(address)
        if found is None:
            labels = self._labels.of(goroutine.raw)
            pairs = _UNKNOWN if isinstance(labels, Absent) else tuple(sorted(labels.items()))
            found = self._pairs[address] = self._sets.setdefault(pairs, pairs)
        return found

    def _walk(self, goroutine: Goroutine) -> Tuple[List[Frame], str]:
        frames: List[Frame] = []
        for item in self._stacks.walk(goroutine):
            if isinstance(item, Stop):
                return frames, item.reason
            frames.append(item)
        return frames, ""

    def _stack(self, frames: List[Frame], problem: str) -> Tuple[Spot, ...]:
        spots: List[Spot] = []
        callee = -1
        for frame in frames:
            spot, callee = self._spot(frame, callee)
            spots += [spot] if spot.lines else []
        if len(spots) > DEEPEST:
            half = DEEPEST // 2
            spots[half:-half] = [_remark(f"{len(spots) - DEEPEST} frames left out")]
        return (*spots, _remark(f"the stack ends: {problem}")) if problem else tuple(spots)

    def _spot(self, frame: Frame, callee: int) -> Tuple[Spot, int]:
        """The frame without wrappers, which what they call stands for unless it panics; and its own func id."""
        at = (frame.symbol_pc, frame.func.entry)
        facts = self._facts.get(at)
        if facts is None:
            facts = self._facts[at] = self._look_up(frame)
        shown: List[Line] = []
        for line, func_id in facts:
            hidden = func_id == self._wrapper and callee not in self._panicking
            if not hidden and line.function != _GOEXIT:
                shown.append(line)
            callee = func_id
        key = (frame.symbol_pc, len(shown))
        spot = self._spots.get(key)
        if spot is None:
            spot = self._spots[key] = Spot(frame.symbol_pc, tuple(shown))
        return spot, callee

    def _look_up(self, frame: Frame) -> List[Tuple[Line, int]]:
        """(line, func id) of each logical frame."""
        sources = self._session.source_frames
        facts = sources.facts(frame.module, frame.func, frame.symbol_pc)
        starts = sources.start_lines(frame.module, frame.func, frame.symbol_pc)
        return [(Line(*fact[:3], start), fact[3]) for fact, start in zip(facts, starts)]


_UNKNOWN: Pairs = (("labels", "(cannot be read)"),)


def _remark(text: str) -> Spot:
    return Spot(0, (Line(f"[{text}]", "", 0, 0),))
