"""The debug file of one module: everything that is known of it, in one ELF file to be loaded beside the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Optional, Sequence

from ..arch import get_arch
from ..binary.moduledata import Module
from ..binary.symbols import linked_names
from ..binary.types import Types
from ..errors import LayoutError
from .abbrevs import SHAPES
from .data import as_entries, data_symbols
from .elfwriter import FUNC, MERGED_STRINGS, PROGBITS, Section, elf_file, symbol_table
from .functions import Functions, returns_from_signal
from .info import C99, GO
from .linknames import LinkNames
from .progress import Progress, no_progress
from .receivers import Receivers
from .skeleton import number_at, program_headers, program_sections
from .types import TypeUnit

if TYPE_CHECKING:
    from ..session import Session

ET_EXEC, ET_DYN = 2, 3
_RETURN_SIZE = 64  # bytes of code; that of a handler's return is 16 or less


def debug_sections(
    session: Session,
    module: Module,
    types: Optional[Types],
    names: LinkNames,
    language: int = GO,
    quick: bool = False,
    progress: Progress = no_progress,
) -> Dict[str, bytes]:
    """DWARF sections by name; with `quick` only what unwinding takes. types: None where they cannot be read."""
    functions = Functions(module, session.layout, session.program.arch, module.image.bias)
    found = {".debug_frame": functions.frames()}
    if quick:
        return found
    if types is None:
        found.update(functions.describe(language, lambda name, component, size: None, 0, progress))
    else:
        unit = TypeUnit(functions.strings, names, types, module, language)
        found.update(functions.describe(language, Receivers(unit).of, len(unit.data), progress))
        found[".debug_info"] = unit.data + found[".debug_info"]
    found[".debug_abbrev"] = SHAPES.data()
    found[".debug_str"] = functions.strings.data()
    return found


def _name(module: Module, name: str, address: int, size: int, language: int) -> str:
    """What the function's symbol is called. lldb knows a handler's return by glibc's name for it alone, and shows the
    function's own all the same (PlatformLinux::CalculateTrapHandlerSymbolNames)."""
    if language == C99 and size <= _RETURN_SIZE and returns_from_signal(module, address):
        return "__restore_rt"
    return name


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
    start = module.text - bias
    text = number_at(sections, start)
    symbols = [
        (_name(module, name, address, size, language), address - bias, size, FUNC, text)
        for name, address, size in linked_names(module, session.layout)
    ]
    if not any(each.address == start for each in sections):
        # Behind C code: Go's own tools would take the start of .text for that of the tables (cmd/internal/objfile).
        symbols.append(("runtime.text", start, 0, FUNC, text))
    types, names = None if quick else _types(session), LinkNames()
    if types is not None:
        symbols += as_entries(data_symbols(session, module, types, names), sections, bias)
    found = [
        Section(name, PROGBITS, data, flags=MERGED_STRINGS, entry_size=1)
        if name == ".debug_str"
        else Section(name, PROGBITS, data)
        for name, data in debug_sections(session, module, types, names, language, quick, progress).items()
    ]
    return [*found, *symbol_table(symbols)]


def _types(session: Session) -> Optional[Types]:
    try:
        return Types(session.modules.all, session.memory, session.layout)
    except LayoutError:
        return None


def debug_file(
    session: Session, module: Module, language: int = GO, quick: bool = False, progress: Progress = no_progress
) -> bytes:
    """A separate debug file, at the addresses that the module was linked at."""
    image = module.image.elf
    sections = program_sections(image)
    sections += added_sections(session, module, sections, language, quick, progress)
    kind = ET_DYN if image.position_independent else ET_EXEC
    return elf_file(kind, get_arch(image.arch).elf_machine, image.entry, program_headers(image), sections)
