"""Pretty-printers of Go's strings, slices, maps, interfaces and the like, once go-load-symbols has brought types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Optional, Tuple

import gdb
import gdb.printing

from shared_core.errors import GoxrayError

from .sessions import SESSIONS

if TYPE_CHECKING:
    from shared_core.pretty import Pretty

_NAME = "goxray"


class _Text:
    """A value that is one text."""

    def __init__(self, pretty: Pretty, kind: Any, value: Any) -> None:
        self.pretty, self.kind, self.value = pretty, kind, value
        self.limit = gdb.parameter("print elements") or None

    def to_string(self) -> str:
        data = b"" if self.value.address is not None else self.value.bytes
        return self.pretty.text(self.kind, _place(self.value), data, self.limit)


class _Slice(_Text):
    """Its elements are values of gdb's, so that they can be looked into."""

    def to_string(self) -> str:
        start, length, capacity = (int(self.value[name]) for name in ("array", "len", "cap"))
        if not start or length > capacity:
            return super().to_string()
        return f"{self.kind.name} len {length} cap {capacity}"

    def children(self) -> Iterator[Tuple[str, Any]]:
        start, length, capacity = self.value["array"], int(self.value["len"]), int(self.value["cap"])
        if 0 <= length <= capacity:
            for number in range(length):
                yield f"[{number}]", start[number]

    def display_hint(self) -> str:
        return "array"


class _Map(_Text):
    def to_string(self) -> str:
        return self._entries()[0]

    def _entries(self) -> Any:
        return self.pretty.entries(self.kind, _place(self.value) or 0, self.limit)

    def children(self) -> Iterator[Tuple[str, Any]]:
        for number, (key, elem) in enumerate(self._entries()[1]):
            yield f"[{number}].key", key
            yield f"[{number}]", elem

    def display_hint(self) -> str:
        return "map"


class Printer(gdb.printing.PrettyPrinter):  # type: ignore[misc]
    """Asked for every value that gdb prints while a debug file of goxray's is loaded."""

    def __call__(self, value: Any) -> Optional[_Text]:
        from shared_core.pretty import pretty_of

        name = value.type.name
        if name is None or value.is_optimized_out or (value.address is None and not hasattr(value, "bytes")):
            return None
        try:
            pretty = pretty_of(SESSIONS.current())
            kind = pretty.type(name)
        except GoxrayError:
            return None
        if kind is None or kind.size != value.type.sizeof:
            return None  # C's own types may have such names
        if pretty.listed(kind) and value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
            return _Slice(pretty, kind, value)
        return (_Map if kind.kind == "Map" and value.address is not None else _Text)(pretty, kind, value)


def _place(value: Any) -> Optional[int]:
    return None if value.address is None else int(value.address)


def register(path: str) -> None:
    """Have gdb ask for values while the debug file `path` is loaded."""
    for objfile in gdb.objfiles():
        if objfile.filename == path:
            gdb.printing.register_pretty_printer(objfile, Printer(_NAME), replace=True)
