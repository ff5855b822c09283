"""go-report as a page, as Markdown, and as JSON."""

from __future__ import annotations

from typing import Any, Dict

from ...commands.base import Result
from ...commands.report import MARKDOWN, Report
from ...errors import Absent, Maybe


def text(body: Report) -> str:
    if body.form == MARKDOWN:
        from .markdown import markdown

        return markdown(body)
    from .page import page

    return page(body)


def document(body: Report) -> Dict[str, Any]:
    return {name: _part(part) for name, part in body.parts.items()}


def _part(part: Maybe[Result]) -> Any:
    """A command's document without the target, which all share, and the warnings that are said once for all."""
    if isinstance(part, Absent):
        return part
    from .. import renderer_of
    from ..jsonout import schema

    found = renderer_of(part.name).document(part.body)
    return {"schema": schema(part.name), "status": part.status, "warnings": part.warnings, **found}
