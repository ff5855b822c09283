"""Which frames a traceback of the runtime shows.

Sources: Go 1.27 runtime/traceback.go (traceback1, traceback2, showframe, showfuncinfo, printcreatedby), Go 1.19
runtime/traceback.go (traceback1, gentraceback).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, List, NamedTuple, Sequence, TypeVar

from ..layouts.dialect import always_shows_finalizers, counts_physical_frames, exports_methods
from ..layouts.model import Layout
from .frames import SourceFrame, is_exported_runtime

SYSTEM = "system"
_INNER = 50
_NO_LIMIT = 1 << 62

T = TypeVar("T")


@dataclass(frozen=True)
class Elided(Generic[T]):
    """The inner frames, how many are left out and what is said of them ("": nothing is), the outer frames."""

    inner: List[T]
    count: int
    notice: str
    outer: List[T]


class _Pass(NamedTuple):
    """What one traceback2 did: frames committed to, those of them in the physical frame that it stopped in, those
    printed, and where it stopped."""

    committed: int
    last: int
    printed: List[SourceFrame]
    at: int
    callee: int


class Rules:
    """showframe for one program: which functions are left out below GOTRACEBACK=system."""

    def __init__(self, layout: Layout, level: str) -> None:
        ids = layout.numbers("func_ids")
        self._everything = level == SYSTEM
        self._wrapper = ids["wrapper"]
        self._normal = ids["normal"]
        self._panicking = {ids[name] for name in ("gopanic", "sigpanic", "panicwrap") if name in ids}
        always = ("runfinq", "runCleanups") if always_shows_finalizers(layout) else ()
        self._always = {ids[name] for name in always if name in ids}
        self._exports_methods = exports_methods(layout)
        self._physical = counts_physical_frames(layout)
        self.inner = layout.constants.get("traceback_inner_frames", _INNER)
        self._outer = layout.constants.get("traceback_outer_frames", 0)

    def shows(self, function: str, func_id: int, first: bool, callee_id: int) -> bool:
        """Whether a frame is printed; `callee_id` is the func id of the one before it, `first` if none was printed."""
        if self._everything:
            return True
        if func_id == self._wrapper and callee_id not in self._panicking:
            return False
        if func_id in self._always or (function == "runtime.gopanic" and not first):
            return True
        return "." in function and (not function.startswith("runtime.") or self._is_exported(function))

    def _is_exported(self, function: str) -> bool:
        if self._exports_methods:
            return is_exported_runtime(function)
        initial = function[len("runtime.") :][:1]
        return initial.isascii() and initial.isupper()

    def shows_caller(self, function: str, func_id: int, first: bool = False) -> bool:
        """Whether a function is printed for which the runtime does not look at its callee: a creator, an ancestor."""
        return self.shows(function, func_id, first, self._normal)

    def choose(self, frames: Sequence[SourceFrame], everything: bool) -> Elided[SourceFrame]:
        """The frames that are printed, all of them when the rules would leave none; `everything`: no rule counts."""
        stack = _physical(frames)
        elide = self._first if self._physical else self._both_ends
        found = elide(stack, everything)
        return found if found.inner else elide(stack, True)

    def _both_ends(self, stack: List[List[SourceFrame]], everything: bool) -> Elided[SourceFrame]:
        """traceback1: the inner frames, then from there the outer ones; it starts anew in the frame it stopped in."""
        inner = self._pass(stack, 0, self._normal, everything, 0, self.inner)
        if inner.committed < self.inner:
            return Elided(inner.printed, 0, "", [])
        rest = self._pass(stack, inner.at, inner.callee, everything, _NO_LIMIT, 0)
        count = max(0, rest.committed - inner.last - self._outer)
        outer = self._pass(stack, inner.at, inner.callee, everything, inner.last + count, self._outer)
        return Elided(inner.printed, count, f"...{count} frames elided..." if count else "", outer.printed)

    def _pass(
        self, stack: List[List[SourceFrame]], start: int, callee: int, everything: bool, skip: int, limit: int
    ) -> _Pass:
        """traceback2 from the physical frame `start` on: passes over `skip` frames, and prints up to `limit`."""
        committed = last = 0
        printed: List[SourceFrame] = []
        for at in range(start, len(stack)):
            last = 0
            for frame in stack[at]:
                before, callee = callee, frame.func_id
                if not (everything or self.shows(frame.function, frame.func_id, not committed, before)):
                    continue
                if not skip and not limit:
                    return _Pass(committed, last, printed, at, callee)
                committed, last = committed + 1, last + 1
                if skip:
                    skip -= 1
                else:
                    limit -= 1
                    printed.append(frame)
        return _Pass(committed, 0, printed, len(stack), callee)

    def _first(self, stack: List[List[SourceFrame]], everything: bool) -> Elided[SourceFrame]:
        """Go 1.19: so many physical frames from the top; the rest is mentioned if so many lines were printed."""
        printed = self._pass(stack[: self.inner], 0, self._normal, everything, 0, _NO_LIMIT).printed
        count = self._pass(stack[self.inner :], 0, self._normal, everything, 0, _NO_LIMIT).committed
        return Elided(printed, count, "...additional frames elided..." if len(printed) == self.inner else "", [])


def _physical(frames: Sequence[SourceFrame]) -> List[List[SourceFrame]]:
    """The logical frames of each physical one."""
    stack: List[List[SourceFrame]] = []
    for frame in frames:
        if stack and stack[-1][0].physical is frame.physical:
            stack[-1].append(frame)
        else:
            stack.append([frame])
    return stack
