"""go-refs as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List

from ..commands.refs import Path, PathStep, References, Referrer, RootView
from .escape import escape
from .object import object_document

_INDENT = "  "


def text(body: References) -> str:
    found = body.object
    kind = f", {body.type}" if body.type else ""
    lines = [f"{found.start:#x}, {found.size} bytes{kind}, {found.state or 'of unknown state'}"]
    if not body.kept:
        lines[0] += ": nothing that was looked at keeps it"
    lines.append("referrers:" if body.referrers else "no referrers")
    lines += [_referrer(each) for each in body.referrers]
    shown = sum(each.depth == 1 for each in body.referrers)
    if shown < body.total:
        lines.append(f"{_INDENT}({shown} of {body.total}; --limit N shows more)")
    for path in body.paths:
        lines += ["path:", *_path(path)]
    return "".join(f"{escape(line)}\n" for line in lines)


def _referrer(each: Referrer) -> str:
    indent = _INDENT * each.depth
    to = f" -> {each.to:#x}" if each.depth > 1 else ""
    if each.root is not None:
        return f"{indent}{each.root.text}{to}"
    found = each.object
    if found is None:
        return f"{indent}?"
    places = ", ".join(f"{place - found.start:+#x}" for place in each.places[:8])
    more = ", ..." if len(each.places) > 8 else ""
    kind = f", {each.type}" if each.type else ""
    dead = "" if each.kept else ", unreachable"
    return f"{indent}{found.start:#x}{kind}, {found.size} bytes, at {places}{more}{dead}{to}"


def _path(path: Path) -> List[str]:
    lines, before = [f"{_INDENT}{path.root.text}"], None
    for step in path.steps:
        at = f" at {step.place - before.object.start:+#x}" if before is not None else ""
        kind = f", {step.type}" if step.type else ""
        lines.append(f"{_INDENT}->{at} {step.object.start:#x}{kind}, {step.object.size} bytes")
        before = step
    return lines


def document(body: References) -> Dict[str, Any]:
    return {
        "address": hex(body.address),
        "object": object_document(body.object),
        "type": body.type or None,
        "kept": body.kept,
        "total_referrers": body.total,
        "referrers": [_referrer_document(each) for each in body.referrers],
        "paths": [
            {"root": _root(path.root), "steps": [_step(each) for each in path.steps]} for path in body.paths
        ],
    }  # fmt: skip


def _root(root: RootView) -> Dict[str, Any]:
    return {
        "kind": root.kind, "text": root.text, "place": hex(root.place) if root.place else None,
        "value": hex(root.value), "goroutine_id": root.who if root.kind == "stack" else None,
    }  # fmt: skip


def _step(each: PathStep) -> Dict[str, Any]:
    return {**object_document(each.object), "type": each.type or None, "place": hex(each.place) if each.place else None}


def _referrer_document(each: Referrer) -> Dict[str, Any]:
    return {
        "depth": each.depth,
        "to": hex(each.to),
        "object": None if each.object is None else object_document(each.object),
        "type": each.type or None,
        "places": [hex(place) for place in each.places if place],
        "root": None if each.root is None else _root(each.root),
        "kept": each.kept,
    }
