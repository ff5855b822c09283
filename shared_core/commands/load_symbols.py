"""go-load-symbols: symbols and DWARF rebuilt from the program's own tables, handed to the debugger."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Callable, List, Optional, cast

from ..errors import GoxrayError, UserError
from ..session import Session
from ..symfile.files import DebugFile, debug_file_of
from ..symfile.progress import ProgressLine
from ..target import SymbolTaker
from ..targets.file import FileTarget
from .base import Command, Result

_WHAT = "rebuilding symbols"


@dataclass
class LoadedFile:
    """A module's debug file; `fresh` unless the debugger had it already."""

    file: DebugFile
    fresh: bool


@dataclass
class Loaded:
    """What was loaded, a file for each module; `quick` with symbols and call frames alone."""

    files: List[LoadedFile]
    quick: bool


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quick", action="store_true", help="symbols and call frames alone: no lines, types, arguments"
    )


def debug_file_of_program(path: str, knows_go: bool, say: Callable[[str], None]) -> Optional[DebugFile]:
    """The debug file of a program at rest; None for one that has DWARF of its own.

    NotGoError and its like for what is no Go program, UserError where the cache cannot be written.
    """
    target = FileTarget(path)
    if target.has_dwarf:
        return None
    session = Session(target)
    line = ProgressLine(_WHAT, say)
    try:
        return debug_file_of(session, session.modules.all[0], knows_go, False, line)
    finally:
        line.end()


def run(session: Session, options: argparse.Namespace) -> Result:
    if not hasattr(session.target, "load_symbols"):
        raise UserError(
            "there is no debugger here to take symbols; `goxray symbols EXE --emit elf -o FILE` writes them to a file"
        )
    taker = cast(SymbolTaker, session.target)
    line = ProgressLine(_WHAT, taker.say)
    warnings, files = [], []
    try:
        for module in session.modules.all:
            try:
                found = debug_file_of(session, module, taker.knows_go, options.quick, line)
                fresh = taker.load_symbols(str(found.path), found.image, found.load_bias)
                files.append(LoadedFile(found, fresh))
            except GoxrayError as error:
                warnings.append(f"{module.name or 'the program'}: {error}")
    finally:
        line.end()
    if any(each.fresh for each in files) and not options.quick:
        taker.types_loaded(lambda: _shown_types(session))
    if not files:
        raise UserError("; ".join(warnings))
    return Result("go-load-symbols", Loaded(files, options.quick), [*session.warnings, *warnings])


def _shown_types(session: Session) -> List[str]:
    # Imported only here, since gdb has no use for all of a program's types.
    from ..pretty import pretty_of

    return pretty_of(session).names()


COMMAND = Command(
    name="go-load-symbols",
    help="Give the debugger symbols, lines, frames and types, for its own commands.",
    run=run,
    arguments=arguments,
    details="""From then on the debugger's own commands work as on a program that never was stripped: backtraces,
breakpoints by function or line, stepping, disassembly by name, arguments (by position: a0, a1; those of an
aggregate a1_0, a1_1), types by their Go names. What was rebuilt is kept under ~/.cache/goxray/symbols.
Once more after a plugin was opened, it loads what has come.

  go-load-symbols
  go-load-symbols --quick""",
)
