"""One structure in the target's memory, read whole, its fields by the names that layouts have for them."""

from __future__ import annotations

import struct
from typing import Tuple

from ..errors import NOT_IN_VERSION, Absent, Maybe
from ..layouts.model import Struct
from ..memory import Memory


class Record:
    """The structure of this kind at `address`. Fields are integers; an atomic one goes by its own name, whatever is
    inside it. ReadError where it cannot be read, LayoutError for a field that its version has not."""

    def __init__(self, memory: Memory, kind: Struct, address: int) -> None:
        self.address = address
        self._kind = kind
        self._data = memory.read(address, kind.size)

    def __contains__(self, name: str) -> bool:
        return name in self._kind

    def unsigned(self, name: str) -> int:
        return int.from_bytes(self._bytes(name), "little")

    def signed(self, name: str) -> int:
        return int.from_bytes(self._bytes(name), "little", signed=True)

    def float64(self, name: str) -> float:
        return float(struct.unpack("<d", self._bytes(name))[0])

    def words(self, name: str) -> Tuple[int, ...]:
        """An array of 8-byte integers."""
        data = self._bytes(name)
        return struct.unpack(f"<{len(data) // 8}Q", data)

    def maybe(self, name: str) -> Maybe[int]:
        """An unsigned field that not every version has."""
        return self.unsigned(name) if name in self else Absent(NOT_IN_VERSION, f"{self._kind.name} has no {name}")

    def moved(self, *names: str) -> int:
        """A field that has one of these names, depending on the version."""
        return self.unsigned(next((name for name in names if name in self), names[0]))

    def _bytes(self, name: str) -> bytes:
        field = self._kind.field(name)
        return self._data[field.offset : field.offset + field.size]
