"""Which executables are loaded, and where: from gdb's object files, the auxiliary vector and the ELF headers."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Optional, Sequence

import gdb

from shared_core.binary.elf import ElfImage
from shared_core.binary.loadbias import load_bias
from shared_core.errors import FormatError
from shared_core.target import FILE, Image, Mapping
from shared_core.targets import procfs
from shared_core.targets.images import Read, header_in_memory

from . import inferior as inferiors


def of_inferior(inferior: Any, mappings: Sequence[Mapping], read: Read) -> List[Image]:
    """The main executable first, then the shared objects that gdb has opened."""
    path = inferiors.executable(inferior)
    live = inferiors.kind(inferior) != FILE
    auxv = parse_auxv(inferiors.ask("info auxv")) if live else {}
    image = _opened(path) if path else None
    if image is None and inferiors.is_native(inferior):
        # In a container, or deleted: the kernel still has it.
        path = procfs.executable(inferior.pid)
        image = _opened(path) if path else None
    if path and image:
        bias = _load_bias(image, auxv) if live else 0
        return [Image(path, bias, _build_id(path)), *_shared(path, mappings)]
    start = header_in_memory(auxv, mappings, read)
    return [Image(None, start)] if start is not None else []


_AUXV = re.compile(r"^(\d+)\s+\S+\s.*?\s(0x[0-9a-f]+|\d+)(?:\s+\".*)?$", re.M)


def parse_auxv(text: str) -> Dict[int, int]:
    """`info auxv`: type -> value."""
    return {int(kind): int(value, 0) for kind, value in _AUXV.findall(text)}


def _opened(path: str) -> Optional[ElfImage]:
    """The file at `path`; None when it is not at hand or nothing to read.

    gdb may name a file that is on another machine ("target:/usr/bin/prog").
    """
    try:
        return ElfImage.open(path)
    except FormatError:
        return None


def _load_bias(image: ElfImage, auxv: Dict[int, int]) -> int:
    """What to add to the file's addresses."""
    bias = load_bias(image, auxv)
    if bias is not None:
        return bias
    # No auxiliary vector (a bare remote stub): gdb shows the entry point where it holds it to be.
    found = re.search(r"Entry point: 0x([0-9a-f]+)", inferiors.ask("info files"))
    return int(found.group(1), 16) - image.entry if found else 0


def _build_id(path: str) -> Optional[str]:
    for objfile in gdb.objfiles():
        if objfile.filename == path:
            return objfile.build_id or None
    return None


def _shared(main: str, mappings: Sequence[Mapping]) -> List[Image]:
    """Shared objects: gdb names the files, the mappings say where each one starts."""
    starts = {mapping.path: mapping.start for mapping in reversed(mappings) if mapping.path and mapping.offset == 0}
    found = []
    for objfile in gdb.objfiles():
        name = objfile.filename
        start = starts.get(name, starts.get(os.path.realpath(name))) if name and name != main else None
        image = _opened(name) if start is not None else None
        if image and start is not None:
            found.append(Image(name, start - image.base(), objfile.build_id or None))
    return found
