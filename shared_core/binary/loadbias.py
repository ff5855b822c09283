"""Where an executable came to be in memory, told by what the kernel gave the process at its start.

Source: Linux fs/binfmt_elf.c, create_elf_tables (the auxiliary vector).
"""

from __future__ import annotations

from typing import Mapping, Optional

from ..memory import PAGE
from .elf import ElfImage

AT_PHDR, AT_ENTRY = 3, 9


def load_bias(image: ElfImage, auxv: Mapping[int, int]) -> Optional[int]:
    """What to add to a linked address of the main executable; None when the vector (type -> value) does not tell.

    Both addresses in it may have been written over: a bias is a multiple of a page.
    """
    if not image.position_independent:
        return 0
    for kind, linked in ((AT_ENTRY, image.entry), (AT_PHDR, image.headers_address)):
        value = auxv.get(kind)
        if value and linked is not None and (value - linked) % PAGE == 0:
            return value - linked
    return None
