"""Which files are cores and which are programs, among files and directories that were named."""

from __future__ import annotations

import os
import re
import struct
from typing import List, NamedTuple, Optional, Sequence

from ..errors import UserError

_ET_EXEC, _ET_DYN, _ET_CORE = 2, 3, 4
_MAX_ENTRIES = 20_000
_MAX_EXES = 64
# As kernels, qemu, gcore and systemd-coredump name them.
_LIKE_A_CORE = re.compile(r"core(\.[^/]*)?|[^/]*\.core(\.\d+)?|vgcore\.\d+|[^/]*\.dmp", re.IGNORECASE)
_PACKED = {b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4", b"\xfd7zX": "xz", b"\x1f\x8b\x08": "gzip"}
_SOURCE_OR_TEXT = (".go", ".py", ".txt", ".md", ".json", ".html", ".xml", ".log", ".sh", ".c", ".h", ".yaml", ".yml")


class Places(NamedTuple):
    """cores: files to look into, some of them perhaps none. exes: programs; notes: what the user should know."""

    cores: List[str]
    exes: List[str]
    notes: List[str]


def find(words: Sequence[str], exes: Sequence[str]) -> Places:
    """The cores among `words`, files and directories (whose files are looked at, and not theirs); and programs.

    A file that is no program is taken for a core: that it is none is then said of it. UserError for what is not there.
    """
    cores: List[str] = []
    programs = list(exes)
    notes: List[str] = []
    for word in exes:
        if elf_kind(word) not in (_ET_EXEC, _ET_DYN):
            raise UserError(f"--exe {word}: {_what_it_is(word)}")
    for word in words:
        if os.path.isdir(word):
            found = _in_directory(word)
            cores += found.cores
            programs += found.exes
            notes += found.notes
        elif not os.path.exists(word):
            raise UserError(f"{word}: no such file")
        elif elf_kind(word) in (_ET_EXEC, _ET_DYN):
            programs.append(word)
        else:
            cores.append(word)
    if len(programs) > _MAX_EXES:
        notes.append(f"{len(programs)} programs; only the first {_MAX_EXES} are tried")
    return Places(list(dict.fromkeys(cores)), list(dict.fromkeys(programs))[:_MAX_EXES], notes)


def _in_directory(path: str) -> Places:
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    notes = [f"{path}: {len(names)} files, of which {_MAX_ENTRIES} are looked at"] if len(names) > _MAX_ENTRIES else []
    cores, exes = [], []
    for name in names[:_MAX_ENTRIES]:
        file = os.path.join(path, name)
        if not os.path.isfile(file):
            continue
        kind = elf_kind(file)
        # One that has the name of a core and is none is damaged, and must not pass unseen.
        if kind == _ET_CORE or (kind is None and _LIKE_A_CORE.fullmatch(name) and not name.endswith(_SOURCE_OR_TEXT)):
            cores.append(file)
        elif kind in (_ET_EXEC, _ET_DYN):
            exes.append(file)
    if not cores:
        notes.append(f"no core files in {path}")
    return Places(cores, exes, notes)


def elf_kind(path: str) -> Optional[int]:
    """e_type of an ELF file; None for anything else."""
    head = _head(path)
    return int(struct.unpack_from("<H", head, 16)[0]) if head[:4] == b"\x7fELF" and len(head) == 18 else None


def why_no_core(path: str) -> str:
    """What keeps the file from being looked at as a core; "" where nothing does so far."""
    return "" if elf_kind(path) == _ET_CORE else _what_it_is(path)


def _what_it_is(path: str) -> str:
    head = _head(path)
    packed = next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
    if packed:
        return f"compressed with {packed}: unpack it first"
    if os.path.isfile(path) and not os.path.getsize(path):
        return "is empty"
    if not os.path.exists(path):
        return "no such file"
    return "is no program" if elf_kind(path) == _ET_CORE else "is no ELF core file"


def _head(path: str) -> bytes:
    try:
        # A pipe would keep us waiting.
        with open(path, "rb") if os.path.isfile(path) else open(os.devnull, "rb") as stream:
            return stream.read(18)
    except (OSError, ValueError):
        return b""
