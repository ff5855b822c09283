"""go-goroutines --stats as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List

from ..commands.tally import Tally
from .quarters import quarters_document, quarters_line
from .sizes import size
from .table import Column, table


def text(body: Tally) -> str:
    if not body.total:
        return f"(0 goroutines{_hidden(body)})\n"
    parts = [
        table([Column("COUNT", "right"), Column("SHARE", "right"), Column("STATUS")], _rows(body, body.statuses)),
        "\n",
    ]
    if body.reasons:
        parts += [
            table(
                [Column("COUNT", "right"), Column("SHARE", "right"), Column("WAIT REASON")], _rows(body, body.reasons)
            ),
            "\n",
        ]
    parts.append("".join(f"{line}\n" for line in _facts(body)))
    return "".join([*parts, f"({body.total} goroutines{_hidden(body)})\n", quarters_line(body.quarters)])


def _rows(body: Tally, counts: Dict[str, int]) -> List[List[str]]:
    return [[str(number), f"{100 * number / body.total:.1f}%", name] for name, number in counts.items()]


def _facts(body: Tally) -> List[str]:
    most, goid = body.largest
    facts = [
        f"stacks: {size(body.stack_bytes)}, {size(body.stack_bytes // body.total)} each on average; "
        f"the largest {size(most)}, of goroutine {goid}"
    ]
    if body.measured:
        facts.append(f"in use: {size(body.used_bytes)} of the stacks of {body.measured} that are parked")
    facts.append(f"on threads: {body.on_threads}; locked to one: {body.locked}; with labels: {body.labelled}")
    if body.system:
        facts.append(f"the runtime's own: {body.system}")
    return facts


def _hidden(body: Tally) -> str:
    return f"; {body.hidden} of the runtime's own not counted (--all)" if body.hidden else ""


def document(body: Tally) -> Dict[str, Any]:
    return {
        "total": body.total,
        "hidden_system": body.hidden,
        "quarters": quarters_document(body.quarters),
        "stats": {
            "system": body.system,
            "on_threads": body.on_threads,
            "locked": body.locked,
            "labelled": body.labelled,
            "statuses": body.statuses,
            "wait_reasons": body.reasons,
            "stack_bytes": body.stack_bytes,
            "stack_bytes_used": body.used_bytes if body.measured else None,
            "stacks_measured": body.measured,
            "stack_sizes": [{"bytes": each, "count": number} for each, number in body.sizes.items()],
            "largest_stack": {"bytes": body.largest[0], "id": body.largest[1]} if body.largest else None,
        },
    }
