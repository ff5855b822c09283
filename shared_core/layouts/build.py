"""One build of a probe program as its symbol table and its code show it: what the choice of anchors starts from."""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Set

from ..arch import get_arch
from ..arch.refs import data_refs, distinct_targets
from ..binary.elf import ElfImage
from ..binary.elfsymbols import STT_FUNC, STT_OBJECT

_PACKAGES = ("runtime.", "os.", "syscall.", "time.", "internal/")
_NUMBERED = re.compile(r"\.(func|gowrap|deferwrap|init\.)?\d")
_MAX_CODE = 6000  # bytes: short functions are quick to disassemble and have few accesses to count wrong
_ABI0 = ".abi0"


class Place(NamedTuple):
    """A symbol's address in the file and its size in bytes."""

    address: int
    size: int


class SymbolTable(NamedTuple):
    """functions and variables by name; twice: the names that two functions share."""

    functions: Dict[str, Place]
    variables: Dict[str, Place]
    twice: Set[str]


class Build(NamedTuple):
    """One build of a probe program, seen as the data that its functions name.

    targets: function -> its distinct data addresses in order.  globals: global -> address and size.
    sizes: function -> bytes of code.  twice: functions that share their name with another.
    """

    targets: Dict[str, List[int]]
    globals: Dict[str, Place]
    sizes: Dict[str, int]
    twice: Set[str]


def read_build(image: ElfImage) -> Build:
    """The Build of an ELF file that has a symbol table; ReadError where its code lies outside the file."""
    arch = get_arch(image.arch)
    table = symbol_table(image)
    targets: Dict[str, List[int]] = {}
    for name, place in table.functions.items():
        if _usable(name, place):
            targets[name] = distinct_targets(data_refs(arch, bytes(image.bytes(*place)), place.address))
    sizes = {name: table.functions[name].size for name in targets}
    return Build(targets, table.variables, sizes, table.twice)


def symbol_table(image: ElfImage) -> SymbolTable:
    """The functions under the names that pclntab gives them.

    It names a function and its wrapper for the other calling convention ("f.abi0" here) alike; the longer one is the
    function.
    """
    table = SymbolTable({}, {}, set())
    for symbol in image.symbols():
        place = Place(symbol.address, symbol.size)
        if symbol.kind == STT_FUNC:
            name = symbol.name[: -len(_ABI0)] if symbol.name.endswith(_ABI0) else symbol.name
            if name in table.functions:
                table.twice.add(name)
            table.functions[name] = max(table.functions.get(name, place), place, key=lambda p: p.size)
        elif symbol.kind == STT_OBJECT:
            table.variables.setdefault(symbol.name, place)
    return table


def _usable(name: str, place: Place) -> bool:
    """Named functions of the runtime and its neighbours; not closures, whose numbering follows the inliner."""
    return name.startswith(_PACKAGES) and not _NUMBERED.search(name) and 0 < place.size <= _MAX_CODE
