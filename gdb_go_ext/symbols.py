"""Hands debug files to gdb."""

from __future__ import annotations

import sys
from typing import Any, Optional

import gdb

from shared_core.errors import UserError

from .quiet import quietly


def load(path: str, image: Optional[str], load_bias: int) -> bool:
    """Load the debug file `path` beside the object file of `image`, or by itself; False if gdb has it already."""
    owner = None
    for objfile in gdb.objfiles():
        if objfile.filename == path:
            return False
        if objfile.filename == image and objfile.owner is None:
            owner = objfile
    try:
        quietly(lambda: _load(path, owner, load_bias))
    except gdb.error as error:
        raise UserError(f"gdb does not take {path}: {error}") from None
    return True


def _load(path: str, owner: Any, load_bias: int) -> None:
    if owner is not None:
        owner.add_separate_debug_file(path)
    else:
        gdb.execute(f"add-symbol-file {_quoted(path)} -o {load_bias:#x}", to_string=True)


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def say(text: str) -> None:
    """Show `text` in place of what was shown before, if somebody sits there."""
    if sys.stdout.isatty():
        gdb.write(f"\r\x1b[K{text}", gdb.STDERR)
        gdb.flush(gdb.STDERR)
