"""Images by what is mapped: shared objects and plugins, and an executable whose file is missing."""

from __future__ import annotations

from itertools import islice
from typing import Callable, Dict, List, Optional, Sequence

from ..binary.elf import ElfImage
from ..binary.loadbias import AT_PHDR, load_bias
from ..errors import FormatError, ReadError
from ..memory import PAGE
from ..target import Image, Mapping

_MAX = 4096
_MAX_CANDIDATES = 64
_PROGRAM_HEADERS = (64, 512)  # where they are in the first page, and what follows in it
AT_SYSINFO_EHDR = 33  # the vdso's ELF header
_SEARCH = 16  # pages below the program headers in which the ELF header must be

Read = Callable[[int, int], bytes]


def shared_images(
    mappings: Sequence[Mapping], main: Optional[str], file_of: Callable[[Mapping], Optional[str]]
) -> List[Image]:
    """An Image for each file that is mapped from its first byte; `main` is the executable's path in the mappings.

    file_of: a path by which a mapping's file can be opened, None when it cannot.
    """
    found: List[Image] = []
    seen = {main}
    for mapping in mappings:
        if mapping.offset or mapping.path in seen or not mapping.path or len(found) >= _MAX:
            continue
        seen.add(mapping.path)
        path = file_of(mapping)
        image = opened(path)
        if image is not None:
            found.append(Image(path, mapping.start - image.base()))
    return found


def opened(path: Optional[str]) -> Optional[ElfImage]:
    """The executable or shared object at `path`; None where there is none to be read.

    gdb may name a file that is on another machine ("target:/usr/bin/prog"), and a user a core in place of a program.
    """
    try:
        found = ElfImage.open(path) if path else None
    except FormatError:
        return None
    return None if found is None or found.is_core else found


def main_images(
    path: Optional[str],
    elf: Optional[ElfImage],
    auxv: Dict[int, int],
    mappings: Sequence[Mapping],
    read: Read,
    told: Callable[[], Optional[int]] = lambda: None,
    build_id: Optional[str] = None,
) -> List[Image]:
    """The main executable: `elf`, the file at `path`, or what memory has of it; several when nobody tells which it is.

    told: the load bias as a debugger has it, asked where nothing else tells.
    """
    places = _header_places(auxv, mappings, read)
    if elf is None:
        return [Image(None, place, None, place) for place in places]
    found = (load_bias(elf, auxv), _bias_by_header(elf, places, read), _bias_by_name(path, elf, mappings))
    bias = next((each for each in found if each is not None), None)
    bias = told() or 0 if bias is None else bias
    start = elf.base() + bias
    return [Image(path, bias, build_id, start if start in places or not places else places[0])]


def recorded_path(auxv: Dict[int, int], mappings: Sequence[Mapping]) -> Optional[str]:
    """The executable's path among the mapped files: that of the program headers, or else the first one's."""
    named = [mapping for mapping in mappings if mapping.path]
    if AT_PHDR in auxv:
        return next((m.path for m in named if m.start <= auxv[AT_PHDR] < m.end), None)
    return next((m.path for m in named if m.offset == 0), None)


def _header_places(auxv: Dict[int, int], mappings: Sequence[Mapping], read: Read) -> List[int]:
    """Where the ELF header of the executable is: a little below its program headers.

    Where nobody says where these are, the start of any mapping that is an ELF image.
    """
    phdr = auxv.get(AT_PHDR, 0)
    if phdr and (not mappings or any(mapping.start <= phdr < mapping.end for mapping in mappings)):
        page = phdr & -PAGE
        pages = [page - i * PAGE for i in range(_SEARCH) if page >= i * PAGE]
        return [next((each for each in pages if _is_elf(read, each)), page)]
    vdso = auxv.get(AT_SYSINFO_EHDR)
    starts = (m.start for m in mappings[:_MAX] if m.offset == 0 and m.start != vdso and m.path != "[vdso]")
    return list(islice((start for start in starts if _is_elf(read, start)), _MAX_CANDIDATES))


def _bias_by_header(elf: ElfImage, places: Sequence[int], read: Read) -> Optional[int]:
    """By the only place where memory has the file's own program headers; the ELF header is changed by strip(1)."""
    base, (start, end) = elf.base(), _PROGRAM_HEADERS
    try:
        ours = bytes(elf.bytes(base + start, end - start))
    except ReadError:
        return None
    fitting = [place for place in places if _read(read, place + start, end - start) == ours]
    return fitting[0] - base if len(fitting) == 1 else None


def _bias_by_name(path: Optional[str], elf: ElfImage, mappings: Sequence[Mapping]) -> Optional[int]:
    starts = (mapping.start for mapping in mappings if mapping.path and mapping.path == path and mapping.offset == 0)
    return next((start - elf.base() for start in starts), None)


def _is_elf(read: Read, start: int) -> bool:
    return _read(read, start, 4) == b"\x7fELF"


def _read(read: Read, start: int, size: int) -> Optional[bytes]:
    try:
        return read(start, size)
    except ReadError:
        return None
