"""goxray ci as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from ..analysis.quarters import QUARTERS
from ..ci.model import NONE, Answer, CoreAnswer, Finding
from ..commands.base import FINE, FOUND, UNANSWERED
from ..errors import UNREADABLE, Absent
from .escape import escape
from .frames import place_document, short_place
from .jsonout import dumps
from .quarters import quarters_document
from .table import Column, table

VERDICTS = {FINE: "ok", FOUND: "FAIL", UNANSWERED: "ERROR"}
_WORDS = {FINE: "fine", FOUND: "found", UNANSWERED: "unanswered"}
_ROW = (
    Column("CORE"), Column("VERDICT"), Column("CLASS"), Column("SIGNATURE"), Column("GOROUTINES", "right"),
    Column("WHAT"),
)  # fmt: skip
_GROUP = (Column("COUNT", "right"), Column("CLASS"), Column("SIGNATURE"), Column("AT"), Column("CORES"))
_LONG = 200
_CORES = 8
_WARNINGS = 5  # of a core, in the text
_FACTS = ("go_version", "arch", "kind", "executable", "layout", "layout_source")


def text(answer: Answer) -> str:
    """A line for each core; for several, the tables that compare them."""
    lines = [table(_ROW, [_row(answer, each) for each in answer.cores])] if answer.cores else []
    if len(answer.cores) > 1:
        lines += ["\n", _side_by_side(answer), "\n", _by_signature(answer)]
    lines += [f"{escape(note)}\n" for note in answer.notes]
    lines.append(_footer(answer))
    for core in answer.cores:
        lines += [f"warning: {escape(core.core)}: {escape(each)}\n" for each in core.warnings[:_WARNINGS]]
    return "".join(lines)


def _row(answer: Answer, core: CoreAnswer) -> List[str]:
    main, status = core.main, core.status(answer.wanted.fail_on)
    name = main.rule if main is not None else core.crash
    count = "?" if core.goroutines is None else str(core.goroutines)
    return [core.core, VERDICTS[status], name, main.id if main is not None else "", count, summary(answer, core)]


def summary(answer: Answer, core: CoreAnswer) -> str:
    """One line of text on a core."""
    parts = []
    main = core.main
    if main is not None:
        parts.append(finding_text(main))
        others = len(core.findings) + core.more - 1
        parts += [f"{others} more"] if others else []
    return "; ".join([*parts, *reasons(answer, core)])


def reasons(answer: Answer, core: CoreAnswer) -> List[str]:
    """Why what was asked for could not be told of a core."""
    found = [core.why_not(kind) for kind in answer.wanted.fail_on]
    return list(dict.fromkeys(each for each in [core.error, *found] if each))


def finding_text(finding: Finding) -> str:
    """ "panic: no light, at main.read src/a.go:12"."""
    what = finding.what if len(finding.what) <= _LONG else finding.what[:_LONG] + "..."
    return what + (f", at {short_place(finding.place)}" if finding.place is not None else "")


def _side_by_side(answer: Answer) -> str:
    columns = [Column("CORE"), Column("TOTAL", "right"), *(Column(name.upper(), "right") for name in QUARTERS)]
    rows = [
        [core.core, "?" if core.goroutines is None else str(core.goroutines),
         *("?" if core.goroutines is None else str(core.quarters.get(name, 0)) for name in QUARTERS)]
        for core in answer.cores
    ]  # fmt: skip
    return table(columns, rows)


def groups(answer: Answer) -> List[Tuple[Optional[Finding], List[str]]]:
    """(the finding that cores share, these cores), the largest first; None for those without any."""
    found: Dict[str, Tuple[Optional[Finding], List[str]]] = {}
    for core in answer.cores:
        main = core.main
        if main is not None or not core.error:
            found.setdefault(main.id if main else "", (main, []))[1].append(core.core)
    return sorted(found.values(), key=lambda group: (group[0] is None, -len(group[1])))


def _by_signature(answer: Answer) -> str:
    rows = []
    for main, cores in groups(answer):
        names = ", ".join(cores[:_CORES]) + (", ..." if len(cores) > _CORES else "")
        if main is None:
            rows.append([str(len(cores)), NONE, "", "", names])
        else:
            place = short_place(main.place) if main.place is not None else ""
            rows.append([str(len(cores)), main.rule, main.id, place, names])
    return table(_GROUP, rows)


def _footer(answer: Answer) -> str:
    counts = counted(answer)
    verdicts = ", ".join(
        f"{counts[status]} {VERDICTS[status]}" for status in (FINE, FOUND, UNANSWERED) if counts[status]
    )
    total = len(answer.cores)
    wanted = answer.wanted
    fails = f"failing on {', '.join(wanted.fail_on)}" if wanted.fail_on else "failing on nothing"
    return f"({total} core{'s' * (total != 1)}{': ' if verdicts else ''}{verdicts}; {fails})\n"


def counted(answer: Answer) -> Dict[int, int]:
    """How many cores have which status."""
    statuses = [core.status(answer.wanted.fail_on) for core in answer.cores]
    return {status: statuses.count(status) for status in (FINE, FOUND, UNANSWERED)}


def document_text(answer: Answer) -> str:
    """One document, goxray.ci/1."""
    wanted, counts = answer.wanted, counted(answer)
    body = {
        "status": answer.status,
        "fail_on": list(wanted.fail_on),
        "ignored": list(wanted.ignore),
        "sure": wanted.sure,
        "counts": {_WORDS[status]: number for status, number in counts.items()},
        "cores": [_core(answer, each) for each in answer.cores],
        "groups": [_group(main, cores) for main, cores in groups(answer)],
    }
    return dumps("ci", _common(answer), answer.notes, body)


def _common(answer: Answer) -> Dict[str, Optional[str]]:
    """What all cores agree on of the target; each has its own beside it."""
    found = {}
    for name in _FACTS:
        values = {core.facts.get(name) for core in answer.cores}
        found[name] = values.pop() if len(values) == 1 else None
    return found


def _core(answer: Answer, core: CoreAnswer) -> Dict[str, Any]:
    main, status = core.main, core.status(answer.wanted.fail_on)
    return {
        "core": core.core,
        "verdict": _WORDS[status],
        "status": status,
        "class": core.crash or Absent(UNREADABLE, core.why_not("crash")),
        "labels": core.labels,
        "signature": main.signature if main is not None else None,
        "signature_id": main.id if main is not None else None,
        "summary": summary(answer, core) or None,
        "error": core.error or None,
        "problems": core.problems,
        "goroutines": core.goroutines,
        "quarters": quarters_document(core.quarters) or None,
        "statuses": core.statuses or None,
        "findings": [_finding(each) for each in core.findings],
        "more_findings": core.more,
        "target": core.facts or None,
        "warnings": core.warnings,
        "seconds": round(core.seconds, 3),
    }


def _finding(finding: Finding) -> Dict[str, Any]:
    return {
        "kinds": list(finding.kinds),
        "class": finding.rule,
        "signature": finding.signature,
        "signature_id": finding.id,
        "what": finding.what,
        "sure": finding.sure,
        "count": finding.count,
        "failing": finding.failing,
        "ignored": finding.ignored,
        "place": None if finding.place is None else place_document(finding.place),
        "detail": finding.detail,
    }


def _group(main: Optional[Finding], cores: List[str]) -> Dict[str, Any]:
    return {
        "class": main.rule if main is not None else NONE,
        "signature": main.signature if main is not None else None,
        "signature_id": main.id if main is not None else None,
        "first_frame": None if main is None or main.place is None else place_document(main.place),
        "count": len(cores),
        "cores": cores,
    }
