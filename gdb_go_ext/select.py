"""`go-goroutine ID select`, `go-goroutine ID -- COMMAND` and `go-goroutine 0`: gdb's own commands on a goroutine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator, Optional

import gdb

from shared_core.commands.selecting import Asked
from shared_core.errors import UserError

from .native import GOROUTINES
from .sessions import SESSIONS


def run(asked: Asked) -> None:
    """Do what is asked. GoxrayError where that cannot be done."""
    if asked.goid == 0:
        _back()
    elif asked.command is None:
        _select(asked.goid, say=True)
    else:
        _apply(asked.goid, asked.command)


def _back() -> None:
    """The thread's own frames again."""
    GOROUTINES.clear()
    if gdb.selected_thread() is not None:
        gdb.newest_frame().select()
        gdb.execute("frame")


def _select(goid: int, say: bool) -> None:
    from shared_core.commands.selection import one
    from shared_core.render.escape import escape
    from shared_core.runtime.saved import saved_frames, thread_of

    session = SESSIONS.current()
    goroutine = one(session, goid)
    frames, tid = saved_frames(session, goroutine), thread_of(session, goroutine)
    if tid is not None:
        _thread(tid).switch()
    GOROUTINES.select(frames)
    level = _select_frame(frames[0].pc, frames[0].sp)
    if level is None:
        GOROUTINES.clear()
        raise UserError(f"gdb does not take the stack of goroutine {goid}")
    if say:
        top = frames[0]
        where = f"on thread {tid}" if tid is not None else "on no thread"
        gdb.write(
            f"[goroutine {goid} ({escape(goroutine.state)}), {where}; frames from #{level} on are its own, and in them "
            f"pc, sp and the frame pointer; go-goroutine 0 goes back]\n"
            f"#{level}  {top.pc:#018x} in {escape(top.function)} () at {escape(top.file)}:{top.line}\n"
        )


def _select_frame(pc: int, sp: int) -> Optional[int]:
    """Select the goroutine's innermost frame, 0 or 1; its number, None where gdb has no such frame."""
    frame = gdb.newest_frame()
    for level in (0, 1):
        if frame is not None and (frame.pc(), int(frame.read_register("sp"))) == (pc, sp):
            frame.select()
            return level
        frame = frame.older() if frame is not None else None
    return None


def _thread(tid: int) -> gdb.InferiorThread:
    for thread in gdb.selected_inferior().threads():
        if tid in thread.ptid[1:]:
            return thread
    raise UserError(f"thread {tid} is gone")


def _apply(goid: int, command: str) -> None:
    """One command there, and everything selected as it was."""
    with _kept():
        _select(goid, say=False)
        gdb.execute(command)


@contextmanager
def _kept() -> Iterator[None]:
    """The thread, the frame and the goroutine that are selected now are selected again afterwards."""
    thread, level, before = gdb.selected_thread(), _level(), GOROUTINES.state()
    try:
        yield
    finally:
        if thread is not None and thread.is_valid():
            thread.switch()
            GOROUTINES.restore(before)
            _frame(level).select()


def _level() -> int:
    """The number of the selected frame."""
    frame, level = gdb.selected_frame(), 0
    while frame.newer() is not None:
        frame, level = frame.newer(), level + 1
    return level


def _frame(level: int) -> gdb.Frame:
    frame = gdb.newest_frame()
    for _ in range(level):
        older = frame.older()
        if older is None:
            break
        frame = older
    return frame
