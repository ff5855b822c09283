"""Typed, bounded, cached reads over anything that has `read(address, size)`."""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Optional, Protocol, Tuple, Union, runtime_checkable

from .errors import ReadError

BLOCK = 1 << 16
PAGE = 1 << 12
MAX_BLOCKS = 64  # 4 MiB: small enough for the processor to keep at hand, and a bound whatever the target says
MAX_STRING = 1 << 20

Buffer = Union[bytes, memoryview]

_U16, _U32, _I32, _U64, _I64 = (struct.Struct("<" + c) for c in "HIiQq")
_PAIR = struct.Struct("<QQ")
_TRIPLE = struct.Struct("<QQQ")


class Reader(Protocol):
    """The part of a Target that Memory needs."""

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at `address`, or ReadError."""


@runtime_checkable
class Mapped(Protocol):
    """A Reader whose memory lies in a file that is mapped: it can be looked at where it is."""

    def region(self, address: int) -> Optional[Tuple[int, memoryview]]:
        """(start, bytes) of the contiguous piece that holds `address`; None where there is none."""


class Memory:
    """Little-endian reads from a target, through aligned blocks that are kept until `clear`.

    Every read raises ReadError when any of its bytes cannot be had.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._blocks: OrderedDict[int, Optional[bytes]] = OrderedDict()
        self._pages: OrderedDict[int, Optional[bytes]] = OrderedDict()

    def clear(self) -> None:
        """Forget everything read so far; to be called whenever the program may have moved."""
        self._blocks.clear()
        self._pages.clear()

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes at `address`; short ones come from the cache."""
        data, at = self.locate(address, size)
        return bytes(data[at : at + size])

    def locate(self, address: int, size: int) -> Tuple[Buffer, int]:
        """(buffer, offset) where the `size` bytes at `address` are: a read that copies nothing, for crowds of them."""
        start = address & -BLOCK
        block, at = self._blocks.get(start), address - start
        if block is not None and 0 <= size <= BLOCK - at:
            return block, at
        return self._read_uncached(address, size), 0

    def read_direct(self, address: int, size: int) -> bytes:
        """`size` bytes straight from the target: for places that are visited once, such as stacks."""
        _check_range(address, size)
        return self._reader.read(address, size)

    def _read_uncached(self, address: int, size: int) -> bytes:
        _check_range(address, size)
        if size > BLOCK:
            return self._reader.read(address, size)
        pieces = []
        at, end = address, address + size
        while at < end:
            stop = min(end, (at & -BLOCK) + BLOCK)
            pieces.append(self._within_block(at, stop - at))
            at = stop
        return b"".join(pieces)

    def _within_block(self, address: int, size: int) -> bytes:
        start = address & -BLOCK
        if start not in self._blocks:
            _remember(self._blocks, start, self._fetch(start, BLOCK), MAX_BLOCKS)
        block = self._blocks[start]
        if block is not None:
            return block[address - start : address - start + size]
        return self._by_page(address, size)

    def _by_page(self, address: int, size: int) -> bytes:
        """The same out of single pages, since a block may hang over the end of a mapping."""
        first = address & -PAGE
        pages = [self._page(page) for page in range(first, address + size, PAGE)]
        if any(page is None for page in pages):
            return self._reader.read(address, size)
        return b"".join(page or b"" for page in pages)[address - first : address - first + size]

    def _page(self, start: int) -> Optional[bytes]:
        if start not in self._pages:
            _remember(self._pages, start, self._fetch(start, PAGE), MAX_BLOCKS)
        return self._pages[start]

    def _fetch(self, start: int, size: int) -> Optional[bytes]:
        try:
            return self._reader.read(start, size)
        except ReadError:
            return None

    def u8(self, address: int) -> int:
        return self.read(address, 1)[0]

    def u16(self, address: int) -> int:
        return int(_U16.unpack(self.read(address, 2))[0])

    def u32(self, address: int) -> int:
        return int(_U32.unpack(self.read(address, 4))[0])

    def i32(self, address: int) -> int:
        return int(_I32.unpack(self.read(address, 4))[0])

    def u64(self, address: int) -> int:
        return int(_U64.unpack(self.read(address, 8))[0])

    def i64(self, address: int) -> int:
        return int(_I64.unpack(self.read(address, 8))[0])

    def pointers(self, address: int, count: int) -> Tuple[int, ...]:
        """`count` consecutive 8-byte words."""
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))

    def slice_header(self, address: int) -> Tuple[int, int, int]:
        """(data, len, cap) of the Go slice header at `address`."""
        data, length, capacity = _TRIPLE.unpack(self.read(address, 24))
        return data, length, capacity

    def go_string(self, address: int, limit: int = MAX_STRING) -> bytes:
        """The bytes of the Go string whose header is at `address`, cut at `limit`."""
        data, length = _PAIR.unpack(self.read(address, 16))
        return self.read(data, min(length, limit)) if length else b""

    def c_string(self, address: int, limit: int = 4096) -> bytes:
        """The bytes up to the NUL, or the first `limit` of them; what is readable before a hole counts."""
        found = b""
        while len(found) < limit:
            step = min(limit - len(found), PAGE - (address + len(found)) % PAGE)
            piece = self.read(address + len(found), step)
            end = piece.find(b"\0")
            if end >= 0:
                return found + piece[:end]
            found += piece
        return found


class MappedMemory(Memory):
    """The same over a Mapped reader: most reads find what they want in the region of the one before."""

    def __init__(self, reader: Reader, regions: Mapped) -> None:
        super().__init__(reader)
        self._regions = regions
        self._forget_region()

    def clear(self) -> None:
        super().clear()
        self._forget_region()

    def _forget_region(self) -> None:
        self._start, self._size, self._region = 0, -1, memoryview(b"")

    def locate(self, address: int, size: int) -> Tuple[Buffer, int]:
        at = address - self._start
        if 0 <= at <= self._size - size and size >= 0:
            return self._region, at
        found = self._regions.region(address)
        if found is None or address + size > found[0] + len(found[1]):
            return super().locate(address, size)
        self._start, self._region = found
        self._size = len(self._region)
        return self._region, address - self._start


def memory_of(reader: Reader, target: object) -> Memory:
    """The Memory over `reader` that suits `target`, which `reader` reads."""
    return MappedMemory(reader, target) if isinstance(target, Mapped) else Memory(reader)


def _check_range(address: int, size: int) -> None:
    if size < 0 or address < 0 or address + size > 1 << 64:
        raise ReadError(address, size)


def _remember(cache: OrderedDict[int, Optional[bytes]], key: int, value: Optional[bytes], limit: int) -> None:
    cache[key] = value
    while len(cache) > limit:
        cache.popitem(last=False)
