"""A layout document out of a Go program that has DWARF (4 or 5, compressed or not)."""

from __future__ import annotations

import struct
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..binary.elf import ElfImage
from ..errors import FormatError, LayoutError
from .constants import Constants
from .document import SCHEMA, Document
from .dwarf_index import DwarfIndex, byte_size, die_name
from .enums import REQUIRED_ENUMS, REQUIRED_SCALARS, enum_entries, scalar_entries
from .flatten import struct_entries
from .gosource import GoConstants
from .wanted import REQUIRED_STRUCTS

_MAX_STRINGS = 4096
_MAX_STRING = 4096  # bytes


def document_from_elf(
    image: ElfImage, go: str, source: Optional[GoConstants] = None, supplement: Optional[Mapping[str, Any]] = None
) -> Document:
    """The document (without globals) for Go minor version `go` from the DWARF of `image`.

    What the linker left out of DWARF comes from the toolchain's sources if given, else from `supplement`, a document
    of a near version. LayoutError names what is in neither.
    """
    index = _index(image)
    constants = Constants(index.constants, source)
    enums = enum_entries(
        constants, lambda name: _strings(image, index, name), lambda name: _numbers(image, index, name)
    )
    scalars = scalar_entries(constants)
    if supplement is not None:
        enums = {**_numbered(supplement.get("enums", {})), **enums}
        scalars = {**supplement.get("constants", {}), **scalars}
    document = {
        "schema": SCHEMA,
        "go": go,
        "arch": image.arch,
        "structs": struct_entries(index),
        "enums": enums,
        "constants": scalars,
        "globals": dict(supplement.get("globals", {})) if supplement is not None else {},
    }
    _demand_complete(document)
    return document


def _index(image: ElfImage) -> DwarfIndex:
    info = image.dwarf_info()
    if info is None:
        raise LayoutError("the binary has no DWARF")
    return DwarfIndex(info)


def _demand_complete(document: Document) -> None:
    wanted: Tuple[Tuple[str, Tuple[str, ...]], ...] = (
        ("structs", REQUIRED_STRUCTS),
        ("enums", REQUIRED_ENUMS),
        ("constants", REQUIRED_SCALARS),
    )
    missing = [name for part, names in wanted for name in names if name not in document[part]]
    if missing:
        raise LayoutError(f"neither DWARF nor the sources of go{document['go']} have {', '.join(missing)}")


def _strings(image: ElfImage, index: DwarfIndex, name: str) -> List[str]:
    """The strings of a package variable of type [N]string; [] where the program has no such variable."""
    variable = index.variable(name)
    if variable is None or not die_name(variable[1]).endswith("]string"):
        return []
    address, kind = variable
    count = byte_size(kind) // 16
    if count > _MAX_STRINGS:
        raise FormatError(f"{name} has {count} strings")
    headers = struct.iter_unpack("<QQ", image.relocated(address, count * 16))
    return [_string(image, start, length) for start, length in headers]


def _numbers(image: ElfImage, index: DwarfIndex, name: str) -> List[int]:
    """The numbers of a package variable of type [N]uint16; [] where the program has no such variable."""
    variable = index.variable(name)
    if variable is None or not die_name(variable[1]).endswith("]uint16"):
        return []
    address, kind = variable
    count = byte_size(kind) // 2
    if count > _MAX_STRINGS:
        raise FormatError(f"{name} has {count} numbers")
    return list(struct.unpack(f"<{count}H", image.bytes(address, count * 2)))


def _string(image: ElfImage, address: int, length: int) -> str:
    """The Go string there; "" for one of a length that no name has."""
    return str(image.bytes(address, length), "utf-8", "replace") if 0 < length <= _MAX_STRING else ""


def _numbered(enums: Mapping[str, Mapping[Any, str]]) -> Dict[str, Dict[int, str]]:
    return {name: {int(number): text for number, text in values.items()} for name, values in enums.items()}
