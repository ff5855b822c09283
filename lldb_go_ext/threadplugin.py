"""`go-threads-plugin on`: goroutines among lldb's threads, by its setting for an operating-system plug-in."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Any, Iterator, List, Optional, Tuple

import lldb

from shared_core.errors import GoxrayError, UserError
from shared_core.target import FILE

from . import goroutines
from . import process as processes

NAME = "go-threads-plugin"
PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plugin", "goxray_goroutines.py")
_SETTING = "target.process.python-os-plugin-path"
SELECTED_ONLY = 0  # a limit: no goroutine but those that are selected by their ids
_MEANING = "Whether goroutines are among the threads of lldb: thread list, thread select, bt, bt all, an IDE's view."
_HELP = f"""{_MEANING}

Usage: {NAME} [on [--limit N]|off]

The threads of the system stay in the list, before the goroutines. A goroutine's name is "goroutine 26", its queue is
what it waits for; of its registers pc, sp and the frame pointer are known, its thread, if it has one, has all. The
first 1,000 of those that are not the runtime's own are shown, or N. Off by default. Where goxray is not loaded the
same is done, before the program is, by:

  settings set {_SETTING} "{PATH}" """


def is_on(debugger: Any) -> bool:
    """Whether lldb has the setting."""
    return _setting(debugger) == PATH


def _setting(debugger: Any) -> str:
    """The plug-in that the selected target has; "" for none."""
    found = lldb.SBDebugger.GetInternalVariableValue(_SETTING, debugger.GetInstanceName())
    value = found.GetStringAtIndex(0) or "" if found.GetSize() else ""
    return value[1:-1] if value[:1] == value[-1:] == '"' else value  # some lldbs quote it


def turn_on(debugger: Any, limit: Optional[int]) -> None:
    """Show up to `limit` goroutines; None for as many as usual. UserError where that cannot be."""
    before = _setting(debugger)
    if before not in ("", PATH):
        raise UserError(f"there is another operating-system plug-in ({before}): `settings clear {_SETTING}` first")
    goroutines.WISH.limit, goroutines.WISH.quiet = limit, True
    try:
        with selection_kept(debugger):
            if before:
                _forget(debugger)
            _order(debugger, f'settings set {_SETTING} "{PATH}"')
            # lldb makes its list now, so that what is wrong is known.
            debugger.GetSelectedTarget().GetProcess().GetNumThreads()
    finally:
        goroutines.WISH.quiet = False


def turn_off(debugger: Any) -> None:
    """Show the threads of the system alone."""
    if is_on(debugger):
        with selection_kept(debugger):
            _forget(debugger)
    goroutines.WISH.limit = None


def _forget(debugger: Any) -> None:
    _order(debugger, f"settings clear {_SETTING}")
    goroutines.end(debugger.GetSelectedTarget().GetProcess())


def _order(debugger: Any, command: str) -> None:
    result = lldb.SBCommandReturnObject()
    debugger.GetCommandInterpreter().HandleCommand(command, result)
    if not result.Succeeded():
        raise UserError(" ".join((result.GetError() or f"lldb refuses: {command}").split()))


def selected(process: Any) -> Tuple[int, int]:
    """(thread id, number of the frame) of the selection."""
    thread = process.GetSelectedThread()
    return thread.GetThreadID(), thread.GetSelectedFrame().GetFrameID()


def select(process: Any, tid: int, frame: int = 0) -> bool:
    """Whether the thread is there to be selected."""
    if not process.SetSelectedThreadByID(tid):
        return False
    if frame < process.GetSelectedThread().GetNumFrames():
        process.GetSelectedThread().SetSelectedFrame(frame)
    return True


@contextmanager
def selection_kept(debugger: Any) -> Iterator[None]:
    """The thread and frame that are selected now are so again afterwards; the goroutine's thread where it is gone."""
    process = debugger.GetSelectedTarget().GetProcess()
    if processes.kind(process) == FILE or processes.is_running(process):
        yield
        return
    tid, frame = selected(process)
    instead = goroutines.real(process, tid)
    try:
        yield
    finally:
        if not select(process, tid, frame) and instead:
            select(process, instead)


class ThreadPlugin:
    """The command."""

    def __init__(self, _debugger: Any, _session: Any) -> None:
        pass

    def __call__(self, debugger: Any, line: str, _context: Any, result: Any) -> None:
        try:
            result.PutCString(_run(debugger, line.split()) + "\n")
        except GoxrayError as error:
            result.SetError(f"{NAME}: {error}")

    def get_short_help(self) -> str:
        return _MEANING

    def get_long_help(self) -> str:
        return _HELP


def _run(debugger: Any, words: List[str]) -> str:
    process = debugger.GetSelectedTarget().GetProcess()
    if words and processes.is_running(process):
        raise UserError("the program is running: stop it first (`process interrupt`)")
    if words == ["off"]:
        turn_off(debugger)
        return "goroutines are not shown as threads"
    if words[:1] == ["on"]:
        turn_on(debugger, _limit(words[1:]))
    elif words:
        raise UserError('"on", "on --limit N" or "off" expected')
    if not is_on(debugger):
        return "goroutines are not shown as threads"
    known = goroutines.of(debugger.GetSelectedTarget().GetProcess())
    return known.how_many() if known is not None else "goroutines are shown as threads once there is a process"


def _limit(words: List[str]) -> Optional[int]:
    if not words:
        return None
    try:
        option, number = words if len(words) == 2 else words[0].split("=")
        if option == "--limit" and int(number) > 0:
            return int(number)
    except ValueError:
        pass
    raise UserError("--limit N expected, N a number of goroutines")
