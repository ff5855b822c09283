"""Where arm64's link register does not hold the return address of a function that has no frame.

Sources: Go 1.27 cmd/internal/obj/arm64/obj7.go (stacksplit), runtime/asm_arm64.s (morestack).
"""

from __future__ import annotations

import struct
from typing import Optional

from ..binary.funcs import Func
from ..binary.moduledata import Module
from ..errors import GoxrayError
from .pctables import PcTable

_KEEP = b"\xe3\x03\x1e\xaa"  # mov x3, x30
_BL, _BLR, _ANY_REGISTER = 0x25, 0xD63F0000, 0xFFFFFC1F
_WORD = 4
_MAX_TAIL = 1 << 10  # bytes: the storing of sixteen registers, and more for those that are no integers


class LinkRegister:
    """Looks at calls in the code of one module's functions."""

    def __init__(self, module: Module) -> None:
        self._module = module

    def morestack_call(self, func: Func, table: PcTable) -> Optional[int]:
        """The call of morestack in the instructions after the last return, with the return address in x3.

        table: the function's frame. All in instructions from the entry.
        """
        last = len(table.values) - 1
        while last and table.values[last]:
            last -= 1  # a branch to itself may follow
        if not last:
            return None
        end = table.starts[last + 1]
        start = max(table.starts[last], end - _MAX_TAIL // _WORD)
        code = self._code(func, start, end)
        at = code.rfind(_KEEP)
        if at < 0 or at % _WORD or len(code) < at + 2 * _WORD:
            return None
        call = at + _WORD
        return start + call // _WORD if struct.unpack_from("<I", code, call)[0] >> 26 == _BL else None

    def calls(self, func: Func, at: int) -> bool:
        """Whether there is a call at instruction `at`: to its callee, the link register is not what it was."""
        word = int.from_bytes(self._code(func, at, at + 1), "little")
        return word >> 26 == _BL or word & _ANY_REGISTER == _BLR

    def _code(self, func: Func, start: int, end: int) -> bytes:
        """Instructions; none where they cannot be read."""
        try:
            return bytes(self._module.image.constant(func.entry + start * _WORD, (end - start) * _WORD))
        except GoxrayError:
            return b"\0" * ((end - start) * _WORD)
