"""What a pointer leads to, as far as the tables tell without walking the heap."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Dict, List, Tuple

from ..errors import ReadError

if TYPE_CHECKING:
    from ..session import Session

# moduledata's ranges of the module's data, by the fields that bound them.
_RANGES = (
    ("data", "edata", "data"), ("noptrdata", "enoptrdata", "data"), ("bss", "ebss", "bss"),
    ("noptrbss", "enoptrbss", "bss"), ("types", "etypes", "type"), ("rodata", "etypes", "rodata"),
)  # fmt: skip


class Pointers:
    """Describes addresses of one stopped program: function, stack of a goroutine, data, or other memory."""

    def __init__(self, session: Session) -> None:
        self._session = session
        stacks = sorted((g.raw.low, g.raw.high, g.id) for g in session.world.goroutines)
        self._lows: List[int] = [low for low, _, _ in stacks]
        self._stacks: List[Tuple[int, int, int]] = stacks
        self._known: Dict[int, str] = {}

    def describe(self, address: int) -> str:
        """ "nil", "main.f+0x12", "stack of goroutine 7", "bss", "memory", or "unreadable"."""
        found = self._known.get(address)
        if found is None:
            found = self._known[address] = self._describe(address)
        return found

    def _describe(self, address: int) -> str:
        if not address:
            return "nil"
        return self._function(address) or self._stack(address) or self._module_data(address) or self._memory(address)

    def _function(self, address: int) -> str:
        found = self._session.modules.find(address)
        if found is None:
            return ""
        offset = address - found[1].entry
        return found[1].name + (f"+{offset:#x}" if offset else "")

    def _stack(self, address: int) -> str:
        index = bisect_right(self._lows, address) - 1
        if index < 0 or not self._stacks[index][0] <= address < self._stacks[index][1]:
            return ""
        return f"stack of goroutine {self._stacks[index][2]}"

    def _module_data(self, address: int) -> str:
        for module in self._session.modules.all:
            for start, end, name in _RANGES:
                if module.fields.get(start, 0) <= address < module.fields.get(end, 0):
                    return name if not module.name else f"{name} of {module.name}"
        return ""

    def _memory(self, address: int) -> str:
        try:
            self._session.memory.u8(address)
        except ReadError:
            return "unreadable"
        return "memory"
