"""The lines in gdb's start-up file that make `source gdb_go_ext` work from any directory.

gdb's `source NAME` looks for a file along its source path, and `directory DIR` puts DIR there. gdb_go_ext/start holds
a file of that name.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import List

from . import startup
from .errors import UserError
from .startup import Change


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


def block() -> str:
    """The lines between their markers."""
    return startup.block("gdb", lines())


def startup_file() -> Path:
    """The start-up file that gdb reads.

    gdb 11 and later read $XDG_CONFIG_HOME/gdb/gdbinit, and only where that is missing ~/.gdbinit. A user who has just
    the latter must not have it shadowed by a new file, so the lines go into it.
    """
    modern, old = _modern_file(), Path.home() / ".gdbinit"
    return old if old.exists() and not modern.exists() else modern


def _modern_file() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "gdb" / "gdbinit"


def install() -> Change:
    """Write the lines, or bring those that are there up to date."""
    return startup.put(startup_file(), "gdb", lines())


def uninstall() -> List[Change]:
    """Take the lines out of every start-up file that has them."""
    changes = [startup.take_out(path) for path in (_modern_file(), Path.home() / ".gdbinit")]
    return [change for change in changes if change is not None]
