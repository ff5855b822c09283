"""Changes cores on the way to a test: the executable's path, notes that are gone, segments that were not dumped."""

from __future__ import annotations

import random
import shutil
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, Tuple

from .cores import Core
from .paths import FixtureError

NT_PRSTATUS, NT_AUXV, NT_FILE = 1, 6, 0x46494C45
PT_LOAD, PT_NOTE = 1, 4


@contextmanager
def elsewhere(core: Core, change: Callable[[bytearray], None] = lambda data: None) -> Iterator[Tuple[Path, Path]]:
    """(a copy of the core, a path of as many characters as the executable's): the core says that it was run there.

    There is nothing at that path yet.
    """
    place = Path(tempfile.mkdtemp(prefix="gx-", dir="/tmp"))
    try:
        name = "x" * (len(bytes(core.exe)) - len(bytes(place)) - 1)
        if not 0 < len(name) < 256:
            raise FixtureError(f"no path is as long as {core.exe}")
        data = bytearray(core.core.read_bytes().replace(bytes(core.exe) + b"\0", bytes(place / name) + b"\0"))
        change(data)
        (place / "core").write_bytes(data)
        yield place / "core", place / name
    finally:
        shutil.rmtree(place)


def without_notes(*kinds: int) -> Callable[[bytearray], None]:
    """The notes of these types become of a type that nobody knows."""

    def change(data: bytearray) -> None:
        for at, kind, _, _ in _notes(data):
            if kind in kinds:
                struct.pack_into("<I", data, at + 8, 0x7777)

    return change


def with_garbled_notes(*kinds: int) -> Callable[[bytearray], None]:
    """What the notes of these types say becomes noise."""

    def change(data: bytearray) -> None:
        for _, kind, start, size in list(_notes(data)):
            if kind in kinds:
                data[start : start + size] = random.Random(kind).randbytes(size)

    return change


def without_contents(data: bytearray) -> None:
    """As if nothing of the memory had been dumped: p_filesz of each PT_LOAD is 0."""
    for place in _headers(data, PT_LOAD):
        struct.pack_into("<Q", data, place + 32, 0)


def cut(share: float) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        del data[int(len(data) * share) :]

    return change


def _headers(data: bytearray, wanted: int) -> Iterator[int]:
    """Offsets of the program headers of a type."""
    start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    places = (start + 56 * index for index in range(count))
    return (place for place in places if struct.unpack_from("<I", data, place)[0] == wanted)


def _notes(data: bytearray) -> Iterator[Tuple[int, int, int, int]]:
    """(offset, type, offset and size of what it says)."""
    for place in _headers(data, PT_NOTE):
        offset, size = struct.unpack_from("<Q", data, place + 8)[0], struct.unpack_from("<Q", data, place + 32)[0]
        at = offset
        while at + 12 <= offset + size:
            name_size, length, kind = struct.unpack_from("<III", data, at)
            start = at + 12 + (name_size + 3 & -4)
            yield at, kind, start, length
            at = start + (length + 3 & -4)
