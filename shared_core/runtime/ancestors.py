"""The stacks that started a goroutine and those that started these: kept with GODEBUG=tracebackancestors=N.

Sources: Go 1.27 runtime/proc.go (saveAncestors), runtime/traceback.go (printAncestorTraceback), runtime/runtime2.go
(ancestorInfo).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, List, NamedTuple, Optional

from ..errors import FormatError, GoxrayError
from .frames import Place
from .goroutine import Goroutine

if TYPE_CHECKING:
    from ..session import Session
    from .traceback import Rules

MAX_ANCESTORS = 1 << 12


class Call(NamedTuple):
    """A place in a function that starts at `entry`."""

    place: Place
    entry: int


@dataclass
class Ancestor:
    """goroutine: its number; calls: what is shown of its stack when it started the next one.

    full: the runtime kept no more frames than these, and there may have been more.
    """

    goroutine: int
    calls: List[Call] = field(default_factory=list)
    full: bool = False
    created_by: Optional[Call] = None


class Ancestors:
    """The ancestors of one goroutine from its parent on; `problem` says why some are missing, "" if none is."""

    def __init__(self) -> None:
        self.list: List[Ancestor] = []
        self.problem = ""


def ancestors_of(session: Session, goroutine: Goroutine, rules: Rules) -> Ancestors:
    """What a traceback tells of its ancestors; none in a program that keeps none."""
    found, memory = Ancestors(), session.memory
    try:
        address = memory.u64(goroutine.address + session.layout.struct("runtime.g").offset("ancestors"))
        if not address:
            return found
        size = session.layout.struct("runtime.ancestorInfo").size
        data, length, _ = memory.slice_header(address)
        if length > MAX_ANCESTORS:
            found.problem = f"{length} ancestors are recorded; the first {MAX_ANCESTORS} are shown"
        for number in range(min(length, MAX_ANCESTORS)):
            found.list.append(_read(session, data + size * number, rules))
    except GoxrayError as error:
        found.problem = f"its ancestors: {error}"
    return found


def _read(session: Session, address: int, rules: Rules) -> Ancestor:
    kind, memory = session.layout.struct("runtime.ancestorInfo"), session.memory
    ancestor = Ancestor(memory.u64(address + kind.offset("goid")))
    data, length, _ = memory.slice_header(address + kind.offset("pcs"))
    if length > rules.inner:
        raise FormatError(f"goroutine {ancestor.goroutine} has {length} frames, which is more than the runtime keeps")
    ancestor.full = length == rules.inner
    for number, pc in enumerate(memory.pointers(data, length)):
        call = _call(session, pc, rules, first=number == 0)
        if call is not None:
            ancestor.calls.append(call)
    creator = memory.u64(address + kind.offset("gopc"))
    if ancestor.goroutine != 1 and creator:
        ancestor.created_by = creator_of(session, creator, rules)
    return ancestor


def _call(session: Session, pc: int, rules: Rules, first: bool) -> Optional[Call]:
    """printAncestorTracebackFuncInfo: the innermost call at `pc`, which it does not take for a return address."""
    found = session.modules.find(pc)
    if found is None or not rules.shows_caller(found[1].name, found[1].func_id, first):
        return None
    function, file, line, _, _ = session.source_frames.facts(*found, pc)[0]
    return Call(Place(function, file, line, pc), found[1].entry)


def creator_of(session: Session, pc: int, rules: Rules, always: bool = False) -> Optional[Call]:
    """The `go` statement at a gopc, None where a traceback does not tell; `always`: no rule counts."""
    found = session.modules.find(pc)
    if found is None or not (always or rules.shows_caller(found[1].name, found[1].func_id)):
        return None
    return Call(Place(found[1].name, *session.source_frames.at(*found, pc), pc), found[1].entry)
