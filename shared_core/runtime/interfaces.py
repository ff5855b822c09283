"""Interface values found in memory, whose type nobody has told: {type, data} or {itab, data}.

Source: Go 1.27 runtime/runtime2.go (eface, iface).
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from ..errors import UNPARSABLE, UNREADABLE, Absent, Maybe, ReadError
from .values import Value, Values


class Held(NamedTuple):
    """interface: the type of the interface; of an empty one "interface {}". held: None for nil."""

    interface: str
    held: Optional[Maybe[Value]]


def interface_at(values: Values, address: int) -> Maybe[Held]:
    """The interface value at `address`, decided by its first word: a type descriptor, or an itab.

    Two zero words are a nil interface, of any type. Absent for what is none.
    """
    try:
        first, word = values.memory.pointers(address, 2)
    except ReadError as error:
        return Absent(UNREADABLE, str(error))
    return interface_of(values, first, word)


def interface_of(values: Values, first: int, word: int) -> Maybe[Held]:
    """The same of the two words themselves."""
    if not first:
        return Held("", None) if not word else Absent(UNPARSABLE, "it has no type, and holds something")
    if not isinstance(values.types.at(first), Absent):
        return Held("interface {}", values.held(first, word))
    itab = values.types.itab(first)
    if isinstance(itab, Absent):
        return Absent(UNPARSABLE, f"{first:#x} is neither a type descriptor nor an itab")
    return Held(itab.interface.name, values.held(itab.type.address, word))
