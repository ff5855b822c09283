"""Whether a file is the program whose memory is looked at, and which file would be."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

from ..errors import FormatError, ReadError
from ..memory import PAGE, Memory
from ..target import CORE, Mapping, Target
from .buildid import BuildIds, ids_in_memory
from .elf import image_from_memory
from .image import LoadedImage
from .moduledata import agrees, leads_to
from .pclntab import PcHeader

_SAMPLES = 16  # pages of pclntab


class Verdict(NamedTuple):
    """same: None where the memory has nothing to tell by. remark: what the user should know when it is the program."""

    same: Optional[bool]
    remark: str = ""


def verdict(image: LoadedImage, header: PcHeader, mappings: Sequence[Mapping]) -> Verdict:
    """Whether the file `image` with its pclntab at `header` is the program that the target's memory is of.

    The kernel dumps the first page of every mapped ELF file into a core unless it is told not to; it holds the ELF
    header, the program headers and, in a Go program, the Go build id. strip(1) changes the headers and leaves the id.
    """
    ours, theirs = _first_pages(image)
    if theirs is None:
        return _by_tables(image, header) if _may_be_mapped(image, mappings) else Verdict(False)
    ids, wanted = image.ids(), image.ids_in_memory() or BuildIds()
    if ids.go and ids == wanted:
        return Verdict(True)
    if ours == theirs:
        return Verdict(_by_tables(image, header).same is not False)
    # A twin with symbols has another first page: what counts is that a moduledata in memory leads to the tables of this
    # very pclntab, and that the build ids, where there are any, do not speak against it.
    if ids.other_code(wanted) or not leads_to(image, header):
        return Verdict(False)
    return Verdict(True, f"{image.path} is not quite the file that ran: their first pages differ")


def is_other_file(image: LoadedImage) -> bool:
    """Whether memory shows that the file `image`, Go's or not, is not what was run."""
    ours, theirs = _first_pages(image) if image.in_file else (None, None)
    return theirs is not None and ours != theirs and image.ids() != image.ids_in_memory()


def _first_pages(image: LoadedImage) -> Tuple[Optional[bytes], Optional[bytes]]:
    """(the file's, the program's in memory)."""
    try:
        ours: Optional[bytes] = bytes(image.elf.bytes(image.elf.base(), PAGE))
    except ReadError:
        ours = None
    try:
        return ours, image.memory.read_direct(image.start, PAGE)  # nothing else of that block is wanted
    except ReadError:
        return ours, None


def _may_be_mapped(image: LoadedImage, mappings: Sequence[Mapping]) -> bool:
    """Whether the ends of the file's segments are mapped with the rights that the file asks for, as far as is known."""
    for segment in image.elf.segments if mappings else ():
        start = segment.address + image.bias
        # The loader takes the right to write away from the beginning of writable ones, and leaves it to their end.
        ends = [start + segment.memory_size - 1] if segment.writable else [start, start + segment.file_size - 1]
        for address in ends if segment.file_size else ():
            flags = next((m.flags for m in mappings if m.start <= address < m.end), None)
            if flags is None or (flags and ("w" in flags, "x" in flags) != (segment.writable, segment.executable)):
                return False
    return True


def _by_tables(image: LoadedImage, header: PcHeader) -> Verdict:
    """By the moduledata and pclntab, as far as memory has them."""
    module, pages = agrees(image, header), _pclntab_pages(image, header)
    if module is False or not all(pages):
        return Verdict(False)
    if pages:
        return Verdict(True)
    if module:
        # A build that differs in a constant or a line number may have tables of the very same lengths.
        return Verdict(True, f"{image.path} fits the memory, which has neither build ids nor tables to prove it by")
    return Verdict(None, f"nothing in the memory tells whether {image.path} is the program that left it")


def _pclntab_pages(image: LoadedImage, header: PcHeader) -> List[bool]:
    """Whether pages of the pclntab are the same in the file and in memory, for some of those that memory has."""
    found = []
    # Up to the function table: names, files, and pc-value tables, which the loader has nothing to write to.
    for address in range(header.address, header.address + header.pclntable, max(PAGE, header.pclntable // _SAMPLES)):
        try:
            ours = bytes(image.elf.relocated(address - image.bias, PAGE, image.bias))
            found.append(image.memory.read_direct(address, PAGE) == ours)
        except ReadError:
            continue
    return found


def both_ids(image: LoadedImage) -> str:
    """The build ids of the file and those in memory, for an error."""
    return f"({image.ids()}; in the memory: {image.ids_in_memory() or 'none that can be read'})"


def needed(target: Target, memory: Memory, start: int) -> str:
    """Which executable is needed to understand the image whose ELF header is, or was, in memory at `start`.

    "" where memory has all that the file would have, so that the file would be of no help.
    """
    try:
        image = image_from_memory(memory, start)
        bias = start - image.base()
        if all(_is_there(memory, s.address + bias, s.file_size) for s in image.segments if not s.writable):
            return ""
    except FormatError:
        pass
    path = next((m.path for m in target.mappings() if m.path and m.start <= start < m.end), "")
    ids = ids_in_memory(memory, start)
    what = "core" if target.kind == CORE else "memory"
    named = f"{path or 'a file that is not named there'} ({ids or 'its build ids are not there either'})"
    return f"the executable is not at hand, and the {what} does not hold its code and tables: it takes {named}"


def _is_there(memory: Memory, start: int, size: int) -> bool:
    """Whether each of some places in the range is readable."""
    try:
        for at in (0, size // 3, size // 2, size - 1) if size else ():
            memory.read(start + at, 1)
    except ReadError:
        return False
    return True
