"""The core file behind an lldb process, for what lldb does not tell of it: mapped files, the auxiliary vector."""

from __future__ import annotations

import os
from typing import Any, Iterator, List, NamedTuple, Optional

import lldb

from shared_core.binary.elf import ElfImage
from shared_core.errors import FormatError, ReadError
from shared_core.targets import procfs
from shared_core.targets.corenotes import CoreNotes
from shared_core.targets.held import Range, held_ranges, left_out, remarks_on

from .process import path_of

_MAX_THREADS = 64
_STACK = 64


class CoreFile(NamedTuple):
    """missing: [start, end) of the address space, ascending, that is not in the file. remarks: on it, for the user."""

    notes: CoreNotes
    missing: List[Range]
    remarks: List[str]


def core_file_of(process: Any) -> Optional[CoreFile]:
    """Its file; None where it cannot be told which that is, or it is no ELF file."""
    for path in _candidates(process):
        try:
            core = ElfImage.open(path)
            notes = CoreNotes(core)
        except FormatError:
            continue
        if _holds(process, core, notes):
            return CoreFile(notes, left_out(held_ranges(core)), remarks_on(core))
    return None


def _holds(process: Any, core: ElfImage, notes: CoreNotes) -> bool:
    """Whether the process has the memory that the file has, where the stacks of its first threads are.

    lldb's threads may be goroutines, and are not to be asked for while their list is being made.
    """
    for thread in notes.threads[:_MAX_THREADS]:
        sp = thread.registers.get("rsp", thread.registers.get("sp")) or 0
        try:
            expected = core.bytes(sp, _STACK)
        except ReadError:
            continue  # a core that was cut
        return bool(process.ReadMemory(sp, _STACK, lldb.SBError()) == expected)
    return _tells(process)


def _tells(process: Any) -> bool:
    """Whether lldb says which file it has: since 18."""
    return hasattr(process, "GetCoreFile")


def _candidates(process: Any) -> Iterator[str]:
    """Paths of what may be its core file, the likeliest first."""
    if _tells(process):
        path = path_of(process.GetCoreFile())
        if path:
            yield path
        return
    # Earlier ones do not say, but have mapped the file.
    yield from dict.fromkeys(m.path for m in procfs.mappings(os.getpid()) if m.path and m.path.startswith("/"))
