"""goxray ci as JUnit XML: a suite for each core, in it a test for each kind of finding that fails.

There is no one schema. This keeps to what both of the common ones take, Ant's (windyroad/JUnit-Schema) and Jenkins's
(junit-10.xsd of its xUnit plugin): no attributes of <testsuites>, at most one child of a <testcase>, and all that a
suite may have.
"""

from __future__ import annotations

import time
from typing import List
from xml.sax.saxutils import escape as xml_escape

from ..ci.model import KINDS, Answer, CoreAnswer, Finding
from .ci import finding_text
from .escape import escape

_LINES = 200
_ATTRIBUTE = {'"': "&quot;"}


def junit(answer: Answer) -> str:
    """The whole document."""
    suites = [_suite(answer, core, number) for number, core in enumerate(answer.cores)]
    return '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n' + "".join(suites) + "</testsuites>\n"


def attribute(text: str) -> str:
    """A value for a quoted attribute: one line; what XML has no characters for is spelled out."""
    return xml_escape(escape(text), _ATTRIBUTE)


def content(lines: List[str]) -> str:
    """Text of an element, line by line."""
    shown = lines[:_LINES] + ([f"... {len(lines) - _LINES} more lines"] if len(lines) > _LINES else [])
    return "".join(f"{xml_escape(escape(line.expandtabs()))}\n" for line in shown)


def _suite(answer: Answer, core: CoreAnswer, number: int) -> str:
    kinds = answer.wanted.fail_on or KINDS
    failures = sum(any(_fails(each, kind) for each in core.findings) for kind in kinds)
    errors = sum(bool(core.why_not(kind)) and not any(_fails(each, kind) for each in core.findings) for kind in kinds)
    # UTC, without a zone: that is how the schema has it.
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    return (
        f'<testsuite name="{attribute(core.core)}" package="goxray" id="{number}" hostname="localhost"'
        f' timestamp="{at}" tests="{len(kinds)}" failures="{failures}" errors="{errors}" time="{core.seconds:.3f}">\n'
        f"<properties>\n{_properties(core)}</properties>\n"
        + "".join(_case(core, kind) for kind in kinds)
        + f"<system-out>{content(core.card.splitlines())}</system-out>\n"
        f"<system-err>{content(core.warnings)}</system-err>\n</testsuite>\n"
    )


def _properties(core: CoreAnswer) -> str:
    main = core.main
    found = {
        "class": core.crash or None,
        "signature": main.signature if main is not None else None,
        "signature_id": main.id if main is not None else None,
        "goroutines": None if core.goroutines is None else str(core.goroutines),
        **{name: core.facts.get(name) for name in ("go_version", "arch", "executable")},
        **{f"goroutines.{name}": str(number) for name, number in core.quarters.items()},
    }
    return "".join(
        f'<property name="{attribute(name)}" value="{attribute(value)}"/>\n'
        for name, value in found.items()
        if value is not None
    )


def _case(core: CoreAnswer, kind: str) -> str:
    # The time is that of the core: its kinds are looked for together.
    head = f'<testcase classname="{attribute(core.core)}" name="{kind}" time="0"'
    failing = [each for each in core.findings if _fails(each, kind)]
    if failing:
        more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
        message, lines = finding_text(failing[0]) + more, [line for each in failing for line in _lines(each)]
        inner = _told("failure", failing[0].rule, message, lines)
    elif core.why_not(kind):
        inner = _told("error", "unanswered", core.why_not(kind), [core.why_not(kind)])
    else:
        return f"{head}/>\n"
    return f"{head}>\n{inner}</testcase>\n"


def _told(element: str, kind: str, message: str, lines: List[str]) -> str:
    head = f'<{element} type="{attribute(kind)}" message="{attribute(message)}">'
    return f"{head}{content(lines)}</{element}>\n"


def _lines(finding: Finding) -> List[str]:
    return [
        f"{finding.rule} ({finding.sure}): {finding.what}",
        f"signature {finding.id}: {finding.signature}",
        *(f"    {line}" for line in finding.detail),
    ]


def _fails(finding: Finding, kind: str) -> bool:
    return finding.failing and kind in finding.kinds
