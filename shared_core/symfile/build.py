"""The debug file of one module: everything that is known of it, in one ELF file to be loaded beside the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Sequence

from ..arch import get_arch
from ..binary.moduledata import Module
from ..binary.symbols import module_symbols
from .abbrevs import SHAPES
from .elfwriter import FUNC, MERGED_STRINGS, PROGBITS, Section, elf_file, symbol_table
from .functions import Functions, Progress, no_progress
from .info import GO
from .skeleton import number_at, program_headers, program_sections

if TYPE_CHECKING:
    from ..session import Session

ET_EXEC, ET_DYN = 2, 3


def debug_sections(
    session: Session, module: Module, language: int = GO, quick: bool = False, progress: Progress = no_progress
) -> Dict[str, bytes]:
    """DWARF sections by name; with `quick` only what unwinding takes."""
    functions = Functions(module, session.layout, session.program.arch, module.image.bias)
    found = {".debug_frame": functions.frames()}
    if not quick:
        found.update(functions.describe(language, lambda name: None, 0, progress))
        found[".debug_abbrev"] = SHAPES.data()
        found[".debug_str"] = functions.strings.data()
    return found


def added_sections(
    session: Session,
    module: Module,
    sections: Sequence[Section],
    language: int = GO,
    quick: bool = False,
    progress: Progress = no_progress,
) -> List[Section]:
    """DWARF and symbols as sections; `sections` are the program's own, for the symbols to say which they are in."""
    bias = module.image.bias
    text = number_at(sections, module.text - bias)
    symbols = [
        (symbol.name, symbol.address - bias, symbol.size, FUNC, text)
        for symbol in module_symbols(module, session.layout)
    ]
    found = [
        Section(name, PROGBITS, data, flags=MERGED_STRINGS, entry_size=1)
        if name == ".debug_str"
        else Section(name, PROGBITS, data)
        for name, data in debug_sections(session, module, language, quick, progress).items()
    ]
    return [*found, *symbol_table(symbols)]


def debug_file(
    session: Session, module: Module, language: int = GO, quick: bool = False, progress: Progress = no_progress
) -> bytes:
    """A separate debug file, at the addresses that the module was linked at."""
    image = module.image.elf
    sections = program_sections(image)
    sections += added_sections(session, module, sections, language, quick, progress)
    kind = ET_DYN if image.position_independent else ET_EXEC
    return elf_file(kind, get_arch(image.arch).elf_machine, image.entry, program_headers(image), sections)
