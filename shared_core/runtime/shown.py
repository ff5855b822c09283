"""A value taken apart: plain data, for those who write it down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, NamedTuple, Optional, Tuple

from .values import Value

CYCLE, DEPTH, ENOUGH = "cycle", "depth", "enough"


class Bounds(NamedTuple):
    """depth: structures within each other. limit: elements of each array, slice, map and channel; text: bytes of each
    string. nodes: values in all."""

    depth: int = 5
    limit: int = 64
    text: int = 4096
    nodes: int = 20_000


@dataclass
class Shown:
    """A value of the type that %T prints, of reflect's kind. address: where it lies, None for what is in no memory.

    literal: of a scalar in Go's syntax, of a func its function; note: what a type of the standard library means.
    word: where a pointer, map, channel, slice or func leads, 0 for nil; of an interface 1 where it holds something.
    data: of slices and arrays of bytes, in place of elements; as literal too if it is text.
    held: what a pointer points to or an interface holds. words: what a func value has captured.
    more: so many elements, entries or bytes are not shown; cut: why it is not followed; problem: what is wrong with it.
    """

    type: str
    kind: str
    address: Optional[int] = None
    literal: str = ""
    note: str = ""
    word: Optional[int] = None
    length: Optional[int] = None
    capacity: Optional[int] = None
    closed: bool = False
    fields: List[Tuple[str, Shown]] = field(default_factory=list)
    elements: List[Shown] = field(default_factory=list)
    entries: List[Tuple[Shown, Shown]] = field(default_factory=list)
    words: Tuple[int, ...] = ()
    data: Optional[bytes] = None
    held: Optional[Shown] = None
    more: int = 0
    cut: str = ""
    problem: str = ""


def shown_as(value: Value, **more: object) -> Shown:
    """A Shown of the value's type, kind and address."""
    return Shown(value.type.name, value.type.kind, value.address, **more)  # type: ignore[arg-type]
