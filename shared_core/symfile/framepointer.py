"""Where a function keeps its caller's frame pointer, by the code that stores it.

Source: Go 1.27 and 1.19 cmd/internal/obj/x86/obj6.go (preprocess). The linker's own tables do not say it; debuggers
take a frame pointer that nobody saved for the caller's.
"""

from __future__ import annotations

import struct
from typing import Optional

from ..binary.funcs import Func
from ..binary.moduledata import Module
from ..errors import GoxrayError
from .pctables import PcTable

_PUSHED = b"\x55\x48\x89\xe5"  # push %rbp; mov %rsp, %rbp: since Go 1.21
_STORED, _STORED_FAR = b"\x48\x89\x6c\x24", b"\x48\x89\xac\x24"  # mov %rbp, n(%rsp)
_FAR = struct.Struct("<I")
_LENGTH = 9


def saved_from(module: Module, func: Func, table: PcTable) -> Optional[int]:
    """The pc offset from which on, where there is a frame, its highest word is the caller's frame pointer.

    None where no code says so. table: the depths of the stack; amd64 alone.
    """
    start, size = next(((start, value) for start, value in zip(table.starts, table.values) if value > 0), (0, 0))
    if not start:
        return None
    try:
        code = bytes(module.image.constant(func.entry + start - 1, _LENGTH))
    except GoxrayError:
        return None
    if size == 8 and code.startswith(_PUSHED):
        return start
    if code.startswith(_STORED, 1) and code[5] == size - 8:
        return start + 5
    if code.startswith(_STORED_FAR, 1) and _FAR.unpack_from(code, 5)[0] == size - 8:
        return start + 8
    return None
