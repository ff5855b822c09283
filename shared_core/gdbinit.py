"""The lines in gdb's start-up file that make `source gdb_go_ext` work from any directory.

gdb's `source NAME` looks for a file along its source path, and `directory DIR` puts DIR there. gdb_go_ext/start holds
a file of that name. The lines stand between two markers; the first one also says what must be undone besides.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

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


def start_directory() -> Path:
    """The directory that holds the file which `source gdb_go_ext` finds; UserError if it is missing."""
    directory = Path(__file__).resolve().parent.parent / "gdb_go_ext" / "start"
    if not (directory / "gdb_go_ext").is_file():
        raise UserError(f"{directory}/gdb_go_ext is missing: install goxray again")
    return directory


def lines() -> str:
    """The lines for gdb's start-up file, without markers.

    The second one tells where goxray's dependencies are, since gdb's own Python knows nothing of a venv.
    """
    found = [f"directory {_quoted(start_directory())}"]
    spec = find_spec("elftools")
    if spec is not None and spec.origin:
        found.append(f"set $_goxray_packages = {_quoted(Path(spec.origin).parent.parent)}")
    return "\n".join(found) + "\n"


def _quoted(path: Path) -> str:
    """`path` as gdb reads it in `directory` and in an expression alike; UserError if it can't be spelled there."""
    if any(char in str(path) for char in ':"\\\n'):
        raise UserError(f"gdb's source path cannot hold {str(path)!r}")
    return f'"{path}"'


def block(note: str = "") -> str:
    """The lines between their markers."""
    head = f"{BEGIN.decode()} written by `goxray install-gdb`, taken out by `goxray uninstall-gdb`"
    return f"{head}{' ' + note if note else ''}\n{lines()}{END.decode()}\n"


def startup_file() -> Path:
    """The start-up file that gdb reads.

    gdb 11 and later read $XDG_CONFIG_HOME/gdb/gdbinit, and only where that is missing ~/.gdbinit. A user who has just
    the latter must not have it shadowed by a new file, so the lines go into it.
    """
    modern, old = _config_home() / "gdb" / "gdbinit", Path.home() / ".gdbinit"
    return old if old.exists() and not modern.exists() else modern


def _config_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def install() -> Change:
    """Write the lines, or bring those that are there up to date; everything else in the file stays as it is."""
    path = startup_file()
    before = _contents(path)
    found = _find(path, before or b"")
    if found:
        old = found.group("note")
        note = b"".join(part.group() for part in [_MADE.search(old)] if part).decode()
        note += f" {_ENDED.decode()}" if _ENDED in old else ""
        after = (before or b"")[: found.start()] + block(note.strip()).encode() + (before or b"")[found.end() :]
    else:
        after = _appended(path, before)
    if after == before:
        return Change(path, "unchanged")
    _write(path, after)
    return Change(path, "written")


def _appended(path: Path, before: Optional[bytes]) -> bytes:
    if before is None:
        missing = _missing_directories(path)
        also = f" and {missing} of its directories" if missing else ""
        return block(f"(made this file{also})").encode()
    if before and not before.endswith(b"\n"):
        return before + b"\n" + block(_ENDED.decode()).encode()
    return before + block().encode()


def uninstall() -> List[Change]:
    """Take the lines out of every start-up file that has them, and remove a file that held nothing else and was
    made by `install`."""
    candidates = [_config_home() / "gdb" / "gdbinit", Path.home() / ".gdbinit"]
    return [change for path in candidates for change in _uninstall_from(path)]


def _uninstall_from(path: Path) -> List[Change]:
    before = _contents(path)
    found = _find(path, before or b"")
    if before is None or not found:
        return []
    after, made = _without(before, found)
    if after or not made:
        _write(path, after)
        return [Change(path, "written")]
    _remove(path, int(made.group(1) or 0))
    return [Change(path, "removed")]


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
