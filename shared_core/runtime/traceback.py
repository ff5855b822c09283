"""Which frames a traceback of the runtime shows.

Source: Go 1.27 runtime/traceback.go (traceback1, traceback2, showframe, showfuncinfo, printcreatedby).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Generic, List, Sequence, Tuple, TypeVar

from ..layouts.model import Layout
from .frames import is_exported_runtime

SYSTEM = "system"
_INNER, _OUTER = 50, 50

T = TypeVar("T")


@dataclass(frozen=True)
class Elided(Generic[T]):
    """The inner frames, how many are left out, the outer frames."""

    inner: List[T]
    count: int
    outer: List[T]


class Rules:
    """showframe for one program: which functions are left out below GOTRACEBACK=system."""

    def __init__(self, layout: Layout, level: str) -> None:
        ids = layout.numbers("func_ids")
        self._everything = level == SYSTEM
        self._wrapper = ids["wrapper"]
        self._normal = ids["normal"]
        self._panicking = {ids[name] for name in ("gopanic", "sigpanic", "panicwrap") if name in ids}
        self._always = {ids[name] for name in ("runfinq", "runCleanups") if name in ids}
        self.inner = layout.constants.get("traceback_inner_frames", _INNER)
        self.outer = layout.constants.get("traceback_outer_frames", 0)

    def shows(self, function: str, func_id: int, first: bool, callee_id: int) -> bool:
        """Whether a frame is printed; `callee_id` is the func id of the one before it, `first` if none was printed."""
        if self._everything:
            return True
        if func_id == self._wrapper and callee_id not in self._panicking:
            return False
        if func_id in self._always or (function == "runtime.gopanic" and not first):
            return True
        return "." in function and (not function.startswith("runtime.") or is_exported_runtime(function))

    def creator_shown(self, function: str) -> bool:
        return self.shows(function, self._normal, False, self._normal)

    def select(self, frames: Sequence[T], facts: Callable[[T], Tuple[str, int]]) -> List[T]:
        """The frames that are printed, all of them when the rules would leave none; facts: (function, func id)."""
        found: List[T] = []
        callee = self._normal
        for frame in frames:
            function, func_id = facts(frame)
            if self.shows(function, func_id, not found, callee):
                found.append(frame)
            callee = func_id
        return found or list(frames)

    def elide(self, frames: List[T]) -> Elided[T]:
        """The first and the last frames of a deep stack, and how many lie between; up to Go 1.20 just the first."""
        if len(frames) <= self.inner + self.outer:
            return Elided(frames, 0, [])
        outer = frames[-self.outer :] if self.outer else []
        return Elided(frames[: self.inner], len(frames) - self.inner - len(outer), outer)
