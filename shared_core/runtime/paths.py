"""Known ways from where goroutines park to the user's function, so that a crowd of them is walked once.

A walk is decided by its first pc and the return addresses it meets. Goroutines that park at the same place have the
same ones at the same distances from sp: comparing these words proves that a walk would lead where the last one led.
"""

from __future__ import annotations

import struct
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .frames import SourceFacts
from .unwind import Frame, PcFacts, Start

_MAX_BYTES = 1024
_MAX_PER_PC = 16


class Path(NamedTuple):
    """`unpack` takes the return addresses from the bytes at sp; they are `expected` on the way to `user`.

    size: the bytes that must be read; facts, pc, sp, fp: the user's frame, sp and fp counted from the first sp.
    """

    size: int
    unpack: Callable[[bytes], Tuple[int, ...]]
    expected: Tuple[int, ...]
    user: SourceFacts
    facts: PcFacts
    pc: int
    sp: int
    fp: int


class Paths:
    """Paths by the pc they begin at; those that match are tried first the next time."""

    def __init__(self, link: int) -> None:
        # Where a call leaves its return address: below the caller's sp (amd64), or at the callee's (arm64).
        self._link = link
        self._known: Dict[int, List[Path]] = {}
        self._longest: Dict[int, int] = {}

    def match(self, pc: int, data: bytes) -> Optional[Path]:
        """The path that a walk from `pc` takes, by the bytes at its sp; None when it must be walked.

        `pc` is as a goroutine saved it: no interrupted instruction, and no return address in a register.
        """
        available = len(data)
        for path in self._known.get(pc, ()):
            if path.size <= available and path.unpack(data) == path.expected:
                return path
        return None

    def longest(self, pc: int) -> int:
        """How many bytes from sp up the paths from `pc` look at; 0 without any."""
        return self._longest.get(pc, 0)

    def learn(self, start: Start, frames: Sequence[Frame], user: SourceFacts) -> None:
        """Keep the way of a walk whose last frame is the user's function."""
        plain = not any(frame.facts.injects or frame.trap or frame.after_sigpanic for frame in frames)
        facts, pc, sp, fp = frames[-1][:4]
        if not plain or start.lr or start.trap or not start.pc or sp - start.sp > _MAX_BYTES:
            return
        slots = [(frame.fp - 8 if self._link else frame.sp) - start.sp for frame in frames[:-1]]
        layout, at = "<", 0
        for slot in slots:
            layout += f"{slot - at}xQ"
            at = slot + 8
        words = struct.Struct(layout)
        expected = tuple(frame.pc for frame in frames[1:])
        known = self._known.setdefault(start.pc, [])
        known.insert(0, Path(words.size, words.unpack_from, expected, user, facts, pc, sp - start.sp, fp - start.sp))
        del known[_MAX_PER_PC:]
        self._longest[start.pc] = max(path.size for path in known)
