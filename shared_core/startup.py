"""Lines of goxray's in a debugger's start-up file: between two markers, and taken out again to the byte.

The first marker also says what must be undone besides the lines.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple, Optional, Tuple

from .errors import UserError

BEGIN = b"# >>> goxray >>>"
END = b"# <<< goxray <<<"
_BLOCK = re.compile(rb"^# >>> goxray >>>(?P<note>[^\n]*)\n.*?^# <<< goxray <<<[^\n]*(?:\n|\Z)", re.M | re.S)
_MADE = re.compile(rb"\(made this file(?: and (\d+) of its directories)?\)")
_ENDED = b"(ended the line above)"


class Change(NamedTuple):
    """What was done to `path`: "written", "removed" or "unchanged"."""

    path: Path
    what: str


def block(debugger: str, lines: str, note: str = "") -> str:
    """The lines between their markers; debugger: "gdb" or "lldb"."""
    head = f"{BEGIN.decode()} written by `goxray install-{debugger}`, taken out by `goxray uninstall-{debugger}`"
    return f"{head}{' ' + note if note else ''}\n{lines}{END.decode()}\n"


def put(path: Path, debugger: str, lines: str) -> Change:
    """Write the lines, or bring those that are there up to date; everything else in the file stays as it is."""
    before = _contents(path)
    found = _find(path, before or b"")
    if found:
        old = found.group("note")
        note = b"".join(part.group() for part in [_MADE.search(old)] if part).decode()
        note += f" {_ENDED.decode()}" if _ENDED in old else ""
        new = block(debugger, lines, note.strip()).encode()
        after = (before or b"")[: found.start()] + new + (before or b"")[found.end() :]
    else:
        after = _appended(path, before, debugger, lines)
    if after == before:
        return Change(path, "unchanged")
    _write(path, after)
    return Change(path, "written")


def _appended(path: Path, before: Optional[bytes], debugger: str, lines: str) -> bytes:
    if before is None:
        missing = _missing_directories(path)
        also = f" and {missing} of its directories" if missing else ""
        return block(debugger, lines, f"(made this file{also})").encode()
    if before and not before.endswith(b"\n"):
        return before + b"\n" + block(debugger, lines, _ENDED.decode()).encode()
    return before + block(debugger, lines).encode()


def take_out(path: Path) -> Optional[Change]:
    """Take the lines out, and remove a file that held nothing else and was made by `put`; None if it has none."""
    before = _contents(path)
    found = _find(path, before or b"")
    if before is None or not found:
        return None
    after, made = _without(before, found)
    if after or not made:
        _write(path, after)
        return Change(path, "written")
    _remove(path, int(made.group(1) or 0))
    return Change(path, "removed")


def _without(before: bytes, found: re.Match[bytes]) -> Tuple[bytes, Optional[re.Match[bytes]]]:
    head, note = before[: found.start()], found.group("note")
    if _ENDED in note and head.endswith(b"\n"):
        head = head[:-1]
    return head + before[found.end() :], _MADE.search(note)


def _find(path: Path, contents: bytes) -> Optional[re.Match[bytes]]:
    found = _BLOCK.search(contents)
    if not found and (BEGIN in contents or END in contents):
        raise UserError(f"{path} has only one of goxray's two marker lines: take it out by hand")
    return found


def _contents(path: Path) -> Optional[bytes]:
    """The file's bytes, or None if there is none; UserError if it can't be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None


def _missing_directories(path: Path) -> int:
    return sum(not parent.exists() for parent in path.parents)


def _write(path: Path, contents: bytes) -> None:
    """Replace the file whole; a symbolic link goes on pointing to what it points to."""
    real = Path(os.path.realpath(path))
    temporary = real.with_name(f".{real.name}.goxray-{os.getpid()}")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(contents)
        if real.exists():
            os.chmod(temporary, real.stat().st_mode & 0o7777)
        os.replace(temporary, real)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


def _remove(path: Path, directories: int) -> None:
    try:
        path.unlink()
        for parent in list(path.parents)[:directories]:
            parent.rmdir()
    except OSError as error:
        # A directory that is in use by now stays.
        if path.exists():
            raise UserError(f"cannot remove {path}: {error.strerror}") from None
