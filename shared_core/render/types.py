"""go-types as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List

from ..binary.types import Signature, Type, kind_word
from ..binary.types.qualified import quoted
from ..commands.types import TypeList, TypeView, full_name
from ..errors import Absent, Maybe
from .escape import escape
from .table import Column, table

_COLUMNS = (Column("ADDRESS"), Column("KIND"), Column("SIZE", "right"), Column("TYPE"))


def text(body: TypeList) -> str:
    if not body.total:
        return "no type is called so, of those that have a descriptor\n"
    if body.full:
        shown = "".join(_long(view) for view in body.types)
    else:
        rows = [(f"{t.address:#x}", kind_word(t.kind), str(t.size), full_name(t)) for t in (v.type for v in body.types)]
        shown = table(_COLUMNS, rows)
    return shown + (f"({len(body.types)} of {body.total} shown)\n" if len(body.types) < body.total else "")


def _long(view: TypeView) -> str:
    kind = view.type
    head = f"{escape(full_name(kind))}  {kind_word(kind.kind)}, {kind.size} bytes, at {kind.address:#x}\n"
    return head + "".join(f"    {line}\n" for line in _parts(view))


def _parts(view: TypeView) -> Iterator[str]:
    if isinstance(view.fields, Absent):
        yield f"? fields ({escape(view.fields.detail)})"
    elif view.fields:
        offsets = max(len(str(field.offset)) for field in view.fields)
        for field in view.fields:
            tag = f" {quoted(field.tag)}" if field.tag else ""
            name = "" if field.embedded else f"{escape(str(field.name or '?'))} "
            yield f"{field.offset:>{offsets}}  {name}{_name(field.type)}{escape(tag)}"
    if isinstance(view.methods, Absent):
        yield f"? methods ({escape(view.methods.detail)})"
    for method, code in () if view.methods is None or isinstance(view.methods, Absent) else view.methods:
        given = method.type.signature if isinstance(method.type, Type) else method.type
        text = f"func {escape(str(method.name or '?'))}{_signature(given)}"
        yield text if isinstance(code, Absent) else f"{text}  {escape(code)}"


def _name(kind: Maybe[Type]) -> str:
    return "?" if isinstance(kind, Absent) else escape(full_name(kind))


def _signature(signature: Maybe[Signature]) -> str:
    if isinstance(signature, Absent):
        return "(?)"
    params = [_name(each) for each in signature.params]
    if signature.variadic and params:
        params[-1] = "..." + params[-1][2:]
    results = [_name(each) for each in signature.results]
    returned = "" if not results else f" {results[0]}" if len(results) == 1 else f" ({', '.join(results)})"
    return f"({', '.join(params)}){returned}"


def document(body: TypeList) -> Dict[str, Any]:
    return {"total": body.total, "types": [_document(view) for view in body.types]}


def _document(view: TypeView) -> Dict[str, Any]:
    kind = view.type
    found: Dict[str, Any] = {
        "name": full_name(kind),
        "short_name": kind.name,
        "address": hex(kind.address),
        "kind": kind_word(kind.kind),
        "size": kind.size,
        "align": kind.align,
        "package": kind.pkg_path or None,
        "named": kind.named,
        "pointer_bytes": kind.ptrdata,
    }
    for name in ("elem", "key"):
        part: Maybe[Type] = getattr(kind, name)
        if isinstance(part, Type):
            found[name] = full_name(part)
    if kind.kind == "Array":
        found["length"] = kind.length
    if kind.kind == "Chan":
        found["direction"] = kind.direction
    if view.fields is not None:
        found["fields"] = view.fields if isinstance(view.fields, Absent) else list(map(_field, view.fields))
    if view.signature is not None:
        found.update(_signature_document(view.signature))
    found["methods"] = view.methods if isinstance(view.methods, Absent) else _method_list(view)
    return found


def _field(field: Any) -> Dict[str, Any]:
    return {
        "name": field.name,
        "type": _name_or_reason(field.type),
        "offset": field.offset,
        "tag": field.tag or None,
        "embedded": field.embedded,
        "exported": field.exported,
    }


def _name_or_reason(kind: Maybe[Type]) -> Any:
    return kind if isinstance(kind, Absent) else full_name(kind)


def _signature_document(signature: Maybe[Signature]) -> Dict[str, Any]:
    if isinstance(signature, Absent):
        return {"params": signature}
    return {
        "params": [_name_or_reason(each) for each in signature.params],
        "results": [_name_or_reason(each) for each in signature.results],
        "variadic": signature.variadic,
    }


def _method_list(view: TypeView) -> List[Dict[str, Any]]:
    result = []
    for method, code in () if view.methods is None or isinstance(view.methods, Absent) else view.methods:
        found: Dict[str, Any] = {"name": method.name, "exported": method.exported}
        # The linker leaves out the types of methods that nothing calls by reflection: no warning is due.
        if isinstance(method.type, Type):
            found.update(_signature_document(method.type.signature))
        found["function"] = None if isinstance(code, Absent) else code
        result.append(found)
    return result
