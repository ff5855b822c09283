"""Images by what is mapped: shared objects and plugins, and an executable whose file is missing."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence

from ..binary.elf import ElfImage
from ..binary.loadbias import AT_PHDR
from ..errors import FormatError, ReadError
from ..memory import PAGE
from ..target import Image, Mapping

_MAX = 4096
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
        image = _opened(path) if path else None
        if image is not None:
            found.append(Image(path, mapping.start - image.base()))
    return found


def _opened(path: str) -> Optional[ElfImage]:
    try:
        return ElfImage.open(path)
    except FormatError:
        return None


def header_in_memory(auxv: Dict[int, int], mappings: Sequence[Mapping], read: Read) -> Optional[int]:
    """Where the ELF header of an executable without a file is: a little below its program headers."""
    phdr = auxv.get(AT_PHDR, 0)
    pages = [(phdr & -PAGE) - i * PAGE for i in range(_SEARCH)] if phdr else []
    holding = [mapping.start for mapping in mappings if mapping.offset == 0 and "x" in mapping.flags]
    return next((start for start in [*pages, *holding] if start >= 0 and _is_elf(read, start)), None)


def _is_elf(read: Read, start: int) -> bool:
    try:
        return read(start, 4) == b"\x7fELF"
    except ReadError:
        return False
