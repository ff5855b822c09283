"""go-goroutines --format: the goroutines picked, for other tools to read."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, List, Optional

from .. import __version__
from ..binary.moduledata import Module
from ..errors import GoxrayError, UserError
from ..export.folded import folded
from ..export.pprof import Executable, profile
from ..export.samples import Samples, samples_of
from ..export.speedscope import speedscope
from .base import Result
from .output import write_atomically
from .selection import Selection, ordered
from .traceback import selected_first, tracebacks

if TYPE_CHECKING:
    from ..session import Session

_EXPORTER = f"goxray {__version__}"


@dataclass
class Exported:
    """The text itself."""

    text: str


@dataclass
class ExportedFile:
    """A file that was written, and what of."""

    format: str
    path: str
    goroutines: int
    samples: int


def export(session: Session, options: argparse.Namespace, selection: Selection) -> Result:
    """Write the file of --output; text goes where the answer goes when there is none."""
    if options.format == "traceback":
        return _traceback(session, options, selection)
    if options.depth is not None or options.labels or options.limit is not None or options.sort != "id":
        raise UserError(
            f"--format {options.format} tells of all that pass, in full: without -t, -l, --limit and --sort"
        )
    if options.output is None and (options.format == "pprof" or options.json):
        why = "it is binary" if options.format == "pprof" else "with --json the answer tells of the file"
        raise UserError(f"--format {options.format} wants a file to write to, -o FILE: {why}")
    samples = samples_of(session, selection.goroutines)
    warnings = [*session.warnings, *selection.notes, *_remarks(samples)]
    if options.format == "pprof":
        content = [profile(samples, _executable(session), [_EXPORTER, *warnings])]
    else:
        text = _text(session, options.format, samples, warnings)
        if options.output is None:
            # Nothing may follow it: warnings are inside, or lines that its readers pass over.
            return Result("go-goroutines", Exported(text + _asides(options.format, warnings)))
        content = [text.encode("utf-8", "backslashreplace")]
    write_atomically(options.output, content)
    path = os.path.expanduser(options.output)
    body = ExportedFile(options.format, path, samples.goroutines, len(samples.samples))
    return Result("go-goroutines", body, warnings, written=True)


def _traceback(session: Session, options: argparse.Namespace, selection: Selection) -> Result:
    """The answer of go-traceback --all for them."""
    order = None if options.sort == "id" else options.sort
    chosen = selected_first(session, selection.goroutines, keep=False)
    body, silent = tracebacks(session, ordered(session.world, chosen, order)[: options.limit], "all")
    return Result("go-traceback", body, [*session.warnings, *selection.notes, *silent])


def _text(session: Session, form: str, samples: Samples, warnings: List[str]) -> str:
    if form == "folded":
        return "".join(folded(samples))
    path = session.program.image.path
    name = f"goroutines of {os.path.basename(path)}" if path else "goroutines"
    return speedscope(samples, name, _EXPORTER, warnings)


def _asides(form: str, warnings: List[str]) -> str:
    """Lines that end in no number are none of a folded stack."""
    return "".join(f"warning: {' '.join(each.split())}.\n" for each in warnings) if form == "folded" else ""


def _remarks(samples: Samples) -> List[str]:
    found = []
    if samples.broken == 1:
        found.append("the stack of 1 goroutine ends early; a frame in brackets says why")
    elif samples.broken:
        found.append(f"the stacks of {samples.broken} goroutines end early; a frame in brackets says why")
    if samples.unlabelled:
        found.append(f"the labels of {samples.unlabelled} goroutine{'s' * (samples.unlabelled > 1)} cannot be read")
    return found


def _executable(session: Session) -> Optional[Executable]:
    """The segment with the program's code, as it is mapped."""
    module: Module = session.modules.all[0]
    image = module.image
    segment = next((s for s in image.elf.segments if 0 <= module.text - image.bias - s.address < s.memory_size), None)
    if segment is None:
        return None
    before = segment.address & 4095
    try:
        build_id = image.ids().gnu
    except GoxrayError:
        build_id = ""
    start = segment.address + image.bias - before
    limit = segment.address + image.bias + segment.memory_size
    return Executable(start, limit, segment.offset - before, image.path or "", build_id)
