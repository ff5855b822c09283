"""`go-goroutine ID select`, `go-goroutine ID -- COMMAND` and `go-goroutine 0`: lldb's own commands on a goroutine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

import lldb

from shared_core.commands.selecting import Asked
from shared_core.errors import UserError

from . import goroutines, threadplugin
from .sessions import SESSIONS

if TYPE_CHECKING:
    from shared_core.runtime.saved import SavedFrame
    from shared_core.session import Session

_MAX_FRAMES = 1_000
_MAX_PROCESSES = 16
# Process -> the thread and the number of the frame that were selected before the first goroutine was.
_before: Dict[int, Tuple[int, int]] = {}


def run(debugger: Any, context: Any, asked: Asked, result: Any) -> None:
    """Do what is asked, with what there is to say in `result`. GoxrayError where that cannot be done."""
    session = SESSIONS.current(debugger, context)
    process = debugger.GetSelectedTarget().GetProcess()
    if asked.goid == 0:
        _back(debugger, process, result)
    elif asked.command is None:
        result.PutCString(_select(debugger, process, session, asked.goid))
    else:
        _apply(debugger, process, session, asked, result)


def _select(debugger: Any, process: Any, session: Session, goid: int) -> str:
    from shared_core.commands.selection import one
    from shared_core.commands.threadlist import followed
    from shared_core.render.escape import escape
    from shared_core.runtime.saved import saved_frames, thread_of

    goroutine = one(session, goid)
    frames, tid = saved_frames(session, goroutine), thread_of(session, goroutine)
    before = threadplugin.selected(process)
    thread = _thread(debugger, process, goid, tid, frames[0])
    if goroutines.goid(process, before[0]) is None:
        for gone in list(_before)[: 1 - _MAX_PROCESSES]:
            del _before[gone]
        _before[process.GetUniqueID()] = before
    threadplugin.select(process, thread.GetThreadID())
    top, shown = frames[0], min(len(frames), _MAX_FRAMES)
    found = followed(frames[:shown], _pcs(thread, shown))
    lost = f"; from #{found} on lldb's bt is not its stack, which go-goroutine {goid} shows" * (found < shown)
    where = f"on thread {tid}" if tid is not None else "on no thread"
    known = "" if thread.GetThreadID() == tid else " and has its pc, sp and frame pointer"
    return (
        f"[goroutine {goid} ({escape(goroutine.state)}), {where}: it is thread #{thread.GetIndexID()} here{known}; "
        f"go-goroutine 0 goes back{lost}]\n"
        f"#0  {top.pc:#018x} in {escape(top.function)} () at {escape(top.file)}:{top.line}\n"
    )


def _thread(debugger: Any, process: Any, goid: int, tid: Optional[int], top: SavedFrame) -> Any:
    """The thread whose registers are the goroutine's: the system's where that is one, else one among the goroutines."""
    thread = process.GetThreadByID(tid) if tid is not None else None
    if thread is not None and thread.IsValid():
        frame = thread.GetFrameAtIndex(0)
        if (frame.GetPC(), frame.GetSP()) == (top.pc, top.sp):
            return thread
    if not threadplugin.is_on(debugger) or goroutines.of(process) is None:
        threadplugin.turn_on(debugger, threadplugin.SELECTED_ONLY)
    known = goroutines.of(process)
    thread = known.show(goid) if known is not None else None
    if thread is None or not thread.IsValid():
        why = f": {known.trouble}" if known is not None and known.trouble else ""
        _end_selection(debugger)
        raise UserError(f"lldb does not take goroutine {goid} among its threads{why}")
    return thread


def _pcs(thread: Any, limit: int) -> List[int]:
    """Those of the thread's frames, but for inlined calls."""
    frames = (thread.GetFrameAtIndex(index) for index in range(min(thread.GetNumFrames(), limit)))
    return [frame.GetPC() for frame in frames if not frame.IsInlined()]


def _end_selection(debugger: Any) -> None:
    """No goroutine is among the threads where they were there only to be selected."""
    if goroutines.WISH.limit == threadplugin.SELECTED_ONLY:
        threadplugin.turn_off(debugger)


def _back(debugger: Any, process: Any, result: Any) -> None:
    """The thread's own frames again."""
    tid, _ = threadplugin.selected(process)
    before = _before.pop(process.GetUniqueID(), None)
    if goroutines.goid(process, tid) is None:
        threadplugin.select(process, tid)
    elif before is None or not threadplugin.select(process, *before):
        threadplugin.select(process, goroutines.real(process, tid) or _first(process))
    _end_selection(debugger)
    _told(debugger, process, "frame info", result)


def _first(process: Any) -> int:
    """The id of the first thread that is the system's."""
    tids = (process.GetThreadAtIndex(index).GetThreadID() for index in range(process.GetNumThreads()))
    return next((tid for tid in tids if goroutines.goid(process, tid) is None), 0)


def _apply(debugger: Any, process: Any, session: Session, asked: Asked, result: Any) -> None:
    """One command there, and everything selected as it was."""
    before, was_on = _before.get(process.GetUniqueID()), threadplugin.is_on(debugger)
    try:
        with threadplugin.selection_kept(debugger):
            _select(debugger, process, session, asked.goid)
            _told(debugger, process, asked.command or "", result)
    finally:
        _before.pop(process.GetUniqueID(), None)
        if before is not None:
            _before[process.GetUniqueID()] = before
        if not was_on:
            _end_selection(debugger)


def _told(debugger: Any, process: Any, command: str, result: Any) -> None:
    """Hand over what lldb says to a command on the selected frame; UserError with what it has against it."""
    answer = lldb.SBCommandReturnObject()
    # Within a command lldb has the selection of before that.
    place = lldb.SBExecutionContext(process.GetSelectedThread().GetSelectedFrame())
    debugger.GetCommandInterpreter().HandleCommand(command, place, answer, False)
    if answer.GetOutput():
        result.PutCString(answer.GetOutput())
    if not answer.Succeeded():
        text = " ".join((answer.GetError() or f"{command} failed").split())
        raise UserError(text[len("error: ") :] if text.startswith("error: ") else text)
