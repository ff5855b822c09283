"""go-symbols --emit: what is known of the program's code, in files that other tools read."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, List, Optional

from ..binary.symbols import Symbol, module_symbols
from ..binary.types import Type, Types
from ..errors import GoxrayError, UserError
from ..symfile.build import debug_file
from ..symfile.info import C99, GO
from ..symfile.perfmap import default_path, perf_map
from ..symfile.progress import ProgressLine
from ..symfile.unstripped import unstripped
from .base import Result
from .output import write_atomically

if TYPE_CHECKING:
    from ..session import Session

_WHAT = "rebuilding symbols"


@dataclass
class Emitted:
    """A file that was written, and how many functions it tells of."""

    kind: str
    path: str
    functions: int


@dataclass
class Catalogue:
    """The functions and types of all modules; types is None where they cannot be read."""

    symbols: List[Symbol]
    types: Optional[List[Type]]


def emit(session: Session, options: argparse.Namespace) -> Result:
    """Write the file of `options.emit`, or answer with the JSON document."""
    if options.regex is not None or options.at is not None or options.files or options.limit is not None:
        raise UserError("--emit tells of all functions: it goes without REGEX, --at, --files and --limit")
    kind = options.emit
    if kind == "json":
        options.json = True
        return _catalogue(session)
    path = options.output or _default(session, kind)
    if kind == "perf-map":
        modules = session.modules.all
        # Anybody may have put a link in place of the map in /tmp.
        write_atomically(path, "".join(perf_map(modules, session.layout)), follow=options.output is not None)
        count = sum(module.table.count for module in modules)
    else:
        count = _emit_elf(session, kind, path)
    return Result("go-symbols", Emitted(kind, path, count), list(session.warnings), written=True)


def _default(session: Session, kind: str) -> str:
    pid = getattr(session.target, "pid", None)
    if kind == "perf-map" and pid:
        return default_path(pid)
    where = "there is no process to name the file after" if kind == "perf-map" else "it is binary"
    raise UserError(f"--emit {kind} wants a file to write to, -o FILE: {where}")


def _emit_elf(session: Session, kind: str, path: str) -> int:
    """Of the program itself: its functions' number."""
    module = session.modules.all[0]
    _spare(path, module.image.path)
    language = GO if getattr(session.target, "knows_go", True) else C99
    line = ProgressLine(_WHAT, getattr(session.target, "say", _say))
    try:
        if kind == "elf":
            write_atomically(path, [debug_file(session, module, language, False, line)])
        else:
            write_atomically(path, unstripped(session, module, language, line), _mode(module.image.path))
    finally:
        line.end()
    return module.table.count


def _spare(path: str, executable: Optional[str]) -> None:
    """The program is not written to."""
    path = os.path.expanduser(path)
    if executable and os.path.exists(path) and os.path.exists(executable) and os.path.samefile(path, executable):
        raise UserError(f"{path} is the program itself: name another file")


def _mode(executable: Optional[str]) -> int:
    return stat.S_IMODE(os.stat(executable).st_mode) & 0o777 if executable else 0o777


def _say(text: str) -> None:
    """Show a line in place of the one before, if somebody sits there."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _catalogue(session: Session) -> Result:
    modules = session.modules.all
    symbols = [symbol for module in modules for symbol in module_symbols(module, session.layout)]
    warnings = list(session.warnings)
    types: Optional[List[Type]] = None
    try:
        types = Types(modules, session.memory, session.layout).all()
    except GoxrayError as error:
        warnings.append(f"types: {error}")
    return Result("go-symbols", Catalogue(symbols, types), warnings)
