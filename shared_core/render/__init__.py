"""Result -> text or JSON. The renderer of the command "go-NAME" is the module shared_core.render.NAME.

Such a module has `text(body) -> str`, lines ended by newlines, and `document(body) -> dict`, the keys of the JSON
document after "schema", "target" and "warnings".
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from ..commands.base import Result


def render(result: Result, fmt: str, target_facts: Mapping[str, object]) -> str:
    """`result` as "text" or "json"; text ends with its warnings, a JSON document begins with the target's facts."""
    renderer = renderer_of(result.name)
    if fmt == "json":
        from .jsonout import dumps

        return dumps(result.name, target_facts, result.warnings, renderer.document(result.body))
    return str(renderer.text(result.body)) + warning_lines(result)


def warning_lines(result: Result) -> str:
    """The warnings as lines of text, escaped, since they may quote the target."""
    from .escape import escape

    return "".join(f"warning: {escape(warning)}\n" for warning in result.warnings)


def renderer_of(name: str) -> Any:
    """The renderer module of the command `name`; dashes after "go-" are underscores in the module's name."""
    short = name[len("go-") :] if name.startswith("go-") else name
    return import_module(f"{__name__}.{short.replace('-', '_')}")
