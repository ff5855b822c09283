"""goxray ci as SARIF 2.1.0: a rule for each class, a result for each signature, however many cores have it.

Source: OASIS, Static Analysis Results Interchange Format Version 2.1.0.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, NamedTuple, Optional
from urllib.parse import quote

from .. import __version__
from ..analysis.leaks import CERTAIN, LIKELY
from ..ci.model import LEAK, Answer, CoreAnswer, Finding
from ..ci.rules import rule
from ..runtime.frames import Place, display_name
from .ci import finding_text, reasons
from .escape import escape

_ROOT = "SRCROOT"
_MAX_CORES = 100
_MAX_NOTES = 1000
# partialFingerprints: the number goes up when the signature of a crash is made in another way.
_FINGERPRINT = "goxraySignature/v1"


class _Group(NamedTuple):
    """A finding, and the cores that have one with its signature."""

    finding: Finding
    cores: List[str]


def sarif(answer: Answer, source_root: Optional[str] = None) -> str:
    """The whole document. source_root: a directory; files below it are named relative to it."""
    root = None if source_root is None else os.path.join(os.path.abspath(source_root), "")
    groups = _groups(answer)
    names = sorted({group.finding.rule for group in groups})
    run: Dict[str, Any] = {
        "tool": {"driver": {"name": "goxray", "version": __version__, "rules": [_rule(name) for name in names]}},
        "invocations": [_invocation(answer)],
        "results": [_result(group, names.index(group.finding.rule), root) for group in groups],
        "columnKind": "unicodeCodePoints",
    }
    if root is not None:
        run["originalUriBaseIds"] = {_ROOT: {"uri": f"file://{quote(root)}"}}
    return json.dumps({"version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _groups(answer: Answer) -> List[_Group]:
    found: Dict[str, _Group] = {}
    for core in answer.cores:
        for finding in core.findings:
            group = found.get(finding.id)
            if group is None:
                group = found[finding.id] = _Group(finding, [])
            elif finding.failing and not group.finding.failing:
                group = found[finding.id] = _Group(finding, group.cores)
            if core.core not in group.cores:
                group.cores.append(core.core)
    return list(found.values())


def _rule(name: str) -> Dict[str, Any]:
    known = rule(name)
    return {
        "id": name,
        "shortDescription": {"text": known.short},
        "fullDescription": {"text": f"{known.short}. {known.help}"},
        "help": {"text": known.help},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["go", name.split(":")[0]]},
    }


def _result(group: _Group, index: int, root: Optional[str]) -> Dict[str, Any]:
    finding, cores = group
    more = f" ({len(cores)} cores)" if len(cores) > 1 else ""
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _level(finding),
        "message": {"text": escape(finding_text(finding)) + more},
        "locations": [_location(finding.place, cores[0], root)],
        "partialFingerprints": {_FINGERPRINT: finding.id},
        "occurrenceCount": len(cores),
        "properties": {
            "signature": escape(finding.signature),
            "sure": finding.sure,
            "goroutines": finding.count,
            "cores": [escape(core) for core in cores[:_MAX_CORES]],
            "detail": [escape(line) for line in finding.detail],
        },
    }


def _level(finding: Finding) -> str:
    if not finding.failing:
        return "note"
    sure = {CERTAIN: "error", LIKELY: "warning"}.get(finding.sure, "note")
    return sure if LEAK in finding.kinds else "error"


def _location(place: Optional[Place], core: str, root: Optional[str]) -> Dict[str, Any]:
    """The line; of what has none the core itself, since viewers want a file."""
    if place is None:
        return {"physicalLocation": {"artifactLocation": {"uri": uri(core)}}}
    physical: Dict[str, Any] = {"artifactLocation": _artifact(place.file, root)}
    if place.line > 0:
        physical["region"] = {"startLine": place.line}
    name = escape(display_name(place.function))
    return {
        "physicalLocation": physical,
        "logicalLocations": [{"fullyQualifiedName": name, "kind": "function"}],
    }


def _artifact(path: str, root: Optional[str]) -> Dict[str, str]:
    if root is not None and path.startswith(root):
        return {"uri": quote(path[len(root) :], errors="replace"), "uriBaseId": _ROOT}
    return {"uri": uri(path)}


def uri(path: str) -> str:
    """A path as a URI, or as a reference relative to one where it is not absolute."""
    quoted = quote(path, errors="replace")
    return f"file://{quoted}" if path.startswith("/") else quoted or "unknown"


def _invocation(answer: Answer) -> Dict[str, Any]:
    notes = [each for core in answer.cores for each in _notifications(answer, core)]
    return {
        "executionSuccessful": not any(note["level"] == "error" for note in notes),
        "exitCode": answer.status,
        "toolExecutionNotifications": notes[:_MAX_NOTES],
    }


def _notifications(answer: Answer, core: CoreAnswer) -> List[Dict[str, Any]]:
    """What could not be told of a core, and its warnings."""
    told = [("error", each) for each in reasons(answer, core)]
    place = [{"physicalLocation": {"artifactLocation": {"uri": uri(core.core)}}}]
    return [
        {"level": level, "message": {"text": escape(text)}, "locations": place}
        for level, text in [*told, *(("warning", each) for each in core.warnings)]
    ]
