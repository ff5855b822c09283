"""go-symbols: the functions of a stripped program, from pclntab."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Iterator, List, Optional, Pattern

from ..binary.symbols import Symbol, module_symbols, source_files, symbol_of
from ..errors import GoxrayError, LayoutError, UserError
from .base import Command, Result, add_limit, address

if TYPE_CHECKING:
    from ..session import Session

KINDS = ("elf", "unstripped", "perf-map", "json")  # see emit.py


@dataclass
class Symbols:
    """Functions by address, or source files; `offset` is how far --at lies into the one function listed.

    total: how many matched, when `--limit` cut the list.
    """

    symbols: List[Symbol] = field(default_factory=list)
    files: Optional[List[str]] = None
    offset: Optional[int] = None
    total: int = 0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("regex", nargs="?", metavar="REGEX", help="only names (with --files: paths) that match it")
    parser.add_argument("--at", type=address, metavar="ADDR", help="the function that holds this address")
    parser.add_argument("--files", action="store_true", help="list the source files instead")
    parser.add_argument("--emit", choices=KINDS, help="write a file for other tools to read (-o FILE)")
    add_limit(parser)


def run(session: Session, options: argparse.Namespace) -> Result:
    if options.emit is not None:
        from .emit import emit

        return emit(session, options)
    pattern = compile_pattern(options.regex)
    if options.at is not None:
        body = _at(session, options.at)
    elif options.files:
        files = sorted({f for m in session.modules.all for f in source_files(m) if pattern.search(f)})
        body = Symbols(files=files[: options.limit], total=len(files))
    else:
        found = [s for s in _all(session) if pattern.search(s.name)]
        body = Symbols(found[: options.limit], total=len(found))
    return Result("go-symbols", body, list(session.warnings))


def compile_pattern(text: Optional[str]) -> Pattern[str]:
    """A regular expression the user typed, or one that matches all; UserError when it is wrong."""
    try:
        return re.compile(text or "")
    except re.error as error:
        raise UserError(f"bad regular expression {text!r}: {error}") from None


def _all(session: Session) -> Iterator[Symbol]:
    try:
        for module in session.modules.all:
            yield from module_symbols(module, session.layout)
    except LayoutError as error:
        # No layout for this Go: what pclntab alone tells is still to be had.
        try:
            table = session.program.bare_table()
        except GoxrayError:
            raise error from None
        session.program.warnings.append(f"{error}; names and lines come from pclntab alone")
        for func in table:
            yield Symbol(func.name, func.entry, func.size, *func.entry_line())


def _at(session: Session, place: int) -> Symbols:
    found = session.modules.find(place)
    if found is None:
        raise UserError(f"{place:#x} is in no Go function")
    symbol = symbol_of(*found, session.layout)
    file, line = found[1].line_at(place)
    return Symbols([symbol._replace(file=file, line=line)], offset=place - symbol.address, total=1)


COMMAND = Command(
    name="go-symbols",
    help="List functions with address, size, file and line.",
    run=run,
    arguments=arguments,
    details="""Names are those that `go tool nm` prints for the unstripped program. SIZE is the code's, without padding.
With --at, file and line are those of the address, else those of the function's entry.

--emit elf: a separate debug file with symbols and DWARF, as go-load-symbols makes it. unstripped: the executable with
these added; it runs as before. perf-map: functions by their addresses in the process, for bpftrace and whatever else
reads /tmp/perf-PID.map, which it is written to unless -o says otherwise. json: functions, and types with their parts.

  go-symbols ^main\\.
  go-symbols --at 0x47fe80
  go-symbols --json --output symbols.json
  go-symbols --emit elf -o program.debug""",
)
