"""Values in Go's syntax, about as %#v has it; what that has no words for is said in it all the same.

  main.Order{ID: 7, Tags: []string{"a", "b"}, next: (*main.Order)(nil)}
  (chan int)(0xc000062000, 1 of 4){5}    (func())(main.main.func1, 0x7)    sync.Mutex(locked, 1 waiting)

Source: Go 1.27 fmt/print.go (printValue), strconv/quote.go.
"""

from __future__ import annotations

from typing import List, NamedTuple, Tuple, Union

from ..binary.types.qualified import quoted
from .shown import CYCLE, DEPTH, ENOUGH, Shown

# Of these the literal alone tells the type.
_PLAIN = frozenset(("bool", "int", "float64", "complex128", "string"))
_NUMBERS = {
    "Bool": "bool", "Int": "int", "Int8": "int8", "Int16": "int16", "Int32": "int32", "Int64": "int64", "Uint": "uint",
    "Uint8": "uint8", "Uint16": "uint16", "Uint32": "uint32", "Uint64": "uint64", "Uintptr": "uintptr",
    "Float32": "float32", "Float64": "float64", "Complex64": "complex64", "Complex128": "complex128",
}  # fmt: skip


class Group(NamedTuple):
    """What stands between brackets: (what comes before it, "ID: ", and the value itself) of each part."""

    open: str
    items: List[Tuple[str, Piece]]
    close: str


Piece = Union[str, Group]


def line(shown: Shown, spelled: bool = False, limit: int = 0) -> str:
    """On one line. spelled: with its type, where the text alone does not tell; limit: of characters, 0 for none."""
    text = flat(piece(shown, spelled))
    return text if not limit or len(text) <= limit else text[:limit] + "..."


def flat(found: Piece) -> str:
    if isinstance(found, str):
        return found
    inside = ", ".join(before + flat(each) for before, each in found.items)
    return f"{found.open}{inside}{found.close}"


def piece(shown: Shown, spelled: bool = False) -> Piece:
    """As text, or as a group of texts that may be laid out over lines."""
    kind, name = shown.kind, shown.type
    if shown.note:
        return f"{name}({shown.note})"
    if shown.problem and not (shown.elements or shown.entries or shown.fields):
        return _problem(shown)
    if kind in _NUMBERS:
        text = hex(int(shown.literal)) if name == "uintptr" and shown.literal else shown.literal
        return _spelled(shown, text or "...", spelled)
    if kind == "String":
        return _spelled(shown, _string(shown), spelled)
    if shown.cut == ENOUGH:
        return f"{name}(...)"
    if kind == "Struct":
        return _struct(shown)
    if kind in ("Array", "Slice"):
        return _list(shown)
    if kind == "Map":
        return _map(shown)
    if kind == "Pointer":
        return _pointer(shown)
    if kind == "Interface":
        return f"{name}(nil)" if shown.held is None else piece(shown.held, True)
    return _chan(shown) if kind == "Chan" else _func(shown) if kind == "Func" else f"({name})({_word(shown)})"


def _problem(shown: Shown) -> str:
    """With the type where it is known; what was read of a pointer is worth knowing."""
    place = f"{shown.word:#x}, " if shown.word and shown.kind in ("Pointer", "Map", "Chan", "Func") else ""
    return f"{_named(shown)}(? {place}{shown.problem})" if shown.kind else f"? ({shown.problem})"


def _named(shown: Shown) -> str:
    """The type's name as it is written in a conversion."""
    return f"({shown.type})" if shown.kind in ("Pointer", "Chan", "Func", "UnsafePointer") else shown.type


def _spelled(shown: Shown, text: str, spelled: bool) -> str:
    return text if not spelled or shown.type in _PLAIN else f"{shown.type}{text if text[:1] == '(' else f'({text})'}"


def _string(shown: Shown) -> str:
    return quote(shown.literal) + (f"...({shown.more} more)" if shown.more else "")


def quote(text: str) -> str:
    """strconv.Quote of bytes that are not UTF-8 as surrogates."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    # Byte 0xff is U+DCFF.
    parts = (f"\\x{ord(char) - 0xDC00:02x}" if "\udc80" <= char <= "\udcff" else quoted(char)[1:-1] for char in text)
    return '"' + "".join(parts) + '"'


def _more(shown: Shown, items: List[Tuple[str, Piece]]) -> List[Tuple[str, Piece]]:
    """With what is to be said of those that are not shown."""
    if shown.problem:
        items.append(("", f"? ({shown.problem})"))
    if shown.more > 0:
        items.append(("", f"...{shown.more} more"))
    return items


def _struct(shown: Shown) -> Piece:
    if shown.held is not None:  # one of sync/atomic's
        return Group(f"{shown.type}(", [("", piece(shown.held))], ")")
    if shown.cut == DEPTH:
        return f"{shown.type}{{...}}"
    return Group(f"{shown.type}{{", _more(shown, [(f"{name}: ", piece(each)) for name, each in shown.fields]), "}")


def _list(shown: Shown) -> Piece:
    if shown.kind == "Slice" and not shown.word and not shown.length:
        return f"{shown.type}(nil)"
    if shown.cut:
        return f"{shown.type}{{...{shown.length} {'in a cycle' if shown.cut == CYCLE else 'elements'}}}"
    if shown.data is not None:
        return _bytes(shown, shown.data)
    return Group(f"{shown.type}{{", _more(shown, [("", piece(each)) for each in shown.elements]), "}")


def _bytes(shown: Shown, data: bytes) -> Piece:
    """Those that are text as such; a slice of them has the name []uint8."""
    if shown.type == "[]uint8" and shown.literal:
        return f"[]uint8({quote(shown.literal)}{f'...({shown.more} more)' if shown.more else ''})"
    return Group(f"{shown.type}{{", _more(shown, [("", str(byte)) for byte in data]), "}")


def _map(shown: Shown) -> Piece:
    if not shown.word:
        return f"{shown.type}(nil)"
    if shown.cut:
        return f"{shown.type}{{...{shown.length} {'in a cycle' if shown.cut == CYCLE else 'entries'}}}"
    items: List[Tuple[str, Piece]] = [(f"{flat(piece(key))}: ", piece(elem)) for key, elem in shown.entries]
    return Group(f"{shown.type}{{", _more(shown, items), "}")


def _word(shown: Shown) -> str:
    return hex(shown.word) if shown.word else "nil"


def _pointer(shown: Shown) -> Piece:
    if shown.held is None:
        return f"({shown.type})({_word(shown)}{', in a cycle' if shown.cut == CYCLE else ''})"
    if shown.held.problem and not shown.held.fields:
        return f"({shown.type})({_word(shown)}, ? {shown.held.problem})"
    inside = piece(shown.held, True)
    # What is said in brackets is no literal; & of it is nothing that Go can write, and understood all the same.
    return f"&{inside}" if isinstance(inside, str) else inside._replace(open=f"&{inside.open}")


def _chan(shown: Shown) -> Piece:
    if not shown.word:
        return f"({shown.type})(nil)"
    said = [_word(shown), *([f"{shown.length} of {shown.capacity}"] if shown.capacity else [])]
    said += ["closed"] * shown.closed + ["in a cycle"] * (shown.cut == CYCLE)
    head = f"({shown.type})({', '.join(said)})"
    if not shown.elements and not shown.more:
        return head
    return Group(f"{head}{{", _more(shown, [("", piece(each)) for each in shown.elements]), "}")


def _func(shown: Shown) -> Piece:
    if not shown.word:
        return f"({shown.type})(nil)"
    return f"({shown.type})({', '.join([shown.literal, *map(hex, shown.words)])})"
