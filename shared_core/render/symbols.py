"""go-symbols as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Union

from ..commands.symbols import Symbols
from .escape import escape
from .table import Column, table

if TYPE_CHECKING:
    from ..binary.symbols import Symbol
    from ..commands.emit import Catalogue, Emitted

_COLUMNS = (Column("ADDRESS"), Column("SIZE", "right"), Column("FUNCTION"), Column("SOURCE"))


def text(body: Union[Symbols, Emitted]) -> str:
    if not isinstance(body, Symbols):
        from . import catalogue

        return catalogue.text(body)
    if body.files is not None:
        if not body.total:
            return "no source file has such a path\n"
        return "".join(escape(path) + "\n" for path in body.files) + _cut(body, len(body.files))
    if not body.total:
        return "no function has such a name\n"
    rows = [(f"{s.address:#x}", str(s.size), s.name + _plus(body), f"{s.file}:{s.line}") for s in body.symbols]
    return table(_COLUMNS, rows) + _cut(body, len(body.symbols))


def _plus(body: Symbols) -> str:
    return f"+{body.offset:#x}" if body.offset else ""


def _cut(body: Symbols, shown: int) -> str:
    return f"({shown} of {body.total} shown)\n" if shown < body.total else ""


def document(body: Union[Symbols, Emitted, Catalogue]) -> Dict[str, Any]:
    if not isinstance(body, Symbols):
        from . import catalogue

        return catalogue.document(body)
    if body.files is not None:
        return {"total": body.total, "files": body.files}
    found: Dict[str, Any] = {} if body.offset is None else {"offset": body.offset}
    return {**found, "total": body.total, "symbols": functions(body.symbols)}


def functions(symbols: List[Symbol]) -> List[Dict[str, Any]]:
    """As documents have them."""
    return [
        {"name": s.name, "address": hex(s.address), "size": s.size, "file": s.file, "line": s.line} for s in symbols
    ]
