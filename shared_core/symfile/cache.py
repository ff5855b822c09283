"""Debug files that were made before, kept under the user's cache directory and believed only when they are whole."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Callable, List, Tuple, Union

from ..errors import UserError

MAX_BYTES = 1 << 30  # of all files together; those that were used last stay
_END = struct.Struct("<8sQI4x")  # after what any reader of ELF files looks at: a mark, the size before it, its CRC-32
_MARK = b"goxray\0\1"
_SUFFIX = ".debug"
_FORGOTTEN = 3600.0  # seconds after which a file half written has no writer any more


def directory() -> Path:
    """${XDG_CACHE_HOME:-~/.cache}/goxray/symbols"""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "goxray" / "symbols"


def kept(key: str, make: Callable[[], bytes]) -> Path:
    """The file of `key`, made if there is none or it is damaged; UserError where it cannot be written.

    Two debuggers at once each write a file of their own, and the later one's takes the other's place.
    """
    path = directory() / (key + _SUFFIX)
    if _is_whole(path):
        _used(path)
        return path
    data = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, data + _end(data))
        _prune(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def _end(data: Union[bytes, memoryview]) -> bytes:
    return _END.pack(_MARK, len(data), zlib.crc32(data))


def _is_whole(path: Path) -> bool:
    """Whether the file is as it was written. Against damage, not malice: who may write here may do worse."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    size = len(data) - _END.size
    return size > 0 and data[size:] == _end(memoryview(data)[:size])


def _used(path: Path) -> None:
    with suppress(OSError):  # a cache may be one that can only be read
        os.utime(path)


def _write(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _prune(newest: Path) -> None:
    """Remove the files that were not used for longest, until the rest fits; and what was never finished."""
    found: List[Tuple[float, int, Path]] = []
    for path in newest.parent.iterdir():
        try:
            status = path.stat()
        except OSError:
            continue
        if path.suffix == _SUFFIX:
            found.append((status.st_mtime, status.st_size, path))
        elif path.name.startswith(".new-") and newest.stat().st_mtime - status.st_mtime > _FORGOTTEN:
            path.unlink(missing_ok=True)
    room = MAX_BYTES
    for _, size, path in sorted(found, reverse=True):
        room -= size
        if room < 0 and path != newest:
            path.unlink(missing_ok=True)
