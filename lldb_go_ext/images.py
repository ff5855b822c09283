"""Which executables are loaded, and where: from lldb's modules, the auxiliary vector and the ELF headers."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Sequence

import lldb

from shared_core.binary.elf import ElfImage
from shared_core.binary.loadbias import load_bias
from shared_core.errors import FormatError
from shared_core.target import Image, Mapping
from shared_core.targets import procfs
from shared_core.targets.corenotes import CoreNotes
from shared_core.targets.images import Read, header_in_memory

from . import process as processes

_GNU_BUILD_ID = 20  # bytes; lldb has a checksum of 4 for a file without one


def of_process(target: Any, notes: Optional[CoreNotes], mappings: Sequence[Mapping], read: Read) -> List[Image]:
    """The main executable first, then the shared objects that lldb has opened."""
    process, path = target.GetProcess(), processes.executable(target)
    auxv = _auxiliary_vector(process, notes)
    image = _opened(path) if path else None
    if image is None and processes.is_native(process):
        # In a container, or deleted: the kernel still has it.
        path = procfs.executable(process.GetProcessID())
        image = _opened(path) if path else None
    if path and image:
        main = target.FindModule(target.GetExecutable())
        return [Image(path, _main_bias(target, main, image, auxv), _build_id(main)), *_shared(target, path)]
    start = header_in_memory(auxv, mappings, read)
    return [Image(None, start)] if start is not None else []


def _auxiliary_vector(process: Any, notes: Optional[CoreNotes]) -> Dict[int, int]:
    """type -> value; empty where lldb keeps it to itself."""
    if notes is not None:
        return notes.auxv
    return procfs.auxiliary_vector(process.GetProcessID()) if processes.is_native(process) else {}


def _opened(path: str) -> Optional[ElfImage]:
    """The file at `path`; None when it is not at hand or nothing to read."""
    try:
        return ElfImage.open(path)
    except FormatError:
        return None


def _main_bias(target: Any, module: Any, image: ElfImage, auxv: Dict[int, int]) -> int:
    """What to add to the file's addresses: by the kernel's word, else by lldb's."""
    bias = load_bias(image, auxv)
    return bias if bias is not None else _bias(target, module) or 0


def _bias(target: Any, module: Any) -> Optional[int]:
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
        bias = _bias(target, module) if path and path != main else None
        if path and bias is not None and _opened(path):
            yield Image(path, bias, _build_id(module))
