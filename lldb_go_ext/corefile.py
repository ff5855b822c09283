"""The core file behind an lldb process, for what lldb does not tell of it: mapped files, the auxiliary vector."""

from __future__ import annotations

import os
from typing import Any, Iterator, Optional

from shared_core.binary.elf import ElfImage
from shared_core.errors import FormatError
from shared_core.targets import procfs
from shared_core.targets.corenotes import CoreNotes

from .process import path_of

_MAX_THREADS = 64


def notes_of(process: Any) -> Optional[CoreNotes]:
    """The notes of its file; None where it cannot be told which that is, or it is no ELF file."""
    tids = {process.GetThreadAtIndex(i).GetThreadID() for i in range(min(process.GetNumThreads(), _MAX_THREADS))}
    for path in _candidates(process):
        try:
            notes = CoreNotes(ElfImage.open(path))
        except FormatError:
            continue
        if tids and tids <= {thread.tid for thread in notes.threads}:
            return notes
    return None


def _candidates(process: Any) -> Iterator[str]:
    """Paths of what may be its core file, the likeliest first."""
    if hasattr(process, "GetCoreFile"):  # since lldb 18
        path = path_of(process.GetCoreFile())
        if path:
            yield path
        return
    # Earlier ones do not say, but have mapped the file.
    yield from dict.fromkeys(m.path for m in procfs.mappings(os.getpid()) if m.path and m.path.startswith("/"))
