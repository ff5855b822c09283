"""`$go_value(ADDRESS, "TYPE")` in gdb's expressions: no language of gdb's has dots in the names of types."""

from __future__ import annotations

from typing import Any

import gdb


class GoValue(gdb.Function):  # type: ignore[misc]
    """The Go value at an address, of a type that go-load-symbols has brought.

    $go_value(ADDRESS, "main.Order") is what lies at ADDRESS; of "*main.Order" it is a pointer that lies there.
    gdb prints strings as such where its language is Go (`set language go`)."""

    def __init__(self) -> None:
        super().__init__("go_value")

    def invoke(self, address: Any, name: Any) -> Any:
        """The value, of which gdb may take fields and elements."""
        text = name.string()
        bare = text.lstrip("*")
        try:
            found = gdb.lookup_type(bare)
        except gdb.error:
            raise gdb.GdbError(f"there is no type {bare}: has go-load-symbols been run?") from None
        for _ in range(len(text) - len(bare)):
            found = found.pointer()
        return gdb.Value(int(address)).cast(found.pointer()).dereference()
