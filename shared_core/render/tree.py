"""go-goroutines --tree as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, List

from ..commands.tree import Node, Tree
from ..errors import NOT_APPLICABLE, Absent
from ..runtime.frames import display_name
from .escape import escape
from .frames import place_document, short_place
from .goroutines import status_text
from .quarters import quarters_document, quarters_line
from .times import duration

_DEEPEST = 32  # levels that are indented; a chain of goroutines may be as long as a listing
_IDS = 8


def text(body: Tree) -> str:
    return "".join(_line(node) for node in body.nodes) + _footer(body)


def _line(node: Node) -> str:
    indent = "  " * min(node.depth, _DEEPEST)
    indent += f"({node.depth} levels in) " if node.depth > _DEEPEST else ""
    if node.view is None:
        return f"{indent}{node.ids[0]} ended, having started {node.children} of these\n"
    standing = node.view.standing
    blocked = duration(standing.blocked_for) if len(node.ids) == 1 else ""
    head = f"{'*' * standing.selected}{_ids(node)} [{status_text(standing)}{', ' + blocked if blocked else ''}]"
    user = f"? ({standing.user.detail})" if isinstance(standing.user, Absent) else short_place(standing.user)
    began = ""
    known = getattr(standing.user, "function", "")
    if not isinstance(node.start, Absent) and not node.wrapped and node.start.function != known:
        began = f", began in {display_name(node.start.function)}"
    return f"{indent}{escape(head)} {escape(user)}{escape(began)}{'' if node.chosen else ' (on the way)'}\n"


def _ids(node: Node) -> str:
    if len(node.ids) == 1:
        return str(node.ids[0])
    shown = ", ".join(map(str, node.ids[:_IDS]))
    return f"{len(node.ids)} alike: {shown}{', ...' if len(node.ids) > _IDS else ''}"


def _footer(body: Tree) -> str:
    lines = f"{len(body.nodes)} of {body.total} lines, " if len(body.nodes) < body.total else ""
    hidden = f"; {body.hidden} of the runtime's own not shown (--all)" if body.hidden else ""
    return f"({lines}{body.goroutines} goroutines{hidden})\n" + quarters_line(body.quarters)


def document(body: Tree) -> Dict[str, Any]:
    return {
        "total": body.goroutines,
        "total_nodes": body.total,
        "hidden_system": body.hidden,
        "quarters": quarters_document(body.quarters),
        "tree": _nodes(body.nodes),
    }


def _nodes(nodes: List[Node]) -> List[Dict[str, Any]]:
    """In the order of the text; each tells how deep it is, so that a long chain nests nothing."""
    return [_node(node) for node in nodes]


def _node(node: Node) -> Dict[str, Any]:
    found: Dict[str, Any] = {"id": node.ids[0], "depth": node.depth, "children": node.children}
    if node.view is None:
        return {**found, "ended": True, "picked": False}
    goroutine, standing = node.view.goroutine, node.view.standing
    return {
        **found,
        "ended": False,
        "picked": node.chosen,
        "parent_id": _quiet(goroutine.parent_id),
        "status": goroutine.status,
        "wait_reason": _quiet(goroutine.wait_reason),
        "system": standing.system,
        "user_place": standing.user if isinstance(standing.user, Absent) else place_document(standing.user),
        "start": node.start if isinstance(node.start, Absent) else place_document(node.start),
    }


def _quiet(value: Any) -> Any:
    return None if isinstance(value, Absent) and value.kind == NOT_APPLICABLE else value
