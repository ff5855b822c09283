"""The lines in lldb's start-up file that make `command script import lldb_go_ext` work from any directory.

lldb looks for a name that is no file along Python's sys.path. lldb_go_ext/start holds a module of that name, which
stands for the package around it: nothing else of the directory that holds the package comes onto sys.path.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import List

from . import startup
from .errors import UserError
from .startup import Change


def start_directory() -> Path:
    """The directory that holds the module which `command script import` finds; UserError if it is missing."""
    directory = Path(__file__).resolve().parent.parent / "lldb_go_ext" / "start"
    if not (directory / "lldb_go_ext.py").is_file():
        raise UserError(f"{directory}/lldb_go_ext.py is missing: install goxray again")
    return directory


def lines() -> str:
    """The lines for lldb's start-up file, without markers.

    The second one tells where goxray's dependencies are, since lldb's own Python knows nothing of a venv.
    """
    found = [f"script import sys; sys.path.append({_quoted(start_directory())})"]
    spec = find_spec("elftools")
    if spec is not None and spec.origin:
        found.append(f"script import lldb; lldb.goxray_packages = {_quoted(Path(spec.origin).parent.parent)}")
    return "\n".join(found) + "\n"


def _quoted(path: Path) -> str:
    """`path` as Python reads it; UserError where lldb would see an expression of its own in it, or the line's end."""
    if any(char in str(path) for char in "`\n"):
        raise UserError(f"lldb's start-up file cannot hold {str(path)!r}")
    return repr(str(path))


def block() -> str:
    """The lines between their markers."""
    return startup.block("lldb", lines())


def startup_file() -> Path:
    """The start-up file that every front end of lldb reads."""
    return Path.home() / ".lldbinit"


def install() -> Change:
    """Write the lines, or bring those that are there up to date."""
    return startup.put(startup_file(), "lldb", lines())


def uninstall() -> List[Change]:
    """Take the lines out again."""
    change = startup.take_out(startup_file())
    return [] if change is None else [change]
