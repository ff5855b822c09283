"""Which executables are loaded, and where: from lldb's modules, the auxiliary vector and the ELF headers."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Sequence

import lldb

from shared_core.target import Image, Mapping
from shared_core.targets import procfs
from shared_core.targets.corenotes import CoreNotes
from shared_core.targets.images import Read, main_images, opened, recorded_path

from . import process as processes

_GNU_BUILD_ID = 20  # bytes; lldb has a checksum of 4 for a file without one


def of_process(target: Any, notes: Optional[CoreNotes], mappings: Sequence[Mapping], read: Read) -> List[Image]:
    """The main executable first, then the shared objects that lldb has opened."""
    process, path = target.GetProcess(), processes.executable(target)
    auxv = _auxiliary_vector(process, notes)
    image = opened(path)
    if image is None and processes.is_native(process):
        # In a container, or deleted: the kernel still has it.
        path = procfs.executable(process.GetProcessID())
        image = opened(path)
    if image is None and notes is not None:
        path = recorded_path(auxv, mappings)
        image = opened(path)
    main = target.FindModule(target.GetExecutable())

    def told() -> Optional[int]:
        return bias_of(target, main)

    build_id = _build_id(main) if main.IsValid() else None
    found = main_images(path, image, auxv, mappings, read, told, build_id)
    return [*found, *(_shared(target, path) if path and image else ())]


def _auxiliary_vector(process: Any, notes: Optional[CoreNotes]) -> Dict[int, int]:
    """type -> value; empty where lldb keeps it to itself."""
    if notes is not None:
        return notes.auxv
    return procfs.auxiliary_vector(process.GetProcessID()) if processes.is_native(process) else {}


def bias_of(target: Any, module: Any) -> Optional[int]:
    """What lldb adds to a module's addresses; None for one that is not loaded."""
    header = module.GetObjectFileHeaderAddress()
    loaded, linked = header.GetLoadAddress(target), header.GetFileAddress()
    return None if lldb.LLDB_INVALID_ADDRESS in (loaded, linked) else int(loaded - linked)


def _build_id(module: Any) -> Optional[str]:
    text = (module.GetUUIDString() or "").replace("-", "").lower()
    return text if len(text) == 2 * _GNU_BUILD_ID else None


def _shared(target: Any, main: str) -> Iterator[Image]:
    for index in range(target.GetNumModules()):
        module = target.GetModuleAtIndex(index)
        path = processes.path_of(module.GetFileSpec())
        bias = bias_of(target, module) if path and path != main else None
        if path and bias is not None and opened(path):
            yield Image(path, bias, _build_id(module))
