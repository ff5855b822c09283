"""go-object: what an address of the heap is in: span, size class, object, its type and the pointers in it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, List, Optional

from ..errors import NOT_APPLICABLE, NOT_RECORDED, UNREADABLE, Absent, GoxrayError, Maybe, ReadError, UserError
from ..runtime.heap import Heap, HeapObject, heap_of
from ..runtime.heap.objects import FREE
from ..runtime.heap.spread import HOW, RECORDED
from ..runtime.heap.survey import Survey, survey_of
from ..runtime.pointers import Pointers
from .base import Command, Result, add_limit, address
from .heapwork import surveyed

if TYPE_CHECKING:
    from ..session import Session


@dataclass
class PointerIn:
    """A word of an object; target: what it points to."""

    offset: int
    value: Maybe[int]
    target: str


@dataclass
class ObjectView:
    """found: None where the address is in no object, and `place` says what it is in. type: its name, and how that is
    known. pointers: those that are not nil; slots: how many words could be."""

    address: int
    place: str
    found: Optional[HeapObject] = None
    type: Maybe[str] = Absent(NOT_APPLICABLE, "no object")
    how: str = ""
    element_size: Optional[int] = None
    slots: Maybe[int] = 0
    pointers: List[PointerIn] = field(default_factory=list)
    limit: Optional[int] = None


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", type=address, help="any address inside the object")
    parser.add_argument("--typed", action="store_true", help="find out its type by going through the whole heap")
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    at = options.address
    try:
        heap = heap_of(session)
        found = heap.object_at(at)
    except GoxrayError as error:
        raise UserError(f"the heap's records of {at:#x} cannot be read: {error}") from None
    pointers = Pointers(session)
    if found is None:
        return Result("go-object", ObjectView(at, pointers.detail(at), limit=options.limit), list(session.warnings))
    view = ObjectView(at, pointers.detail(at), found, limit=options.limit)
    if found.state != FREE:
        if options.typed:
            with surveyed(session) as survey:
                _by_all(survey, found, view)
        else:
            _by_record(session, heap, found, view)
        _pointers(session, heap, found, view, pointers)
    return Result("go-object", view, list(session.warnings))


def _by_record(session: Session, heap: Heap, found: HeapObject, view: ObjectView) -> None:
    if "heap survey" in session.world.kept and survey_of(session).names.how:
        _by_all(survey_of(session), found, view, local=True)
        if not isinstance(view.type, Absent):
            return
    recorded = heap.recorded_type(found)
    if isinstance(recorded, Absent):
        view.type = recorded
        return
    many = 2 * recorded.size <= found.size - found.header
    name = f"type at {recorded.address:#x}, made at run time" if recorded.type is None else recorded.type.name
    view.type, view.how = f"[...]{name}" if many else name, HOW[RECORDED]
    view.element_size = recorded.size


def _by_all(survey: Survey, found: HeapObject, view: ObjectView, local: bool = False) -> None:
    spread = survey.names if local else survey.spread
    slot = survey.table.slot(found.base)
    kind = spread.kinds.all[spread.kind_of[slot]] if slot >= 0 else spread.kinds.all[0]
    if not kind.name:
        view.type = Absent(NOT_RECORDED, "nothing that has a type leads to it")
        return
    view.type, view.how = kind.name, HOW[spread.how[slot]]
    view.element_size = kind.size or None


def _pointers(session: Session, heap: Heap, found: HeapObject, view: ObjectView, pointers: Pointers) -> None:
    slots = heap.pointer_slots(found)
    if isinstance(slots, Absent):
        view.slots = slots
        return
    view.slots = len(slots)
    for place in slots:
        value: Maybe[int]
        try:
            value = session.memory.u64(place)
        except ReadError as error:
            value = Absent(UNREADABLE, str(error))
        if value == 0:
            continue
        if view.limit is not None and len(view.pointers) >= view.limit:
            break
        length = -1
        if not isinstance(value, Absent) and place + 8 < found.end:
            try:
                length = session.memory.u64(place + 8)
            except ReadError:
                length = -1
        text = "" if isinstance(value, Absent) else pointers.detail(value, length)
        view.pointers.append(PointerIn(place - found.start, value, text))
        if view.limit is None and len(view.pointers) >= _MOST:
            break


_MOST = 10_000

COMMAND = Command(
    name="go-object",
    help="Show the heap object that holds an address: span, size class, type, pointers in it.",
    run=run,
    arguments=arguments,
    details="""The span is the runtime's mspan. A type is known where the allocator recorded it (objects of more than
512 bytes since Go 1.22, large ones), or after go-heap --by type or go-refs have found it out; --typed does that now, by
going through the whole heap. Offsets count from where the program sees the object begin; --limit N pointers are shown.

  go-object 0xc000012340
  go-object 0xc000012340 --typed""",
)
