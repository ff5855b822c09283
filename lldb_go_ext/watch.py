"""Lets the program run from one of some addresses to the next, by breakpoints that lldb does not list."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Iterator, List, Sequence, Set, Tuple

import lldb

from . import goroutines

GoOn = Callable[[], Tuple[List[int], str]]
_SIGURG = 23  # what the runtime preempts goroutines by; lldb stops at it


@contextmanager
def watch(target: Any, addresses: Sequence[int], forget: Callable[[], object]) -> Iterator[GoOn]:
    """A function that lets the program go on: (the threads that stand at one of `addresses`, or why it has stopped).

    forget: called when it has moved. The breakpoints are gone at the end, whatever happens inside.
    """
    debugger = target.GetDebugger()
    at_once, stops = debugger.GetAsync(), []
    try:
        debugger.SetAsync(False)
        for address in addresses:
            stops.append(target.BreakpointCreateByAddress(address).GetID())
        yield lambda: _go_on(target.GetProcess(), set(stops), forget)
    finally:
        for number in stops:
            target.BreakpointDelete(number)
        debugger.SetAsync(at_once)


def _go_on(process: Any, stops: Set[int], forget: Callable[[], object]) -> Tuple[List[int], str]:
    while True:
        error = process.Continue()
        forget()
        if not error.Success():
            return [], str(error.GetCString())
        if process.GetState() != lldb.eStateStopped:
            return [], "the program has ended"
        threads = [process.GetThreadAtIndex(index) for index in range(process.GetNumThreads())]
        reasons = {thread.GetThreadID(): _reason(thread) for thread in threads}
        found = [
            tid for tid, (kind, number) in reasons.items() if kind == lldb.eStopReasonBreakpoint and number in stops
        ]
        others = [tid for tid, (kind, number) in reasons.items() if _counts(kind, number) and tid not in found]
        if others:
            thread = process.GetThreadByID(others[0])
            return [], f"the program has stopped: {thread.GetStopDescription(99)}"
        if found:
            return [goroutines.real(process, tid) or tid for tid in found], ""


def _reason(thread: Any) -> Tuple[int, int]:
    """(why it has stopped, the number of its breakpoint or signal)."""
    kind = thread.GetStopReason()
    return kind, int(thread.GetStopReasonDataAtIndex(0)) if thread.GetStopReasonDataCount() else 0


def _counts(kind: int, number: int) -> bool:
    return kind not in (lldb.eStopReasonNone, lldb.eStopReasonInvalid) and (kind, number) != (
        lldb.eStopReasonSignal,
        _SIGURG,
    )
