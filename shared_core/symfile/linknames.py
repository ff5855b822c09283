"""Names of types as the linker has them in symbols and in DWARF.

Sources: Go 1.27 cmd/compile/internal/types/fmt.go (LinkString), cmd/internal/objabi/path.go (PathToPrefix). Local types
of the same name differ there by a number ("main.inner·1") that is in no descriptor.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List

from ..binary.types import Type
from ..binary.types.qualified import quoted, unescaped
from ..errors import Absent, GoxrayError, Maybe, T

_MAX_DEPTH = 32
_MAX_LENGTH = 1 << 16
# What is escaped anywhere, and dots after the last slash.
_ESCAPED = re.compile(rb"[\x00-\x20%\"\x7f-\xff]|\.(?=[^/]*\Z)")
_SHAPES = "go.shape"  # no package, and not escaped as one
_ARROW = {"both": "chan ", "send": "chan<- ", "receive": "<-chan "}

Write = Callable[[Maybe[Type]], str]


class _Unknown(GoxrayError):
    """A part cannot be read."""


def escaped(path: str) -> str:
    """An import path as it begins symbols' names: objabi.PathToPrefix."""
    data = path.encode("utf-8", "surrogateescape")
    found = _ESCAPED.sub(lambda match: b"%%%02x" % match.group()[0], data)
    return path if found == data else found.decode("ascii")


class LinkNames:
    """Makes each type's name once."""

    def __init__(self) -> None:
        self._known: Dict[Type, str] = {}
        self._paths: Dict[str, str] = {}

    def of(self, t: Type) -> str:
        """Its name; reflect's where a part of it cannot be read."""
        found = self._known.get(t)
        if found is None:
            try:
                found = self._write(t, 0)
            except _Unknown:
                found = self._known[t] = t.name
        return found

    def in_go(self, t: Type) -> str:
        """Its name with import paths as they are written in Go."""
        name = self.of(t)
        return unescaped(name) if "%" in name else name

    def _write(self, t: Maybe[Type], depth: int) -> str:
        if isinstance(t, Absent) or depth > _MAX_DEPTH:
            raise _Unknown
        found = self._known.get(t)
        if found is None:
            name = t.name
            if t.named:
                found = self._with_path(t)
            elif "." not in name and "struct" not in name and "interface" not in name:
                found = name  # of predeclared types alone
            else:
                found = _unnamed(t, lambda part: self._write(part, depth + 1))
            if len(found) > _MAX_LENGTH:
                raise _Unknown
            self._known[t] = found
        return found

    def _with_path(self, t: Type) -> str:
        path = t.pkg_path
        if isinstance(path, Absent) or path == _SHAPES:
            return t.name
        prefix = self._paths.get(path)
        if prefix is None:
            prefix = self._paths[path] = escaped(path)
        return f"{prefix}.{t.bare_name}"


def _unnamed(t: Type, write: Write) -> str:
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
        text = write(t.elem)
        inner = t.direction == "both" and text.startswith("<-")
        return _ARROW[_known(t.direction)] + (f"({text})" if inner else text)
    if kind == "Func":
        return "func" + _signature(t, write)
    if kind == "Interface":
        return _interface(t, write)
    # The compiler's structures for maps have names of their own.
    return _struct(t, write) if kind == "Struct" and t.name.startswith("struct {") else t.name


def _signature(t: Type, write: Write) -> str:
    signature = _known(t.signature)
    params = [write(each) for each in signature.params[: len(signature.params) - signature.variadic]]
    if signature.variadic and signature.params:
        params.append("..." + write(signature.params[-1])[2:])
    results = [write(each) for each in signature.results]
    text = f"({', '.join(params)})"
    return text if not results else f"{text} {results[0]}" if len(results) == 1 else f"{text} ({', '.join(results)})"


def _interface(t: Type, write: Write) -> str:
    methods: List[str] = []
    for method in _known(t.interface_methods):
        prefix = f"{escaped(method.pkg_path)}." if method.pkg_path else ""
        methods.append(f"{prefix}{_known(method.name)}{_signature(_known(method.type), write)}")
    return f"interface {{ {'; '.join(methods)} }}" if methods else "interface {}"


def _struct(t: Type, write: Write) -> str:
    fields: List[str] = []
    prefix = ""
    for field in _known(t.fields):
        text = write(field.type)
        if not field.embedded:
            if not field.exported:
                prefix = prefix or _package_of(t)
            name = _known(field.name)
            # Go 1.19's closures have a field .F, which is written without the dot.
            text = f"F {text}" if name == ".F" else f"{'' if field.exported else prefix}{name} {text}"
        fields.append(f"{text} {quoted(field.tag)}" if field.tag else text)
    return f"struct {{ {'; '.join(fields)} }}" if fields else "struct {}"


def _package_of(t: Type) -> str:
    """What is before the names of a structure's fields that are not exported."""
    (at,) = t.numbers("StructType", ("PkgPath",))
    path = t.types.name(at) if at else None
    return f"{escaped(path.text)}." if path is not None else ""


def _known(value: Maybe[T]) -> T:
    if isinstance(value, Absent):
        raise _Unknown
    return value
