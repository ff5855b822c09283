"""Lets the program run from one of some addresses to the next, by breakpoints that gdb does not list."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Iterator, List, Sequence, Tuple

import gdb

from shared_core.errors import UserError

from . import inferior as inferiors

GoOn = Callable[[], Tuple[List[int], str]]


@contextmanager
def watch(addresses: Sequence[int], forget: Callable[[], None]) -> Iterator[GoOn]:
    """A function that lets the program go on: (the threads that stand at one of `addresses`, or why it has stopped).

    forget: called when it has moved. The breakpoints are gone at the end, whatever happens inside.
    """
    stops: List[Any] = []
    try:
        for address in addresses:
            stop = gdb.Breakpoint(f"*{address:#x}", internal=True)
            stop.silent = True
            stops.append(stop)
        yield lambda: _go_on(frozenset(addresses), forget)
    except gdb.error as error:
        raise UserError(" ".join(str(error).split())) from None
    finally:
        for stop in stops:
            if stop.is_valid():
                stop.delete()


def _go_on(addresses: frozenset[int], forget: Callable[[], None]) -> Tuple[List[int], str]:
    inferior = gdb.selected_inferior()
    reasons: List[str] = []

    def note(event: Any) -> None:
        name = getattr(event, "stop_signal", None)
        hit = [each for each in getattr(event, "breakpoints", ()) if each.number > 0]
        reasons.append(f"the program got {name}" if name else "it stands at a breakpoint" if hit else "")

    gdb.events.stop.connect(note)
    try:
        gdb.execute("continue", to_string=True)
    finally:
        gdb.events.stop.disconnect(note)
        forget()
    if not inferior.pid:
        return [], "the program has ended"
    thread = inferiors.selected_thread()
    if reasons and reasons[-1]:
        return [], reasons[-1]
    if thread is None or int(gdb.newest_frame().pc()) not in addresses:
        return [], "the program has stopped for another reason"
    return [int(thread.ptid[1] or thread.ptid[2])], ""


def write(text: str) -> None:
    """Show it at once."""
    gdb.write(text)
    gdb.flush()
