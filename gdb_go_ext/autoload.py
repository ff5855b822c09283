"""`set go-auto-load-symbols on`: rebuilt symbols arrive with every Go program that gdb opens and that has none."""

from __future__ import annotations

from typing import Any

import gdb

from shared_core.errors import GoxrayError, UserError

from . import symbols

_watching = False


def switch(on: bool) -> None:
    """Load the symbols of what is open, and of all that is opened from now on; or leave off doing so."""
    global _watching
    if on and not _watching:
        gdb.events.new_objfile.connect(_opened)
        for objfile in gdb.objfiles():
            _load(objfile)
    elif _watching and not on:
        gdb.events.new_objfile.disconnect(_opened)
    _watching = on


def _opened(event: Any) -> None:
    _load(event.new_objfile)


def _load(objfile: Any) -> None:
    """Nothing for what is no Go program, has DWARF of its own, or is a debug file itself."""
    path = objfile.filename
    if not path or objfile.owner is not None:
        return
    from shared_core.commands.load_symbols import debug_file_of_program

    try:
        file = debug_file_of_program(path, True, symbols.say)
        if file is not None:
            symbols.load(str(file.path), path, 0)
    except UserError as error:
        gdb.write(f"go-auto-load-symbols: {error}\n", gdb.STDERR)
    except GoxrayError:
        return
