"""The pieces of a thread's stacks as commands show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, NamedTuple, Optional, Sequence, Union

from ..runtime.frames import SourceFrame
from ..runtime.nativeframes import NativeFrame
from ..runtime.segments import Segment
from .views import Views

if TYPE_CHECKING:
    from ..session import Session

AnyFrame = Union[SourceFrame, NativeFrame]


class StackPiece(NamedTuple):
    """A Segment with its logical frames; goroutine: the id of the one whose stack it is.

    more: how many frames are left out at its outer end.
    """

    stack: str
    goroutine: Optional[int]
    frames: List[AnyFrame]
    left: str
    problem: str
    more: int = 0


_ON_THE_OTHER = ("runtime.asmcgocall", "runtime.cgocallback")  # which have their arguments on the goroutine's stack


def _with_args(frame: AnyFrame, views: Views) -> AnyFrame:
    if isinstance(frame, NativeFrame) or frame.function in _ON_THE_OTHER:
        return frame
    return frame._replace(args=views.args(frame))


def pieces(
    session: Session, segments: Sequence[Segment], depth: Optional[int] = None, views: Optional[Views] = None
) -> List[StackPiece]:
    """The segments with at most `depth` frames together; with `views`, their arguments too."""
    found: List[StackPiece] = []
    room = depth
    for segment in segments:
        frames: List[AnyFrame] = []
        for frame in segment.frames:
            if isinstance(frame, NativeFrame):
                frames.append(frame)
            else:
                frames += session.source_frames.expand(frame)
        total = len(frames)
        if room is not None:
            frames = frames[:room]
            room -= len(frames)
        if views is not None:
            frames = [_with_args(frame, views) for frame in frames]
        goroutine = segment.goroutine.id if segment.goroutine is not None else None
        found.append(StackPiece(segment.stack, goroutine, frames, segment.left, segment.problem, total - len(frames)))
        if room == 0:
            break
    return found
