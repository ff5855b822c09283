"""Hands debug files to gdb."""

from __future__ import annotations

import re
import sys
from typing import Any, Optional

import gdb

from shared_core.errors import UserError

from . import inferior as inferiors
from . import printers
from .quiet import quietly

_ENTRY = slice(24, 32)  # Elf64_Ehdr.e_entry


def load(path: str, image: Optional[str], load_bias: int) -> bool:
    """Load the debug file `path` beside the object file of `image`, or by itself; False if gdb has it already."""
    owner = None
    for objfile in gdb.objfiles():
        if objfile.filename == path:
            return False
        if objfile.filename == image and objfile.owner is None and not _elsewhere(path, image, load_bias):
            owner = objfile
    try:
        quietly(lambda: _load(path, owner, load_bias))
    except gdb.error as error:
        raise UserError(f"gdb does not take {path}: {error}") from None
    printers.register(path)
    return True


def _elsewhere(path: str, image: Optional[str], load_bias: int) -> bool:
    """Whether gdb holds the program to be at another address: so it does where a core does not tell (qemu's)."""
    if image != gdb.current_progspace().filename:
        return False
    shown = re.search(r"Entry point: 0x([0-9a-f]+)", inferiors.ask("info files"))
    with open(path, "rb") as stream:
        header = stream.read(_ENTRY.stop)  # the debug file's entry is the program's own
    return shown is not None and int(shown.group(1), 16) != int.from_bytes(header[_ENTRY], "little") + load_bias


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
