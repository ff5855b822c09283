"""go-goroutines --format as text and JSON."""

from __future__ import annotations

from typing import Any, Dict, Union

from ..commands.export import Exported, ExportedFile
from .escape import escape


def text(body: Union[Exported, ExportedFile]) -> str:
    if isinstance(body, Exported):
        return body.text
    return f"{escape(body.path)}: {body.goroutines} goroutines, {body.samples} different ({body.format})\n"


def document(body: ExportedFile) -> Dict[str, Any]:
    return {
        "exported": body.format,
        "path": body.path,
        "total": body.goroutines,
        "samples": body.samples,
    }
