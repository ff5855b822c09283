"""The debug file of one module: everything that is known of it, in one ELF file to be loaded beside the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict

from ..arch import get_arch
from ..binary.moduledata import Module
from ..binary.symbols import module_symbols
from .abbrevs import SHAPES
from .elfwriter import FUNC, MERGED_STRINGS, PROGBITS, Section, elf_file, symbol_table
from .functions import Functions, Progress, no_progress
from .info import GO
from .skeleton import number_at, program_sections

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


def debug_file(
    session: Session, module: Module, language: int = GO, quick: bool = False, progress: Progress = no_progress
) -> bytes:
    """A separate debug file, at the addresses that the module was linked at."""
    image = module.image
    sections = program_sections(image.elf)
    bias = image.bias
    text = number_at(sections, module.text - bias)
    symbols = [
        (symbol.name, symbol.address - bias, symbol.size, FUNC, text)
        for symbol in module_symbols(module, session.layout)
    ]
    for name, data in debug_sections(session, module, language, quick, progress).items():
        strings = name == ".debug_str"
        sections.append(Section(name, PROGBITS, data, flags=MERGED_STRINGS * strings, entry_size=int(strings), align=1))
    sections += symbol_table(symbols)
    kind = ET_DYN if image.elf.position_independent else ET_EXEC
    return elf_file(kind, get_arch(image.elf.arch).elf_machine, image.elf.entry, b"", sections)
