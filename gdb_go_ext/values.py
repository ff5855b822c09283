"""`$go_value(ADDRESS, "TYPE")` in gdb's expressions: no language of gdb's has dots in the names of types."""

from __future__ import annotations

from typing import Any

import gdb

from shared_core.errors import GoxrayError

from .sessions import SESSIONS


def _text(name: str, address: int) -> str:
    from shared_core.pretty import value_text

    try:
        return value_text(SESSIONS.current(), name, address)
    except GoxrayError as error:
        raise gdb.GdbError(str(error)) from None


def _gdb_type(name: str) -> Any:
    """gdb's type of that name, or with its whole import path; None where it has none."""
    from shared_core.pretty import debug_name

    found = _spelled(name)
    if found is not None:
        return found
    try:
        full = debug_name(SESSIONS.current(), name)
    except GoxrayError as error:
        raise gdb.GdbError(str(error)) from None
    return _spelled(full) if full not in (None, name) else None


def _spelled(name: str) -> Any:
    """Slices are structures, and are looked for as nothing else."""
    for each in (name, f"struct {name}"):
        try:
            return gdb.lookup_type(each)
        except gdb.error:
            continue
    return None


class GoValue(gdb.Function):  # type: ignore[misc]
    """The Go value at an address, of a type by its name in the program.

    $go_value(ADDRESS, "main.Order") is what lies at ADDRESS; of "*main.Order" it is a pointer that lies there.
    After go-load-symbols it is a value with fields; before that, and of a type that gdb does not know, a text."""

    def __init__(self) -> None:
        super().__init__("go_value")

    def invoke(self, address: Any, name: Any) -> Any:
        """The value, of which gdb may take fields and elements; else the text that go-value has for it."""
        text = name.string()
        bare = text.lstrip("*")
        found = _gdb_type(bare)
        if found is None:
            return _text(text, int(address))
        for _ in range(len(text) - len(bare)):
            found = found.pointer()
        return gdb.Value(int(address)).cast(found.pointer()).dereference()
