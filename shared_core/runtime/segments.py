"""What a walk over a thread's stacks gives: pieces, each on one stack, from the innermost out."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Union

from .goroutine import Goroutine
from .nativeframes import NativeFrame
from .unwind import Frame

GOROUTINE, SYSTEM, SIGNAL, C = "goroutine", "system", "signal", "c"

ThreadFrame = Union[Frame, NativeFrame]


class Segment(NamedTuple):
    """Frames in a row on one stack.

    stack: GOROUTINE, SYSTEM (the M's g0), SIGNAL (its gsignal), or C for frames of C code, whatever stack they are on.
    left: how the next piece out came to leave its stack for this one, "" where there is none.
    problem: why the frames end early, "" when they do not. goroutine: of a GOROUTINE piece.
    """

    stack: str
    frames: List[ThreadFrame]
    left: str = ""
    problem: str = ""
    goroutine: Optional[Goroutine] = None


class Place(NamedTuple):
    """Where a piece begins; registers: by name, those that are known and count for C code.

    innermost: the thread itself or a signal is there, so that pc may be anywhere in its function.
    """

    pc: int
    sp: int
    lr: int = 0
    innermost: bool = False
    trap: bool = False
    registers: Optional[Dict[str, int]] = None


class Leave(NamedTuple):
    """The end of a piece: `to` is the next one's place, None for the goroutine's own stack; `why` as Segment.left.

    base: where the same piece goes on. over: nothing follows.
    """

    to: Optional[Place]
    why: str
    problem: str = ""
    base: Optional[Place] = None
    over: bool = False
