"""Places: the checkout, the user's cache, and directories that are filled once and then only read."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests" / "programs"
GDB_EXTENSION = ROOT / "gdb_go_ext" / "__init__.py"
DONE = ".done"  # written last: a directory without it was left behind by an interrupted run
KEEP_SECONDS, KEEP_BYTES = 14 * 24 * 3600, 16 << 30


class FixtureError(AssertionError):
    """A fixture cannot be made; the text says which tool or program failed and how."""


def cache_root() -> Path:
    """<user's cache>/goxray, as scripts/lib.sh has it."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "goxray"


def digest(*parts: object) -> str:
    """A short name for everything that goes into a fixture."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on `path`; other processes (pytest's workers) wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def filled(name: str, fill: Callable[[Path], None]) -> Path:
    """The fixture directory called `name`, filled by `fill(directory)` when it is not there yet.

    It is filled in place, since Go records the paths of sources; DONE tells a whole one from a part of one.
    """
    root = cache_root() / "fixtures"
    place = root / name
    with locked(root / f"{name}.lock"):
        if not (place / DONE).exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            fill(place)
        (place / DONE).touch()
    return place


def prune() -> None:
    """Removes fixtures that nothing has asked for in two weeks, and beyond 16 GiB those unused for longest.

    Every edit of a program makes new ones, cores among them.
    """
    newest_first = sorted(((done.stat().st_mtime, done.parent) for done in _finished()), reverse=True)
    old, total = time.time() - KEEP_SECONDS, 0
    for used, place in newest_first:
        total += sum(each.stat().st_blocks * 512 for each in place.rglob("*") if each.is_file())
        if used < old or total > KEEP_BYTES:
            shutil.rmtree(place, ignore_errors=True)


def _finished() -> Iterator[Path]:
    return (cache_root() / "fixtures").glob(f"*/{DONE}")
