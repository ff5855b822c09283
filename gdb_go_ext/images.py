"""Which executables are loaded, and where: from gdb's object files, the auxiliary vector and the ELF headers."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Optional, Sequence

import gdb

from shared_core.binary.elf import ElfImage
from shared_core.target import CORE, FILE, Image, Mapping
from shared_core.targets import procfs
from shared_core.targets.images import Read, main_images, opened, recorded_path, shared_images

from . import inferior as inferiors


def of_inferior(inferior: Any, mappings: Sequence[Mapping], read: Read) -> List[Image]:
    """The main executable first, then the shared objects that gdb has opened."""
    path, kind = inferiors.executable(inferior), inferiors.kind(inferior)
    auxv = parse_auxv(inferiors.ask("info auxv")) if kind != FILE else {}
    image = opened(path)
    alone = image is None and kind == CORE
    if alone:
        path = recorded_path(auxv, mappings)
        image = opened(path)
    if image is None and inferiors.is_native(inferior):
        # In a container, or deleted: the kernel still has it.
        path = procfs.executable(inferior.pid)
        image = opened(path)
    if alone:
        shared = shared_images(mappings, path, lambda mapping: mapping.path)
    else:
        shared = _shared(path, mappings) if path and image else []
    if kind == FILE:
        return [Image(path, 0, _build_id(path)), *shared] if path and image else []
    build_id = _build_id(path) if path else None
    return main_images(path, image, auxv, mappings, read, lambda: _bias(image), build_id) + shared


_AUXV = re.compile(r"^(\d+)\s+\S+\s.*?\s(0x[0-9a-f]+|\d+)(?:\s+\".*)?$", re.M)


def parse_auxv(text: str) -> Dict[int, int]:
    """`info auxv`: type -> value."""
    return {int(kind): int(value, 0) for kind, value in _AUXV.findall(text)}


def _bias(image: Optional[ElfImage]) -> Optional[int]:
    """What gdb itself adds to the file's addresses: it shows the entry point where it holds it to be."""
    found = re.search(r"Entry point: 0x([0-9a-f]+)", inferiors.ask("info files"))
    return int(found.group(1), 16) - image.entry if found and image else None


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
        image = opened(name) if start is not None else None
        if image and start is not None:
            found.append(Image(name, start - image.base(), objfile.build_id or None))
    return found
