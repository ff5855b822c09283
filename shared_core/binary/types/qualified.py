"""Names of types as they are written in Go, with packages by their whole import paths.

Source: Go 1.27 cmd/compile/internal/types/fmt.go (tconv2), which makes the names in descriptors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable, List

from ...errors import UNPARSABLE, Absent, Maybe, T

if TYPE_CHECKING:
    from .descriptor import Type
    from .parts import Signature

_MAX_DEPTH = 32
_MAX_LENGTH = 1 << 16
_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_ESCAPED = re.compile(rb"%([0-9a-f]{2})")
_ESCAPES.update({'"': '\\"', "\\": "\\\\"})


class _NoName(Exception):
    """Why there is none."""


def qualified(t: Type) -> Maybe[str]:
    """The name with whole import paths; Absent where a part of an unnamed type cannot be read."""

    def write(t: Maybe[Type], depth: int) -> str:
        if isinstance(t, Absent):
            raise _NoName(str(t))
        if t.named:
            return _with_path(t)
        if depth > _MAX_DEPTH:
            raise _NoName("it is nested too deeply")
        text = _unnamed(t, lambda part: write(part, depth + 1))
        if len(text) > _MAX_LENGTH:
            raise _NoName("it is too long")
        return text

    try:
        return write(t, 0)
    except _NoName as error:
        return Absent(UNPARSABLE, f"the whole name of {t.name[:64]} is unknown: {error}")


def _with_path(t: Type) -> str:
    path = t.pkg_path
    return t.name if isinstance(path, Absent) else f"{path}.{unescaped(t.bare_name)}"


def unescaped(name: str) -> str:
    """Import paths in type arguments are escaped as in symbols (cmd/internal/objabi's PathToPrefix)."""
    if "%" not in name:
        return name
    found = _ESCAPED.sub(lambda match: bytes.fromhex(match.group(1).decode()), name.encode())
    return found.decode("utf-8", "replace")


def _unnamed(t: Type, write: Callable[[Maybe[Type]], str]) -> str:
    kind = t.kind
    if kind == "Pointer":
        return "*" + write(t.elem)
    if kind == "Slice":
        return "[]" + write(t.elem)
    if kind == "Array":
        return f"[{_known(t.length)}]" + write(t.elem)
    if kind == "Map":
        return f"map[{write(t.key)}]{write(t.elem)}"
    if kind == "Chan":
        return _chan(t, write)
    if kind == "Func":
        return "func" + _signature(_known(t.signature), write)
    if kind == "Interface":
        return _interface(t, write)
    # The compiler's structures for maps have names of their own.
    return _struct(t, write) if kind == "Struct" and t.name.startswith("struct {") else t.name


def _chan(t: Type, write: Callable[[Maybe[Type]], str]) -> str:
    elem, direction = t.elem, _known(t.direction)
    text = write(elem)
    if direction == "both":
        inner = not isinstance(elem, Absent) and not elem.named and elem.kind == "Chan" and elem.direction == "receive"
        return f"chan ({text})" if inner else f"chan {text}"
    return f"<-chan {text}" if direction == "receive" else f"chan<- {text}"


def _signature(signature: Signature, write: Callable[[Maybe[Type]], str]) -> str:
    params = [write(each) for each in signature.params[: len(signature.params) - signature.variadic]]
    if signature.variadic and signature.params:
        last = signature.params[-1]
        params.append("..." + write(last.elem if not isinstance(last, Absent) else last))
    results = [write(each) for each in signature.results]
    text = f"({', '.join(params)})"
    return text if not results else f"{text} {results[0]}" if len(results) == 1 else f"{text} ({', '.join(results)})"


def _interface(t: Type, write: Callable[[Maybe[Type]], str]) -> str:
    methods: List[str] = []
    for method in _known(t.interface_methods):
        if isinstance(method.type, Absent):
            raise _NoName(str(method.type))
        prefix = f"{method.pkg_path}." if method.pkg_path else ""
        methods.append(f"{prefix}{_known(method.name)}{_signature(_known(method.type.signature), write)}")
    return f"interface {{ {'; '.join(methods)} }}" if methods else "interface {}"


def _struct(t: Type, write: Callable[[Maybe[Type]], str]) -> str:
    fields: List[str] = []
    for field in _known(t.fields):
        # Go 1.19's closures have a field .F, which it writes without the dot.
        name = "F" if field.name == ".F" else _known(field.name)
        text = write(field.type) if field.embedded else f"{name} {write(field.type)}"
        fields.append(f"{text} {quoted(field.tag)}" if field.tag else text)
    return f"struct {{ {'; '.join(fields)} }}" if fields else "struct {}"


def _known(value: Maybe[T]) -> T:
    if isinstance(value, Absent):
        raise _NoName(str(value))
    return value


def quoted(text: str) -> str:
    """strconv.Quote, for what tags hold."""
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
