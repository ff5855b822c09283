"""Values as text over lines, and as documents."""

from __future__ import annotations

from typing import Any, Dict, List

from ..binary.types import kind_word
from ..runtime.gosyntax import Piece, flat, piece
from ..runtime.shown import Shown
from .escape import escape

_INDENT = "    "
_SHORT = 24  # characters of elements that many of stand on a line


def laid_out(shown: Shown, width: int, spelled: bool = False) -> str:
    """In Go's syntax, on one line if it fits, else a part on each as gofmt has it. No line end after it."""
    return "\n".join(_lines(piece(shown, spelled), width, "", ""))


def _lines(found: Piece, width: int, indent: str, before: str) -> List[str]:
    text = indent + before + escape(flat(found), 1 << 20)
    # The comma after it counts.
    if isinstance(found, str) or not width or len(text) < width or not found.items:
        return [text]
    lines = [indent + before + escape(found.open)]
    if all(isinstance(part, str) and not name and len(part) < _SHORT for name, part in found.items):
        filled = fill(
            ", ".join(escape(flat(part)) for _, part in found.items) + ",", width - len(indent) - len(_INDENT)
        )
        return [*lines, *(indent + _INDENT + each for each in filled), indent + escape(found.close)]
    for name, part in found.items:
        inner = _lines(part, width, indent + _INDENT, escape(name))
        lines += [*inner[:-1], f"{inner[-1]},"]
    return [*lines, indent + escape(found.close)]


def fill(text: str, width: int) -> List[str]:
    """Lines of `text`, broken after commas. textwrap would also break at blanks in strings."""
    lines, line = [], ""
    for part in text.split(", "):
        if line and len(line) + len(part) + 3 > width:
            lines.append(f"{line},")
            line = part
        else:
            line = f"{line}, {part}" if line else part
    return [*lines, line]


def document(shown: Shown) -> Dict[str, Any]:
    """Keys that a kind has not are left out."""
    found: Dict[str, Any] = {"type": shown.type, "kind": kind_word(shown.kind) or None}
    if shown.address is not None:
        found["address"] = hex(shown.address)
    if shown.word is not None and shown.kind not in ("Interface", "String"):
        found["pointer"] = hex(shown.word)
    _scalar(shown, found)
    for name in ("length", "capacity", "note", "cut", "problem"):
        value = getattr(shown, name)
        if value or value == 0:
            found[name] = value
    if shown.kind == "Chan":
        found["closed"] = shown.closed
    if shown.kind == "Struct" and not shown.note and shown.held is None and not shown.cut:
        found["fields"] = [{"name": name, "value": document(each)} for name, each in shown.fields]
    if shown.data is not None:
        found["bytes"] = shown.data.hex()
    elif shown.kind in ("Array", "Slice", "Chan") and (shown.elements or (not shown.cut and not shown.problem)):
        found["elements"] = [document(each) for each in shown.elements]
    if shown.kind == "Map" and (shown.entries or (not shown.cut and not shown.problem)):
        found["entries"] = [{"key": document(key), "value": document(elem)} for key, elem in shown.entries]
    if shown.held is not None or (shown.kind in ("Pointer", "Interface") and not shown.word):
        found["value"] = None if shown.held is None else document(shown.held)
    if shown.more > 0:
        found["more"] = shown.more
    return found


def _scalar(shown: Shown, found: Dict[str, Any]) -> None:
    if shown.note or shown.problem or shown.cut:
        return
    if shown.kind == "String":
        found["value"] = shown.literal.encode("utf-8", "surrogateescape")
    elif shown.kind == "Func":
        found["function"] = shown.literal or None
        found["words"] = [hex(word) for word in shown.words]
    elif shown.kind == "Bool":
        found["value"] = shown.literal == "true"
    elif shown.literal:
        # As text: JSON's numbers have no NaN, and readers of it may not have 64 bits.
        whole = shown.kind.startswith(("Int", "Uint")) and shown.kind != "Interface"
        found["value"] = int(shown.literal) if whole else shown.literal
