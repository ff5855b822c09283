"""Shared objects and plugins: mapped ELF files other than the executable."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence

from ..binary.elf import ElfImage
from ..errors import FormatError
from ..target import Image, Mapping

_MAX = 4096


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
