"""Files that an answer goes to: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from typing import Iterable, Iterator, Optional, Union

from ..errors import UserError

Pieces = Iterable[Union[bytes, memoryview]]
_AT_ONCE = 1 << 20  # characters: an answer may have 80 MB, and what is encoded of it as many again


def write_atomically(path: str, content: Union[str, Pieces], mode: Optional[int] = None, follow: bool = True) -> None:
    """Put text, or pieces of bytes, in the file `path`, whole or not at all; UserError if that can't be done.

    A path that is no regular file, such as /dev/stderr or a pipe, is written to directly.
    mode: the permission bits of a new file, of which the umask takes some away; default: rw-rw-rw-.
    follow: whether a symbolic link is written through; else the file takes its place.
    """
    path = os.path.expanduser(path)
    pieces = _encoded(content) if isinstance(content, str) else content
    try:
        if follow and os.path.exists(path) and not os.path.isfile(path):
            _write_directly(path, pieces)
        else:
            _replace(os.path.realpath(path) if follow else path, pieces, mode)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None


def _encoded(text: str) -> Iterator[bytes]:
    for at in range(0, len(text), _AT_ONCE):
        yield text[at : at + _AT_ONCE].encode("utf-8", "backslashreplace")


def _write_directly(path: str, pieces: Pieces) -> None:
    with open(path, "wb") as stream:
        stream.writelines(pieces)


def _replace(path: str, pieces: Pieces, mode: Optional[int]) -> None:
    bits = _mode_for(path, mode)
    descriptor, temporary = tempfile.mkstemp(prefix=".goxray-", dir=os.path.dirname(path) or ".")
    try:
        with open(descriptor, "wb") as stream:
            stream.writelines(pieces)
        os.chmod(temporary, bits)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode_for(path: str, mode: Optional[int]) -> int:
    """The permission bits for `path`: those asked for, those it has, or what the umask leaves of rw-rw-rw-."""
    try:
        if mode is None:
            return os.stat(path).st_mode & 0o777
    except OSError:
        pass
    mask = os.umask(0)
    os.umask(mask)
    return (0o666 if mode is None else mode) & ~mask
