"""go-value as text and JSON."""

from __future__ import annotations

from typing import Any, Dict

from ..commands.value import OneValue
from ..errors import Absent
from ..runtime.goerrors import Link
from ..runtime.gosyntax import quote
from . import govalue
from .escape import escape


def text(body: OneValue) -> str:
    if body.interface or body.shown.kind == "Interface":
        head = f"{escape(body.interface)} holding " if body.interface else ""
        lines = [head + govalue.laid_out(body.shown, body.width, spelled=True)]
    else:
        lines = [govalue.laid_out(body.shown, body.width)]
    lines += [_error(each, number) for number, each in enumerate(body.errors)]
    return "".join(f"{line}\n" for line in lines)


def _error(link: Link, number: int) -> str:
    message = f"? ({link.message.detail})" if isinstance(link.message, Absent) else quote(link.message)
    return f"{'wraps ' if number else 'error '}{escape(link.type)}: {escape(message)}"


def document(body: OneValue) -> Dict[str, Any]:
    return {
        "address": hex(body.address),
        "type": body.type or None,
        "interface": body.interface or None,
        "value": govalue.document(body.shown),
        "errors": [{"type": each.full, "message": each.message} for each in body.errors],
    }
