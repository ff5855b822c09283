"""go-load-symbols as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict

from .escape import escape

if TYPE_CHECKING:
    from ..commands.load_symbols import Loaded, LoadedFile


def text(body: Loaded) -> str:
    return "".join(_line(each, body.quick) for each in body.files)


def _line(each: LoadedFile, quick: bool) -> str:
    file = each.file
    name = escape(file.name or file.image or "the program")
    if not each.fresh:
        return f"{name}: loaded before\n"
    what = "symbols and call frames" if quick else "symbols, lines, frames and types"
    return f"{name}: {what} of {file.functions} functions loaded ({escape(str(file.path))})\n"


def document(body: Loaded) -> Dict[str, Any]:
    return {
        "quick": body.quick,
        "files": [
            {
                "module": each.file.name or None,
                "executable": each.file.image,
                "path": str(each.file.path),
                "functions": each.file.functions,
                "fresh": each.fresh,
            }
            for each in body.files
        ],
    }
