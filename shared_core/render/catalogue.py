"""go-symbols --emit as text and JSON: functions, and types with what they are made of."""

from __future__ import annotations

from typing import Any, Dict, Union

from ..binary.types import Type
from ..commands.emit import Catalogue, Emitted
from ..errors import Absent, Maybe
from .escape import escape
from .symbols import functions


def text(body: Emitted) -> str:
    return f"{escape(body.path)}: {body.functions} functions ({body.kind})\n"


def document(body: Union[Emitted, Catalogue]) -> Dict[str, Any]:
    if isinstance(body, Emitted):
        return {"emitted": body.kind, "path": body.path, "functions": body.functions}
    types = None if body.types is None else [_type(each) for each in body.types]
    return {"total": len(body.symbols), "symbols": functions(body.symbols), "types": types}


_WITH_ELEMENT = ("Array", "Chan", "Map", "Pointer", "Slice")


def _type(kind: Type) -> Dict[str, Any]:
    found: Dict[str, Any] = {
        "name": kind.full_name,
        "address": hex(kind.address),
        "size": kind.size,
        "kind": kind.kind.lower(),
    }
    if kind.kind == "Map":
        found["key"] = _name(kind.key)
    if kind.kind in _WITH_ELEMENT:
        found["elem"] = _name(kind.elem)
    if kind.kind == "Array":
        found["length"] = kind.length
    if kind.kind == "Struct":
        fields = kind.fields
        found["fields"] = (
            fields
            if isinstance(fields, Absent)
            else [{"name": f.name, "type": _name(f.type), "offset": f.offset, "embedded": f.embedded} for f in fields]
        )
    return found


def _name(kind: Maybe[Type]) -> Maybe[str]:
    return kind if isinstance(kind, Absent) else kind.full_name
