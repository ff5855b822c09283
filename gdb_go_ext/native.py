"""gdb's own stack commands on a goroutine: an unwinder that makes its frames follow the thread's.

While a goroutine is selected, frame 0 is the thread's own innermost frame, and the goroutine's are those after it; for
one that runs, frame 0 may be its own.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

import gdb
from gdb.FrameDecorator import FrameDecorator
from gdb.unwinder import Unwinder, register_unwinder

from . import dap

if TYPE_CHECKING:
    from shared_core.runtime.saved import SavedFrame

# pc, sp, frame pointer and link register, by gdb's names.
_REGISTERS = {"i386:x86-64": ("rip", "rsp", "rbp"), "aarch64": ("pc", "sp", "x29", "x30")}
NAME = "goxray"
_NOWHERE = 16  # in the page at 0, which no program has
Key = Tuple[int, int]
State = Tuple[Optional[Key], List["SavedFrame"]]


class _FrameId:
    """What gdb knows a frame by; it wants Values."""

    def __init__(self, sp: int, pc: int) -> None:
        self.sp = gdb.Value(sp)
        self.pc = gdb.Value(pc)


class Goroutines(Unwinder):  # type: ignore[misc]
    """Claims the innermost frame of one thread, and after it the frames of the selected goroutine."""

    def __init__(self) -> None:
        super().__init__(NAME)
        self._names: Tuple[str, ...] = ("pc", "sp")
        self._frames: List[SavedFrame] = []
        self._first: Optional[Key] = None
        self._following: Dict[Key, SavedFrame] = {}
        self._known: Dict[Key, SavedFrame] = {}
        self._places: Dict[int, SavedFrame] = {}

    @property
    def active(self) -> bool:
        """Whether a goroutine is selected."""
        return self._first is not None

    def select(self, frames: List[SavedFrame]) -> None:
        """Make `frames` follow the selected thread's innermost one, or begin with it."""
        self.clear()
        frame = gdb.newest_frame()
        self._names = _REGISTERS.get(frame.architecture().name(), ("pc", "sp"))
        self.restore((_key(frame, self._names), frames))

    def clear(self) -> None:
        """Go back to what the threads themselves have."""
        if self.active:
            self.restore((None, []))

    def state(self) -> State:
        """What `restore` takes."""
        return self._first, self._frames

    def restore(self, state: State) -> None:
        """Select what was selected when `state` was taken."""
        self._first, self._frames = state
        own = [(each.pc, each.sp) for each in self._frames]
        chain = [self._first] * (self._first not in own[:1]) + own
        self._following = {key: frame for key, frame in zip(chain, self._frames[len(own) + 1 - len(chain) :]) if key}
        self._known = dict(zip(own, self._frames))
        self._places = {each.pc: each for each in self._frames}
        gdb.invalidate_cached_frames()
        dap.frames_changed()

    def place(self, pc: int) -> Optional[SavedFrame]:
        """The function and line of the selected goroutine's frame that is at `pc`."""
        return self._places.get(pc)

    def __call__(self, pending: Any) -> Any:
        if self._first is None:
            return None
        key = _key(pending, self._names)
        caller, own = self._following.get(key), self._known.get(key)
        if own is not None:
            frame_id = _FrameId(own.cfa, own.entry)
        elif caller is not None:
            # Below the goroutine's frames, where gdb wants inner frames to be; and where it looks for this one's
            # arguments, so that it must find nothing there.
            frame_id = _FrameId(_NOWHERE, key[0])
        else:
            return None
        info = pending.create_unwind_info(frame_id)
        # A caller at 0 ends the stack. A link register has what was returned to.
        values = (caller.pc, caller.sp, caller.frame_pointer, caller.pc) if caller else (0, key[1] + 8, None, 0)
        for name, value in zip(self._names, values):
            if value is not None:
                kind = pending.read_register(name).type
                info.add_saved_register(name, gdb.Value(value).cast(kind))
        return info


def _key(frame: Any, names: Tuple[str, ...]) -> Key:
    """(pc, sp) of a frame."""
    pc, sp = (int(frame.read_register(name)) & (1 << 64) - 1 for name in names[:2])
    return pc, sp


class _Decorator(FrameDecorator):  # type: ignore[misc]
    """Names a frame that gdb has no name for; `place` is None where nobody has."""

    def __init__(self, frame: Any, place: Optional[SavedFrame]) -> None:
        super().__init__(frame)
        self._place = place

    def function(self) -> str:
        return self._place.function if self._place else "??"

    def filename(self) -> Optional[str]:
        return self._place.file if self._place else None

    def line(self) -> Optional[int]:
        return self._place.line if self._place else None


class _Filter:
    """Decorates the frames of `bt` while a goroutine is selected; gdb prints otherwise where any filter is enabled."""

    def __init__(self, goroutines: Goroutines) -> None:
        self.name, self.priority = NAME, 50
        self._goroutines = goroutines
        gdb.frame_filters[NAME] = self

    @property
    def enabled(self) -> bool:
        return self._goroutines.active

    def filter(self, frames: Iterator[Any]) -> Iterator[Any]:
        return filter(None, map(self._decorated, frames))

    def _decorated(self, frame: Any) -> Any:
        """`frame` with a name; None for the caller at 0 that the outermost frame was given."""
        inner = frame.inferior_frame()
        if inner.name() is not None or not inner.pc():
            return frame if inner.pc() else None
        return _Decorator(frame, self._goroutines.place(inner.pc()) if inner.newer() else None)


GOROUTINES = Goroutines()


def register() -> None:
    """Register the unwinder; what moves the program ends the selection."""
    register_unwinder(None, GOROUTINES, replace=True)
    _Filter(GOROUTINES)
    for name in ("cont", "exited", "new_objfile", "clear_objfiles", "inferior_deleted"):
        with suppress(AttributeError):
            getattr(gdb.events, name).connect(lambda event: GOROUTINES.clear())
