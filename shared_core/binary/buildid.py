"""Build ids, by which one build of a program is told from another.

Sources: Go 1.27 cmd/internal/buildid/note.go (the Go note: name "Go", type 4); the GNU note, type 3, of binutils.
"""

from __future__ import annotations

import struct
from typing import Iterable, Iterator, NamedTuple, Optional, Tuple

from ..errors import FormatError, ReadError
from ..memory import Memory
from .elf import Buffer, ElfImage, image_from_memory

_NOTE = struct.Struct("<III")
_GO, _GNU = (b"Go\0\0", 4), (b"GNU\0", 3)
_MAX_NOTE = 1 << 12


class BuildIds(NamedTuple):
    """go: as `go tool buildid` prints it; gnu: in hex. "" where there is none."""

    go: str = ""
    gnu: str = ""

    def other_code(self, other: BuildIds) -> bool:
        """Whether the Go ids tell that the two were linked from different code.

        A Go id is the link's inputs/main's inputs/main's contents/the program's contents; the inputs of main include
        all that it imports, and not the linker's flags.
        """
        ours, theirs = self.go.split("/"), other.go.split("/")
        return len(ours) == len(theirs) == 4 and ours[1:3] != theirs[1:3]

    def __str__(self) -> str:
        known = [f"Go build id {self.go}" if self.go else "", f"build id {self.gnu}" if self.gnu else ""]
        return ", ".join(each for each in known if each) or "no build id"


def ids_of_file(image: ElfImage) -> BuildIds:
    """Those in the notes of an ELF file."""
    return _ids(notes for _, notes in image.notes())


def ids_in_memory(memory: Memory, base: int) -> Optional[BuildIds]:
    """Those of the image whose ELF header is at `base`; None when the memory does not have them."""
    try:
        image = image_from_memory(memory, base)
        bias = base - image.base()
        found = _ids([memory.read(address + bias, min(size, _MAX_NOTE)) for address, size in image.note_places()])
    except (FormatError, ReadError):
        return None
    return found if any(found) else None


def _ids(notes: Iterable[Buffer]) -> BuildIds:
    found = {kind: desc for data in notes for kind, desc in _each(bytes(data[:_MAX_NOTE]))}
    return BuildIds(found.get(_GO, b"").decode("ascii", "replace"), found.get(_GNU, b"").hex())


def _each(data: bytes) -> Iterator[Tuple[Tuple[bytes, int], bytes]]:
    """((name, type), descriptor) of each note."""
    at = 0
    while at + _NOTE.size <= len(data):
        name_size, size, kind = _NOTE.unpack_from(data, at)
        start = at + _NOTE.size + (name_size + 3 & -4)
        yield (data[at + _NOTE.size : at + _NOTE.size + name_size], kind), data[start : start + size]
        at = start + (size + 3 & -4)
